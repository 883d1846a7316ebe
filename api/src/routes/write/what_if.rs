//! What if 推演: a scenario handed in, watched, called off, and its result. Nothing of it is ever recorded.

use super::request::Incoming;
use crate::answer::shown;
use crate::auth::Caller;
use crate::jobs::{Job, Order, Refused, Stage};
use crate::node::Node;
use crate::problem::{FieldError, Kind, Problem, Text};
use crate::query::{FromParameters as _, Parameters};
use crate::rights;
use crate::routes::read::cases;
use crate::routes::read::replay::diff::Ask;
use crate::routes::read::replay::within_history;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, FixedOffset};
use domain::actor::Role;
use domain::ids::CaseId;
use replay::diff::End;
use replay::history::HistoryError;
use replay::moment::{Basis, Moment};
use replay::what_if::{Scenario, ScenarioError, Shown, Wanted, WhatIfError};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use ulid::Ulid;
use utoipa::ToSchema;

/// The most cases that one what-if touches; more are imagined by narrower scopes, one after the other.
const CASES_MAX: usize = 200_000;

/// A scenario, and what is shown of it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "scenario": "name = \"低保承诺 15 个工作日\"\n[[item]]\nid = \"FZ-001\"\npromised_limit = 15\n",
    "view": "processing-times", "ask": {"group_by": "step", "days_from": "2022-01-01"}
}))]
pub struct WhatIfBody {
    /// What is otherwise, as `docs/scenarios.md` describes it: TOML.
    pub scenario: String,
    /// `processing-times`, `queues`, `satisfaction`, `balance`, `oversight`, or `case:<id>`.
    pub view: String,
    /// What the view is asked, as the parameters of `GET /replay/diff`.
    #[serde(default)]
    pub ask: BTreeMap<String, String>,
    /// As recorded by this moment; now if absent.
    #[serde(default)]
    pub as_of: Option<DateTime<FixedOffset>>,
}

/// `POST /replay/what-if`
///
/// # Errors
/// The caller imagines nothing, the scenario or the question means nothing, or too many are waiting.
pub async fn submit(node: web::Data<Node>, caller: Caller, incoming: Incoming) -> Result<HttpResponse, Problem> {
    may_imagine(&caller)?;
    let body: WhatIfBody = incoming.read()?;
    let id = incoming.command.0;
    // The digest also tells who asks: the key is the caller's own choice, and what somebody else asked under it is theirs.
    let digest = incoming.asked(&node, &caller.actor, None).digest;
    if let Some(known) = node.reads.jobs.get(id) {
        return Ok(told(id, &known.repeated(digest)?, StatusCode::OK));
    }
    let views = &node.reads.views;
    let now = node.clock.now();
    let at = match body.as_of {
        Some(at) => within_history(views, "as_of", at.to_utc(), now).await?,
        None => now,
    };
    let shown = shown_of(&node, &caller, &body).await?;
    let scenario = Scenario::read(&body.scenario)?;
    let moment = Moment::At(at, Basis::Recorded);
    let slice = views.history().slice(moment).await.map_err(HistoryError::from)?;
    let within = views.today(|reference| {
        let root = rights::root(&caller)?;
        let tree = &reference.organisations;
        let below = || tree.subtree(root).chain([root]).cloned().collect();
        Ok::<_, Problem>((!rights::is_city(root, tree)).then(below))
    })?;
    let wanted = Wanted { scenario, shown, end: End { at, slice }, within, cases_max: CASES_MAX };
    let order = Order { owner: caller.actor.clone(), digest, now, wanted };
    let job = node.reads.jobs.submit(id, order, views.past().clone())?;
    Ok(told(id, &job, StatusCode::CREATED))
}

/// `GET /replay/what-if/{id}`
///
/// # Errors
/// There is no such job of the caller's.
pub async fn get(node: web::Data<Node>, caller: Caller, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let (id, job) = own(&node, &caller, &path)?;
    Ok(told(id, &job, StatusCode::OK))
}

/// `POST /replay/what-if/{id}/actions/cancel`
///
/// # Errors
/// There is no such job of the caller's.
pub async fn cancel(
    node: web::Data<Node>,
    caller: Caller,
    path: web::Path<String>,
    incoming: Incoming,
) -> Result<HttpResponse, Problem> {
    let (id, job) = own(&node, &caller, &path)?;
    incoming.object()?;
    node.reads.jobs.cancel(id);
    Ok(told(id, &job, StatusCode::OK))
}

fn may_imagine(caller: &Caller) -> Result<(), Problem> {
    match caller.actor.role {
        Role::Supervisor | Role::Analyst => Ok(()),
        _ => Err(Problem::new(Kind::Forbidden)),
    }
}

fn own(node: &Node, caller: &Caller, id: &str) -> Result<(Ulid, Job), Problem> {
    let id = Ulid::from_string(id).map_err(|_| Problem::not_found())?;
    let job = node.reads.jobs.get(id).filter(|job| job.is_of(&caller.actor));
    job.map(|job| (id, job)).ok_or_else(Problem::not_found)
}

async fn shown_of(node: &Node, caller: &Caller, body: &WhatIfBody) -> Result<Shown, Problem> {
    let mut named = body.ask.clone();
    named.insert("view".to_owned(), body.view.clone());
    let mut parameters = Parameters::of(&named);
    let ask = Ask::take(&mut parameters)?;
    parameters.finish()?;
    match ask.view.strip_prefix("case:") {
        Some(case) => {
            let case: CaseId = case.parse().map_err(|_| Problem::not_found())?;
            cases::visible(node, caller, case).await?;
            Ok(Shown::Case(case))
        }
        None => Ok(Shown::View(ask.question(node, caller)?)),
    }
}

fn told(id: Ulid, job: &Job, status: StatusCode) -> HttpResponse {
    let cases = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed);
    let mut body = json!({
        "id": id.to_string(),
        "submitted_at": shown(job.submitted_at),
        "position": job.position,
        "as_of": shown(job.as_of),
        "progress": {"cases": cases(&job.progress.done), "of": cases(&job.progress.total)},
    });
    let cancelled = job.progress.cancelled.load(Ordering::Relaxed);
    match &job.stage {
        Stage::Open if cancelled => body["state"] = Value::from("cancelled"),
        Stage::Open => body["state"] = Value::from("open"),
        Stage::Done(comparison) => {
            body["state"] = Value::from("done");
            body["result"] = json!(**comparison);
        }
        Stage::Failed(error) => {
            let stopped = matches!(**error, WhatIfError::Cancelled);
            body["state"] = Value::from(if stopped { "cancelled" } else { "failed" });
            if let WhatIfError::Scenario(ScenarioError { line, zh, en }) = &**error {
                body["error"] = json!({"line": line, "detail_zh": zh, "detail_en": en});
            } else if !stopped {
                body["error"] = json!({"detail_zh": "推演未完成", "detail_en": error.to_string()});
            }
        }
    }
    HttpResponse::build(status)
        .insert_header(("position", job.position))
        .insert_header(("cache-control", "private, no-store"))
        .json(body)
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::KnownOtherwise => Self::new(Kind::KeyReused),
            Refused::TooMany => {
                let detail = Text::new("等候的推演过多，请稍后再试", "too many what-ifs are waiting; try again later");
                Self::new(Kind::TooMany).detail(detail).retry_after(30)
            }
        }
    }
}

impl From<ScenarioError> for Problem {
    fn from(error: ScenarioError) -> Self {
        let ScenarioError { line, zh, en } = error;
        let detail = Text::new(format!("第 {line} 行：{zh}"), format!("line {line}: {en}"));
        Self::new(Kind::Invalid).errors(vec![FieldError::new("/scenario", detail)])
    }
}

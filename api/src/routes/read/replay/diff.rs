//! Two moments compared: what differs, and which facts made it so.

use super::within_history;
use crate::answer::{Stamp, shown};
use crate::auth::Caller;
use crate::node::Node;
use crate::problem::{FieldError, Kind, Problem, Text};
use crate::query::{FromParameters, Parameters, Query, invalid};
use crate::rights;
use crate::routes::read::cases;
use crate::routes::read::statistics::scope;
use crate::views::{Standing, When};
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use domain::ids::{CaseId, ItemId, OrganisationId};
use domain::zone::Instant;
use projections::processing_times::Cohort;
use projections::scope::{Attribution, Period};
use replay::diff::{Diff, DiffError, End, of_case, of_view};
use replay::history::HistoryError;
use replay::moment::{Basis, Moment, Slice};
use replay::question::{Question, QuestionError, ViewKind};
use serde_json::json;
use std::time::Duration;

/// How long a comparison waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is asked of a view, wherever a view is asked by name.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    /// The view's name, or `case:<id>`.
    pub(crate) view: String,
    group_by: Vec<String>,
    item: Option<ItemId>,
    organisation: Option<OrganisationId>,
    period: Option<Period>,
    cohort: Cohort,
    attribution: Attribution,
}

impl FromParameters for Ask {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        let group_by = parameters.text("group_by")?.unwrap_or_default();
        let (days_from, days_to) = (parameters.day("days_from")?, parameters.day("days_to")?);
        let period = match (days_from, days_to) {
            (None, None) => None,
            (Some(from), Some(to)) if to <= from => {
                let detail = Text::new("days_to 不晚于 days_from", "days_to does not lie after days_from");
                return Err(Problem::new(Kind::ReversedRange).errors(vec![FieldError::new("/days_to", detail)]));
            }
            (from, to) => {
                let all = Question::of(ViewKind::Queues).all_days();
                Some(Period { from: from.unwrap_or(all.from), to: to.unwrap_or(all.to) })
            }
        };
        let view = parameters.text("view")?;
        let named = || invalid("view", Text::new("须指明视图", "a view must be named"));
        Ok(Self {
            view: view.ok_or_else(named)?,
            group_by: group_by.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect(),
            item: parameters.one("item")?,
            organisation: parameters.one("org")?,
            period,
            cohort: parameters.word("cohort")?.unwrap_or_default(),
            attribution: parameters.word("attribution")?.unwrap_or_default(),
        })
    }
}

impl Ask {
    /// The question to a view, within what the caller may see.
    pub(crate) fn question(&self, node: &Node, caller: &Caller) -> Result<Question, Problem> {
        let view: ViewKind = self.view.parse()?;
        if view == ViewKind::Queues {
            rights::sees_cases(caller)?;
        }
        if self.group_by.iter().any(|word| matches!(word.as_str(), "clerk" | "staff")) {
            rights::sees_staff(caller)?;
        }
        let organisation = scope(&node.reads.views, caller, self.organisation.as_ref())?.within;
        let question = Question {
            view,
            group_by: self.group_by.clone(),
            period: self.period,
            item: self.item.clone(),
            organisation,
            attribution: self.attribution,
            cohort: self.cohort,
        };
        Ok(question.checked()?)
    }
}

/// The moment that the answer's own is compared with.
#[derive(Debug, Clone, Copy)]
struct Earlier {
    at: Instant,
    basis: Basis,
}

impl FromParameters for Earlier {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        let detail = Text::new("须给出对比的时间", "the moment to compare with is needed");
        let at = parameters.moment("from")?.ok_or_else(|| invalid("from", detail))?;
        Ok(Self { at, basis: parameters.one("from_basis")?.unwrap_or(Basis::Recorded) })
    }
}

/// What differs between `from` and the answer's own moment, and which facts made it so.
///
/// “As reported on 1 April” against “as known now”: `from` and `as_of` that day, `basis=effective`.
#[utoipa::path(
    get, path = "/api/v1/replay/diff", tag = "replay", security(("token" = [])),
    params(
        ("view" = String, Query, description = "`queues, processing-times, satisfaction, balance, oversight`, or `case:<id>`", example = "processing-times"),
        ("from" = String, Query, description = "The moment to compare with", example = "2022-04-01T09:00:00+08:00"),
        ("from_basis" = Option<String>, Query, description = "`recorded` (default) or `effective`"),
        ("group_by" = Option<String>, Query, description = "Dimensions of the view, comma-separated", example = "month"),
        ("days_from" = Option<String>, Query, description = "Only what counts from this day on", example = "2022-01-01"),
        ("days_to" = Option<String>, Query, description = "Only what counts before this day", example = "2022-04-01"),
        ("item" = Option<String>, Query, description = "Only this item", example = "FZ-001"),
        ("org" = Option<String>, Query, description = "Only this organisation and those under it", example = "361023"),
        ("cohort" = Option<String>, Query, description = "`finished` (default) or `accepted`"),
        ("attribution" = Option<String>, Query, description = "`intake`, `handling`, `deciding` (default) or `delivering`"),
        crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "Cells that differ, each with the positions of the facts behind it, and those facts", body = Object, example = json!({
        "position": 612345, "as_of": "2022-04-01T09:00:00.000+08:00", "view": "processing-times",
        "from": {"at": "2022-04-01T09:00:00.000+08:00", "basis": "recorded", "position": 401222},
        "facts": {"late-entry": 7, "correction": 1},
        "changes": [{"cell": "/rows/month=2022-03/n", "before": 412, "after": 419, "by": [401301, 401377], "facts": 7}],
        "truncated": false,
        "causes": [{"position": 401301, "subject": "case-01KH9Z6V0000000000000000AA", "event": "case-finished", "why": "late-entry",
            "occurred_at": "2022-03-30T08:00:00Z", "recorded_at": "2022-04-04T01:12:00Z", "role": "delivery-clerk", "organisation": "361023100"}]
    })))
)]
#[get("/replay/diff")]
pub(crate) async fn get_diff(
    node: Data<Node>,
    caller: Caller,
    Query((ask, from, when)): Query<(Ask, Earlier, When)>,
) -> Result<HttpResponse, Problem> {
    let views = &node.reads.views;
    let at = views.resolve(&when, &node.clock).await?;
    within_history(views, "from", from.at, node.clock.now()).await?;
    let to = end_of(&node, &at).await?;
    if to.at < from.at {
        let detail = Text::new("from 晚于 as_of", "from lies after as_of");
        return Err(Problem::new(Kind::ReversedRange).errors(vec![FieldError::new("/from", detail)]));
    }
    let moment = Moment::At(from.at, from.basis);
    let slice = views.history().slice(moment).await.map_err(HistoryError::from)?;
    let earlier = End { at: from.at, slice };
    let found = match ask.view.strip_prefix("case:") {
        Some(id) => {
            let id: CaseId = id.parse().map_err(|_| Problem::not_found())?;
            cases::visible(&node, &caller, id).await?;
            compared(&node, Compared::Case(id), earlier, to).await?
        }
        None => compared(&node, Compared::View(ask.question(&node, &caller)?), earlier, to).await?,
    };
    let Diff { changes, truncated, causes, facts } = found;
    let from = json!({ "at": shown(from.at), "basis": from.basis, "position": slice.through.0 });
    let body = json!({
        "view": ask.view, "from": from, "facts": facts, "changes": changes, "truncated": truncated, "causes": causes,
    });
    Ok(Stamp::new(&at, to.slice.through).json(&body))
}

/// The answer's own moment; the present ends where the log does.
async fn end_of(node: &Node, at: &Standing) -> Result<End, Problem> {
    let slice = match at.slice() {
        Some(slice) => slice,
        None => Slice::through(node.reads.views.history().head().await.map_err(HistoryError::from)?.position),
    };
    Ok(End { at: at.at, slice })
}

enum Compared {
    Case(CaseId),
    View(Question),
}

/// Compares off the threads that answer requests, a few at once.
async fn compared(node: &Node, what: Compared, from: End, to: End) -> Result<Diff, Problem> {
    let turn = tokio::time::timeout(PATIENCE, node.reads.comparisons.clone().acquire_owned()).await;
    let Ok(Ok(turn)) = turn else { return Err(Problem::new(Kind::Unavailable).retry_after(5)) };
    let past = node.reads.views.past().clone();
    let here = tokio::runtime::Handle::current();
    let comparing = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        here.block_on(async {
            match what {
                Compared::Case(case) => of_case(&past, case, &from, &to).await,
                Compared::View(question) => of_view(&past, &question, &from, &to).await,
            }
        })
    });
    Ok(comparing.await.map_err(|_| Problem::new(Kind::Internal))??)
}

impl From<QuestionError> for Problem {
    fn from(error: QuestionError) -> Self {
        let (name, zh) = match &error {
            QuestionError::NoSuchView(_) => ("view", "没有这个视图"),
            QuestionError::NoSuchDimension { .. } => ("group_by", "该视图没有这个分组"),
            QuestionError::Contradictory(_) => ("group_by", "分组与其他条件不相容"),
        };
        invalid(name, Text::new(zh, error.to_string()))
    }
}

impl From<DiffError> for Problem {
    fn from(error: DiffError) -> Self {
        match error {
            DiffError::History(error) => error.into(),
            DiffError::Index(error) => error.into(),
            DiffError::Question(error) => error.into(),
            DiffError::NoSuchCase(_) => Self::not_found(),
            DiffError::TooFarApart => {
                let detail = Text::new("两个时间相距过远，请缩短", error.to_string());
                Self::new(Kind::InvalidParameter).errors(vec![FieldError::new("/from", detail)])
            }
            DiffError::State(_) => {
                tracing::error!("two moments could not be compared: {error}");
                Self::new(Kind::Internal)
            }
        }
    }
}

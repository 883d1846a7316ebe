//! Ratings and the orders of bad ones: what was said, who looked into it, and how it ended. Never who said it.

use super::findings::{Found, Limits};
use crate::answer::{Stamp, shown};
use crate::auth::{Caller, Extent};
use crate::cursor::Page;
use crate::execute::folded;
use crate::node::Node;
use crate::problem::{Kind, Problem, Text};
use crate::query::{FromParameters, Parameters, Query, invalid};
use crate::rights;
use crate::views::{Standing, When};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use chrono::NaiveDate;
use domain::actor::Role;
use domain::clock::Light;
use domain::event::rating::{CallBackResult, Rated, RatingSubject, Satisfaction, Verdict};
use domain::event::{Event, RatingEvent};
use domain::fact::{Fact, Subject};
use domain::ids::{ItemId, OrganisationId, RatingId, StaffId, WindowId};
use domain::rating::{Order, OrderStep, Rating};
use domain::sealed::Sealed;
use domain::zone::day_of;
use replay::case_index::FindingKind;
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// How many streams are read from the log at once.
const STREAMS_AT_ONCE: usize = 16;

/// Which orders are asked for.
#[derive(Debug, Clone)]
struct OrdersQuestion {
    adopted: Option<bool>,
    verdict: Option<Verdict>,
    step: Option<OrderStep>,
    no_call_back: bool,
}

impl FromParameters for OrdersQuestion {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        let no_call_back = match parameters.text("call_back")?.as_deref() {
            None => false,
            Some("missing") => true,
            Some(_) => return Err(invalid("call_back", Text::new("应为 missing", "it can only be missing"))),
        };
        Ok(Self {
            adopted: parameters.yes_or_no("adopted")?,
            verdict: parameters.word("verdict")?,
            step: parameters.word("step")?,
            no_call_back,
        })
    }
}

impl OrdersQuestion {
    fn wants(&self, told: &Told) -> bool {
        let order = told.rating.order.as_ref();
        let verdict = told.rating.not_adopted.or(order.and_then(|order| order.verdict));
        let owed = order.is_some_and(|order| order.real_name && !order.reached && told.rating.not_adopted.is_none());
        self.adopted.is_none_or(|adopted| adopted == told.rating.not_adopted.is_none())
            && self.verdict.is_none_or(|wanted| verdict == Some(wanted))
            && self.step.is_none_or(|step| order.map(Order::step) == Some(step))
            && (!self.no_call_back || owed)
    }
}

/// Who did something on an order, and when.
#[derive(Debug, Clone, Serialize)]
struct Done {
    by: StaffId,
    organisation: OrganisationId,
    at: String,
}

impl Done {
    fn by(fact: &Fact) -> Self {
        Self { by: fact.by.id.clone(), organisation: fact.by.organisation.clone(), at: shown(fact.occurred_at) }
    }
}

/// A rating with its facts.
struct Told {
    id: RatingId,
    rating: Rating,
    facts: Arc<Vec<Fact>>,
}

impl Told {
    /// Reads a rating as it stood; nothing if there was none.
    async fn read(node: &Node, at: &Standing, id: RatingId) -> Result<Option<Self>, Problem> {
        let facts = node.reads.views.short_stream(at, &Subject::Rating(id.clone())).await?;
        let rating: Rating = folded(facts.iter());
        Ok(rating.rated.is_some().then_some(Self { id, rating, facts }))
    }

    fn last(&self, is: impl Fn(&RatingEvent) -> bool) -> Option<&Fact> {
        self.facts.iter().rev().find(|fact| matches!(&fact.event, Event::Rating(event) if is(event)))
    }

    /// Whether the caller may read the rater's own words, by which one may know who wrote them: who supervises, who answers
    /// for the order, and the rater. The unit that was rated is not told.
    fn shows_words_to(&self, caller: &Caller) -> bool {
        let assigned = self.rating.order.as_ref().and_then(|order| order.assignment.as_ref());
        let own = self.rating.rated.as_ref().and_then(|rated| rated.rater.clone());
        caller.actor.role == Role::Supervisor
            || assigned.is_some_and(|assignment| assignment.staff == caller.actor.id)
            || own.is_some_and(|rater| caller.scope.extent == Extent::Person(rater))
    }
}

/// An order as it goes out.
#[derive(Serialize)]
struct ShownOrder<'a> {
    rating: &'a RatingId,
    about: &'a RatingSubject,
    level: Satisfaction,
    stage: domain::event::item::RatingStage,
    channel: domain::event::rating::RatingChannel,
    real_name: bool,
    organisation: &'a OrganisationId,
    window: Option<&'a WindowId>,
    staff: Option<&'a StaffId>,
    item: Option<&'a ItemId>,
    ended_on: NaiveDate,
    adopted: bool,
    verdict: Option<Verdict>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_adopted: Option<Done>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<ShownSteps>,
}

/// How far an order has come.
#[derive(Serialize)]
struct ShownSteps {
    opened_at: Option<String>,
    step: OrderStep,
    due: Option<NaiveDate>,
    light: Light,
    assigned_to: Option<StaffId>,
    assigned_organisation: Option<OrganisationId>,
    verified: Option<Done>,
    rectified: Option<Done>,
    replied: Option<Done>,
    called_back: Option<Done>,
    call_back_attempts: u16,
    call_back_result: Option<CallBackResult>,
    reviewed: Option<Done>,
    closed: Option<Done>,
}

impl ShownSteps {
    fn of(told: &Told, day: NaiveDate) -> Option<Self> {
        let order = told.rating.order.as_ref()?;
        let done = |is: fn(&RatingEvent) -> bool| told.last(is).map(Done::by);
        let due = order.due().filter(|_| !order.closed);
        let called = told.last(|event| matches!(event, RatingEvent::OrderCalledBack(_)));
        let result = called.and_then(|fact| match &fact.event {
            Event::Rating(RatingEvent::OrderCalledBack(called)) => Some(called.result),
            _ => None,
        });
        let opened = told.last(|event| matches!(event, RatingEvent::BadRatingOpened(_)));
        Some(Self {
            opened_at: opened.map(|fact| shown(fact.occurred_at)),
            step: order.step(),
            light: due.map_or(Light::Green, |due| domain::case::Due::Day(due).light(day)),
            due,
            assigned_to: order.assignment.as_ref().map(|assignment| assignment.staff.clone()),
            assigned_organisation: order.assignment.as_ref().map(|assignment| assignment.organisation.clone()),
            verified: done(|event| matches!(event, RatingEvent::OrderVerified(_))),
            rectified: done(|event| matches!(event, RatingEvent::OrderRectified(_))),
            replied: done(|event| matches!(event, RatingEvent::OrderReplied(_))),
            called_back: called.map(Done::by),
            call_back_attempts: order.attempts,
            call_back_result: result,
            reviewed: done(|event| matches!(event, RatingEvent::AppealReviewed(_))),
            closed: done(|event| matches!(event, RatingEvent::OrderClosed(_))),
        })
    }
}

impl<'a> ShownOrder<'a> {
    fn of(told: &'a Told, day: NaiveDate) -> Option<Self> {
        let rated: &Rated = told.rating.rated.as_ref()?;
        let order = told.rating.order.as_ref();
        let left_out = told.last(|event| matches!(event, RatingEvent::RatingNotAdopted(_)));
        let service = &rated.service;
        Some(Self {
            rating: &told.id,
            about: &rated.about,
            level: rated.level,
            stage: rated.stage,
            channel: rated.channel,
            real_name: rated.real_name,
            organisation: &service.organisation,
            window: service.window.as_ref(),
            staff: service.staff.as_ref(),
            item: service.item.as_ref(),
            ended_on: service.ended_on,
            adopted: told.rating.not_adopted.is_none(),
            verdict: told.rating.not_adopted.or(order.and_then(|order| order.verdict)),
            not_adopted: left_out.map(Done::by),
            order: ShownSteps::of(told, day),
        })
    }
}

/// Bad ratings and what became of them: 差评工单, and ratings not adopted with who judged them.
#[utoipa::path(
    get, path = "/api/v1/ratings", tag = "ratings", security(("token" = [])),
    params(
        ("adopted" = Option<String>, Query, description = "`false`: only those not adopted; `true`: only those that count"),
        ("verdict" = Option<String>, Query, description = "`true`, `mistaken`, `malicious` or `out-of-scope`", example = "malicious"),
        ("step" = Option<String>, Query, description = "What the order waits for: `assign, verify, rectify, reply, call-back, review, closed`"),
        ("call_back" = Option<String>, Query, description = "`missing`: real-name raters whom nobody has reached yet"),
        ("org" = Option<String>, Query, description = "Of this hall or one under it", example = "361023"),
        ("clerk" = Option<String>, Query, description = "About this person's service; who neither leads nor supervises sees only their own"),
        ("item" = Option<String>, Query, description = "Only this item", example = "FZ-001"),
        ("from" = Option<String>, Query, description = "Opened, or not adopted, on this day or later", example = "2022-01-01"),
        ("to" = Option<String>, Query, description = "Before this day", example = "2022-02-01"),
        ("sort" = Option<String>, Query, description = "`newest` (default) or `oldest` first"),
        ("source" = Option<String>, Query, description = "`own` (default), a legacy system, or `all`"),
        crate::openapi::PageParameters, crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "A page; it may be shorter than `limit` and still have a next", body = Object, example = json!({
        "position": 612345, "as_of": "2026-02-13T09:00:00.000+08:00",
        "ratings": [{"rating": "case-01KH9Z6V0000000000000000AA-finish", "level": "dissatisfied", "stage": "finish", "channel": "sms",
            "real_name": true, "organisation": "361023100", "window": "C1", "staff": "z-204", "item": "FZ-001",
            "ended_on": "2026-02-03", "adopted": true, "verdict": "true",
            "order": {"opened_at": "2026-02-04T10:00:00.000+08:00", "step": "call-back", "due": "2026-02-13", "light": "yellow",
                "assigned_to": "chief-01", "call_back_attempts": 1, "call_back_result": "not-reached"}}],
        "next_cursor": "eyJ…"
    })))
)]
#[get("/ratings")]
pub(crate) async fn list_ratings(
    node: Data<Node>,
    caller: Caller,
    Query((question, limits, (page, when))): Query<(OrdersQuestion, Limits, (Page, When))>,
) -> Result<HttpResponse, Problem> {
    let kind = if question.adopted == Some(false) { FindingKind::NotAdopted } else { FindingKind::Order };
    let mut found = Found::page(&node, &caller, vec![kind], limits, &page, &when).await?;
    let findings = std::mem::take(&mut found.findings);
    let mut all: Vec<Told> = Vec::with_capacity(findings.len());
    for some in findings.chunks(STREAMS_AT_ONCE) {
        let ratings = some.iter().filter_map(|finding| match &finding.about {
            Subject::Rating(id) => Some(Told::read(&node, &found.at, id.clone())),
            _ => None,
        });
        for told in futures::future::join_all(ratings).await {
            all.extend(told?.filter(|told| question.wants(told)));
        }
    }
    let rows: Vec<ShownOrder<'_>> = all.iter().filter_map(|told| ShownOrder::of(told, found.at.day())).collect();
    Ok(found.respond(&node, &page, "ratings", &rows))
}

/// One rating, and everything that was done about it.
#[utoipa::path(
    get, path = "/api/v1/ratings/{id}", tag = "ratings", security(("token" = [])),
    params(("id" = String, Path, description = "The rating", example = "case-01KH9Z6V0000000000000000AA-finish"), crate::openapi::WhenParameters),
    responses((status = 200, description = "The rating, its order and its history; who rated is never told", body = Object, example = json!({
        "position": 612345, "as_of": "2026-02-13T09:00:00.000+08:00", "rating": "case-01KH9Z6V0000000000000000AA-finish",
        "level": "dissatisfied", "version": 4, "adopted": true, "verdict": "true",
        "history": [{"type": "order-verified", "by": "chief-01", "organisation": "361023100",
            "at": "2026-02-05T09:00:00.000+08:00", "words": "等候时间过长属实"}]
    })), (status = 304, description = "Unchanged since the given `ETag`"))
)]
#[get("/ratings/{id}")]
pub(crate) async fn get_rating(
    node: Data<Node>,
    caller: Caller,
    id: Path<String>,
    Query(when): Query<When>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    rights::sees_cases(&caller)?;
    let id: RatingId = id.parse().map_err(|_| Problem::not_found())?;
    let at = node.reads.views.resolve(&when, &node.clock).await?;
    let today = node.executor.load::<Rating>(&Subject::Rating(id.clone())).await?;
    if !crate::routes::write::ratings::is_visible(&node, &caller, &Subject::Rating(id.clone()), &today) {
        return Err(Problem::not_found());
    }
    let position = node.reads.views.position(&at);
    let told = Told::read(&node, &at, id).await?.ok_or_else(Problem::not_found)?;
    let day = at.day();
    let shown = ShownOrder::of(&told, day).ok_or_else(|| Problem::new(Kind::NotFound))?;
    let version = told.facts.last().map_or(0, |fact| fact.version);
    let light = shown.order.as_ref().map(|order| json!(order.light));
    let mut body = json!(shown);
    if let Some(fields) = body.as_object_mut() {
        let history = told.facts.iter().filter_map(|fact| history_entry(&node, &caller, &told, fact));
        fields.insert("history".to_owned(), Value::from_iter(history));
        fields.insert("version".to_owned(), Value::from(version));
    }
    let etag = light
        .as_ref()
        .and_then(Value::as_str)
        .map_or_else(|| version.to_string(), |light| format!("{version}-{light}"));
    Ok(Stamp::new(&at, position).resource(request.headers(), &etag, &body))
}

/// What happened, by whom, in whose words. The rater stays out of it, and so do words of the rater before those who
/// were rated.
fn history_entry(node: &Node, caller: &Caller, told: &Told, fact: &Fact) -> Option<Value> {
    let Event::Rating(event) = &fact.event else { return None };
    // The order is opened by the rating itself, in the rater's name.
    let is_raters =
        matches!(event, RatingEvent::Rated(_) | RatingEvent::RatingRevised(_) | RatingEvent::BadRatingOpened(_));
    let mut entry = json!({
        "type": fact.event.schema().name, "at": shown(fact.occurred_at), "recorded_on": day_of(fact.recorded_at),
    });
    let fields = entry.as_object_mut()?;
    if !is_raters {
        fields.insert("by".to_owned(), Value::from(fact.by.id.as_str()));
        fields.insert("organisation".to_owned(), Value::from(fact.by.organisation.as_str()));
    }
    let shows = caller.scope.sees_persons() && (!is_raters || told.shows_words_to(caller));
    if let Some(sealed) = words(event).filter(|_| shows) {
        let context = Subject::Rating(told.id.clone()).to_string();
        let text = node.vault.open_sealed(sealed, &context);
        let text = text.map_or_else(|_| json!({ "erased": true }), |text| Value::from(text.as_str()));
        fields.insert("words".to_owned(), text);
    }
    Some(entry)
}

fn words(event: &RatingEvent) -> Option<&Sealed> {
    match event {
        RatingEvent::RatingInvited(_)
        | RatingEvent::BadRatingOpened(_)
        | RatingEvent::OrderAssigned(_)
        | RatingEvent::OrderClosed(_) => None,
        RatingEvent::Rated(body) => body.comment.as_ref(),
        RatingEvent::RatingRevised(body) => body.new.comment.as_ref(),
        RatingEvent::RatingNotAdopted(body) => Some(&body.reason),
        RatingEvent::OrderVerified(body) => Some(&body.finding),
        RatingEvent::OrderRectified(body) => Some(&body.measures),
        RatingEvent::OrderReplied(body) => Some(&body.reply),
        RatingEvent::OrderCalledBack(body) => body.notes.as_ref(),
        RatingEvent::OrderAppealed(body) => Some(&body.grounds),
        RatingEvent::AppealReviewed(body) => Some(&body.reason),
    }
}

//! Figures of supervision: marks, the cards they amount to, and what became of warnings.

use super::statistics::{Asked, Limits, distinct, statistic};
use crate::answers::Question;
use crate::auth::Caller;
use crate::node::Node;
use crate::problem::Problem;
use crate::query::{FromParameters, Parameters, Query};
use crate::rights;
use crate::views::When;
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use chrono::NaiveDate;
use domain::event::case::{Anomaly, Threshold, WarnedClock};
use domain::ids::StaffId;
use domain::reference::Reference;
use projections::oversight::{
    AnomaliesAnswer, AnomaliesQuery, AnomalyDimension, CardsAnswer, CardsQuery, Oversight, WarningDimension,
    WarningsAnswer, WarningsQuery,
};
use projections::rating_signs::{RatingSigns, SignsAnswer, SignsQuery};

/// The question behind `GET /statistics/anomalies`, as far as it is its own.
#[derive(Debug, Clone)]
struct AnomaliesFilter {
    limits: Limits,
    group_by: Vec<AnomalyDimension>,
    kinds: Vec<Anomaly>,
    person: Option<StaffId>,
}

impl FromParameters for AnomaliesFilter {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self {
            limits: Limits::take(parameters)?,
            group_by: distinct(parameters.words("group_by")?),
            kinds: distinct(parameters.words("kind")?),
            person: parameters.one("clerk")?,
        })
    }
}

/// Marks of wrong paths, counted.
#[utoipa::path(
    get, path = "/api/v1/statistics/anomalies", tag = "supervision", security(("token" = [])),
    params(
        ("from" = Option<String>, Query, description = "First day; 1 January of the year of `as_of` if absent", example = "2022-01-01"),
        ("to" = Option<String>, Query, description = "First day after; the day after `as_of` if absent", example = "2022-04-01"),
        ("group_by" = Option<String>, Query, description = "Comma-separated: `kind, org, clerk, item, month, recorded_month`", example = "kind,clerk"),
        ("kind" = Option<String>, Query, description = "Comma-separated kinds; every kind if absent", example = "second-notice"),
        ("clerk" = Option<String>, Query, description = "Only what concerns this person"),
        ("item" = Option<String>, Query, description = "Only this item", example = "FZ-001"),
        ("org" = Option<String>, Query, description = "Only this organisation and those under it", example = "361023"),
        ("source" = Option<String>, Query, description = "`own` (default), a legacy system, or `all`"),
        crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "Rows by group; the share is of the acts on which such a mark may stand", body = Object, example = json!({
        "position": 612345, "as_of": "2022-04-01T09:00:00.000+08:00", "from": "2022-01-01", "to": "2022-04-01",
        "organisation": "361023", "source": "own",
        "rows": [{"key": {"kind": "pause-without-notice"}, "marks": 3,
            "share": {"numerator": 3, "denominator": 41, "rate": 0.0732}, "hidden_working_days": 14}],
        "total": 3
    })))
)]
#[get("/statistics/anomalies")]
pub(crate) async fn get_anomalies(
    node: Data<Node>,
    caller: Caller,
    Query((filter, when)): Query<(AnomaliesFilter, When)>,
) -> Result<HttpResponse, Problem> {
    let of_people = filter.group_by.contains(&AnomalyDimension::Clerk) || filter.person.is_some();
    let person = if of_people { rights::whose_work(&caller, filter.person)? } else { None };
    let AnomaliesFilter { limits, group_by, kinds, .. } = filter;
    let put = move |asked: Asked| {
        let Asked { period, item, within: organisation, source, .. } = asked;
        AnomaliesQuery { period, group_by, kinds, item, organisation, person, source }
    };
    statistic(&node, &caller, limits, &when, put).await
}

impl Question for AnomaliesQuery {
    type View = Oversight;
    type Answer = AnomaliesAnswer;

    fn answer(&self, view: &Oversight, reference: &Reference, _: NaiveDate) -> Result<Self::Answer, Problem> {
        Ok(view.anomalies(self, &reference.organisations))
    }
}

/// The question behind `GET /statistics/cards`: nothing of its own.
#[derive(Debug, Clone)]
struct CardsFilter(Limits);

impl FromParameters for CardsFilter {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        Limits::without_item(parameters).map(Self)
    }
}

/// 黄牌、红牌: what each person's marks amount to by the local rule. Counts, never a verdict.
#[utoipa::path(
    get, path = "/api/v1/statistics/cards", tag = "supervision", security(("token" = [])),
    params(
        ("from" = Option<String>, Query, description = "First day; 1 January of the year of `as_of` if absent", example = "2022-01-01"),
        ("to" = Option<String>, Query, description = "First day after; the day after `as_of` if absent", example = "2022-04-01"),
        ("org" = Option<String>, Query, description = "Only this organisation and those under it", example = "361023"),
        ("source" = Option<String>, Query, description = "`own` (default), a legacy system, or `all`"),
        crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "People with a card, most red ones first; `policy` names the version of the rule", body = Object, example = json!({
        "position": 612345, "as_of": "2022-04-01T09:00:00.000+08:00", "from": "2022-01-01", "to": "2022-04-01",
        "organisation": "361023", "source": "own", "policy": 1,
        "rows": [{"organisation": "361023100", "person": "z-204", "yellow": 2, "red": 1,
            "marks": {"second-notice": 2, "hidden-refusal": 1}}]
    })))
)]
#[get("/statistics/cards")]
pub(crate) async fn get_cards(
    node: Data<Node>,
    caller: Caller,
    Query((CardsFilter(limits), when)): Query<(CardsFilter, When)>,
) -> Result<HttpResponse, Problem> {
    let person = rights::whose_work(&caller, None)?;
    let put = move |asked: Asked| {
        let Asked { period, within: organisation, source, .. } = asked;
        CardsQuery { period, organisation, person, source }
    };
    statistic(&node, &caller, limits, &when, put).await
}

impl Question for CardsQuery {
    type View = Oversight;
    type Answer = CardsAnswer;

    fn answer(&self, view: &Oversight, reference: &Reference, _: NaiveDate) -> Result<Self::Answer, Problem> {
        Ok(view.cards(self, reference))
    }
}

/// The question behind `GET /statistics/warnings`, as far as it is its own.
#[derive(Debug, Clone)]
struct WarningsFilter {
    limits: Limits,
    group_by: Vec<WarningDimension>,
    clock: Option<WarnedClock>,
    threshold: Option<Threshold>,
}

impl FromParameters for WarningsFilter {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self {
            limits: Limits::without_item(parameters)?,
            group_by: distinct(parameters.words("group_by")?),
            clock: parameters.word("clock")?,
            threshold: parameters.word("threshold")?,
        })
    }
}

/// What became of warnings: read, answered, acted on, and after how many hours.
#[utoipa::path(
    get, path = "/api/v1/statistics/warnings", tag = "supervision", security(("token" = [])),
    params(
        ("from" = Option<String>, Query, description = "First day; 1 January of the year of `as_of` if absent", example = "2022-01-01"),
        ("to" = Option<String>, Query, description = "First day after; the day after `as_of` if absent", example = "2022-04-01"),
        ("group_by" = Option<String>, Query, description = "Comma-separated: `clock, threshold, org, clerk, item, month`", example = "threshold,org"),
        ("clock" = Option<String>, Query, description = "`notice, promised, legal, step, procedure, delivery`"),
        ("threshold" = Option<String>, Query, description = "`yellow` or `red`"),
        ("org" = Option<String>, Query, description = "Only this organisation and those under it", example = "361023"),
        ("source" = Option<String>, Query, description = "`own` (default), a legacy system, or `all`"),
        crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "Rows by group, and the total", body = Object, example = json!({
        "position": 612345, "as_of": "2022-04-01T09:00:00.000+08:00", "from": "2022-01-01", "to": "2022-04-01",
        "organisation": "361023", "source": "own",
        "rows": [{"key": {"threshold": "yellow"}, "raised": 120, "read": {"numerator": 90, "denominator": 120, "rate": 0.75},
            "answered": {"numerator": 12, "denominator": 120, "rate": 0.1},
            "acted": {"numerator": 118, "denominator": 120, "rate": 0.9833},
            "hours_to_action": {"n": 118, "mean": 14.2, "p50": 9, "p90": 30, "p95": 41, "max": 96}}],
        "total": {"key": {}, "raised": 120}
    })))
)]
#[get("/statistics/warnings")]
pub(crate) async fn get_warnings(
    node: Data<Node>,
    caller: Caller,
    Query((filter, when)): Query<(WarningsFilter, When)>,
) -> Result<HttpResponse, Problem> {
    let of_people = filter.group_by.contains(&WarningDimension::Clerk);
    let person = if of_people { rights::whose_work(&caller, None)? } else { None };
    let WarningsFilter { limits, group_by, clock, threshold } = filter;
    let put = move |asked: Asked| {
        let Asked { period, within: organisation, source, .. } = asked;
        WarningsQuery { period, group_by, clock, threshold, organisation, person, source }
    };
    statistic(&node, &caller, limits, &when, put).await
}

impl Question for WarningsQuery {
    type View = Oversight;
    type Answer = WarningsAnswer;

    fn answer(&self, view: &Oversight, reference: &Reference, _: NaiveDate) -> Result<Self::Answer, Problem> {
        Ok(view.warnings(self, &reference.organisations))
    }
}

/// The question behind `GET /statistics/rating-signs`: nothing of its own.
#[derive(Debug, Clone)]
struct SignsFilter(Limits);

impl FromParameters for SignsFilter {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        Limits::without_item(parameters).map(Self)
    }
}

/// 刷好评: windows whose ratings look farmed, each sign with its evidence. To be looked at, never a verdict.
#[utoipa::path(
    get, path = "/api/v1/statistics/rating-signs", tag = "supervision", security(("token" = [])),
    params(
        ("from" = Option<String>, Query, description = "First day; 1 January of the year of `as_of` if absent", example = "2022-01-01"),
        ("to" = Option<String>, Query, description = "First day after; the day after `as_of` if absent", example = "2022-04-01"),
        ("org" = Option<String>, Query, description = "Only this organisation and those under it", example = "361023"),
        ("source" = Option<String>, Query, description = "`own` (default), a legacy system, or `all`"),
        crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "Windows with signs, most signs first; `policy` names the version of the thresholds", body = Object, example = json!({
        "position": 612345, "as_of": "2022-04-01T09:00:00.000+08:00", "from": "2022-01-01", "to": "2022-04-01",
        "organisation": "361023", "source": "own", "policy": 1,
        "rows": [{"organisation": "361023100", "window": "C1", "ratings": 212, "signs": [
            {"sign": "same-device", "ratings": 9, "threshold": 5, "evidence": [{"on": "2022-03-31", "times": 9, "mark": "9f3c01ab"}]},
            {"sign": "too-fast", "ratings": 4, "threshold": 10}]}]
    })))
)]
#[get("/statistics/rating-signs")]
pub(crate) async fn get_rating_signs(
    node: Data<Node>,
    caller: Caller,
    Query((SignsFilter(limits), when)): Query<(SignsFilter, When)>,
) -> Result<HttpResponse, Problem> {
    let put = move |asked: Asked| {
        let Asked { period, within: organisation, source, .. } = asked;
        SignsQuery { period, organisation, source }
    };
    statistic(&node, &caller, limits, &when, put).await
}

impl Question for SignsQuery {
    type View = RatingSigns;
    type Answer = SignsAnswer;

    fn answer(&self, view: &RatingSigns, reference: &Reference, _: NaiveDate) -> Result<Self::Answer, Problem> {
        Ok(view.answer(self, reference))
    }
}

//! Figures: processing times, satisfaction, the balance of a month, and halls.

use crate::answer::Stamp;
use crate::answers::Question;
use crate::auth::Caller;
use crate::node::Node;
use crate::problem::{Problem, Text};
use crate::query::{FromParameters, Parameters, Query, checked_period, invalid};
use crate::rights;
use crate::views::{Standing, Views, When};
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use chrono::{Datelike as _, NaiveDate};
use domain::event::case::ClosingKind;
use domain::ids::{ItemId, OrganisationId};
use domain::reference::Reference;
use domain::zone::{Instant, day_of};
use projections::balance::{Balance, BalanceAnswer, BalanceQuery};
use projections::certificate_free::{
    CertificateFree, CertificateFreeAnswer, CertificateFreeDimension, CertificateFreeQuery,
};
use projections::halls::{HallDimension, Halls, HallsAnswer, HallsQuery};
use projections::processing_times::{
    Cohort, Dimension, ProcessingTimes, ProcessingTimesAnswer, ProcessingTimesError, ProcessingTimesQuery, RegionAs,
};
use projections::satisfaction::{Satisfaction, SatisfactionAnswer, SatisfactionDimension, SatisfactionQuery};
use projections::scope::{Attribution, Month, Period, Source};
use serde::Serialize;

/// What every statistic is limited to.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    pub(super) from: Option<NaiveDate>,
    pub(super) to: Option<NaiveDate>,
    pub(super) item: Option<ItemId>,
    pub(super) organisation: Option<OrganisationId>,
    pub(super) source: Source,
}

impl Limits {
    /// Takes what a question takes that is not about items.
    ///
    /// # Errors
    /// A value that means nothing.
    pub(super) fn without_item(parameters: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self {
            from: parameters.day("from")?,
            to: parameters.day("to")?,
            item: None,
            organisation: parameters.one("org")?,
            source: parameters.one("source")?.unwrap_or_default(),
        })
    }
}

impl FromParameters for Limits {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        let item = parameters.one("item")?;
        Ok(Self { item, ..Self::without_item(parameters)? })
    }
}

/// The question behind `GET /statistics/processing-times`, as far as it is its own.
#[derive(Debug, Clone)]
struct ProcessingTimesFilter {
    limits: Limits,
    cohort: Cohort,
    group_by: Vec<Dimension>,
    closing: Option<ClosingKind>,
    attribution: Attribution,
    region_as: RegionAs,
}

impl FromParameters for ProcessingTimesFilter {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self {
            limits: Limits::take(parameters)?,
            cohort: parameters.word("cohort")?.unwrap_or_default(),
            group_by: distinct(parameters.words("group_by")?),
            closing: parameters.word("closing")?,
            attribution: parameters.word("attribution")?.unwrap_or_default(),
            region_as: parameters.word("region_as")?.unwrap_or_default(),
        })
    }
}

/// The question behind `GET /statistics/satisfaction`, as far as it is its own.
#[derive(Debug, Clone)]
struct SatisfactionFilter {
    limits: Limits,
    group_by: Vec<SatisfactionDimension>,
}

impl FromParameters for SatisfactionFilter {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self { limits: Limits::take(parameters)?, group_by: distinct(parameters.words("group_by")?) })
    }
}

/// The question behind `GET /statistics/balance`, as far as it is its own.
#[derive(Debug, Clone)]
struct BalanceFilter {
    month: Month,
    organisation: Option<OrganisationId>,
    attribution: Attribution,
    source: Source,
}

impl FromParameters for BalanceFilter {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        let required = || invalid("month", Text::new("必填，如 2022-02", "it is required, such as 2022-02"));
        Ok(Self {
            month: parameters.one("month")?.ok_or_else(required)?,
            organisation: parameters.one("org")?,
            attribution: parameters.word("attribution")?.unwrap_or_default(),
            source: parameters.one("source")?.unwrap_or_default(),
        })
    }
}

/// The question behind `GET /statistics/halls`, as far as it is its own.
#[derive(Debug, Clone)]
struct HallsFilter {
    limits: Limits,
    group_by: Vec<HallDimension>,
}

impl FromParameters for HallsFilter {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        let limits = Limits {
            from: parameters.day("from")?,
            to: parameters.day("to")?,
            item: None,
            organisation: parameters.one("org")?,
            source: Source::default(),
        };
        Ok(Self { limits, group_by: distinct(parameters.words("group_by")?) })
    }
}

/// A dimension asked for twice tells nothing more than once.
pub(super) fn distinct<T: Ord + Copy>(mut listed: Vec<T>) -> Vec<T> {
    listed.sort_unstable();
    listed.dedup();
    listed
}

/// A question with the limits that its answer names, so that a figure read aloud can be found again.
#[derive(Debug)]
struct Limited<Q> {
    from: NaiveDate,
    to: NaiveDate,
    organisation: OrganisationId,
    source: String,
    question: Q,
}

/// An answer with the limits it was made with.
#[derive(Serialize)]
struct Told<T> {
    from: NaiveDate,
    to: NaiveDate,
    organisation: OrganisationId,
    source: String,
    #[serde(flatten)]
    answer: T,
}

impl<Q: Question> Question for Limited<Q> {
    type View = Q::View;
    type Answer = Told<Q::Answer>;

    fn answer(&self, view: &Q::View, reference: &Reference, day: NaiveDate) -> Result<Self::Answer, Problem> {
        let answer = self.question.answer(view, reference, day)?;
        let (organisation, source) = (self.organisation.clone(), self.source.clone());
        Ok(Told { from: self.from, to: self.to, organisation, source, answer })
    }
}

/// What a statistic is asked, once its limits are resolved.
pub(super) struct Asked {
    pub(super) period: Period,
    pub(super) item: Option<ItemId>,
    /// Absent for the whole city.
    pub(super) within: Option<OrganisationId>,
    pub(super) source: Source,
    pub(super) at: Standing,
}

/// Resolves moment, organisation and period, lets the question be put with these, and answers it.
pub(super) async fn statistic<Q: Question>(
    node: &Node,
    caller: &Caller,
    limits: Limits,
    when: &When,
    put: impl FnOnce(Asked) -> Q,
) -> Result<HttpResponse, Problem> {
    let (at, question) = limited(node, caller, limits, when, put).await?;
    let seen = node.reads.views.answer(&at, question).await?;
    Ok(Stamp::new(&at, seen.position).written(&seen.value))
}

async fn limited<Q>(
    node: &Node,
    caller: &Caller,
    limits: Limits,
    when: &When,
    put: impl FnOnce(Asked) -> Q,
) -> Result<(Standing, Limited<Q>), Problem> {
    let views = &node.reads.views;
    let at = views.resolve(when, &node.clock).await?;
    let Limits { from, to, item, organisation, source } = limits;
    let Scope { organisation, within } = scope(views, caller, organisation.as_ref())?;
    let period = period(from, to, at.day(), day_of(node.clock.now()))?;
    let Period { from, to } = period;
    let named = source.to_string();
    let question = put(Asked { period, item, within, source, at });
    Ok((at, Limited { from, to, organisation, source: named, question }))
}

/// Processing times 办理时长, on-time rates and what stands beside them.
#[utoipa::path(
    get, path = "/api/v1/statistics/processing-times", tag = "statistics", security(("token" = [])),
    params(
        ("from" = Option<String>, Query, description = "First day; 1 January of the year of `as_of` if absent", example = "2022-01-01"),
        ("to" = Option<String>, Query, description = "First day after; the day after `as_of` if absent", example = "2022-04-01"),
        ("cohort" = Option<String>, Query, description = "`finished` (default) or `accepted`: the effective date that puts a case into the period"),
        ("group_by" = Option<String>, Query, description = "Comma-separated: `item, item_version, authority, step, clerk, township, county, month`", example = "county,month"),
        ("item" = Option<String>, Query, description = "Only this item", example = "FZ-001"),
        ("org" = Option<String>, Query, description = "Only this organisation and those under it", example = "361023"),
        ("closing" = Option<String>, Query, description = "Only cases that ended so", example = "granted"),
        ("attribution" = Option<String>, Query, description = "`intake`, `handling`, `deciding` (default) or `delivering`"),
        ("region_as" = Option<String>, Query, description = "`then` or `now` (default)"),
        ("source" = Option<String>, Query, description = "`own` (default), a legacy system, or `all`"),
        crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "Rows by group, and the total", body = Object, example = json!({
        "position": 612345, "as_of": "2022-04-01T09:00:00.000+08:00", "from": "2022-01-01", "to": "2022-04-01",
        "organisation": "361023", "source": "own",
        "rows": [{"key": {"month": "2022-02"}, "n": 412,
            "on_time_promised": {"numerator": 398, "denominator": 410, "rate": 0.9707},
            "working_days": {"n": 410, "mean": 6.4, "p50": 5, "p90": 14, "p95": 17, "max": 31},
            "open_overdue": 3, "recorded_late": 9,
            "cross_township": {"numerator": 37, "denominator": 412, "rate": 0.0898},
            "delegated_decided": {"numerator": 120, "denominator": 121, "rate": 0.9917}}],
        "total": {"key": {}, "n": 412}, "legacy": {}
    })))
)]
#[get("/statistics/processing-times")]
pub(crate) async fn get_processing_times(
    node: Data<Node>,
    caller: Caller,
    Query((filter, when)): Query<(ProcessingTimesFilter, When)>,
) -> Result<HttpResponse, Problem> {
    if filter.group_by.contains(&Dimension::Clerk) {
        rights::sees_staff(&caller)?;
    }
    let ProcessingTimesFilter { limits, cohort, group_by, closing, attribution, region_as } = filter;
    let put = move |asked: Asked| {
        let Asked { period, item, within: organisation, source, .. } = asked;
        ProcessingTimesQuery { period, cohort, group_by, item, organisation, closing, attribution, region_as, source }
    };
    statistic(&node, &caller, limits, &when, put).await
}

impl Question for ProcessingTimesQuery {
    type View = ProcessingTimes;
    type Answer = ProcessingTimesAnswer;

    fn answer(&self, view: &ProcessingTimes, reference: &Reference, day: NaiveDate) -> Result<Self::Answer, Problem> {
        view.answer(self, reference, day).map_err(Problem::from)
    }
}

/// Satisfaction 好差评: levels, rates with their counts, orders.
#[utoipa::path(
    get, path = "/api/v1/statistics/satisfaction", tag = "statistics", security(("token" = [])),
    params(
        ("from" = Option<String>, Query, description = "First day; 1 January of the year of `as_of` if absent", example = "2022-01-01"),
        ("to" = Option<String>, Query, description = "First day after; the day after `as_of` if absent", example = "2022-04-01"),
        ("group_by" = Option<String>, Query, description = "Comma-separated: `org, window, staff, item, channel, stage, month`", example = "org,month"),
        ("item" = Option<String>, Query, description = "Only this item", example = "FZ-001"),
        ("org" = Option<String>, Query, description = "Only this organisation and those under it", example = "361023"),
        ("source" = Option<String>, Query, description = "`own` (default), a legacy system, or `all`"),
        crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "Rows by group, and the total", body = Object, example = json!({
        "position": 612345, "as_of": "2022-04-01T09:00:00.000+08:00", "from": "2022-01-01", "to": "2022-04-01",
        "organisation": "361023", "source": "own",
        "rows": [{"key": {"month": "2022-02"}, "services": 412, "immature": 0, "ratings": 61, "not_adopted": 1,
            "levels": {"very-satisfied": {"active": 40, "default": 0}},
            "good_rate": {"numerator": 60, "denominator": 61, "rate": 0.9836},
            "score": {"sum": 5720, "n": 61, "mean": 93.77}}],
        "total": {"key": {}, "services": 412}
    })))
)]
#[get("/statistics/satisfaction")]
pub(crate) async fn get_satisfaction(
    node: Data<Node>,
    caller: Caller,
    Query((filter, when)): Query<(SatisfactionFilter, When)>,
) -> Result<HttpResponse, Problem> {
    if filter.group_by.contains(&SatisfactionDimension::Staff) {
        rights::sees_staff(&caller)?;
    }
    let SatisfactionFilter { limits, group_by } = filter;
    let put = move |asked: Asked| {
        let Asked { period, item, within: organisation, source, .. } = asked;
        SatisfactionQuery { period, group_by, item, organisation, source }
    };
    statistic(&node, &caller, limits, &when, put).await
}

impl Question for SatisfactionQuery {
    type View = Satisfaction;
    type Answer = SatisfactionAnswer;

    fn answer(&self, view: &Satisfaction, reference: &Reference, day: NaiveDate) -> Result<Self::Answer, Problem> {
        Ok(view.answer(self, reference, day))
    }
}

/// The balance of a month: opening + submitted = each way of closing + open.
#[utoipa::path(
    get, path = "/api/v1/statistics/balance", tag = "statistics", security(("token" = [])),
    params(
        ("month" = String, Query, description = "The month", example = "2022-02"),
        ("org" = Option<String>, Query, description = "Only this organisation and those under it", example = "361023"),
        ("attribution" = Option<String>, Query, description = "`intake`, `handling`, `deciding` (default) or `delivering`"),
        ("source" = Option<String>, Query, description = "`own` (default), a legacy system, or `all`"),
        crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "Rows by organisation, and the total", body = Object, example = json!({
        "position": 612345, "as_of": "2022-04-01T09:00:00.000+08:00", "month": "2022-02", "attribution": "deciding",
        "rows": [{"organisation": "361023100", "opening": 20, "submitted": 130,
            "closings": {"granted": 110, "withdrawn": 4}, "closed": 114, "open": 36}],
        "total": {"organisation": null, "opening": 20, "submitted": 130,
            "closings": {"granted": 110, "withdrawn": 4}, "closed": 114, "open": 36}
    })))
)]
#[get("/statistics/balance")]
pub(crate) async fn get_balance(
    node: Data<Node>,
    caller: Caller,
    Query((filter, when)): Query<(BalanceFilter, When)>,
) -> Result<HttpResponse, Problem> {
    let views = &node.reads.views;
    let at = views.resolve(&when, &node.clock).await?;
    let BalanceFilter { month, organisation, attribution, source } = filter;
    let Scope { within, .. } = scope(views, &caller, organisation.as_ref())?;
    // A month that has not begun has no balance; the running one has what there is of it.
    period(Some(month.first_day()), None, at.day(), day_of(node.clock.now()))?;
    let query = BalanceQuery { month, organisation: within, attribution, source };
    let seen = views.answer(&at, query).await?;
    Ok(Stamp::new(&at, seen.position).written(&seen.value))
}

impl Question for BalanceQuery {
    type View = Balance;
    type Answer = BalanceAnswer;

    fn answer(&self, view: &Balance, reference: &Reference, _: NaiveDate) -> Result<Self::Answer, Problem> {
        Ok(view.answer(self, &reference.organisations))
    }
}

/// The question behind `GET /statistics/certificate-free`, as far as it is its own.
#[derive(Debug, Clone)]
struct CertificateFreeFilter {
    limits: Limits,
    group_by: Vec<CertificateFreeDimension>,
}

impl FromParameters for CertificateFreeFilter {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self { limits: Limits::take(parameters)?, group_by: distinct(parameters.words("group_by")?) })
    }
}

/// The certificate-free rate 免证率, and what stood for papers.
#[utoipa::path(
    get, path = "/api/v1/statistics/certificate-free", tag = "statistics", security(("token" = [])),
    params(
        ("from" = Option<String>, Query, description = "First day; 1 January of the year of `as_of` if absent", example = "2022-01-01"),
        ("to" = Option<String>, Query, description = "First day after; the day after `as_of` if absent", example = "2022-04-01"),
        ("group_by" = Option<String>, Query, description = "Comma-separated: `org, item, month`", example = "item,month"),
        ("item" = Option<String>, Query, description = "Only this item", example = "FZ-005"),
        ("org" = Option<String>, Query, description = "Only this organisation and those under it", example = "361023"),
        ("source" = Option<String>, Query, description = "`own` (default), a legacy system, or `all`"),
        crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "Rows by group, and the total: accepted cases of the 免证 items that ended without a paper certificate ÷ all of them, the same over every item, and papers spared by certificates and by the city's data", body = Object, example = json!({
        "position": 612345, "as_of": "2022-04-01T09:00:00.000+08:00", "from": "2022-01-01", "to": "2022-04-01",
        "organisation": "361023", "source": "own",
        "rows": [{"key": {"item": "FZ-005"}, "certificate_free_rate": {"numerator": 160, "denominator": 200, "rate": 0.8},
            "paperless_rate": {"numerator": 160, "denominator": 200, "rate": 0.8}, "by_certificate": 210,
            "by_data_share": {"confirmed": 95, "not-found": 3, "mismatch": 0, "refused": 0, "timed-out": 2, "unreachable": 0, "unreadable": 0}}],
        "total": {"key": {}, "by_certificate": 210}
    })))
)]
#[get("/statistics/certificate-free")]
pub(crate) async fn get_certificate_free(
    node: Data<Node>,
    caller: Caller,
    Query((filter, when)): Query<(CertificateFreeFilter, When)>,
) -> Result<HttpResponse, Problem> {
    let CertificateFreeFilter { limits, group_by } = filter;
    let put = move |asked: Asked| {
        let Asked { period, item, within: organisation, source, .. } = asked;
        CertificateFreeQuery { period, group_by, item, organisation, source }
    };
    statistic(&node, &caller, limits, &when, put).await
}

impl Question for CertificateFreeQuery {
    type View = CertificateFree;
    type Answer = CertificateFreeAnswer;

    fn answer(&self, view: &CertificateFree, reference: &Reference, _: NaiveDate) -> Result<Self::Answer, Problem> {
        Ok(view.answer(self, reference))
    }
}

/// Halls: waiting, way, service and idle time, missed and given-up tickets, saturation and peak, and appointments.
#[utoipa::path(
    get, path = "/api/v1/statistics/halls", tag = "statistics", security(("token" = [])),
    params(
        ("from" = Option<String>, Query, description = "First day; 1 January of the year of `as_of` if absent", example = "2022-01-01"),
        ("to" = Option<String>, Query, description = "First day after; the day after `as_of` if absent", example = "2022-04-01"),
        ("group_by" = Option<String>, Query, description = "Comma-separated: `org, window, quarter, day, month`", example = "org,quarter"),
        ("org" = Option<String>, Query, description = "Only this organisation and those under it", example = "361023"),
        crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "Rows by group, the total, and the busiest quarter of an hour", body = Object, example = json!({
        "position": 612345, "as_of": "2022-04-01T09:00:00.000+08:00", "from": "2022-01-01", "to": "2022-04-01",
        "organisation": "361023", "source": "own",
        "rows": [{"key": {"org": "361023100", "quarter": "09:15"}, "issued": 210, "by_appointment": 31, "finished": 190,
            "missed_rate": {"numerator": 9, "denominator": 210, "rate": 0.0429},
            "wait": {"n": 201, "mean_minutes": 7.5, "max_minutes": 41.0,
                "within_minutes": {"15": {"numerator": 180, "denominator": 201, "rate": 0.8955}}},
            "serve": {"n": 190, "mean_minutes": 11.2}, "open_seconds": 189000, "idle_seconds": 61000,
            "saturation": {"numerator": 127680, "denominator": 189000, "rate": 0.6756}}],
        "total": {"key": {}, "issued": 210}, "peak": {"quarter": "09:15", "arrivals": 210}
    })))
)]
#[get("/statistics/halls")]
pub(crate) async fn get_halls(
    node: Data<Node>,
    caller: Caller,
    Query((filter, when)): Query<(HallsFilter, When)>,
) -> Result<HttpResponse, Problem> {
    let HallsFilter { limits, group_by } = filter;
    let put = move |asked: Asked| {
        let query = HallsQuery { period: asked.period, group_by, organisation: asked.within };
        HallsThen { query, at: asked.at.at }
    };
    let (at, question) = limited(&node, &caller, limits, &when, put).await?;
    // A window that is open has been so for longer with every second.
    let seen = node.reads.views.work_out(&at, question).await?;
    Ok(Stamp::new(&at, seen.position).written(&seen.value))
}

/// Halls as they stood at a moment.
#[derive(Debug)]
struct HallsThen {
    query: HallsQuery,
    at: Instant,
}

impl Question for HallsThen {
    type View = Halls;
    type Answer = HallsAnswer;

    fn answer(&self, view: &Halls, reference: &Reference, _: NaiveDate) -> Result<Self::Answer, Problem> {
        Ok(view.answer(&self.query, &reference.organisations, self.at))
    }
}

/// Of which organisation figures are told, and whether that limits anything.
pub(super) struct Scope {
    pub(super) organisation: OrganisationId,
    pub(super) within: Option<OrganisationId>,
}

pub(super) fn scope(views: &Views, caller: &Caller, asked: Option<&OrganisationId>) -> Result<Scope, Problem> {
    views.today(|reference| {
        let organisations = &reference.organisations;
        let organisation = rights::asked_organisation(caller, asked, organisations)?;
        // The whole city is no limit: histories taken in name organisations that its tree does not know.
        let is_city = rights::is_city(&organisation, organisations);
        Ok(Scope { within: (!is_city).then(|| organisation.clone()), organisation })
    })
}

/// The period asked for; where nothing is said, from the beginning of the year until the moment.
pub(super) fn period(
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    day: NaiveDate,
    today: NaiveDate,
) -> Result<Period, Problem> {
    let new_year = NaiveDate::from_ymd_opt(day.year(), 1, 1).unwrap_or(day);
    let tomorrow = day.succ_opt().unwrap_or(day);
    let from = from.unwrap_or_else(|| to.map_or(new_year, |to| new_year.min(to)));
    let to = to.unwrap_or_else(|| tomorrow.max(from));
    checked_period("from", from, "to", to, today)
}

impl From<ProcessingTimesError> for Problem {
    fn from(error: ProcessingTimesError) -> Self {
        let zh = match error {
            ProcessingTimesError::StepsHaveNoClosing => "按环节统计时没有办结方式",
            ProcessingTimesError::StepsHaveNoAcceptance => "按环节统计时只能用 cohort=finished",
        };
        invalid("group_by", Text::new(zh, error.to_string()))
    }
}

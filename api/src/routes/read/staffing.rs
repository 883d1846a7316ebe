//! 值班: the roster of a hall, and the proof that the windows for social assistance were staffed.

use crate::answer::Stamp;
use crate::auth::Caller;
use crate::cursor::Page;
use crate::execute::folded;
use crate::node::Node;
use crate::problem::Problem;
use crate::query::{FromParameters, Parameters, Query, checked_period};
use crate::rights;
use crate::routes::write::rosters::addressed;
use crate::views::{Standing, When};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use chrono::{Datelike as _, NaiveDate};
use domain::fact::Subject;
use domain::ids::OrganisationId;
use domain::organisation::Organisation;
use domain::roster::{ASSISTANCE, Post, Roster, Shortfall};
use domain::zone::day_of;
use projections::reference::ReferenceData;
use projections::scope::Period;
use projections::staffing::{Staffing, StaffingQuery};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The question behind `GET /staffing`.
#[derive(Debug, Clone)]
struct StaffingFilter {
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    organisation: Option<OrganisationId>,
}

impl FromParameters for StaffingFilter {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self { from: parameters.day("from")?, to: parameters.day("to")?, organisation: parameters.one("org")? })
    }
}

/// Where the list goes on, and in which history.
#[derive(Serialize, Deserialize)]
struct After {
    at: Standing,
    organisation: OrganisationId,
}

/// 社会救助窗口值班: two full-time staff, one of whom holds the Party member's post, township by township; gaps are listed.
///
/// Every day on which a hall opens is `proven` (enough, and confirmed by somebody who was not on duty), `planned` (enough by
/// the roster) or a gap.
#[utoipa::path(
    get, path = "/api/v1/staffing", tag = "halls", security(("token" = [])),
    params(
        ("org" = Option<String>, Query, description = "Only the townships under this organisation", example = "361023"),
        ("from" = Option<String>, Query, description = "First day; the first of the month of `as_of` if absent", example = "2026-10-01"),
        ("to" = Option<String>, Query, description = "First day after; the day after `as_of` if absent", example = "2026-11-01"),
        crate::openapi::PageParameters, crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "Halls by id, and all of them together", body = Object, example = json!({
        "position": 612345, "as_of": "2026-11-01T09:00:00.000+08:00", "from": "2026-10-01", "to": "2026-11-01",
        "halls": [{"organisation": "361023100", "name_zh": "琴城镇便民服务中心", "county": "361023",
            "open_days": 31, "proven": 30, "planned": 0, "gap_days": 1,
            "gaps": [{"from": "2026-10-16", "through": "2026-10-16", "days": 1, "lacking": "too-few", "full_time": 1, "required": 2}]}],
        "total": {"open_days": 31, "proven": 30, "planned": 0, "gap_days": 1}, "next_cursor": "eyJ…"
    })))
)]
#[get("/staffing")]
pub(crate) async fn get_staffing(
    node: Data<Node>,
    caller: Caller,
    Query((filter, page, when)): Query<(StaffingFilter, Page, When)>,
) -> Result<HttpResponse, Problem> {
    let reads = &node.reads;
    let resumed: Option<After> = page.resume(&reads.cursors)?;
    let at = match &resumed {
        Some(resumed) => resumed.at.again(&node.clock),
        None => reads.views.resolve(&when, &node.clock).await?,
    };
    let organisation = reads.views.today(|reference| {
        rights::asked_organisation(&caller, filter.organisation.as_ref(), &reference.organisations)
    })?;
    let day = at.day();
    let from = filter.from.unwrap_or_else(|| day.with_day(1).unwrap_or(day).min(filter.to.unwrap_or(day)));
    let to = filter.to.unwrap_or_else(|| day.succ_opt().unwrap_or(day).max(from));
    let period: Period = checked_period("from", from, "to", to, day_of(node.clock.now()))?;
    let query = StaffingQuery { period, organisation };
    let ask = move |staffing: &Staffing, data: &ReferenceData| staffing.answer(&query, &data.reference);
    let seen = reads.views.study(&at, ask).await?;
    let total = seen.value.total;
    let after = resumed.map(|resumed| resumed.organisation);
    let rest =
        seen.value.halls.into_iter().filter(|hall| after.as_ref().is_none_or(|after| *after < hall.organisation));
    let mut halls: Vec<_> = rest.take(page.limit + 1).collect();
    let more = page.limit < halls.len();
    halls.truncate(page.limit);
    let last = halls.last().filter(|_| more).map(|hall| After { at, organisation: hall.organisation.clone() });
    let next = last.map(|last| page.next(&reads.cursors, &last));
    let body = json!({ "from": from, "to": to, "halls": halls, "total": total });
    Ok(Stamp::new(&at, seen.position).page(&body, next.as_ref()))
}

/// One day of a roster.
#[derive(Serialize)]
struct Day<'a> {
    day: NaiveDate,
    open: bool,
    on_duty: &'a [Post],
    /// Of a township's hall on an open day.
    #[serde(skip_serializing_if = "Option::is_none")]
    assistance: Option<Assistance>,
}

/// How the window for social assistance stands.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum Assistance {
    Proven,
    Planned,
    Lacking(Shortfall),
}

fn assistance(roster: &Roster, hall: &Organisation, day: NaiveDate, required: u16) -> Assistance {
    if !hall.windows.values().any(|window| window.purpose == ASSISTANCE) {
        return Assistance::Lacking(Shortfall::NoWindow);
    }
    match roster.assistance(day, required) {
        Ok(()) if roster.confirmed_through().is_some_and(|through| day <= through) => Assistance::Proven,
        Ok(()) => Assistance::Planned,
        Err(lacking) => Assistance::Lacking(lacking),
    }
}

/// The roster of one hall for one month, as it stood, day by day.
#[utoipa::path(
    get, path = "/api/v1/rosters/{id}", tag = "halls", security(("token" = [])),
    params(("id" = String, Path, description = "Hall and month", example = "361023100-2026-03"), crate::openapi::WhenParameters),
    responses((status = 200, description = "Who is where on each day", body = Object, example = json!({
        "position": 612345, "as_of": "2026-03-02T09:00:00.000+08:00", "id": "361023100-2026-03", "organisation": "361023100",
        "month": "2026-03", "version": 3, "confirmed_through": "2026-03-01",
        "days": [{"day": "2026-03-02", "open": true, "assistance": "planned", "on_duty": [{"window": "S1", "purpose": "social-assistance",
            "on": {"staff": "361023100-clerk-4", "full_time": true, "party_post": true}}]}]
    })), (status = 304, description = "Unchanged since the given `ETag`"))
)]
#[get("/rosters/{id}")]
pub(crate) async fn get_roster(
    node: Data<Node>,
    caller: Caller,
    id: Path<String>,
    Query(when): Query<When>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (organisation, month) = addressed(&id)?;
    rights::sees_staff(&caller)?;
    let views = &node.reads.views;
    views.today(|reference| rights::asked_organisation(&caller, Some(&organisation), &reference.organisations))?;
    let at = views.resolve(&when, &node.clock).await?;
    let subject = Subject::Roster(organisation.clone(), month);
    let facts = views.stream(&at, &subject).await?;
    let last = facts.last().ok_or_else(Problem::not_found)?;
    let (version, position) = (last.version, eventstore::Position(last.position));
    let roster: Roster = folded(&facts);
    let seen = views.look(&at, |data: &ReferenceData| {
        let reference = &data.reference;
        let hall = reference.organisations.get(&organisation)?;
        let is_township = hall.kind() == domain::event::organisation::OrganisationKind::Township;
        let days = month.days().map(|day| {
            let open = reference.organisations.opens_on(&organisation, day, &reference.calendar);
            let required = reference.policies.at(day).rules.standards().assistance_staff;
            let judged = (open && is_township).then(|| assistance(&roster, hall, day, required));
            Day { day, open, on_duty: roster.on(day), assistance: judged }
        });
        Some(json!({
            "id": id.as_str(), "organisation": organisation, "month": month, "version": version,
            "confirmed_through": roster.confirmed_through(), "days": days.collect::<Vec<_>>(),
        }))
    });
    let seen = seen.await?;
    let body = seen.value.ok_or_else(Problem::not_found)?;
    // Calendar and opening days may change the days without an event of the roster.
    let etag = format!("{version}-{}", views.today(|reference| reference.calendar.version()));
    Ok(Stamp::new(&at, seen.position.max(position)).resource(request.headers(), &etag, &body))
}

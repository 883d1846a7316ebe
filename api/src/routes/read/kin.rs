//! 近亲属备案, for those who supervise and those who lead: nobody else learns from it who is whose relative.

use super::statistics::period;
use crate::answer::Stamp;
use crate::auth::Caller;
use crate::cursor::Page;
use crate::node::Node;
use crate::problem::{Kind, Problem};
use crate::query::{FromParameters, Parameters, Query};
use crate::rights;
use crate::views::{Standing, When};
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use chrono::NaiveDate;
use domain::actor::Role;
use domain::case::Case;
use domain::ids::{CaseId, ItemId, OrganisationId, StaffId};
use domain::zone::day_of;
use projections::kin::{Kin, KinQuery, KinRow};
use projections::reference::ReferenceData;
use projections::scope::Period;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The question behind `GET /kin-registrations`.
#[derive(Debug, Clone)]
struct KinFilter {
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    organisation: Option<OrganisationId>,
    item: Option<ItemId>,
    late: Option<bool>,
    visited: Option<bool>,
}

impl FromParameters for KinFilter {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self {
            from: parameters.day("from")?,
            to: parameters.day("to")?,
            organisation: parameters.one("org")?,
            item: parameters.one("item")?,
            late: parameters.yes_or_no("late")?,
            visited: parameters.yes_or_no("visited")?,
        })
    }
}

/// Where the list goes on, and in which history.
#[derive(Serialize, Deserialize)]
struct After {
    at: Standing,
    case: CaseId,
}

fn may_know(caller: &Caller) -> Result<(), Problem> {
    match caller.actor.role {
        Role::Supervisor | Role::OrganHead | Role::Chief => Ok(()),
        Role::Resident
        | Role::VillageAgent
        | Role::Receptionist
        | Role::Clerk
        | Role::Handler
        | Role::CertificateMaker
        | Role::DeliveryClerk
        | Role::Analyst
        | Role::Screen
        | Role::Admin
        | Role::System
        | Role::Import => Err(Problem::new(Kind::Forbidden)),
    }
}

/// 近亲属备案: cases of close relatives of staff, whether they were registered before they were decided, whether the homes were
/// visited, and which acts on them were the relative's own.
#[utoipa::path(
    get, path = "/api/v1/kin-registrations", tag = "supervision", security(("token" = [])),
    params(
        ("org" = Option<String>, Query, description = "Handled under this organisation", example = "361023"),
        ("item" = Option<String>, Query, description = "Only this item", example = "FZ-001"),
        ("from" = Option<String>, Query, description = "Registered from this day on; 1 January of the year of `as_of` if absent"),
        ("to" = Option<String>, Query, description = "Registered before this day; the day after `as_of` if absent"),
        ("late" = Option<bool>, Query, description = "Only those registered after the case was decided, or only the others"),
        ("visited" = Option<bool>, Query, description = "Only those whose home was visited in full, or only the others"),
        crate::openapi::PageParameters, crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "Cases by id, and all of them together; for supervisors, chiefs and heads of organs only", body = Object, example = json!({
        "position": 612345, "as_of": "2026-03-20T09:00:00.000+08:00", "from": "2026-01-01", "to": "2026-03-21",
        "cases": [{"case": "01KH9Z6V0000000000000000AA", "item": "FZ-001", "handling": "361023100", "staff": "361023100-clerk-2",
            "relation": "parent", "declared_by": "inspection", "registered_on": "2026-03-10", "decided_on": "2026-02-20", "late": true,
            "visits": {"full": ["2026-03-12"]}, "acts_of_relative": ["received"]}],
        "total": {"registered": 1, "in_time": {"numerator": 0, "denominator": 1, "rate": 0.0},
            "visited": {"numerator": 1, "denominator": 1, "rate": 1.0}, "spot_visited": {"numerator": 0, "denominator": 1, "rate": 0.0}},
        "next_cursor": "eyJ…"
    })))
)]
#[get("/kin-registrations")]
pub(crate) async fn list_kin(
    node: Data<Node>,
    caller: Caller,
    Query((filter, page, when)): Query<(KinFilter, Page, When)>,
) -> Result<HttpResponse, Problem> {
    may_know(&caller)?;
    let reads = &node.reads;
    let resumed: Option<After> = page.resume(&reads.cursors)?;
    let at = match &resumed {
        Some(resumed) => resumed.at.again(&node.clock),
        None => reads.views.resolve(&when, &node.clock).await?,
    };
    let organisation = reads.views.today(|reference| {
        rights::asked_organisation(&caller, filter.organisation.as_ref(), &reference.organisations)
    })?;
    let period = period(filter.from, filter.to, at.day(), day_of(node.clock.now()))?;
    let Period { from, to } = period;
    let query = KinQuery { period, organisation, item: filter.item, late: filter.late, visited: filter.visited };
    let ask = move |kin: &Kin, data: &ReferenceData| kin.answer(&query, &data.reference.organisations);
    let seen = reads.views.study(&at, ask).await?;
    let total = seen.value.total;
    let after = resumed.map(|resumed| resumed.case);
    let rest = seen.value.cases.into_iter().filter(|row| after.is_none_or(|after| after < row.registered.case));
    let mut rows: Vec<KinRow> = rest.take(page.limit + 1).collect();
    let more = page.limit < rows.len();
    rows.truncate(page.limit);
    let mut cases = Vec::with_capacity(rows.len());
    for row in &rows {
        let file = reads.views.case_file(&at, row.registered.case).await?;
        cases.push(shown(row, file.as_ref().map(|file| &file.case)));
    }
    let last = rows.last().filter(|_| more).map(|row| After { at, case: row.registered.case });
    let next = last.map(|last| page.next(&reads.cursors, &last));
    let body = json!({ "from": from, "to": to, "cases": cases, "total": total });
    Ok(Stamp::new(&at, seen.position).page(&body, next.as_ref()))
}

fn shown(row: &KinRow, case: Option<&Case>) -> Value {
    let mut shown = json!(row.registered);
    shown["late"] = row.is_late().into();
    shown["visits"] = json!(row.visits);
    shown["acts_of_relative"] = case.map_or_else(Vec::new, |case| acts_of(&row.registered.staff, case)).into();
    shown
}

/// What the relative did on the case: 回避 means nothing.
fn acts_of(relative: &StaffId, case: &Case) -> Vec<&'static str> {
    let acts = [
        ("received", case.receipt.as_ref().and_then(|receipt| receipt.by.as_ref())),
        ("accepted", case.acceptance.as_ref().and_then(|acceptance| acceptance.by.as_ref())),
        ("decided", case.decision.as_ref().and_then(|decision| decision.by.as_ref())),
    ];
    acts.into_iter().filter(|(_, by)| *by == Some(relative)).map(|(act, _)| act).collect()
}

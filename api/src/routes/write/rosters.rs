//! 值班表: posted by the month, changed by the day, confirmed afterwards.

use super::plain::{answers_for, carry_out};
use super::request::Incoming;
use crate::auth::Caller;
use crate::node::Node;
use crate::problem::Problem;
use actix_web::{HttpResponse, web};
use chrono::NaiveDate;
use domain::actor::Role;
use domain::event::roster::{DutyChangeReason, OnDuty};
use domain::fact::Subject;
use domain::ids::{OrganisationId, StaffId, WindowId};
use domain::month::Month;
use domain::roster::{Planned, Roster, RosterCommand};
use serde::Deserialize;
use utoipa::ToSchema;

/// Who draws up a hall's roster.
const PLANNERS: [Role; 3] = [Role::Chief, Role::OrganHead, Role::Admin];
/// Who says that it was so.
const CONFIRMERS: [Role; 3] = [Role::Chief, Role::OrganHead, Role::Supervisor];

/// Somebody's duty at a window.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DutyBody {
    /// At which window.
    #[schema(value_type = String)]
    pub window: WindowId,
    /// Who, by number.
    #[schema(value_type = String)]
    pub staff: StaffId,
    /// 专职: has no other work.
    pub full_time: bool,
    /// 党员先锋岗.
    #[serde(default)]
    pub party_post: bool,
    /// On which days of the month.
    pub days: Vec<u8>,
}

/// 公布值班表.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"organisation": "361023100", "month": "2026-03", "duties": [
    {"window": "S1", "staff": "361023100-clerk-4", "full_time": true, "party_post": true, "days": [2, 3, 4, 5, 6]},
    {"window": "S1", "staff": "361023100-clerk-5", "full_time": true, "days": [2, 3, 4, 5, 6]}
]}))]
pub struct PostRosterBody {
    /// Of which hall.
    #[schema(value_type = String)]
    pub organisation: OrganisationId,
    /// For which month.
    #[schema(value_type = String)]
    pub month: Month,
    /// Who, where, when.
    #[schema(inline)]
    pub duties: Vec<DutyBody>,
}

/// Who comes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OnBody {
    /// Who, by number.
    #[schema(value_type = String)]
    pub staff: StaffId,
    /// 专职: has no other work.
    pub full_time: bool,
    /// 党员先锋岗.
    #[serde(default)]
    pub party_post: bool,
}

/// 调班.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"day": "2026-03-04", "window": "S1", "off": "361023100-clerk-4",
    "on": {"staff": "361023100-clerk-3", "full_time": true, "party_post": true}, "reason": "leave"}))]
pub struct ChangeDutyBody {
    /// The day.
    pub day: NaiveDate,
    /// The window.
    #[schema(value_type = String)]
    pub window: WindowId,
    /// Who does not come.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub off: Option<StaffId>,
    /// Who comes.
    #[serde(default)]
    #[schema(inline)]
    pub on: Option<OnBody>,
    /// `leave`, `training`, `needed-elsewhere`, `swap`, `relief` or `mistake`.
    #[schema(value_type = String)]
    pub reason: DutyChangeReason,
}

/// 确认值班.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"through": "2026-03-31"}))]
pub struct ConfirmRosterBody {
    /// The last day it speaks of.
    pub through: NaiveDate,
}

fn on(staff: StaffId, full_time: bool, party_post: bool) -> OnDuty {
    OnDuty { staff, full_time, party_post }
}

/// Reads the name under which a roster is addressed, such as `361023100-2026-03`.
///
/// # Errors
/// It is no such name.
pub fn addressed(id: &str) -> Result<(OrganisationId, Month), Problem> {
    match format!("roster-{id}").parse() {
        Ok(Subject::Roster(organisation, month)) => Ok((organisation, month)),
        Ok(_) | Err(_) => Err(Problem::not_found()),
    }
}

/// `POST /rosters`
///
/// # Errors
/// The caller does not draw up this hall's roster, the body is flawed, or a rule forbids it.
pub async fn post(node: web::Data<Node>, caller: Caller, incoming: Incoming) -> Result<HttpResponse, Problem> {
    let PostRosterBody { organisation, month, duties } = incoming.read()?;
    answers_for(&node, &caller, &organisation, &PLANNERS)?;
    let id = format!("{organisation}-{month}");
    let subject = Subject::Roster(organisation.clone(), month);
    let planned = duties.into_iter().map(|DutyBody { window, staff, full_time, party_post, days }| Planned {
        window,
        on: on(staff, full_time, party_post),
        days,
    });
    let command = RosterCommand::Post { organisation, month, duties: planned.collect() };
    carry_out::<Roster>(&node, &caller, &incoming, &subject, &id, &command).await
}

/// `POST /rosters/{id}/actions/{action}`: `change-duty` or `confirm`.
///
/// # Errors
/// There is no such hall or action, the caller may not, the body is flawed, or a rule forbids it.
pub async fn act(
    node: web::Data<Node>,
    caller: Caller,
    path: web::Path<(String, String)>,
    incoming: Incoming,
) -> Result<HttpResponse, Problem> {
    let (id, action) = path.into_inner();
    let (organisation, month) = addressed(&id)?;
    let command = match action.as_str() {
        "change-duty" => {
            answers_for(&node, &caller, &organisation, &PLANNERS)?;
            let ChangeDutyBody { day, window, off, on: comes, reason } = incoming.read()?;
            let comes = comes.map(|comes| on(comes.staff, comes.full_time, comes.party_post));
            RosterCommand::Change { day, window, off, on: comes, reason }
        }
        "confirm" => {
            answers_for(&node, &caller, &organisation, &CONFIRMERS)?;
            let ConfirmRosterBody { through } = incoming.read()?;
            RosterCommand::Confirm { through }
        }
        _ => return Err(Problem::not_found()),
    };
    let subject = Subject::Roster(organisation, month);
    carry_out::<Roster>(&node, &caller, &incoming, &subject, &id, &command).await
}

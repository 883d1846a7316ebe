//! 近亲属备案: saying that an applicant is a close relative of somebody who works here, and that their home was visited.
//!
//! It is said of a case one may see, and read by few: see `routes/read/kin.rs`.

use super::cases::visible;
use super::plain::{carry_out, carry_out_with};
use super::request::Incoming;
use crate::auth::Caller;
use crate::node::Node;
use crate::problem::{Kind, Problem};
use actix_web::{HttpResponse, web};
use chrono::NaiveDate;
use domain::actor::Role;
use domain::case::Rejection;
use domain::event::kin::{DeclaredBy, HomeVisit, KinRelation};
use domain::fact::Subject;
use domain::ids::{CaseId, StaffId};
use domain::kin::{Kin, KinCommand};
use serde::Deserialize;
use utoipa::ToSchema;

/// 备案.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"case": "01KH9Z6V0000000000000000AA", "staff": "361023100-clerk-2", "relation": "parent", "declared_by": "applicant"}))]
pub struct RegisterKinBody {
    /// Of which case.
    #[schema(value_type = String)]
    pub case: CaseId,
    /// Whose relative the applicant is, by number.
    #[schema(value_type = String)]
    pub staff: StaffId,
    /// What the applicant is to them: `spouse`, `parent`, `child`, `sibling` or `other`.
    #[schema(value_type = String)]
    pub relation: KinRelation,
    /// Who said so: `applicant`, `staff` or `inspection`.
    #[schema(value_type = String)]
    pub declared_by: DeclaredBy,
}

/// 入户.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"visit": "full", "visited_on": "2026-03-02", "visitors": ["361023100-handler-1", "361023100-handler-2"]}))]
pub struct HomeVisitBody {
    /// `full` 入户核查, or `spot` 抽查 by the county or the city.
    #[schema(value_type = String)]
    pub visit: HomeVisit,
    /// When.
    pub visited_on: NaiveDate,
    /// By whom, by number; at least two.
    #[schema(value_type = Vec<String>)]
    pub visitors: Vec<StaffId>,
}

fn works_on_cases(caller: &Caller) -> Result<(), Problem> {
    match caller.actor.role {
        Role::Clerk | Role::Handler | Role::Chief | Role::OrganHead | Role::Supervisor => Ok(()),
        Role::Resident
        | Role::VillageAgent
        | Role::Receptionist
        | Role::CertificateMaker
        | Role::DeliveryClerk
        | Role::Analyst
        | Role::Screen
        | Role::Admin
        | Role::System
        | Role::Import => Err(Problem::new(Kind::Forbidden)),
    }
}

/// `POST /kin-registrations`
///
/// # Errors
/// The caller may not, or does not see the case; the body is flawed, or a rule forbids it.
pub async fn register(node: web::Data<Node>, caller: Caller, incoming: Incoming) -> Result<HttpResponse, Problem> {
    works_on_cases(&caller)?;
    let RegisterKinBody { case, staff, relation, declared_by } = incoming.read()?;
    let (case, loaded) = visible(&node, &caller, &case.to_string()).await?;
    let application = loaded.state.application.as_ref().ok_or(Rejection::LegacyCase)?;
    let command = KinCommand::Register {
        case,
        item: application.item.clone(),
        handling: application.handling.clone(),
        decided_on: loaded.state.decision.as_ref().and_then(|decision| decision.on),
        staff,
        relation,
        declared_by,
    };
    // Whether it comes too late depends on the case as it was seen.
    let also = [(Subject::Case(case), loaded.version)];
    let (subject, id) = (Subject::Kin(case), case.to_string());
    carry_out_with::<Kin>(&node, &caller, &incoming, &subject, &id, &command, &also).await
}

/// `POST /kin-registrations/{id}/actions/{action}`: `visit`.
///
/// # Errors
/// There is no such case or action, the caller may not, the body is flawed, or a rule forbids it.
pub async fn act(
    node: web::Data<Node>,
    caller: Caller,
    path: web::Path<(String, String)>,
    incoming: Incoming,
) -> Result<HttpResponse, Problem> {
    works_on_cases(&caller)?;
    let (id, action) = path.into_inner();
    let (case, _) = visible(&node, &caller, &id).await?;
    if action != "visit" {
        return Err(Problem::not_found());
    }
    let HomeVisitBody { visit, visited_on, visitors } = incoming.read()?;
    let command = KinCommand::Visit { visit, visited_on, visitors };
    carry_out::<Kin>(&node, &caller, &incoming, &Subject::Kin(case), &id, &command).await
}

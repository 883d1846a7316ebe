//! 服务点: acts of administrators on centres and stations as places that serve.

use super::plain::{answers_for, carry_out};
use super::reference::command;
use super::request::Incoming;
use crate::auth::Caller;
use crate::node::Node;
use crate::problem::Problem;
use actix_web::{HttpResponse, web};
use domain::actor::Role;
use domain::fact::Subject;
use domain::ids::OrganisationId;
use domain::service_point::{ServicePointCommand, ServicePointState};

/// What can be done to a service point.
const ACTIONS: [&str; 5] = ["set-place", "launch", "enable-items", "disable-items", "survey-travel"];

/// `POST /service-points/{id}/actions/{action}`: `set-place`, `launch`, `enable-items`, `disable-items` or
/// `survey-travel`.
///
/// # Errors
/// There is no such centre, station or action, the caller may not, the body is flawed, or a rule forbids it.
pub async fn act(
    node: web::Data<Node>,
    caller: Caller,
    path: web::Path<(String, String)>,
    incoming: Incoming,
) -> Result<HttpResponse, Problem> {
    let (id, action) = path.into_inner();
    let organisation: OrganisationId = id.parse().map_err(|_| Problem::not_found())?;
    answers_for(&node, &caller, &organisation, &[Role::Admin])?;
    if !ACTIONS.contains(&action.as_str()) {
        return Err(Problem::not_found());
    }
    let mut body = incoming.object()?;
    body.insert("organisation".to_owned(), organisation.as_str().into());
    let act: ServicePointCommand = command(&action, body)?;
    let subject = Subject::ServicePoint(organisation);
    carry_out::<ServicePointState>(&node, &caller, &incoming, &subject, &id, &act).await
}

//! Writes that seal nothing: asked, decided, told.

use super::request::{Incoming, Written};
use crate::auth::Caller;
use crate::execute::{Begun, Stream};
use crate::node::Node;
use crate::problem::{Kind, Problem};
use actix_web::HttpResponse;
use domain::actor::Role;
use domain::fact::Subject;
use domain::ids::OrganisationId;

/// Carries a command out on its stream, or tells what came of it before.
///
/// # Errors
/// A rule forbids it, others were faster, or the log is in trouble.
pub async fn carry_out<D: Stream<Rejection: Into<Problem>>>(
    node: &Node,
    caller: &Caller,
    incoming: &Incoming,
    subject: &Subject,
    id: &str,
    command: &D::Command,
) -> Result<HttpResponse, Problem> {
    carry_out_with::<D>(node, caller, incoming, subject, id, command, &[]).await
}

/// The same for a command that was made from other streams as they stood at these versions.
///
/// # Errors
/// As [`carry_out`].
pub async fn carry_out_with<D: Stream<Rejection: Into<Problem>>>(
    node: &Node,
    caller: &Caller,
    incoming: &Incoming,
    subject: &Subject,
    id: &str,
    command: &D::Command,
    also: &[(Subject, u64)],
) -> Result<HttpResponse, Problem> {
    let asked = incoming.asked(node, &caller.actor, None);
    let done = match node.executor.begin(asked.command, asked.digest).await? {
        Begun::Repeated(done) => done,
        Begun::Fresh(under_way) => node.executor.execute::<D>(&under_way, &asked, subject, command, also).await?,
    };
    Ok(Written::new(id, &done).respond())
}

/// # Errors
/// The organisation is not there, lies outside what the caller answers for, or the caller has none of these roles.
pub fn answers_for(node: &Node, caller: &Caller, organisation: &OrganisationId, roles: &[Role]) -> Result<(), Problem> {
    let reference = node.reference.now();
    let organisations = &reference.reference.organisations;
    let below = organisations.get(organisation).is_some()
        && organisations.contains(&caller.actor.organisation, organisation)
        && caller.actor.role != Role::Resident;
    if !below {
        return Err(Problem::not_found());
    }
    match roles.contains(&caller.actor.role) {
        true => Ok(()),
        false => Err(Problem::new(Kind::Forbidden)),
    }
}

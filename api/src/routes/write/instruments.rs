//! 赋权、委托: issuing and revoking the instruments under which townships decide.

use super::reference::{PATIENCE, command, execute, is_admin_over};
use super::request::Incoming;
use crate::auth::Caller;
use crate::node::Node;
use crate::problem::{Kind, Problem};
use actix_web::{HttpResponse, web};
use domain::fact::Subject;
use domain::ids::InstrumentId;
use domain::instrument::{Instrument, InstrumentCommand};
use eventstore::StreamVersion;

/// `POST /instruments`: by an administrator of the organ whose power it is.
///
/// # Errors
/// The caller may not speak for that organ, the body is flawed, or a rule forbids it.
pub async fn issue(node: web::Data<Node>, caller: Caller, incoming: Incoming) -> Result<HttpResponse, Problem> {
    let issue: InstrumentCommand = command("issue", incoming.object()?)?;
    let InstrumentCommand::Issue(body) = &issue else { return Err(Problem::not_found()) };
    is_admin_over(&node, &caller, &body.from)?;
    let id = &body.instrument;
    let subject = Subject::Instrument(id.clone());
    // Whether a power is one's own to give depends on every other instrument, and no guard can name one that is not there yet.
    // There is one writer to a log, so taking turns will do; each waits until it knows of the one before.
    let mut before = node.issuing.lock().await;
    if let Some(before) = before.as_ref()
        && !node.reference.reaches(before, StreamVersion(1), PATIENCE).await
    {
        return Err(Problem::new(Kind::Unavailable));
    }
    let issued = execute::<Instrument>(&node, &caller, &incoming, &subject, id.as_str(), &issue).await?;
    *before = Some(subject);
    Ok(issued)
}

/// `POST /instruments/{id}/actions/{action}`: `revoke`.
///
/// # Errors
/// There is no such instrument or action, the caller may not speak for its organ, or a rule forbids it.
pub async fn act(
    node: web::Data<Node>,
    caller: Caller,
    path: web::Path<(String, String)>,
    incoming: Incoming,
) -> Result<HttpResponse, Problem> {
    let (id, action) = path.into_inner();
    let id: InstrumentId = id.parse().map_err(|_| Problem::not_found())?;
    let from = {
        let reference = node.reference.now();
        let issued = reference.reference.instruments.get(&id).and_then(Instrument::issued);
        issued.map(|issued| issued.from.clone()).ok_or_else(Problem::not_found)?
    };
    is_admin_over(&node, &caller, &from)?;
    if action != "revoke" {
        return Err(Problem::not_found());
    }
    let mut body = incoming.object()?;
    body.insert("instrument".to_owned(), id.as_str().into());
    let revoke: InstrumentCommand = command(&action, body)?;
    execute::<Instrument>(&node, &caller, &incoming, &Subject::Instrument(id.clone()), id.as_str(), &revoke).await
}

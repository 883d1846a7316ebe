//! Publishing items, organisations, calendar and policy: acts of administrators, each an event.

use super::request::{Incoming, Written, flawless, read};
use crate::auth::Caller;
use crate::execute::{Begun, Stream};
use crate::forms;
use crate::node::Node;
use crate::problem::{FieldError, Kind, Problem, Text};
use crate::seal::Flaws;
use actix_web::{HttpResponse, web};
use chrono::NaiveDate;
use domain::actor::Role;
use domain::calendar::{CalendarCommand, WorkingCalendar};
use domain::catalogue::{Item, ItemCommand};
use domain::event::organisation::StaffAppointed;
use domain::fact::Subject;
use domain::ids::{ItemId, OrganisationId, StaffId};
use domain::organisation::{OrganisationCommand, OrganisationState};
use domain::policy::{Policies, PolicyCommand};
use eventstore::StreamVersion;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::time::Duration;
use utoipa::ToSchema;

/// How long an answer waits for decisions to rely on what was published.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// The one stream of the calendar, and the id under which it is addressed.
const CALENDAR: &str = "calendar";
/// The one stream of the rules, and the id under which it is addressed.
const POLICY: &str = "policy";

/// What administrators publish for the whole city is for those of the city.
pub(super) fn is_city_admin(node: &Node, caller: &Caller) -> Result<(), Problem> {
    let reference = node.reference.now();
    let organisations = &reference.reference.organisations;
    let own = &caller.actor.organisation;
    let at_the_root = organisations.get(own).is_some() && organisations.parent(own).is_none();
    match caller.actor.role == Role::Admin && at_the_root {
        true => Ok(()),
        false => Err(Problem::new(Kind::Forbidden)),
    }
}

pub(super) fn is_admin_over(node: &Node, caller: &Caller, organisation: &OrganisationId) -> Result<(), Problem> {
    let reference = node.reference.now();
    let over = reference.reference.organisations.contains(&caller.actor.organisation, organisation);
    match caller.actor.role == Role::Admin && over {
        true => Ok(()),
        false => Err(Problem::new(Kind::Forbidden)),
    }
}

/// Reads a command of the domain, and refuses whatever in the body did not become part of it.
pub(super) fn command<T: DeserializeOwned + Serialize>(name: &str, mut body: Map<String, Value>) -> Result<T, Problem> {
    body.insert("command".to_owned(), name.into());
    let body = Value::Object(body);
    let command: T = read(body.clone())?;
    let understood = serde_json::to_value(&command).unwrap_or_default();
    match unknown(&body, &understood, String::new()) {
        None => Ok(command),
        Some(pointer) => {
            let detail = Text::new("未知的内容", "is a field that nobody knows");
            Err(Problem::new(Kind::Malformed).errors(vec![FieldError::new(pointer, detail)]))
        }
    }
}

/// Returns the first place in `given` that says something which `understood` does not.
fn unknown(given: &Value, understood: &Value, at: String) -> Option<String> {
    let says_nothing = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(list) => list.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Number(number) => number.as_u64() == Some(0),
        Value::Bool(true) | Value::Object(_) => false,
    };
    match (given, understood) {
        (Value::Object(given), Value::Object(understood)) => given.iter().find_map(|(name, value)| {
            let at = format!("{at}/{name}");
            match understood.get(name) {
                Some(known) => unknown(value, known, at),
                None if says_nothing(value) => None,
                None => Some(at),
            }
        }),
        (Value::Array(given), Value::Array(understood)) => given
            .iter()
            .zip(understood)
            .enumerate()
            .find_map(|(place, (given, understood))| unknown(given, understood, format!("{at}/{place}"))),
        _ => None,
    }
}

pub(super) async fn execute<D: Stream<Rejection: Into<Problem>>>(
    node: &Node,
    caller: &Caller,
    incoming: &Incoming,
    subject: &Subject,
    id: &str,
    command: &D::Command,
) -> Result<HttpResponse, Problem> {
    let asked = incoming.asked(node, &caller.actor, None);
    let done = match node.executor.begin(asked.command, asked.digest).await? {
        Begun::Repeated(done) => done,
        Begun::Fresh(under_way) => node.executor.execute::<D>(&under_way, &asked, subject, command, &[]).await?,
    };
    // Whoever publishes and then acts is judged by what they published. If it takes too long, a guard tells.
    node.reference.reaches(subject, StreamVersion(done.version), PATIENCE).await;
    Ok(Written::new(id, &done).respond())
}

/// `POST /items`: the first version of an item, or the next one.
///
/// # Errors
/// The caller may not publish items, the body is flawed, or a rule forbids it.
pub async fn publish_item(node: web::Data<Node>, caller: Caller, incoming: Incoming) -> Result<HttpResponse, Problem> {
    is_city_admin(&node, &caller)?;
    let publish: ItemCommand = command("publish", incoming.object()?)?;
    check_schema(&publish)?;
    let (ItemCommand::Publish { item, .. } | ItemCommand::Withdraw { item, .. }) = &publish;
    let subject = Subject::Item(item.clone());
    execute::<Item>(&node, &caller, &incoming, &subject, item.as_str(), &publish).await
}

/// `POST /items/{id}/actions/{action}`: `publish` or `withdraw`.
///
/// # Errors
/// There is no such item or action, the caller may not, the body is flawed, or a rule forbids it.
pub async fn act_on_item(
    node: web::Data<Node>,
    caller: Caller,
    path: web::Path<(String, String)>,
    incoming: Incoming,
) -> Result<HttpResponse, Problem> {
    is_city_admin(&node, &caller)?;
    let (id, action) = path.into_inner();
    let id: ItemId = id.parse().map_err(|_| Problem::not_found())?;
    node.reference.now().reference.catalogue.get(&id).ok_or_else(Problem::not_found)?;
    if !["publish", "withdraw"].contains(&action.as_str()) {
        return Err(Problem::not_found());
    }
    let mut body = incoming.object()?;
    body.insert("item".to_owned(), id.as_str().into());
    let act: ItemCommand = command(&action, body)?;
    check_schema(&act)?;
    execute::<Item>(&node, &caller, &incoming, &Subject::Item(id.clone()), id.as_str(), &act).await
}

/// An item is published with a form only if answers can be checked by it.
fn check_schema(command: &ItemCommand) -> Result<(), Problem> {
    let ItemCommand::Publish { definition, .. } = command else { return Ok(()) };
    match definition.form.as_ref().and_then(|form| forms::flaw_of_schema(&form.schema)) {
        None => Ok(()),
        Some(flaw) => Err(Problem::new(Kind::Invalid).errors(vec![flaw])),
    }
}

/// `POST /organisations`
///
/// # Errors
/// The caller may not, the body is flawed, or a rule forbids it.
pub async fn register(node: web::Data<Node>, caller: Caller, incoming: Incoming) -> Result<HttpResponse, Problem> {
    let register: OrganisationCommand = command("register", incoming.object()?)?;
    let OrganisationCommand::Register(body) = &register else { return Err(Problem::not_found()) };
    match &body.parent {
        Some(parent) => is_admin_over(&node, &caller, parent)?,
        None => is_city_admin(&node, &caller)?,
    }
    let id = body.organisation.clone();
    let subject = Subject::Organisation(id.clone());
    execute::<OrganisationState>(&node, &caller, &incoming, &subject, id.as_str(), &register).await
}

/// Somebody works here.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"staff": "clerk-01", "roles": ["clerk"], "name": "张三", "valid_from": "2026-01-01"}))]
pub struct AppointBody {
    /// Who, by number.
    #[schema(value_type = String)]
    pub staff: StaffId,
    /// In which roles.
    #[schema(value_type = Vec<String>)]
    pub roles: Vec<Role>,
    /// Name, kept sealed.
    #[serde(default)]
    pub name: Option<String>,
    /// Phone, kept sealed.
    #[serde(default)]
    pub phone: Option<String>,
    /// Since when.
    pub valid_from: NaiveDate,
}

/// `POST /organisations/{id}/actions/{action}`: `set-opening-days`, `set-contact`, `open-window`, `close-window`, `appoint-staff`,
/// `relieve-staff` or `dissolve`.
///
/// # Errors
/// There is no such organisation or action, the caller may not, the body is flawed, or a rule forbids it.
pub async fn act_on_organisation(
    node: web::Data<Node>,
    caller: Caller,
    path: web::Path<(String, String)>,
    incoming: Incoming,
) -> Result<HttpResponse, Problem> {
    let (id, action) = path.into_inner();
    let id: OrganisationId = id.parse().map_err(|_| Problem::not_found())?;
    node.reference.now().reference.organisations.get(&id).ok_or_else(Problem::not_found)?;
    is_admin_over(&node, &caller, &id)?;
    let subject = Subject::Organisation(id.clone());
    let act = match action.as_str() {
        "appoint-staff" => appoint(&node, &incoming, &id).await?,
        "set-opening-days" | "set-contact" | "open-window" | "close-window" | "relieve-staff" | "dissolve" => {
            let mut body = incoming.object()?;
            body.insert("organisation".to_owned(), id.as_str().into());
            command(&action, body)?
        }
        _ => return Err(Problem::not_found()),
    };
    execute::<OrganisationState>(&node, &caller, &incoming, &subject, id.as_str(), &act).await
}

async fn appoint(node: &Node, incoming: &Incoming, id: &OrganisationId) -> Result<OrganisationCommand, Problem> {
    let body: AppointBody = incoming.read()?;
    let mut flaws = Flaws::default();
    for (pointer, text) in [("/name", &body.name), ("/phone", &body.phone)] {
        if let Some(text) = text {
            flaws.name(pointer, text);
        }
    }
    if body.roles.iter().any(|role| matches!(role, Role::System | Role::Import | Role::Resident)) {
        flaws.add("/roles", "不是工作人员的角色", "is not a role of staff");
    }
    flawless(flaws)?;
    let person = match (&body.name, &body.phone) {
        (None, None) => None,
        (name, phone) => {
            // Staff are known by number, not by identity number.
            let keeper = node.vault.subject(&format!("staff {}", body.staff));
            let keyring = node.vault.keyring([keeper.clone()]).await?;
            let text = serde_json::json!({"name": name, "phone": phone}).to_string();
            Some(node.vault.seal(&keyring, &keeper, &Subject::Organisation(id.clone()).to_string(), &text)?)
        }
    };
    let AppointBody { staff, roles, valid_from, .. } = body;
    Ok(OrganisationCommand::AppointStaff(StaffAppointed { organisation: id.clone(), staff, roles, person, valid_from }))
}

/// `POST /calendars`: a year's holidays and make-up days.
///
/// # Errors
/// The caller may not, the body is flawed, or a rule forbids it.
pub async fn publish_calendar(
    node: web::Data<Node>,
    caller: Caller,
    incoming: Incoming,
) -> Result<HttpResponse, Problem> {
    is_city_admin(&node, &caller)?;
    let publish: CalendarCommand = command("publish", incoming.object()?)?;
    execute::<WorkingCalendar>(&node, &caller, &incoming, &Subject::Calendar, CALENDAR, &publish).await
}

/// `POST /calendars/calendar/actions/{action}`: `publish` or `amend`.
///
/// # Errors
/// There is no such calendar or action, the caller may not, the body is flawed, or a rule forbids it.
pub async fn act_on_calendar(
    node: web::Data<Node>,
    caller: Caller,
    path: web::Path<(String, String)>,
    incoming: Incoming,
) -> Result<HttpResponse, Problem> {
    is_city_admin(&node, &caller)?;
    let (id, action) = path.into_inner();
    if id != CALENDAR || !["publish", "amend"].contains(&action.as_str()) {
        return Err(Problem::not_found());
    }
    let act: CalendarCommand = command(&action, incoming.object()?)?;
    execute::<WorkingCalendar>(&node, &caller, &incoming, &Subject::Calendar, CALENDAR, &act).await
}

/// `POST /policies`: the next version of the rules.
///
/// # Errors
/// The caller may not, the body is flawed, or a rule forbids it.
pub async fn publish_policy(
    node: web::Data<Node>,
    caller: Caller,
    incoming: Incoming,
) -> Result<HttpResponse, Problem> {
    is_city_admin(&node, &caller)?;
    let publish: PolicyCommand = command("publish", incoming.object()?)?;
    execute::<Policies>(&node, &caller, &incoming, &Subject::Policy, POLICY, &publish).await
}

/// `POST /policies/policy/actions/{action}`: `publish`.
///
/// # Errors
/// There is no such policy or action, the caller may not, the body is flawed, or a rule forbids it.
pub async fn act_on_policy(
    node: web::Data<Node>,
    caller: Caller,
    path: web::Path<(String, String)>,
    incoming: Incoming,
) -> Result<HttpResponse, Problem> {
    let (id, action) = path.into_inner();
    if id != POLICY || action != "publish" {
        is_city_admin(&node, &caller)?;
        return Err(Problem::not_found());
    }
    publish_policy(node, caller, incoming).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_field_nobody_knows_is_found_at_any_depth() {
        let given = json!({"a": 1, "list": [{"b": 2, "c": 3}], "empty": []});
        let understood = json!({"a": 1, "list": [{"b": 2}]});
        assert_eq!(unknown(&given, &understood, String::new()), Some("/list/0/c".to_owned()));
        assert_eq!(unknown(&understood, &given, String::new()), None);
    }
}

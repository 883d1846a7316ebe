//! 预约: booking a slot, moving it, giving it back.

use super::evidence::LOOKS_MAX;
use super::halls::{check_purpose, comprehensive, hall_day, sees_hall, visible_booking};
use super::request::{Incoming, Written, flawless};
use crate::auth::Caller;
use crate::execute::{Asked, Begun, Done, ExecuteError};
use crate::node::Node;
use crate::problem::{Kind, Problem};
use crate::seal::{Flaws, PersonBody, party};
use actix_web::{HttpResponse, web};
use chrono::{DateTime, FixedOffset};
use domain::actor::Role;
use domain::appointment::{AppointmentAct, AppointmentCommand, Book, Booking, DaySlots};
use domain::event::{AppointmentEvent, Event};
use domain::fact::Subject;
use domain::hall_day::{AppointmentId, HallDay};
use domain::ids::{ItemId, OrganisationId};
use domain::month::Month;
use domain::roster::Roster;
use domain::sealed::Party;
use domain::zone::day_of;
use serde::Deserialize;
use utoipa::ToSchema;
use zeroize::Zeroizing;

/// 预约.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "hall": "361023100", "item": "FZ-001", "from": "2026-03-03T09:00:00+08:00",
    "person": {"name": "杨某某", "id_number": "11010519491231002X", "phone": "13870401234"}
}))]
pub struct BookBody {
    /// At which hall; the caller's organisation if absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub hall: Option<OrganisationId>,
    /// For which item of the catalogue.
    #[schema(value_type = String)]
    pub item: ItemId,
    /// The slot begins, as `GET /halls/{id}/slots` gives it.
    pub from: DateTime<FixedOffset>,
    /// Which kind of window; `comprehensive` if absent.
    #[serde(default)]
    pub purpose: Option<String>,
    /// Who will come.
    #[schema(inline)]
    pub person: PersonBody,
}

/// 改约.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"from": "2026-03-04T10:00:00+08:00"}))]
pub struct MoveBody {
    /// The other slot begins, at the same hall, on the same day or another one.
    pub from: DateTime<FixedOffset>,
}

fn books(role: Role) -> bool {
    matches!(role, Role::Resident | Role::VillageAgent | Role::Receptionist | Role::Clerk | Role::DeliveryClerk)
}

/// `POST /appointments`
///
/// # Errors
/// The hall is not there for the caller, the body is flawed, a rule forbids it, or the log is in trouble.
pub async fn book(node: web::Data<Node>, caller: Caller, incoming: Incoming) -> Result<HttpResponse, Problem> {
    if !books(caller.actor.role) {
        return Err(Problem::new(Kind::Forbidden));
    }
    let body: BookBody = incoming.read()?;
    let mut flaws = Flaws::default();
    body.person.check("/person", &mut flaws);
    if let Some(purpose) = &body.purpose {
        check_purpose(purpose, &mut flaws);
    }
    if caller.actor.role == Role::Resident && body.hall.is_none() {
        flaws.add("/hall", "须注明大厅", "is needed");
    }
    let subject = body.person.subject(&node.vault);
    if caller.actor.subject().is_some_and(|own| own != subject) {
        flaws.add("/person/id_number", "只能为本人预约", "must be the caller's own");
    }
    flawless(flaws)?;
    let hall = body.hall.clone().unwrap_or_else(|| caller.actor.organisation.clone());
    sees_hall(&node, &caller, &hall)?;
    let asked = incoming.asked(&node, &caller.actor, None);
    let from = body.from.to_utc();
    let appointment = AppointmentId { day: hall_day(&hall, day_of(from)), code: asked.command.0 };
    let stream = Subject::Slots(appointment.day.clone());
    let under_way = match node.executor.begin(asked.command, asked.digest).await? {
        Begun::Fresh(under_way) => under_way,
        Begun::Repeated(done) => return booked(&done),
    };
    let keyring = node.vault.keyring([subject]).await?;
    let party = party(&node.vault, &keyring, &stream.to_string(), &body.person, day_of(node.clock.now()))?;
    let purpose = body.purpose.unwrap_or_else(comprehensive);
    let (manned, also) = manned(&node, &appointment.day, &purpose).await?;
    let act = Book { appointment: appointment.clone(), from, purpose, item: body.item, party, manned, replaces: None };
    let command = AppointmentCommand { day: appointment.day, act: AppointmentAct::Book(act) };
    booked(&node.executor.execute::<DaySlots>(&under_way, &asked, &stream, &command, &[also]).await?)
}

/// What the hall's roster says of the day, and the version at which it does: a booking relies on it.
async fn manned(node: &Node, day: &HallDay, purpose: &str) -> Result<(Option<u16>, (Subject, u64)), Problem> {
    let stream = Subject::Roster(day.hall.clone(), Month::of(day.day));
    let loaded = node.executor.load::<Roster>(&stream).await?;
    Ok((loaded.state.manned(day.day, purpose), (stream, loaded.version)))
}

fn booked(done: &Done) -> Result<HttpResponse, Problem> {
    let booked = done.facts.iter().find_map(|fact| match &fact.event {
        Event::Appointment(AppointmentEvent::AppointmentBooked(booked)) => Some(booked),
        _ => None,
    });
    let booked = booked.ok_or_else(|| Problem::new(Kind::KeyReused))?;
    let written = Written::new(booked.appointment.to_string(), done)
        .with("from", crate::answer::shown(booked.from))
        .with("to", crate::answer::shown(booked.to))
        .with("service_time", serde_json::json!(booked.service_time));
    Ok(written.created())
}

/// `POST /appointments/{id}/actions/{action}`
///
/// # Errors
/// The appointment is not there for the caller, the body is flawed, a rule forbids it, or the log is in trouble.
pub async fn act(
    node: web::Data<Node>,
    caller: Caller,
    path: web::Path<(String, String)>,
    incoming: Incoming,
) -> Result<HttpResponse, Problem> {
    let (id, action) = path.into_inner();
    let id: AppointmentId = id.parse().map_err(|_| Problem::not_found())?;
    if !matches!(action.as_str(), "cancel" | "reschedule") {
        return Err(Problem::not_found());
    }
    let (_, known) = visible_booking(&node, &caller, &id).await?;
    if !books(caller.actor.role) {
        return Err(Problem::new(Kind::Forbidden));
    }
    let asked = incoming.asked(&node, &caller.actor, None);
    match action.as_str() {
        "cancel" => cancel(&node, &incoming, &asked, id, caller.actor.role != Role::Resident).await,
        _ => reschedule(&node, &incoming, &asked, &known).await,
    }
}

async fn cancel(
    node: &Node,
    incoming: &Incoming,
    asked: &Asked,
    id: AppointmentId,
    by_hall: bool,
) -> Result<HttpResponse, Problem> {
    let super::halls::NothingBody {} = incoming.read()?;
    let stream = Subject::Slots(id.day.clone());
    let act = AppointmentAct::Cancel { appointment: id.clone(), by_hall };
    let command = AppointmentCommand { day: id.day.clone(), act };
    let done = match node.executor.begin(asked.command, asked.digest).await? {
        Begun::Repeated(done) => done,
        Begun::Fresh(under_way) => node.executor.execute::<DaySlots>(&under_way, asked, &stream, &command, &[]).await?,
    };
    Ok(Written::new(id.to_string(), &done).respond())
}

/// Books the other slot and gives the old place back, all or nothing, on whichever days they are.
async fn reschedule(node: &Node, incoming: &Incoming, asked: &Asked, known: &Booking) -> Result<HttpResponse, Problem> {
    let body: MoveBody = incoming.read()?;
    let old = &known.booked.appointment;
    let from = body.from.to_utc();
    let new = AppointmentId { day: hall_day(&old.day.hall, day_of(from)), code: asked.command.0 };
    let stream = Subject::Slots(new.day.clone());
    let under_way = match node.executor.begin(asked.command, asked.digest).await? {
        Begun::Repeated(done) => return booked(&done),
        Begun::Fresh(under_way) => under_way,
    };
    let party = moved_party(node, &known.booked.party, &old.day, &stream).await?;
    for _ in 0..LOOKS_MAX {
        let (manned, roster) = manned(node, &new.day, &known.booked.purpose).await?;
        let mut also = vec![roster];
        if new.day != old.day {
            also.push(may_move(node, asked, old, &new).await?);
        }
        let book = Book {
            appointment: new.clone(),
            from,
            purpose: known.booked.purpose.clone(),
            item: known.booked.item.clone(),
            party: party.clone(),
            manned,
            replaces: Some(old.clone()),
        };
        let command = AppointmentCommand { day: new.day.clone(), act: AppointmentAct::Book(book) };
        match node.executor.execute::<DaySlots>(&under_way, asked, &stream, &command, &also).await {
            // Somebody else's place on the old day, or the roster, changed meanwhile: look again.
            Err(ExecuteError::Contended) => continue,
            done => return booked(&done?),
        }
    }
    Err(Problem::new(Kind::Contended))
}

/// Judges whether the old day lets the appointment go, and tells at which version it was asked.
async fn may_move(
    node: &Node,
    asked: &Asked,
    old: &AppointmentId,
    to: &AppointmentId,
) -> Result<(Subject, u64), Problem> {
    let subject = Subject::Slots(old.day.clone());
    let version = node.executor.load::<DaySlots>(&subject).await?.version;
    let act = AppointmentAct::Move { appointment: old.clone(), to: to.clone() };
    let command = AppointmentCommand { day: old.day.clone(), act };
    node.executor.would_allow::<DaySlots>(asked, &subject, &command).await?;
    Ok((subject, version))
}

/// What is sealed is bound to its stream; in another day's it is sealed anew.
async fn moved_party(node: &Node, party: &Party, from: &HallDay, to: &Subject) -> Result<Party, Problem> {
    let before = Subject::Slots(from.clone()).to_string();
    if before == to.to_string() {
        return Ok(party.clone());
    }
    let text: Zeroizing<String> = node.vault.open_sealed(&party.person, &before)?;
    let keyring = node.vault.keyring([party.subject.clone()]).await?;
    let person = node.vault.seal(&keyring, &party.subject, &to.to_string(), &text)?;
    Ok(Party { person, ..party.clone() })
}

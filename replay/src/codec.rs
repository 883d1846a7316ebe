//! Between the store's bytes and the domain's facts: the one place where either is turned into the other.

use chrono::DateTime;
use domain::actor::{Actor, RoleError};
use domain::event::{DecodeError, Event};
use domain::fact::{Fact, Subject};
use domain::ids::{CommandId, EventId, IdError};
use domain::zone::Instant;
use eventstore::{By, Micros, NewEvent, Position, RecordedEvent, StreamName, StreamNameError};
use smol_str::ToSmolStr;

/// A record that this program cannot read as a fact, or a fact that cannot be recorded.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// An id or the stream's name is none of ours.
    #[error("cannot read a name of the record")]
    Name(#[from] IdError),
    /// The actor's role or channel is unknown.
    #[error("cannot read who recorded it")]
    Actor(#[from] RoleError),
    /// A time outside what a calendar can hold.
    #[error("{0} is not a moment in microseconds")]
    Time(Micros),
    /// The type is unknown, or its body does not fit.
    #[error("cannot read the event")]
    Event(#[from] DecodeError),
    /// The subject's id holds something that a stream's name cannot.
    #[error("cannot name a stream for {subject}")]
    Stream {
        /// The subject.
        subject: Subject,
        /// Why not.
        source: StreamNameError,
    },
    /// The body cannot be written as JSON.
    #[error("cannot write the event")]
    Body(#[source] serde_json::Error),
}

/// Returns the moment as the log counts it; whatever is finer than a microsecond is cut.
#[must_use]
pub fn micros(at: Instant) -> Micros {
    at.timestamp_micros()
}

/// Returns the moment that the log counted.
///
/// # Errors
/// It lies outside what a calendar can hold.
pub fn instant(at: Micros) -> Result<Instant, CodecError> {
    DateTime::from_timestamp_micros(at).ok_or(CodecError::Time(at))
}

/// Returns the name of a subject's stream.
///
/// # Errors
/// The subject's id holds something other than visible ASCII, so no such stream can exist.
pub fn stream_name(subject: &Subject) -> Result<StreamName, CodecError> {
    let name = subject.to_string();
    StreamName::try_from(name.as_str()).map_err(|source| CodecError::Stream { subject: subject.clone(), source })
}

/// Returns the fact that was recorded.
///
/// # Errors
/// Anything in it that this program does not know; nothing is skipped or guessed.
pub fn fact(recorded: &RecordedEvent) -> Result<Fact, CodecError> {
    fact_by(recorded, actor(&recorded.by())?)
}

/// Returns the facts of a page up to the first that cannot be read, and where and why that one cannot.
///
/// Many events in a row are by the same actor, who is then read once.
#[must_use]
pub fn facts_up_to_fault(events: &[RecordedEvent]) -> (Vec<Fact>, Option<(Position, CodecError)>) {
    let mut facts: Vec<Fact> = Vec::with_capacity(events.len());
    for (place, event) in events.iter().enumerate() {
        let before = facts.last().filter(|_| event.is_by_author_of(&events[place.saturating_sub(1)]));
        let by = before.map_or_else(|| actor(&event.by()), |before| Ok(before.by.clone()));
        match by.and_then(|by| fact_by(event, by)) {
            Ok(fact) => facts.push(fact),
            Err(why) => return (facts, Some((event.position, why))),
        }
    }
    (facts, None)
}

fn fact_by(recorded: &RecordedEvent, by: Actor) -> Result<Fact, CodecError> {
    Ok(Fact {
        position: recorded.position.0,
        subject: recorded.stream().parse()?,
        version: recorded.version.0,
        id: EventId(recorded.id.0.into()),
        recorded_at: instant(recorded.recorded_at)?,
        occurred_at: instant(recorded.occurred_at)?,
        by,
        command: CommandId(recorded.command.0.into()),
        event: Event::decode(recorded.kind(), recorded.schema, recorded.body())?,
    })
}

/// Returns who recorded it, in the domain's words.
///
/// # Errors
/// An id, role or channel that is none of ours.
pub fn actor(by: &By<&str>) -> Result<Actor, CodecError> {
    Ok(Actor {
        id: by.id.parse()?,
        role: by.role.parse()?,
        organisation: by.organisation.parse()?,
        window: present(by.window).map(str::parse).transpose()?,
        acting_for: present(by.acting_for).map(str::parse).transpose()?,
        channel: by.channel.parse()?,
    })
}

/// Returns the actor in the log's words.
#[must_use]
pub fn by(actor: &Actor) -> By {
    By {
        id: actor.id.to_smolstr(),
        role: actor.role.as_str().into(),
        organisation: actor.organisation.to_smolstr(),
        window: actor.window.as_ref().map(ToSmolStr::to_smolstr).unwrap_or_default(),
        acting_for: actor.acting_for.as_ref().map(ToSmolStr::to_smolstr).unwrap_or_default(),
        channel: actor.channel.as_str().into(),
    }
}

/// Returns the event as it is handed to the log.
///
/// # Errors
/// Its body cannot be written as JSON.
pub fn new_event(
    id: EventId,
    occurred_at: Instant,
    labels: Vec<String>,
    event: &Event,
) -> Result<NewEvent, CodecError> {
    let schema = event.schema();
    Ok(NewEvent {
        id: eventstore::EventId(id.0.into()),
        kind: schema.name.into(),
        schema: schema.version,
        occurred_at: micros(occurred_at),
        labels,
        body: event.encode().map_err(CodecError::Body)?.into(),
    })
}

fn present(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

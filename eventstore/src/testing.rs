//! What the tests of stores have in common: one suite for all of them, and a store that fails when told to.
//!
//! Only with the feature `testing`.

pub mod conformance;
mod faulty;

pub use faulty::{Fault, Faulty};

use crate::{By, CommandDigest, CommandId, EventId, Expected, Frame, Guard, Micros, NewEvent, StreamName, Write};

/// The moment at which the tests' frames are written, unless they say otherwise.
pub const NOON: Micros = 1_700_000_000_000_000;

/// Makes a stream name of a text that is one.
///
/// # Panics
/// If it is not one.
#[must_use]
pub fn stream(name: &str) -> StreamName {
    match StreamName::try_from(name) {
        Ok(name) => name,
        Err(error) => panic!("{name:?}: {error}"),
    }
}

/// Makes an event whose every field tells where it came from.
#[must_use]
pub fn event(id: u128) -> NewEvent {
    NewEvent {
        id: EventId(id),
        kind: "thing-happened".into(),
        schema: 3,
        occurred_at: NOON - 1,
        labels: vec!["region:350100".into(), "办结".into()],
        body: format!(r#"{{"thing":{id},"said":"好差评"}}"#).into(),
    }
}

/// Makes a frame without guards or writes.
#[must_use]
pub fn frame(command: u128) -> Frame {
    Frame {
        command: CommandId(command),
        digest: CommandDigest([command as u8; 16]),
        now: NOON,
        by: By {
            id: "clerk-1".into(),
            role: "clerk".into(),
            organisation: "hall-1".into(),
            window: "3".into(),
            acting_for: "".into(),
            channel: "window".into(),
        },
        correlation: command << 64,
        causation: Some(EventId(7)),
        guards: Vec::new(),
        writes: Vec::new(),
    }
}

impl Frame {
    /// Adds a write of `events` events to a frame under test.
    #[must_use]
    pub fn write(mut self, name: &str, expected: Expected, events: usize) -> Self {
        let ids = self.command.0 * 1000 + self.writes.len() as u128 * 300;
        let events = (0..events as u128).map(|nth| event(ids + nth)).collect();
        self.writes.push(Write { stream: stream(name), expected, events });
        self
    }

    /// Adds a guard to a frame under test.
    #[must_use]
    pub fn guard(mut self, name: &str, expected: Expected) -> Self {
        self.guards.push(Guard { stream: stream(name), expected });
        self
    }
}

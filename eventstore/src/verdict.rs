//! The rules by which a frame is accepted, in one place for every backend.
//!
//! In this order: the frame's own shape; a command id seen before; the writer's clock; guards and writes; the times
//! at which its events happened. The verdict depends only on the log so far and on the frame.

use crate::{
    Answer, AppendError, Appended, CommandDigest, EVENT_BYTES_MAX, EVENTS_PER_FRAME_MAX, Expected, Frame, Head, Micros,
    NewEvent, StreamName, StreamVersion,
};
use smallvec::SmallVec;
use std::collections::BTreeSet;

/// How far the writer's clock may be behind the head, in microseconds.
pub const CLOCK_BEHIND_MICROS_MAX: Micros = 5_000_000;
/// The most streams that one frame may name.
pub const STREAMS_PER_FRAME_MAX: usize = 1024;
/// The longest wire name of an event's type, in bytes.
pub const KIND_BYTES_MAX: usize = 128;
/// The most labels of one event.
pub const LABELS_MAX: usize = 64;
/// The longest label, in bytes.
pub const LABEL_BYTES_MAX: usize = 256;
/// The longest of the words that say who wrote, in bytes.
pub const BY_BYTES_MAX: usize = 1024;

/// Why a frame can never be accepted as it is; found as the source of [`AppendError::NotWritten`].
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The writer's clock, or the head's, is wrong.
    #[error("the writer's clock ({now} µs) is more than {CLOCK_BEHIND_MICROS_MAX} µs behind the head ({head} µs)")]
    ClockBehind {
        /// The frame's clock.
        now: Micros,
        /// The head's `recorded_at`.
        head: Micros,
    },
    /// An event would be recorded before it happened.
    #[error("an event that occurred at {occurred_at} µs cannot be recorded at {recorded_at} µs")]
    OccursInFuture {
        /// When it is said to have happened.
        occurred_at: Micros,
        /// When it would have been recorded.
        recorded_at: Micros,
    },
    /// A kind is empty or not visible ASCII.
    #[error("the wire name of an event's type has visible ASCII characters only, not {kind:?}")]
    Kind {
        /// What came instead.
        kind: String,
    },
}

/// What a frame relies on, once its shape is known to be fine.
#[derive(Debug)]
pub(crate) struct Claim {
    now: Micros,
    latest_occurred_at: Micros,
    /// Where the guarded streams, then the written ones, must be, in the frame's order.
    pub(crate) expected: SmallVec<[Expected; 2]>,
    /// How many events the frame brings.
    pub(crate) events: usize,
}

/// Why a claim does not hold, in words that need no part of the frame.
#[derive(Debug)]
pub(crate) enum Misfit {
    /// The `nth` of the streams is somewhere else.
    Stream { nth: usize, actual: StreamVersion },
    /// It could never hold.
    Refused(Refusal),
}

impl Claim {
    /// Checks everything about a frame that does not depend on the log.
    pub(crate) fn of(frame: &Frame) -> Result<Self, AppendError> {
        let mentioned = frame.guards.len() + frame.writes.len();
        at_most("streams in a frame", mentioned, STREAMS_PER_FRAME_MAX)?;
        let events = frame.writes.iter().map(|write| write.events.len()).sum();
        at_most("events in a frame", events, EVENTS_PER_FRAME_MAX)?;
        let by = &frame.by;
        for word in [&by.id, &by.role, &by.organisation, &by.window, &by.acting_for, &by.channel] {
            at_most("bytes in a word about the writer", word.len(), BY_BYTES_MAX)?;
        }
        for event in frame.writes.iter().flat_map(|write| &write.events) {
            check_event(event)?;
        }
        check_named_once(frame)?;
        let expected = expectations(frame).map(|(_, expected)| expected).collect();
        let occurred = frame.writes.iter().flat_map(|write| &write.events).map(|event| event.occurred_at);
        Ok(Self { now: frame.now, latest_occurred_at: occurred.max().unwrap_or(Micros::MIN), expected, events })
    }

    /// Judges the frame against the log so far and returns the moment at which it is recorded.
    ///
    /// `version_of` tells where the `nth` stream is.
    pub(crate) fn judge(
        &self,
        head: Head,
        mut version_of: impl FnMut(usize) -> StreamVersion,
    ) -> Result<Micros, Misfit> {
        if self.now < head.recorded_at.saturating_sub(CLOCK_BEHIND_MICROS_MAX) {
            return Err(Misfit::Refused(Refusal::ClockBehind { now: self.now, head: head.recorded_at }));
        }
        for (nth, expected) in self.expected.iter().enumerate() {
            let actual = version_of(nth);
            if !expected.holds(actual) {
                return Err(Misfit::Stream { nth, actual });
            }
        }
        let recorded_at = self.now.max(head.recorded_at);
        if recorded_at < self.latest_occurred_at {
            let occurred_at = self.latest_occurred_at;
            return Err(Misfit::Refused(Refusal::OccursInFuture { occurred_at, recorded_at }));
        }
        Ok(recorded_at)
    }
}

impl Misfit {
    /// Tells it of the frame that was judged.
    pub(crate) fn of(self, frame: &Frame) -> AppendError {
        match self {
            Self::Refused(refusal) => refused(refusal),
            Self::Stream { nth, actual } => match expectations(frame).nth(nth) {
                Some((stream, expected)) => AppendError::Conflict { stream: stream.clone(), expected, actual },
                None => AppendError::NotWritten { source: "another frame was judged".into() },
            },
        }
    }
}

/// Returns the guarded streams, then the written ones, in the frame's order, and where each must be.
pub(crate) fn expectations(frame: &Frame) -> impl Iterator<Item = (&StreamName, Expected)> {
    let guards = frame.guards.iter().map(|guard| (&guard.stream, guard.expected));
    guards.chain(frame.writes.iter().map(|write| (&write.stream, write.expected)))
}

/// Judges a frame whose command was answered before.
pub(crate) fn repeated(frame: &Frame, answer: Answer) -> Result<Appended, AppendError> {
    if same_request(frame.digest, answer.digest) {
        Ok(answer.appended)
    } else {
        Err(AppendError::CommandReused { command: frame.command })
    }
}

/// Tells whether a command id came back with the request it was used for.
pub(crate) fn same_request(now: CommandDigest, then: CommandDigest) -> bool {
    now == then
}

/// Returns the answer to a frame that held, but brought no events.
pub(crate) fn nothing_appended(head: Head) -> Appended {
    Appended { first: head.position.next(), last: head.position, recorded_at: head.recorded_at, versions: Vec::new() }
}

fn refused(refusal: Refusal) -> AppendError {
    AppendError::NotWritten { source: Box::new(refusal) }
}

fn at_most(what: &'static str, actual: usize, max: usize) -> Result<(), AppendError> {
    if actual <= max { Ok(()) } else { Err(AppendError::TooLarge { what, actual, max }) }
}

fn check_event(event: &NewEvent) -> Result<(), AppendError> {
    at_most("bytes in an event's body", event.body.len(), EVENT_BYTES_MAX)?;
    at_most("bytes in the wire name of an event's type", event.kind.len(), KIND_BYTES_MAX)?;
    at_most("labels on an event", event.labels.len(), LABELS_MAX)?;
    for label in &event.labels {
        at_most("bytes in a label", label.len(), LABEL_BYTES_MAX)?;
    }
    let visible = event.kind.bytes().all(|byte| byte.is_ascii_graphic());
    if event.kind.is_empty() || !visible {
        return Err(refused(Refusal::Kind { kind: event.kind.to_string() }));
    }
    Ok(())
}

fn check_named_once(frame: &Frame) -> Result<(), AppendError> {
    const MENTIONS: &str = "mentions of one stream in a frame";
    // Nearly every frame names a handful of streams, for which comparing all pairs is quicker than any set.
    if frame.guards.len() + frame.writes.len() <= 8 {
        for (at, (stream, _)) in expectations(frame).enumerate() {
            let mentions = expectations(frame).skip(at).filter(|(other, _)| *other == stream).count();
            at_most(MENTIONS, mentions, 1)?;
        }
        return Ok(());
    }
    let mut seen = BTreeSet::new();
    for (stream, _) in expectations(frame) {
        if !seen.insert(stream) {
            return at_most(MENTIONS, 2, 1);
        }
    }
    Ok(())
}

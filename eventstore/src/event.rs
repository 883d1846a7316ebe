//! The words of the log: positions, versions, frames, events as handed in.

use bytes::Bytes;
use smol_str::SmolStr;
use std::fmt;
use std::sync::Arc;

/// A moment in microseconds since 1970-01-01T00:00:00Z.
pub type Micros = i64;

/// The id of one event (a ULID's 128 bits).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub u128);

/// The id of one command (a ULID's 128 bits): identifies a frame, so that repeating it is harmless.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub u128);

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// A digest of the request behind a command id (caller, route and clear body), chosen by the writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandDigest(pub [u8; 16]);

/// Counts events in the log. The first event stands at 1; 0 means "before the first".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position(pub u64);

impl Position {
    /// Before the first event.
    pub const START: Self = Self(0);

    /// Returns the position after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Counts events in one stream: the version after an event is its place, from 1; an empty stream is at 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct StreamVersion(pub u64);

impl StreamVersion {
    /// A stream without events.
    pub const EMPTY: Self = Self(0);
}

impl fmt::Display for StreamVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The name of a stream: 1 to 128 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamName(Arc<str>);

/// The name is empty, longer than 128 bytes, or holds something other than visible ASCII.
#[derive(Debug, thiserror::Error)]
#[error("a stream name has 1 to {max} visible ASCII characters", max = StreamName::BYTES_MAX)]
pub struct StreamNameError;

impl StreamName {
    /// The longest name, in bytes.
    pub const BYTES_MAX: usize = 128;

    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&str> for StreamName {
    type Error = StreamNameError;
    fn try_from(raw: &str) -> Result<Self, StreamNameError> {
        let visible = raw.bytes().all(|byte| byte.is_ascii_graphic());
        if raw.is_empty() || raw.len() > Self::BYTES_MAX || !visible {
            return Err(StreamNameError);
        }
        Ok(Self(raw.into()))
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a writer believes a stream to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Anywhere.
    Any,
    /// Without events.
    Empty,
    /// At this version exactly.
    Exactly(StreamVersion),
}

impl Expected {
    /// Returns that a stream is at this version: without events, where it is none.
    #[must_use]
    pub fn at(version: StreamVersion) -> Self {
        if version == StreamVersion::EMPTY { Self::Empty } else { Self::Exactly(version) }
    }

    /// Tells whether a stream at `actual` is where the writer believes it to be.
    #[must_use]
    pub fn holds(self, actual: StreamVersion) -> bool {
        match self {
            Self::Any => true,
            Self::Empty => actual == StreamVersion::EMPTY,
            Self::Exactly(version) => actual == version,
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any version"),
            Self::Empty => f.write_str("no events"),
            Self::Exactly(version) => write!(f, "version {version}"),
        }
    }
}

/// A stream that a decision relied on without writing to it.
#[derive(Debug, Clone)]
pub struct Guard {
    /// The stream.
    pub stream: StreamName,
    /// Where it must be.
    pub expected: Expected,
}

/// Who wrote, in the writer's own words; opaque here. Short words, so that handing them in allocates nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct By<Word = SmolStr> {
    /// The person or process.
    pub id: Word,
    /// In which role.
    pub role: Word,
    /// For which organisation.
    pub organisation: Word,
    /// At which window or desk; may be empty.
    pub window: Word,
    /// On whose behalf; may be empty.
    pub acting_for: Word,
    /// Through which channel.
    pub channel: Word,
}

/// One event as handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// Its id, made by the writer once and kept through retries.
    pub id: EventId,
    /// The wire name of its type (ASCII).
    pub kind: SmolStr,
    /// The version of that type's body.
    pub schema: u16,
    /// When it happened; at most the moment of recording.
    pub occurred_at: Micros,
    /// Opaque words by which feeds are filtered without decoding the body.
    pub labels: Vec<String>,
    /// The body (JSON).
    pub body: Bytes,
}

/// Events for one stream, written if the stream is where the writer expects it.
#[derive(Debug, Clone)]
pub struct Write {
    /// The stream.
    pub stream: StreamName,
    /// Where it must be.
    pub expected: Expected,
    /// What is appended, in order.
    pub events: Vec<NewEvent>,
}

/// One command's whole effect: guards and writes with one verdict, all or nothing.
///
/// A stream is named at most once among guards and writes. A write without events is a guard. A frame without events
/// is answered at once from its guards; nothing is written and its command id is not remembered.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Identifies the frame for ever.
    pub command: CommandId,
    /// Tells a repeated request from another one under the same id.
    pub digest: CommandDigest,
    /// The writer's clock. `recorded_at` becomes the later of this and the head's.
    pub now: Micros,
    /// Who wrote.
    pub by: By,
    /// What belongs together (a ULID's bits).
    pub correlation: u128,
    /// The event that led to this command, if one did.
    pub causation: Option<EventId>,
    /// Streams relied on.
    pub guards: Vec<Guard>,
    /// Streams written.
    pub writes: Vec<Write>,
}

/// What was written, as told to the writer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// The position of the frame's first event.
    pub first: Position,
    /// The position of its last event.
    pub last: Position,
    /// When the log recorded it.
    pub recorded_at: Micros,
    /// The versions reached, in the order of the frame's writes; a write without events is left out.
    pub versions: Vec<(StreamName, StreamVersion)>,
}

/// The answer once given to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The digest of the request that was answered.
    pub digest: CommandDigest,
    /// What was written then.
    pub appended: Appended,
}

/// The end of the durable log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Head {
    /// The last event's position; [`Position::START`] while the log is empty.
    pub position: Position,
    /// The last event's `recorded_at`; 0 while the log is empty.
    pub recorded_at: Micros,
}

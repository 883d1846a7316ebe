//! What can go wrong, told apart by what the caller may do next.

use crate::{CommandId, Expected, Position, StreamName, StreamVersion};

/// A cause from below, kept as the source.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a frame was not acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// A stream moved on, or never was where the writer believed it; load it again and decide again.
    #[error("expected stream {stream} at {expected}, found it at version {actual}")]
    Conflict {
        /// The stream, written or guarded.
        stream: StreamName,
        /// What the writer relied on.
        expected: Expected,
        /// Where it really is; zero means that it is empty.
        actual: StreamVersion,
    },
    /// The command id was used before, for another request.
    #[error("command {command} was already used for another request")]
    CommandReused {
        /// The id that came twice.
        command: CommandId,
    },
    /// A limit of the store; no part was written.
    #[error("cannot append: {what} is {actual}, at most {max} allowed")]
    TooLarge {
        /// What was measured, with its unit.
        what: &'static str,
        /// How much came.
        actual: usize,
        /// How much is allowed.
        max: usize,
    },
    /// Certainly not written; may be tried again.
    #[error("could not append to the log")]
    NotWritten {
        /// Why.
        #[source]
        source: BoxError,
    },
    /// May have been written; ask [`answer`](crate::EventStore::answer), or repeat with the same command id.
    #[error("no answer while appending to the log")]
    Unknown {
        /// Why.
        #[source]
        source: BoxError,
    },
}

/// Why nothing could be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// For now; may be tried again.
    #[error("could not read the log")]
    Unavailable {
        /// Why.
        #[source]
        source: BoxError,
    },
    /// The bytes at this position are not those that were written, in any copy.
    #[error("the log is damaged at position {position}: {detail}")]
    Corrupt {
        /// The first bad position.
        position: Position,
        /// What did not match.
        detail: String,
    },
}

//! What was damaged and is whole again.

use crate::Position;
use std::fmt;

/// One repair, done and to be told: damage that mends itself silently is damage that spreads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mending {
    /// The volume, by its first position.
    pub volume: Position,
    /// What was mended.
    pub part: Part,
    /// What was wrong and what was done, in words.
    pub what: String,
    /// Whether it is whole again.
    pub outcome: Outcome,
}

/// How a repair ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The part is whole again.
    Mended,
    /// It is not; the other copy still answers, and somebody must look.
    Failed,
}

impl Mending {
    pub(crate) fn done(volume: u64, part: Part, what: impl Into<String>) -> Self {
        Self { volume: Position(volume), part, what: what.into(), outcome: Outcome::Mended }
    }

    pub(crate) fn failed(volume: u64, part: Part, what: impl Into<String>) -> Self {
        Self { volume: Position(volume), part, what: what.into(), outcome: Outcome::Failed }
    }
}

/// A part of the store that can be damaged and rebuilt by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The frames in the order of writing.
    Journal,
    /// The sled database.
    Database,
    /// The index of a sealed volume.
    Index,
    /// The file that names the format of the whole store.
    Format,
    /// The file that names the last volume begun.
    Last,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Journal => "journal",
            Self::Database => "database",
            Self::Index => "index",
            Self::Format => "format file",
            Self::Last => "mark of the last volume",
        })
    }
}

impl fmt::Display for Mending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { volume, part, what, outcome } = self;
        match outcome {
            Outcome::Mended => write!(f, "volume {volume}: {part}: {what}"),
            Outcome::Failed => write!(f, "volume {volume}: {part}: could not be mended: {what}"),
        }
    }
}

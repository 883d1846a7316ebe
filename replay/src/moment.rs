//! Which slice of history is meant: now, a moment as it was known then, or as it is known today.

use domain::zone::Instant;
use eventstore::Position;
use std::fmt;
use std::str::FromStr;

/// By which of the two times a moment is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// What was known then: everything recorded by the moment.
    Recorded,
    /// What had happened by then, as known now: that, and whatever was keyed in later about the time before.
    Effective,
}

impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Recorded => "recorded",
            Self::Effective => "effective",
        })
    }
}

/// No basis has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a basis is \"recorded\" or \"effective\", not {0:?}")]
pub struct BasisError(pub String);

impl FromStr for Basis {
    type Err = BasisError;
    fn from_str(name: &str) -> Result<Self, BasisError> {
        match name {
            "recorded" => Ok(Self::Recorded),
            "effective" => Ok(Self::Effective),
            _ => Err(BasisError(name.chars().take(32).collect())),
        }
    }
}

/// Up to where a view is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Everything there is.
    Now,
    /// A point in time.
    At(Instant, Basis),
    /// Everything up to and including a position.
    Through(Position),
}

/// A moment resolved once against the log, so that every page of an answer means the same history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slice {
    /// Everything up to and including this position.
    pub through: Position,
    /// On the effective basis, what was keyed in later as well.
    pub late: Option<Late>,
}

impl Slice {
    /// Returns everything up to and including `position`.
    #[must_use]
    pub fn through(position: Position) -> Self {
        Self { through: position, late: None }
    }
}

/// Facts recorded after a slice's end that had already happened by its moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Late {
    /// The moment: facts effective by then belong to the slice.
    pub until: Instant,
    /// Facts up to and including this position are considered: the end of the log when the moment was resolved.
    pub known: Position,
}

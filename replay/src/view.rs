//! A fold in progress: the state, and how much of the log is in it.

use crate::show;
use chrono::DateTime;
use domain::fact::Fact;
use domain::zone::Instant;
use eventstore::Position;
use projections::Projection;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::fmt;

/// A projection's state after a slice of history. The past is a value of the same type as the present.
#[derive(Debug, Clone, PartialEq)]
pub struct View<P> {
    /// What the projection made of it.
    pub state: P,
    /// The last position folded; everything before it is in the state as well.
    pub position: Position,
    /// When the fact at that position was recorded; 1970 while nothing was folded.
    pub recorded_at: Instant,
}

impl<P: Projection> Default for View<P> {
    fn default() -> Self {
        Self { state: P::default(), position: Position::START, recorded_at: DateTime::UNIX_EPOCH }
    }
}

impl<P: Projection> View<P> {
    /// Folds the facts that are not yet in this view.
    ///
    /// # Panics
    /// If a fact is missing between the view and the facts: a fold over a hole would be wrong for ever.
    pub fn fold(&mut self, facts: &[Fact]) {
        let known = facts.partition_point(|fact| fact.position <= self.position.0);
        for fact in &facts[known..] {
            assert_eq!(fact.position, self.position.0 + 1, "facts are folded in the order of the log, without a hole");
            self.state.apply(fact);
            self.position = Position(fact.position);
            self.recorded_at = fact.recorded_at;
        }
    }

    /// Folds facts that were recorded after this view's position but belong to its moment; the position stays.
    pub fn fold_late(&mut self, facts: &[Fact]) {
        for fact in facts {
            assert!(self.position.0 < fact.position, "a late fact lies beyond the view");
            self.state.apply(fact);
        }
    }
}

/// SHA-256 of a view's state in its one byte form: equal states give equal digests on every machine.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Returns the digest of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A state that cannot be written or read back: a mistake in the projection's types, not in the data.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// It cannot be written.
    #[error("cannot write the state of {projection}")]
    Encode {
        /// Whose.
        projection: &'static str,
        /// Why.
        source: rmp_serde::encode::Error,
    },
    /// It cannot be read.
    #[error("cannot read a state of {projection}")]
    Decode {
        /// Whose.
        projection: &'static str,
        /// Why.
        source: rmp_serde::decode::Error,
    },
}

/// A view whose projection is known at run time only: what live, rebuild and the tool do with all of them alike.
pub trait AnyView: Send + Sync {
    /// The projection's name.
    fn name(&self) -> &'static str;
    /// The projection's revision.
    fn revision(&self) -> u32;
    /// The last position folded.
    fn position(&self) -> Position;
    /// When the fact at that position was recorded.
    fn recorded_at(&self) -> Instant;
    /// Folds the facts that are not yet in this view.
    fn fold(&mut self, facts: &[Fact]);
    /// Folds facts recorded after the view's position that belong to its moment.
    fn fold_late(&mut self, facts: &[Fact]);
    /// Returns the state's one byte form.
    ///
    /// # Errors
    /// The state's types cannot be written.
    fn encode(&self) -> Result<Vec<u8>, StateError>;
    /// Replaces the state by one read from its byte form.
    ///
    /// # Errors
    /// The bytes do not fit the state's types; the view is then as before.
    fn restore(&mut self, state: &[u8], position: Position, recorded_at: Instant) -> Result<(), StateError>;
}

impl dyn AnyView + '_ {
    /// Returns the digest of the state.
    ///
    /// # Errors
    /// The state's types cannot be written.
    pub fn digest(&self) -> Result<Digest, StateError> {
        Ok(Digest::of(&self.encode()?))
    }

    /// Returns the state as JSON, for people and for programs outside.
    ///
    /// # Errors
    /// The state's types cannot be written.
    pub fn show(&self) -> Result<serde_json::Value, StateError> {
        show::json(self.name(), &self.encode()?)
    }
}

impl<P: Projection> AnyView for View<P> {
    fn name(&self) -> &'static str {
        P::NAME
    }

    fn revision(&self) -> u32 {
        P::REVISION
    }

    fn position(&self) -> Position {
        self.position
    }

    fn recorded_at(&self) -> Instant {
        self.recorded_at
    }

    fn fold(&mut self, facts: &[Fact]) {
        Self::fold(self, facts);
    }

    fn fold_late(&mut self, facts: &[Fact]) {
        Self::fold_late(self, facts);
    }

    // Field names are kept: bodies of the domain leave out what is absent, which a form without names could not
    // read back. Maps are ordered, so equal states give equal bytes.
    fn encode(&self) -> Result<Vec<u8>, StateError> {
        rmp_serde::to_vec_named(&self.state).map_err(|source| StateError::Encode { projection: P::NAME, source })
    }

    fn restore(&mut self, state: &[u8], position: Position, recorded_at: Instant) -> Result<(), StateError> {
        let state =
            rmp_serde::from_slice(state).map_err(|source| StateError::Decode { projection: P::NAME, source })?;
        *self = Self { state, position, recorded_at };
        Ok(())
    }
}

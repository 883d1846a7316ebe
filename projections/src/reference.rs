//! The reference data as one view: what decisions rely on, with the versions of the streams it was folded from.

use crate::projection::Projection;
use domain::fact::{Fact, Subject};
use domain::reference::Reference;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Catalogue, organisations, calendar and policies, and how far each of their streams is in them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ReferenceData {
    /// The data.
    pub reference: Reference,
    /// The version of each stream by its name, for the guards of an append.
    versions: BTreeMap<String, u64>,
    /// The position of the last fact that changed any of it.
    pub position: u64,
}

impl ReferenceData {
    /// Returns the version of a stream as folded here; 0 if nothing of it was.
    #[must_use]
    pub fn version(&self, stream: &Subject) -> u64 {
        self.versions.get(&stream.to_string()).copied().unwrap_or(0)
    }
}

impl Projection for ReferenceData {
    const NAME: &'static str = "reference";
    const REVISION: u32 = 3;

    fn apply(&mut self, fact: &Fact) {
        match &fact.subject {
            Subject::Item(_)
            | Subject::Organisation(_)
            | Subject::Instrument(_)
            | Subject::Calendar
            | Subject::Policy
            | Subject::Template(_) => {
                self.reference.evolve(&fact.event);
                self.versions.insert(fact.subject.to_string(), fact.version);
                self.position = fact.position;
            }
            Subject::Case(_)
            | Subject::Rating(_)
            | Subject::Roster(..)
            | Subject::ServicePoint(_)
            | Subject::Hall(_)
            | Subject::Slots(_)
            | Subject::Certificate(_)
            | Subject::Library(_)
            | Subject::Kin(_)
            | Subject::Checklist(_)
            | Subject::Inspection(_)
            | Subject::Campaign(_)
            | Subject::Access(_) => (),
        }
    }
}

#[cfg(test)]
mod tests;

//! The file of one case, and the files of all cases that are not done with.

use crate::projection::Projection;
use chrono::NaiveDate;
use domain::case::{Case, duties};
use domain::clock::Light;
use domain::event::{CaseEvent, Event};
use domain::fact::{Fact, Subject};
use domain::ids::{CaseId, ExternalNumber, ItemId, OrganisationId, SourceName};
use domain::sealed::Party;
use domain::zone::Instant;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A case with its place in history. Folded over one stream it is the file of that case, also of a closed one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CaseFile {
    /// Which case; absent before its first fact.
    pub id: Option<CaseId>,
    /// The version of its stream.
    pub version: u64,
    /// The position of its last fact.
    pub position: u64,
    /// When it was opened: the moment of applying, not of recording.
    pub opened_at: Option<Instant>,
    /// When its last fact was recorded.
    pub updated_at: Option<Instant>,
    /// What has happened.
    pub case: Case,
}

impl Projection for CaseFile {
    const NAME: &'static str = "case";
    const REVISION: u32 = 4;

    fn apply(&mut self, fact: &Fact) {
        let (Event::Case(_), Subject::Case(id)) = (&fact.event, &fact.subject) else { return };
        if *self.id.get_or_insert(*id) != *id {
            return;
        }
        self.opened_at.get_or_insert(fact.occurred_at);
        self.version = fact.version;
        self.position = fact.position;
        self.updated_at = Some(fact.recorded_at);
        self.case.evolve_fact(fact);
    }
}

impl CaseFile {
    /// Returns 办件编号.
    #[must_use]
    pub fn number(&self) -> Option<&ExternalNumber> {
        self.case.application.as_ref().map(|application| &application.number)
    }

    /// Returns 事项.
    #[must_use]
    pub fn item(&self) -> Option<&ItemId> {
        self.case.application.as_ref().map(|application| &application.item)
    }

    /// Returns 申请人.
    #[must_use]
    pub fn applicant(&self) -> Option<&Party> {
        self.case.application.as_ref().map(|application| &application.applicant)
    }

    /// Returns whose history it belongs to.
    #[must_use]
    pub fn source(&self) -> Option<&SourceName> {
        let application = self.case.application.as_ref().map(|application| &application.source);
        application.or_else(|| self.case.legacy.as_ref().map(|legacy| &legacy.source))
    }

    /// Returns the organisation that has the case now.
    #[must_use]
    pub fn organisation(&self) -> Option<&OrganisationId> {
        self.case.at.as_ref()
    }

    /// Returns whether nobody is done with it: it is under way, or something in it waits for somebody.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.case.phase.is_open() || !duties(&self.case).is_empty()
    }

    /// Returns the light on this day.
    #[must_use]
    pub fn light(&self, day: NaiveDate) -> Light {
        self.case.light(day)
    }
}

/// The files of all cases that are not done with. Closed and delivered ones are found through the log.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OpenCases {
    files: BTreeMap<CaseId, Box<CaseFile>>,
}

impl OpenCases {
    /// Returns the file of a case that is not done with.
    #[must_use]
    pub fn get(&self, case: CaseId) -> Option<&CaseFile> {
        self.files.get(&case).map(Box::as_ref)
    }

    /// Returns all of them, by id.
    pub fn iter(&self) -> impl Iterator<Item = (CaseId, &CaseFile)> {
        self.files.iter().map(|(case, file)| (*case, file.as_ref()))
    }

    /// Returns how many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Returns whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Takes in a fact of this case. Imported histories are never open, and a case once done with does not come back.
    pub(crate) fn apply(&mut self, case: CaseId, event: &CaseEvent, fact: &Fact) {
        let is_imported = matches!(event, CaseEvent::LegacyCaseOpened(_) | CaseEvent::LegacyActivityRecorded(_));
        if fact.version == 1 && !is_imported {
            self.files.entry(case).or_default();
        }
        let Some(file) = self.files.get_mut(&case) else { return };
        file.apply(fact);
        if !file.case.phase.is_open() && !file.is_live() {
            self.files.remove(&case);
        }
    }
}

#[cfg(test)]
mod tests;

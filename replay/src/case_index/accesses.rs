//! Who looked at what: by case, by person, by reader, or by time alone.

use domain::event::AccessEvent;
use domain::fact::Fact;
use domain::ids::{CaseId, StaffId, SubjectId};
use eventstore::Position;

/// Which looks are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accesses {
    /// Whose, or at what.
    pub whose: Looked,
    /// Recorded after this position.
    pub after: Position,
    /// And up to this one.
    pub through: Position,
}

/// By what looks are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    /// All of them.
    Any,
    /// At something of this case.
    At(CaseId),
    /// At something of this person.
    Of(SubjectId),
    /// By this reader.
    By(StaffId),
}

impl Looked {
    /// Returns the first part of a key of the table: a letter and the id.
    pub(super) fn key(&self) -> Vec<u8> {
        let (letter, id) = match self {
            Self::Any => (b'a', String::new()),
            Self::At(case) => (b'c', case.to_string()),
            Self::Of(subject) => (b's', subject.to_string()),
            Self::By(reader) => (b'r', reader.to_string()),
        };
        let mut key = vec![letter];
        key.extend_from_slice(id.as_bytes());
        key
    }
}

/// Returns the keys under which a look is found.
pub(super) fn keys(fact: &Fact, event: &AccessEvent) -> Vec<Vec<u8>> {
    let (case, subject) = match event {
        AccessEvent::PersonUnmasked(shown) => (Some(shown.case), Some(&shown.subject)),
        AccessEvent::PaperRead(read) => (Some(read.case), Some(&read.subject)),
        AccessEvent::CertificateUnmasked(shown) => (None, Some(&shown.subject)),
        AccessEvent::ExportMade(_) => (None, None),
    };
    let found = [
        Some(Looked::Any),
        case.map(Looked::At),
        subject.cloned().map(Looked::Of),
        Some(Looked::By(fact.by.id.clone())),
    ];
    found.iter().flatten().map(Looked::key).collect()
}

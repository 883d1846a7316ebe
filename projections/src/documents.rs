//! 电子文书 of one case: which there are, under which numbers, and what each one's bytes follow from.

use crate::projection::Projection;
use domain::document::DocumentKind;
use domain::event::Event;
use domain::event::case::Printed;
use domain::fact::Fact;
use domain::ids::{ExternalNumber, OrganisationId, StaffId};
use domain::zone::Instant;
use serde::{Deserialize, Serialize};

/// The documents of one case, in the order of their issue.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Documents {
    /// What was issued.
    pub entries: Vec<DocumentEntry>,
    /// The version of the case.
    pub version: u64,
}

/// One document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DocumentEntry {
    /// What it is.
    pub kind: DocumentKind,
    /// Its number.
    pub number: ExternalNumber,
    /// The version of the case at the act that issued it.
    pub act: u64,
    /// The position of that act.
    pub position: u64,
    /// When the act took place.
    pub issued_at: Instant,
    /// Who did it.
    pub issued_by: StaffId,
    /// For which organisation.
    pub organisation: OrganisationId,
    /// How it was printed here; nothing where it was made elsewhere, or where no template was in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub printed: Option<Printed>,
    /// SHA-256 of its bytes where they were made and are kept elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_elsewhere: Option<String>,
}

impl Projection for Documents {
    const NAME: &'static str = "documents";
    const REVISION: u32 = 1;

    /// Takes in a fact of the one case that this is about.
    fn apply(&mut self, fact: &Fact) {
        self.version = fact.version;
        let Event::Case(event) = &fact.event else { return };
        self.entries.extend(event.document().map(|issued| DocumentEntry {
            kind: issued.kind,
            number: issued.number.clone(),
            act: fact.version,
            position: fact.position,
            issued_at: fact.occurred_at,
            issued_by: fact.by.id.clone(),
            organisation: fact.by.organisation.clone(),
            printed: issued.printed.cloned(),
            made_elsewhere: issued.made_elsewhere.map(str::to_owned),
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{case_id, history};
    use domain::fact::Subject;

    fn documents(facts: &[Fact]) -> Documents {
        let mut documents = Documents::default();
        facts.iter().for_each(|fact| documents.apply(fact));
        documents
    }

    #[test]
    fn a_prefix_of_a_case_has_a_prefix_of_its_documents() {
        let facts = history(20_220_214, 120);
        let of_case = |fact: &&Fact| fact.subject == Subject::Case(case_id(3));
        let facts: Vec<Fact> = facts.iter().filter(of_case).cloned().collect();
        let whole = documents(&facts);
        assert!(!whole.entries.is_empty());
        for end in 0..facts.len() {
            let part = documents(&facts[..end]);
            assert_eq!(part.entries, whole.entries[..part.entries.len()]);
            assert!(part.entries.iter().all(|entry| entry.act <= part.version));
        }
    }
}

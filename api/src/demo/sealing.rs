//! The vault, as the simulation uses it: keys of a whole day's residents at once, then sealing without waiting.

use super::DemoError;
use super::people::Resident;
use crate::papers::{PaperError, Papers};
use crate::vault::{Keyring, Person, Vault, hex};
use chrono::NaiveDate;
use domain::fact::Subject;
use domain::identity;
use domain::ids::{CaseId, PaperId, SubjectId};

use domain::sealed::{Party, PartyKind, Sealed};

/// One empty page.
const PAPER: &[u8] = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n";

/// One grey dot.
const PHOTO: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3a\x7e\x9b\x55\0\0\0\nIDAT\x78\x9c\x63\x68\0\0\0\x82\0\x81\x77\xcd\x72\xb6\0\0\0\0IEND\xae\x42\x60\x82";

/// Seals what the simulated residents and clerks say.
pub(super) struct Sealing<'a> {
    vault: &'a Vault,
    papers: &'a Papers,
}

impl<'a> Sealing<'a> {
    pub(super) fn new(vault: &'a Vault, papers: &'a Papers) -> Self {
        Self { vault, papers }
    }

    /// Makes the keys of these residents durable.
    pub(super) async fn keys(&self, subjects: impl IntoIterator<Item = SubjectId>) -> Result<Keyring, DemoError> {
        Ok(self.vault.keyring(subjects).await?)
    }

    pub(super) fn subject(&self, resident: &Resident) -> SubjectId {
        self.vault.subject(&resident.id_number)
    }

    /// Seals who somebody is, for a case.
    pub(super) fn party(
        &self,
        keys: &Keyring,
        subject: &SubjectId,
        case: CaseId,
        resident: &Resident,
        day: NaiveDate,
    ) -> Result<Party, DemoError> {
        let person = Person {
            name: resident.name.clone(),
            id_number: resident.id_number.clone(),
            phone: Some(resident.phone.clone()),
            address: Some(resident.address.clone()),
            bank_card: Some(resident.bank_card.clone()),
        };
        let text = serde_json::to_string(&person).map_err(|error| DemoError::Rule(error.to_string()))?;
        Ok(Party {
            subject: subject.clone(),
            kind: PartyKind::NaturalPerson,
            age_band: Some(identity::age_band(resident.born, day)),
            person: self.text(keys, subject, case, &text)?,
        })
    }

    /// Seals words about somebody, for a case.
    pub(super) fn text(
        &self,
        keys: &Keyring,
        subject: &SubjectId,
        case: CaseId,
        words: &str,
    ) -> Result<Sealed, DemoError> {
        self.text_in(keys, subject, &Subject::Case(case).to_string(), words)
    }

    /// Seals words about somebody, for a stream.
    pub(super) fn text_in(
        &self,
        keys: &Keyring,
        subject: &SubjectId,
        stream: &str,
        words: &str,
    ) -> Result<Sealed, DemoError> {
        Ok(self.vault.seal(keys, subject, stream, words)?)
    }

    /// Stores a small paper, and returns its size and keyed digest.
    pub(super) fn paper(
        &self,
        keys: &Keyring,
        subject: &SubjectId,
        case: CaseId,
        paper: PaperId,
    ) -> Result<(u64, String), DemoError> {
        self.stored(keys, subject, &Subject::Case(case).to_string(), paper, ("application/pdf", PAPER))
    }

    /// Stores a small photo, and returns its size and keyed digest.
    pub(super) fn photo(
        &self,
        keys: &Keyring,
        keeper: &SubjectId,
        stream: &str,
        paper: PaperId,
    ) -> Result<(u64, String), DemoError> {
        self.stored(keys, keeper, stream, paper, ("image/png", PHOTO))
    }

    fn stored(
        &self,
        keys: &Keyring,
        keeper: &SubjectId,
        stream: &str,
        paper: PaperId,
        (media_type, bytes): (&str, &[u8]),
    ) -> Result<(u64, String), DemoError> {
        let mut draft = self.papers.draft(self.vault, keys, keeper, stream, paper)?;
        draft.write(bytes)?;
        let received = draft.finish(media_type)?;
        draft.keep(self.papers, paper).map_err(PaperError::Io)?;
        Ok((received.bytes, received.keyed_sha256))
    }

    /// Returns whose key seals what belongs to something that is no person.
    pub(super) fn keeper(&self, name: &str) -> SubjectId {
        self.vault.subject(name)
    }

    /// Returns a keyed digest of something nobody knows.
    pub(super) fn digest(&self, purpose: &str, bits: u128) -> String {
        hex(&self.vault.digest(purpose, &[&bits.to_be_bytes()]))
    }
}

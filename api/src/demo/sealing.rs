//! The vault, as the simulation uses it: keys of a whole day's residents at once, then sealing without waiting.

use super::DemoError;
use super::people::Resident;
use crate::certificates;
use crate::papers::{PaperError, Papers};
use crate::vault::{Keyring, Person, Vault, hex};
use chrono::NaiveDate;
use domain::certificate::{Certificate, Reliance};
use domain::fact::Subject;
use domain::identity;
use domain::ids::{CaseId, CertificateId, MaterialCode, PaperId, SubjectId};
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

    /// Returns what opens again what was sealed.
    pub(super) fn vault(&self) -> &'a Vault {
        self.vault
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

    /// Seals who somebody is for another stream: what is sealed is bound to one.
    pub(super) fn party_in(
        &self,
        keys: &Keyring,
        party: &Party,
        from: &Subject,
        to: &Subject,
    ) -> Result<Party, DemoError> {
        let text = self.vault.open_sealed(&party.person, &from.to_string())?;
        let person = self.vault.seal(keys, &party.subject, &to.to_string(), &text)?;
        Ok(Party { person, ..party.clone() })
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

    /// Returns the id of a resident's certificate of this kind.
    pub(super) fn certificate_id(&self, subject: &SubjectId, kind: &MaterialCode) -> CertificateId {
        let parts = [subject.as_str().as_bytes(), b"\0", kind.as_str().as_bytes()];
        CertificateId(certificates::ulid_of(&self.vault.digest("demo-certificate", &parts)))
    }

    /// Seals who the holder of a certificate is.
    pub(super) fn holder(
        &self,
        keys: &Keyring,
        subject: &SubjectId,
        id: CertificateId,
        resident: &Resident,
        day: NaiveDate,
    ) -> Result<Party, DemoError> {
        let mut person = Person::default();
        person.name.clone_from(&resident.name);
        person.id_number.clone_from(&resident.id_number);
        let text = serde_json::to_string(&person).map_err(|error| DemoError::Rule(error.to_string()))?;
        Ok(Party {
            subject: subject.clone(),
            kind: PartyKind::NaturalPerson,
            age_band: Some(identity::age_band(resident.born, day)),
            person: self.text_in(keys, subject, &Subject::Certificate(id).to_string(), &text)?,
        })
    }

    /// Makes up a certificate's number, and seals it.
    pub(super) fn certificate_number(
        &self,
        keys: &Keyring,
        subject: &SubjectId,
        id: CertificateId,
    ) -> Result<Sealed, DemoError> {
        let number = format!("{:016}", u128::from(id.0) % 10_000_000_000_000_000);
        self.text_in(keys, subject, &Subject::Certificate(id).to_string(), &number)
    }

    /// Returns a certificate as a clerk relies on it.
    pub(super) fn reliance(&self, certificate: CertificateId, version: u64, state: &Certificate) -> Reliance {
        let snapshot_sha256 = certificates::snapshot_sha256(self.vault, state);
        Reliance { certificate, version, state: state.clone(), snapshot_sha256 }
    }

    /// Returns what the certificate of a result needs that the event of its case does not say: holder and number, sealed for
    /// the certificate's own stream.
    pub(super) fn result(
        &self,
        keys: &Keyring,
        case: CaseId,
        applicant: &Party,
        number: &str,
    ) -> Result<(Party, Sealed), DemoError> {
        let (from, to) = (Subject::Case(case), Subject::Certificate(CertificateId(case.0)));
        let holder = certificates::resealed(self.vault, keys, applicant, &from, &to)?;
        Ok((holder, self.text_in(keys, &applicant.subject, &to.to_string(), number)?))
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

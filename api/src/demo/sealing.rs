//! The vault, as the simulation uses it: keys of a whole day's residents at once, then sealing without waiting.

use super::DemoError;
use super::people::Resident;
use crate::vault::{Keyring, Person, Vault, hex};
use chrono::NaiveDate;
use domain::fact::Subject;
use domain::identity;
use domain::ids::{CaseId, SubjectId};
use domain::sealed::{Party, PartyKind, Sealed};

/// Seals what the simulated residents and clerks say.
pub(super) struct Sealing<'a> {
    vault: &'a Vault,
}

impl<'a> Sealing<'a> {
    pub(super) fn new(vault: &'a Vault) -> Self {
        Self { vault }
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
        Ok(self.vault.seal(keys, subject, &Subject::Case(case).to_string(), words)?)
    }

    /// Returns a keyed digest of something nobody knows.
    pub(super) fn digest(&self, purpose: &str, bits: u128) -> String {
        hex(&self.vault.digest(purpose, &[&bits.to_be_bytes()]))
    }
}

//! Looking is an act: who saw a person in clear, who took data out, and for what purpose.

use crate::ids::{CaseId, CertificateId, MaterialCode, PaperId, SubjectId};
use serde::{Deserialize, Serialize};

/// A person's data were shown in clear.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonUnmasked {
    /// In which case.
    pub case: CaseId,
    /// Whose data.
    pub subject: SubjectId,
    /// Which fields: `name`, `id_number`, `phone`, `address`, `bank_card`.
    pub fields: Vec<String>,
    /// What for, from the list of purposes.
    pub purpose: String,
}

/// A stored paper was shown, as it is: nothing in it is masked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaperRead {
    /// In which case.
    pub case: CaseId,
    /// Whose case it is.
    pub subject: SubjectId,
    /// Which paper.
    pub paper: PaperId,
    /// Which of the item's materials it is.
    pub code: MaterialCode,
    /// What for, from the list of purposes, where it was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
}

/// A certificate was shown in clear.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateUnmasked {
    /// Which certificate.
    pub certificate: CertificateId,
    /// Its holder.
    pub subject: SubjectId,
    /// Which fields: `number`, and those of a person.
    pub fields: Vec<String>,
    /// What for, from the list of purposes.
    pub purpose: String,
}

/// Data left the system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportMade {
    /// What was exported: a view or a format.
    pub what: String,
    /// With which filters.
    pub filters: String,
    /// What for.
    pub purpose: String,
    /// How many records.
    pub records: u64,
}

//! What stands for a paper that the applicant need not bring: a certificate 电子证照, or an answer of the city's data 数据共享.

use crate::event::case::{Dimensions, TrustLevel};
use crate::ids::{CertificateId, CertificateKind, ExternalNumber, MaterialCode, SourceName, StaffId, SubjectId};
use crate::sealed::Sealed;
use crate::zone::Instant;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// A certificate stands for a material, as it was at this moment: it may change later, and whoever looks back asks what
/// was relied on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaterialReplacedByCertificate {
    /// Which of the item's materials.
    pub code: MaterialCode,
    /// By which certificate.
    pub certificate: CertificateId,
    /// The version of its stream that was looked at; nothing was recorded of it since.
    pub certificate_version: u64,
    /// Its kind.
    pub kind: CertificateKind,
    /// Whose it is: a party of the case.
    pub subject: SubjectId,
    /// Who issued it, as it says.
    pub issuer: String,
    /// How far it can be relied on.
    pub trust: TrustLevel,
    /// Valid until, where limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<NaiveDate>,
    /// Who verified it: whoever compared it with the original, or the member of staff who took it from its issuer's hands
    /// just now; absent where its holder showed what the issuer itself vouches for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_by: Option<StaffId>,
    /// SHA-256 of what was relied on, keyed like a person reference; lower-case hex.
    pub snapshot_sha256: String,
    /// What statistics need.
    pub dimensions: Dimensions,
}

/// What came of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataShareOutcome {
    /// The data say what the paper would have said.
    Confirmed,
    /// The data know nothing of the person.
    NotFound,
    /// The data say otherwise.
    Mismatch,
    /// The data were refused to us.
    Refused,
    /// No answer came in time.
    TimedOut,
    /// Nobody was there to ask.
    Unreachable,
    /// An answer came that means nothing.
    Unreadable,
}

impl DataShareOutcome {
    /// In the order of the reference.
    pub const ALL: [Self; 7] = [
        Self::Confirmed,
        Self::NotFound,
        Self::Mismatch,
        Self::Refused,
        Self::TimedOut,
        Self::Unreachable,
        Self::Unreadable,
    ];

    /// Returns the name used in the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::NotFound => "not-found",
            Self::Mismatch => "mismatch",
            Self::Refused => "refused",
            Self::TimedOut => "timed-out",
            Self::Unreachable => "unreachable",
            Self::Unreadable => "unreadable",
        }
    }
}

/// The city's data were asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataShareChecked {
    /// Counts what was asked for the case, from 1.
    pub check: u16,
    /// Instead of which of the item's materials.
    pub code: MaterialCode,
    /// Which service was asked.
    pub service: SourceName,
    /// For which data.
    pub dataset: String,
    /// About whom: a party of the case.
    pub subject: SubjectId,
    /// When it was asked.
    pub asked_at: Instant,
    /// When the answer was there, where one came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<Instant>,
    /// What came of it.
    pub outcome: DataShareOutcome,
    /// 查询流水号 of the service, where it gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<ExternalNumber>,
    /// SHA-256 of the answer, keyed like a person reference; lower-case hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_sha256: Option<String>,
    /// The answer as it came, sealed: what was relied on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<Sealed>,
    /// What statistics need.
    pub dimensions: Dimensions,
}

//! 电子证照: what is recorded of a certificate, and of the library it came from.

use crate::event::case::{RevocationKind, TrustLevel};
use crate::ids::{CaseId, CertificateKind, ItemId, OrganisationId, SourceName, StaffId};
use crate::sealed::{Party, Sealed};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// Made here, of a case that was granted: the issuer's own, usable directly (A).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateIssued {
    /// 证照类型.
    pub kind: CertificateKind,
    /// 证照名称.
    pub name_zh: String,
    /// 持证人.
    pub holder: Party,
    /// 证照编号, sealed.
    pub number: Sealed,
    /// Of which case.
    pub case: CaseId,
    /// For which item.
    pub item: ItemId,
    /// 颁发机构.
    pub issuer: OrganisationId,
    /// 颁发日期; valid from this day on.
    pub issued_on: NaiveDate,
    /// Valid until, where limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<NaiveDate>,
    /// SHA-256 of its bytes, lower-case hex, where kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// Where a certificate came from that was not made here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "kebab-case")]
pub enum CertificateOrigin {
    /// A library of the city 证照库.
    Library {
        /// Which.
        library: SourceName,
    },
    /// A window, where the original lay 窗口采集.
    Window,
    /// Its holder 本人上传.
    Holder,
}

/// Taken in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateTakenIn {
    /// 证照类型.
    pub kind: CertificateKind,
    /// 证照名称.
    pub name_zh: String,
    /// 持证人.
    pub holder: Party,
    /// 证照编号, sealed.
    pub number: Sealed,
    /// 颁发机构, as the certificate says.
    pub issuer: String,
    /// From where.
    pub origin: CertificateOrigin,
    /// Which organisation took it in.
    pub organisation: OrganisationId,
    /// 颁发日期, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_on: Option<NaiveDate>,
    /// Valid from, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<NaiveDate>,
    /// Valid until, where limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<NaiveDate>,
    /// How far it can be relied on.
    pub trust: TrustLevel,
    /// Who compared it with the original, where somebody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_by: Option<StaffId>,
    /// SHA-256 of its bytes, lower-case hex, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// Compared with the original: what its holder uploaded (C) can be used again (B).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateVerified {
    /// By whom.
    pub verified_by: StaffId,
    /// Where.
    pub organisation: OrganisationId,
}

/// Valid for another time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateRenewed {
    /// It was valid until.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_valid_until: Option<NaiveDate>,
    /// It is valid until.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<NaiveDate>,
    /// SHA-256 of its new bytes, lower-case hex, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// It no longer stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateRevoked {
    /// 撤销, 变更 or 注销.
    pub kind: RevocationKind,
    /// The legal basis, or the library that says so.
    pub basis: String,
    /// Since when.
    pub on: NaiveDate,
    /// Why, sealed, where told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Sealed>,
}

/// How a library was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LibraryReading {
    /// A file it gave was imported.
    Imported,
    /// It was asked over the network.
    Pulled,
}

/// A part of a library was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LibraryRead {
    /// How.
    pub reading: LibraryReading,
    /// Where it goes on, in the library's own words; absent for a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Certificates that were new here.
    pub added: u64,
    /// Certificates that had changed.
    pub changed: u64,
    /// Certificates that were here as they are.
    pub unchanged: u64,
    /// Rows that were refused.
    pub rejected: u64,
}

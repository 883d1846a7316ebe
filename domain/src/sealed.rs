//! Text about people, out of sight: the domain carries it and never reads it.

use crate::ids::SubjectId;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// Text encrypted with one person's key. Destroying the key erases it wherever it was copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// Whose key opens it.
    pub subject: SubjectId,
    /// `<algorithm>.<base64 of nonce and ciphertext>`; the algorithm is `a1` for AES-256-GCM.
    pub cipher: SmolStr,
}

/// 申请人类型 (GB/T 39046 A.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartyKind {
    /// 自然人.
    NaturalPerson,
    /// 企业法人.
    Enterprise,
    /// 事业法人.
    PublicInstitution,
    /// 社会组织法人.
    SocialOrganisation,
    /// 行政机关.
    AdministrativeOrgan,
    /// 其他.
    Other,
}

/// How old, as coarsely as rules and statistics need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgeBand {
    /// Under 14: sensitive (个人信息保护法 Art. 28).
    Under14,
    /// 14 to 17.
    From14,
    /// 18 to 59.
    From18,
    /// 60 to 79.
    From60,
    /// 80 and over.
    From80,
}

/// A person or firm in a case: a reference, what rules need, and the rest sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// The same for the same identity number.
    pub subject: SubjectId,
    /// What kind.
    pub kind: PartyKind,
    /// How old, for natural persons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_band: Option<AgeBand>,
    /// JSON of `name, id_number, phone, address, bank_card` as far as given, sealed.
    pub person: Sealed,
}

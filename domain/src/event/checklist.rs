//! 考评表: what halls are scored by, in versions.

use crate::ids::{ChecklistId, PartCode};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// The four criteria of a 标杆大厅.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Criterion {
    /// 感官舒适度.
    SenseComfort,
    /// 服务完备度.
    Completeness,
    /// 服务成熟度.
    Maturity,
    /// 服务满意度.
    Satisfaction,
}

/// A figure that a view can tell of a hall and a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Figure {
    /// 按时办结率: finished by the promised date.
    OnTimeRate,
    /// 法定按时率: decided by the statutory date.
    StatutoryOnTimeRate,
    /// 主动评价率.
    ActiveRate,
    /// 好评率.
    GoodRate,
    /// 按时整改率.
    RectificationInTimeRate,
    /// 社会救助窗口在岗率: open days on which the window was proven to be staffed.
    AssistanceStaffedRate,
    /// 事项进驻率: items that can be applied for here, of those that should.
    ItemsEnabledShare,
    /// 免证率: cases of the 免证 items without a paper certificate.
    CertificateFreeRate,
    /// 跨乡镇占比: cases taken in here for another township.
    CrossTownshipShare,
    /// 一次性告知率: cases asked for something once and no more, of those asked at all.
    OneTimeNoticeRate,
    /// 赋权委托事项就地决定率: cases of delegated items that were decided here under the instrument, of those decided.
    DelegatedDecidedRate,
}

impl Figure {
    /// Every figure that there is a view for.
    pub const ALL: [Self; 11] = [
        Self::OnTimeRate,
        Self::StatutoryOnTimeRate,
        Self::ActiveRate,
        Self::GoodRate,
        Self::RectificationInTimeRate,
        Self::AssistanceStaffedRate,
        Self::ItemsEnabledShare,
        Self::CertificateFreeRate,
        Self::CrossTownshipShare,
        Self::OneTimeNoticeRate,
        Self::DelegatedDecidedRate,
    ];

    /// Returns its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OnTimeRate => "on-time-rate",
            Self::StatutoryOnTimeRate => "statutory-on-time-rate",
            Self::ActiveRate => "active-rate",
            Self::GoodRate => "good-rate",
            Self::RectificationInTimeRate => "rectification-in-time-rate",
            Self::AssistanceStaffedRate => "assistance-staffed-rate",
            Self::ItemsEnabledShare => "items-enabled-share",
            Self::CertificateFreeRate => "certificate-free-rate",
            Self::CrossTownshipShare => "cross-township-share",
            Self::OneTimeNoticeRate => "one-time-notice-rate",
            Self::DelegatedDecidedRate => "delegated-decided-rate",
        }
    }

    /// Returns the figure of this name, if there is a view for it.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|figure| figure.as_str() == name)
    }
}

/// How a part of a score comes about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "kebab-case")]
pub enum Source {
    /// Somebody looks.
    Inspected {
        /// And takes a photo.
        photo: bool,
    },
    /// A view tells.
    Computed {
        /// What.
        figure: Figure,
        /// At this many percent, and below, it gives no points …
        none_at: u16,
        /// … at this many, and above, all of them, and between them in proportion.
        full_at: u16,
        /// The points of a hall that had nothing to take a share of.
        without_cases: u16,
    },
}

/// A part of a score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its code.
    pub part: PartCode,
    /// To which criterion it belongs.
    pub criterion: Criterion,
    /// What is looked at.
    pub name_zh: String,
    /// The most points.
    pub points: u16,
    /// How they come about.
    pub source: Source,
}

/// How much a criterion weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weight {
    /// Which.
    pub criterion: Criterion,
    /// Its points.
    pub points: u16,
}

/// What a score is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// The most points in all.
    pub total: u16,
    /// How they are divided.
    pub weights: Vec<Weight>,
    /// Of which parts.
    pub parts: Vec<Part>,
}

/// A version was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChecklistPublished {
    /// Of which checklist.
    pub checklist: ChecklistId,
    /// Counts versions, from 1, without gaps.
    pub version: u32,
    /// 名称.
    pub name_zh: String,
    /// The first day on which it is used.
    pub valid_from: NaiveDate,
    /// What a score is made of.
    pub card: Card,
}

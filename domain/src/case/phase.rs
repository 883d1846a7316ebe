//! 办理状态: where a case stands. How it ended and what is remarkable about it are separate axes.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Where a case stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Nothing happened yet: there is no case.
    #[default]
    Unopened,
    /// 已申请: the materials are uploaded or handed in, nobody took them in.
    Submitted,
    /// 已收件: materials registered, the notice window runs.
    Received,
    /// 待补正: a one-time notice was given, in intake or during review.
    #[serde(alias = "supplement_pending")]
    SupplementPending,
    /// 已受理: both clocks run.
    Accepted,
    /// 审查中.
    #[serde(alias = "in_review")]
    InReview,
    /// 特别程序中: at least one is open.
    Suspended,
    /// 已决定.
    Decided,
    /// 待出件: the certificate or document is made.
    #[serde(alias = "result_ready")]
    ResultReady,
    /// 办结: closed for the clock; it may still have to be delivered.
    Finished,
    /// A case of a legacy system: its history stands in its activities.
    Legacy,
}

impl Phase {
    /// In the order of a life.
    pub const ALL: [Self; 11] = [
        Self::Unopened,
        Self::Submitted,
        Self::Received,
        Self::SupplementPending,
        Self::Accepted,
        Self::InReview,
        Self::Suspended,
        Self::Decided,
        Self::ResultReady,
        Self::Finished,
        Self::Legacy,
    ];

    /// Returns the name used in interfaces.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unopened => "unopened",
            Self::Submitted => "submitted",
            Self::Received => "received",
            Self::SupplementPending => "supplement-pending",
            Self::Accepted => "accepted",
            Self::InReview => "in-review",
            Self::Suspended => "suspended",
            Self::Decided => "decided",
            Self::ResultReady => "result-ready",
            Self::Finished => "finished",
            Self::Legacy => "legacy",
        }
    }

    /// Returns the name shown to residents and clerks.
    #[must_use]
    pub fn zh(self) -> &'static str {
        match self {
            Self::Unopened => "未申请",
            Self::Submitted => "待收件",
            Self::Received => "已收件",
            Self::SupplementPending => "待补正",
            Self::Accepted => "已受理",
            Self::InReview => "审查中",
            Self::Suspended => "特别程序中",
            Self::Decided => "已决定",
            Self::ResultReady => "待出件",
            Self::Finished => "已办结",
            Self::Legacy => "历史办件",
        }
    }

    /// Returns whether the case is under way: opened, and not closed for the clock.
    #[must_use]
    pub fn is_open(self) -> bool {
        match self {
            Self::Unopened | Self::Finished | Self::Legacy => false,
            Self::Submitted
            | Self::Received
            | Self::SupplementPending
            | Self::Accepted
            | Self::InReview
            | Self::Suspended
            | Self::Decided
            | Self::ResultReady => true,
        }
    }

    /// Returns whether the case is under way and nothing is decided yet.
    #[must_use]
    pub fn is_undecided(self) -> bool {
        self.is_open() && !matches!(self, Self::Decided | Self::ResultReady)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// No phase has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no phase {0:?}")]
pub struct PhaseError(pub String);

impl FromStr for Phase {
    type Err = PhaseError;
    fn from_str(name: &str) -> Result<Self, PhaseError> {
        let wanted = name.replace('_', "-");
        Self::ALL
            .into_iter()
            .find(|phase| phase.as_str() == wanted)
            .ok_or_else(|| PhaseError(name.chars().take(32).collect()))
    }
}

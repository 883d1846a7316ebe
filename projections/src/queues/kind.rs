//! The kinds of work that wait, and the names of their queues.

use domain::case::DutyKind;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What kind of work waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QueueKind {
    /// 待收件.
    Receipt,
    /// 待受理.
    Acceptance,
    /// A notice must be given in time, or the case counts as accepted.
    NoticeDue,
    /// 待补正.
    Supplement,
    /// 待审查.
    Review,
    /// 待会签答复.
    Consultation,
    /// 待接转报件.
    IncomingLeg,
    /// A special procedure must be ended.
    SpecialProcedureEnding,
    /// 待批准.
    Approval,
    /// 待决定.
    Decision,
    /// 待制证.
    Result,
    /// 待出件.
    Output,
    /// 待送达.
    Delivery,
    /// 差评工单.
    RatingOrder,
    /// 待回访.
    CallBack,
    /// 待答复督办.
    Urging,
}

impl QueueKind {
    /// In the order of a case's life.
    pub const ALL: [Self; 16] = [
        Self::Receipt,
        Self::Acceptance,
        Self::NoticeDue,
        Self::Supplement,
        Self::Review,
        Self::Consultation,
        Self::IncomingLeg,
        Self::SpecialProcedureEnding,
        Self::Approval,
        Self::Decision,
        Self::Result,
        Self::Output,
        Self::Delivery,
        Self::RatingOrder,
        Self::CallBack,
        Self::Urging,
    ];

    /// Returns the name of the queue.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Receipt => "receipt",
            Self::Acceptance => "acceptance",
            Self::NoticeDue => "notice-due",
            Self::Supplement => "supplement",
            Self::Review => "review",
            Self::Consultation => "consultation",
            Self::IncomingLeg => "incoming-leg",
            Self::SpecialProcedureEnding => "special-procedure-ending",
            Self::Approval => "approval",
            Self::Decision => "decision",
            Self::Result => "result",
            Self::Output => "output",
            Self::Delivery => "delivery",
            Self::RatingOrder => "rating-order",
            Self::CallBack => "call-back",
            Self::Urging => "urging",
        }
    }
}

impl From<DutyKind> for QueueKind {
    fn from(kind: DutyKind) -> Self {
        match kind {
            DutyKind::Receipt => Self::Receipt,
            DutyKind::Acceptance => Self::Acceptance,
            DutyKind::NoticeDue => Self::NoticeDue,
            DutyKind::Supplement => Self::Supplement,
            DutyKind::Review => Self::Review,
            DutyKind::Consultation => Self::Consultation,
            DutyKind::IncomingLeg => Self::IncomingLeg,
            DutyKind::SpecialProcedureEnding => Self::SpecialProcedureEnding,
            DutyKind::Approval => Self::Approval,
            DutyKind::Decision => Self::Decision,
            DutyKind::Result => Self::Result,
            DutyKind::Output => Self::Output,
            DutyKind::Delivery => Self::Delivery,
            DutyKind::Urging => Self::Urging,
        }
    }
}

impl fmt::Display for QueueKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// No queue has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no queue {0:?}")]
pub struct QueueKindError(pub String);

impl FromStr for QueueKind {
    type Err = QueueKindError;
    fn from_str(name: &str) -> Result<Self, QueueKindError> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == name);
        found.ok_or_else(|| QueueKindError(name.chars().take(32).collect()))
    }
}

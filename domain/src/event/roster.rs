//! 值班: who is on duty at which window on which day.

use crate::ids::{OrganisationId, StaffId, WindowId};
use crate::month::Month;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// One member of staff at one window, on some days of a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duty {
    /// At which window.
    pub window: WindowId,
    /// What the window is for, as it was when the roster was posted.
    pub purpose: String,
    /// Who.
    pub staff: StaffId,
    /// 专职: has no other work.
    pub full_time: bool,
    /// 党员先锋岗: holds the post of the Party member at this window.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub party_post: bool,
    /// On which days of the month.
    pub days: Vec<u8>,
}

/// A hall's roster for a month was posted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterPosted {
    /// Of which hall.
    pub organisation: OrganisationId,
    /// For which month.
    pub month: Month,
    /// Who, where, when.
    pub duties: Vec<Duty>,
}

/// Why somebody else, or nobody, is on duty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DutyChangeReason {
    /// 请假.
    Leave,
    /// 培训、会议.
    Training,
    /// 抽调: needed elsewhere.
    NeededElsewhere,
    /// 换班.
    Swap,
    /// 增援: one more at the window.
    Relief,
    /// 更正: the roster was wrong.
    Mistake,
}

/// Who comes on duty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnDuty {
    /// Who.
    pub staff: StaffId,
    /// 专职: has no other work.
    pub full_time: bool,
    /// 党员先锋岗.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub party_post: bool,
}

/// On one day somebody else, one more or one fewer is at a window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DutyChanged {
    /// Of which hall.
    pub organisation: OrganisationId,
    /// On which day.
    pub day: NaiveDate,
    /// At which window.
    pub window: WindowId,
    /// What the window is for.
    pub purpose: String,
    /// Who does not come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub off: Option<StaffId>,
    /// Who comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<OnDuty>,
    /// Why.
    pub reason: DutyChangeReason,
}

/// 确认: what stands in the roster up to this day is what took place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterConfirmed {
    /// Of which hall.
    pub organisation: OrganisationId,
    /// The last day it speaks of.
    pub through: NaiveDate,
}

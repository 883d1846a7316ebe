//! 取号叫号: what is recorded of a hall's day. Every body belongs to the stream of one hall and day, and names its tickets by
//! their numbers in it.

use crate::hall_day::AppointmentId;
use crate::ids::{CaseId, ItemId, StaffId, SubjectId, WindowId};
use crate::zone::Instant;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// Inside or outside of ordinary hours; the clock of a case follows working days in any event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceTime {
    /// 正常上班时间.
    Ordinary,
    /// 延时、错时服务: early or late on a working day.
    AfterHours,
    /// 365天服务: on a rest day.
    RestDay,
}

/// Why somebody goes ahead 优先.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PriorityGround {
    /// 老年人.
    Elderly,
    /// 残疾人.
    Disabled,
    /// 孕妇 and those with small children.
    Pregnant,
    /// 军人、退役军人.
    Veteran,
}

/// A ticket was given 取号.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketIssued {
    /// Its number, from 1.
    pub ticket: u16,
    /// As it is printed and called, such as `A017`.
    pub label: String,
    /// Which kind of window serves it, as windows name their purpose.
    pub purpose: String,
    /// For which item, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<ItemId>,
    /// Whose, where a number was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visitor: Option<SubjectId>,
    /// By which appointment; a walk-in has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appointment: Option<AppointmentId>,
    /// Why its holder goes ahead, where they do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<PriorityGround>,
    /// When it was given.
    pub issued_at: Instant,
    /// From when the wait counts: the slot of an appointment, if that is later.
    pub ready_at: Instant,
    /// By this it is called: `ready_at`, less what the policy lets it go ahead.
    pub rank_at: Instant,
    /// Tickets called before it, as things stood.
    pub ahead: u16,
    /// The wait that was printed; none where no window was open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_minutes: Option<u16>,
    /// Inside or outside of ordinary hours.
    pub service_time: ServiceTime,
    /// Keyed digest of the one-time code printed on the slip, by which the visit may be rated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating_code_digest: Option<String>,
    /// The policy that said who goes ahead.
    pub policy: u32,
}

/// A number was called to a window 叫号.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketCalled {
    /// Which.
    pub ticket: u16,
    /// To which window.
    pub window: WindowId,
    /// By whom.
    pub staff: StaffId,
    /// When.
    pub called_at: Instant,
    /// How long it had waited, at its first call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waited_seconds: Option<u32>,
}

/// It was called again, at the same window 重呼.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketRecalled {
    /// Which.
    pub ticket: u16,
    /// At which window.
    pub window: WindowId,
    /// The how many-th call this was.
    pub call: u16,
}

/// Nobody came 过号.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketMissed {
    /// Which.
    pub ticket: u16,
    /// At which window.
    pub window: WindowId,
    /// How long the window waited for it.
    pub idle_seconds: u32,
}

/// Set aside while its holder does something else 挂起.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketParked {
    /// Which.
    pub ticket: u16,
    /// At which window.
    pub window: WindowId,
    /// How long it was served there, from the call.
    pub serve_seconds: u32,
}

/// A missed or parked ticket waits again 重新排队.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketRequeued {
    /// Which.
    pub ticket: u16,
    /// By this it is called now.
    pub rank_at: Instant,
}

/// It waits for another window, or another kind of window 转号.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketTransferred {
    /// Which.
    pub ticket: u16,
    /// From which window, if it was called to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<WindowId>,
    /// How long it was served there, from the call.
    pub serve_seconds: u32,
    /// Which kind of window serves it now.
    pub purpose: String,
    /// Only this window, where one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<WindowId>,
}

/// Its holder is at the window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceStarted {
    /// Which.
    pub ticket: u16,
    /// At which window.
    pub window: WindowId,
    /// How long the way took, from the call.
    pub way_seconds: u32,
}

/// A visit that led to no case, and so is a service of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    /// For which item, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<ItemId>,
    /// At which window.
    pub window: WindowId,
    /// By whom.
    pub staff: StaffId,
    /// The day it was over.
    #[serde(with = "crate::zone::day")]
    pub ended_on: NaiveDate,
}

/// The visit is over 办结离窗; not the case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceFinished {
    /// Which.
    pub ticket: u16,
    /// At which window.
    pub window: WindowId,
    /// By whom.
    pub staff: StaffId,
    /// When.
    pub finished_at: Instant,
    /// How long it was served here, from the call.
    pub serve_seconds: u32,
    /// Inside or outside of ordinary hours.
    pub service_time: ServiceTime,
    /// Nobody said so: the day ended first, and how long it took is not known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forgotten: bool,
    /// It led to no case so far. Whoever nobody said goodbye to is not known to have been served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visit: Option<Visit>,
}

/// Who gave a ticket up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AbandonedBy {
    /// Its holder.
    Visitor,
    /// The hall, because its holder had gone.
    Hall,
    /// The end of the day.
    DayEnd,
}

/// It was given up 弃号.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketAbandoned {
    /// Which.
    pub ticket: u16,
    /// By whom.
    pub by: AbandonedBy,
}

/// What the visit was about: one ticket may lead to several cases, and a case to several tickets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketLinked {
    /// Which.
    pub ticket: u16,
    /// Which case.
    pub case: CaseId,
    /// The visit was over and counted as a service of its own; it does not any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visit: Option<Visit>,
}

/// Somebody sits at a window, ready to call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowStaffed {
    /// Which.
    pub window: WindowId,
    /// Who.
    pub staff: StaffId,
    /// What it serves.
    pub purpose: String,
    /// Since when.
    pub since: Instant,
}

/// Nobody sits there any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowLeft {
    /// Which.
    pub window: WindowId,
    /// Who left.
    pub staff: StaffId,
    /// When.
    pub left_at: Instant,
    /// How long it was open.
    pub open_seconds: u32,
}

/// A threshold of the policy was crossed 排队预警; once per crossing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HallWarningRaised {
    /// Which, by its name in the policy.
    pub threshold: String,
    /// The day's how many-th crossing of it, from 1.
    pub crossing: u16,
    /// People who waited.
    pub waiting: u16,
    /// How long on average, so far.
    pub mean_wait_minutes: u16,
    /// How long the longest, so far.
    pub longest_wait_minutes: u16,
    /// Windows that do not serve them help while it lasts.
    pub cross_window_help: bool,
    /// The policy that set it.
    pub policy: u32,
}

/// It lies below again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HallWarningEnded {
    /// Which, by its name in the policy.
    pub threshold: String,
}

/// The hall's day is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HallDayClosed {
    /// Tickets given.
    pub issued: u16,
    /// Visits finished.
    pub finished: u16,
    /// Tickets given up.
    pub abandoned: u16,
}

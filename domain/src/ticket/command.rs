//! What may be asked of a hall's day, and why it is refused.

use crate::event::ticket::PriorityGround;
use crate::hall_day::{AppointmentId, HallDay};
use crate::ids::{CaseId, ItemId, SubjectId, WindowId};
use crate::sealed::AgeBand;
use crate::zone::Instant;
use chrono::NaiveDate;

/// What is asked of which hall's day; of one without tickets nothing else says which it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketCommand {
    /// Which.
    pub day: HallDay,
    /// What.
    pub act: TicketAct,
}

/// A ticket is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Which kind of window, as windows name their purpose.
    pub purpose: String,
    /// For which item, where that is known.
    pub item: Option<ItemId>,
    /// Whose, where a number was given.
    pub visitor: Option<SubjectId>,
    /// How old they are, where that is known.
    pub age_band: Option<AgeBand>,
    /// Why they say that they go ahead.
    pub priority: Option<PriorityGround>,
    /// By which appointment, and its slot.
    pub appointment: Option<(AppointmentId, Instant)>,
    /// Keyed digest of the code that is printed on the slip.
    pub rating_code_digest: Option<String>,
}

/// What may be asked of a hall's day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TicketAct {
    /// 取号.
    Issue(Issue),
    /// Sits down at a window.
    StaffWindow {
        /// Which.
        window: WindowId,
    },
    /// Gets up from it.
    LeaveWindow {
        /// Which.
        window: WindowId,
    },
    /// 叫下一号.
    CallNext {
        /// To which window.
        window: WindowId,
    },
    /// 叫号: this one, whether it waits, was missed or is parked.
    Call {
        /// Which.
        ticket: u16,
        /// To which window.
        window: WindowId,
    },
    /// 重呼.
    Recall {
        /// Which.
        ticket: u16,
    },
    /// 过号.
    Miss {
        /// Which.
        ticket: u16,
    },
    /// 挂起.
    Park {
        /// Which.
        ticket: u16,
    },
    /// 重新排队.
    Requeue {
        /// Which.
        ticket: u16,
    },
    /// 转号.
    Transfer {
        /// Which.
        ticket: u16,
        /// To which kind of window; the kind it has, if absent.
        purpose: Option<String>,
        /// To which window, where one is named.
        window: Option<WindowId>,
    },
    /// Its holder has come to the window.
    Serve {
        /// Which.
        ticket: u16,
    },
    /// The visit is over.
    Finish {
        /// Which.
        ticket: u16,
    },
    /// 弃号.
    Abandon {
        /// Which.
        ticket: u16,
        /// Its holder says so.
        by_visitor: bool,
    },
    /// What the visit was about.
    Link {
        /// Which.
        ticket: u16,
        /// Which case.
        case: CaseId,
    },
    /// A threshold is crossed.
    RaiseWarning {
        /// Which, by its name in the policy.
        threshold: String,
    },
    /// It lies below again.
    EndWarning {
        /// Which, by its name in the policy.
        threshold: String,
    },
    /// The day is over.
    CloseDay,
}

/// Why a hall's day stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TicketRejection {
    /// There is no such hall on that day.
    #[error("there is no such hall on that day")]
    UnknownHall,
    /// Tickets belong to the day on which they are given.
    #[error("tickets are given and called on their own day only")]
    AnotherDay,
    /// The day is over.
    #[error("this hall's day is over")]
    DayClosed,
    /// Nobody is there.
    #[error("the hall gives no tickets at this time")]
    HallClosed,
    /// No window of this hall serves that.
    #[error("no window of this hall serves that purpose")]
    PurposeNotServed,
    /// No such item on that day.
    #[error("there is no such item on that day")]
    UnknownItem,
    /// The item is not taken in at this level.
    #[error("this hall does not take this item in")]
    ItemNotTakenHere,
    /// One person waits once for one kind of window.
    #[error("this person holds ticket {0} already")]
    AlreadyQueueing(u16),
    /// An appointment gives one ticket.
    #[error("this appointment has its ticket already")]
    AppointmentHasTicket,
    /// More than can be printed.
    #[error("no more tickets can be given today")]
    NumbersExhausted,
    /// The hall has no such window.
    #[error("the hall has no such window")]
    NoSuchWindow,
    /// Somebody else sits there.
    #[error("somebody else sits at this window")]
    WindowTaken,
    /// One person sits at one window.
    #[error("you sit at window {0} already")]
    AtAnotherWindow(WindowId),
    /// Only an open window calls.
    #[error("this window is not open; sit down at it first")]
    WindowNotOpen,
    /// Only who sits there calls.
    #[error("somebody else sits at this window, and calls for it")]
    NotYourWindow,
    /// One after the other.
    #[error("ticket {0} is still at this window; finish, park, transfer or miss it first")]
    TicketInHand(u16),
    /// Nobody waits for this window.
    #[error("nobody waits for this window")]
    NobodyWaiting,
    /// No such number today.
    #[error("there is no such ticket")]
    UnknownTicket,
    /// A window calls what it serves, unless it helps out.
    #[error("this ticket waits for another window")]
    ForAnotherWindow,
    /// It is at a window.
    #[error("this ticket was called already")]
    AlreadyCalled,
    /// It is not at a window.
    #[error("this ticket was not called")]
    NotCalled,
    /// Its holder is there.
    #[error("this ticket is being served already")]
    AlreadyServing,
    /// It was called too few times.
    #[error("call it {0} times before it counts as missed")]
    CalledTooFewTimes(u16),
    /// It waits.
    #[error("this ticket waits in line already")]
    AlreadyWaiting,
    /// Its visit is over, or it was given up.
    #[error("this ticket is over")]
    TicketOver,
    /// It goes where it is.
    #[error("this ticket waits for that window already")]
    TransferToSame,
    /// The cases of one ticket have an end.
    #[error("too many cases are linked to this ticket")]
    TooManyCases,
    /// The policy has no such threshold.
    #[error("the policy has no such threshold")]
    UnknownThreshold,
    /// It is not crossed.
    #[error("this threshold is not crossed")]
    NotCrossed,
    /// It is crossed still.
    #[error("this threshold is crossed still")]
    StillCrossed,
    /// The day lasts until the given day begins.
    #[error("this hall's day is not over before {0}")]
    DayNotOver(NaiveDate),
}

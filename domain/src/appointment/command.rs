//! What may be asked of the slots of a hall's day, and why it is refused.

use crate::hall_day::{AppointmentId, HallDay};
use crate::ids::ItemId;
use crate::sealed::Party;
use crate::zone::Instant;
use chrono::NaiveDate;

/// What is asked of which hall's day; of one without appointments nothing else says which it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppointmentCommand {
    /// Which.
    pub day: HallDay,
    /// What.
    pub act: AppointmentAct,
}

/// A slot is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Book {
    /// Under which id.
    pub appointment: AppointmentId,
    /// The slot begins.
    pub from: Instant,
    /// Which kind of window is to serve it.
    pub purpose: String,
    /// For which item.
    pub item: ItemId,
    /// Who will come, sealed.
    pub party: Party,
    /// Windows of this kind at which the hall's roster has somebody on duty, where it speaks of such windows.
    pub manned: Option<u16>,
    /// Which appointment it stands in place of 改约.
    pub replaces: Option<AppointmentId>,
}

/// What may be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppointmentAct {
    /// 预约.
    Book(Book),
    /// 取消.
    Cancel {
        /// Which.
        appointment: AppointmentId,
        /// The hall cancels it, not who booked.
        by_hall: bool,
    },
    /// 改约: another one, of another day, stands in its place.
    Move {
        /// Which.
        appointment: AppointmentId,
        /// The other one.
        to: AppointmentId,
    },
    /// 到场签到.
    Keep {
        /// Which.
        appointment: AppointmentId,
    },
    /// 爽约: its time is over.
    Miss {
        /// Which.
        appointment: AppointmentId,
    },
}

/// Why the slots stay as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AppointmentRejection {
    /// There is no such hall on that day.
    #[error("there is no such hall on that day")]
    UnknownHall,
    /// The hall is closed then, has no such window, or slots begin at other times.
    #[error("the hall has no such slot")]
    NoSuchSlot,
    /// It is past.
    #[error("this slot has begun")]
    SlotBegun,
    /// Nobody books years ahead.
    #[error("one may book until {0}")]
    TooFarAhead(NaiveDate),
    /// Every place is taken.
    #[error("this slot is full")]
    SlotFull,
    /// One person, one slot.
    #[error("this person holds as many slots of this day as one may")]
    BookedAlready,
    /// No such item on that day.
    #[error("there is no such item on that day")]
    UnknownItem,
    /// The item is not taken in at this level.
    #[error("this hall does not take this item in")]
    ItemNotTakenHere,
    /// The item is not on the list for appointments.
    #[error("this item is not offered by appointment")]
    ItemWithoutAppointment,
    /// The item is not on the list for after-hours service.
    #[error("this item is not offered after hours")]
    ItemWithoutAfterHours,
    /// There is none of this name.
    #[error("there is no such appointment")]
    UnknownAppointment,
    /// Who booked came.
    #[error("this appointment was kept")]
    AlreadyKept,
    /// Who booked did not come.
    #[error("this appointment was missed")]
    AppointmentWasMissed,
    /// It was given back.
    #[error("this appointment was cancelled")]
    AppointmentCancelled,
    /// Another one stands in its place.
    #[error("this appointment was moved")]
    AlreadyMoved,
    /// Long before the slot.
    #[error("it is too early to check in for this appointment")]
    CheckInTooEarly,
    /// Long after it.
    #[error("it is too late to check in for this appointment; take a ticket instead")]
    CheckInTooLate,
    /// Its time is not over.
    #[error("who booked may still come")]
    MayStillCome,
}

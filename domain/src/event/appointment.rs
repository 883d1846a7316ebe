//! 预约: what is recorded of the slots of a hall's day.

use crate::event::ticket::ServiceTime;
use crate::hall_day::AppointmentId;
use crate::ids::ItemId;
use crate::sealed::Party;
use crate::zone::Instant;
use serde::{Deserialize, Serialize};

/// A slot was booked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppointmentBooked {
    /// Under which id.
    pub appointment: AppointmentId,
    /// The slot begins.
    pub from: Instant,
    /// It ends.
    pub to: Instant,
    /// Which kind of window will serve it.
    pub purpose: String,
    /// For which item.
    pub item: ItemId,
    /// Who comes, sealed.
    pub party: Party,
    /// Inside or outside of ordinary hours.
    pub service_time: ServiceTime,
    /// How many the slot holds.
    pub capacity: u16,
    /// How many are taken, this one included.
    pub taken: u16,
    /// Which appointment it stands in place of, where it was moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<AppointmentId>,
    /// The policy that said how many the slot holds.
    pub policy: u32,
}

/// It was moved to another slot 改约; the new one names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppointmentMoved {
    /// Which.
    pub appointment: AppointmentId,
    /// The one that stands in its place.
    pub to: AppointmentId,
}

/// It was given back 取消.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppointmentCancelled {
    /// Which.
    pub appointment: AppointmentId,
    /// The hall cancelled it, not who booked.
    pub by_hall: bool,
}

/// Who booked came 履约.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppointmentKept {
    /// Which.
    pub appointment: AppointmentId,
}

/// Who booked did not come 爽约.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppointmentMissed {
    /// Which.
    pub appointment: AppointmentId,
}

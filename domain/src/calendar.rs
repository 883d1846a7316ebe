//! The working-day calendar: published a year at a time, amended afterwards, every version still there.

use crate::event::CalendarEvent;
use serde::{Deserialize, Serialize};

/// The calendar with its history.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WorkingCalendar {}

impl WorkingCalendar {
    /// Takes in a publication or amendment.
    pub fn evolve(&mut self, _event: &CalendarEvent) {}
}

//! Halls: who waits where now, and how long people waited, went, were served and windows stood idle, by quarter hour.
//!
//! The day of a hall that is not over is kept as the rules themselves fold it, so that a screen and a decision never
//! disagree. Of days that are over only figures are kept.

mod figures;
mod query;

pub use figures::WAIT_STEPS_MINUTES;
pub use query::{
    AppointmentFigures, HallDimension, HallKey, HallsAnswer, HallsQuery, HallsRow, Peak, TimeFigures, WaitFigures,
};

use crate::names::{Code, Names};
use crate::projection::Projection;
use chrono::{NaiveDate, TimeDelta, Timelike as _};
use domain::decider::Decider as _;
use domain::event::appointment::AppointmentBooked;
use domain::event::ticket::{AbandonedBy, ServiceTime};
use domain::event::{AppointmentEvent, Event, TicketEvent};
use domain::fact::{Fact, Subject};
use domain::hall_day::{AppointmentId, HallDay};
use domain::ids::{OrganisationId, WindowId};
use domain::ticket::HallQueue;
use domain::zone::{Instant, time_of};
use figures::{Count, Figures, Seconds};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Minutes of one cell.
pub const QUARTER_MINUTES: u32 = 15;
/// No interval that is spread over quarters is longer: a day's, whatever a history says.
const SPREAD_MAX: TimeDelta = TimeDelta::hours(24);

/// The state behind every question about halls.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Halls {
    organisations: Names<OrganisationId>,
    windows: Names<WindowId>,
    /// Figures by the hall's day.
    cells: BTreeMap<NaiveDate, Cells>,
    /// Days that are not over.
    days: BTreeMap<HallDay, HallQueue>,
    /// Appointments that nobody kept, missed, moved or cancelled yet.
    booked: BTreeMap<AppointmentId, AppointmentBooked>,
}

/// Where and in which quarter of an hour something happened; at no window, where it was the hall's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Cell {
    hall: Code,
    window: Option<Code>,
    /// From 0, at midnight, to 95.
    quarter: u8,
}

/// The figures of one day.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<(Cell, Figures)>", into = "Vec<(Cell, Figures)>")]
struct Cells(BTreeMap<Cell, Figures>);

impl From<Vec<(Cell, Figures)>> for Cells {
    fn from(pairs: Vec<(Cell, Figures)>) -> Self {
        Self(pairs.into_iter().collect())
    }
}

impl From<Cells> for Vec<(Cell, Figures)> {
    fn from(cells: Cells) -> Self {
        cells.0.into_iter().collect()
    }
}

impl Projection for Halls {
    const NAME: &'static str = "halls";
    const REVISION: u32 = 2;

    fn apply(&mut self, fact: &Fact) {
        match (&fact.event, &fact.subject) {
            (Event::Ticket(event), Subject::Hall(day)) => {
                self.count(day, event, fact.occurred_at);
                self.follow(day, event);
            }
            (Event::Appointment(event), Subject::Slots(day)) => self.apply_appointment(day, event),
            // An event in a stream of another kind is no hall's.
            (Event::Ticket(_) | Event::Appointment(_), _) => (),
            (
                Event::Case(_)
                | Event::Rating(_)
                | Event::Certificate(_)
                | Event::Library(_)
                | Event::Item(_)
                | Event::Organisation(_)
                | Event::Roster(_)
                | Event::ServicePoint(_)
                | Event::Kin(_)
                | Event::Checklist(_)
                | Event::Inspection(_)
                | Event::Campaign(_)
                | Event::Calendar(_)
                | Event::Instrument(_)
                | Event::Policy(_)
                | Event::Template(_)
                | Event::Access(_),
                _,
            ) => (),
        }
    }
}

impl Halls {
    /// Returns the days that are not over, by day and hall.
    pub fn days(&self) -> impl Iterator<Item = (&HallDay, &HallQueue)> {
        self.days.iter()
    }

    /// Returns a day that is not over.
    #[must_use]
    pub fn day(&self, day: &HallDay) -> Option<&HallQueue> {
        self.days.get(day)
    }

    /// Returns the appointments that nobody kept, missed, moved or cancelled yet, by their day.
    pub fn booked(&self) -> impl Iterator<Item = (&AppointmentId, &AppointmentBooked)> {
        self.booked.iter()
    }

    /// Returns how many cells the state holds.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.cells.values().map(|cells| cells.0.len()).sum()
    }

    fn follow(&mut self, day: &HallDay, event: &TicketEvent) {
        match event {
            TicketEvent::HallDayClosed(_) => {
                self.days.remove(day);
                return;
            }
            TicketEvent::TicketIssued(_) | TicketEvent::WindowStaffed(_) => {
                if !self.days.contains_key(day) {
                    self.days.insert(day.clone(), HallQueue::default());
                }
            }
            // What comes after the end of a day, such as a link to a case, opens it no more.
            TicketEvent::TicketCalled(_)
            | TicketEvent::TicketRecalled(_)
            | TicketEvent::TicketMissed(_)
            | TicketEvent::TicketParked(_)
            | TicketEvent::TicketRequeued(_)
            | TicketEvent::TicketTransferred(_)
            | TicketEvent::ServiceStarted(_)
            | TicketEvent::ServiceFinished(_)
            | TicketEvent::TicketAbandoned(_)
            | TicketEvent::TicketLinked(_)
            | TicketEvent::WindowLeft(_)
            | TicketEvent::HallWarningRaised(_)
            | TicketEvent::HallWarningEnded(_) => (),
        }
        if let Some(queue) = self.days.get_mut(day) {
            queue.evolve(event);
        }
    }

    fn count(&mut self, day: &HallDay, event: &TicketEvent, at: Instant) {
        match event {
            TicketEvent::TicketIssued(issued) => {
                let figures = self.figures(day, None, issued.issued_at).count(Count::Issued);
                figures.count_if(Count::ByAppointment, issued.appointment.is_some());
                figures.count_if(Count::Priority, issued.priority.is_some());
            }
            TicketEvent::TicketCalled(called) => {
                if let Some(seconds) = called.waited_seconds {
                    self.figures(day, Some(&called.window), called.called_at).wait(seconds);
                }
            }
            TicketEvent::TicketMissed(missed) => {
                self.figures(day, Some(&missed.window), at).count(Count::Missed);
                self.spread(day, &missed.window, Seconds::Futile, at, missed.idle_seconds);
            }
            TicketEvent::TicketParked(parked) => {
                self.figures(day, Some(&parked.window), at).count(Count::Parked);
                self.spread(day, &parked.window, Seconds::Serve, at, parked.serve_seconds);
            }
            TicketEvent::TicketTransferred(transferred) => {
                self.figures(day, transferred.from.as_ref(), at).count(Count::Transferred);
                if let Some(from) = &transferred.from {
                    self.spread(day, from, Seconds::Serve, at, transferred.serve_seconds);
                }
            }
            TicketEvent::ServiceStarted(started) => {
                let figures = self.figures(day, Some(&started.window), at).count(Count::Started);
                figures.sum(Seconds::Way, started.way_seconds);
            }
            TicketEvent::ServiceFinished(finished) => {
                let (window, at) = (&finished.window, finished.finished_at);
                let figures = self.figures(day, Some(window), at).count(Count::Finished);
                figures.count_if(Count::Forgotten, finished.forgotten);
                figures.count_if(Count::AfterHours, finished.service_time == ServiceTime::AfterHours);
                figures.count_if(Count::RestDay, finished.service_time == ServiceTime::RestDay);
                self.spread(day, window, Seconds::Serve, at, finished.serve_seconds);
            }
            TicketEvent::TicketAbandoned(abandoned) => {
                let figures = self.figures(day, None, at).count(Count::Abandoned);
                figures.count_if(Count::GivenUpAtDayEnd, abandoned.by == AbandonedBy::DayEnd);
            }
            TicketEvent::TicketLinked(_) => _ = self.figures(day, None, at).count(Count::Linked),
            TicketEvent::WindowLeft(left) => {
                self.spread(day, &left.window, Seconds::Open, left.left_at, left.open_seconds);
            }
            TicketEvent::HallWarningRaised(_) => _ = self.figures(day, None, at).count(Count::Warnings),
            TicketEvent::WindowStaffed(staffed) => {
                // Nothing is counted yet, but a question about now may find the window open.
                self.organisations.code(&day.hall);
                self.windows.code(&staffed.window);
            }
            TicketEvent::TicketRecalled(_)
            | TicketEvent::TicketRequeued(_)
            | TicketEvent::HallWarningEnded(_)
            | TicketEvent::HallDayClosed(_) => (),
        }
    }

    fn apply_appointment(&mut self, day: &HallDay, event: &AppointmentEvent) {
        match event {
            AppointmentEvent::AppointmentBooked(booked) => {
                self.figures(day, None, booked.from).count(Count::Booked);
                self.booked.insert(booked.appointment.clone(), booked.clone());
            }
            AppointmentEvent::AppointmentMoved(body) => self.settle(day, &body.appointment, Count::Moved),
            AppointmentEvent::AppointmentCancelled(body) => self.settle(day, &body.appointment, Count::Cancelled),
            AppointmentEvent::AppointmentKept(body) => self.settle(day, &body.appointment, Count::Kept),
            AppointmentEvent::AppointmentMissed(body) => self.settle(day, &body.appointment, Count::AppointmentMissed),
        }
    }

    /// What became of an appointment counts at its slot.
    fn settle(&mut self, day: &HallDay, id: &AppointmentId, what: Count) {
        if let Some(booked) = self.booked.remove(id) {
            self.figures(day, None, booked.from).count(what);
        }
    }

    fn figures(&mut self, day: &HallDay, window: Option<&WindowId>, at: Instant) -> &mut Figures {
        let window = window.map(|window| self.windows.code(window));
        let cell = Cell { hall: self.organisations.code(&day.hall), window, quarter: quarter_of(at) };
        self.cells.entry(day.day).or_default().0.entry(cell).or_default()
    }

    /// Spreads an interval that ended at a moment over the quarters in which it lies.
    fn spread(&mut self, day: &HallDay, window: &WindowId, what: Seconds, until: Instant, seconds: u32) {
        for (at, part) in quarters(until, seconds) {
            self.figures(day, Some(window), at).sum(what, part);
        }
    }
}

/// Returns the parts of an interval that lie in each quarter of an hour, with a moment of each.
fn quarters(until: Instant, seconds: u32) -> impl Iterator<Item = (Instant, u32)> {
    let length = TimeDelta::seconds(i64::from(seconds)).min(SPREAD_MAX);
    let mut from = until - length;
    std::iter::from_fn(move || {
        if until <= from {
            return None;
        }
        let part = i64::from(QUARTER_MINUTES) * 60;
        let next = from + TimeDelta::seconds(part - from.timestamp().rem_euclid(part));
        let (at, end) = (from, next.min(until));
        from = end;
        Some((at, u32::try_from((end - at).num_seconds()).unwrap_or(0)))
    })
}

fn quarter_of(at: Instant) -> u8 {
    let time = time_of(at);
    u8::try_from((time.hour() * 60 + time.minute()) / QUARTER_MINUTES).unwrap_or(u8::MAX)
}

#[cfg(test)]
pub(crate) mod tests;

//! The figures of one cell, and of cells together.

use super::query::{AppointmentFigures, HallKey, HallsRow, TimeFigures, WaitFigures};
use crate::tally::{Rate, as_real};
use serde::{Deserialize, Serialize};

/// Waits are counted up to each of these many minutes, and beyond.
pub const WAIT_STEPS_MINUTES: [u32; 5] = [5, 10, 15, 30, 60];

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    Issued,
    ByAppointment,
    Priority,
    Waited,
    Missed,
    Parked,
    Transferred,
    Started,
    Finished,
    Forgotten,
    AfterHours,
    RestDay,
    Abandoned,
    GivenUpAtDayEnd,
    Linked,
    Warnings,
    Booked,
    Kept,
    AppointmentMissed,
    Cancelled,
    Moved,
}

/// What is summed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seconds {
    Wait,
    Way,
    Serve,
    /// Called, and nobody came.
    Futile,
    Open,
}

const COUNTS: usize = Count::Moved as usize + 1;
const SECONDS: usize = Seconds::Open as usize + 1;

/// What happened in one quarter of an hour at one window, or in the hall around it. There are many of these, so they are
/// small.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Figures {
    counts: [u16; COUNTS],
    seconds: [u32; SECONDS],
    longest_wait_seconds: u32,
    /// Waits by the first step that they do not exceed.
    wait_steps: [u16; WAIT_STEPS_MINUTES.len()],
}

impl Figures {
    pub(super) fn count(&mut self, what: Count) -> &mut Self {
        self.count_if(what, true)
    }

    pub(super) fn count_if(&mut self, what: Count, holds: bool) -> &mut Self {
        if let Some(count) = self.counts.get_mut(what as usize) {
            *count = count.saturating_add(u16::from(holds));
        }
        self
    }

    pub(super) fn sum(&mut self, what: Seconds, seconds: u32) {
        if let Some(sum) = self.seconds.get_mut(what as usize) {
            *sum = sum.saturating_add(seconds);
        }
    }

    pub(super) fn of(&self, what: Count) -> i64 {
        self.counts.get(what as usize).copied().map_or(0, i64::from)
    }

    pub(super) fn wait(&mut self, seconds: u32) {
        self.count(Count::Waited).sum(Seconds::Wait, seconds);
        self.longest_wait_seconds = self.longest_wait_seconds.max(seconds);
        let step = WAIT_STEPS_MINUTES.iter().position(|minutes| seconds <= minutes * 60);
        if let Some(count) = step.and_then(|step| self.wait_steps.get_mut(step)) {
            *count = count.saturating_add(1);
        }
    }
}

/// The same of many cells.
#[derive(Debug, Clone, Default)]
pub(super) struct Sums {
    counts: [i64; COUNTS],
    seconds: [i64; SECONDS],
    longest_wait_seconds: u32,
    wait_steps: [i64; WAIT_STEPS_MINUTES.len()],
}

impl Sums {
    pub(super) fn add(&mut self, figures: &Figures) {
        let counts = figures.counts.iter().map(|count| i64::from(*count));
        self.counts.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        let seconds = figures.seconds.iter().map(|seconds| i64::from(*seconds));
        self.seconds.iter_mut().zip(seconds).for_each(|(sum, seconds)| *sum += seconds);
        let steps = figures.wait_steps.iter().map(|count| i64::from(*count));
        self.wait_steps.iter_mut().zip(steps).for_each(|(sum, count)| *sum += count);
        self.longest_wait_seconds = self.longest_wait_seconds.max(figures.longest_wait_seconds);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.counts.iter_mut().zip(other.counts).for_each(|(sum, count)| *sum += count);
        self.seconds.iter_mut().zip(other.seconds).for_each(|(sum, seconds)| *sum += seconds);
        self.wait_steps.iter_mut().zip(other.wait_steps).for_each(|(sum, count)| *sum += count);
        self.longest_wait_seconds = self.longest_wait_seconds.max(other.longest_wait_seconds);
    }

    fn of(&self, what: Count) -> i64 {
        self.counts.get(what as usize).copied().unwrap_or(0)
    }

    fn seconds(&self, what: Seconds) -> i64 {
        self.seconds.get(what as usize).copied().unwrap_or(0)
    }

    pub(super) fn row(&self, key: HallKey) -> HallsRow {
        let minutes = |seconds: i64, count: i64| (0 < count).then(|| as_real(seconds) / as_real(count) / 60.0);
        let (waited, issued, started) = (self.of(Count::Waited), self.of(Count::Issued), self.of(Count::Started));
        let timed = self.of(Count::Finished) - self.of(Count::Forgotten);
        let (serve, open) = (self.seconds(Seconds::Serve), self.seconds(Seconds::Open));
        let (kept, missed) = (self.of(Count::Kept), self.of(Count::AppointmentMissed));
        let mut within = 0;
        let steps = WAIT_STEPS_MINUTES.iter().zip(self.wait_steps).map(|(minutes, count)| {
            within += count;
            (*minutes, Rate::of(within, waited))
        });
        let within_minutes = steps.collect();
        HallsRow {
            key,
            issued,
            by_appointment: self.of(Count::ByAppointment),
            priority: self.of(Count::Priority),
            finished: self.of(Count::Finished),
            missed: self.of(Count::Missed),
            missed_rate: Rate::of(self.of(Count::Missed), issued),
            abandoned: self.of(Count::Abandoned),
            given_up_at_day_end: self.of(Count::GivenUpAtDayEnd),
            abandoned_rate: Rate::of(self.of(Count::Abandoned), issued),
            parked: self.of(Count::Parked),
            transferred: self.of(Count::Transferred),
            linked_cases: self.of(Count::Linked),
            after_hours: self.of(Count::AfterHours),
            rest_day: self.of(Count::RestDay),
            warnings: self.of(Count::Warnings),
            wait: WaitFigures {
                n: waited,
                mean_minutes: minutes(self.seconds(Seconds::Wait), waited),
                max_minutes: (0 < waited).then(|| f64::from(self.longest_wait_seconds) / 60.0),
                within_minutes,
            },
            way: TimeFigures { n: started, mean_minutes: minutes(self.seconds(Seconds::Way), started) },
            serve: TimeFigures { n: timed, mean_minutes: minutes(serve, timed) },
            serve_seconds: serve,
            open_seconds: open,
            idle_seconds: (open - serve - self.seconds(Seconds::Futile)).max(0),
            saturation: Rate::of(serve, open),
            appointments: AppointmentFigures {
                booked: self.of(Count::Booked),
                kept,
                missed,
                cancelled: self.of(Count::Cancelled),
                moved: self.of(Count::Moved),
                kept_rate: Rate::of(kept, kept + missed),
            },
        }
    }
}

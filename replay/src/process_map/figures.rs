//! Working time between events, and its spread.

use crate::codec;
use crate::log_stats::Step;
use chrono::NaiveDate;
use domain::calendar::WorkingCalendar;
use domain::zone::day_of;
use eventstore::Micros;
use serde::Serialize;
use std::collections::BTreeMap;

/// Working days, counted as limits are: the day of the earlier event does not count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Days {
    /// How many times.
    pub n: u64,
    /// On average.
    pub mean: Option<f64>,
    /// Half took no longer (nearest rank).
    pub p50: Option<u32>,
    /// Nine in ten took no longer.
    pub p90: Option<u32>,
    /// The longest.
    pub max: Option<u32>,
    /// All together.
    pub sum: u64,
}

impl Days {
    pub(super) fn of(mut days: Vec<u32>) -> Self {
        days.sort_unstable();
        let rank = |percent: usize| {
            let place = (days.len() * percent).div_ceil(100).max(1) - 1;
            days.get(place).copied()
        };
        let (n, sum) = (days.len() as u64, days.iter().map(|days| u64::from(*days)).sum::<u64>());
        Self {
            n,
            mean: (0 < n).then(|| sum as f64 / n as f64),
            p50: rank(50),
            p90: rank(90),
            max: days.last().copied(),
            sum,
        }
    }
}

/// Counts working days.
pub(super) struct DaysBetween<'a> {
    calendar: &'a WorkingCalendar,
}

impl<'a> DaysBetween<'a> {
    pub(super) fn new(calendar: &'a WorkingCalendar) -> Self {
        Self { calendar }
    }

    fn count(&self, from: Micros, to: Micros) -> u32 {
        self.calendar.working_days_between(day(from), day(to), None)
    }
}

fn day(at: Micros) -> NaiveDate {
    // Whatever a log holds lies within what a calendar can name.
    day_of(codec::instant(at).unwrap_or_default())
}

/// Working days by pair of neighbouring activities, and of whole cases.
pub(super) struct Waits<'a> {
    between: DaysBetween<'a>,
    by_edge: BTreeMap<(u32, u32), Vec<u32>>,
    of_cases: Vec<u32>,
}

impl<'a> Waits<'a> {
    pub(super) fn new(between: DaysBetween<'a>) -> Self {
        Self { between, by_edge: BTreeMap::new(), of_cases: Vec::new() }
    }

    /// Adds the events of one case, ordered.
    pub(super) fn add(&mut self, steps: &[Step]) {
        for pair in steps.windows(2) {
            let days = self.between.count(pair[0].occurred_at, pair[1].occurred_at);
            self.by_edge.entry((pair[0].activity, pair[1].activity)).or_default().push(days);
        }
        if let (Some(first), Some(last)) = (steps.first(), steps.last()) {
            self.of_cases.push(self.between.count(first.occurred_at, last.occurred_at));
        }
    }

    /// Returns the working days of every edge, by the names of both activities, and of cases.
    pub(super) fn finish(self, names: &[String]) -> (BTreeMap<(String, String), Vec<u32>>, Days) {
        let name = |number: u32| names[number as usize].clone();
        let by_name = self.by_edge.into_iter().map(|((from, to), days)| ((name(from), name(to)), days));
        (by_name.collect(), Days::of(self.of_cases))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_told_by_nearest_rank_and_nothing_is_told_of_none() {
        let days = Days::of(vec![9, 1, 2, 3, 4, 5, 6, 7, 8, 100]);
        assert_eq!((days.n, days.p50, days.p90, days.max, days.sum), (10, Some(5), Some(9), Some(100), 145));
        assert_eq!(days.mean, Some(14.5));
        assert_eq!(Days::of(Vec::new()), Days::default());
    }
}

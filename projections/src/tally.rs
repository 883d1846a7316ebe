//! Counting: how often each thing was seen, and the figures that are made of such counts.

use crate::scope::Period;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::RangeBounds;

/// How often each key was seen. What is taken back leaves no trace, and the order of adding and taking does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    from = "Vec<(K, i32)>",
    into = "Vec<(K, i32)>",
    bound(serialize = "K: Ord + Clone + Serialize", deserialize = "K: Ord + Clone + Deserialize<'de>")
)]
pub struct Tally<K: Ord + Clone>(BTreeMap<K, i32>);

impl<K: Ord + Clone> Default for Tally<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord + Clone> Tally<K> {
    /// Counts one more.
    pub fn add(&mut self, key: K) {
        self.change(key, 1);
    }

    /// Takes one back; also before it was added, because a fold may meet a correction before what it corrects.
    pub fn take(&mut self, key: K) {
        self.change(key, -1);
    }

    fn change(&mut self, key: K, by: i32) {
        use std::collections::btree_map::Entry;
        match self.0.entry(key) {
            Entry::Vacant(entry) => {
                entry.insert(by);
            }
            Entry::Occupied(mut entry) => match entry.get().saturating_add(by) {
                0 => {
                    entry.remove();
                }
                count => *entry.get_mut() = count,
            },
        }
    }

    /// Returns every key with its count.
    pub fn iter(&self) -> impl Iterator<Item = (&K, i64)> {
        self.0.iter().map(|(key, count)| (key, i64::from(*count)))
    }

    /// Returns every key of a range with its count.
    pub(crate) fn range(&self, keys: impl RangeBounds<K>) -> impl Iterator<Item = (&K, i64)> {
        self.0.range(keys).map(|(key, count)| (key, i64::from(*count)))
    }

    /// Returns how many different keys there are.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.0.len()
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<K: Ord + Clone> From<Vec<(K, i32)>> for Tally<K> {
    fn from(pairs: Vec<(K, i32)>) -> Self {
        Self(pairs.into_iter().collect())
    }
}

impl<K: Ord + Clone> From<Tally<K>> for Vec<(K, i32)> {
    fn from(tally: Tally<K>) -> Self {
        tally.0.into_iter().collect()
    }
}

/// A tally for every day, so that a question about a month reads a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    transparent,
    bound(serialize = "K: Ord + Clone + Serialize", deserialize = "K: Ord + Clone + Deserialize<'de>")
)]
pub struct Daily<K: Ord + Clone>(BTreeMap<NaiveDate, Tally<K>>);

impl<K: Ord + Clone> Default for Daily<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord + Clone> Daily<K> {
    /// Counts one more on this day.
    pub fn add(&mut self, day: NaiveDate, key: K) {
        self.change(day, key, 1);
    }

    /// Takes one of this day back.
    pub fn take(&mut self, day: NaiveDate, key: K) {
        self.change(day, key, -1);
    }

    fn change(&mut self, day: NaiveDate, key: K, by: i32) {
        let tally = self.0.entry(day).or_default();
        tally.change(key, by);
        if tally.is_empty() {
            self.0.remove(&day);
        }
    }

    /// Returns every key of the period with its day and count.
    pub fn within(&self, period: Period) -> impl Iterator<Item = (NaiveDate, &K, i64)> {
        // A reversed period holds no day; a range over it would not be one.
        let to = period.to.max(period.from);
        self.0.range(period.from..to).flat_map(|(day, tally)| tally.iter().map(|(key, count)| (*day, key, count)))
    }

    /// Returns every key with its day and count.
    pub fn iter(&self) -> impl Iterator<Item = (NaiveDate, &K, i64)> {
        self.0.iter().flat_map(|(day, tally)| tally.iter().map(|(key, count)| (*day, key, count)))
    }

    /// Returns how many different keys there are, day by day.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.0.values().map(Tally::cells).sum()
    }
}

/// A share, always with both of its counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// How many did.
    pub numerator: i64,
    /// Out of how many.
    pub denominator: i64,
    /// The share, from 0 to 1; absent where there is nothing to take a share of.
    pub rate: Option<f64>,
}

impl Rate {
    /// Returns the share of the first in the second.
    #[must_use]
    pub fn of(numerator: i64, denominator: i64) -> Self {
        let rate = (0 < denominator).then(|| as_real(numerator) / as_real(denominator));
        Self { numerator, denominator, rate }
    }
}

/// Whole numbers of days, counted per value, so that every figure is exact.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DayCounts(BTreeMap<u16, i64>);

impl DayCounts {
    /// Counts `count` more of this many days.
    pub fn add(&mut self, days: u16, count: i64) {
        *self.0.entry(days).or_default() += count;
    }

    /// Counts everything the other counted.
    pub fn merge(&mut self, other: &Self) {
        for (days, count) in &other.0 {
            self.add(*days, *count);
        }
    }

    /// Returns mean and percentiles by nearest rank.
    #[must_use]
    pub fn distribution(&self) -> Distribution {
        let counted = || self.0.iter().filter(|(_, count)| 0 < **count);
        let n: i64 = counted().map(|(_, count)| *count).sum();
        let sum: i64 = counted().map(|(days, count)| i64::from(*days) * *count).sum();
        Distribution {
            n,
            mean: (0 < n).then(|| as_real(sum) / as_real(n)),
            p50: self.nearest_rank(n, 50),
            p90: self.nearest_rank(n, 90),
            p95: self.nearest_rank(n, 95),
            max: counted().next_back().map(|(days, _)| *days),
        }
    }

    /// Returns the smallest value that at least this percentage of all values do not exceed.
    fn nearest_rank(&self, n: i64, percent: i64) -> Option<u16> {
        let rank = (n * percent + 99) / 100;
        let mut seen = 0;
        self.0.iter().filter(|(_, count)| 0 < **count).find_map(|(days, count)| {
            seen += *count;
            (rank <= seen).then_some(*days)
        })
    }
}

/// How days are distributed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// Out of how many.
    pub n: i64,
    /// The mean, in days.
    pub mean: Option<f64>,
    /// The median, in days, by nearest rank like the others.
    pub p50: Option<u16>,
    /// Nine tenths took no longer.
    pub p90: Option<u16>,
    /// Nineteen twentieths took no longer.
    pub p95: Option<u16>,
    /// The longest.
    pub max: Option<u16>,
}

#[expect(clippy::cast_precision_loss, reason = "counts of cases and days stay far below 2^53")]
pub(crate) fn as_real(count: i64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_back_leaves_no_trace_in_either_order() {
        let mut tally = Tally::default();
        tally.add("a");
        tally.take("a");
        tally.take("b");
        tally.add("b");
        assert_eq!(tally, Tally::default());
    }

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let mut counts = DayCounts::default();
        for days in [15, 20, 35, 40, 50] {
            counts.add(days, 1);
        }
        let Distribution { n, mean, p50, p90, p95, max } = counts.distribution();
        assert_eq!((n, mean, p50, p90, p95, max), (5, Some(32.0), Some(35), Some(50), Some(50), Some(50)));
    }

    #[test]
    fn nothing_has_no_mean_and_no_share() {
        assert_eq!(DayCounts::default().distribution(), Distribution::default());
        assert_eq!(Rate::of(0, 0).rate, None);
    }
}

//! The figures of process mining over a log: counts, the directly-follows graph, durations, variants, rework, days.
//!
//! Events may come in any order: a case's events are ordered at the end, by time and then in the order they came, which
//! is the order of the log. Every count is exact; durations are sums of whole microseconds, divided once.

mod of_history;

pub use of_history::of_history;

use chrono::{DateTime, FixedOffset, NaiveDate};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many of the most frequent variants are listed.
pub const VARIANTS_LISTED: usize = 20;

/// Gathers the events of a log, case by case key `K`.
#[derive(Debug, Clone)]
pub struct LogStats<K> {
    activities: BTreeMap<String, u32>,
    cases: BTreeMap<K, Vec<Step>>,
    /// Logs that came in case by case name the same case and activity again and again.
    last_case: Option<(K, Vec<Step>)>,
}

/// One event, as small as it can be: a log of millions is held at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) occurred_at: i64,
    /// By number, in the order in which activities were met.
    pub(crate) activity: u32,
}

impl<K: Ord> Default for LogStats<K> {
    fn default() -> Self {
        Self { activities: BTreeMap::new(), cases: BTreeMap::new(), last_case: None }
    }
}

impl<K: Ord> LogStats<K> {
    /// Takes in one event of a case; `occurred_at` in microseconds since 1970 in UTC.
    pub fn observe(&mut self, case: K, activity: &str, occurred_at: i64) {
        let activity = match self.activities.get(activity) {
            Some(number) => *number,
            None => {
                let number = self.activities.len() as u32;
                self.activities.insert(activity.to_owned(), number);
                number
            }
        };
        let step = Step { occurred_at, activity };
        match &mut self.last_case {
            Some((last, steps)) if *last == case => steps.push(step),
            _ => {
                self.put_back();
                let mut steps = self.cases.remove(&case).unwrap_or_default();
                steps.push(step);
                self.last_case = Some((case, steps));
            }
        }
    }

    /// Leaves out the cases that are not meant.
    pub fn retain(&mut self, meant: impl Fn(&K) -> bool) {
        self.put_back();
        self.cases.retain(|case, _| meant(case));
    }

    /// Computes the figures; days are those of `zone`.
    #[must_use]
    pub fn finish(self, zone: FixedOffset) -> LogReport {
        let (report, _) = self.finish_looking(zone, |_| ());
        report
    }

    /// The same, while somebody looks at the events of each case, ordered; with the activities by their numbers.
    pub(crate) fn finish_looking(
        mut self,
        zone: FixedOffset,
        mut look: impl FnMut(&[Step]),
    ) -> (LogReport, Vec<String>) {
        self.put_back();
        let names = names_by_number(self.activities);
        let mut figures = Figures::new(names.len(), zone);
        for steps in self.cases.values_mut() {
            steps.sort_by_key(|step| step.occurred_at);
            figures.add(steps);
            look(steps);
        }
        (figures.report(&names), names)
    }

    fn put_back(&mut self) {
        if let Some((case, mut steps)) = self.last_case.take() {
            steps.shrink_to_fit();
            self.cases.insert(case, steps);
        }
    }
}

/// The figures of a log, named as process miners name them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogReport {
    /// Cases with at least one event.
    pub cases: u64,
    /// Events.
    pub events: u64,
    /// Events per activity, the most frequent first, then by name; so are all counts by name here.
    pub activities: Counts,
    /// Cases per activity they began with.
    pub start_activities: Counts,
    /// Cases per activity they ended with.
    pub end_activities: Counts,
    /// The directly-follows graph, the most frequent edge first, then by names.
    pub dfg: Vec<Edge>,
    /// Its edges.
    pub dfg_edges: u64,
    /// Pairs of neighbouring events.
    pub dfg_total: u64,
    /// From the first to the last event of a case, in seconds.
    pub case_duration_seconds: Durations,
    /// Different sequences of activities.
    pub variants_total: u64,
    /// The most frequent of them, then by their activities.
    pub variants_top20: Vec<Variant>,
    /// What was done more than once.
    pub rework: Rework,
    /// What happened on each day.
    pub per_day: PerDay,
    /// For every day from the first to the last event: cases begun by then that ended on a later day.
    pub open_per_day: BTreeMap<NaiveDate, u64>,
}

/// How often each name occurred, in the order of listing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts(pub Vec<(String, u64)>);

/// One activity directly after another in the same case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Edge {
    /// The earlier activity.
    pub from: String,
    /// The later one.
    pub to: String,
    /// How often.
    pub count: u64,
    /// The time between, in seconds.
    pub duration_seconds: Spread,
}

/// A few durations at a glance, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The shortest.
    pub min: f64,
    /// The mean.
    pub mean: f64,
    /// The middle one, or the mean of the middle two.
    pub median: f64,
    /// The longest.
    pub max: f64,
    /// All together.
    pub sum: f64,
}

/// Durations in seconds; without any, every figure but the count is 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Durations {
    /// How many.
    pub n: u64,
    /// The spread.
    #[serde(flatten)]
    pub spread: Spread,
    /// Percentiles interpolated between neighbours (Hyndman and Fan's type 7).
    pub linear: Percentiles,
    /// Percentiles that occurred: the ⌈p·n⌉-th smallest.
    pub nearest_rank: Percentiles,
}

/// Percentiles in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
    /// Half are not longer.
    pub p50: f64,
    /// Three quarters are not longer.
    pub p75: f64,
    /// Nine in ten are not longer.
    pub p90: f64,
    /// 95 in a hundred are not longer.
    pub p95: f64,
    /// 99 in a hundred are not longer.
    pub p99: f64,
}

/// A sequence of activities, and how many cases took it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    /// Cases.
    pub count: u64,
    /// Their activities in order.
    pub activities: Vec<String>,
}

/// What was done more than once in a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rework {
    /// Cases in which an activity occurs at least twice.
    pub cases_with_activity_repeated: Counts,
    /// How often an activity directly followed itself.
    pub self_loops: Counts,
    /// All of these together.
    pub self_loops_total: u64,
    /// Events that are not the first of their activity in their case.
    pub events_beyond_first_of_activity_in_case: u64,
    /// Cases with any repeated activity.
    pub cases_with_any_rework: u64,
}

/// Counts per day, days without any left out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PerDay {
    /// Events.
    pub events: BTreeMap<NaiveDate, u64>,
    /// Cases whose first event it was.
    pub cases_started: BTreeMap<NaiveDate, u64>,
    /// Cases whose last event it was.
    pub cases_ended: BTreeMap<NaiveDate, u64>,
}

impl Counts {
    fn of(names: &[String], counts: &[u64]) -> Self {
        let mut listed: Vec<_> = names.iter().cloned().zip(counts.iter().copied()).filter(|(_, n)| *n > 0).collect();
        listed.sort_by(|(name, n), (other, m)| m.cmp(n).then_with(|| name.cmp(other)));
        Self(listed)
    }
}

impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, count) in &self.0 {
            map.serialize_entry(name, count)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Counts {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Listed;
        impl<'de> serde::de::Visitor<'de> for Listed {
            type Value = Counts;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("counts by name")
            }
            fn visit_map<M: serde::de::MapAccess<'de>>(self, mut map: M) -> Result<Counts, M::Error> {
                let mut listed = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    listed.push(entry);
                }
                Ok(Counts(listed))
            }
        }
        deserializer.deserialize_map(Listed)
    }
}

/// Counts under way; activities by number.
struct Figures {
    zone: FixedOffset,
    cases: u64,
    events: u64,
    activities: Vec<u64>,
    starts: Vec<u64>,
    ends: Vec<u64>,
    edges: BTreeMap<(u32, u32), Vec<i64>>,
    durations: Vec<i64>,
    variants: BTreeMap<Vec<u32>, u64>,
    repeated_in: Vec<u64>,
    beyond_first: u64,
    cases_with_rework: u64,
    events_on: BTreeMap<i64, u64>,
    started_on: BTreeMap<i64, u64>,
    ended_on: BTreeMap<i64, u64>,
    /// Occurrences in the case at hand; all zero between cases.
    occurrences: Vec<u64>,
}

impl Figures {
    fn new(activities: usize, zone: FixedOffset) -> Self {
        Self {
            zone,
            cases: 0,
            events: 0,
            activities: vec![0; activities],
            starts: vec![0; activities],
            ends: vec![0; activities],
            edges: BTreeMap::new(),
            durations: Vec::new(),
            variants: BTreeMap::new(),
            repeated_in: vec![0; activities],
            beyond_first: 0,
            cases_with_rework: 0,
            events_on: BTreeMap::new(),
            started_on: BTreeMap::new(),
            ended_on: BTreeMap::new(),
            occurrences: vec![0; activities],
        }
    }

    /// Adds the events of one case, ordered.
    fn add(&mut self, steps: &[Step]) {
        let (Some(first), Some(last)) = (steps.first(), steps.last()) else { return };
        self.cases += 1;
        self.events += steps.len() as u64;
        self.starts[first.activity as usize] += 1;
        self.ends[last.activity as usize] += 1;
        self.durations.push(last.occurred_at - first.occurred_at);
        *self.started_on.entry(self.day(first)).or_default() += 1;
        *self.ended_on.entry(self.day(last)).or_default() += 1;
        for step in steps {
            self.activities[step.activity as usize] += 1;
            *self.events_on.entry(self.day(step)).or_default() += 1;
        }
        for pair in steps.windows(2) {
            let edge = self.edges.entry((pair[0].activity, pair[1].activity)).or_default();
            edge.push(pair[1].occurred_at - pair[0].occurred_at);
        }
        let variant: Vec<u32> = steps.iter().map(|step| step.activity).collect();
        self.add_rework(&variant);
        *self.variants.entry(variant).or_default() += 1;
    }

    fn add_rework(&mut self, variant: &[u32]) {
        let mut any = false;
        for activity in variant {
            let occurrences = &mut self.occurrences[*activity as usize];
            *occurrences += 1;
            if *occurrences == 2 {
                self.repeated_in[*activity as usize] += 1;
            }
            if *occurrences > 1 {
                self.beyond_first += 1;
                any = true;
            }
        }
        for activity in variant {
            self.occurrences[*activity as usize] = 0;
        }
        self.cases_with_rework += u64::from(any);
    }

    /// Returns the day of a step in the zone, counted from 1970.
    fn day(&self, step: &Step) -> i64 {
        let local = step.occurred_at + i64::from(self.zone.local_minus_utc()) * 1_000_000;
        local.div_euclid(crate::format::timestamp::MICROS_PER_DAY)
    }

    fn report(mut self, names: &[String]) -> LogReport {
        let loops: Vec<u64> =
            (0..names.len() as u32).map(|n| self.edges.get(&(n, n)).map_or(0, |edge| edge.len() as u64)).collect();
        LogReport {
            cases: self.cases,
            events: self.events,
            activities: Counts::of(names, &self.activities),
            start_activities: Counts::of(names, &self.starts),
            end_activities: Counts::of(names, &self.ends),
            dfg_edges: self.edges.len() as u64,
            dfg_total: self.edges.values().map(|durations| durations.len() as u64).sum(),
            dfg: edges(std::mem::take(&mut self.edges), names),
            case_duration_seconds: durations(std::mem::take(&mut self.durations)),
            variants_total: self.variants.len() as u64,
            variants_top20: top_variants(&self.variants, names),
            rework: Rework {
                cases_with_activity_repeated: Counts::of(names, &self.repeated_in),
                self_loops_total: loops.iter().sum(),
                self_loops: Counts::of(names, &loops),
                events_beyond_first_of_activity_in_case: self.beyond_first,
                cases_with_any_rework: self.cases_with_rework,
            },
            open_per_day: self.open_per_day(),
            per_day: PerDay {
                events: dated(&self.events_on),
                cases_started: dated(&self.started_on),
                cases_ended: dated(&self.ended_on),
            },
        }
    }

    fn open_per_day(&self) -> BTreeMap<NaiveDate, u64> {
        let (Some(first), Some(last)) = (self.events_on.keys().next(), self.events_on.keys().next_back()) else {
            return BTreeMap::new();
        };
        let mut open = 0;
        let mut per_day = BTreeMap::new();
        for day in *first..=*last {
            open += self.started_on.get(&day).copied().unwrap_or_default();
            open -= self.ended_on.get(&day).copied().unwrap_or_default();
            per_day.insert(day, open);
        }
        dated(&per_day)
    }
}

fn names_by_number(activities: BTreeMap<String, u32>) -> Vec<String> {
    let mut names = vec![String::new(); activities.len()];
    for (name, number) in activities {
        names[number as usize] = name;
    }
    names
}

fn edges(edges: BTreeMap<(u32, u32), Vec<i64>>, names: &[String]) -> Vec<Edge> {
    let mut listed: Vec<Edge> = edges
        .into_iter()
        .map(|((from, to), mut micros)| {
            micros.sort_unstable();
            Edge {
                from: names[from as usize].clone(),
                to: names[to as usize].clone(),
                count: micros.len() as u64,
                duration_seconds: spread(&micros),
            }
        })
        .collect();
    listed.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| (&a.from, &a.to).cmp(&(&b.from, &b.to))));
    listed
}

fn top_variants(variants: &BTreeMap<Vec<u32>, u64>, names: &[String]) -> Vec<Variant> {
    let named = |sequence: &[u32]| -> Vec<&str> { sequence.iter().map(|n| names[*n as usize].as_str()).collect() };
    let mut listed: Vec<(u64, Vec<&str>)> = variants.iter().map(|(sequence, n)| (*n, named(sequence))).collect();
    listed.sort_by(|(n, sequence), (m, other)| m.cmp(n).then_with(|| sequence.cmp(other)));
    listed
        .into_iter()
        .take(VARIANTS_LISTED)
        .map(|(count, sequence)| Variant { count, activities: sequence.into_iter().map(str::to_owned).collect() })
        .collect()
}

fn durations(mut micros: Vec<i64>) -> Durations {
    micros.sort_unstable();
    let percentiles = |percentile: fn(&[i64], u32) -> f64| Percentiles {
        p50: percentile(&micros, 50),
        p75: percentile(&micros, 75),
        p90: percentile(&micros, 90),
        p95: percentile(&micros, 95),
        p99: percentile(&micros, 99),
    };
    Durations {
        n: micros.len() as u64,
        spread: spread(&micros),
        linear: percentiles(linear),
        nearest_rank: percentiles(nearest_rank),
    }
}

/// Returns the spread of durations in ascending order.
fn spread(micros: &[i64]) -> Spread {
    let (Some(min), Some(max)) = (micros.first(), micros.last()) else {
        return Spread { min: 0.0, mean: 0.0, median: 0.0, max: 0.0, sum: 0.0 };
    };
    let sum: i128 = micros.iter().map(|duration| i128::from(*duration)).sum();
    Spread {
        min: seconds(*min),
        mean: sum as f64 / micros.len() as f64 / 1e6,
        median: linear(micros, 50),
        max: seconds(*max),
        sum: sum as f64 / 1e6,
    }
}

fn linear(micros: &[i64], percent: u32) -> f64 {
    // Whole numbers until the end: the place between neighbours is exact.
    let place = micros.len().saturating_sub(1) as u64 * u64::from(percent);
    let (below, rest) = ((place / 100) as usize, place % 100);
    let Some(low) = micros.get(below) else { return 0.0 };
    let high = micros.get(below + 1).unwrap_or(low);
    seconds(*low) + (high - low) as f64 * rest as f64 / 100.0 / 1e6
}

fn nearest_rank(micros: &[i64], percent: u32) -> f64 {
    let rank = (micros.len() as u64 * u64::from(percent)).div_ceil(100) as usize;
    micros.get(rank.max(1) - 1).map_or(0.0, |duration| seconds(*duration))
}

fn seconds(micros: i64) -> f64 {
    micros as f64 / 1e6
}

fn dated(days: &BTreeMap<i64, u64>) -> BTreeMap<NaiveDate, u64> {
    let date = |day: i64| DateTime::from_timestamp(day * 86_400, 0).map(|moment| moment.date_naive());
    days.iter().filter_map(|(day, count)| Some((date(*day)?, *count))).collect()
}

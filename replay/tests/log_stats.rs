//! The fold over single events agrees with a plain recomputation over whole cases.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, and says where")]

use chrono::{DateTime, FixedOffset, NaiveDate};
use proptest::prelude::*;
use replay::log_stats::{Counts, LogReport, LogStats};
use std::collections::{BTreeMap, BTreeSet};

/// A case, an activity, a time in microseconds.
type Observed = (u8, u8, i64);

const MICROS_PER_HOUR: i64 = 3_600_000_000;

fn zone(hours: i32) -> FixedOffset {
    FixedOffset::east_opt(hours * 3600).unwrap()
}

fn report(log: &[Observed], zone: FixedOffset) -> LogReport {
    let mut stats = LogStats::default();
    for (case, activity, at) in log {
        stats.observe(*case, &name(*activity), *at);
    }
    stats.finish(zone)
}

fn name(activity: u8) -> String {
    format!("activity {activity}")
}

fn day(at: i64, zone: FixedOffset) -> NaiveDate {
    DateTime::from_timestamp_micros(at).unwrap().with_timezone(&zone).date_naive()
}

/// Each case's activities and times, ordered; written down without a thought for speed.
fn cases(log: &[Observed]) -> Vec<Vec<(String, i64)>> {
    let ids: BTreeSet<u8> = log.iter().map(|(case, ..)| *case).collect();
    ids.into_iter()
        .map(|id| {
            let mut events: Vec<_> = log.iter().enumerate().filter(|(_, (case, ..))| *case == id).collect();
            events.sort_by_key(|(place, (_, _, at))| (*at, *place));
            events.into_iter().map(|(_, (_, activity, at))| (name(*activity), *at)).collect()
        })
        .collect()
}

fn counted<'a>(names: impl Iterator<Item = &'a String>) -> Counts {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    names.for_each(|name| *counts.entry(name.clone()).or_default() += 1);
    let mut listed: Vec<_> = counts.into_iter().collect();
    listed.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), name.clone()));
    Counts(listed)
}

fn close(actual: f64, expected: f64) -> bool {
    (actual - expected).abs() <= 1e-6 * expected.abs().max(1.0)
}

/// The percentile as numpy interpolates it.
fn percentile(sorted: &[f64], p: f64) -> f64 {
    let place = p * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    low + (high - low) * place.fract()
}

fn check_durations(actual: &LogReport, cases: &[Vec<(String, i64)>]) {
    let mut seconds: Vec<f64> = cases.iter().map(|case| (case[case.len() - 1].1 - case[0].1) as f64 / 1e6).collect();
    seconds.sort_by(f64::total_cmp);
    let durations = &actual.case_duration_seconds;
    assert_eq!(durations.n, seconds.len() as u64);
    assert!(close(durations.spread.sum, seconds.iter().sum()));
    assert!(close(durations.spread.mean, seconds.iter().sum::<f64>() / seconds.len() as f64));
    assert!(close(durations.spread.median, percentile(&seconds, 0.5)));
    assert!(close(durations.linear.p90, percentile(&seconds, 0.9)));
    assert!(close(durations.linear.p99, percentile(&seconds, 0.99)));
    let below = seconds.iter().filter(|duration| **duration <= durations.nearest_rank.p75).count();
    assert!(below as f64 >= 0.75 * seconds.len() as f64, "at least three quarters are not longer");
    let strictly = seconds.iter().filter(|duration| **duration < durations.nearest_rank.p75).count();
    assert!((strictly as f64) < 0.75 * seconds.len() as f64, "and no shorter one will do");
}

fn check_edges(actual: &LogReport, cases: &[Vec<(String, i64)>]) {
    let mut edges: BTreeMap<(String, String), Vec<f64>> = BTreeMap::new();
    for pair in cases.iter().flat_map(|case| case.windows(2)) {
        let edge = edges.entry((pair[0].0.clone(), pair[1].0.clone())).or_default();
        edge.push((pair[1].1 - pair[0].1) as f64 / 1e6);
    }
    assert_eq!(actual.dfg_edges, edges.len() as u64);
    assert_eq!(actual.dfg_total, edges.values().map(|edge| edge.len() as u64).sum::<u64>());
    assert_eq!(actual.dfg.len(), edges.len());
    assert!(actual.dfg.is_sorted_by_key(|edge| (std::cmp::Reverse(edge.count), edge.from.clone(), edge.to.clone())));
    for edge in &actual.dfg {
        let mut seconds = edges[&(edge.from.clone(), edge.to.clone())].clone();
        seconds.sort_by(f64::total_cmp);
        assert_eq!(edge.count, seconds.len() as u64);
        assert!(close(edge.duration_seconds.min, seconds[0]));
        assert!(close(edge.duration_seconds.max, seconds[seconds.len() - 1]));
        assert!(close(edge.duration_seconds.sum, seconds.iter().sum()));
        assert!(close(edge.duration_seconds.median, percentile(&seconds, 0.5)));
    }
}

fn check_rework(actual: &LogReport, cases: &[Vec<(String, i64)>]) {
    let mut repeated = Vec::new();
    let mut beyond = 0;
    for case in cases {
        let Counts(counts) = counted(case.iter().map(|(name, _)| name));
        beyond += counts.iter().map(|(_, count)| count - 1).sum::<u64>();
        repeated.push(counts.into_iter().filter(|(_, count)| *count > 1).map(|(name, _)| name).collect::<Vec<_>>());
    }
    let loops: Vec<String> = cases
        .iter()
        .flat_map(|case| case.windows(2))
        .filter(|pair| pair[0].0 == pair[1].0)
        .map(|pair| pair[0].0.clone())
        .collect();
    assert_eq!(actual.rework.cases_with_activity_repeated, counted(repeated.iter().flatten()));
    assert_eq!(actual.rework.cases_with_any_rework, repeated.iter().filter(|names| !names.is_empty()).count() as u64);
    assert_eq!(actual.rework.events_beyond_first_of_activity_in_case, beyond);
    assert_eq!(actual.rework.self_loops, counted(loops.iter()));
    assert_eq!(actual.rework.self_loops_total, loops.len() as u64);
}

fn check_days(actual: &LogReport, cases: &[Vec<(String, i64)>], zone: FixedOffset) {
    let bounds: Vec<(NaiveDate, NaiveDate)> =
        cases.iter().map(|case| (day(case[0].1, zone), day(case[case.len() - 1].1, zone))).collect();
    let days: BTreeSet<NaiveDate> = cases.iter().flatten().map(|(_, at)| day(*at, zone)).collect();
    for date in &days {
        let on_it = cases.iter().flatten().filter(|(_, at)| day(*at, zone) == *date).count() as u64;
        assert_eq!(actual.per_day.events.get(date), Some(&on_it));
    }
    assert_eq!(actual.per_day.events.len(), days.len());
    let (first, last) = (*days.first().unwrap(), *days.last().unwrap());
    assert_eq!(actual.open_per_day.len() as i64, (last - first).num_days() + 1);
    for (date, open) in &actual.open_per_day {
        let expected = bounds.iter().filter(|(begun, ended)| begun <= date && ended > date).count() as u64;
        assert_eq!(*open, expected, "{date}");
        let begun = bounds.iter().filter(|(begun, _)| begun == date).count() as u64;
        assert_eq!(actual.per_day.cases_started.get(date).copied().unwrap_or_default(), begun);
        let ended = bounds.iter().filter(|(_, ended)| ended == date).count() as u64;
        assert_eq!(actual.per_day.cases_ended.get(date).copied().unwrap_or_default(), ended);
    }
}

proptest! {
    #[test]
    fn any_interleaving_gives_the_figures_of_its_cases(
        log in prop::collection::vec((0u8..6, 0u8..4, (-40i64..40).prop_map(|hours| hours * MICROS_PER_HOUR)), 1..60),
        hours_east in -12i32..=14,
    ) {
        let actual = report(&log, zone(hours_east));
        let cases = cases(&log);
        prop_assert_eq!(actual.cases, cases.len() as u64);
        prop_assert_eq!(actual.events, log.len() as u64);
        prop_assert_eq!(&actual.activities, &counted(cases.iter().flatten().map(|(name, _)| name)));
        prop_assert_eq!(&actual.start_activities, &counted(cases.iter().map(|case| &case[0].0)));
        prop_assert_eq!(&actual.end_activities, &counted(cases.iter().map(|case| &case[case.len() - 1].0)));
        let mut variants: BTreeMap<Vec<&str>, u64> = BTreeMap::new();
        for case in &cases {
            *variants.entry(case.iter().map(|(name, _)| name.as_str()).collect()).or_default() += 1;
        }
        prop_assert_eq!(actual.variants_total, variants.len() as u64);
        let mut top: Vec<_> = variants.into_iter().collect();
        top.sort_by_key(|(activities, count)| (std::cmp::Reverse(*count), activities.clone()));
        let listed: Vec<_> = actual.variants_top20.iter()
            .map(|variant| (variant.activities.iter().map(String::as_str).collect(), variant.count)).collect();
        prop_assert_eq!(listed, top.into_iter().take(20).collect::<Vec<_>>());
        check_edges(&actual, &cases);
        check_durations(&actual, &cases);
        check_rework(&actual, &cases);
        check_days(&actual, &cases, zone(hours_east));
    }
}

#[test]
fn a_log_without_events_has_figures_too() {
    let report = report(&[], zone(8));
    assert_eq!((report.cases, report.events, report.variants_total), (0, 0, 0));
    assert_eq!(report.case_duration_seconds.spread.max, 0.0);
    assert!(report.open_per_day.is_empty());
}

#[test]
fn the_day_is_that_of_the_zone() {
    // 2021-03-01T20:00:00Z is already the second of March in Fuzhou.
    let log = [(1, 1, 1_614_628_800_000_000)];
    let in_fuzhou = report(&log, zone(8));
    assert_eq!(in_fuzhou.per_day.events.keys().next(), NaiveDate::from_ymd_opt(2021, 3, 2).as_ref());
    let in_utc = report(&log, zone(0));
    assert_eq!(in_utc.per_day.events.keys().next(), NaiveDate::from_ymd_opt(2021, 3, 1).as_ref());
}

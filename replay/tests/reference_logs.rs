//! Public logs give the figures that the usual tool gives.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, and says where")]

use chrono::FixedOffset;
use replay::format::{self, Entry};
use replay::log_stats::{LogReport, LogStats};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Finds the logs and their figures, which lie beside the workspace (or further up) and are not part of the project.
fn logs() -> Option<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?;
    workspace.ancestors().skip(1).map(|directory| directory.join("shared/logs")).find(|logs| logs.is_dir())
}

fn report(file: &Path) -> LogReport {
    let mut stats = LogStats::default();
    for entry in format::open(file).unwrap() {
        match entry.unwrap() {
            Entry::Case(case) => {
                for event in case.events {
                    stats.observe(case.id.clone(), &event.activity, event.occurred_at);
                }
            }
            Entry::LeftOut(left_out) => panic!("{}: {}", left_out.place, left_out.reason),
        }
    }
    stats.finish(FixedOffset::east_opt(0).unwrap())
}

#[track_caller]
fn check(file: &str) {
    let Some(logs) = logs() else {
        println!("skipped: there is no ../shared/logs with {file} and its figures");
        return;
    };
    let path = logs.join(file);
    let name = file.trim_end_matches(".gz").trim_end_matches(".xes");
    let read = |kind: &str| -> Value {
        serde_json::from_slice(&std::fs::read(logs.join(format!("{name}.{kind}.json"))).unwrap()).unwrap()
    };
    let (expected, extra) = (read("expected"), read("extra"));
    let actual = serde_json::to_value(report(&path)).unwrap();

    for key in [
        "cases",
        "events",
        "activities",
        "start_activities",
        "end_activities",
        "dfg",
        "dfg_edges",
        "dfg_total",
        "case_duration_seconds",
        "variants_total",
        "variants_top20",
        "rework",
    ] {
        same(&actual[key], &expected[key], key);
    }
    same(&actual["per_day"], &expected["per_day_utc"], "per_day");
    same(&actual["open_per_day"], &extra["wip_end_of_day_utc"], "open_per_day");
}

/// Compares counts exactly and durations to a millisecond; the expected file may say more than we do.
#[track_caller]
fn same(actual: &Value, expected: &Value, path: &str) {
    match (actual, expected) {
        (Value::Object(actual), Value::Object(expected)) => {
            let said = |key: &String| key != "stdev_population";
            assert!(expected.keys().filter(|key| said(key)).eq(actual.keys()), "{path}: other keys");
            for (key, value) in actual {
                same(value, &expected[key], &format!("{path}.{key}"));
            }
        }
        (Value::Array(actual), Value::Array(expected)) => {
            assert_eq!(actual.len(), expected.len(), "{path}");
            for (place, (actual, expected)) in actual.iter().zip(expected).enumerate() {
                same(actual, expected, &format!("{path}[{place}]"));
            }
        }
        (Value::Number(actual), Value::Number(expected)) if actual.is_f64() => {
            let (actual, expected) = (actual.as_f64().unwrap(), expected.as_f64().unwrap());
            assert!((actual - expected).abs() < 0.001, "{path}: {actual} is not {expected}");
        }
        (actual, expected) => assert_eq!(actual, expected, "{path}"),
    }
}

#[test]
fn the_running_example_gives_the_reference_figures() {
    check("running-example.xes");
}

#[test]
fn environmental_permits_give_the_reference_figures() {
    check("receipt.xes.gz");
}

#[test]
fn building_permits_give_the_reference_figures() {
    check("bpic15_1.xes.gz");
}

#[test]
fn road_fines_give_the_reference_figures() {
    check("roadtraffic.xes.gz");
}

//! The process map: the same from the log and from single streams, in working days, two periods side by side.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, and says where")]

mod random_history;

use chrono::DateTime;
use domain::reference::Reference;
use domain::zone::Instant;
use eventstore::{EventStore, InMemory, Position};
use proptest::prelude::*;
use random_history::{Log, case, histories, run};
use replay::history::History;
use replay::import::{ImportRequest, check, take_in};
use replay::journal::Journal;
use replay::log_stats::of_history as stats_of_history;
use replay::moment::{Late, Slice};
use replay::process_map::{ProcessMap, ProcessReport, of_cases, of_history};
use replay::selection::LogSelection;
use std::sync::Arc;

/// Before National Day one case waits over the holidays; after it another is decided at once, and a third checked twice.
const LOG: &str = r"case:concept:name,concept:name,time:timestamp
1,receive,2021-09-30T09:00:00+08:00
1,check,2021-09-30T17:00:00+08:00
1,decide,2021-10-08T09:00:00+08:00
2,receive,2021-11-01T09:00:00+08:00
2,decide,2021-11-01T10:00:00+08:00
3,receive,2021-11-05T09:00:00+08:00
3,check,2021-11-08T09:00:00+08:00
3,check,2021-11-10T09:00:00+08:00
3,decide,2021-11-10T09:00:00+08:00
";

fn now() -> Instant {
    DateTime::parse_from_rfc3339("2026-05-01T12:00:00+08:00").unwrap().to_utc()
}

async fn imported() -> Journal {
    let journal = Journal::new(Arc::new(InMemory::new()) as Arc<dyn EventStore>);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log.csv");
    std::fs::write(&file, LOG).unwrap();
    let (source, organisation) = ("elsewhere".parse().unwrap(), "361000".parse().unwrap());
    let checked = check(ImportRequest { file, source, organisation }, |_| ()).await.unwrap();
    take_in(&journal, checked, Arc::new(now), |_| ()).await.unwrap();
    journal
}

async fn map(history: &History, change: impl Fn(&mut LogSelection)) -> ProcessReport {
    let through = history.head().await.unwrap().position;
    let mut selection = LogSelection::through(through);
    change(&mut selection);
    let mut maps = [ProcessMap::new(selection)];
    of_history(history, through, &mut maps, |_| ()).await.unwrap();
    let [map] = maps;
    map.finish(&Reference::default())
}

#[tokio::test]
async fn waiting_is_counted_in_working_days_and_the_longest_comes_first() {
    let journal = imported().await;
    let map = map(journal.history(), |_| ()).await;
    assert_eq!((map.cases, map.events, map.open), (3, 9, 0));
    let worst = &map.bottlenecks[0];
    // Without a calendar the weekday rule speaks: 30 September to 8 October are six working days.
    assert_eq!((worst.activity.as_str(), worst.waited_working_days.sum, worst.count), ("decide", 6, 3));
    assert_eq!((worst.waited_working_days.n, worst.waited_working_days.max), (3, Some(6)));
    let check = map.bottlenecks.iter().find(|known| known.activity == "check").unwrap();
    // Over a weekend one day, then two: the second check is rework.
    assert_eq!((check.waited_working_days.sum, check.repeated_in_cases), (3, 1));
    assert!((worst.share - 6.0 / 9.0).abs() < 1e-9);
    let edge = map.edges.iter().find(|edge| (edge.from.as_str(), edge.to.as_str()) == ("check", "decide")).unwrap();
    assert_eq!((edge.count, edge.working_days.sum), (2, 6));
    assert_eq!(map.case_working_days.max, Some(6));
    assert_eq!((map.variants_total, map.rework.cases_with_any_rework), (3, 1));
    assert_eq!(map.conformance.judged, 0, "a legacy system's cases have no model");
}

#[tokio::test]
async fn two_periods_are_told_apart_by_the_day_on_which_cases_began() {
    let journal = imported().await;
    let day = |text: &str| Some(text.parse().unwrap());
    let before = map(journal.history(), |only| only.opened_to = day("2021-11-01")).await;
    let after = map(journal.history(), |only| only.opened_from = day("2021-11-01")).await;
    assert_eq!((before.cases, after.cases), (1, 2));
    let difference = before.to(&after);
    assert_eq!(difference[0].activity, "decide");
    assert_eq!((difference[0].sum, difference[0].per_case), ([6, 0], [6.0, 0.0]));
    assert!((difference[0].change_per_case + 6.0).abs() < 1e-9);
    let check = difference.iter().find(|row| row.activity == "check").unwrap();
    assert_eq!((check.count, check.sum, check.per_case), ([1, 2], [0, 3], [0.0, 1.5]));
}

#[tokio::test]
async fn nothing_that_is_not_asked_for_is_on_the_map() {
    let journal = imported().await;
    for cases in [
        map(journal.history(), |only| only.source = Some("own".parse().unwrap())).await.cases,
        map(journal.history(), |only| only.item = Some("FZ-001".parse().unwrap())).await.cases,
        map(journal.history(), |only| only.item_version = Some(1)).await.cases,
        map(journal.history(), |only| only.organisation = Some("361023".parse().unwrap())).await.cases,
        map(journal.history(), |only| only.opened_to = Some("2021-01-01".parse().unwrap())).await.cases,
    ] {
        assert_eq!(cases, 0);
    }
    assert_eq!(map(journal.history(), |only| only.organisation = Some("361000".parse().unwrap())).await.cases, 3);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Also of what was keyed in late, the streams say what the log says; and the counts are those of `log-stats`.
    #[test]
    fn a_map_of_streams_is_the_map_of_the_log(steps in histories(80)) {
        run(async {
            let log = Log::with(&steps).await;
            let history = log.history();
            let expected = map(history, |_| ()).await;
            let head = history.head().await.unwrap().position;
            let cases: Vec<_> = (0..5).map(case).collect();

            let mut streams = ProcessMap::new(LogSelection::through(head));
            of_cases(history, &cases, &Slice::through(head), &mut streams).await.unwrap();
            assert_eq!(streams.finish(&Reference::default()), expected);

            let until = Instant::MAX_UTC;
            let late = Slice { through: Position(head.0 / 2), late: Some(Late { until, known: head }) };
            let mut streams = ProcessMap::new(LogSelection::through(head));
            of_cases(history, &cases, &late, &mut streams).await.unwrap();
            assert_eq!(streams.finish(&Reference::default()), expected);

            let stats = stats_of_history(history, &LogSelection::through(head), |_| ()).await.unwrap();
            let report = stats.finish(domain::zone::fuzhou());
            assert_eq!((expected.cases, expected.events), (report.cases, report.events));
            assert_eq!(expected.case_duration_seconds, report.case_duration_seconds);
        });
    }
}

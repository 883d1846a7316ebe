//! What is kept beside the log may be lost, damaged or wrong: that costs time, or is noticed, and is never believed.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, and says where")]

mod random_history;

use bytes::Bytes;
use chrono::TimeDelta;
use domain::fact::Subject;
use domain::zone::Instant;
use eventstore::{
    By, CommandDigest, CommandId, EventId, EventStore as _, Expected, Frame, NewEvent, Position, StreamName, Write,
};
use projections::Projection;
use projections::balance::Balance;
use projections::queues::Queues;
use random_history::{BEGINNING, Log, case, facts, fixture, run};
use replay::case_index::CaseIndex;
use replay::checkpoint::{Checkpoints, KEPT_MAX};
use replay::live::{Live, Sources};
use replay::rebuild::rebuild;
use replay::verify::verify;
use replay::view::{AnyView as _, View};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

fn at(minutes: i64) -> Instant {
    BEGINNING + TimeDelta::minutes(minutes)
}

/// A few cases on their way: 36 events.
async fn some_cases() -> Log {
    cases_of(6).await
}

/// So many cases on their way, of six events each.
async fn cases_of(count: u8) -> Log {
    let mut log = Log::empty();
    for stream in 0..count {
        for name in ["case-submitted", "case-received", "case-accepted", "case-routed", "case-decided", "case-finished"]
        {
            log.append(Subject::Case(case(stream)), fixture(name, stream % 3), at(-1)).await;
        }
    }
    log
}

async fn folded<P: Projection>(log: &Log) -> View<P> {
    let mut view = View::default();
    view.fold(&facts(log.history()).await);
    view
}

fn checkpoints(log: &Log, directory: &Path) -> Checkpoints {
    Checkpoints::new(directory.to_owned(), log.history().clone())
}

/// Restores on a thread that may block.
async fn restored<P: Projection>(checkpoints: &Checkpoints, not_after: u64) -> Option<View<P>> {
    let checkpoints = checkpoints.clone();
    tokio::task::spawn_blocking(move || {
        let mut view = View::<P>::default();
        checkpoints.restore(&mut view, Position(not_after)).then_some(view)
    })
    .await
    .unwrap()
}

fn files_under(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_under(&path));
        } else {
            files.push(path);
        }
    }
    files
}

#[test]
fn a_view_comes_back_as_it_was_kept() {
    run(async {
        let (log, directory) = (some_cases().await, tempfile::tempdir().unwrap());
        let kept = folded::<Queues>(&log).await;
        let checkpoints = checkpoints(&log, directory.path());
        checkpoints.save(&kept).unwrap();
        assert!(restored::<Queues>(&checkpoints, 36).await.unwrap() == kept);
        assert!(restored::<Queues>(&checkpoints, 35).await.is_none(), "it lies after the position asked for");
        assert!(restored::<Balance>(&checkpoints, 36).await.is_none(), "it is another projection's");
    });
}

#[test]
fn a_checkpoint_with_any_byte_changed_is_passed_over() {
    run(async {
        let (log, directory) = (some_cases().await, tempfile::tempdir().unwrap());
        let checkpoints = checkpoints(&log, directory.path());
        checkpoints.save(&folded::<Balance>(&log).await).unwrap();
        let file = files_under(directory.path()).remove(0);
        let sound = fs::read(&file).unwrap();
        for place in (0..sound.len()).step_by(7) {
            let mut damaged = sound.clone();
            damaged[place] ^= 0x10;
            fs::write(&file, damaged).unwrap();
            assert!(restored::<Balance>(&checkpoints, 36).await.is_none(), "byte {place}");
        }
        fs::write(&file, &sound[..sound.len() / 2]).unwrap();
        assert!(restored::<Balance>(&checkpoints, 36).await.is_none(), "half a file");
        fs::write(&file, sound).unwrap();
        assert!(restored::<Balance>(&checkpoints, 36).await.is_some());
    });
}

#[test]
fn a_checkpoint_of_another_log_is_passed_over() {
    run(async {
        let (log, directory) = (some_cases().await, tempfile::tempdir().unwrap());
        checkpoints(&log, directory.path()).save(&folded::<Balance>(&log).await).unwrap();
        let mut other = Log::empty();
        other.add(&[]).await;
        assert!(restored::<Balance>(&checkpoints(&other, directory.path()), 36).await.is_none());
    });
}

#[test]
fn no_more_checkpoints_are_kept_than_promised_and_they_spread_over_the_history() {
    run(async {
        let (log, directory) = (cases_of(22).await, tempfile::tempdir().unwrap());
        let checkpoints = checkpoints(&log, directory.path());
        let mut view = View::<Balance>::default();
        for fact in facts(log.history()).await {
            view.fold(std::slice::from_ref(&fact));
            checkpoints.save(&view).unwrap();
        }
        let kept = checkpoints.positions(&view);
        assert_eq!(kept.len(), KEPT_MAX);
        assert_eq!((kept[0], kept[KEPT_MAX - 1]), (Position(1), Position(132)));
        assert!(kept.windows(2).all(|pair| pair[1].0 - pair[0].0 <= 2), "{kept:?}");
    });
}

#[test]
fn a_changed_fold_under_an_unchanged_revision_is_noticed() {
    run(async {
        let (log, directory) = (some_cases().await, tempfile::tempdir().unwrap());
        let checkpoints = checkpoints(&log, directory.path());
        let sound = folded::<Balance>(&log).await;
        checkpoints.save(&sound).unwrap();
        assert!(rebuild(log.history(), &checkpoints, None, |_| ()).await.unwrap().agrees());

        // What a fold that leaves the last case out would have kept under the same name and revision.
        let mut changed = View::<Balance>::default();
        changed.fold(&facts(log.history()).await[..30]);
        changed.position = sound.position;
        changed.recorded_at = sound.recorded_at;
        checkpoints.save(&changed).unwrap();
        let rebuilt = rebuild(log.history(), &checkpoints, None, |_| ()).await.unwrap();
        assert!(!rebuilt.agrees());
        let contradicted: Vec<_> = rebuilt
            .projections
            .iter()
            .filter(|projection| projection.checkpoint.as_ref().is_some_and(|checkpoint| !checkpoint.agrees()))
            .map(|projection| projection.projection)
            .collect();
        assert_eq!(contradicted, [Balance::NAME]);
    });
}

#[test]
fn losing_everything_that_is_kept_costs_only_time() {
    run(async {
        let (log, directory) = (some_cases().await, tempfile::tempdir().unwrap());
        let sources = || Sources {
            history: log.history().clone(),
            checkpoints: Checkpoints::new(directory.path().join("checkpoints"), log.history().clone()),
            index: CaseIndex::open(&directory.path().join("index")).unwrap(),
        };
        let live = Live::start(sources()).await.unwrap();
        live.wait_for(Position(36), PATIENCE).await.unwrap();
        let before = live.read(Clone::clone);
        let index = live.index().digest().unwrap();
        live.stop().await.unwrap();
        for damage in [0, 1] {
            for file in files_under(directory.path()) {
                match damage {
                    0 => fs::remove_file(file).unwrap(),
                    _ => fs::write(file, b"damaged").unwrap(),
                }
            }
            let live = Live::start(sources()).await.unwrap();
            live.wait_for(Position(36), PATIENCE).await.unwrap();
            assert!(live.read(|views| *views == before));
            assert_eq!(live.index().digest().unwrap(), index);
            live.stop().await.unwrap();
        }
    });
}

/// Appends something that no program of ours wrote.
async fn append_unreadable(log: &Log) {
    let event = NewEvent {
        id: EventId(1),
        kind: "from-the-future".into(),
        schema: 1,
        occurred_at: 0,
        labels: Vec::new(),
        body: Bytes::from_static(b"{}"),
    };
    let frame = Frame {
        command: CommandId(u128::MAX),
        digest: CommandDigest([0; 16]),
        now: at(1).timestamp_micros(),
        by: By {
            id: "x".into(),
            role: "clerk".into(),
            organisation: "x".into(),
            channel: "window".into(),
            ..By::default()
        },
        correlation: 0,
        causation: None,
        guards: Vec::new(),
        writes: vec![Write {
            stream: StreamName::try_from("policy").unwrap(),
            expected: Expected::Any,
            events: vec![event],
        }],
    };
    log.store.append(frame).await.unwrap();
}

#[test]
fn a_sound_log_is_found_sound_and_an_unreadable_event_is_found() {
    run(async {
        let (log, directory) = (some_cases().await, tempfile::tempdir().unwrap());
        let open = |name| CaseIndex::open(&directory.path().join(name)).unwrap();
        let (kept, fresh) = (open("kept"), open("fresh"));
        kept.take_in(&facts(log.history()).await).unwrap();
        let walked = verify(log.history(), Some((&kept, &fresh)), |_| ()).await.unwrap();
        assert!(walked.is_sound(), "{walked:?}");
        assert_eq!((walked.events, walked.streams), (36, 6));

        append_unreadable(&log).await;
        let walked = verify(log.history(), None, |_| ()).await.unwrap();
        assert!(!walked.is_sound());
        assert_eq!(walked.findings[0].position, 37);
        assert!(walked.findings[0].what.contains("from-the-future"), "{walked:?}");
    });
}

#[test]
fn an_index_that_disagrees_with_the_log_is_found() {
    run(async {
        let (log, directory) = (some_cases().await, tempfile::tempdir().unwrap());
        let open = |name| CaseIndex::open(&directory.path().join(name)).unwrap();
        let (kept, fresh) = (open("kept"), open("fresh"));
        let mut wrong = facts(log.history()).await;
        wrong[3].event = fixture("case-withdrawn", 0);
        kept.take_in(&wrong).unwrap();
        let walked = verify(log.history(), Some((&kept, &fresh)), |_| ()).await.unwrap();
        assert!(!walked.index.unwrap().agrees);
    });
}

#[test]
fn views_stand_still_before_what_they_cannot_read_and_say_so() {
    run(async {
        let (log, directory) = (some_cases().await, tempfile::tempdir().unwrap());
        append_unreadable(&log).await;
        let sources = Sources {
            history: log.history().clone(),
            checkpoints: checkpoints(&log, &directory.path().join("checkpoints")),
            index: CaseIndex::open(&directory.path().join("index")).unwrap(),
        };
        let live = Live::start(sources).await.unwrap();
        live.wait_for(Position(36), PATIENCE).await.unwrap();
        let behind = live.wait_for(Position(37), Duration::from_millis(300)).await.unwrap_err();
        assert_eq!(behind.reached, Position(36));
        let lags = live.lag().await.unwrap();
        let queues = lags.iter().find(|lag| lag.projection == Queues::NAME).unwrap();
        assert_eq!(queues.events, 1);
        assert!(queues.trouble.as_ref().unwrap().contains("37"), "{queues:?}");
    });
}

#[test]
fn a_subscriber_sees_every_fact_after_the_views_have_it() {
    run(async {
        let (mut log, directory) = (some_cases().await, tempfile::tempdir().unwrap());
        let sources = Sources {
            history: log.history().clone(),
            checkpoints: checkpoints(&log, &directory.path().join("checkpoints")),
            index: CaseIndex::open(&directory.path().join("index")).unwrap(),
        };
        let live = Live::start(sources).await.unwrap();
        live.wait_for(Position(36), PATIENCE).await.unwrap();
        let mut feed = live.subscribe();
        log.append(Subject::Case(case(9)), fixture("case-submitted", 0), at(0)).await;
        let page = feed.recv().await.unwrap();
        assert_eq!(page.iter().map(|fact| fact.position).collect::<Vec<_>>(), [37]);
        assert!(live.read(|views| views.queues.position() == Position(37)));
        live.stop().await.unwrap();
    });
}

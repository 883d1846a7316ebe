//! One test per numbered guarantee of [`EventStore`], for every backend and every decorator.
//!
//! ```text
//! eventstore::conformance!(in_memory, InMemorySubject);
//! ```

use super::{NOON, frame, stream};
use crate::verdict::{CLOCK_BEHIND_MICROS_MAX, KIND_BYTES_MAX};
use crate::{
    AppendError, Appended, CommandDigest, CommandId, EVENT_BYTES_MAX, EVENTS_PER_FRAME_MAX, EventStore, Expected,
    Frame, NewEvent, PAGE_EVENTS_MAX, Position, ReadError, RecordedEvent, Selection, StreamName, StreamVersion, Write,
};
use async_trait::async_trait;
use futures::FutureExt;
use futures::future::join_all;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Something that makes the stores to be tested.
#[async_trait]
pub trait Subject: Send + Sync {
    /// Returns a store without events.
    async fn empty(&self) -> Arc<dyn EventStore>;

    /// Ends whatever process holds the store, as far as the test can, and returns what survives of it.
    async fn reopened(&self, store: Arc<dyn EventStore>) -> Arc<dyn EventStore>;
}

/// Makes a module with one test per guarantee; the expression makes the [`Subject`].
#[macro_export]
macro_rules! conformance {
    ($module:ident, $subject:expr) => {
        mod $module {
            #[allow(unused_imports)]
            use super::*;
            $crate::conformance! { @tests $subject;
                events_are_read_back_in_order_and_untouched,
                a_frame_is_all_or_nothing,
                a_stale_version_or_guard_conflicts_and_names_the_actual_one,
                expected_empty_refuses_an_existing_stream,
                a_repeated_command_is_answered_as_the_first_time,
                positions_grow_by_one,
                a_reader_sees_a_gapless_prefix,
                recorded_at_never_runs_backwards,
                of_two_writers_at_one_version_exactly_one_wins,
                what_was_acknowledged_survives,
                limits_are_refused_never_truncated,
                frames_take_their_place_in_line_when_first_polled,
                a_wait_for_growth_ends_with_growth,
            }
        }
    };
    (@tests $subject:expr; $($test:ident,)*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            $crate::testing::conformance::$test(&$subject).await;
        })*
    };
}

/// Guarantee 1.
pub async fn events_are_read_back_in_order_and_untouched(subject: &dyn Subject) {
    let store = subject.empty().await;
    let mut long = frame(2).write("case/2", Expected::Empty, 2);
    long.causation = None;
    long.writes[0].events[0].body = vec![0xff; EVENT_BYTES_MAX].into();
    long.writes[0].events[0].labels = Vec::new();
    long.writes[0].events[1].body = Default::default();
    long.by.acting_for = "甲".into();
    let frames = [frame(1).write("case/1", Expected::Empty, 3), long, frame(3).write("case/1", Expected::Any, 1)];
    let mut written = Vec::new();
    for frame in frames {
        let appended = append(&*store, frame.clone()).await;
        written.extend(recorded(&frame, &appended, &written));
    }
    assert_eq!(read(&*store, &Selection::All, 1).await, written);
    assert_eq!(read(&*store, &Selection::All, 1000).await, written);
    for name in ["case/1", "case/2", "case/3"] {
        let of_stream: Vec<_> = written.iter().filter(|event| event.stream() == name).cloned().collect();
        assert_eq!(read(&*store, &Selection::Stream(stream(name)), 2).await, of_stream, "{name}");
    }
    let store = subject.reopened(store).await;
    assert_eq!(read(&*store, &Selection::All, 1000).await, written);
}

/// Guarantee 2.
pub async fn a_frame_is_all_or_nothing(subject: &dyn Subject) {
    let store = subject.empty().await;
    append(&*store, frame(1).write("a", Expected::Empty, 1).write("b", Expected::Empty, 2)).await;
    let stale = frame(2).write("a", Expected::Exactly(StreamVersion(1)), 1).write("b", Expected::Empty, 1);
    assert_conflict(store.append(stale).await, "b", 2);
    let guarded = frame(3).guard("b", Expected::Exactly(StreamVersion(1))).write("c", Expected::Empty, 1);
    assert_conflict(store.append(guarded).await, "b", 2);
    let late = {
        let mut late = frame(4).write("a", Expected::Any, 1).write("c", Expected::Any, 1);
        late.writes[1].events[0].occurred_at = NOON + 1;
        late
    };
    assert!(matches!(store.append(late).await, Err(AppendError::NotWritten { .. })));
    assert_eq!(positions(&read(&*store, &Selection::All, 10).await), [1, 2, 3]);
    for command in 2..=4 {
        assert_eq!(store.answer(CommandId(command)).await.ok().flatten(), None);
    }
    let appended = append(&*store, frame(5).guard("z", Expected::Empty).write("c", Expected::Empty, 1)).await;
    assert_eq!((appended.first, appended.last), (Position(4), Position(4)));
}

/// Guarantee 3.
pub async fn a_stale_version_or_guard_conflicts_and_names_the_actual_one(subject: &dyn Subject) {
    let store = subject.empty().await;
    append(&*store, frame(1).write("a", Expected::Exactly(StreamVersion(0)), 3)).await;
    for (nth, version) in [0, 1, 2, 4].into_iter().enumerate() {
        let expected = Expected::Exactly(StreamVersion(version));
        assert_conflict(store.append(frame(10 + nth as u128).write("a", expected, 1)).await, "a", 3);
        let guarded = frame(20 + nth as u128).guard("a", expected).write("b", Expected::Any, 1);
        assert_conflict(store.append(guarded).await, "a", 3);
        assert_conflict(store.append(frame(30 + nth as u128).guard("a", expected)).await, "a", 3);
    }
    let missing = frame(40).write("b", Expected::Exactly(StreamVersion(1)), 1);
    assert_conflict(store.append(missing).await, "b", 0);
    let store = subject.reopened(store).await;
    assert_conflict(store.append(frame(41).write("a", Expected::Exactly(StreamVersion(2)), 1)).await, "a", 3);
    let appended = append(&*store, frame(42).write("a", Expected::Exactly(StreamVersion(3)), 2)).await;
    assert_eq!(appended.versions, [(stream("a"), StreamVersion(5))]);
}

/// Guarantee 4.
pub async fn expected_empty_refuses_an_existing_stream(subject: &dyn Subject) {
    let store = subject.empty().await;
    append(&*store, frame(1).write("a", Expected::Empty, 1)).await;
    assert_conflict(store.append(frame(2).write("a", Expected::Empty, 1)).await, "a", 1);
    assert_conflict(store.append(frame(3).guard("a", Expected::Empty).write("b", Expected::Any, 1)).await, "a", 1);
    append(&*store, frame(4).guard("b", Expected::Empty).write("c", Expected::Empty, 1)).await;
}

/// Guarantee 5.
pub async fn a_repeated_command_is_answered_as_the_first_time(subject: &dyn Subject) {
    let store = subject.empty().await;
    let original = frame(1).write("b", Expected::Empty, 2).guard("x", Expected::Empty).write("a", Expected::Empty, 1);
    let first = append(&*store, original.clone()).await;
    assert_eq!(first.versions, [(stream("b"), StreamVersion(2)), (stream("a"), StreamVersion(1))]);
    append(&*store, frame(2).write("a", Expected::Any, 1)).await;
    assert_eq!(append(&*store, original.clone()).await, first);
    let twice = frame(3).write("c", Expected::Empty, 1);
    let both = join_all([store.append(twice.clone()), store.append(twice.clone())]).await;
    let both: Vec<_> = both.into_iter().map(|appended| appended.ok()).collect();
    assert!(both[0].is_some() && both[0] == both[1], "{both:?}");
    let mut other = original.clone();
    other.digest = CommandDigest([9; 16]);
    let reused = store.append(other.clone()).await;
    assert!(matches!(reused, Err(AppendError::CommandReused { command: CommandId(1) })), "{reused:?}");

    let nothing = append(&*store, frame(4).guard("a", Expected::Exactly(StreamVersion(2)))).await;
    assert_eq!((nothing.first, nothing.last, nothing.versions), (Position(6), Position(5), vec![]));
    assert_eq!(store.answer(CommandId(4)).await.ok().flatten(), None);

    let store = subject.reopened(store).await;
    assert_eq!(append(&*store, original.clone()).await, first);
    assert!(matches!(store.append(other).await, Err(AppendError::CommandReused { .. })));
    let answer = store.answer(CommandId(1)).await.ok().flatten();
    assert_eq!(answer.as_ref().map(|answer| (answer.digest, &answer.appended)), Some((original.digest, &first)));
    assert_eq!(read(&*store, &Selection::All, 10).await.len(), 5);
}

/// Guarantee 6.
pub async fn positions_grow_by_one(subject: &dyn Subject) {
    let mut store = subject.empty().await;
    let mut next = 1;
    for command in 1..=30_u128 {
        let events = 1 + command as usize % 5;
        let appended = append(&*store, frame(command).write("a", Expected::Any, events)).await;
        assert_eq!((appended.first.0, appended.last.0), (next, next + events as u64 - 1));
        next += events as u64;
        if command % 3 == 0 {
            assert_conflict(store.append(frame(1000 + command).write("a", Expected::Empty, 1)).await, "a", next - 1);
        }
        if command % 10 == 0 {
            store = subject.reopened(store).await;
        }
    }
    let all = read(&*store, &Selection::All, 7).await;
    assert_eq!(positions(&all), (1..next).collect::<Vec<_>>());
}

/// Guarantee 7.
pub async fn a_reader_sees_a_gapless_prefix(subject: &dyn Subject) {
    const FRAMES: u128 = 200;
    let store = subject.empty().await;
    let reader = {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let mut seen = 0;
            while seen < FRAMES as u64 * 3 {
                let head = expect(store.head().await).position;
                let page = expect(store.read(&Selection::All, Position(seen), 50).await);
                for event in &page.events {
                    assert_eq!(event.position.0, seen + 1, "a gap");
                    seen = event.position.0;
                }
                assert_eq!(page.through.0, seen);
                if page.end {
                    assert!(head.0 <= seen, "the page ended at {seen} before the head {head}");
                    let grown = if seen < FRAMES as u64 * 3 { store.grown_past(Position(seen)).await } else { break };
                    assert!(seen < expect(grown).0);
                }
            }
        })
    };
    let writers = (0..4).map(|writer| {
        let store = Arc::clone(&store);
        async move {
            for nth in 0..FRAMES / 4 {
                let command = 1 + writer * FRAMES + nth;
                let name = format!("s/{}", command % 7);
                let appended = append(&*store, frame(command).write(&name, Expected::Any, 3)).await;
                let head = expect(store.head().await);
                assert!(appended.last <= head.position, "acknowledged but not to be read");
                let read =
                    expect(store.read(&Selection::Stream(stream(&name)), Position(appended.first.0 - 1), 3).await);
                assert_eq!(positions(&read.events)[..3], [appended.first.0, appended.first.0 + 1, appended.last.0]);
            }
        }
    });
    join_all(writers).await;
    assert!(reader.await.is_ok(), "the reader failed");
}

/// Guarantee 8.
pub async fn recorded_at_never_runs_backwards(subject: &dyn Subject) {
    let store = subject.empty().await;
    let at = |command: u128, now| {
        let mut frame = frame(command).write("a", Expected::Any, 1);
        frame.now = now;
        frame
    };
    assert_eq!(append(&*store, at(1, NOON)).await.recorded_at, NOON);
    assert_eq!(append(&*store, at(2, NOON + 10)).await.recorded_at, NOON + 10);
    assert_eq!(append(&*store, at(3, NOON)).await.recorded_at, NOON + 10);
    let oldest = NOON + 10 - CLOCK_BEHIND_MICROS_MAX;
    let store = subject.reopened(store).await;
    assert_eq!(append(&*store, at(4, oldest)).await.recorded_at, NOON + 10);
    assert!(matches!(store.append(at(5, oldest - 1)).await, Err(AppendError::NotWritten { .. })));
    let mut future = at(6, NOON + 20);
    future.writes[0].events[0].occurred_at = NOON + 21;
    assert!(matches!(store.append(future).await, Err(AppendError::NotWritten { .. })));
    // The head's clock counts: by it the event has happened.
    let mut happened = at(7, NOON);
    happened.writes[0].events[0].occurred_at = NOON + 10;
    assert_eq!(append(&*store, happened).await.recorded_at, NOON + 10);
    let head = expect(store.head().await);
    assert_eq!((head.position, head.recorded_at), (Position(5), NOON + 10));
}

/// Guarantee 9.
pub async fn of_two_writers_at_one_version_exactly_one_wins(subject: &dyn Subject) {
    let store = subject.empty().await;
    for version in 0..50 {
        let contenders = (0..4).map(|writer| {
            let store = Arc::clone(&store);
            let frame = frame(1 + version * 10 + writer);
            let frame = frame.write("a", Expected::Exactly(StreamVersion(version as u64)), 1);
            tokio::spawn(async move { store.append(frame).await })
        });
        let outcomes: Vec<_> = join_all(contenders).await.into_iter().filter_map(Result::ok).collect();
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        for outcome in outcomes.into_iter().filter(Result::is_err) {
            assert_conflict(outcome, "a", version as u64 + 1);
        }
    }
}

/// Guarantee 10, as far as one process can show it; killed processes and cut power have tests of their own.
pub async fn what_was_acknowledged_survives(subject: &dyn Subject) {
    let mut store = subject.empty().await;
    let mut written = Vec::new();
    for command in 1..=60_u128 {
        let name = format!("case/{}", command % 11);
        let frame = frame(command).write(&name, Expected::Any, 1 + command as usize % 4);
        let appended = append(&*store, frame.clone()).await;
        written.extend(recorded(&frame, &appended, &written));
        if command % 20 == 0 {
            store = subject.reopened(store).await;
            assert_eq!(read(&*store, &Selection::All, 64).await, written);
            assert_eq!(expect(store.head().await).position.0, written.len() as u64);
        }
    }
    for name in (0..11).map(|nth| format!("case/{nth}")) {
        let of_stream: Vec<_> = written.iter().filter(|event| event.stream() == name).cloned().collect();
        assert_eq!(read(&*store, &Selection::Stream(stream(&name)), 3).await, of_stream);
    }
    for command in 1..=60 {
        assert!(expect(store.answer(CommandId(command)).await).is_some());
    }
}

/// Guarantee 11.
pub async fn limits_are_refused_never_truncated(subject: &dyn Subject) {
    let store = subject.empty().await;
    let with_event = |change: &dyn Fn(&mut crate::NewEvent)| {
        let mut frame = frame(1).write("a", Expected::Any, 1);
        change(&mut frame.writes[0].events[0]);
        frame
    };
    let too_large = [
        with_event(&|event| event.body = vec![b' '; EVENT_BYTES_MAX + 1].into()),
        with_event(&|event| event.kind = "k".repeat(KIND_BYTES_MAX + 1).into()),
        with_event(&|event| event.labels = vec![String::new(); 65]),
        with_event(&|event| event.labels = vec!["l".repeat(257)]),
        frame(1).write("a", Expected::Any, EVENTS_PER_FRAME_MAX + 1),
        frame(1).write("a", Expected::Any, EVENTS_PER_FRAME_MAX).write("b", Expected::Any, 1),
        frame(1).write("a", Expected::Any, 1).write("a", Expected::Any, 1),
        frame(1).guard("a", Expected::Any).write("a", Expected::Any, 1),
        {
            let mut frame = frame(1).write("a", Expected::Any, 1);
            frame.by.id = "x".repeat(1025).into();
            frame
        },
        (0..1025).fold(frame(1), |frame, nth| frame.guard(&format!("g/{nth}"), Expected::Any)),
        (0..20).fold(frame(1), |frame, nth| frame.guard(&format!("g/{}", nth % 19), Expected::Any)),
    ];
    for frame in too_large {
        let outcome = store.append(frame).await;
        assert!(matches!(outcome, Err(AppendError::TooLarge { .. })), "{outcome:?}");
    }
    for kind in ["", "办结", "two words"] {
        let outcome = store.append(with_event(&|event| event.kind = kind.into())).await;
        assert!(matches!(outcome, Err(AppendError::NotWritten { .. })), "{outcome:?}");
    }
    assert!(StreamName::try_from("x".repeat(StreamName::BYTES_MAX + 1).as_str()).is_err());
    assert_eq!(expect(store.head().await).position, Position::START);
    let full = append(&*store, frame(1).write("a", Expected::Any, EVENTS_PER_FRAME_MAX)).await;
    assert_eq!(full.last.0, EVENTS_PER_FRAME_MAX as u64);
    let page = expect(store.read(&Selection::All, Position::START, usize::MAX).await);
    assert_eq!(page.events.len(), EVENTS_PER_FRAME_MAX.min(PAGE_EVENTS_MAX));
    let page = expect(store.read(&Selection::All, Position::START, 0).await);
    assert_eq!((page.events.len(), page.through, page.end), (1, Position(1), false));
    let beyond = expect(store.read(&Selection::All, Position(1000), 10).await);
    assert_eq!((beyond.events.len(), beyond.through, beyond.end), (0, Position(1000), true));
}

/// The promise on [`EventStore::append`] that lets a writer hand in frames without waiting for the disk.
pub async fn frames_take_their_place_in_line_when_first_polled(subject: &dyn Subject) {
    let store = subject.empty().await;
    let mut pending = Vec::new();
    // More than a task may do at once before its runtime makes it yield.
    for version in 0..1000_u64 {
        let expected = Expected::Exactly(StreamVersion(version));
        let mut append = store.append(frame(1 + u128::from(version)).write("a", expected, 1)).boxed();
        let early = (&mut append).now_or_never();
        pending.push(async { if let Some(early) = early { early } else { append.await } });
    }
    for (nth, appended) in join_all(pending).await.into_iter().enumerate() {
        assert_eq!(expect_appended(appended).first.0, nth as u64 + 1);
    }
}

/// Subscriptions: no polling, and no wait for what has already happened.
pub async fn a_wait_for_growth_ends_with_growth(subject: &dyn Subject) {
    let store = subject.empty().await;
    assert!(store.grown_past(Position::START).now_or_never().is_none());
    let waiting = {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.grown_past(Position(1)).await })
    };
    append(&*store, frame(1).write("a", Expected::Any, 1)).await;
    append(&*store, frame(2).write("a", Expected::Any, 1)).await;
    assert_eq!(waiting.await.ok().and_then(Result::ok), Some(Position(2)));
    assert_eq!(store.grown_past(Position::START).await.ok(), Some(Position(2)));
}

/// Appends a frame that must be accepted.
pub async fn append(store: &dyn EventStore, frame: Frame) -> Appended {
    expect_appended(store.append(frame).await)
}

/// Reads everything selected, page by page, checking what each page says about itself.
pub async fn read(store: &dyn EventStore, selection: &Selection, limit: usize) -> Vec<RecordedEvent> {
    let mut all: Vec<RecordedEvent> = Vec::new();
    let mut after = Position::START;
    loop {
        let page = expect(store.read(selection, after, limit).await);
        assert!(page.events.len() <= limit);
        assert!(page.events.iter().all(|event| after < event.position && event.position <= page.through));
        all.extend(page.events);
        if page.end {
            return all;
        }
        assert!(after < page.through, "a page that leads nowhere");
        after = page.through;
    }
}

fn recorded(frame: &Frame, appended: &Appended, before: &[RecordedEvent]) -> Vec<RecordedEvent> {
    let mut versions: BTreeMap<&str, u64> = BTreeMap::new();
    for event in before {
        versions.insert(event.stream(), event.version.0);
    }
    let writes = frame.writes.iter().flat_map(|write| write.events.iter().map(move |event| (write, event)));
    let numbered = (appended.first.0..).zip(writes);
    let recorded = numbered.map(|(position, (write, event))| {
        let version = versions.entry(write.stream.as_str()).or_default();
        *version += 1;
        let (position, version) = (Position(position), StreamVersion(*version));
        let recorded = RecordedEvent::of(frame, write, event, position, version, appended.recorded_at);
        assert_untouched(&recorded, frame, write, event);
        recorded
    });
    recorded.collect()
}

/// Everything handed in stands on the event, word for word.
fn assert_untouched(recorded: &RecordedEvent, frame: &Frame, write: &Write, event: &NewEvent) {
    assert_eq!(recorded.stream(), write.stream.as_str());
    assert_eq!((recorded.id, recorded.kind(), recorded.schema), (event.id, event.kind.as_str(), event.schema));
    assert_eq!(recorded.occurred_at, event.occurred_at);
    assert_eq!((recorded.command, recorded.digest), (frame.command, frame.digest));
    assert_eq!((recorded.correlation, recorded.causation), (frame.correlation, frame.causation));
    let (by, told) = (recorded.by(), &frame.by);
    assert_eq!([by.id, by.role, by.organisation], [&told.id, &told.role, &told.organisation]);
    assert_eq!([by.window, by.acting_for, by.channel], [&told.window, &told.acting_for, &told.channel]);
    assert!(recorded.labels().eq(event.labels.iter().map(String::as_str)));
    assert_eq!(recorded.body(), event.body);
}

fn positions(events: &[RecordedEvent]) -> Vec<u64> {
    events.iter().map(|event| event.position.0).collect()
}

#[track_caller]
fn assert_conflict(outcome: Result<Appended, AppendError>, name: &str, version: u64) {
    match outcome {
        Err(AppendError::Conflict { stream, actual, .. }) => {
            assert_eq!((stream.as_str(), actual), (name, StreamVersion(version)));
        }
        Ok(_) | Err(_) => panic!("expected a conflict on {name}, got {outcome:?}"),
    }
}

#[track_caller]
fn expect_appended(outcome: Result<Appended, AppendError>) -> Appended {
    match outcome {
        Ok(appended) => appended,
        Err(error) => panic!("expected to append: {error} ({error:?})"),
    }
}

#[track_caller]
fn expect<T>(outcome: Result<T, ReadError>) -> T {
    match outcome {
        Ok(value) => value,
        Err(error) => panic!("expected to read: {error} ({error:?})"),
    }
}

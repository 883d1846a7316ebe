//! Many at once on one stream: nobody conflicts, nobody waits for another's disk, and nobody is told what may not last.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something unexpected happens")]

#[expect(unreachable_pub, reason = "shared with a benchmark")]
mod numbers;

use api::execute::{ExecuteError, Trouble};
use async_trait::async_trait;
use eventstore::{
    Answer, AppendError, Appended, EventLog, EventStore, Frame, Head, InMemory, Options, Page, Position, ReadError,
    Selection, Sled,
};
use futures::future::join_all;
use futures::poll;
use numbers::{AllTaken, Hall, number};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use tokio::sync::oneshot;

/// A frame in line, and whoever waits for it.
type InLine = (Frame, oneshot::Sender<Result<Appended, AppendError>>);

/// A log that takes frames in line and makes them durable together, when it is told to.
struct Grouped {
    log: InMemory,
    holds: AtomicBool,
    line: Mutex<Vec<InLine>>,
}

impl Grouped {
    fn new() -> Arc<Self> {
        Arc::new(Self { log: InMemory::new(), holds: AtomicBool::new(false), line: Mutex::default() })
    }

    fn waiting(&self) -> usize {
        self.line.lock().unwrap().len()
    }

    /// Writes what waits, the first of it with this outcome.
    async fn commit(&self, first_fails: bool) {
        let line: Vec<_> = self.line.lock().unwrap().drain(..).collect();
        for (nth, (frame, reply)) in line.into_iter().enumerate() {
            let said = match nth == 0 && first_fails {
                true => Err(AppendError::NotWritten { source: "as planned".into() }),
                false => self.log.append(frame).await,
            };
            // Whoever went away does not wait for it.
            let _ = reply.send(said);
        }
    }
}

#[async_trait]
impl EventStore for Grouped {
    async fn append(&self, frame: Frame) -> Result<Appended, AppendError> {
        if !self.holds.load(Ordering::Acquire) {
            return self.log.append(frame).await;
        }
        let (reply, said) = oneshot::channel();
        self.line.lock().unwrap().push((frame, reply));
        said.await.unwrap()
    }

    async fn answer(&self, command: eventstore::CommandId) -> Result<Option<Answer>, ReadError> {
        self.log.answer(command).await
    }
}

#[async_trait]
impl EventLog for Grouped {
    async fn read(&self, selection: &Selection, after: Position, limit: usize) -> Result<Page, ReadError> {
        self.log.read(selection, after, limit).await
    }

    async fn head(&self) -> Result<Head, ReadError> {
        self.log.head().await
    }

    async fn grown_past(&self, position: Position) -> Result<Position, ReadError> {
        self.log.grown_past(position).await
    }
}

/// A hall whose log waits to be told.
async fn held() -> (Hall, Arc<Grouped>) {
    let log = Grouped::new();
    let hall = Hall::over(log.clone()).await;
    log.holds.store(true, Ordering::Release);
    (hall, log)
}

#[tokio::test]
async fn sixty_four_at_once_hand_in_before_the_first_is_durable() {
    let (hall, log) = held().await;
    let mut all = Box::pin(join_all((0..64).map(|_| hall.take(1_000))));
    assert!(poll!(&mut all).is_pending());
    assert_eq!(log.waiting(), 64, "somebody waited for somebody else's disk");
    log.commit(false).await;
    let taken = all.await;
    let numbers: BTreeSet<u64> = taken.iter().map(number).collect();
    assert_eq!(numbers, (1..=64).collect());
    for done in taken {
        let done = done.unwrap();
        assert_eq!(done.position, done.facts[0].position);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_clerks_of_one_hall_never_get_a_number_twice() {
    let folder = tempfile::tempdir().unwrap();
    let log = Arc::new(Sled::open(folder.path(), Options::standard()).unwrap());
    let hall = Arc::new(Hall::over(log).await);
    let clerks = (0..64).map(|_| {
        let hall = hall.clone();
        tokio::spawn(async move {
            let mut numbers = Vec::new();
            for _ in 0..20 {
                numbers.push(number(&hall.take(10_000).await));
            }
            numbers
        })
    });
    let numbers: Vec<u64> = join_all(clerks).await.into_iter().flat_map(Result::unwrap).collect();
    assert_eq!(numbers.len(), 64 * 20);
    assert_eq!(numbers.into_iter().collect::<BTreeSet<_>>(), (1..=64 * 20).collect());
}

#[tokio::test]
async fn a_refusal_that_rests_on_what_is_not_durable_yet_waits_for_it() {
    let (hall, log) = held().await;
    let (mut first, mut second) = (hall.take(1), hall.take(1));
    assert!(poll!(&mut first).is_pending());
    assert!(poll!(&mut second).is_pending(), "refused by something that may never have happened");
    assert_eq!(log.waiting(), 1);
    log.commit(false).await;
    assert_eq!(number(&first.await), 1);
    assert!(matches!(second.await, Err(ExecuteError::Rejected(AllTaken))));
}

#[tokio::test]
async fn what_was_refused_because_of_something_that_failed_is_decided_again() {
    let (hall, log) = held().await;
    let (mut first, mut second) = (hall.take(1), hall.take(1));
    assert!(poll!(&mut first).is_pending() && poll!(&mut second).is_pending());
    log.commit(true).await;
    assert!(matches!(first.await, Err(ExecuteError::Trouble(Trouble::NotWritten(_)))));
    assert!(poll!(&mut second).is_pending());
    log.commit(false).await;
    assert_eq!(number(&second.await), 1);
}

#[tokio::test]
async fn when_one_in_the_lane_fails_those_behind_decide_again_and_get_through() {
    let (hall, log) = held().await;
    let mut all: Vec<_> = (0..8).map(|_| hall.take(1_000)).collect();
    for taken in &mut all {
        assert!(poll!(taken).is_pending());
    }
    log.commit(true).await;
    let first = all.remove(0).await;
    assert!(matches!(first, Err(ExecuteError::Trouble(Trouble::NotWritten(_)))));
    let mut rest = Box::pin(join_all(all));
    assert!(poll!(&mut rest).is_pending());
    assert_eq!(log.waiting(), 7);
    log.commit(false).await;
    assert_eq!(rest.await.iter().map(number).collect::<BTreeSet<_>>(), (1..=7).collect());
}

#[tokio::test]
async fn who_goes_away_while_the_disk_works_leaves_the_others_alone() {
    let (hall, log) = held().await;
    let (mut gone, mut other) = (hall.take(1_000), hall.take(1_000));
    assert!(poll!(&mut gone).is_pending() && poll!(&mut other).is_pending());
    drop(gone);
    log.commit(false).await;
    assert_eq!(number(&other.await), 2, "the frame of the one who went was in line and was written");
    let mut next = hall.take(1_000);
    assert!(poll!(&mut next).is_pending());
    log.commit(false).await;
    assert_eq!(number(&next.await), 3);
}

#[tokio::test]
async fn a_version_that_is_insisted_on_is_the_durable_one() {
    let (hall, log) = held().await;
    let mut first = hall.take(1_000);
    assert!(poll!(&mut first).is_pending());
    let mut too_late = hall.take_if(1_000, Some(0));
    assert!(matches!(poll!(&mut too_late), Poll::Pending), "told of a version that may never be");
    log.commit(false).await;
    assert_eq!(number(&first.await), 1);
    assert!(matches!(too_late.await, Err(ExecuteError::Stale { current: 1 })));
    let mut in_time = hall.take_if(1_000, Some(1));
    assert!(poll!(&mut in_time).is_pending());
    log.commit(false).await;
    assert_eq!(number(&in_time.await), 2);
}

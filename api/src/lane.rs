//! One lane per busy stream: commands on it decide one after the other, each on what the one before it decided, and
//! are handed to the log without waiting for the disk. Only the answers wait.
//!
//! A lane makes nothing true. Each frame still names the version it expects, so if the log refuses one, it refuses all
//! that were decided on it; they decide again on what the log holds. And what is answered without writing anything,
//! a refusal or "already so", is answered only once the state that it rests on is durable.

use crate::execute::{After, Loaded};
use domain::fact::Subject;
use eventstore::{AppendError, Appended};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// The lanes of all streams that somebody is writing to now.
#[derive(Default)]
pub(crate) struct Lanes {
    // By subject, because every kind of stream has its own kind of state.
    open: Mutex<HashMap<Subject, Arc<dyn Any + Send + Sync>>>,
}

/// A writer's stay in a lane; the lane goes with the last one.
pub(crate) struct Lane<'a, D: Clone + Send + Sync + 'static> {
    lanes: &'a Lanes,
    subject: &'a Subject,
    shared: Arc<Shared<D>>,
}

struct Shared<D> {
    tip: Mutex<Tip<D>>,
    settled: watch::Sender<Settled>,
}

/// The state after the last command that was decided.
struct Tip<D> {
    row: u32,
    state: Option<Arc<Loaded<D>>>,
}

/// How much of a row is durable. A row is commands decided on one another; it breaks when one of them fails.
#[derive(Debug, Clone, Copy)]
struct Settled {
    row: u32,
    version: u64,
    position: u64,
}

/// What a decision rests on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Footing {
    row: u32,
    pub(crate) version: u64,
}

/// A frame to be handed in, and how things stand if it becomes durable.
pub(crate) struct Effect<'a, D> {
    pub(crate) append: BoxFuture<'a, Result<Appended, AppendError>>,
    pub(crate) after: After<D>,
}

/// What came of a turn.
pub(crate) enum Turn<'a, D, T> {
    /// A frame has its place in line.
    HandedIn(HandedIn<'a, D>),
    /// Nothing is to be written; to be told once its footing is durable.
    Said(T, Footing),
}

impl Lanes {
    pub(crate) fn enter<'a, D: Clone + Send + Sync + 'static>(&'a self, subject: &'a Subject) -> Lane<'a, D> {
        let mut open = lock(&self.open);
        let lane = open.entry(subject.clone()).or_insert_with(|| Arc::new(Shared::<D>::new()));
        // A stream has one kind of state; were there two, the log alone would keep them apart.
        let shared = Arc::clone(lane).downcast().unwrap_or_else(|_| Arc::new(Shared::new()));
        Lane { lanes: self, subject, shared }
    }
}

impl<D: Clone + Send + Sync + 'static> Drop for Lane<'_, D> {
    fn drop(&mut self) {
        let mut open = lock(&self.lanes.open);
        // The map's and this one; nobody enters while the map is held.
        if Arc::strong_count(&self.shared) == 2 {
            open.remove(self.subject);
        }
    }
}

impl<D: Clone + Send + Sync + 'static> Lane<'_, D> {
    /// Tells whether somebody's decision is there to decide on; otherwise the log must be asked.
    pub(crate) fn has_tip(&self) -> bool {
        lock(&self.shared.tip).state.is_some()
    }

    /// Decides on the last state that anybody in the lane decided, or else on `recorded`, and hands in what follows.
    ///
    /// Nobody else of this lane decides meanwhile, so frames stand in line in the order of their decisions.
    pub(crate) fn turn<'t, T>(
        &'t self,
        recorded: Option<Arc<Loaded<D>>>,
        decide: impl FnOnce(&Loaded<D>) -> Result<Effect<'t, D>, T>,
    ) -> Option<Turn<'t, D, T>> {
        let mut tip = lock(&self.shared.tip);
        let row = tip.row;
        let state = match tip.state.clone() {
            Some(state) => state,
            None => {
                let recorded = recorded?;
                let Loaded { version, position, .. } = *recorded;
                self.shared.settled.send_replace(Settled { row, version, position });
                tip.state = Some(Arc::clone(&recorded));
                recorded
            }
        };
        let Effect { mut append, after } = match decide(&state) {
            Ok(effect) => effect,
            Err(said) => return Some(Turn::Said(said, Footing { row, version: state.version })),
        };
        let version = after.loaded.version;
        tip.state = Some(Arc::new(after.loaded.clone()));
        // Polled once here, because that is when a frame takes its place in line.
        let progress = match append.as_mut().now_or_never() {
            Some(result) => Progress::Over(result),
            None => Progress::Waiting(append),
        };
        let place = Place { shared: &self.shared, row, version, settled: false };
        Some(Turn::HandedIn(HandedIn { place, after, progress }))
    }

    /// Waits until a decision's footing is durable, and returns up to which position the stream then is; nothing if
    /// the footing was lost.
    pub(crate) async fn durable(&self, footing: Footing) -> Option<u64> {
        let mut settled = self.shared.settled.subscribe();
        let reached = settled.wait_for(|now| now.row != footing.row || footing.version <= now.version).await.ok()?;
        (reached.row == footing.row).then_some(reached.position)
    }

    /// Gives up what was decided on a footing: the log knows better.
    pub(crate) fn forsake(&self, footing: Footing) {
        self.shared.break_row(footing.row);
    }
}

impl<D> Shared<D> {
    fn new() -> Self {
        let settled = watch::Sender::new(Settled { row: 0, version: 0, position: 0 });
        Self { tip: Mutex::new(Tip { row: 0, state: None }), settled }
    }

    fn settle(&self, row: u32, version: u64, position: u64) {
        self.settled.send_if_modified(|now| {
            let further = now.row == row && now.version < version;
            if further {
                *now = Settled { row, version, position };
            }
            further
        });
    }

    /// What was decided in this row is no longer to be decided on.
    fn break_row(&self, row: u32) {
        let mut tip = lock(&self.tip);
        if tip.row == row {
            *tip = Tip { row: row.wrapping_add(1), state: None };
            self.settled.send_replace(Settled { row: tip.row, version: 0, position: 0 });
        }
    }
}

/// A frame that has its place in line.
pub(crate) struct HandedIn<'a, D> {
    place: Place<'a, D>,
    after: After<D>,
    progress: Progress<'a>,
}

enum Progress<'a> {
    Waiting(BoxFuture<'a, Result<Appended, AppendError>>),
    Over(Result<Appended, AppendError>),
}

impl<D> HandedIn<'_, D> {
    /// Waits for the disk.
    pub(crate) async fn wait(self) -> (After<D>, Result<Appended, AppendError>) {
        let Self { place, after, progress } = self;
        let result = match progress {
            Progress::Over(result) => result,
            Progress::Waiting(append) => append.await,
        };
        if let Ok(appended) = &result {
            place.settle(appended);
        }
        (after, result)
    }
}

/// A place in a row. Left before the frame is durable, it takes the row along: how the frame ended is not known.
struct Place<'a, D> {
    shared: &'a Shared<D>,
    row: u32,
    version: u64,
    settled: bool,
}

impl<D> Place<'_, D> {
    fn settle(mut self, appended: &Appended) {
        self.shared.settle(self.row, self.version, appended.last.0);
        self.settled = true;
    }
}

impl<D> Drop for Place<'_, D> {
    fn drop(&mut self) {
        if !self.settled {
            self.shared.break_row(self.row);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

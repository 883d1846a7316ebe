//! The present: every projection kept at the end of the log.
//!
//! One task follows the log, page by page; each event is decoded once and folded into every view. It waits for the
//! log to grow, it never polls. Readers hold the views for as long as their closure runs and no longer.

use crate::case_index::CaseIndex;
use crate::checkpoint::{CheckpointError, Checkpoints};
use crate::history::{History, HistoryError};
use crate::pages::{Page, Pages};
use crate::rebuild::{self, Comparison, RebuildError};
use crate::views::Views;
use eventstore::{Position, ReadError};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;
use tokio::sync::{Mutex as Turn, broadcast, watch};
use tokio::task::JoinHandle;
use tracing::{error, info, warn};

/// How many facts are folded before waiting readers get their turn.
const FACTS_PER_HOLD_MAX: usize = 1024;
/// How many pages a slow subscriber may lag behind before it must read the log instead.
const PAGES_BEHIND_MAX: usize = 64;
/// After so many events the views are kept aside again.
const EVENTS_PER_CHECKPOINT: u64 = 100_000;
/// How long to wait before asking a store again that could not be read.
const PATIENCE: Duration = Duration::from_secs(1);

/// What feeds the views and where they are kept.
pub struct Sources {
    /// The log.
    pub history: History,
    /// Where states are kept aside.
    pub checkpoints: Checkpoints,
    /// The index over all cases ever, fed along.
    pub index: CaseIndex,
}

/// The live views. Dropping it ends the following without keeping states aside; [`Live::stop`] keeps them.
pub struct Live {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

struct Shared {
    sources: Sources,
    views: RwLock<Views>,
    applied: watch::Sender<Position>,
    indexed: watch::Sender<Position>,
    facts: broadcast::Sender<Page>,
    trouble: Mutex<Trouble>,
    // Whoever changes the views: the follower between two pages, or a rebuild that puts its own in their place.
    turn: Turn<()>,
}

#[derive(Default)]
struct Trouble {
    views: Option<String>,
    index: Option<String>,
}

/// How far one projection is behind the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Lag {
    /// Which.
    pub projection: &'static str,
    /// The last position folded.
    pub position: Position,
    /// How many events are not yet folded.
    pub events: u64,
    /// How many seconds lie between the last event folded and the last recorded.
    pub seconds: f64,
    /// What keeps it from going on, if anything does.
    pub trouble: Option<String>,
}

/// The views did not reach a position in time.
#[derive(Debug, thiserror::Error)]
#[error("the views stand at position {reached}, not yet at {wanted}")]
pub struct Behind {
    /// Where they are.
    pub reached: Position,
    /// Where they were to be.
    pub wanted: Position,
}

impl Live {
    /// Restores the views from their checkpoints and follows the log from there.
    ///
    /// Returns at once; [`wait_for`](Self::wait_for) tells when a position is reached.
    ///
    /// # Errors
    /// The log cannot be read.
    pub async fn start(sources: Sources) -> Result<Self, ReadError> {
        let head = sources.history.head().await?;
        let checkpoints = sources.checkpoints.clone();
        let restored = tokio::task::spawn_blocking(move || restored(&checkpoints, head.position)).await;
        let views = restored.unwrap_or_default();
        if let Err(why) = sources.index.align(&sources.history).await {
            error!("the case index cannot be used: {why}");
        }
        let (indexed, applied) = (sources.index.position(), views.position());
        let shared = Arc::new(Shared {
            sources,
            views: RwLock::new(views),
            applied: watch::Sender::new(applied),
            indexed: watch::Sender::new(indexed),
            facts: broadcast::Sender::new(PAGES_BEHIND_MAX),
            trouble: Mutex::default(),
            turn: Turn::new(()),
        });
        let stop = watch::Sender::new(false);
        let (pages_out, pages_in) = tokio::sync::mpsc::channel(2);
        let tasks = vec![
            tokio::spawn(follow(shared.clone(), stop.subscribe(), pages_out)),
            tokio::spawn(index(shared.clone(), pages_in)),
        ];
        Ok(Self { shared, stop, tasks })
    }

    /// Returns what `look` sees in the views, all of them at one position. Short: the next fact waits meanwhile.
    pub fn read<T>(&self, look: impl FnOnce(&Views) -> T) -> T {
        look(&self.shared.read())
    }

    /// Returns the position up to which every view has folded.
    #[must_use]
    pub fn position(&self) -> Position {
        *self.shared.applied.borrow()
    }

    /// Returns the history that is followed.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.shared.sources.history
    }

    /// Returns the index over all cases ever.
    #[must_use]
    pub fn index(&self) -> &CaseIndex {
        &self.shared.sources.index
    }

    /// Returns where states are kept aside.
    #[must_use]
    pub fn checkpoints(&self) -> &Checkpoints {
        &self.shared.sources.checkpoints
    }

    /// Waits until the views and the index have taken in a position.
    ///
    /// # Errors
    /// They did not within `patience`.
    pub async fn wait_for(&self, wanted: Position, patience: Duration) -> Result<(), Behind> {
        let mut applied = self.shared.applied.subscribe();
        let mut indexed = self.shared.indexed.subscribe();
        let both = async {
            let applied = applied.wait_for(|position| wanted <= *position).await.is_ok();
            applied && indexed.wait_for(|position| wanted <= *position).await.is_ok()
        };
        match tokio::time::timeout(patience, both).await {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(Behind { reached: self.position(), wanted }),
        }
    }

    /// Returns a receiver of the positions that the views reach.
    #[must_use]
    pub fn positions(&self) -> watch::Receiver<Position> {
        self.shared.applied.subscribe()
    }

    /// Returns a receiver of facts, page by page, each after every view has folded it.
    ///
    /// A receiver that lags is told so by the channel; it then reads the log from the last position it saw.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Page> {
        self.shared.facts.subscribe()
    }

    /// Returns how far every projection, and the index as `case-index`, is behind the log.
    ///
    /// # Errors
    /// The log cannot be read.
    pub async fn lag(&self) -> Result<Vec<Lag>, ReadError> {
        let head = self.history().head().await?;
        let trouble = self.shared.trouble();
        let lag = |projection, position: Position, recorded_at: i64, trouble: &Option<String>| Lag {
            projection,
            position,
            events: head.position.0.saturating_sub(position.0),
            #[expect(clippy::cast_precision_loss, reason = "a lag of more than 2^52 microseconds is 140 years")]
            seconds: if head.position <= position { 0.0 } else { (head.recorded_at - recorded_at) as f64 / 1e6 },
            trouble: trouble.clone(),
        };
        let mut lags: Vec<Lag> = self.read(|views| {
            let each = views.all().into_iter();
            each.map(|view| lag(view.name(), view.position(), view.recorded_at().timestamp_micros(), &trouble.views))
                .collect()
        });
        let index = self.index();
        lags.push(lag(CaseIndex::NAME, index.position(), index.recorded_at(), &trouble.index));
        Ok(lags)
    }

    /// Folds the whole log into fresh views beside the live ones, compares the two, and puts the fresh ones in place.
    ///
    /// Reads go on throughout; the live views stand still only while the last few events are folded and compared.
    ///
    /// # Errors
    /// The log cannot be read, or a state cannot be written.
    pub async fn rebuild(&self) -> Result<Vec<Comparison>, RebuildError> {
        let fresh = rebuild::fold_through(self.history(), Views::default(), self.position(), |_| ()).await?;
        let _turn = self.shared.turn.lock().await;
        let fresh = rebuild::fold_through(self.history(), fresh, self.position(), |_| ()).await?;
        let compared = rebuild::compare(&self.shared.read(), &fresh)?;
        *self.shared.views.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(compared)
    }

    /// Ends the following and keeps the states aside.
    ///
    /// # Errors
    /// A state could not be kept: the next start takes longer, nothing is lost.
    pub async fn stop(mut self) -> Result<(), CheckpointError> {
        self.stop.send_replace(true);
        for task in self.tasks.drain(..) {
            if let Err(why) = task.await {
                error!("a follower of the log ended badly: {why}");
            }
        }
        let shared = self.shared.clone();
        match tokio::task::spawn_blocking(move || shared.keep()).await {
            Ok(kept) => kept,
            Err(_) => Ok(()),
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        for task in &self.tasks {
            task.abort();
        }
    }
}

fn restored(checkpoints: &Checkpoints, head: Position) -> Views {
    let mut views = Views::default();
    for view in views.all_mut() {
        checkpoints.restore(view, head);
    }
    views
}

async fn follow(shared: Arc<Shared>, mut stop: watch::Receiver<bool>, to_index: tokio::sync::mpsc::Sender<Page>) {
    let mut kept_at = shared.read().position();
    loop {
        let from = (*shared.applied.borrow()).min(shared.sources.index.position());
        let mut pages = Pages::following(&shared.sources.history, from);
        let why = loop {
            let page = tokio::select! {
                page = pages.next() => page,
                _ = stop.wait_for(|stop| *stop) => return,
            };
            let facts = match page {
                Some(Ok(facts)) => facts,
                Some(Err(why)) => break why,
                None => return,
            };
            shared.take_in(&facts).await;
            if to_index.send(facts).await.is_err() {
                return;
            }
            let applied = *shared.applied.borrow();
            if EVENTS_PER_CHECKPOINT <= applied.0 - kept_at.0 {
                kept_at = applied;
                shared.keep_along().await;
            }
        };
        if shared.report(&why).is_break() {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(PATIENCE) => (),
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

async fn index(shared: Arc<Shared>, mut pages: tokio::sync::mpsc::Receiver<Page>) {
    while let Some(facts) = pages.recv().await {
        let taker = shared.clone();
        let taken = tokio::task::spawn_blocking(move || taker.sources.index.take_in(&facts)).await;
        if let Ok(Err(why)) = taken {
            error!("the case index could not take in the log: {why}");
            shared.trouble().index = Some(why.to_string());
            return;
        }
        shared.indexed.send_replace(shared.sources.index.position());
    }
}

impl Shared {
    fn read(&self) -> RwLockReadGuard<'_, Views> {
        self.views.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn trouble(&self) -> MutexGuard<'_, Trouble> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn take_in(self: &Arc<Self>, facts: &Page) {
        let Some(last) = facts.last().map(|fact| Position(fact.position)) else { return };
        if last <= *self.applied.borrow() {
            return;
        }
        let _turn = self.turn.lock().await;
        let (shared, page) = (self.clone(), facts.clone());
        let folded = tokio::task::spawn_blocking(move || {
            for facts in page.chunks(FACTS_PER_HOLD_MAX) {
                shared.views.write().unwrap_or_else(PoisonError::into_inner).fold(facts);
            }
        });
        if let Err(why) = folded.await {
            // A fold that panics is our own mistake. The views are no longer to be trusted, and say so by their lag.
            error!("folding the facts up to {last} failed: {why}");
            self.trouble().views = Some(format!("folding the facts up to {last} failed"));
            return;
        }
        self.trouble().views = None;
        self.applied.send_replace(last);
        // No receiver is no failure.
        let _ = self.facts.send(facts.clone());
    }

    fn report(&self, why: &HistoryError) -> ControlFlow<()> {
        self.trouble().views = Some(why.to_string());
        match why {
            HistoryError::Read(ReadError::Unavailable { .. }) => {
                warn!("the log could not be read, trying again: {why}");
                ControlFlow::Continue(())
            }
            HistoryError::Read(ReadError::Corrupt { .. }) | HistoryError::Decode { .. } => {
                error!("the views stand still: {why}");
                ControlFlow::Break(())
            }
        }
    }

    async fn keep_along(self: &Arc<Self>) {
        let shared = self.clone();
        match tokio::task::spawn_blocking(move || shared.keep()).await {
            Ok(Ok(())) => (),
            Ok(Err(why)) => warn!("no checkpoint was written, the next start takes longer: {why}"),
            Err(why) => warn!("no checkpoint was written: {why}"),
        }
    }

    fn keep(&self) -> Result<(), CheckpointError> {
        let views = self.read();
        for view in views.all() {
            self.sources.checkpoints.save(view)?;
        }
        if let Err(why) = self.sources.index.flush() {
            warn!("the case index was not flushed, the next start takes longer: {why}");
        }
        info!(position = %views.position(), "kept the views aside at {}", views.position());
        Ok(())
    }
}

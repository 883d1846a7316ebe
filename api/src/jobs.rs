//! What-ifs that are worked out for somebody: bounded in number, watched, called off, and kept for a while.

use domain::actor::Actor;
use domain::zone::Instant;
use eventstore::CommandDigest;
use replay::as_of::Past;
use replay::what_if::{Comparison, Progress, Wanted, WhatIfError, what_if};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Semaphore, watch};
use ulid::Ulid;

/// How many are worked out at once.
const RUNNING_MAX: usize = 1;
/// How many may be waiting and running.
const OPEN_MAX: usize = 4;
/// How many are kept with their results; the oldest that is done goes first.
const KEPT_MAX: usize = 16;

/// How far a job has come.
#[derive(Debug, Clone)]
pub enum Stage {
    /// It waits or runs.
    Open,
    /// It is done.
    Done(Arc<Comparison>),
    /// There is no answer, because of this.
    Failed(Arc<WhatIfError>),
}

/// One what-if.
#[derive(Debug, Clone)]
pub struct Job {
    /// Who asked for it; nobody else may know of it.
    pub owner: Actor,
    /// What they asked, by which it is recognised when it is repeated.
    pub digest: CommandDigest,
    /// When.
    pub submitted_at: Instant,
    /// The last position of the history that it is about.
    pub position: u64,
    /// The moment by which it is judged.
    pub as_of: Instant,
    /// How far the cases are.
    pub progress: Arc<Progress>,
    /// How far it is.
    pub stage: Stage,
}

impl Job {
    /// Returns the job to whoever asks the same again.
    ///
    /// # Errors
    /// Somebody else asks, or for something else.
    pub fn repeated(&self, digest: CommandDigest) -> Result<Self, Refused> {
        if self.digest == digest { Ok(self.clone()) } else { Err(Refused::KnownOtherwise) }
    }

    /// Returns whether this is the same person in the same place.
    #[must_use]
    pub fn is_of(&self, actor: &Actor) -> bool {
        self.owner.id == actor.id && self.owner.organisation == actor.organisation && self.owner.role == actor.role
    }
}

/// A job as it is asked for.
#[derive(Debug)]
pub struct Order {
    /// Who asks.
    pub owner: Actor,
    /// What they ask, by which it is recognised when it is repeated.
    pub digest: CommandDigest,
    /// When.
    pub now: Instant,
    /// What is imagined.
    pub wanted: Wanted,
}

/// Why a job is not taken up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Too many are waiting.
    TooMany,
    /// There is one of this id already, of somebody else or about something else.
    KnownOtherwise,
}

/// All of them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Jobs {
    kept: Arc<Mutex<BTreeMap<Ulid, Job>>>,
    turns: Arc<Semaphore>,
    /// Told whenever one of them ends.
    ended: Arc<watch::Sender<()>>,
}

impl Default for Jobs {
    fn default() -> Self {
        let ended = Arc::new(watch::Sender::new(()));
        Self { kept: Arc::default(), turns: Arc::new(Semaphore::new(RUNNING_MAX)), ended }
    }
}

impl Jobs {
    /// Takes a job up; one that is there already stays as it is.
    ///
    /// # Errors
    /// Too many are waiting, or the one that is there is another.
    pub fn submit(&self, id: Ulid, order: Order, past: Past) -> Result<Job, Refused> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept.get(&id) {
            return known.repeated(order.digest);
        }
        if OPEN_MAX <= kept.values().filter(|job| matches!(job.stage, Stage::Open)).count() {
            return Err(Refused::TooMany);
        }
        while KEPT_MAX <= kept.len() {
            let done = kept.iter().find(|(_, job)| !matches!(job.stage, Stage::Open)).map(|(id, _)| *id);
            let Some(done) = done else { return Err(Refused::TooMany) };
            kept.remove(&done);
        }
        let Order { owner, digest, now, wanted } = order;
        let job = Job {
            owner,
            digest,
            submitted_at: now,
            position: wanted.end.slice.through.0,
            as_of: wanted.end.at,
            progress: Arc::default(),
            stage: Stage::Open,
        };
        kept.insert(id, job.clone());
        self.start(id, job.progress.clone(), past, wanted);
        Ok(job)
    }

    /// Returns a job, as far as it has come.
    #[must_use]
    pub fn get(&self, id: Ulid) -> Option<Job> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    /// Waits until a job is no longer open; nothing if there is none.
    pub async fn ended(&self, id: Ulid) -> Option<Job> {
        let mut ended = self.ended.subscribe();
        loop {
            let job = self.get(id)?;
            if !matches!(job.stage, Stage::Open) {
                return Some(job);
            }
            ended.changed().await.ok()?;
        }
    }

    /// Calls a job off; one that is done is forgotten with its result.
    pub fn cancel(&self, id: Ulid) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        match kept.get(&id).map(|job| &job.stage) {
            Some(Stage::Open) => {
                if let Some(job) = kept.get(&id) {
                    job.progress.cancelled.store(true, Ordering::Relaxed);
                }
            }
            Some(Stage::Done(_) | Stage::Failed(_)) => {
                kept.remove(&id);
            }
            None => (),
        }
    }

    /// Calls all of them off, so that a stop need not wait for them.
    pub fn stop(&self) {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.values().for_each(|job| job.progress.cancelled.store(true, Ordering::Relaxed));
    }

    fn start(&self, id: Ulid, progress: Arc<Progress>, past: Past, wanted: Wanted) {
        let (kept, turns, ended) = (Arc::clone(&self.kept), Arc::clone(&self.turns), Arc::clone(&self.ended));
        let here = tokio::runtime::Handle::current();
        here.clone().spawn(async move {
            let Ok(turn) = turns.acquire_owned().await else { return };
            // Deciding a year again takes seconds of computing, which no thread that answers requests should do.
            let working = tokio::task::spawn_blocking(move || here.block_on(what_if(&past, &wanted, &progress)));
            let stage = match working.await {
                Ok(Ok(comparison)) => Stage::Done(Arc::new(comparison)),
                Ok(Err(error)) => Stage::Failed(Arc::new(error)),
                Err(broken) => {
                    tracing::error!("a what-if broke off: {broken}");
                    Stage::Failed(Arc::new(WhatIfError::Cancelled))
                }
            };
            drop(turn);
            if let Some(job) = kept.lock().unwrap_or_else(PoisonError::into_inner).get_mut(&id) {
                job.stage = stage;
            }
            ended.send_replace(());
        });
    }
}

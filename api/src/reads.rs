//! What every read shares: the views, the key of cursors, figures about itself, and files already written.

use crate::bounded::Bounded;
use crate::config::Secret;
use crate::cursor::CursorKey;
use crate::files::Files;
use crate::jobs::Jobs;
use crate::maps::Maps;
use crate::telemetry::Metrics;
use crate::views::Views;
use domain::event::inspection::Measured;
use domain::ids::InspectionId;
use replay::live::Live;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};

/// How many comparisons are worked out at once.
const COMPARISONS_MAX: usize = 2;
/// How many stretches of history are played at once: each holds the files of all open cases of its moment.
const PLAYERS_MAX: usize = 4;

/// The reading half of a server.
pub struct Reads {
    /// The live views and the past.
    pub views: Views,
    /// What signs cursors.
    pub cursors: CursorKey,
    /// Figures about the server.
    pub metrics: Metrics,
    /// Case files, written as JSON.
    pub files: Files,
    /// Process maps, for as long as nothing that is recorded concerns them.
    pub maps: Maps,
    /// Figures behind scores, derived again: the log up to a position tells the same for ever.
    pub derived: Bounded<(InspectionId, u64), Arc<Vec<Measured>>>,
    /// Turns to play history again.
    pub players: Arc<Semaphore>,
    /// Turns to compare two moments.
    pub comparisons: Arc<Semaphore>,
    /// What-ifs that are worked out.
    pub jobs: Jobs,
    stopping: watch::Sender<bool>,
}

/// Score sheets whose figures are remembered.
const DERIVED_MAX: usize = 1024;

impl Reads {
    /// Puts the reading half together. Cursors are signed by what follows from `secret`; whoever asks for a
    /// `min_position` waits for `patience` at most.
    #[must_use]
    pub fn new(live: Arc<Live>, secret: &Secret, metrics: Metrics, patience: Duration) -> Self {
        Self {
            views: Views::new(live, patience),
            cursors: CursorKey::derived_from(secret),
            metrics,
            files: Files::default(),
            maps: Maps::default(),
            derived: Bounded::new(DERIVED_MAX),
            players: Arc::new(Semaphore::new(PLAYERS_MAX)),
            comparisons: Arc::new(Semaphore::new(COMPARISONS_MAX)),
            jobs: Jobs::default(),
            stopping: watch::Sender::new(false),
        }
    }

    /// Ends every open stream and what-if, so that a stop need not wait for them.
    pub fn stop_streams(&self) {
        self.jobs.stop();
        self.stopping.send_replace(true);
    }

    /// Returns what tells a stream to end.
    #[must_use]
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }
}

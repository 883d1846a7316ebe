//! What every read shares: the views, the key of cursors, figures about itself, and files already written.

use crate::config::Secret;
use crate::cursor::CursorKey;
use crate::files::Files;
use crate::telemetry::Metrics;
use crate::views::Views;
use replay::live::Live;
use std::sync::Arc;
use tokio::sync::watch;

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
    stopping: watch::Sender<bool>,
}

impl Reads {
    /// Puts the reading half together. Cursors are signed by what follows from `secret`.
    #[must_use]
    pub fn new(live: Arc<Live>, secret: &Secret, metrics: Metrics) -> Self {
        Self {
            views: Views::new(live),
            cursors: CursorKey::derived_from(secret),
            metrics,
            files: Files::default(),
            stopping: watch::Sender::new(false),
        }
    }

    /// Ends every open stream, so that a stop need not wait for them.
    pub fn stop_streams(&self) {
        self.stopping.send_replace(true);
    }

    /// Returns what tells a stream to end.
    #[must_use]
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }
}

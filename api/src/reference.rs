//! Catalogue, organisations, calendar, policies and templates as every request needs them: at hand, without a lock.

use arc_swap::ArcSwap;
use domain::fact::{Fact, Subject};
use eventstore::StreamVersion;
use projections::reference::ReferenceData;
use replay::live::Live;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The reference data at the end of the log, kept up by one task.
pub struct ReferenceNow {
    data: ArcSwap<ReferenceData>,
    changed: watch::Sender<u64>,
}

/// The task that keeps them up; dropping it ends the task.
pub struct Following(JoinHandle<()>);

impl ReferenceNow {
    /// Takes the data from the live views, and again whenever one of its streams grew.
    #[must_use]
    pub fn follow(live: Arc<Live>) -> (Arc<Self>, Following) {
        let mut pages = live.subscribe();
        let data = live.read(|views| views.reference.state.clone());
        let changed = watch::Sender::new(data.position);
        let now = Arc::new(Self { data: ArcSwap::from_pointee(data), changed });
        let kept = Arc::clone(&now);
        // Only a weak hold on the views: their owner must be able to stop them.
        let live = Arc::downgrade(&live);
        let task = tokio::spawn(async move {
            loop {
                match pages.recv().await {
                    Ok(facts) if !facts.iter().any(is_reference) => continue,
                    Ok(_) | Err(RecvError::Lagged(_)) => (),
                    Err(RecvError::Closed) => return,
                }
                let Some(live) = live.upgrade() else { return };
                let data = live.read(|views| views.reference.state.clone());
                let position = data.position;
                kept.data.store(Arc::new(data));
                kept.changed.send_replace(position);
            }
        });
        (now, Following(task))
    }

    /// Returns the data.
    #[must_use]
    pub fn now(&self) -> Arc<ReferenceData> {
        self.data.load_full()
    }

    /// Waits until a stream has reached a version here; tells whether it did in time.
    pub async fn reaches(&self, stream: &Subject, version: StreamVersion, patience: Duration) -> bool {
        let mut changed = self.changed.subscribe();
        let reached = changed.wait_for(|_| version.0 <= self.data.load().version(stream));
        matches!(tokio::time::timeout(patience, reached).await, Ok(Ok(_)))
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn is_reference(fact: &Fact) -> bool {
    match &fact.subject {
        Subject::Item(_)
        | Subject::Organisation(_)
        | Subject::Instrument(_)
        | Subject::Calendar
        | Subject::Policy
        | Subject::Template(_) => true,
        Subject::Case(_)
        | Subject::Rating(_)
        | Subject::Roster(..)
        | Subject::ServicePoint(_)
        | Subject::Hall(_)
        | Subject::Slots(_)
        | Subject::Certificate(_)
        | Subject::Library(_)
        | Subject::Kin(_)
        | Subject::Checklist(_)
        | Subject::Inspection(_)
        | Subject::Campaign(_)
        | Subject::Access(_) => false,
    }
}

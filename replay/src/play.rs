//! Timeline replay 时间轴回放: a stretch of history played again, from moment to moment.
//!
//! Every step folds the facts recorded up to its moment into the same views, so whoever plays until a moment ends with
//! the view as of it. To pause is to stop asking; to seek is to begin again from another moment.

use crate::as_of::{Past, restored};
use crate::history::{History, HistoryError};
use crate::moment::Slice;
use crate::pages::Pages;
use crate::view::{AnyView, View};
use chrono::TimeDelta;
use domain::zone::{Instant, day_of};
use eventstore::Position;
use projections::queues::{Queues, Tally, TallyQuery};
use projections::reference::ReferenceData;
use serde::Serialize;

/// What is played, and in which steps.
#[derive(Debug, Clone)]
pub struct Score {
    /// The first moment shown.
    pub from: Instant,
    /// The last moment shown.
    pub to: Instant,
    /// Simulated time from one step to the next; more than nothing.
    pub step: TimeDelta,
    /// Whose work is counted.
    pub query: TallyQuery,
}

/// One step: the moment, what happened since the step before, and what waits then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tick {
    /// The moment in simulated time.
    pub at: Instant,
    /// The last position recorded by then.
    pub position: u64,
    /// Events recorded since the step before, whatever they are about.
    pub events: u64,
    /// What waits, and the lights.
    #[serde(flatten)]
    pub tally: Tally,
}

/// A history being played.
pub struct Player {
    history: History,
    score: Score,
    next_at: Option<Instant>,
    queues: View<Queues>,
    reference: View<ReferenceData>,
}

impl Player {
    /// Goes to the first moment, from the nearest checkpoint before it.
    ///
    /// # Errors
    /// The store cannot be read, or holds something unknown.
    pub async fn begin(past: &Past, score: Score) -> Result<Self, HistoryError> {
        let (history, checkpoints) = (past.history().clone(), past.checkpoints());
        let slice = Slice::through(history.position_at(score.from).await?);
        let queues = restored(Some(checkpoints), View::<Queues>::default(), &slice).await;
        let reference = restored(Some(checkpoints), View::<ReferenceData>::default(), &slice).await;
        let mut player = Self { history, next_at: Some(score.from), score, queues, reference };
        player.go_to(slice.through).await?;
        Ok(player)
    }

    /// Plays the next step; nothing after the last, which is always the last moment asked for.
    ///
    /// # Errors
    /// The store cannot be read, or holds something unknown.
    pub async fn next(&mut self) -> Result<Option<Tick>, HistoryError> {
        let Some(at) = self.next_at else { return Ok(None) };
        let before = self.queues.position;
        let position = self.history.position_at(at).await?.max(before);
        self.go_to(position).await?;
        self.next_at = (at < self.score.to).then(|| (at + self.score.step).min(self.score.to));
        let tally = self.queues.state.tally(&self.score.query, &self.reference.state.reference, day_of(at));
        Ok(Some(Tick { at, position: position.0, events: position.0 - before.0, tally }))
    }

    /// Returns the queues as they stand after the last step.
    #[must_use]
    pub fn queues(&self) -> &View<Queues> {
        &self.queues
    }

    /// Each page is decoded once and folded into both views.
    async fn go_to(&mut self, position: Position) -> Result<(), HistoryError> {
        let after = self.queues.position.min(self.reference.position);
        if position <= after {
            return Ok(());
        }
        let views = (std::mem::take(&mut self.queues), std::mem::take(&mut self.reference));
        let pages = Pages::between(&self.history, after, position);
        let folded = pages.fold_into(views, |(queues, reference), facts| {
            AnyView::fold(queues, facts);
            AnyView::fold(reference, facts);
        });
        (self.queues, self.reference) = folded.await?;
        Ok(())
    }
}

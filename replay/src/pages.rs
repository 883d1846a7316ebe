//! Facts page by page, read and decoded ahead of whoever folds them.

use crate::history::{self, History, HistoryError};
use domain::fact::Fact;
use eventstore::{PAGE_EVENTS_MAX, Position};
use std::sync::Arc;
use tokio::sync::mpsc;

/// How many pages may wait between two stages: enough that none stands still, few enough that what one thread wrote is
/// still in the processor's cache when the next reads it.
const PAGES_AHEAD_MAX: usize = 2;
/// How many events one page has at most, for the same reason.
const PAGE_EVENTS: usize = 2048;

/// The facts of one page, shared by all who look at them.
pub type Page = Arc<Vec<Fact>>;

/// The facts after a position, decoded once on a thread of their own while the reader folds.
pub struct Pages {
    decoded: mpsc::Receiver<Result<Page, HistoryError>>,
    // Facts go back to the thread that made them: what it frees it can use again at once, and without a lock.
    folded: std::sync::mpsc::Sender<Page>,
}

impl Pages {
    /// Starts reading what lies between two positions, the first excluded, the last included.
    ///
    /// Must be called within a tokio runtime; dropping the result ends the reading.
    #[must_use]
    pub fn between(history: &History, after: Position, through: Position) -> Self {
        Self::start(history, after, Some(through))
    }

    /// Starts reading what lies after a position, now and whenever the log grows; it never ends by itself.
    ///
    /// Must be called within a tokio runtime; dropping the result ends the reading.
    #[must_use]
    pub fn following(history: &History, after: Position) -> Self {
        Self::start(history, after, None)
    }

    fn start(history: &History, after: Position, through: Option<Position>) -> Self {
        let (raw_out, mut raw_in) = mpsc::channel(PAGES_AHEAD_MAX);
        let (decoded_out, decoded) = mpsc::channel(PAGES_AHEAD_MAX);
        let (folded, folded_in) = std::sync::mpsc::channel::<Page>();
        tokio::spawn(read_ahead(raw_out, history.clone(), after, through, PAGE_EVENTS));
        tokio::task::spawn_blocking(move || {
            while let Some(page) = raw_in.blocking_recv() {
                folded_in.try_iter().for_each(drop);
                let (facts, broken) = match page {
                    Ok(page) => history::decoded_up_to_fault(&page),
                    Err(why) => (Vec::new(), Some(why)),
                };
                if !facts.is_empty() && decoded_out.blocking_send(Ok(Arc::new(facts))).is_err() {
                    return;
                }
                if let Some(why) = broken {
                    // Nobody listening is nobody to tell.
                    let _ = decoded_out.blocking_send(Err(why));
                    return;
                }
            }
        });
        Self { decoded, folded }
    }

    /// Returns the next page, or `None` after the last.
    ///
    /// # Errors
    /// The store cannot be read, or holds something unknown; nothing follows.
    pub async fn next(&mut self) -> Option<Result<Page, HistoryError>> {
        self.decoded.recv().await
    }

    /// Folds every page into a view on a thread that may compute for long, and returns the view.
    ///
    /// # Errors
    /// The store cannot be read, or holds something unknown.
    pub async fn fold_into<V: Send + 'static>(
        mut self,
        mut view: V,
        mut fold: impl FnMut(&mut V, &[Fact]) + Send + 'static,
    ) -> Result<V, HistoryError> {
        let folding = tokio::task::spawn_blocking(move || {
            while let Some(facts) = self.decoded.blocking_recv() {
                let facts = facts?;
                fold(&mut view, &facts);
                // After its last page the other thread is gone, and the facts end here.
                let _ = self.folded.send(facts);
            }
            Ok(view)
        });
        // Blocking work is never cancelled, so the only other ending is a panic, which goes on here.
        folding.await.unwrap_or_else(|why| std::panic::resume_unwind(why.into_panic()))
    }
}

/// The events from the beginning of the log as recorded: the next pages are on their way while one is looked at.
pub(crate) struct RawPages(mpsc::Receiver<Result<eventstore::Page, HistoryError>>);

impl RawPages {
    /// Starts reading up to a position, that one included.
    ///
    /// Must be called within a tokio runtime; dropping the result ends the reading.
    pub(crate) fn up_to(history: &History, through: Position) -> Self {
        let (out, pages) = mpsc::channel(PAGES_AHEAD_MAX);
        tokio::spawn(read_ahead(out, history.clone(), Position::START, Some(through), PAGE_EVENTS_MAX));
        Self(pages)
    }

    /// Returns the next page, which has nothing beyond the position, or `None` after the last.
    pub(crate) async fn next(&mut self) -> Option<Result<eventstore::Page, HistoryError>> {
        self.0.recv().await
    }

    /// As `next`, on a thread that may wait.
    pub(crate) fn blocking_next(&mut self) -> Option<Result<eventstore::Page, HistoryError>> {
        self.0.blocking_recv()
    }
}

/// What comes first is dropped last: whoever sees the pages end may close the log.
async fn read_ahead(
    out: mpsc::Sender<Result<eventstore::Page, HistoryError>>,
    history: History,
    mut after: Position,
    through: Option<Position>,
    events_max: usize,
) {
    while through.is_none_or(|through| after < through) {
        let page = tokio::select! {
            page = next_page(&history, after, through, events_max) => page,
            () = out.closed() => return,
        };
        let (next, ended) = match &page {
            Ok(page) => (page.through, page.end && through.is_some()),
            Err(_) => (after, true),
        };
        if out.send(page).await.is_err() || ended {
            return;
        }
        after = next;
    }
}

async fn next_page(
    history: &History,
    after: Position,
    through: Option<Position>,
    events_max: usize,
) -> Result<eventstore::Page, HistoryError> {
    let Some(through) = through else {
        history.grown_past(after).await?;
        return Ok(history.raw_page(after, events_max).await?);
    };
    let wanted = usize::try_from(through.0 - after.0).unwrap_or(usize::MAX).min(events_max);
    Ok(history.raw_page(after, wanted).await?)
}

//! The whole log folded again, beside what is there, and compared with it.

use crate::history::{History, HistoryError};
use crate::pages::Pages;
use crate::view::{Digest, StateError};
use crate::views::Views;
use eventstore::Position;
use serde::Serialize;

/// Why a rebuild did not come to an end.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// The log.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// A state's types.
    #[error(transparent)]
    State(#[from] StateError),
}

/// One projection as it was and as the log says it must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// Which.
    pub projection: &'static str,
    /// The position at which both were compared.
    pub position: u64,
    /// The digest of the state that was there.
    pub found: Digest,
    /// The digest of the state folded from the first event.
    pub rebuilt: Digest,
}

impl Comparison {
    /// Tells whether what was there is what the log says.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.found == self.rebuilt
    }
}

/// Brings views from where they are to a position, and tells after each page how far it came.
///
/// # Errors
/// The store cannot be read, or holds something unknown.
pub async fn fold_through(
    history: &History,
    views: Views,
    through: Position,
    progress: impl Fn(Position) + Send + 'static,
) -> Result<Views, HistoryError> {
    let pages = Pages::between(history, views.position(), through);
    pages
        .fold_into(views, move |views, facts| {
            views.fold(facts);
            if let Some(last) = facts.last() {
                progress(Position(last.position));
            }
        })
        .await
}

/// Compares two sets of views that stand at the same position.
///
/// # Errors
/// A state cannot be written.
pub fn compare(found: &Views, rebuilt: &Views) -> Result<Vec<Comparison>, StateError> {
    let mut compared = Vec::new();
    for (found, rebuilt) in found.all().into_iter().zip(rebuilt.all()) {
        compared.push(Comparison {
            projection: found.name(),
            position: rebuilt.position().0,
            found: found.digest()?,
            rebuilt: rebuilt.digest()?,
        });
    }
    Ok(compared)
}

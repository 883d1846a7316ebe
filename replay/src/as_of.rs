//! Views as they stood at an earlier moment.

use crate::case_index::{CaseIndex, KnownLate};
use crate::checkpoint::Checkpoints;
use crate::effective;
use crate::history::{History, HistoryError};
use crate::moment::{Late, Slice};
use crate::pages::Pages;
use crate::view::{AnyView, View};
use domain::fact::Fact;
use domain::zone::Instant;
use eventstore::Position;
use projections::Projection;
use std::any::Any;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// How many views of the past are remembered, because screens ask for the next page or the figure beside it.
const REMEMBERED_MAX: usize = 6;

/// Folds `P` from the nearest checkpoint up to the end of a slice, late facts included where the slice has them.
///
/// # Errors
/// The store cannot be read, or holds something unknown.
pub async fn as_of<P: Projection>(
    history: &History,
    checkpoints: Option<&Checkpoints>,
    index: Option<&CaseIndex>,
    slice: &Slice,
) -> Result<View<P>, HistoryError> {
    let view = restored(checkpoints, View::<P>::default(), slice).await;
    fold_slice(history, index, slice, view).await
}

/// Restores a view from the nearest checkpoint within a slice; without any, the view stays as it is.
pub async fn restored<V: AnyView + 'static>(checkpoints: Option<&Checkpoints>, mut view: V, slice: &Slice) -> V {
    let Some(checkpoints) = checkpoints.cloned() else { return view };
    let through = slice.through;
    let restoring = tokio::task::spawn_blocking(move || {
        checkpoints.restore(&mut view, through);
        view
    });
    restoring.await.unwrap_or_else(|why| std::panic::resume_unwind(why.into_panic()))
}

/// Brings a view that lies within a slice to the end of it.
///
/// # Errors
/// The store cannot be read, or holds something unknown.
pub async fn fold_slice<V: AnyView + 'static>(
    history: &History,
    index: Option<&CaseIndex>,
    slice: &Slice,
    view: V,
) -> Result<V, HistoryError> {
    let pages = Pages::between(history, view.position(), slice.through);
    let view = pages.fold_into(view, |view, facts| view.fold(facts)).await?;
    match &slice.late {
        Some(late) => fold_late(history, index, slice.through, late, view).await,
        None => Ok(view),
    }
}

async fn fold_late<V: AnyView + 'static>(
    history: &History,
    index: Option<&CaseIndex>,
    through: Position,
    late: &Late,
    mut view: V,
) -> Result<V, HistoryError> {
    let known = index.and_then(|index| index.late_facts(through, late).ok());
    let until = late.until;
    for (after, last) in stretches(known, through, late) {
        let pages = Pages::between(history, after, last);
        view = pages.fold_into(view, move |view, facts| view.fold_late(&effective_by(facts, until))).await?;
    }
    Ok(view)
}

fn effective_by(facts: &[Fact], until: Instant) -> Vec<Fact> {
    facts.iter().filter(|fact| effective::effective_at(fact) <= until).cloned().collect()
}

/// Where late facts recorded after a position lie, each stretch after its first position up to its last: the index says
/// which later facts are concerned; what it has not seen yet is read from the log.
pub(crate) fn stretches(known: Option<KnownLate>, through: Position, late: &Late) -> Vec<(Position, Position)> {
    let (mut stretches, unseen) =
        known.map_or((Vec::new(), through), |known| (runs(&known.positions), known.through.max(through)));
    stretches.push((unseen, late.known));
    stretches
}

/// Groups positions into stretches that are read at once, each after its first position up to its last; small gaps
/// are read over.
fn runs(positions: &[Position]) -> Vec<(Position, Position)> {
    const GAP_MAX: u64 = 64;
    let mut runs: Vec<(Position, Position)> = Vec::new();
    for position in positions {
        match runs.last_mut() {
            Some((_, last)) if position.0 - last.0 <= GAP_MAX => *last = *position,
            Some(_) | None => runs.push((Position(position.0 - 1), *position)),
        }
    }
    runs
}

type Remembered = ((&'static str, Slice), Arc<dyn Any + Send + Sync>);

/// Everything needed to look at the past, with the last few looks remembered.
#[derive(Clone)]
pub struct Past {
    history: History,
    checkpoints: Checkpoints,
    index: CaseIndex,
    remembered: Arc<Mutex<VecDeque<Remembered>>>,
}

impl Past {
    /// Returns the past of a history.
    #[must_use]
    pub fn new(history: History, checkpoints: Checkpoints, index: CaseIndex) -> Self {
        Self { history, checkpoints, index, remembered: Arc::default() }
    }

    /// Returns the log.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Returns the states kept aside.
    #[must_use]
    pub fn checkpoints(&self) -> &Checkpoints {
        &self.checkpoints
    }

    /// Returns the index over all cases.
    #[must_use]
    pub fn index(&self) -> &CaseIndex {
        &self.index
    }

    /// Returns a projection as it stood at the end of a slice.
    ///
    /// # Errors
    /// The store cannot be read, or holds something unknown.
    pub async fn view<P: Projection>(&self, slice: &Slice) -> Result<Arc<View<P>>, HistoryError> {
        let key = (P::NAME, *slice);
        if let Some(view) = self.recall::<P>(key) {
            return Ok(view);
        }
        let view = as_of::<P>(&self.history, Some(&self.checkpoints), Some(&self.index), slice).await?;
        let view = Arc::new(view);
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.truncate(REMEMBERED_MAX - 1);
        remembered.push_front((key, view.clone()));
        Ok(view)
    }

    fn recall<P: Projection>(&self, key: (&'static str, Slice)) -> Option<Arc<View<P>>> {
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, view) = remembered.iter().find(|(known, _)| *known == key)?;
        view.clone().downcast().ok()
    }
}

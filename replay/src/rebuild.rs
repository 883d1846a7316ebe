//! The whole log folded again, beside what is there, and compared with it.

use crate::checkpoint::Checkpoints;
use crate::history::{History, HistoryError};
use crate::pages::Pages;
use crate::view::{AnyView, Digest, StateError};
use crate::views::{self, Views};
use eventstore::Position;
use rayon::prelude::*;
use serde::Serialize;
use std::collections::BTreeMap;

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

/// What a rebuild made, and how it compares with what was kept aside.
#[derive(Debug, Clone, Serialize)]
pub struct Rebuilt {
    /// Every projection at the end of the log.
    pub projections: Vec<RebuiltProjection>,
}

/// One projection, folded from the first event.
#[derive(Debug, Clone, Serialize)]
pub struct RebuiltProjection {
    /// Which.
    pub projection: &'static str,
    /// Its revision.
    pub revision: u32,
    /// The end of the log.
    pub position: u64,
    /// The digest of the state there.
    pub digest: Digest,
    /// The newest checkpoint beside the state folded up to its position, where there is one.
    pub checkpoint: Option<CheckpointComparison>,
}

/// A checkpoint as it is and as the log says it must be.
#[derive(Debug, Clone, Serialize)]
pub struct CheckpointComparison {
    /// Its position.
    pub position: u64,
    /// The digest it keeps; absent if it is damaged, which is no contradiction: nothing would be restored from it.
    pub kept: Option<String>,
    /// The digest of the state folded up to there.
    pub rebuilt: Digest,
}

impl CheckpointComparison {
    /// Tells whether the checkpoint contradicts the log.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.kept.as_ref().is_none_or(|kept| *kept == self.rebuilt.to_string())
    }
}

impl Rebuilt {
    /// Tells whether no checkpoint contradicts the log.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.projections
            .iter()
            .all(|projection| projection.checkpoint.as_ref().is_none_or(CheckpointComparison::agrees))
    }
}

/// Folds the log from its first event, and compares with the newest checkpoints on the way.
///
/// `only` limits it to one projection, by its name.
///
/// # Errors
/// The store cannot be read or holds something unknown, or a state cannot be written.
pub async fn rebuild(
    history: &History,
    checkpoints: &Checkpoints,
    only: Option<&str>,
    progress: impl Fn(Position) + Clone + Send + 'static,
) -> Result<Rebuilt, RebuildError> {
    let head = history.head().await.map_err(HistoryError::from)?.position;
    let mut views = ChosenViews { views: Views::default(), only: only.map(str::to_owned), position: Position::START };
    let mut stops: BTreeMap<Position, Vec<&'static str>> = BTreeMap::new();
    for view in views.chosen() {
        if let Some(newest) = checkpoints.positions(view).into_iter().rfind(|position| *position <= head) {
            stops.entry(newest).or_default().push(view.name());
        }
    }
    let mut compared = BTreeMap::new();
    for (stop, names) in stops {
        views = views.fold_through(history, stop, progress.clone()).await?;
        let kept_here = views.chosen().into_par_iter().filter(|view| names.contains(&view.name()));
        let compare = |view: &dyn AnyView| {
            let (kept, rebuilt) = (checkpoints.digest(view), view.digest()?);
            Ok((view.name(), CheckpointComparison { position: stop.0, kept, rebuilt }))
        };
        compared.extend(kept_here.map(compare).collect::<Result<Vec<_>, StateError>>()?);
    }
    views = views.fold_through(history, head, progress).await?;
    let rebuilt = |view: &dyn AnyView| {
        let (position, checkpoint) = (view.position().0, compared.get(view.name()).cloned());
        // A checkpoint of the log's end was compared with this very state.
        let known = checkpoint.as_ref().filter(|checkpoint| checkpoint.position == position);
        let digest = known.map_or_else(|| view.digest(), |known| Ok(known.rebuilt))?;
        Ok(RebuiltProjection { projection: view.name(), revision: view.revision(), position, digest, checkpoint })
    };
    let projections: Result<Vec<_>, StateError> = views.chosen().into_par_iter().map(rebuilt).collect();
    Ok(Rebuilt { projections: projections? })
}

struct ChosenViews {
    views: Views,
    only: Option<String>,
    position: Position,
}

impl ChosenViews {
    fn chosen(&self) -> Vec<&dyn AnyView> {
        let is_chosen = |view: &&dyn AnyView| self.only.as_deref().is_none_or(|only| only == view.name());
        self.views.all().into_iter().filter(is_chosen).collect()
    }

    async fn fold_through(
        self,
        history: &History,
        through: Position,
        progress: impl Fn(Position) + Send + 'static,
    ) -> Result<Self, HistoryError> {
        let pages = Pages::between(history, self.position, through);
        pages
            .fold_into(self, move |chosen, facts| {
                let Some(last) = facts.last() else { return };
                let mut views: Vec<_> = chosen.views.all_mut().into_iter().collect();
                views.retain(|view| chosen.only.as_deref().is_none_or(|only| only == view.name()));
                views::fold_each(&mut views, facts);
                chosen.position = Position(last.position);
                progress(chosen.position);
            })
            .await
    }
}

/// Compares two sets of views that stand at the same position.
///
/// # Errors
/// A state cannot be written.
pub fn compare(found: &Views, rebuilt: &Views) -> Result<Vec<Comparison>, StateError> {
    let compare = |(found, rebuilt): (&dyn AnyView, &dyn AnyView)| {
        let (projection, position) = (found.name(), rebuilt.position().0);
        Ok(Comparison { projection, position, found: found.digest()?, rebuilt: rebuilt.digest()? })
    };
    found.all().into_par_iter().zip(rebuilt.all()).map(compare).collect()
}

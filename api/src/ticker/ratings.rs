//! What the passing of time makes of services that nobody rated: raters are invited, and where a policy says so, a
//! rating is supposed.

use super::{UNDER_WAY_MAX, identity};
use crate::execute::{Asked, Begun, ExecuteError, Trouble};
use crate::node::Node;
use domain::case::Case;
use domain::due::{RatingDue, rating_due, system_for};
use domain::event::item::RatingStage;
use domain::event::rating::RatingSubject;
use domain::fact::Subject;
use domain::ids::{CaseId, RatingId};
use domain::rating::{Rating, RatingRejection};
use domain::zone::day_of;
use futures::stream::{self, StreamExt as _};
use projections::rating_windows::Unrated;

/// Does what is due for services that nobody rated, and returns how often the rules acted.
pub(super) async fn look(node: &Node) -> usize {
    let reference = node.reference.now();
    let today = day_of(node.clock.now());
    let due = node.live.read(|views| {
        let unrated = views.rating_windows.state.unrated();
        let due = unrated.filter_map(|(case, stage, Unrated { ended_on, invited })| {
            Some((case, stage, rating_due(ended_on, invited, &reference.reference, today)?))
        });
        due.collect::<Vec<(CaseId, RatingStage, RatingDue)>>()
    });
    let acts = stream::iter(due).map(|(case, stage, due)| async move {
        match act(node, case, stage, due).await {
            Ok(facts) => usize::from(0 < facts),
            // Whoever acted first may have made it unnecessary.
            Err(ExecuteError::Rejected(rule)) => {
                tracing::debug!("the rule of an unrated service was refused: {rule}");
                0
            }
            Err(error) => {
                tracing::warn!(case.id = %case, "the rule of an unrated service could not be followed: {error}");
                0
            }
        }
    });
    acts.buffer_unordered(UNDER_WAY_MAX).fold(0, |sum, done| async move { sum + done }).await
}

async fn act(
    node: &Node,
    case: CaseId,
    stage: RatingStage,
    due: RatingDue,
) -> Result<usize, ExecuteError<RatingRejection>> {
    let about = RatingSubject::Case(case);
    let Some(id) = RatingId::once(&about, stage) else { return Ok(0) };
    let loaded = node.executor.load::<Case>(&Subject::Case(case)).await?;
    let reference = node.reference.now();
    if !loaded.state.is_rated_at(stage, &reference.reference.catalogue) {
        return Ok(0);
    }
    let Some(service) = loaded.state.rated_service(stage) else { return Ok(0) };
    let system = crate::node::system_actor();
    let actor = system_for(service.organisation.clone(), system.id);
    let (command, digest) = identity(case, &due.rule(stage));
    let asked = Asked { command, digest, actor, if_match: None, late: None };
    let wanted = due.command(about, stage, service);
    match node.executor.begin(command, digest).await {
        Ok(Begun::Fresh(under_way)) => {
            let done = node.executor.execute::<Rating>(&under_way, &asked, &Subject::Rating(id), &wanted, &[]).await?;
            Ok(done.facts.len())
        }
        Ok(Begun::Repeated(_)) | Err(Trouble::InProgress) => Ok(0),
        Err(trouble) => Err(trouble.into()),
    }
}

//! 近亲属备案: a case of somebody's close relative is registered apart, and their home is visited by others than the relative.

use crate::decider::{Context, Decider};
use crate::event::KinEvent;
use crate::event::item::Level;
use crate::event::kin::{DeclaredBy, HomeVisit, KinHomeVisited, KinRegistered, KinRelation};
use crate::ids::{CaseId, ItemId, OrganisationId, StaffId};
use crate::zone::day_of;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Nobody visits a home alone.
pub const VISITORS_MIN: usize = 2;
/// The most who visit one home.
pub const VISITORS_MAX: usize = 10;

/// What is known of one case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kin {
    /// As it was registered.
    pub registered: Option<KinRegistered>,
    /// The visits, in the order of recording.
    pub visits: Vec<KinHomeVisited>,
}

/// What may be said of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KinCommand {
    /// The applicant is a close relative of a member of staff.
    Register {
        /// Of which case.
        case: CaseId,
        /// For which item it is.
        item: ItemId,
        /// Where it is handled.
        handling: OrganisationId,
        /// When it was decided, if it was.
        decided_on: Option<NaiveDate>,
        /// Whose relative.
        staff: StaffId,
        /// What they are to them.
        relation: KinRelation,
        /// Who said so.
        declared_by: DeclaredBy,
    },
    /// Their home was visited.
    Visit {
        /// To look at what.
        visit: HomeVisit,
        /// When.
        visited_on: NaiveDate,
        /// By whom.
        visitors: Vec<StaffId>,
    },
}

/// Why what is known stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KinRejection {
    /// It says something else already.
    #[error("the relation is registered already, with other particulars")]
    KinAlreadyRegistered,
    /// There is nothing to visit for.
    #[error("no relation is registered for this case")]
    KinNotRegistered,
    /// What is to come was not seen yet.
    #[error("a visit cannot lie in the future")]
    VisitToCome,
    /// One alone proves nothing.
    #[error("a home is visited by {VISITORS_MIN} to {VISITORS_MAX} different people")]
    VisitorsOutOfRange,
    /// 回避.
    #[error("the relative of the applicant keeps out of the visit")]
    RelativeVisits,
    /// A sample is taken from above.
    #[error("a spot visit is for the county or the city")]
    SpotVisitFromBelow,
}

use KinCommand as Command;
use KinRejection as Rejection;

impl Decider for Kin {
    type Command = KinCommand;
    type Event = KinEvent;
    type Rejection = KinRejection;

    fn decide(&self, command: &Command, context: &Context<'_>) -> Result<Vec<KinEvent>, Rejection> {
        match (&self.registered, command) {
            (None, Command::Register { case, item, handling, decided_on, staff, relation, declared_by }) => {
                let registered = KinRegistered {
                    case: *case,
                    item: item.clone(),
                    handling: handling.clone(),
                    staff: staff.clone(),
                    relation: *relation,
                    declared_by: *declared_by,
                    registered_on: day_of(context.occurred_at),
                    decided_on: *decided_on,
                };
                Ok(vec![registered.into()])
            }
            (Some(known), Command::Register { staff, relation, declared_by, .. }) => {
                let same = (&known.staff, known.relation, known.declared_by) == (staff, *relation, *declared_by);
                if same { Ok(vec![]) } else { Err(Rejection::KinAlreadyRegistered) }
            }
            (None, Command::Visit { .. }) => Err(Rejection::KinNotRegistered),
            (Some(known), Command::Visit { visit, visited_on, visitors }) => {
                check_visit(known, *visit, *visited_on, visitors, context)?;
                let visited = KinHomeVisited {
                    case: known.case,
                    visit: *visit,
                    visited_on: *visited_on,
                    visitors: visitors.clone(),
                };
                if self.visits.contains(&visited) { Ok(vec![]) } else { Ok(vec![visited.into()]) }
            }
        }
    }

    fn evolve(&mut self, event: &KinEvent) {
        match event {
            KinEvent::KinRegistered(registered) => self.registered = Some(registered.clone()),
            KinEvent::KinHomeVisited(visited) => self.visits.push(visited.clone()),
        }
    }
}

fn check_visit(
    known: &KinRegistered,
    visit: HomeVisit,
    visited_on: NaiveDate,
    visitors: &[StaffId],
    context: &Context<'_>,
) -> Result<(), Rejection> {
    if day_of(context.occurred_at) < visited_on {
        return Err(Rejection::VisitToCome);
    }
    let different: BTreeSet<&StaffId> = visitors.iter().collect();
    if different.len() != visitors.len() || !(VISITORS_MIN..=VISITORS_MAX).contains(&visitors.len()) {
        return Err(Rejection::VisitorsOutOfRange);
    }
    if visitors.contains(&known.staff) || context.actor.id == known.staff {
        return Err(Rejection::RelativeVisits);
    }
    let level = context.reference.organisations.get(&context.actor.organisation).map(|known| known.kind().level());
    if visit == HomeVisit::Spot && level.is_none_or(|level| level < Level::County) {
        return Err(Rejection::SpotVisitFromBelow);
    }
    Ok(())
}

#[cfg(test)]
mod tests;

//! Whom a mark concerns: the organisation and the person, and on which day.

use chrono::NaiveDate;
use domain::actor::Role;
use domain::event::CaseEvent;
use domain::event::case::{Anomaly, CaseFinished, CaseWithdrawn, WarningRaised};
use domain::fact::Fact;
use domain::ids::{OrganisationId, StaffId};
use domain::zone::day_of;

/// Whom something concerns, and on which day it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Responsible<'a> {
    /// Which organisation.
    pub organisation: &'a OrganisationId,
    /// Who there; nobody where it was the applicant's act, or the rules'.
    pub person: Option<&'a StaffId>,
    /// On which day.
    pub on: NaiveDate,
}

/// Returns whom a mark on this fact concerns: whoever acted, except where somebody else's delay is marked.
#[must_use]
pub fn responsible<'a>(kind: Anomaly, event: &'a CaseEvent, fact: &'a Fact) -> Responsible<'a> {
    // Silence accepted: whoever had taken the materials in sat on them.
    if let (Anomaly::DeemedAcceptance, CaseEvent::CaseAccepted(accepted)) = (kind, event) {
        let person = accepted.dimensions.clerk.as_ref();
        return Responsible { organisation: &accepted.organisation, person, on: accepted.effective_on };
    }
    // The output desk only stamps; who decided, or took it in, was late.
    let late = matches!(kind, Anomaly::OverPromise | Anomaly::InstantOverMidnight);
    if let (true, CaseEvent::CaseFinished(CaseFinished { closing, .. })) = (late, event) {
        let person = closing.decider.as_ref().or(closing.clerk.as_ref());
        return Responsible { organisation: &closing.deciding, person, on: day_of(fact.occurred_at) };
    }
    Responsible::by_act(event, fact)
}

/// Returns whom a warning concerns: who has the work.
#[must_use]
pub fn of_warning<'a>(raised: &'a WarningRaised, fact: &Fact) -> Responsible<'a> {
    let WarningRaised { organisation, holder, .. } = raised;
    Responsible { organisation, person: holder.as_ref(), on: day_of(fact.occurred_at) }
}

impl<'a> Responsible<'a> {
    /// Whoever acted, for the organisation they acted for; of a resident's act, the hall that has the case.
    pub(super) fn by_act(event: &'a CaseEvent, fact: &'a Fact) -> Self {
        let on = day_of(fact.occurred_at);
        let staff = !matches!(fact.by.role, Role::Resident | Role::System | Role::Import);
        let organisation = hall_of(event).filter(|_| !staff).unwrap_or(&fact.by.organisation);
        Self { organisation, person: staff.then_some(&fact.by.id), on }
    }
}

/// The hall that has the case, where an act of the applicant or of the rules names it.
fn hall_of(event: &CaseEvent) -> Option<&OrganisationId> {
    if let CaseEvent::CaseWithdrawn(CaseWithdrawn { closing, .. }) = event {
        return Some(&closing.intake);
    }
    if let CaseEvent::CaseSubmitted(submitted) = event {
        return Some(&submitted.intake);
    }
    None
}

//! What a caller may see of what a question finds, always by today's tree of organisations.

use crate::auth::{Caller, Extent, Sight};
use crate::problem::{Kind, Problem};
use domain::actor::Role;
use domain::case::Case;
use domain::ids::{OrganisationId, StaffId, SubjectId};
use domain::organisation::Organisations;
use std::collections::BTreeSet;

/// Who and which organisations a case concerns: by these it is found, shown or hidden.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Concerned {
    /// Organisations that took it in, had it, decide it or were asked.
    pub organisations: BTreeSet<OrganisationId>,
    /// Applicant, agent and beneficiaries.
    pub subjects: BTreeSet<SubjectId>,
}

impl Concerned {
    /// Returns whom a case concerns, as it stands.
    #[must_use]
    pub fn by(case: &Case) -> Self {
        let mut concerned = Self::default();
        if let Some(application) = &case.application {
            let places = [&application.intake, &application.handling, &application.deciding];
            concerned.organisations.extend(places.into_iter().cloned());
        }
        concerned.subjects.extend(case.parties().map(|party| party.subject.clone()));
        concerned.organisations.extend(case.at.iter().chain(case.helper()).cloned());
        concerned.organisations.extend(case.delivering().cloned());
        concerned.organisations.extend(case.legs.iter().flat_map(|leg| [leg.from.clone(), leg.to.clone()]));
        let asked = case.consultations.values().flat_map(|consultation| &consultation.organisations);
        concerned.organisations.extend(asked.cloned());
        concerned
    }

    /// Tells whether the caller may know of it.
    #[must_use]
    pub fn is_visible_to(&self, caller: &Caller, organisations: &Organisations) -> bool {
        if !caller.scope.sees_cases() {
            return false;
        }
        match &caller.scope.extent {
            Extent::Person(subject) => self.subjects.contains(subject),
            Extent::Subtree(root) => {
                self.organisations.iter().any(|organisation| organisations.contains(root, organisation))
                    // A history taken in from elsewhere belongs to no organisation of the tree: the city keeps it.
                    || (self.organisations.is_empty() && is_city(root, organisations))
            }
        }
    }
}

/// Returns whether this is the root of the tree.
#[must_use]
pub fn is_city(organisation: &OrganisationId, organisations: &Organisations) -> bool {
    organisations.get(organisation).is_some_and(|known| known.parent().is_none())
}

/// Returns the organisation whose subtree the caller sees.
///
/// # Errors
/// The caller is a resident, who sees no organisation's work.
pub fn root(caller: &Caller) -> Result<&OrganisationId, Problem> {
    match &caller.scope.extent {
        Extent::Subtree(root) => Ok(root),
        Extent::Person(_) => Err(Problem::new(Kind::Forbidden)),
    }
}

/// Returns the organisation that a question is limited to: the one asked for, if the caller sees it, or the caller's.
///
/// # Errors
/// The caller sees no organisation's work, or not this one's, or there is none.
pub fn asked_organisation(
    caller: &Caller,
    asked: Option<&OrganisationId>,
    organisations: &Organisations,
) -> Result<OrganisationId, Problem> {
    let root = root(caller)?;
    match asked {
        None => Ok(root.clone()),
        Some(asked) if organisations.get(asked).is_some() && organisations.contains(root, asked) => Ok(asked.clone()),
        Some(_) => Err(Problem::not_found()),
    }
}

/// Returns whether the caller may go to a hall, for themselves or for those they help: residents to any, village agents
/// also to those above their station, everybody else to those they see.
#[must_use]
pub fn goes_to(caller: &Caller, hall: &OrganisationId, organisations: &Organisations) -> bool {
    let helps_below = |root| caller.actor.role == Role::VillageAgent && organisations.contains(hall, root);
    organisations.get(hall).is_some()
        && match &caller.scope.extent {
            Extent::Person(_) => true,
            Extent::Subtree(root) => organisations.contains(root, hall) || helps_below(root),
        }
}

/// # Errors
/// The caller may not see single cases at all.
pub fn sees_cases(caller: &Caller) -> Result<(), Problem> {
    if caller.scope.sees_cases() { Ok(()) } else { Err(Problem::new(Kind::Forbidden)) }
}

/// Returns whose work a question about members of staff is limited to: whoever leads or supervises may ask for
/// everybody's, others only for their own.
///
/// # Errors
/// The caller sees counts only, or asks for a colleague's.
pub fn whose_work(caller: &Caller, asked: Option<StaffId>) -> Result<Option<StaffId>, Problem> {
    sees_staff(caller)?;
    let own = &caller.actor.id;
    match caller.actor.role {
        Role::Chief | Role::OrganHead | Role::Supervisor | Role::Analyst | Role::Admin => Ok(asked),
        Role::Resident
        | Role::VillageAgent
        | Role::Receptionist
        | Role::Clerk
        | Role::Handler
        | Role::CertificateMaker
        | Role::DeliveryClerk
        | Role::Screen
        | Role::System
        | Role::Import => match asked {
            Some(asked) if asked != *own => Err(Problem::new(Kind::Forbidden)),
            Some(_) | None => Ok(Some(own.clone())),
        },
    }
}

/// # Errors
/// The caller sees counts only, and no member of staff is a count.
pub fn sees_staff(caller: &Caller) -> Result<(), Problem> {
    if Sight::Figures <= caller.scope.sight { Ok(()) } else { Err(Problem::new(Kind::Forbidden)) }
}

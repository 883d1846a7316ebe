//! 帮办代办: what a helper may do for somebody, and only with consent that was given, covers it, holds and stands.

use super::Rejection;
use super::action::Action;
use super::decide::Decided;
use super::desk::Desk;
use super::state::Case;
use crate::actor::Role;
use crate::event::case::{Consent, ConsentRecorded, ConsentWithdrawn, HelpScope};
use crate::ids::OrganisationId;
use crate::sealed::Sealed;
use chrono::NaiveDate;

/// What the applicant must have agreed to so that a helper may do this; any of these will do, nothing is needed for none.
fn needed_for(action: Action) -> &'static [HelpScope] {
    match action {
        Action::Submit => &[HelpScope::Apply],
        // Papers come with the application as well as after it.
        Action::AttachMaterial => &[HelpScope::Supplement, HelpScope::Apply],
        Action::CorrectOnTheSpot | Action::Supplement => &[HelpScope::Supplement],
        Action::Withdraw => &[HelpScope::Withdraw],
        Action::Deliver => &[HelpScope::HandOver],
        _ => &[],
    }
}

/// Judges whether a consent as given covers an act on this day.
pub(super) fn covers(consent: Option<&Consent>, action: Action, day: NaiveDate) -> Result<(), Rejection> {
    let needed = needed_for(action);
    if needed.is_empty() {
        return Ok(());
    }
    let consent = consent.ok_or(Rejection::ConsentMissing)?;
    let begun = consent.given_on.is_none_or(|given_on| given_on <= day);
    if !begun || consent.until.is_some_and(|until| until < day) {
        return Err(Rejection::ConsentNotInForce);
    }
    let within = consent.scope.is_empty() || needed.iter().any(|scope| consent.scope.contains(scope));
    if within { Ok(()) } else { Err(Rejection::OutsideConsent) }
}

impl Case {
    /// Returns who helps the applicant, while the consent stands.
    #[must_use]
    pub fn helper(&self) -> Option<&OrganisationId> {
        let consent = self.consent.as_ref().filter(|_| self.consent_withdrawn_on.is_none())?;
        consent.helper.as_ref().or(self.application.as_ref().map(|application| &application.intake))
    }

    /// Judges whether a helper may see who the applicant is, on this day.
    ///
    /// # Errors
    /// There is no consent, it was taken back, or it does not hold on this day.
    pub fn helper_may_see(&self, day: NaiveDate) -> Result<(), Rejection> {
        let consent = self.consent.as_ref().ok_or(Rejection::ConsentMissing)?;
        if self.consent_withdrawn_on.is_some() {
            return Err(Rejection::ConsentTakenBack);
        }
        if consent.until.is_some_and(|until| until < day) { Err(Rejection::ConsentNotInForce) } else { Ok(()) }
    }
}

impl Desk<'_> {
    /// Judges whether a helper may do this for the applicant.
    pub(super) fn consented_to(&self, action: Action) -> Result<(), Rejection> {
        if needed_for(action).is_empty() {
            return Ok(());
        }
        if self.case.consent_withdrawn_on.is_some_and(|withdrawn_on| withdrawn_on <= self.day) {
            return Err(Rejection::ConsentTakenBack);
        }
        covers(self.case.consent.as_ref(), action, self.day)
    }

    /// Whether the helper's station has a part in the case: it took it in, has it, or was named in the consent.
    pub(super) fn is_helpers_own(&self) -> bool {
        let own = &self.actor.organisation;
        let places = [Some(&self.application.intake), self.case.at.as_ref(), self.case.helper()];
        places.into_iter().flatten().any(|place| self.reference.organisations.contains(own, place))
    }

    /// Whether the case lies at the helper's own station.
    pub(super) fn has_it_here(&self) -> Result<(), Rejection> {
        let here = self.reference.organisations.contains(&self.actor.organisation, self.at());
        if here { Ok(()) } else { Err(Rejection::OrganisationDoesNotHold) }
    }

    pub(super) fn record_consent(&self, consent: &Consent) -> Decided {
        // Whoever was told to stop does not start again on their own word.
        if self.actor.role == Role::VillageAgent && self.case.consent_withdrawn_on.is_some() {
            return Err(Rejection::ConsentTakenBack);
        }
        if consent.given_on.is_some_and(|given_on| self.day < given_on) {
            return Err(Rejection::OccurredInFuture);
        }
        if consent.until.is_some_and(|until| until < self.day) {
            return Err(Rejection::ConsentNotInForce);
        }
        if let Some(helper) = &consent.helper {
            let known = self.reference.organisations.get(helper).filter(|known| known.exists_on(self.day));
            known.ok_or(Rejection::UnknownOrganisation)?;
        }
        Ok(vec![ConsentRecorded { consent: consent.clone() }.into()])
    }

    pub(super) fn withdraw_consent(&self, reason: Option<&Sealed>) -> Decided {
        let consent = self.case.consent.as_ref().ok_or(Rejection::ConsentMissing)?;
        Ok(vec![ConsentWithdrawn { number: consent.number.clone(), reason: reason.cloned() }.into()])
    }
}

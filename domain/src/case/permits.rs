//! Who may do what: the table of roles, where one must stand, and what keeps two duties of one case apart.

use super::action::Action;
use super::desk::Desk;
use super::state::{Case, ProcedureState};
use super::{CaseCommand, Rejection};
use crate::actor::{Actor, Role};
use crate::event::case::DecisionOutcome;
use crate::event::item::{Authority, CaseKind};
use crate::event::organisation::OrganisationKind;
use crate::ids::{OrganisationId, StaffId, StepCode};
use crate::organisation::Organisations;

/// Judges whether the role does such things at all; what the case adds to that, `decide` knows.
///
/// # Errors
/// The role never does this.
pub fn permits(actor: &Actor, command: &CaseCommand) -> Result<(), Rejection> {
    let action = command.action();
    let known = roles(action).contains(&actor.role) || roles_of_item(action).contains(&actor.role);
    if known { Ok(()) } else { Err(Rejection::RoleMayNot(actor.role, action)) }
}

/// The roles that do this with every item.
fn roles(action: Action) -> &'static [Role] {
    use Role::{
        Admin, CertificateMaker, Chief, Clerk, DeliveryClerk, Handler, OrganHead, Resident, Supervisor, System,
        VillageAgent,
    };
    match action {
        Action::Submit
        | Action::CorrectOnTheSpot
        | Action::Supplement
        | Action::RecordConsent
        | Action::WithdrawConsent => &[Resident, VillageAgent, Clerk],
        Action::AttachMaterial => &[Resident, VillageAgent, Clerk, Handler, Chief, CertificateMaker, DeliveryClerk],
        Action::ReplaceMaterial => &[Resident, VillageAgent, Clerk, Handler],
        // Residents show certificates of their own; the city's data are asked by whoever answers for the question.
        Action::CheckDataShare => &[VillageAgent, Clerk, Handler],
        Action::Receive | Action::NotRequired | Action::RefuseIntake | Action::Accept | Action::Return => &[Clerk],
        Action::HandleAtOnce => &[Clerk],
        Action::IssueNotice | Action::Lapse => &[Clerk, Handler],
        Action::DeemAccepted | Action::RecomputeDeadlines | Action::RaiseWarning => &[System],
        Action::Route | Action::Forward => &[Clerk, Handler, Chief],
        Action::Claim | Action::Release => &[Clerk, Handler, Chief, CertificateMaker, DeliveryClerk, VillageAgent],
        Action::Reassign => &[Chief, OrganHead],
        Action::StartStep | Action::FinishStep => &[Clerk, Handler, Chief, OrganHead, CertificateMaker, VillageAgent],
        Action::SendBack | Action::Consult | Action::AnswerConsultation => &[Handler, Chief],
        Action::RequestSpecialProcedure => &[Handler, Chief, Resident],
        Action::ApproveSpecialProcedure | Action::RejectSpecialProcedure => &[Chief, OrganHead],
        Action::CloseSpecialProcedure | Action::RequestExtension => &[Handler, Chief],
        Action::ApproveExtension | Action::RejectExtension => &[OrganHead],
        Action::Decide => &[Chief, OrganHead],
        Action::MakeResult => &[CertificateMaker],
        Action::Finish => &[DeliveryClerk, Clerk],
        Action::Deliver => &[DeliveryClerk, Clerk, VillageAgent, System],
        Action::Withdraw => &[Resident, VillageAgent, Clerk, Handler],
        Action::RequestAbort => &[Clerk, Handler, Chief],
        Action::ApproveAbort | Action::RejectAbort => &[Chief, OrganHead],
        Action::Merge => &[Clerk, Handler, Chief],
        Action::Urge => &[Supervisor],
        Action::AnswerUrging => &[Clerk, Handler, Chief, OrganHead, DeliveryClerk],
        Action::ReadWarning | Action::AnswerWarning => {
            &[Clerk, Handler, Chief, OrganHead, CertificateMaker, DeliveryClerk]
        }
        Action::RequestCorrection => &[Clerk, Handler, Chief, DeliveryClerk],
        Action::ApproveCorrection | Action::RejectCorrection | Action::RevokeResult => &[Chief, OrganHead],
        Action::Archive => &[Clerk, DeliveryClerk, Admin, System],
    }
}

/// The roles that do this only with some items: whoever accepts may decide where one person may do both, and the
/// village handles its own items from end to end.
fn roles_of_item(action: Action) -> &'static [Role] {
    match action {
        Action::Decide | Action::MakeResult => &[Role::Clerk, Role::Handler, Role::VillageAgent],
        Action::Receive
        | Action::NotRequired
        | Action::RefuseIntake
        | Action::IssueNotice
        | Action::Accept
        | Action::Finish
        | Action::HandleAtOnce => &[Role::VillageAgent],
        _ => &[],
    }
}

/// Whether one organisation does the work of another: it is the same, it stands above it, or it is its department or
/// village station. A township does not do its county's work.
pub(super) fn acts_for(organisations: &Organisations, acting: &OrganisationId, holder: &OrganisationId) -> bool {
    organisations.contains(acting, holder) || is_part_of(organisations, acting, holder)
}

/// Whether the organisation is the other's department or village station, or the other itself.
pub(super) fn is_part_of(organisations: &Organisations, part: &OrganisationId, whole: &OrganisationId) -> bool {
    let kind_of = |id: &OrganisationId| organisations.get(id).map(crate::organisation::Organisation::kind);
    let narrow = match (kind_of(part), kind_of(whole)) {
        (Some(OrganisationKind::Department), _) => true,
        (Some(OrganisationKind::Village), Some(OrganisationKind::Township | OrganisationKind::Zone)) => true,
        _ => part == whole,
    };
    narrow && organisations.contains(whole, part)
}

impl Desk<'_> {
    /// Judges whether this person may do this to this case, whatever its phase.
    ///
    /// # Errors
    /// The role, the place or the person that is wrong for it.
    pub(super) fn permits(&self, action: Action) -> Result<(), Rejection> {
        let role = self.actor.role;
        let by_item = roles_of_item(action).contains(&role)
            && match role {
                Role::VillageAgent => self.application.authority == Authority::VillageSelf,
                _ => self.rules.same_person_allowed,
            };
        if !by_item && !roles(action).contains(&role) {
            return Err(Rejection::RoleMayNot(role, action));
        }
        match role {
            Role::System => Ok(()),
            Role::Resident if self.is_own_case() => Ok(()),
            Role::Resident => Err(Rejection::NotOwnCase),
            Role::VillageAgent if self.helps() => {
                if !self.is_helpers_own() {
                    return Err(Rejection::OrganisationDoesNotHold);
                }
                match action {
                    // Helping is no office: the work itself is done where the case is.
                    Action::Claim | Action::Release | Action::StartStep | Action::FinishStep => self.has_it_here(),
                    _ => self.consented_to(action),
                }
            }
            _ if self.stands_right(action) => Ok(()),
            _ => Err(Rejection::OrganisationDoesNotHold),
        }
    }

    /// A village agent helps with whatever the village does not handle itself.
    fn helps(&self) -> bool {
        self.application.authority != Authority::VillageSelf
    }

    fn is_own_case(&self) -> bool {
        let parties = std::iter::once(&self.application.applicant).chain(&self.application.agent);
        self.actor.subject().is_some_and(|own| parties.into_iter().any(|party| party.subject == own))
    }

    fn acts_for(&self, holder: &OrganisationId) -> bool {
        acts_for(&self.reference.organisations, &self.actor.organisation, holder)
    }

    /// Whether the actor's organisation has a part in this act.
    fn stands_right(&self, action: Action) -> bool {
        let application = self.application;
        let at = self.at();
        match action {
            Action::Receive
            | Action::NotRequired
            | Action::RefuseIntake
            | Action::CorrectOnTheSpot
            | Action::IssueNotice
            | Action::Supplement
            | Action::Lapse
            | Action::Accept
            | Action::HandleAtOnce
            | Action::Return => {
                [at, &application.intake, &application.handling].into_iter().any(|id| self.acts_for(id))
            }
            Action::Route
            | Action::Claim
            | Action::Release
            | Action::Reassign
            | Action::StartStep
            | Action::FinishStep
            | Action::SendBack
            | Action::Consult
            | Action::Forward
            | Action::RequestSpecialProcedure
            | Action::CloseSpecialProcedure
            | Action::RequestExtension => self.acts_for(at),
            // A forwarded case is decided where it is; any other also where it is to be decided.
            Action::Decide | Action::ApproveSpecialProcedure | Action::RejectSpecialProcedure
                if self.is_forwarded() =>
            {
                self.acts_for(at)
            }
            Action::Decide
            | Action::ApproveSpecialProcedure
            | Action::RejectSpecialProcedure
            | Action::ApproveExtension
            | Action::RejectExtension
            | Action::MakeResult => [at, &application.deciding].into_iter().any(|id| self.acts_for(id)),
            Action::AnswerConsultation => {
                self.case.consultations.values().flat_map(|asked| &asked.organisations).any(|id| self.acts_for(id))
            }
            Action::AnswerUrging => self.case.urgings.values().any(|urging| self.acts_for(&urging.organisation)),
            Action::Urge => self
                .involved()
                .into_iter()
                .any(|id| self.reference.organisations.contains(&self.actor.organisation, id)),
            Action::Submit
            | Action::AttachMaterial
            | Action::ReplaceMaterial
            | Action::CheckDataShare
            | Action::DeemAccepted
            | Action::RecomputeDeadlines
            | Action::Finish
            | Action::Deliver
            | Action::Withdraw
            | Action::RequestAbort
            | Action::ApproveAbort
            | Action::RejectAbort
            | Action::Merge
            | Action::RequestCorrection
            | Action::ApproveCorrection
            | Action::RejectCorrection
            | Action::RevokeResult
            | Action::RecordConsent
            | Action::WithdrawConsent
            | Action::Archive
            | Action::ReadWarning
            | Action::AnswerWarning
            | Action::RaiseWarning => self.involved().into_iter().any(|id| self.acts_for(id)),
        }
    }

    fn is_forwarded(&self) -> bool {
        self.application.authority == Authority::Forward
    }

    fn involved(&self) -> [&OrganisationId; 4] {
        [self.at(), &self.application.intake, &self.application.handling, &self.application.deciding]
    }

    /// Judges what can be judged without knowing what the act carries: phase, segregation, and whether there is
    /// anything to act on.
    ///
    /// # Errors
    /// The first rule that refuses it.
    pub(super) fn is_ready(&self, action: Action) -> Result<(), Rejection> {
        let case = self.case;
        action.in_phase(case.phase)?;
        match action {
            Action::StartStep => self.acceptor_stays_out(Rejection::AcceptorReviews),
            Action::FinishStep => self.has_step_to_finish(),
            Action::Decide => self.may_be_decided_here(),
            Action::HandleAtOnce => self.is_handled_at_once(),
            Action::Lapse => self.is_lapsed(),
            Action::DeemAccepted if !self.is_deemable() => Err(Rejection::NotDeemable),
            Action::Claim => match &case.holder {
                Some(holder) if *holder != self.actor.id => Err(Rejection::HeldByAnother),
                Some(_) | None => Ok(()),
            },
            Action::Release => self.may_release(),
            Action::Forward => self.may_be_forwarded(),
            Action::AnswerConsultation if case.consultations.is_empty() => Err(Rejection::NoSuchConsultation),
            Action::AnswerUrging if case.urgings.is_empty() => Err(Rejection::NoSuchUrging),
            Action::ReadWarning | Action::AnswerWarning if case.warnings.is_empty() => Err(Rejection::NoWarning),
            Action::ApproveSpecialProcedure | Action::RejectSpecialProcedure => self.any_procedure_requested(),
            Action::RequestExtension => self.may_be_extended(),
            Action::ApproveExtension => {
                self.may_be_extended_in_time()?;
                self.second_person_for_extension()
            }
            Action::RejectExtension => self.second_person_for_extension(),
            Action::RequestAbort if case.abort_request.is_some() => Err(Rejection::AbortAlreadyRequested),
            Action::ApproveAbort | Action::RejectAbort => {
                let request = case.abort_request.as_ref().ok_or(Rejection::AbortNotRequested)?;
                self.second_person(request.by.as_ref())
            }
            Action::ApproveCorrection | Action::RejectCorrection => self.any_correction_requested(),
            Action::MakeResult => self.yields_result(),
            Action::Deliver if case.decision.is_none() => Err(Rejection::NothingToDeliver),
            Action::Deliver if case.delivery.is_some() => Err(Rejection::AlreadyDelivered),
            Action::RevokeResult => self.has_something_to_revoke(),
            Action::WithdrawConsent if case.consent.is_none() => Err(Rejection::ConsentMissing),
            Action::AttachMaterial if case.flags.archived => Err(Rejection::AlreadyArchived),
            Action::Archive => self.may_be_archived(),
            Action::Submit
            | Action::AttachMaterial
            | Action::ReplaceMaterial
            | Action::CheckDataShare
            | Action::Receive
            | Action::NotRequired
            | Action::RefuseIntake
            | Action::CorrectOnTheSpot
            | Action::IssueNotice
            | Action::Supplement
            | Action::Accept
            | Action::DeemAccepted
            | Action::Route
            | Action::Reassign
            | Action::SendBack
            | Action::Consult
            | Action::AnswerConsultation
            | Action::RequestSpecialProcedure
            | Action::CloseSpecialProcedure
            | Action::RecomputeDeadlines
            | Action::Finish
            | Action::Deliver
            | Action::Withdraw
            | Action::Return
            | Action::RecordConsent
            | Action::WithdrawConsent
            | Action::RequestAbort
            | Action::Merge
            | Action::Urge
            | Action::AnswerUrging
            | Action::RequestCorrection
            | Action::ReadWarning
            | Action::AnswerWarning
            | Action::RaiseWarning => Ok(()),
        }
    }

    /// 受审分离, unless the item lets one person do both.
    fn acceptor_stays_out(&self, rejection: Rejection) -> Result<(), Rejection> {
        if self.is_acceptor() && !self.rules.same_person_allowed { Err(rejection) } else { Ok(()) }
    }

    /// Whoever accepted finishes the steps before acceptance only.
    fn has_step_to_finish(&self) -> Result<(), Rejection> {
        let open = self.case.steps.iter().filter(|step| step.done.is_none());
        let judged = open.map(|step| self.may_work_on(&step.code));
        judged.reduce(Result::or).unwrap_or(Err(Rejection::NoStepOpen))
    }

    pub(super) fn may_work_on(&self, step: &StepCode) -> Result<(), Rejection> {
        match self.version.step(step) {
            Some(rule) if rule.before_acceptance => Ok(()),
            Some(_) | None => self.acceptor_stays_out(Rejection::AcceptorReviews),
        }
    }

    pub(super) fn is_acceptor(&self) -> bool {
        self.case.acceptance.as_ref().is_some_and(|acceptance| acceptance.by.as_ref() == Some(&self.actor.id))
    }

    fn may_be_decided_here(&self) -> Result<(), Rejection> {
        if self.is_forwarded() && self.case.legs.is_empty() {
            return Err(Rejection::AwaitsForwarding);
        }
        self.acceptor_stays_out(Rejection::AcceptorDecides)?;
        self.may_decide()
    }

    fn is_handled_at_once(&self) -> Result<(), Rejection> {
        if self.application.kind != CaseKind::Instant {
            return Err(Rejection::NotInstant);
        }
        if self.is_forwarded() {
            return Err(Rejection::AwaitsForwarding);
        }
        if self.rules.same_person_allowed { self.may_decide() } else { Err(Rejection::AcceptorDecides) }
    }

    fn is_lapsed(&self) -> Result<(), Rejection> {
        let notice = self.case.open_notice().ok_or(Rejection::NoNoticeOpen)?;
        match notice.supplement_by {
            None => Err(Rejection::NeverLapses),
            Some(last_day) if self.day <= last_day => Err(Rejection::NotYetLapsed(last_day)),
            Some(_) => Ok(()),
        }
    }

    fn may_release(&self) -> Result<(), Rejection> {
        let superior = matches!(self.actor.role, Role::Chief | Role::OrganHead);
        match &self.case.holder {
            Some(holder) if *holder != self.actor.id && !superior => Err(Rejection::NotTheHolder),
            Some(_) => Ok(()),
            None => Err(Rejection::NotTheHolder),
        }
    }

    fn may_be_forwarded(&self) -> Result<(), Rejection> {
        if !self.is_forwarded() {
            return Err(Rejection::NotToBeForwarded);
        }
        if *self.at() == self.application.deciding { Err(Rejection::AlreadyForwarded) } else { Ok(()) }
    }

    /// The second act needs another person than the first.
    pub(super) fn second_person(&self, first: Option<&StaffId>) -> Result<(), Rejection> {
        if first == Some(&self.actor.id) { Err(Rejection::SamePersonActs) } else { Ok(()) }
    }

    fn any_procedure_requested(&self) -> Result<(), Rejection> {
        let requested = self.case.procedures.values().filter(|procedure| procedure.state == ProcedureState::Requested);
        let judged = requested.map(|procedure| self.second_person(procedure.requested_by.as_ref()));
        judged.reduce(Result::or).unwrap_or(Err(Rejection::ProcedureNotRequested))
    }

    fn any_correction_requested(&self) -> Result<(), Rejection> {
        let waiting = self.case.corrections.values().filter(|correction| correction.approved.is_none());
        let judged = waiting
            .map(|correction| self.second_person(correction.request.as_ref().and_then(|request| request.by.as_ref())));
        judged.reduce(Result::or).unwrap_or(Err(Rejection::NoSuchCorrection))
    }

    fn second_person_for_extension(&self) -> Result<(), Rejection> {
        let request = self.case.extension_request.as_ref().ok_or(Rejection::ExtensionNotRequested)?;
        self.second_person(request.request.by.as_ref())
    }

    fn may_be_extended(&self) -> Result<(), Rejection> {
        if self.rules.extension_days_max.is_none() {
            return Err(Rejection::ExtensionNotAllowed);
        }
        if self.case.flags.extended {
            return Err(Rejection::AlreadyExtended);
        }
        if self.case.extension_request.is_some() {
            return Err(Rejection::ExtensionAlreadyRequested);
        }
        self.may_be_extended_in_time()
    }

    /// Before the legal limit is over; a limit that stands still is not over.
    fn may_be_extended_in_time(&self) -> Result<(), Rejection> {
        let legal = self.clocks_on(self.day).legal.ok_or(Rejection::ExtensionNotAllowed)?;
        if legal.is_over(self.day) { Err(Rejection::ExtensionTooLate) } else { Ok(()) }
    }

    fn yields_result(&self) -> Result<(), Rejection> {
        if self.case.result.is_some() {
            return Err(Rejection::ResultAlreadyMade);
        }
        let nothing = match &self.case.decision {
            Some(decision) => decision.outcome == DecisionOutcome::Denied || !decision.yields_result,
            None => self.rules.result_zh.is_empty(),
        };
        if nothing { Err(Rejection::NothingToMake) } else { Ok(()) }
    }

    fn has_something_to_revoke(&self) -> Result<(), Rejection> {
        let granted = |case: &Case| case.decision.as_ref().is_some_and(|made| made.outcome != DecisionOutcome::Denied);
        if granted(self.case) { Ok(()) } else { Err(Rejection::NothingToRevoke) }
    }

    /// Every paper must be there: what was promised, and the proof that the applicant has the result.
    fn may_be_archived(&self) -> Result<(), Rejection> {
        let case = self.case;
        if case.flags.archived {
            return Err(Rejection::AlreadyArchived);
        }
        if case.decision.is_some() && case.finish.is_some() {
            if case.delivery.is_none() {
                return Err(Rejection::NotDelivered);
            }
            if !case.promised_materials.is_empty() {
                return Err(Rejection::PapersMissing);
            }
        }
        Ok(())
    }
}

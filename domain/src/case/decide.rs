//! How an act is judged: who may do it, whether it is already so, whether the time is right, and then its own rules.

use super::action::Action;
use super::desk::Desk;
use super::state::Case;
use super::{CaseCommand, Rejection};
use crate::actor::Role;
use crate::decider::{Context, Decider};
use crate::event::CaseEvent;
use crate::event::case::{AcceptanceKind, Anomaly};
use crate::zone::day_of;

/// What follows from an act.
pub(super) type Decided = Result<Vec<CaseEvent>, Rejection>;

impl Decider for Case {
    type Command = CaseCommand;
    type Event = CaseEvent;
    type Rejection = Rejection;

    fn decide(&self, command: &CaseCommand, context: &Context<'_>) -> Decided {
        let mut events = match command {
            CaseCommand::Submit(submit) => self.submit(submit, context)?,
            _ => self.judge(command, context)?,
        };
        mark_late_entry(&mut events, context);
        Ok(events)
    }

    fn evolve(&mut self, event: &CaseEvent) {
        self.evolve_alone(event);
    }
}

/// An act the case offers or refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionOffer {
    /// Which.
    pub action: Action,
    /// Whether this person may do it now, or the rule that refuses it.
    pub allowed: Result<(), Rejection>,
}

impl Case {
    /// Returns every act that a person may ask for, each with the rule that refuses it now, if one does.
    ///
    /// What an act carries is judged when it is asked for; everything else is judged here, by the same functions.
    #[must_use]
    pub fn actions(&self, context: &Context<'_>) -> Vec<ActionOffer> {
        let offered = Action::ALL.into_iter().filter(|action| !action.is_automatic() && *action != Action::Submit);
        offered.map(|action| ActionOffer { action, allowed: self.allows(action, context) }).collect()
    }

    fn allows(&self, action: Action, context: &Context<'_>) -> Result<(), Rejection> {
        let desk = self.on_desk(context)?;
        desk.permits(action)?;
        self.in_time(context)?;
        desk.is_ready(action)
    }

    fn judge(&self, command: &CaseCommand, context: &Context<'_>) -> Decided {
        let action = command.action();
        let desk = self.on_desk(context)?;
        desk.permits(action)?;
        if self.has_done(command, context) {
            return Ok(Vec::new());
        }
        self.in_time(context)?;
        match desk.law_first(action) {
            Some(first) => self.judge_after(first, command, context),
            None => {
                desk.is_ready(action)?;
                self.dispatch(command, &desk, context)
            }
        }
    }

    /// Judges the act on the case as the law has made it, or as timely evidence unmakes it.
    fn judge_after(&self, first: CaseEvent, command: &CaseCommand, context: &Context<'_>) -> Decided {
        let deems = matches!(first, CaseEvent::CaseAccepted(_));
        let mut after = self.clone();
        after.evolve_by(&first, context.occurred_at, context.actor);
        let desk = after.on_desk(context)?;
        let action = command.action();
        // Whoever accepts what the law has accepted already gets what the law says.
        if deems && action == Action::Accept {
            return Ok(vec![first]);
        }
        desk.is_ready(action)?;
        let then = after.dispatch(command, &desk, context)?;
        Ok(std::iter::once(first).chain(then).collect())
    }

    /// Not later than now, not before what people did last.
    fn in_time(&self, context: &Context<'_>) -> Result<(), Rejection> {
        if context.now < context.occurred_at {
            return Err(Rejection::OccurredInFuture);
        }
        let by_rule = context.actor.role == Role::System;
        match self.last_occurred_at {
            Some(last) if context.occurred_at < last && !by_rule => Err(Rejection::OccurredBeforePredecessor),
            Some(_) | None => Ok(()),
        }
    }

    fn dispatch(&self, command: &CaseCommand, desk: &Desk<'_>, context: &Context<'_>) -> Decided {
        match command {
            // An application is judged before there is anything on the desk.
            CaseCommand::Submit(_) => Err(Rejection::AlreadySubmitted),
            CaseCommand::AttachMaterial(paper) => desk.attach(paper),
            CaseCommand::ReplaceMaterial { code, reliance } => desk.replace_material(code, reliance),
            CaseCommand::CheckDataShare { code, asked } => desk.check_data_share(code, asked),
            CaseCommand::Receive { receipt, materials_received_on, materials, rating_code_digest } => {
                desk.receive(receipt, *materials_received_on, materials, rating_code_digest)
            }
            CaseCommand::NotRequired { reason, basis } => desk.not_required(reason, basis),
            CaseCommand::RefuseIntake { reason, competent_organ, notice } => {
                desk.refuse_intake(reason, competent_organ, notice)
            }
            CaseCommand::CorrectOnTheSpot { field, old, new } => desk.correct_on_the_spot(field, old, new),
            CaseCommand::IssueNotice { number, missing, in_library, method } => {
                desk.issue_notice(number, missing, in_library, method)
            }
            CaseCommand::Supplement { materials } => desk.supplement(materials),
            CaseCommand::Lapse { reminders } => desk.lapse(reminders),
            CaseCommand::Accept { number, kind, missing, promised_materials_by, commitment } => {
                desk.accept(number, *kind, missing, *promised_materials_by, commitment.as_ref())
            }
            CaseCommand::DeemAccepted => Ok(vec![desk.deemed_acceptance()]),
            CaseCommand::Route { to, step, hand_over } => desk.route(to, step.as_ref(), hand_over),
            CaseCommand::Claim => desk.claim(),
            CaseCommand::Release { reason } => desk.release(reason.as_ref()),
            CaseCommand::Reassign { to, reason } => desk.reassign(to, reason.as_ref()),
            CaseCommand::StartStep { step } => desk.start_step(step),
            CaseCommand::FinishStep { step, outcome, opinion } => desk.finish_step(step, *outcome, opinion.as_ref()),
            CaseCommand::SendBack { to, reason } => desk.send_back(to, reason),
            CaseCommand::Consult { organisations, question, due } => desk.consult(organisations, question, *due),
            CaseCommand::AnswerConsultation { consultation, answer } => desk.answer_consultation(*consultation, answer),
            CaseCommand::RequestSpecialProcedure { kind, reason, limit, notice } => {
                desk.request_procedure(kind, reason, *limit, notice.as_ref())
            }
            CaseCommand::ApproveSpecialProcedure { procedure } => desk.approve_procedure(*procedure),
            CaseCommand::RejectSpecialProcedure { procedure, reason } => desk.reject_procedure(*procedure, reason),
            CaseCommand::CloseSpecialProcedure { procedure, result } => desk.close_procedure(*procedure, result),
            CaseCommand::RequestExtension { days, reason } => desk.request_extension(*days, reason),
            CaseCommand::ApproveExtension { notice } => desk.approve_extension(notice),
            CaseCommand::RejectExtension { reason } => desk.reject_extension(reason),
            CaseCommand::RecomputeDeadlines => desk.recompute_deadlines(),
            CaseCommand::Decide { outcome, number, reason, remedy } => {
                desk.decide(*outcome, number, reason.as_ref(), remedy.as_deref())
            }
            CaseCommand::MakeResult { name, number, valid_until, sha256 } => {
                desk.make_result(name, number, *valid_until, sha256.as_deref())
            }
            CaseCommand::Finish { stamp, fee_fen } => desk.finish(stamp, *fee_fen),
            CaseCommand::HandleAtOnce { acceptance, decision, outcome, reason, remedy, stamp } => {
                let decide = |desk: &Desk<'_>| desk.decide(*outcome, decision, reason.as_ref(), remedy.as_deref());
                self.handle_at_once(acceptance, decide, stamp, context)
            }
            CaseCommand::Deliver { method, recipient, proof } => {
                desk.deliver(*method, recipient.as_ref(), proof.as_ref())
            }
            CaseCommand::Withdraw { reason, evidence } => desk.withdraw(reason, evidence.as_ref()),
            CaseCommand::Return { reason } => desk.return_case(reason),
            CaseCommand::RequestAbort { reason } => desk.request_abort(reason),
            CaseCommand::ApproveAbort => desk.approve_abort(),
            CaseCommand::RejectAbort { reason } => desk.reject_abort(reason),
            CaseCommand::Merge { from, into, reason } => desk.merge(*from, into, reason),
            CaseCommand::Forward { to, package, hand_over } => desk.forward(to.as_ref(), package, hand_over.as_ref()),
            CaseCommand::Urge { organisation, rule, content, due } => {
                desk.urge(organisation.as_ref(), rule, content, *due)
            }
            CaseCommand::AnswerUrging { urging, answer } => desk.answer_urging(*urging, answer),
            CaseCommand::ReadWarning => Ok(desk.read_warnings()),
            CaseCommand::AnswerWarning { answer } => Ok(desk.answer_warnings(answer)),
            CaseCommand::RequestCorrection { corrects, change, reason } => {
                desk.request_correction(*corrects, change, reason)
            }
            CaseCommand::ApproveCorrection { correction } => desk.approve_correction(*correction),
            CaseCommand::RejectCorrection { correction, reason } => desk.reject_correction(*correction, reason),
            CaseCommand::RevokeResult { kind, basis, on, reason } => desk.revoke_result(*kind, basis, *on, reason),
            CaseCommand::RecordConsent { consent } => desk.record_consent(consent),
            CaseCommand::WithdrawConsent { reason } => desk.withdraw_consent(reason.as_ref()),
            CaseCommand::Archive { package, sha256 } => desk.archive(package, sha256),
            CaseCommand::RaiseWarning { clock, threshold } => desk.raise_warning(*clock, *threshold),
        }
    }
}

impl Desk<'_> {
    /// What the law, or timely evidence, makes of the case before the act itself is judged.
    ///
    /// A window that passed without a notice has accepted the case, whether or not the rule was evaluated yet. An act
    /// that took place within the window and is keyed in later takes a deemed acceptance back.
    fn law_first(&self, action: Action) -> Option<CaseEvent> {
        let concerned = matches!(
            action,
            Action::Accept
                | Action::IssueNotice
                | Action::NotRequired
                | Action::RefuseIntake
                | Action::Return
                | Action::Withdraw
                | Action::Merge
                | Action::HandleAtOnce
        );
        if !concerned {
            return None;
        }
        if self.is_deemable() {
            return Some(self.deemed_acceptance());
        }
        let deemed = self.case.acceptance.as_ref().filter(|acceptance| acceptance.kind == AcceptanceKind::Deemed)?;
        let window = self.case.notice_due.as_ref()?;
        let in_time = self.case.phase == super::Phase::Accepted && !window.is_over(self.day);
        in_time.then(|| self.reversal(action, deemed.effective_on))
    }
}

/// 先办后录: marks what was keyed in too late, on every event that carries marks.
fn mark_late_entry(events: &mut [CaseEvent], context: &Context<'_>) {
    let (day, today) = (day_of(context.occurred_at), day_of(context.now));
    let days_max = context.reference.policies.at(day).rules.late_entry_days;
    if (today - day).num_days() <= i64::from(days_max) {
        return;
    }
    for anomalies in events.iter_mut().filter_map(marks) {
        anomalies.push(Anomaly::LateEntry);
    }
}

/// The marks of an event, where it carries some.
fn marks(event: &mut CaseEvent) -> Option<&mut Vec<Anomaly>> {
    match event {
        CaseEvent::CaseSubmitted(body) => Some(&mut body.anomalies),
        CaseEvent::CaseReceived(body) => Some(&mut body.anomalies),
        CaseEvent::OneTimeNoticeIssued(body) => Some(&mut body.anomalies),
        CaseEvent::CaseAccepted(body) => Some(&mut body.anomalies),
        CaseEvent::StepFinished(body) => Some(&mut body.anomalies),
        CaseEvent::SpecialProcedureOpened(body) => Some(&mut body.anomalies),
        CaseEvent::SpecialProcedureClosed(body) => Some(&mut body.anomalies),
        CaseEvent::CaseDecided(body) => Some(&mut body.anomalies),
        CaseEvent::ResultMade(body) => Some(&mut body.anomalies),
        CaseEvent::CaseFinished(body) => Some(&mut body.anomalies),
        CaseEvent::ResultDelivered(body) => Some(&mut body.anomalies),
        CaseEvent::CaseWithdrawn(body) => Some(&mut body.anomalies),
        CaseEvent::CaseReturned(body) => Some(&mut body.anomalies),
        CaseEvent::MaterialAttached(_)
        | CaseEvent::MaterialReplacedByCertificate(_)
        | CaseEvent::DataShareChecked(_)
        | CaseEvent::NotRequiredTold(_)
        | CaseEvent::IntakeRefused(_)
        | CaseEvent::CorrectedOnTheSpot(_)
        | CaseEvent::SupplementProvided(_)
        | CaseEvent::SupplementLapsed(_)
        | CaseEvent::DeemedAcceptanceReversed(_)
        | CaseEvent::CaseRouted(_)
        | CaseEvent::WorkClaimed(_)
        | CaseEvent::WorkReleased(_)
        | CaseEvent::WorkReassigned(_)
        | CaseEvent::StepStarted(_)
        | CaseEvent::StepSentBack(_)
        | CaseEvent::ConsultationOpened(_)
        | CaseEvent::ConsultationAnswered(_)
        | CaseEvent::SpecialProcedureRequested(_)
        | CaseEvent::SpecialProcedureRejected(_)
        | CaseEvent::ExtensionRequested(_)
        | CaseEvent::DeadlineExtended(_)
        | CaseEvent::ExtensionRejected(_)
        | CaseEvent::DeadlineRecomputed(_)
        | CaseEvent::AbortRequested(_)
        | CaseEvent::CaseAborted(_)
        | CaseEvent::CaseMerged(_)
        | CaseEvent::DuplicateMerged(_)
        | CaseEvent::AbortRejected(_)
        | CaseEvent::LegForwarded(_)
        | CaseEvent::CaseUrged(_)
        | CaseEvent::UrgingAnswered(_)
        | CaseEvent::CorrectionRequested(_)
        | CaseEvent::RecordCorrected(_)
        | CaseEvent::CorrectionRejected(_)
        | CaseEvent::ResultRevoked(_)
        | CaseEvent::ConsentRecorded(_)
        | CaseEvent::ConsentWithdrawn(_)
        | CaseEvent::CaseArchived(_)
        | CaseEvent::LateEntryExplained(_)
        | CaseEvent::WarningRaised(_)
        | CaseEvent::WarningRead(_)
        | CaseEvent::WarningAnswered(_)
        | CaseEvent::LegacyCaseOpened(_)
        | CaseEvent::LegacyActivityRecorded(_) => None,
    }
}

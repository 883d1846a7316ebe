//! What is already so: an act asked for again changes nothing.

use super::CaseCommand;
use super::state::{Case, ProcedureState};
use crate::decider::Context;
use crate::event::case::{ClosingKind, DocumentRef};
use crate::event::evidence::DataShareChecked;
use crate::sealed::Sealed;

impl Case {
    /// Returns whether exactly this was done: by its printed number, or where it has none by everything it carries.
    pub(super) fn has_done(&self, command: &CaseCommand, context: &Context<'_>) -> bool {
        let ended_as = |kind: ClosingKind| self.closing.as_ref().is_some_and(|closing| closing.kind == kind);
        let pending_reason =
            |pending: Option<&super::Pending>, reason: &Sealed| pending.is_some_and(|p| p.reason == *reason);
        match command {
            CaseCommand::Submit(submit) => self.application.as_ref().is_some_and(|a| a.number == submit.number),
            CaseCommand::AttachMaterial(paper) => self.papers.get(&paper.paper) == Some(paper),
            CaseCommand::ReplaceMaterial { code, reliance } => {
                !self.outstanding.contains(code)
                    && self.relied_on.get(code).is_some_and(|relied_on| {
                        relied_on.certificate == reliance.certificate
                            && relied_on.certificate_version == reliance.version
                    })
            }
            CaseCommand::CheckDataShare { code, asked } => {
                let same = |check: &DataShareChecked| check.code == *code && check.asked_at == asked.asked_at;
                self.data_shares.values().any(same)
            }
            CaseCommand::Receive { receipt, .. } => self.receipt.as_ref().is_some_and(|r| r.number == *receipt),
            CaseCommand::NotRequired { .. } => ended_as(ClosingKind::NotRequired),
            CaseCommand::RefuseIntake { .. } => ended_as(ClosingKind::RefusedIntake),
            CaseCommand::CorrectOnTheSpot { field, new, old: _ } => self.corrected_fields.get(field) == Some(new),
            CaseCommand::IssueNotice { number, .. } => self.notices.iter().any(|notice| notice.number == *number),
            CaseCommand::Supplement { materials } => {
                !materials.is_empty() && materials.iter().all(|m| self.was_supplied(m))
            }
            CaseCommand::Lapse { .. } => ended_as(ClosingKind::SupplementLapsed),
            CaseCommand::Accept { number, .. } => {
                self.acceptance.as_ref().is_some_and(|acceptance| acceptance.number.as_ref() == Some(number))
            }
            CaseCommand::DeemAccepted => self.flags.deemed_accepted,
            CaseCommand::Route { to, hand_over, step: _ } => {
                self.at.as_ref() == Some(to) && self.hand_over.as_ref() == Some(hand_over)
            }
            CaseCommand::Claim => self.phase.is_open() && self.holder.as_ref() == Some(&context.actor.id),
            CaseCommand::Release { .. } => self.phase.is_open() && self.holder.is_none(),
            CaseCommand::Reassign { to, .. } => self.phase.is_open() && self.holder.as_ref() == Some(to),
            CaseCommand::StartStep { step } => self
                .steps
                .iter()
                .any(|open| open.code == *step && open.done.is_none() && open.holder == context.actor.id),
            CaseCommand::FinishStep { .. } => false,
            CaseCommand::SendBack { to, reason } => {
                self.sent_back_reason.as_ref() == Some(reason) && self.routed_step.as_ref() == Some(to)
            }
            CaseCommand::Consult { organisations, question, due } => self.consultations.values().any(|asked| {
                asked.organisations == *organisations && asked.question.as_ref() == Some(question) && asked.due == *due
            }),
            CaseCommand::AnswerConsultation { consultation, answer } => self
                .consultations
                .get(consultation)
                .is_some_and(|asked| asked.answers.values().any(|given| given == answer)),
            CaseCommand::RequestSpecialProcedure { kind, reason, .. } => self.procedures.values().any(|procedure| {
                let stands = matches!(procedure.state, ProcedureState::Requested | ProcedureState::Open);
                stands && procedure.kind == *kind && procedure.reason.as_ref() == Some(reason)
            }),
            CaseCommand::ApproveSpecialProcedure { procedure } => self.procedure_is(*procedure, ProcedureState::Open),
            CaseCommand::RejectSpecialProcedure { procedure, .. } => {
                self.procedure_is(*procedure, ProcedureState::Rejected)
            }
            CaseCommand::CloseSpecialProcedure { procedure, .. } => {
                self.procedure_is(*procedure, ProcedureState::Closed)
            }
            CaseCommand::RequestExtension { days, reason } => self
                .extension_request
                .as_ref()
                .is_some_and(|pending| pending.days == *days && pending.request.reason == *reason),
            CaseCommand::ApproveExtension { .. } => self.flags.extended && self.extension_request.is_none(),
            CaseCommand::RejectExtension { .. } | CaseCommand::RejectAbort { .. } => false,
            CaseCommand::RecomputeDeadlines => false,
            CaseCommand::Decide { number, .. } => self.decision.as_ref().is_some_and(|d| d.number == *number),
            CaseCommand::MakeResult { number, .. } => self.result.as_ref().is_some_and(|r| r.number == *number),
            CaseCommand::Finish { stamp, .. } | CaseCommand::HandleAtOnce { stamp, .. } => {
                self.finish.as_ref().is_some_and(|finish| finish.stamp == *stamp)
            }
            CaseCommand::Deliver { method, recipient, proof } => self.delivery.as_ref().is_some_and(|delivery| {
                let same_proof = |proof: &Option<DocumentRef>| delivery.proof == *proof;
                delivery.method == *method && delivery.recipient == *recipient && same_proof(proof)
            }),
            CaseCommand::Withdraw { .. } => ended_as(ClosingKind::Withdrawn),
            CaseCommand::Return { .. } => ended_as(ClosingKind::Returned),
            CaseCommand::RequestAbort { reason } => pending_reason(self.abort_request.as_ref(), reason),
            CaseCommand::ApproveAbort => ended_as(ClosingKind::Aborted),
            CaseCommand::Merge { into, .. } => self.merged_into.as_ref().is_some_and(|known| known.case == into.case),
            CaseCommand::Forward { to, .. } => {
                let target = to.as_ref().or(self.application.as_ref().map(|application| &application.deciding));
                !self.legs.is_empty() && self.at.as_ref() == target
            }
            CaseCommand::Urge { rule, content, due, organisation: _ } => self
                .urgings
                .values()
                .any(|urging| urging.rule == *rule && urging.content == *content && urging.due == *due),
            CaseCommand::AnswerUrging { urging, answer } => {
                self.urgings.get(urging).is_some_and(|urging| urging.answer.as_ref() == Some(answer))
            }
            CaseCommand::ReadWarning | CaseCommand::AnswerWarning { .. } => false,
            CaseCommand::RequestCorrection { corrects, change, reason } => self.corrections.values().any(|known| {
                known.corrects == *corrects && known.change == *change && pending_reason(known.request.as_ref(), reason)
            }),
            CaseCommand::ApproveCorrection { correction } => self.correction_was(*correction, true),
            CaseCommand::RejectCorrection { correction, .. } => self.correction_was(*correction, false),
            CaseCommand::RevokeResult { kind, basis, on, .. } => self
                .revocations
                .iter()
                .any(|revoked| revoked.kind == *kind && revoked.basis == *basis && revoked.on == *on),
            CaseCommand::RecordConsent { consent } => {
                self.consent.as_ref() == Some(consent) && self.consent_withdrawn_on.is_none()
            }
            CaseCommand::WithdrawConsent { .. } => self.consent.is_some() && self.consent_withdrawn_on.is_some(),
            CaseCommand::Archive { package, .. } => self.archive.as_ref().is_some_and(|a| a.package == *package),
            CaseCommand::RaiseWarning { .. } => false,
        }
    }

    /// It lies in the file, and no open notice asks for it.
    fn was_supplied(&self, material: &crate::event::case::MaterialPresented) -> bool {
        let in_file = self.materials.get(&material.code) == Some(material);
        in_file && !self.outstanding.contains(&material.code) && !self.notices.is_empty()
    }

    fn procedure_is(&self, number: u16, state: ProcedureState) -> bool {
        self.procedures.get(&number).is_some_and(|procedure| procedure.state == state)
    }

    fn correction_was(&self, number: u16, approved: bool) -> bool {
        self.corrections.get(&number).is_some_and(|correction| correction.approved == Some(approved))
    }
}

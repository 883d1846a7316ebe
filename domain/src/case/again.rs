//! What was asked for, read back from what happened: so that history can be decided again under other rules.
//!
//! Only what the person brought along is read back; everything a decision computed is left to be computed anew.

use super::state::Case;
use super::{CaseCommand, Submit, Survivor};
use crate::actor::{Actor, Role};
use crate::event::CaseEvent;
use crate::event::case::{AcceptanceKind, CaseAccepted, CaseMerged, CaseSubmitted, Presented};
use std::collections::BTreeMap;

/// What one recorded act is to whoever decides it again.
#[derive(Debug, Clone, PartialEq)]
pub enum Again {
    /// A person asked for this.
    Act(CaseCommand),
    /// A rule asked for this; whether it would again, [`due`](crate::due) says.
    Rule(CaseCommand),
    /// No rule that could have been another bears on it.
    Stands,
}

impl Case {
    /// Returns what was asked for by an act, given all its events and the case as it stood before them.
    #[must_use]
    pub fn again(&self, events: &[&CaseEvent], by: &Actor) -> Again {
        // Why an act was keyed in late is told beside it, and is no act.
        let acts = events.iter().copied().filter(|event| !matches!(event, CaseEvent::LateEntryExplained(_)));
        let acts: Vec<&CaseEvent> = acts.collect();
        let command = match acts.as_slice() {
            [] => None,
            // What the law made of the case, or timely evidence unmade, came before the act itself.
            [
                CaseEvent::CaseAccepted(CaseAccepted { kind: AcceptanceKind::Deemed, .. })
                | CaseEvent::DeemedAcceptanceReversed(_),
                act @ ..,
            ] if !act.is_empty() => self.asked(act, by),
            act => self.asked(act, by),
        };
        match command {
            None => Again::Stands,
            Some(command) if by.role == Role::System && command.action().is_automatic() => Again::Rule(command),
            Some(command) => Again::Act(command),
        }
    }

    fn asked(&self, act: &[&CaseEvent], by: &Actor) -> Option<CaseCommand> {
        if let [CaseEvent::CaseAccepted(accepted), CaseEvent::CaseDecided(decided), CaseEvent::CaseFinished(finished)] =
            act
        {
            return Some(CaseCommand::HandleAtOnce {
                acceptance: accepted.number.clone()?,
                decision: decided.number.clone(),
                outcome: decided.outcome,
                reason: decided.reason.clone(),
                remedy: decided.remedy.clone(),
                stamp: finished.stamp.clone(),
            });
        }
        let first = act.first()?;
        if self.claims_unasked_data(first) {
            return None;
        }
        Some(match first {
            // What the application relied on then is a fact about another stream.
            CaseEvent::CaseSubmitted(_) if 1 < act.len() => return None,
            CaseEvent::CaseSubmitted(body) => CaseCommand::Submit(applied(body)),
            CaseEvent::MaterialAttached(body) => CaseCommand::AttachMaterial(body.clone()),
            CaseEvent::CaseReceived(body) => CaseCommand::Receive {
                receipt: body.receipt.clone(),
                materials_received_on: Some(body.materials_received_on),
                materials: body.materials.clone(),
                rating_code_digest: body.rating_code_digest.clone(),
            },
            CaseEvent::NotRequiredTold(body) => {
                CaseCommand::NotRequired { reason: body.reason.clone(), basis: body.basis.clone() }
            }
            CaseEvent::IntakeRefused(body) => CaseCommand::RefuseIntake {
                reason: body.reason.clone(),
                competent_organ: body.competent_organ.clone(),
                notice: body.notice.clone(),
            },
            CaseEvent::CorrectedOnTheSpot(body) => CaseCommand::CorrectOnTheSpot {
                field: body.field.clone(),
                old: body.old.clone(),
                new: body.new.clone(),
            },
            CaseEvent::OneTimeNoticeIssued(body) => CaseCommand::IssueNotice {
                number: body.number.clone(),
                missing: body.missing.clone(),
                in_library: body.in_library.iter().cloned().collect(),
                method: body.method.clone(),
            },
            CaseEvent::SupplementProvided(body) => CaseCommand::Supplement { materials: body.materials.clone() },
            CaseEvent::SupplementLapsed(body) => CaseCommand::Lapse { reminders: body.reminders.clone() },
            CaseEvent::CaseAccepted(body) => self.accepted_again(body, by)?,
            CaseEvent::CaseRouted(body) => CaseCommand::Route {
                to: body.to.clone(),
                step: Some(body.step.clone()),
                hand_over: body.hand_over.clone(),
            },
            CaseEvent::WorkClaimed(_) => CaseCommand::Claim,
            CaseEvent::WorkReleased(body) => CaseCommand::Release { reason: body.reason.clone() },
            CaseEvent::WorkReassigned(body) => {
                CaseCommand::Reassign { to: body.to.clone(), reason: body.reason.clone() }
            }
            CaseEvent::StepStarted(body) => CaseCommand::StartStep { step: body.step.clone() },
            CaseEvent::StepFinished(body) => CaseCommand::FinishStep {
                step: body.step.clone(),
                outcome: body.outcome,
                opinion: body.opinion.clone(),
            },
            CaseEvent::StepSentBack(body) => CaseCommand::SendBack { to: body.to.clone(), reason: body.reason.clone() },
            CaseEvent::ConsultationOpened(body) => CaseCommand::Consult {
                organisations: body.organisations.clone(),
                question: body.question.clone(),
                due: body.due,
            },
            CaseEvent::ConsultationAnswered(body) => {
                CaseCommand::AnswerConsultation { consultation: body.consultation, answer: body.answer.clone() }
            }
            CaseEvent::SpecialProcedureRequested(body) => CaseCommand::RequestSpecialProcedure {
                kind: body.kind.clone(),
                reason: body.reason.clone(),
                limit: Some(body.limit),
                notice: body.notice.clone(),
            },
            CaseEvent::SpecialProcedureOpened(body) => {
                CaseCommand::ApproveSpecialProcedure { procedure: body.procedure }
            }
            CaseEvent::SpecialProcedureRejected(body) => {
                CaseCommand::RejectSpecialProcedure { procedure: body.procedure, reason: body.reason.clone() }
            }
            CaseEvent::SpecialProcedureClosed(body) => {
                CaseCommand::CloseSpecialProcedure { procedure: body.procedure, result: body.result.clone() }
            }
            CaseEvent::ExtensionRequested(body) => {
                CaseCommand::RequestExtension { days: body.days, reason: body.reason.clone() }
            }
            CaseEvent::DeadlineExtended(body) => CaseCommand::ApproveExtension { notice: body.notice.clone() },
            CaseEvent::ExtensionRejected(body) => CaseCommand::RejectExtension { reason: body.reason.clone() },
            CaseEvent::DeadlineRecomputed(_) => CaseCommand::RecomputeDeadlines,
            CaseEvent::CaseDecided(body) => CaseCommand::Decide {
                outcome: body.outcome,
                number: body.number.clone(),
                reason: body.reason.clone(),
                remedy: body.remedy.clone(),
            },
            CaseEvent::ResultMade(body) => CaseCommand::MakeResult {
                name: body.name.clone(),
                number: body.number.clone(),
                valid_until: body.valid_until,
                sha256: body.sha256.clone(),
            },
            CaseEvent::CaseFinished(body) => CaseCommand::Finish { stamp: body.stamp.clone(), fee_fen: body.fee_fen },
            CaseEvent::ResultDelivered(body) => CaseCommand::Deliver {
                method: body.method,
                recipient: body.recipient.clone(),
                proof: body.proof.clone(),
            },
            CaseEvent::CaseWithdrawn(body) => {
                CaseCommand::Withdraw { reason: body.reason.clone(), evidence: body.evidence.clone() }
            }
            CaseEvent::CaseReturned(body) => CaseCommand::Return { reason: body.reason.clone() },
            CaseEvent::AbortRequested(body) => CaseCommand::RequestAbort { reason: body.reason.clone() },
            CaseEvent::CaseAborted(_) => CaseCommand::ApproveAbort,
            CaseEvent::CaseMerged(body) => self.merged_again(body)?,
            CaseEvent::AbortRejected(body) => CaseCommand::RejectAbort { reason: body.reason.clone() },
            CaseEvent::LegForwarded(body) => {
                let (to, package) = (Some(body.to.clone()), body.package.clone());
                CaseCommand::Forward { to, package, hand_over: body.hand_over.clone() }
            }
            CaseEvent::CaseUrged(body) => CaseCommand::Urge {
                organisation: Some(body.organisation.clone()),
                rule: body.rule.clone(),
                content: body.content.clone(),
                due: body.due,
            },
            CaseEvent::UrgingAnswered(body) => {
                CaseCommand::AnswerUrging { urging: body.urging, answer: body.answer.clone() }
            }
            CaseEvent::CorrectionRequested(body) => CaseCommand::RequestCorrection {
                corrects: body.corrects,
                change: body.change.clone(),
                reason: body.reason.clone(),
            },
            CaseEvent::RecordCorrected(body) => CaseCommand::ApproveCorrection { correction: body.correction },
            CaseEvent::CorrectionRejected(body) => {
                CaseCommand::RejectCorrection { correction: body.correction, reason: body.reason.clone() }
            }
            CaseEvent::ResultRevoked(body) => CaseCommand::RevokeResult {
                kind: body.kind,
                basis: body.basis.clone(),
                on: body.on,
                reason: body.reason.clone(),
            },
            CaseEvent::ConsentRecorded(body) => CaseCommand::RecordConsent { consent: body.consent.clone() },
            CaseEvent::ConsentWithdrawn(body) => CaseCommand::WithdrawConsent { reason: body.reason.clone() },
            CaseEvent::CaseArchived(body) => {
                CaseCommand::Archive { package: body.package.clone(), sha256: body.sha256.clone() }
            }
            CaseEvent::WarningRaised(body) => {
                CaseCommand::RaiseWarning { clock: body.clock, threshold: body.threshold }
            }
            CaseEvent::WarningRead(_) => CaseCommand::ReadWarning,
            CaseEvent::WarningAnswered(body) => CaseCommand::AnswerWarning { answer: body.answer.clone() },
            // An act that was taken back without another in its place is none.
            CaseEvent::DeemedAcceptanceReversed(_)
            // What was relied on then is a fact about another stream.
            | CaseEvent::MaterialReplacedByCertificate(_)
            | CaseEvent::DataShareChecked(_)
            // The act was another case's.
            | CaseEvent::DuplicateMerged(_)
            | CaseEvent::LateEntryExplained(_)
            // Nobody here decided what a legacy system recorded.
            | CaseEvent::LegacyCaseOpened(_)
            | CaseEvent::LegacyActivityRecorded(_) => return None,
        })
    }

    /// Before the city's data had to be asked for what they were to say, it was taken as claimed, and stands so.
    fn claims_unasked_data(&self, event: &CaseEvent) -> bool {
        let materials = match event {
            CaseEvent::CaseSubmitted(body) => &body.materials,
            CaseEvent::CaseReceived(body) => &body.materials,
            CaseEvent::SupplementProvided(body) => &body.materials,
            _ => return false,
        };
        let mut shared = materials.iter().filter(|material| material.how == Presented::DataShare);
        shared.any(|material| !self.is_confirmed_by_data(&material.code))
    }

    /// Whoever accepted what the law had accepted already brought a number too, which was not recorded; the receipt's
    /// stands in for it.
    fn accepted_again(&self, body: &CaseAccepted, by: &Actor) -> Option<CaseCommand> {
        if body.kind == AcceptanceKind::Deemed && by.role == Role::System {
            return Some(CaseCommand::DeemAccepted);
        }
        let kind = if body.kind == AcceptanceKind::Deemed { AcceptanceKind::Normal } else { body.kind };
        let receipt = self.receipt.as_ref().map(|receipt| receipt.number.clone());
        Some(CaseCommand::Accept {
            number: body.number.clone().or(receipt)?,
            kind,
            missing: body.missing.clone(),
            promised_materials_by: body.promised_materials_by,
            commitment: body.commitment.clone(),
        })
    }

    /// The survivor was found to be this person's case for this item, and under way.
    fn merged_again(&self, body: &CaseMerged) -> Option<CaseCommand> {
        let application = self.application.as_ref()?;
        let into = Survivor {
            case: body.into,
            number: body.into_number.clone(),
            applicant: application.applicant.subject.clone(),
            item: application.item.clone(),
            open: true,
        };
        // A case does not know its own id; what matters of it is that it is not the survivor's.
        let from = crate::ids::CaseId(ulid::Ulid::nil());
        Some(CaseCommand::Merge { from, into, reason: body.reason.clone() })
    }
}

fn applied(body: &CaseSubmitted) -> Submit {
    Submit {
        number: body.number.clone(),
        source: body.source.clone(),
        item: body.item.clone(),
        channel: body.channel,
        applicant: body.applicant.clone(),
        agent: body.agent.clone(),
        beneficiaries: body.beneficiaries.clone(),
        consent: body.consent.clone(),
        form: body.form.clone(),
        form_version: body.form_version,
        situations: body.situations.clone(),
        certificates: BTreeMap::new(),
        data_shares: BTreeMap::new(),
        intake: body.intake.clone(),
        region: body.region.clone(),
        materials: body.materials.clone(),
        duplicate_of: body.duplicate_of,
    }
}

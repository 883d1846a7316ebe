//! What follows from what happened. Nothing here judges: there is no history it refuses.

use super::Phase;
use super::state::{
    Acceptance, Case, Consultation, CorrectionState, Decision, Delivery, ExtensionRequest, Finish, Leg, Legacy, Merged,
    Notice, Pending, Procedure, ProcedureState, Receipt, Step, StepDone, Urging, Warning,
};
use crate::actor::{Actor, Role};
use crate::clock::Clocks;
use crate::event::CaseEvent;
use crate::event::case::*;
use crate::fact::Fact;
use crate::ids::{EventId, StaffId};
use crate::sealed::Sealed;
use crate::zone::{Instant, day_of};
use chrono::NaiveDate;

/// Who acted and on which day, where the envelope is known.
#[derive(Clone, Copy)]
struct Act<'a> {
    on: Option<NaiveDate>,
    by: Option<&'a Actor>,
}

impl Act<'_> {
    /// The person who acted; rules and imports are nobody.
    fn person(self) -> Option<StaffId> {
        let actor = self.by?;
        (!matches!(actor.role, Role::System | Role::Import)).then(|| actor.id.clone())
    }

    fn pending(self, reason: &Sealed) -> Pending {
        Pending { by: self.person(), on: self.on, reason: reason.clone() }
    }
}

impl Case {
    /// Takes in a recorded fact; those of other families change nothing.
    pub fn evolve_fact(&mut self, fact: &Fact) {
        match &fact.event {
            crate::event::Event::Case(event) => self.evolve_at(event, fact.occurred_at, &fact.by, fact.id),
            crate::event::Event::Rating(_)
            | crate::event::Event::Ticket(_)
            | crate::event::Event::Appointment(_)
            | crate::event::Event::Certificate(_)
            | crate::event::Event::Library(_)
            | crate::event::Event::Item(_)
            | crate::event::Event::Organisation(_)
            | crate::event::Event::Roster(_)
            | crate::event::Event::ServicePoint(_)
            | crate::event::Event::Instrument(_)
            | crate::event::Event::Kin(_)
            | crate::event::Event::Checklist(_)
            | crate::event::Event::Inspection(_)
            | crate::event::Event::Campaign(_)
            | crate::event::Event::Calendar(_)
            | crate::event::Event::Policy(_)
            | crate::event::Event::Template(_)
            | crate::event::Event::Access(_) => (),
        }
    }

    /// Takes in what happened, together with when, by whom, and under which id.
    pub fn evolve_at(&mut self, event: &CaseEvent, occurred_at: Instant, by: &Actor, id: EventId) {
        self.evolve_by(event, occurred_at, by);
        self.facts.insert(id, effective_day(event, occurred_at));
    }

    /// Takes in what happened, when and by whom.
    pub fn evolve_by(&mut self, event: &CaseEvent, occurred_at: Instant, by: &Actor) {
        let was_open = self.closing.is_none();
        self.take_in(event, Act { on: Some(day_of(occurred_at)), by: Some(by) });
        if was_open && self.closing.is_some() {
            self.closed_at = Some(occurred_at);
        }
        if by.role != Role::System {
            self.last_occurred_at = self.last_occurred_at.max(Some(occurred_at));
        }
    }

    /// Takes in what happened, where nothing is known of when and by whom.
    pub(super) fn evolve_alone(&mut self, event: &CaseEvent) {
        self.take_in(event, Act { on: None, by: None });
    }

    fn take_in(&mut self, event: &CaseEvent, act: Act<'_>) {
        match event {
            CaseEvent::CaseSubmitted(body) => self.submitted(body, act),
            CaseEvent::MaterialAttached(body) => self.attached(body, act),
            CaseEvent::MaterialReplacedByCertificate(body) => self.replaced(body),
            CaseEvent::DataShareChecked(body) => self.data_share_checked(body),
            CaseEvent::CaseReceived(body) => self.received(body, act),
            CaseEvent::NotRequiredTold(body) => self.close(&body.closing),
            CaseEvent::IntakeRefused(body) => self.close(&body.closing),
            CaseEvent::CorrectedOnTheSpot(body) => {
                self.corrected_fields.insert(body.field.clone(), body.new.clone());
            }
            CaseEvent::OneTimeNoticeIssued(body) => self.noticed(body, act),
            CaseEvent::SupplementProvided(body) => self.supplemented(body),
            CaseEvent::SupplementLapsed(body) => self.close(&body.closing),
            CaseEvent::CaseAccepted(body) => self.accepted(body, act),
            CaseEvent::DeemedAcceptanceReversed(_) => self.acceptance_reversed(),
            CaseEvent::CaseRouted(body) => self.routed(body, act),
            CaseEvent::WorkClaimed(body) => self.taken(Some(&body.holder), act),
            CaseEvent::WorkReleased(_) => self.taken(None, act),
            CaseEvent::WorkReassigned(body) => self.taken(Some(&body.to), act),
            CaseEvent::StepStarted(body) => self.step_started(body, act),
            CaseEvent::StepFinished(body) => self.step_finished(body, act),
            CaseEvent::StepSentBack(body) => self.step_sent_back(body, act),
            CaseEvent::ConsultationOpened(body) => self.consultation_opened(body, act),
            CaseEvent::ConsultationAnswered(body) => {
                if let Some(consultation) = self.consultations.get_mut(&body.consultation) {
                    consultation.answers.insert(body.organisation.clone(), body.answer.clone());
                }
            }
            CaseEvent::SpecialProcedureRequested(body) => self.procedure_requested(body, act),
            CaseEvent::SpecialProcedureOpened(body) => self.procedure_opened(body),
            CaseEvent::SpecialProcedureRejected(body) => {
                if let Some(procedure) = self.procedures.get_mut(&body.procedure) {
                    procedure.state = ProcedureState::Rejected;
                }
            }
            CaseEvent::SpecialProcedureClosed(body) => self.procedure_closed(body),
            CaseEvent::ExtensionRequested(body) => {
                self.extension_request = Some(ExtensionRequest { days: body.days, request: act.pending(&body.reason) });
            }
            CaseEvent::DeadlineExtended(body) => self.extended(body),
            CaseEvent::ExtensionRejected(_) => self.extension_request = None,
            CaseEvent::DeadlineRecomputed(body) => self.clocks = body.new.clone(),
            CaseEvent::CaseDecided(body) => self.decided(body, act),
            CaseEvent::ResultMade(body) => self.result_made(body),
            CaseEvent::CaseFinished(body) => self.finished(body, act),
            CaseEvent::ResultDelivered(body) => self.delivered(body, act),
            CaseEvent::CaseWithdrawn(body) => {
                self.mark(&body.anomalies);
                self.close(&body.closing);
            }
            CaseEvent::CaseReturned(body) => {
                self.mark(&body.anomalies);
                self.close(&body.closing);
            }
            CaseEvent::AbortRequested(body) => self.abort_request = Some(act.pending(&body.reason)),
            CaseEvent::CaseAborted(body) => self.close(&body.closing),
            CaseEvent::CaseMerged(body) => {
                self.merged_into = Some(Merged { case: body.into, number: body.into_number.clone() });
                self.close(&body.closing);
            }
            CaseEvent::DuplicateMerged(body) => {
                self.merged.push(Merged { case: body.from, number: body.from_number.clone() });
            }
            CaseEvent::AbortRejected(_) => self.abort_request = None,
            CaseEvent::LegForwarded(body) => self.forwarded(body, act),
            CaseEvent::CaseUrged(body) => self.urged(body, act),
            CaseEvent::UrgingAnswered(body) => {
                if let Some(urging) = self.urgings.get_mut(&body.urging) {
                    urging.answer = Some(body.answer.clone());
                }
            }
            CaseEvent::CorrectionRequested(body) => self.correction_requested(body, act),
            CaseEvent::RecordCorrected(body) => self.corrected(body),
            CaseEvent::CorrectionRejected(body) => {
                if let Some(correction) = self.corrections.get_mut(&body.correction) {
                    correction.approved = Some(false);
                }
            }
            CaseEvent::ResultRevoked(body) => self.revocations.push(body.clone()),
            CaseEvent::CaseArchived(body) => {
                self.flags.archived = true;
                self.archive = Some(body.clone());
            }
            CaseEvent::WarningRaised(body) => {
                let WarningRaised { clock, threshold, due, policy, organisation: _, holder: _ } = body;
                self.warnings.insert(Warning { clock: *clock, threshold: *threshold, due: *due, policy: *policy });
            }
            CaseEvent::WarningRead(WarningRead { clock, threshold, due, policy }) => {
                let warning = Warning { clock: *clock, threshold: *threshold, due: *due, policy: *policy };
                self.warnings_read.insert(warning);
            }
            CaseEvent::WarningAnswered(WarningAnswered { clock, threshold, due, policy, answer: _ }) => {
                let warning = Warning { clock: *clock, threshold: *threshold, due: *due, policy: *policy };
                self.warnings_read.insert(warning);
                self.warnings_answered.insert(warning);
            }
            CaseEvent::LegacyCaseOpened(body) => self.legacy_opened(body),
            CaseEvent::LegacyActivityRecorded(body) => self.legacy_activity(body),
            // The marks of a late entry stand on the facts themselves; its explanation is for readers.
            CaseEvent::ConsentRecorded(body) => {
                self.consent = Some(body.consent.clone());
                self.consent_withdrawn_on = None;
            }
            CaseEvent::ConsentWithdrawn(_) => self.consent_withdrawn_on = Some(act.on.unwrap_or_default()),
            CaseEvent::LateEntryExplained(_) => (),
        }
    }

    fn mark(&mut self, anomalies: &[Anomaly]) {
        self.anomalies.extend(anomalies);
    }

    fn submitted(&mut self, body: &CaseSubmitted, act: Act<'_>) {
        self.phase = Phase::Submitted;
        self.mark(&body.anomalies);
        self.take_materials(&body.materials);
        self.consent.clone_from(&body.consent);
        self.submitted_on = act.on;
        self.submitted_by = act.person();
        self.at = Some(body.intake.clone());
        self.at_since = act.on;
        self.application = Some(body.clone());
    }

    pub(super) fn take_materials(&mut self, materials: &[MaterialPresented]) {
        for material in materials {
            self.outstanding.remove(&material.code);
            self.promised_materials.remove(&material.code);
            self.materials.insert(material.code.clone(), material.clone());
        }
    }

    fn attached(&mut self, body: &MaterialAttached, act: Act<'_>) {
        if let Some(helper) = act.by.filter(|by| by.role == Role::VillageAgent) {
            self.helpers_papers.insert(body.paper, helper.organisation.clone());
        }
        self.papers.insert(body.paper, body.clone());
        self.promised_materials.remove(&body.code);
        let presented = self.materials.entry(body.code.clone()).or_insert_with(|| MaterialPresented {
            code: body.code.clone(),
            how: Presented::Upload,
            paper: None,
        });
        presented.paper = Some(body.paper);
    }

    fn received(&mut self, body: &CaseReceived, act: Act<'_>) {
        self.phase = Phase::Received;
        self.mark(&body.anomalies);
        self.take_materials(&body.materials);
        self.at = Some(body.organisation.clone());
        self.notice_due = Some(body.notice_due.clone());
        self.rating_code_digest = Some(body.rating_code_digest.clone());
        self.receipt = Some(Receipt {
            number: body.receipt.clone(),
            organisation: body.organisation.clone(),
            by: act.person(),
            window: act.by.and_then(|actor| actor.window.clone()),
            materials_received_on: body.materials_received_on,
            deems: body.deems,
            outside_hours: body.outside_hours,
        });
    }

    fn close(&mut self, closing: &Closing) {
        self.phase = Phase::Finished;
        self.holder = None;
        self.abort_request = None;
        self.extension_request = None;
        self.closing = Some(closing.clone());
    }

    fn noticed(&mut self, body: &OneTimeNoticeIssued, act: Act<'_>) {
        self.phase = Phase::SupplementPending;
        self.mark(&body.anomalies);
        let missing: Vec<_> = body.missing.iter().map(|missing| missing.code.clone()).collect();
        self.outstanding.extend(missing.iter().cloned());
        self.notices.push(Notice {
            number: body.number.clone(),
            stage: body.stage,
            missing,
            method: body.method.clone(),
            on: act.on,
            supplement_by: body.supplement_by,
            pauses_promised: body.pauses_promised,
            completed_on: None,
        });
    }

    fn supplemented(&mut self, body: &SupplementProvided) {
        self.take_materials(&body.materials);
        if let Some(clocks) = &body.clocks {
            self.clocks = clocks.clone();
        }
        let Some(completed_on) = body.completed_on else { return };
        self.outstanding.clear();
        let stage = self.notices.last().map_or(NoticeStage::Intake, |notice| notice.stage);
        for notice in self.notices.iter_mut().filter(|notice| notice.completed_on.is_none()) {
            notice.completed_on = Some(completed_on);
        }
        if body.notice_due.is_some() {
            self.notice_due.clone_from(&body.notice_due);
        }
        self.phase = match stage {
            NoticeStage::Intake => Phase::Received,
            NoticeStage::Review => self.phase_under_review(),
        };
    }

    /// Accepted before anybody took it up, suspended while a procedure runs, else in review.
    fn phase_under_review(&self) -> Phase {
        let routed = self.routed_on.is_some() || self.routed_step.is_some() || !self.steps.is_empty();
        match self.open_procedures().next() {
            Some(_) => Phase::Suspended,
            None if routed => Phase::InReview,
            None => Phase::Accepted,
        }
    }

    fn accepted(&mut self, body: &CaseAccepted, act: Act<'_>) {
        self.phase = Phase::Accepted;
        self.mark(&body.anomalies);
        self.at = Some(body.organisation.clone());
        self.at_since = act.on;
        self.holder = None;
        self.clocks = body.clocks.clone();
        self.promised_materials.extend(body.missing.iter().cloned());
        match body.kind {
            AcceptanceKind::Normal => (),
            AcceptanceKind::Deemed => self.flags.deemed_accepted = true,
            AcceptanceKind::Tolerant => self.flags.tolerant = true,
            AcceptanceKind::Commitment => self.flags.commitment = true,
        }
        self.acceptance = Some(Acceptance {
            number: body.number.clone(),
            kind: body.kind,
            effective_on: body.effective_on,
            organisation: body.organisation.clone(),
            by: act.person().filter(|_| body.kind != AcceptanceKind::Deemed),
            missing: body.missing.clone(),
            promised_materials_by: body.promised_materials_by,
            lag_days: body.lag_days,
            steps: body.steps.clone(),
        });
    }

    fn acceptance_reversed(&mut self) {
        self.phase = Phase::Received;
        self.flags.deemed_accepted = false;
        self.flags.deemed_reversed = true;
        self.acceptance = None;
        self.clocks = Clocks::default();
    }

    fn routed(&mut self, body: &CaseRouted, act: Act<'_>) {
        self.phase = Phase::InReview;
        self.move_to(&body.to, act);
        self.routed_step = Some(body.step.clone());
        self.routed_on = act.on;
        self.hand_over = Some(body.hand_over.clone());
    }

    fn move_to(&mut self, organisation: &crate::ids::OrganisationId, act: Act<'_>) {
        self.at = Some(organisation.clone());
        self.at_since = act.on;
        self.holder = None;
        self.held_since = None;
    }

    fn taken(&mut self, holder: Option<&StaffId>, act: Act<'_>) {
        self.holder = holder.cloned();
        self.held_since = act.on.filter(|_| holder.is_some());
        self.take_up_leg();
    }

    fn take_up_leg(&mut self) {
        if let Some(leg) = self.legs.last_mut() {
            leg.taken_up = true;
        }
    }

    fn step_started(&mut self, body: &StepStarted, act: Act<'_>) {
        if self.phase == Phase::Accepted {
            self.phase = Phase::InReview;
        }
        self.holder = Some(body.holder.clone());
        self.held_since = act.on;
        self.sent_back_reason = None;
        self.take_up_leg();
        self.steps.push(Step {
            code: body.step.clone(),
            organisation: body.organisation.clone(),
            holder: body.holder.clone(),
            started_on: body.due.start,
            due: body.due.clone(),
            done: None,
        });
    }

    fn step_finished(&mut self, body: &StepFinished, act: Act<'_>) {
        self.mark(&body.anomalies);
        let open = self.steps.iter_mut().rev().find(|step| step.code == body.step && step.done.is_none());
        if let Some(step) = open {
            step.done = Some(StepDone {
                outcome: Some(body.outcome),
                by: act.person(),
                on: act.on,
                working_days: body.working_days,
            });
        }
        if body.outcome != StepOutcome::Returned {
            self.passed.insert(body.step.clone());
        }
    }

    fn step_sent_back(&mut self, body: &StepSentBack, act: Act<'_>) {
        self.sent_back = body.times;
        self.sent_back_reason = Some(body.reason.clone());
        self.routed_step = Some(body.to.clone());
        self.holder = None;
        self.held_since = None;
        let aborted = StepDone { outcome: None, by: act.person(), on: act.on, working_days: 0 };
        for step in self.steps.iter_mut().filter(|step| step.done.is_none()) {
            step.done = Some(aborted.clone());
        }
        let order = self.acceptance.as_ref().map_or(&[][..], |acceptance| &acceptance.steps);
        let again = order.iter().skip_while(|step| **step != body.to).cloned().chain([body.to.clone()]);
        for step in again.collect::<Vec<_>>() {
            self.passed.remove(&step);
        }
    }

    fn consultation_opened(&mut self, body: &ConsultationOpened, act: Act<'_>) {
        self.consultations.insert(
            body.consultation,
            Consultation {
                organisations: body.organisations.clone(),
                question: Some(body.question.clone()),
                due: body.due,
                on: act.on,
                answers: Default::default(),
            },
        );
    }

    fn procedure_requested(&mut self, body: &SpecialProcedureRequested, act: Act<'_>) {
        self.procedures.insert(
            body.procedure,
            Procedure {
                kind: body.kind.clone(),
                state: ProcedureState::Requested,
                requested_by: act.person(),
                requested_on: act.on,
                reason: Some(body.reason.clone()),
                limit: Some(body.limit),
                from: Some(body.from),
                to: None,
                due: None,
                stops_promised: false,
                stops_legal: false,
                basis: None,
                notice: body.notice.clone(),
            },
        );
    }

    fn procedure_opened(&mut self, body: &SpecialProcedureOpened) {
        self.phase = Phase::Suspended;
        self.mark(&body.anomalies);
        let requested = self.procedures.remove(&body.procedure);
        let opened = Procedure {
            kind: body.kind.clone(),
            state: ProcedureState::Open,
            requested_by: requested.as_ref().and_then(|request| request.requested_by.clone()),
            requested_on: requested.as_ref().and_then(|request| request.requested_on),
            reason: requested.as_ref().and_then(|request| request.reason.clone()),
            limit: Some(body.due.limit),
            from: Some(body.from),
            to: None,
            due: Some(body.due.clone()),
            stops_promised: body.stops_promised,
            stops_legal: body.stops_legal,
            basis: body.basis.clone(),
            notice: body.notice.clone(),
        };
        self.procedures.insert(body.procedure, opened);
    }

    fn procedure_closed(&mut self, body: &SpecialProcedureClosed) {
        self.mark(&body.anomalies);
        self.clocks = body.clocks.clone();
        if let Some(procedure) = self.procedures.get_mut(&body.procedure) {
            procedure.state = ProcedureState::Closed;
            procedure.to = Some(body.to);
        }
        if self.open_procedures().next().is_none() && self.phase == Phase::Suspended {
            self.phase = Phase::InReview;
        }
    }

    fn extended(&mut self, body: &DeadlineExtended) {
        self.clocks = body.clocks.clone();
        self.extended_by = Some(body.days);
        self.extension_request = None;
        self.flags.extended = true;
    }

    fn decided(&mut self, body: &CaseDecided, act: Act<'_>) {
        self.phase = if self.result.is_some() { Phase::ResultReady } else { Phase::Decided };
        self.mark(&body.anomalies);
        self.delivery_due.clone_from(&body.delivery_due);
        self.extension_request = None;
        self.holder = None;
        self.decision = Some(Decision {
            outcome: body.outcome,
            number: body.number.clone(),
            organisation: body.organisation.clone(),
            in_name_of: body.in_name_of.clone(),
            authority: body.authority,
            instrument: body.instrument.clone(),
            by: act.person(),
            on: act.on,
            reason: body.reason.clone(),
            remedy: body.remedy.clone(),
            stops_promise: body.stops_promise,
            yields_result: body.yields_result,
        });
    }

    fn result_made(&mut self, body: &ResultMade) {
        self.mark(&body.anomalies);
        if self.phase == Phase::Decided {
            self.phase = Phase::ResultReady;
        }
        self.result = Some(body.clone());
    }

    fn finished(&mut self, body: &CaseFinished, act: Act<'_>) {
        self.mark(&body.anomalies);
        self.close(&body.closing);
        self.finish = Some(Finish {
            stamp: body.stamp.clone(),
            organisation: body.organisation.clone(),
            fee_fen: body.fee_fen,
            by: act.person(),
        });
    }

    fn delivered(&mut self, body: &ResultDelivered, act: Act<'_>) {
        self.mark(&body.anomalies);
        self.delivery = Some(Delivery {
            method: body.method,
            recipient: body.recipient.clone(),
            proof: body.proof.clone(),
            on: act.on,
            days_after_decision: body.days_after_decision,
        });
    }

    fn forwarded(&mut self, body: &LegForwarded, act: Act<'_>) {
        self.move_to(&body.to, act);
        self.hand_over = body.hand_over.clone().or(self.hand_over.take());
        self.legs.push(Leg {
            leg: body.leg,
            from: body.from.clone(),
            to: body.to.clone(),
            since: act.on,
            due: body.due.clone(),
            taken_up: false,
        });
    }

    fn urged(&mut self, body: &CaseUrged, act: Act<'_>) {
        self.flags.urged = true;
        self.urgings.insert(
            body.urging,
            Urging {
                organisation: body.organisation.clone(),
                rule: body.rule.clone(),
                content: body.content.clone(),
                on: act.on,
                due: body.due,
                answer: None,
            },
        );
    }

    fn correction_requested(&mut self, body: &CorrectionRequested, act: Act<'_>) {
        self.corrections.insert(
            body.correction,
            CorrectionState {
                corrects: body.corrects,
                change: body.change.clone(),
                request: Some(act.pending(&body.reason)),
                approved: None,
            },
        );
    }

    fn corrected(&mut self, body: &RecordCorrected) {
        let requested = self.corrections.remove(&body.correction);
        self.corrections.insert(
            body.correction,
            CorrectionState {
                corrects: body.corrects,
                change: body.change.clone(),
                request: requested.and_then(|correction| correction.request),
                approved: Some(true),
            },
        );
        if let Some(clocks) = &body.clocks {
            self.clocks = clocks.clone();
        }
        if let (Some(closing), Some(change)) = (&mut self.closing, &body.closing) {
            *closing = change.new.clone();
        }
        match &body.change {
            Correction::AcceptedOn { new, .. } => {
                if let Some(acceptance) = &mut self.acceptance {
                    acceptance.effective_on = *new;
                }
            }
            Correction::Region { new, .. } => {
                if let Some(application) = &mut self.application {
                    application.region = Some(new.clone());
                }
            }
            Correction::Applicant { new, .. } => {
                if let Some(application) = &mut self.application {
                    application.applicant = new.clone();
                }
            }
            Correction::Text { name, new, .. } => {
                self.corrected_fields.insert(name.clone(), new.clone());
            }
            Correction::ClosedOn { .. } => (),
        }
    }

    fn legacy_opened(&mut self, body: &LegacyCaseOpened) {
        self.phase = Phase::Legacy;
        let activities = self.legacy.take();
        self.legacy = Some(Legacy {
            source: body.source.clone(),
            external_id: body.external_id.clone(),
            attributes: body.attributes.clone(),
            activities: activities.as_ref().map_or(0, |legacy| legacy.activities),
            first_at: activities.as_ref().and_then(|legacy| legacy.first_at),
            last_at: activities.and_then(|legacy| legacy.last_at),
        });
    }

    fn legacy_activity(&mut self, body: &LegacyActivityRecorded) {
        let legacy = self.legacy.get_or_insert_with(|| Legacy {
            source: body.source.clone(),
            external_id: String::new(),
            attributes: Default::default(),
            activities: 0,
            first_at: None,
            last_at: None,
        });
        legacy.activities += 1;
        legacy.first_at = Some(legacy.first_at.map_or(body.at, |first| first.min(body.at)));
        legacy.last_at = legacy.last_at.max(Some(body.at));
    }
}

/// The day from which a fact counts: of a deemed acceptance the receipt, of a correction the corrected fact's.
fn effective_day(event: &CaseEvent, occurred_at: Instant) -> NaiveDate {
    if let CaseEvent::CaseAccepted(CaseAccepted { kind: AcceptanceKind::Deemed, effective_on, .. })
    | CaseEvent::RecordCorrected(RecordCorrected { effective_on, .. }) = event
    {
        return *effective_on;
    }
    day_of(occurred_at)
}

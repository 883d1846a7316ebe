//! What each event adds to its entry.

use super::{ClockChange, ClockEffect, Detail, SealedText, TimelineDocument, TimelineEntry};
use domain::clock::{Clocks, Deadline};
use domain::event::CaseEvent;
use domain::event::case::{
    CaseAccepted, CaseDecided, CaseReceived, CaseSubmitted, Closing, Consent, Correction, DocumentRef,
    LegacyActivityRecorded, LegacyCaseOpened, MaterialAttached, OneTimeNoticeIssued, RecordCorrected, ResultDelivered,
    SpecialProcedureOpened, StepFinished, SupplementProvided, WarningAnswered, WarningRaised, WarningRead,
};
use domain::event::evidence::{DataShareChecked, MaterialReplacedByCertificate};
use domain::ids::{EventId, ExternalNumber};
use domain::sealed::Sealed;
use serde::Serialize;
use std::fmt::Display;

/// Returns which earlier event this one corrects.
pub(super) fn corrects(event: &CaseEvent) -> Option<EventId> {
    if let CaseEvent::RecordCorrected(corrected) = event { Some(corrected.corrects) } else { None }
}

impl TimelineEntry {
    pub(super) fn tell(&mut self, event: &CaseEvent) {
        match event {
            CaseEvent::CaseSubmitted(body) => self.submitted(body),
            CaseEvent::MaterialAttached(body) => self.attached(body),
            CaseEvent::MaterialReplacedByCertificate(body) => self.replaced(body),
            CaseEvent::DataShareChecked(body) => self.data_share_checked(body),
            CaseEvent::CaseReceived(body) => self.received(body),
            CaseEvent::NotRequiredTold(body) => {
                self.detail("basis", &body.basis);
                self.text("reason", Some(&body.reason));
                self.ended(&body.closing);
            }
            CaseEvent::IntakeRefused(body) => {
                self.detail("competent_organ", &body.competent_organ);
                self.document("不予受理告知书", Some(&body.notice));
                self.text("reason", Some(&body.reason));
                self.ended(&body.closing);
            }
            CaseEvent::CorrectedOnTheSpot(body) => {
                self.detail("field", &body.field);
                self.text("old", Some(&body.old));
                self.text("new", Some(&body.new));
            }
            CaseEvent::OneTimeNoticeIssued(body) => self.noticed(body),
            CaseEvent::SupplementProvided(body) => self.supplemented(body),
            CaseEvent::SupplementLapsed(body) => {
                self.detail("supplement_by", body.supplement_by);
                body.reminders.iter().for_each(|reminder| self.detail("reminder", reminder));
                self.ended(&body.closing);
            }
            CaseEvent::CaseAccepted(body) => self.accepted(body),
            CaseEvent::DeemedAcceptanceReversed(body) => {
                self.detail("evidence", &body.evidence);
                self.detail("evidence_on", body.evidence_on);
                self.clock(ClockChange::Reversed, None);
            }
            CaseEvent::CaseRouted(body) => {
                self.detail("to", &body.to);
                self.detail("step", &body.step);
                self.numbered("交接单", &body.hand_over);
            }
            CaseEvent::WorkClaimed(body) => self.detail("holder", &body.holder),
            CaseEvent::WorkReleased(body) => {
                self.detail("holder", &body.holder);
                self.text("reason", body.reason.as_ref());
            }
            CaseEvent::WorkReassigned(body) => {
                self.detail_if("from", body.from.as_ref());
                self.detail("to", &body.to);
                self.text("reason", body.reason.as_ref());
            }
            CaseEvent::StepStarted(body) => {
                self.detail("step", &body.step);
                self.detail("at", &body.organisation);
                self.detail("due", body.due.date);
            }
            CaseEvent::StepFinished(body) => self.step_finished(body),
            CaseEvent::StepSentBack(body) => {
                self.detail_if("from", body.from.as_ref());
                self.detail("to", &body.to);
                self.detail("times", body.times);
                self.text("reason", Some(&body.reason));
            }
            CaseEvent::ConsultationOpened(body) => {
                self.detail("consultation", body.consultation);
                body.organisations.iter().for_each(|asked| self.detail("asked", asked));
                self.detail("due", body.due);
                self.text("question", Some(&body.question));
            }
            CaseEvent::ConsultationAnswered(body) => {
                self.detail("consultation", body.consultation);
                self.detail("organisation", &body.organisation);
                self.text("answer", Some(&body.answer));
            }
            CaseEvent::SpecialProcedureRequested(body) => {
                self.detail("procedure", body.procedure);
                self.detail("procedure_kind", &body.kind);
                self.detail("from", body.from);
                self.document("特别程序告知书", body.notice.as_ref());
                self.text("reason", Some(&body.reason));
            }
            CaseEvent::SpecialProcedureOpened(body) => self.procedure_opened(body),
            CaseEvent::SpecialProcedureRejected(body) => {
                self.detail("procedure", body.procedure);
                self.text("reason", Some(&body.reason));
            }
            CaseEvent::SpecialProcedureClosed(body) => {
                self.detail("procedure", body.procedure);
                self.detail("to", body.to);
                self.text("result", Some(&body.result));
                self.clock(ClockChange::Resumed, Some(&body.clocks));
                self.anomalies.clone_from(&body.anomalies);
            }
            CaseEvent::ExtensionRequested(body) => {
                self.detail("days", body.days);
                self.text("reason", Some(&body.reason));
            }
            CaseEvent::DeadlineExtended(body) => {
                self.detail("days", body.days);
                self.document("延期告知书", Some(&body.notice));
                self.clock(ClockChange::Extended, Some(&body.clocks));
            }
            CaseEvent::ExtensionRejected(body) => self.text("reason", Some(&body.reason)),
            CaseEvent::DeadlineRecomputed(body) => {
                self.detail("calendar", body.calendar);
                self.detail_if("old_promised_by", date(body.old.promised.as_ref()));
                self.detail_if("old_statutory_by", date(body.old.legal.as_ref()));
                self.clock(ClockChange::Recounted, Some(&body.new));
            }
            CaseEvent::CaseDecided(body) => self.decided(body),
            CaseEvent::ResultMade(body) => {
                self.detail("issuer", &body.issuer);
                self.detail_if("valid_until", body.valid_until);
                let document = TimelineDocument {
                    name_zh: body.name.clone(),
                    number: body.number.clone(),
                    sha256: body.sha256.clone(),
                };
                self.documents.push(document);
                self.anomalies.clone_from(&body.anomalies);
            }
            CaseEvent::CaseFinished(body) => {
                self.numbered("出件章", &body.stamp);
                self.detail("at", &body.organisation);
                self.detail("fee_fen", body.fee_fen);
                self.ended(&body.closing);
                self.anomalies.clone_from(&body.anomalies);
            }
            CaseEvent::ResultDelivered(body) => self.delivered(body),
            CaseEvent::CaseWithdrawn(body) => {
                self.text("reason", Some(&body.reason));
                self.document("撤回证明", body.evidence.as_ref());
                self.ended(&body.closing);
                self.anomalies.clone_from(&body.anomalies);
            }
            CaseEvent::CaseReturned(body) => {
                self.text("reason", Some(&body.reason));
                self.ended(&body.closing);
                self.anomalies.clone_from(&body.anomalies);
            }
            CaseEvent::AbortRequested(body) => self.text("reason", Some(&body.reason)),
            CaseEvent::CaseAborted(body) => self.ended(&body.closing),
            CaseEvent::CaseMerged(body) => {
                self.text("reason", Some(&body.reason));
                self.detail("into", &body.into_number);
                self.ended(&body.closing);
            }
            CaseEvent::DuplicateMerged(body) => self.detail("from", &body.from_number),
            CaseEvent::AbortRejected(body) => self.text("reason", Some(&body.reason)),
            CaseEvent::LegForwarded(body) => {
                self.detail("leg", body.leg);
                self.detail("from", &body.from);
                self.detail("to", &body.to);
                self.detail("held_since", body.held_since);
                self.detail("held_days", body.held_days);
                body.package.iter().for_each(|material| self.detail("package", material));
                if let Some(number) = &body.hand_over {
                    self.numbered("交接单", number);
                }
            }
            CaseEvent::CaseUrged(body) => {
                self.detail("urging", body.urging);
                self.detail("organisation", &body.organisation);
                self.detail("rule", &body.rule);
                self.detail("due", body.due);
                self.text("content", Some(&body.content));
            }
            CaseEvent::UrgingAnswered(body) => {
                self.detail("urging", body.urging);
                self.text("answer", Some(&body.answer));
            }
            CaseEvent::CorrectionRequested(body) => {
                self.detail("correction", body.correction);
                self.detail("corrects", body.corrects);
                self.change(&body.change);
                self.text("reason", Some(&body.reason));
            }
            CaseEvent::RecordCorrected(body) => self.corrected(body),
            CaseEvent::CorrectionRejected(body) => {
                self.detail("correction", body.correction);
                self.text("reason", Some(&body.reason));
            }
            CaseEvent::ResultRevoked(body) => {
                self.detail("how", name(&body.kind));
                self.detail("basis", &body.basis);
                self.detail("on", body.on);
                self.text("reason", Some(&body.reason));
            }
            CaseEvent::CaseArchived(body) => {
                let (number, sha256) = (body.package.clone(), Some(body.sha256.clone()));
                self.documents.push(TimelineDocument { name_zh: "归档包".to_owned(), number, sha256 });
                self.detail("retention", &body.retention);
            }
            CaseEvent::ConsentRecorded(body) => self.consented(&body.consent),
            CaseEvent::ConsentWithdrawn(body) => {
                self.numbered("帮办代办同意书", &body.number);
                self.text("reason", body.reason.as_ref());
            }
            CaseEvent::LateEntryExplained(body) => {
                self.numbered("补录依据", &body.paper_reference);
                self.text("reason", Some(&body.reason));
            }
            CaseEvent::WarningRaised(body) => self.warned(body),
            CaseEvent::WarningRead(WarningRead { clock, threshold, due, policy: _ }) => {
                self.detail("clock", name(clock));
                self.detail("threshold", name(threshold));
                self.detail("due", due);
            }
            CaseEvent::WarningAnswered(WarningAnswered { clock, threshold, due, policy: _, answer }) => {
                self.detail("clock", name(clock));
                self.detail("threshold", name(threshold));
                self.detail("due", due);
                self.text("answer", Some(answer));
            }
            CaseEvent::LegacyCaseOpened(body) => self.legacy_opened(body),
            CaseEvent::LegacyActivityRecorded(body) => self.legacy_activity(body),
        }
    }

    fn submitted(&mut self, body: &CaseSubmitted) {
        self.numbered("办件编号", &body.number);
        self.detail("item", &body.item);
        self.detail("item_version", body.item_version);
        self.detail("intake", &body.intake);
        self.detail("handling", &body.handling);
        self.detail("deciding", &body.deciding);
        self.detail_if("region", body.region.as_ref());
        self.detail_if("duplicate_of", body.duplicate_of);
        if let Some(consent) = &body.consent {
            self.consented(consent);
        }
        self.materials.clone_from(&body.materials);
        self.text("applicant", Some(&body.applicant.person));
        self.text("agent", body.agent.as_ref().map(|agent| &agent.person));
        body.beneficiaries.iter().for_each(|one| self.text("beneficiary", Some(&one.person)));
        self.text("form", body.form.as_ref());
        self.anomalies.clone_from(&body.anomalies);
    }

    fn attached(&mut self, body: &MaterialAttached) {
        self.paper = Some(body.paper);
        self.detail("code", &body.code);
        self.detail("sha256", &body.sha256);
        self.detail("bytes", body.bytes);
        self.detail("media_type", &body.media_type);
        self.detail("trust", name(&body.trust));
    }

    fn replaced(&mut self, body: &MaterialReplacedByCertificate) {
        self.detail("code", &body.code);
        self.detail("certificate", body.certificate);
        self.detail("certificate_version", body.certificate_version);
        self.detail("certificate_kind", &body.kind);
        self.detail("issuer", &body.issuer);
        self.detail("trust", name(&body.trust));
        self.detail_if("valid_until", body.valid_until);
        self.detail_if("verified_by", body.verified_by.as_ref());
        self.detail("sha256", &body.snapshot_sha256);
    }

    fn data_share_checked(&mut self, body: &DataShareChecked) {
        self.detail("check", body.check);
        self.detail("code", &body.code);
        self.detail("service", &body.service);
        self.detail("dataset", &body.dataset);
        self.detail("outcome", body.outcome.as_str());
        self.detail("asked_at", body.asked_at.to_rfc3339());
        self.detail_if("answered_at", body.answered_at.map(|at| at.to_rfc3339()));
        self.detail_if("sha256", body.answer_sha256.as_ref());
        if let Some(receipt) = &body.receipt {
            self.numbered("数据共享查询单", receipt);
        }
        self.text("snapshot", body.snapshot.as_ref());
    }

    fn received(&mut self, body: &CaseReceived) {
        self.numbered("收件凭证", &body.receipt);
        self.detail("at", &body.organisation);
        self.detail("materials_received_on", body.materials_received_on);
        if body.outside_hours {
            self.detail("outside_hours", true);
        }
        self.materials.clone_from(&body.materials);
        self.notice_window(&body.notice_due);
        self.anomalies.clone_from(&body.anomalies);
    }

    fn noticed(&mut self, body: &OneTimeNoticeIssued) {
        self.numbered("一次性告知书", &body.number);
        self.detail("stage", name(&body.stage));
        self.detail("method", &body.method);
        for missing in &body.missing {
            self.detail("missing", &missing.code);
            self.text("defect", missing.defect.as_ref());
        }
        body.in_library.iter().for_each(|code| self.detail("in_library", code));
        self.detail_if("supplement_by", body.supplement_by);
        let effect = if body.pauses_promised { ClockChange::PromisePaused } else { ClockChange::NoticeWindowEnded };
        self.clock(effect, None);
        self.anomalies.clone_from(&body.anomalies);
    }

    fn supplemented(&mut self, body: &SupplementProvided) {
        self.materials.clone_from(&body.materials);
        self.detail_if("completed_on", body.completed_on);
        if let Some(due) = &body.notice_due {
            self.notice_window(due);
        }
        if body.clocks.is_some() {
            self.clock(ClockChange::Resumed, body.clocks.as_ref());
        }
    }

    fn accepted(&mut self, body: &CaseAccepted) {
        if let Some(number) = &body.number {
            self.numbered("受理通知书", number);
        }
        self.detail("kind", name(&body.kind));
        self.detail("effective_on", body.effective_on);
        self.detail("at", &body.organisation);
        self.detail("lag_days", body.lag_days);
        body.missing.iter().for_each(|material| self.detail("missing", material));
        self.detail_if("promised_materials_by", body.promised_materials_by);
        self.document("承诺书", body.commitment.as_ref());
        self.clock(ClockChange::Started, Some(&body.clocks));
        self.anomalies.clone_from(&body.anomalies);
    }

    fn step_finished(&mut self, body: &StepFinished) {
        self.detail("step", &body.step);
        self.detail("at", &body.organisation);
        self.detail("holder", &body.holder);
        self.detail("outcome", name(&body.outcome));
        self.detail("started_on", body.started_on);
        self.detail("working_days", body.working_days);
        self.detail("budget_days", body.budget_days);
        self.text("opinion", body.opinion.as_ref());
        self.anomalies.clone_from(&body.anomalies);
    }

    fn procedure_opened(&mut self, body: &SpecialProcedureOpened) {
        self.detail("procedure", body.procedure);
        self.detail("procedure_kind", &body.kind);
        self.detail("from", body.from);
        self.detail("due", body.due.date);
        self.detail_if("basis", body.basis.as_ref());
        self.document("特别程序告知书", body.notice.as_ref());
        match (body.stops_promised, body.stops_legal) {
            (true, true) => self.clock(ClockChange::Paused, None),
            (true, false) => self.clock(ClockChange::PromisePaused, None),
            (false, true) => self.clock(ClockChange::LegalPaused, None),
            (false, false) => (),
        }
        self.anomalies.clone_from(&body.anomalies);
    }

    fn consented(&mut self, consent: &Consent) {
        self.documents.push(TimelineDocument {
            name_zh: "帮办代办同意书".to_owned(),
            number: consent.number.clone(),
            sha256: consent.sha256.clone(),
        });
        self.detail("consent_given", name(&consent.how));
        self.detail_if("consent_given_on", consent.given_on);
        consent.scope.iter().for_each(|scope| self.detail("consent_scope", name(scope)));
        self.detail_if("consent_until", consent.until);
        self.detail_if("helper", consent.helper.as_ref());
    }

    fn decided(&mut self, body: &CaseDecided) {
        self.numbered("决定书", &body.number);
        self.detail("outcome", name(&body.outcome));
        self.detail("organisation", &body.organisation);
        self.detail("authority", name(&body.authority));
        if let Some(rests_on) = &body.instrument {
            self.numbered(rests_on.kind.paper_zh(), &rests_on.number);
            self.detail("instrument", &rests_on.instrument);
        }
        self.detail_if("remedy", body.remedy.as_ref());
        self.detail_if("delivery_due", date(body.delivery_due.as_ref()));
        self.in_name_of = Some(body.in_name_of.clone());
        self.text("reason", body.reason.as_ref());
        self.clock(ClockChange::LegalStopped, None);
        self.anomalies.clone_from(&body.anomalies);
    }

    fn delivered(&mut self, body: &ResultDelivered) {
        self.detail("method", name(&body.method));
        self.detail("days_after_decision", body.days_after_decision);
        self.document("送达回证", body.proof.as_ref());
        self.text("recipient", body.recipient.as_ref());
        self.clock(ClockChange::Delivered, None);
        self.anomalies.clone_from(&body.anomalies);
    }

    fn corrected(&mut self, body: &RecordCorrected) {
        self.detail("correction", body.correction);
        self.detail("corrects", body.corrects);
        self.detail("effective_on", body.effective_on);
        self.change(&body.change);
        if body.clocks.is_some() {
            self.clock(ClockChange::Recounted, body.clocks.as_ref());
        }
    }

    fn change(&mut self, change: &Correction) {
        match change {
            Correction::AcceptedOn { old, new } => {
                self.detail("field", "accepted-on");
                self.detail("old", old);
                self.detail("new", new);
            }
            Correction::ClosedOn { old, new } => {
                self.detail("field", "closed-on");
                self.detail("old", old);
                self.detail("new", new);
            }
            Correction::Region { old, new } => {
                self.detail("field", "region");
                self.detail_if("old", old.as_ref());
                self.detail("new", new);
            }
            Correction::Applicant { old, new } => {
                self.detail("field", "applicant");
                self.text("old", Some(&old.person));
                self.text("new", Some(&new.person));
            }
            Correction::Text { name, old, new } => {
                self.detail("field", name);
                self.text("old", Some(old));
                self.text("new", Some(new));
            }
        }
    }

    fn warned(&mut self, body: &WarningRaised) {
        self.detail("clock", name(&body.clock));
        self.detail("threshold", name(&body.threshold));
        self.detail("due", body.due);
        self.detail("organisation", &body.organisation);
        self.detail_if("holder", body.holder.as_ref());
        self.detail("policy", body.policy);
    }

    fn legacy_opened(&mut self, body: &LegacyCaseOpened) {
        self.detail("source", &body.source);
        self.detail("external_id", &body.external_id);
        self.attributes(&body.attributes);
    }

    fn legacy_activity(&mut self, body: &LegacyActivityRecorded) {
        self.label_zh.clone_from(&body.activity);
        self.label_en.clone_from(&body.activity);
        self.occurred_at = body.at;
        self.detail("source", &body.source);
        self.detail_if("lifecycle", body.lifecycle.as_ref());
        self.detail_if("resource", body.resource.as_ref());
        self.detail_if("group", body.group.as_ref());
        self.detail_if("role", body.role.as_ref());
        self.attributes(&body.attributes);
    }

    fn attributes<'a>(&mut self, attributes: impl IntoIterator<Item = (&'a String, &'a serde_json::Value)>) {
        for (name, value) in attributes {
            match value.as_str() {
                Some(text) => self.detail(name, text),
                None => self.detail(name, value),
            }
        }
    }

    fn ended(&mut self, closing: &Closing) {
        self.detail("closing", name(&closing.kind));
        self.detail("closed_on", closing.closed_on);
        self.detail_if("working_days", closing.working_days);
        self.detail("gross_days", closing.gross_days);
        self.clock = Some(ClockEffect {
            effect: ClockChange::Ended,
            notice_by: None,
            promised_by: closing.promised_by,
            statutory_by: closing.legal_by,
        });
    }

    fn clock(&mut self, effect: ClockChange, clocks: Option<&Clocks>) {
        self.clock = Some(ClockEffect {
            effect,
            notice_by: None,
            promised_by: clocks.and_then(|clocks| date(clocks.promised.as_ref())),
            statutory_by: clocks.and_then(|clocks| date(clocks.legal.as_ref())),
        });
    }

    fn notice_window(&mut self, due: &Deadline) {
        self.clock(ClockChange::NoticeWindowStarted, None);
        if let Some(clock) = &mut self.clock {
            clock.notice_by = Some(due.date);
        }
    }

    fn detail(&mut self, name: &str, value: impl Display) {
        self.details.push(Detail { name: name.to_owned(), value: value.to_string() });
    }

    fn detail_if(&mut self, name: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.detail(name, value);
        }
    }

    fn text(&mut self, name: &str, text: Option<&Sealed>) {
        self.sealed.extend(text.map(|text| SealedText { name: name.to_owned(), text: text.clone() }));
    }

    fn numbered(&mut self, name_zh: &str, number: &ExternalNumber) {
        let document = TimelineDocument { name_zh: name_zh.to_owned(), number: number.clone(), sha256: None };
        self.documents.push(document);
    }

    fn document(&mut self, name_zh: &str, document: Option<&DocumentRef>) {
        self.documents.extend(document.map(|document| TimelineDocument {
            name_zh: name_zh.to_owned(),
            number: document.number.clone(),
            sha256: document.sha256.clone(),
        }));
    }
}

fn date(deadline: Option<&Deadline>) -> Option<chrono::NaiveDate> {
    deadline.map(|deadline| deadline.date)
}

/// The name under which a word of the vocabulary is written in the log.
fn name(word: &impl Serialize) -> String {
    match serde_json::to_value(word) {
        Ok(value) => value.as_str().unwrap_or_default().to_owned(),
        Err(_) => String::new(),
    }
}

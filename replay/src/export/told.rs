//! What an event of the city's own tells outsiders: nothing that names a person or a case.

use domain::event::CaseEvent;
use domain::event::case::Closing;
use serde::Serialize;

/// A value that goes out.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Told {
    Text(String),
    Int(i64),
    Truth(bool),
}

/// What one event tells: of the event itself, or of its whole case.
#[derive(Debug, Default)]
pub(super) struct Telling {
    pub(super) of_event: Vec<(&'static str, Told)>,
    pub(super) of_case: Vec<(&'static str, Told)>,
}

impl Telling {
    /// Returns what goes out of an event: a list of what may, so that what a new event adds stays in.
    pub(super) fn of(event: &CaseEvent) -> Self {
        let mut telling = Self::default();
        telling.take(event);
        telling
    }

    fn take(&mut self, event: &CaseEvent) {
        match event {
            CaseEvent::CaseSubmitted(body) => {
                self.case("source", text(&body.source));
                self.case("item", text(&body.item));
                self.case("item_version", int(body.item_version));
                self.case("kind", word(&body.kind));
                self.case("authority", word(&body.authority));
                self.case("channel", word(&body.channel));
                self.case("applicant_kind", word(&body.applicant.kind));
                self.case("intake", text(&body.intake));
                self.case("handling", text(&body.handling));
                self.case("deciding", text(&body.deciding));
                if let Some(region) = &body.region {
                    self.case("region", text(region));
                }
            }
            CaseEvent::CaseReceived(body) => self.event("outside_hours", Told::Truth(body.outside_hours)),
            CaseEvent::MaterialReplacedByCertificate(body) => {
                self.event("material", text(&body.code));
                self.event("certificate_kind", text(&body.kind));
                self.event("trust", word(&body.trust));
            }
            CaseEvent::DataShareChecked(body) => {
                self.event("material", text(&body.code));
                self.event("service", text(&body.service));
                self.event("dataset", text(&body.dataset));
                self.event("outcome", text(body.outcome.as_str()));
            }
            CaseEvent::OneTimeNoticeIssued(body) => {
                self.event("stage", word(&body.stage));
                self.event("missing", int(u32::try_from(body.missing.len()).unwrap_or(u32::MAX)));
            }
            CaseEvent::CaseAccepted(body) => {
                self.event("acceptance", word(&body.kind));
                self.event("lag_days", int(u32::from(body.lag_days)));
            }
            CaseEvent::CaseRouted(body) => {
                self.event("step", text(&body.step));
                self.event("to", text(&body.to));
            }
            CaseEvent::StepStarted(body) => self.event("step", text(&body.step)),
            CaseEvent::StepFinished(body) => {
                self.event("step", text(&body.step));
                self.event("outcome", word(&body.outcome));
                self.event("working_days", int(u32::from(body.working_days)));
                self.event("budget_days", int(u32::from(body.budget_days)));
            }
            CaseEvent::StepSentBack(body) => {
                self.event("step", text(&body.to));
                self.event("times", int(u32::from(body.times)));
            }
            CaseEvent::SpecialProcedureRequested(body) => self.event("procedure", text(&body.kind)),
            CaseEvent::SpecialProcedureOpened(body) => {
                self.event("procedure", text(&body.kind));
                self.event("stops_promised", Told::Truth(body.stops_promised));
                self.event("stops_legal", Told::Truth(body.stops_legal));
            }
            CaseEvent::DeadlineExtended(body) => self.event("days", int(u32::from(body.days))),
            CaseEvent::CaseDecided(body) => self.event("outcome", word(&body.outcome)),
            CaseEvent::ResultDelivered(body) => {
                self.event("method", word(&body.method));
                self.event("days_after_decision", int(u32::from(body.days_after_decision)));
            }
            CaseEvent::LegForwarded(body) => {
                self.event("from", text(&body.from));
                self.event("to", text(&body.to));
                self.event("held_days", int(u32::from(body.held_days)));
            }
            CaseEvent::CaseUrged(body) => self.event("rule", text(&body.rule)),
            CaseEvent::WarningRaised(body) => {
                self.event("clock", text(body.clock.as_str()));
                self.event("threshold", word(&body.threshold));
            }
            CaseEvent::ResultRevoked(body) => self.event("revocation", word(&body.kind)),
            CaseEvent::NotRequiredTold(body) => self.closed(&body.closing),
            CaseEvent::IntakeRefused(body) => self.closed(&body.closing),
            CaseEvent::SupplementLapsed(body) => self.closed(&body.closing),
            CaseEvent::CaseFinished(body) => self.closed(&body.closing),
            CaseEvent::CaseWithdrawn(body) => self.closed(&body.closing),
            CaseEvent::CaseReturned(body) => self.closed(&body.closing),
            CaseEvent::CaseAborted(body) => self.closed(&body.closing),
            CaseEvent::CaseMerged(body) => self.closed(&body.closing),
            CaseEvent::RecordCorrected(body) => {
                if let Some(change) = &body.closing {
                    self.closed(&change.new);
                }
            }
            CaseEvent::MaterialAttached(_)
            | CaseEvent::CorrectedOnTheSpot(_)
            | CaseEvent::SupplementProvided(_)
            | CaseEvent::DeemedAcceptanceReversed(_)
            | CaseEvent::WorkClaimed(_)
            | CaseEvent::WorkReleased(_)
            | CaseEvent::WorkReassigned(_)
            | CaseEvent::ConsultationOpened(_)
            | CaseEvent::ConsultationAnswered(_)
            | CaseEvent::SpecialProcedureRejected(_)
            | CaseEvent::SpecialProcedureClosed(_)
            | CaseEvent::ExtensionRequested(_)
            | CaseEvent::ExtensionRejected(_)
            | CaseEvent::DeadlineRecomputed(_)
            | CaseEvent::ResultMade(_)
            | CaseEvent::AbortRequested(_)
            | CaseEvent::AbortRejected(_)
            | CaseEvent::DuplicateMerged(_)
            | CaseEvent::ConsentRecorded(_)
            | CaseEvent::ConsentWithdrawn(_)
            | CaseEvent::UrgingAnswered(_)
            | CaseEvent::CorrectionRequested(_)
            | CaseEvent::CorrectionRejected(_)
            | CaseEvent::CaseArchived(_)
            | CaseEvent::LateEntryExplained(_)
            | CaseEvent::WarningRead(_)
            | CaseEvent::WarningAnswered(_)
            | CaseEvent::LegacyCaseOpened(_)
            | CaseEvent::LegacyActivityRecorded(_) => (),
        }
    }

    fn closed(&mut self, closing: &Closing) {
        self.case("closing", word(&closing.kind));
        self.case("closed_on", text(closing.closed_on));
        self.case("gross_days", int(u32::from(closing.gross_days)));
        self.case("paused_days", int(u32::from(closing.paused_days)));
        if let Some(days) = closing.working_days {
            self.case("working_days", int(u32::from(days)));
        }
        if let Some(by) = closing.promised_by {
            self.case("promised_by", text(by));
            self.case("late", Told::Truth(by < closing.promise_stopped_on));
        }
        if let Some(by) = closing.legal_by {
            self.case("legal_by", text(by));
        }
    }

    fn event(&mut self, name: &'static str, told: Told) {
        self.of_event.push((name, told));
    }

    fn case(&mut self, name: &'static str, told: Told) {
        self.of_case.push((name, told));
    }
}

fn text(value: impl ToString) -> Told {
    Told::Text(value.to_string())
}

fn int(value: u32) -> Told {
    Told::Int(i64::from(value))
}

/// The public name of an enumeration's value.
fn word(value: &impl Serialize) -> Told {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Told::Text(word),
        Ok(other) => Told::Text(other.to_string()),
        Err(_) => Told::Text(String::new()),
    }
}

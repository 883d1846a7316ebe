//! What a fact of a case says that lists ask for.

use domain::case::Phase;
use domain::event::CaseEvent;
use domain::event::case::{Closing, ClosingKind, Correction, NoticeStage};
use domain::fact::Fact;
use domain::ids::OrganisationId;
use domain::sealed::Party;
use domain::zone;

/// What lists ask a case for. Of [`Phase`](Attribute::Phase), [`Closing`](Attribute::Closing) and
/// [`OpenedOn`](Attribute::OpenedOn) the newest value holds; the others gather: an organisation, person or number
/// that once belonged to a case still finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Attribute {
    Source = 1,
    Item = 2,
    Organisation = 3,
    Subject = 4,
    Number = 5,
    Phase = 6,
    Closing = 7,
    OpenedOn = 8,
}

impl Attribute {
    pub(super) fn from_code(code: u8) -> Option<Self> {
        [
            Self::Source,
            Self::Item,
            Self::Organisation,
            Self::Subject,
            Self::Number,
            Self::Phase,
            Self::Closing,
            Self::OpenedOn,
        ]
        .into_iter()
        .find(|attribute| *attribute as u8 == code)
    }

    /// Tells whether cases are looked up by this attribute, rather than only checked against it.
    pub(super) fn is_posted(self) -> bool {
        match self {
            Self::Source | Self::Item | Self::Organisation | Self::Subject | Self::Number | Self::Closing => true,
            Self::Phase | Self::OpenedOn => false,
        }
    }
}

/// One attribute's value from one fact on.
pub(super) type Change = (Attribute, String);

/// As much of a case as is needed to tell its next phase; mirrors what the case itself does with the same events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Trace {
    pub(super) phase: Phase,
    /// Special procedures that are open, by their number; numbers beyond 63 share the last place.
    pub(super) procedures: u64,
    pub(super) routed: bool,
    pub(super) noticed_in_review: bool,
    pub(super) has_result: bool,
    pub(super) has_ended: bool,
}

impl Trace {
    /// Takes in a fact of the case and returns what changed for lists.
    pub(super) fn take_in(&mut self, fact: &Fact, event: &CaseEvent) -> Vec<Change> {
        let before = self.phase;
        let mut changes = said(fact, event);
        if !self.has_ended && matches!(event, CaseEvent::RecordCorrected(_)) {
            // There is no ending yet that could be corrected.
            changes.retain(|(attribute, _)| *attribute != Attribute::Closing);
        }
        self.evolve(event);
        if self.phase != before {
            changes.push((Attribute::Phase, self.phase.as_str().to_owned()));
        }
        changes
    }

    fn evolve(&mut self, event: &CaseEvent) {
        match event {
            CaseEvent::CaseSubmitted(_) => self.phase = Phase::Submitted,
            CaseEvent::CaseReceived(_) => self.phase = Phase::Received,
            CaseEvent::OneTimeNoticeIssued(notice) => {
                self.noticed_in_review = notice.stage == NoticeStage::Review;
                self.phase = Phase::SupplementPending;
            }
            CaseEvent::SupplementProvided(supplement) if supplement.completed_on.is_some() => {
                self.phase = if self.noticed_in_review { self.phase_under_review() } else { Phase::Received };
            }
            CaseEvent::CaseAccepted(_) => self.phase = Phase::Accepted,
            CaseEvent::DeemedAcceptanceReversed(_) => self.phase = Phase::Received,
            CaseEvent::CaseRouted(_) => {
                self.routed = true;
                self.phase = Phase::InReview;
            }
            CaseEvent::StepStarted(_) => {
                self.routed = true;
                if self.phase == Phase::Accepted {
                    self.phase = Phase::InReview;
                }
            }
            CaseEvent::SpecialProcedureOpened(opened) => {
                self.procedures |= place(opened.procedure);
                self.phase = Phase::Suspended;
            }
            CaseEvent::SpecialProcedureClosed(closed) => {
                self.procedures &= !place(closed.procedure);
                if self.procedures == 0 && self.phase == Phase::Suspended {
                    self.phase = Phase::InReview;
                }
            }
            CaseEvent::CaseDecided(_) => {
                self.phase = if self.has_result { Phase::ResultReady } else { Phase::Decided };
            }
            CaseEvent::ResultMade(_) => {
                self.has_result = true;
                if self.phase == Phase::Decided {
                    self.phase = Phase::ResultReady;
                }
            }
            CaseEvent::NotRequiredTold(_)
            | CaseEvent::IntakeRefused(_)
            | CaseEvent::SupplementLapsed(_)
            | CaseEvent::CaseFinished(_)
            | CaseEvent::CaseWithdrawn(_)
            | CaseEvent::CaseReturned(_)
            | CaseEvent::CaseAborted(_)
            | CaseEvent::CaseMerged(_) => {
                self.has_ended = true;
                self.phase = Phase::Finished;
            }
            CaseEvent::LegacyCaseOpened(_) => self.phase = Phase::Legacy,
            CaseEvent::SupplementProvided(_)
            | CaseEvent::MaterialAttached(_)
            | CaseEvent::DuplicateMerged(_)
            | CaseEvent::MaterialReplacedByCertificate(_)
            | CaseEvent::DataShareChecked(_)
            | CaseEvent::CorrectedOnTheSpot(_)
            | CaseEvent::WorkClaimed(_)
            | CaseEvent::WorkReleased(_)
            | CaseEvent::WorkReassigned(_)
            | CaseEvent::StepFinished(_)
            | CaseEvent::StepSentBack(_)
            | CaseEvent::ConsultationOpened(_)
            | CaseEvent::ConsultationAnswered(_)
            | CaseEvent::SpecialProcedureRequested(_)
            | CaseEvent::SpecialProcedureRejected(_)
            | CaseEvent::ExtensionRequested(_)
            | CaseEvent::DeadlineExtended(_)
            | CaseEvent::ExtensionRejected(_)
            | CaseEvent::DeadlineRecomputed(_)
            | CaseEvent::ResultDelivered(_)
            | CaseEvent::AbortRequested(_)
            | CaseEvent::AbortRejected(_)
            | CaseEvent::LegForwarded(_)
            | CaseEvent::CaseUrged(_)
            | CaseEvent::UrgingAnswered(_)
            | CaseEvent::CorrectionRequested(_)
            | CaseEvent::RecordCorrected(_)
            | CaseEvent::CorrectionRejected(_)
            | CaseEvent::ResultRevoked(_)
            | CaseEvent::CaseArchived(_)
            | CaseEvent::ConsentRecorded(_)
            | CaseEvent::ConsentWithdrawn(_)
            | CaseEvent::LateEntryExplained(_)
            | CaseEvent::WarningRaised(_)
            | CaseEvent::WarningRead(_)
            | CaseEvent::WarningAnswered(_)
            | CaseEvent::LegacyActivityRecorded(_) => (),
        }
    }

    fn phase_under_review(self) -> Phase {
        match (self.procedures, self.routed) {
            (0, true) => Phase::InReview,
            (0, false) => Phase::Accepted,
            (_, _) => Phase::Suspended,
        }
    }
}

/// Returns the name under which a closing kind is listed.
pub(super) fn closing_name(kind: ClosingKind) -> String {
    // The serde name is the public one; a unit variant is always text.
    match serde_json::to_value(kind) {
        Ok(serde_json::Value::String(name)) => name,
        Ok(_) | Err(_) => format!("{kind:?}"),
    }
}

fn place(procedure: u16) -> u64 {
    1 << procedure.min(63)
}

/// What a fact says by itself, whatever came before it.
fn said(fact: &Fact, event: &CaseEvent) -> Vec<Change> {
    let mut said = Said(Vec::new());
    match event {
        CaseEvent::CaseSubmitted(body) => {
            said.add(Attribute::OpenedOn, zone::day_of(fact.occurred_at));
            said.add(Attribute::Source, &body.source);
            said.add(Attribute::Item, &body.item);
            said.add(Attribute::Number, &body.number);
            said.organisations([&body.intake, &body.handling, &body.deciding]);
            for party in [&body.applicant].into_iter().chain(&body.agent).chain(&body.beneficiaries) {
                said.add(Attribute::Subject, &party.subject);
            }
        }
        CaseEvent::CaseReceived(body) => {
            said.add(Attribute::Number, &body.receipt);
            said.add(Attribute::Organisation, &body.organisation);
        }
        CaseEvent::CaseAccepted(body) => said.add(Attribute::Organisation, &body.organisation),
        CaseEvent::CaseRouted(body) => said.add(Attribute::Organisation, &body.to),
        CaseEvent::StepStarted(body) => said.add(Attribute::Organisation, &body.organisation),
        CaseEvent::LegForwarded(body) => said.add(Attribute::Organisation, &body.to),
        CaseEvent::ConsultationOpened(body) => said.organisations(&body.organisations),
        CaseEvent::ConsentRecorded(body) => said.organisations(&body.consent.helper),
        CaseEvent::NotRequiredTold(body) => said.closed(&body.closing),
        CaseEvent::IntakeRefused(body) => said.closed(&body.closing),
        CaseEvent::SupplementLapsed(body) => said.closed(&body.closing),
        CaseEvent::CaseFinished(body) => {
            said.add(Attribute::Organisation, &body.organisation);
            said.closed(&body.closing);
        }
        CaseEvent::CaseWithdrawn(body) => said.closed(&body.closing),
        CaseEvent::CaseReturned(body) => said.closed(&body.closing),
        CaseEvent::CaseAborted(body) => said.closed(&body.closing),
        CaseEvent::CaseMerged(body) => said.closed(&body.closing),
        CaseEvent::RecordCorrected(body) => {
            if let Correction::Applicant { new: Party { subject, .. }, .. } = &body.change {
                said.add(Attribute::Subject, subject);
            }
            if let Some(change) = &body.closing {
                said.closed(&change.new);
            }
        }
        CaseEvent::LegacyCaseOpened(body) => {
            said.add(Attribute::OpenedOn, zone::day_of(fact.occurred_at));
            said.add(Attribute::Source, &body.source);
            said.add(Attribute::Number, &body.external_id);
            said.add(Attribute::Organisation, &fact.by.organisation);
        }
        CaseEvent::MaterialAttached(_)
        | CaseEvent::DuplicateMerged(_)
        | CaseEvent::MaterialReplacedByCertificate(_)
        | CaseEvent::DataShareChecked(_)
        | CaseEvent::CorrectedOnTheSpot(_)
        | CaseEvent::OneTimeNoticeIssued(_)
        | CaseEvent::SupplementProvided(_)
        | CaseEvent::DeemedAcceptanceReversed(_)
        | CaseEvent::WorkClaimed(_)
        | CaseEvent::WorkReleased(_)
        | CaseEvent::WorkReassigned(_)
        | CaseEvent::StepFinished(_)
        | CaseEvent::StepSentBack(_)
        | CaseEvent::ConsultationAnswered(_)
        | CaseEvent::SpecialProcedureRequested(_)
        | CaseEvent::SpecialProcedureOpened(_)
        | CaseEvent::SpecialProcedureRejected(_)
        | CaseEvent::SpecialProcedureClosed(_)
        | CaseEvent::ExtensionRequested(_)
        | CaseEvent::DeadlineExtended(_)
        | CaseEvent::ExtensionRejected(_)
        | CaseEvent::DeadlineRecomputed(_)
        | CaseEvent::CaseDecided(_)
        | CaseEvent::ResultMade(_)
        | CaseEvent::ResultDelivered(_)
        | CaseEvent::AbortRequested(_)
        | CaseEvent::AbortRejected(_)
        | CaseEvent::CaseUrged(_)
        | CaseEvent::UrgingAnswered(_)
        | CaseEvent::CorrectionRequested(_)
        | CaseEvent::CorrectionRejected(_)
        | CaseEvent::ResultRevoked(_)
        | CaseEvent::CaseArchived(_)
        | CaseEvent::ConsentWithdrawn(_)
        | CaseEvent::LateEntryExplained(_)
        | CaseEvent::WarningRaised(_)
        | CaseEvent::WarningRead(_)
        | CaseEvent::WarningAnswered(_)
        | CaseEvent::LegacyActivityRecorded(_) => (),
    }
    said.0
}

struct Said(Vec<Change>);

impl Said {
    fn add(&mut self, attribute: Attribute, value: impl ToString) {
        let change = (attribute, value.to_string());
        if !self.0.contains(&change) {
            self.0.push(change);
        }
    }

    fn organisations<'a>(&mut self, organisations: impl IntoIterator<Item = &'a OrganisationId>) {
        organisations.into_iter().for_each(|organisation| self.add(Attribute::Organisation, organisation));
    }

    fn closed(&mut self, closing: &Closing) {
        self.add(Attribute::Closing, closing_name(closing.kind));
    }
}

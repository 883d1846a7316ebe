//! The wrong paths that an event marks.

use crate::event::CaseEvent;
use crate::event::case::Anomaly;

impl CaseEvent {
    /// Returns the wrong paths that it marks.
    #[must_use]
    pub fn anomalies(&self) -> &[Anomaly] {
        match self {
            CaseEvent::CaseSubmitted(body) => &body.anomalies,
            CaseEvent::CaseReceived(body) => &body.anomalies,
            CaseEvent::OneTimeNoticeIssued(body) => &body.anomalies,
            CaseEvent::CaseAccepted(body) => &body.anomalies,
            CaseEvent::StepFinished(body) => &body.anomalies,
            CaseEvent::SpecialProcedureOpened(body) => &body.anomalies,
            CaseEvent::SpecialProcedureClosed(body) => &body.anomalies,
            CaseEvent::CaseDecided(body) => &body.anomalies,
            CaseEvent::ResultMade(body) => &body.anomalies,
            CaseEvent::CaseFinished(body) => &body.anomalies,
            CaseEvent::ResultDelivered(body) => &body.anomalies,
            CaseEvent::CaseWithdrawn(body) => &body.anomalies,
            CaseEvent::CaseReturned(body) => &body.anomalies,
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
            | CaseEvent::CaseArchived(_)
            | CaseEvent::ConsentRecorded(_)
            | CaseEvent::ConsentWithdrawn(_)
            | CaseEvent::LateEntryExplained(_)
            | CaseEvent::WarningRaised(_)
            | CaseEvent::WarningRead(_)
            | CaseEvent::WarningAnswered(_)
            | CaseEvent::LegacyCaseOpened(_)
            | CaseEvent::LegacyActivityRecorded(_) => &[],
        }
    }
}

//! 电子文书: which act issues which document, under which number, and what its bytes follow from.

use crate::event::CaseEvent;
use crate::event::case::{DocumentRef, Printed};
use crate::ids::{ExternalNumber, IdError};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A kind of document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DocumentKind {
    /// 收件凭证.
    Receipt,
    /// 不予受理告知书.
    Refusal,
    /// 一次性告知书.
    OneTimeNotice,
    /// 受理通知书.
    Acceptance,
    /// 交接单.
    HandOver,
    /// 特别程序告知书.
    SpecialProcedure,
    /// 延期告知书.
    Extension,
    /// 决定书.
    Decision,
    /// 送达回证.
    Delivery,
}

impl DocumentKind {
    /// In the order of a case's life.
    pub const ALL: [Self; 9] = [
        Self::Receipt,
        Self::Refusal,
        Self::OneTimeNotice,
        Self::Acceptance,
        Self::HandOver,
        Self::SpecialProcedure,
        Self::Extension,
        Self::Decision,
        Self::Delivery,
    ];

    /// Returns its permanent name, its Chinese and its English one.
    #[must_use]
    pub fn names(self) -> [&'static str; 3] {
        match self {
            Self::Receipt => ["receipt", "收件凭证", "Receipt"],
            Self::Refusal => ["refusal", "不予受理告知书", "Notice of refusal"],
            Self::OneTimeNotice => ["one-time-notice", "一次性告知书", "One-time notice"],
            Self::Acceptance => ["acceptance", "受理通知书", "Notice of acceptance"],
            Self::HandOver => ["hand-over", "交接单", "Hand-over list"],
            Self::SpecialProcedure => ["special-procedure", "特别程序告知书", "Notice of a special procedure"],
            Self::Extension => ["extension", "延期告知书", "Notice of extension"],
            Self::Decision => ["decision", "决定书", "Decision"],
            Self::Delivery => ["delivery", "送达回证", "Proof of delivery"],
        }
    }

    /// Returns its permanent name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.names()[0]
    }
}

impl fmt::Display for DocumentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DocumentKind {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let known = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        known.ok_or_else(|| IdError { kind: "document kind", text: text.chars().take(64).collect() })
    }
}

/// A document that an event issues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Issued<'a> {
    /// What it is.
    pub kind: DocumentKind,
    /// Its number.
    pub number: &'a ExternalNumber,
    /// How it was printed here, where it was.
    pub printed: Option<&'a Printed>,
    /// The hash of its bytes, where they were made and are kept elsewhere.
    pub made_elsewhere: Option<&'a str>,
}

impl<'a> Issued<'a> {
    fn numbered(kind: DocumentKind, number: &'a ExternalNumber, printed: &'a Option<Printed>) -> Self {
        Self { kind, number, printed: printed.as_ref(), made_elsewhere: None }
    }

    fn referred(kind: DocumentKind, document: &'a DocumentRef, printed: &'a Option<Printed>) -> Self {
        let made_elsewhere = document.sha256.as_deref();
        Self { kind, number: &document.number, printed: printed.as_ref(), made_elsewhere }
    }
}

impl CaseEvent {
    /// Returns the document that this event issues, if it issues one.
    ///
    /// A deemed acceptance has no number and no paper; a special procedure without notice and a delivery without proof
    /// have none either; nor has a leg that was forwarded before hand-over lists were made of them.
    #[must_use]
    pub fn document(&self) -> Option<Issued<'_>> {
        use DocumentKind as K;
        match self {
            Self::CaseReceived(body) => Some(Issued::numbered(K::Receipt, &body.receipt, &body.printed)),
            Self::IntakeRefused(body) => Some(Issued::referred(K::Refusal, &body.notice, &body.printed)),
            Self::OneTimeNoticeIssued(body) => Some(Issued::numbered(K::OneTimeNotice, &body.number, &body.printed)),
            Self::CaseAccepted(body) => {
                body.number.as_ref().map(|number| Issued::numbered(K::Acceptance, number, &body.printed))
            }
            Self::CaseRouted(body) => Some(Issued::numbered(K::HandOver, &body.hand_over, &body.printed)),
            Self::LegForwarded(body) => {
                body.hand_over.as_ref().map(|number| Issued::numbered(K::HandOver, number, &body.printed))
            }
            Self::SpecialProcedureOpened(body) => {
                body.notice.as_ref().map(|notice| Issued::referred(K::SpecialProcedure, notice, &body.printed))
            }
            Self::DeadlineExtended(body) => Some(Issued::referred(K::Extension, &body.notice, &body.printed)),
            Self::CaseDecided(body) => Some(Issued::numbered(K::Decision, &body.number, &body.printed)),
            Self::ResultDelivered(body) => {
                body.proof.as_ref().map(|proof| Issued::referred(K::Delivery, proof, &body.printed))
            }
            Self::CaseSubmitted(_)
            | Self::MaterialAttached(_)
            | Self::MaterialReplacedByCertificate(_)
            | Self::DataShareChecked(_)
            | Self::NotRequiredTold(_)
            | Self::CorrectedOnTheSpot(_)
            | Self::SupplementProvided(_)
            | Self::SupplementLapsed(_)
            | Self::DeemedAcceptanceReversed(_)
            | Self::WorkClaimed(_)
            | Self::WorkReleased(_)
            | Self::WorkReassigned(_)
            | Self::StepStarted(_)
            | Self::StepFinished(_)
            | Self::StepSentBack(_)
            | Self::ConsultationOpened(_)
            | Self::ConsultationAnswered(_)
            | Self::SpecialProcedureRequested(_)
            | Self::SpecialProcedureRejected(_)
            | Self::SpecialProcedureClosed(_)
            | Self::ExtensionRequested(_)
            | Self::ExtensionRejected(_)
            | Self::DeadlineRecomputed(_)
            | Self::ResultMade(_)
            | Self::CaseFinished(_)
            | Self::CaseWithdrawn(_)
            | Self::CaseReturned(_)
            | Self::CaseMerged(_)
            | Self::DuplicateMerged(_)
            | Self::ConsentRecorded(_)
            | Self::ConsentWithdrawn(_)
            | Self::AbortRequested(_)
            | Self::CaseAborted(_)
            | Self::AbortRejected(_)
            | Self::CaseUrged(_)
            | Self::UrgingAnswered(_)
            | Self::CorrectionRequested(_)
            | Self::RecordCorrected(_)
            | Self::CorrectionRejected(_)
            | Self::ResultRevoked(_)
            | Self::CaseArchived(_)
            | Self::LateEntryExplained(_)
            | Self::WarningRaised(_)
            | Self::WarningRead(_)
            | Self::WarningAnswered(_)
            | Self::LegacyCaseOpened(_)
            | Self::LegacyActivityRecorded(_) => None,
        }
    }

    /// Notes how the document that this event issues was printed.
    pub fn print(&mut self, printed: Printed) {
        let slot = match self {
            Self::CaseReceived(body) => &mut body.printed,
            Self::IntakeRefused(body) => &mut body.printed,
            Self::OneTimeNoticeIssued(body) => &mut body.printed,
            Self::CaseAccepted(body) => &mut body.printed,
            Self::CaseRouted(body) => &mut body.printed,
            Self::LegForwarded(body) => &mut body.printed,
            Self::SpecialProcedureOpened(body) => &mut body.printed,
            Self::DeadlineExtended(body) => &mut body.printed,
            Self::CaseDecided(body) => &mut body.printed,
            Self::ResultDelivered(body) => &mut body.printed,
            // The table above says which events issue something.
            _ => return,
        };
        *slot = Some(printed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, SCHEMAS};

    fn fixture(name: &str) -> Option<CaseEvent> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/events");
        let body = std::fs::read(folder.join(format!("{name}.1.json"))).unwrap();
        match Event::decode(name, 1, &body).ok()? {
            Event::Case(event) => Some(event),
            _ => None,
        }
    }

    #[test]
    fn what_is_printed_is_found_in_its_event_again() {
        let mut kinds = Vec::new();
        for mut event in SCHEMAS.iter().filter(|schema| schema.version == 1).filter_map(|schema| fixture(schema.name)) {
            let Some(kind) = event.document().map(|document| document.kind) else { continue };
            let printed = Printed { template: 3, reference: 4711, sha256: "00".repeat(32) };
            event.print(printed.clone());
            assert_eq!(event.document().unwrap().printed, Some(&printed), "{kind}");
            kinds.push(kind);
        }
        kinds.sort_unstable();
        assert_eq!(kinds, DocumentKind::ALL);
    }

    #[test]
    fn a_forwarded_leg_issues_a_hand_over_list_and_one_of_the_past_none() {
        let mut event = fixture("leg-forwarded").unwrap();
        assert_eq!(event.document(), None);
        let CaseEvent::LegForwarded(body) = &mut event else { panic!("another event") };
        body.hand_over = Some("JJ-1".parse().unwrap());
        let printed = Printed { template: 1, reference: 4711, sha256: "00".repeat(32) };
        event.print(printed.clone());
        let issued = event.document().unwrap();
        assert_eq!((issued.kind, issued.number.as_str()), (DocumentKind::HandOver, "JJ-1"));
        assert_eq!(issued.printed, Some(&printed));
    }

    #[test]
    fn a_kind_is_read_by_its_name() {
        for kind in DocumentKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        assert!("love-letter".parse::<DocumentKind>().is_err());
    }
}

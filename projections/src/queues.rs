//! Who has what to do: the work that waits in every hall, ordered by light and date.
//!
//! The state is the files of cases that are not done with and the orders of bad ratings that are not closed. What waits
//! in them is worked out when somebody looks, and only for what changed since the last look; lights are a function of
//! the day and are never kept.

mod index;
mod kind;
mod query;
mod tally;

pub use kind::{QueueKind, QueueKindError};
pub(crate) use query::remaining_working_days;
pub use query::{QueueCursor, QueueKey, QueuePage, QueueQuery, QueueRow};
pub use tally::{Tally, TallyQuery};

use crate::case_file::{CaseFile, OpenCases};
use crate::projection::Projection;
use chrono::NaiveDate;
use domain::decider::Decider as _;
use domain::event::{CaseEvent, Event, RatingEvent};
use domain::fact::{Fact, Subject};
use domain::ids::{CaseId, OrganisationId, RatingId};
use domain::rating::Rating;
use domain::zone::day_of;
use index::Index;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The state behind every queue, and the files of open cases.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Queues {
    cases: OpenCases,
    orders: BTreeMap<RatingId, OrderFile>,
    /// Corrections asked for in cases that are done with otherwise.
    late_corrections: BTreeMap<CaseId, BTreeMap<u16, LateCorrection>>,
    #[serde(skip)]
    index: Index,
}

/// The index follows from the rest.
impl PartialEq for Queues {
    fn eq(&self, other: &Self) -> bool {
        self.cases == other.cases && self.orders == other.orders && self.late_corrections == other.late_corrections
    }
}

/// A bad rating whose order is not closed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct OrderFile {
    /// The rating and its order.
    pub rating: Rating,
    /// The version of its stream.
    pub version: u64,
    /// Since when it waits for what it waits for.
    pub since: NaiveDate,
}

/// A correction that waits for its second person, in a case of which nothing else is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct LateCorrection {
    organisation: OrganisationId,
    since: NaiveDate,
    version: u64,
}

impl Projection for Queues {
    const NAME: &'static str = "queues";
    const REVISION: u32 = 4;

    fn apply(&mut self, fact: &Fact) {
        match (&fact.event, &fact.subject) {
            (Event::Case(event), Subject::Case(case)) => {
                self.index.mark(QueueKey::Case(*case));
                self.apply_to_late_corrections(*case, event, fact);
                self.cases.apply(*case, event, fact);
            }
            (Event::Rating(event), Subject::Rating(rating)) => {
                self.index.mark(QueueKey::Rating(rating.clone()));
                self.apply_rating(rating, event, fact);
            }
            // An event in a stream of another kind is nobody's work.
            (Event::Case(_) | Event::Rating(_), _) => (),
            (
                Event::Ticket(_)
                | Event::Appointment(_)
                | Event::Item(_)
                | Event::Organisation(_)
                | Event::Instrument(_)
                | Event::Roster(_)
                | Event::ServicePoint(_)
                | Event::Certificate(_)
                | Event::Library(_)
                | Event::Kin(_)
                | Event::Checklist(_)
                | Event::Inspection(_)
                | Event::Campaign(_)
                | Event::Calendar(_)
                | Event::Policy(_)
                | Event::Template(_)
                | Event::Access(_),
                _,
            ) => (),
        }
    }
}

impl Queues {
    /// Returns the files of the cases that are not done with.
    #[must_use]
    pub fn cases(&self) -> &OpenCases {
        &self.cases
    }

    /// Returns the file of a case that is not done with.
    #[must_use]
    pub fn case(&self, case: CaseId) -> Option<&CaseFile> {
        self.cases.get(case)
    }

    /// Returns the order of a bad rating, while it is not closed.
    #[must_use]
    pub fn order(&self, rating: &RatingId) -> Option<&OrderFile> {
        self.orders.get(rating)
    }

    /// Returns the orders that are not closed, by rating.
    pub fn orders(&self) -> impl Iterator<Item = (&RatingId, &OrderFile)> {
        self.orders.iter()
    }

    /// A good rating is nobody's work; a closed order is nobody's any more.
    fn apply_rating(&mut self, id: &RatingId, event: &RatingEvent, fact: &Fact) {
        let opens = match event {
            RatingEvent::Rated(rated) => rated.level.is_bad(),
            RatingEvent::RatingRevised(revised) => revised.new.level.is_bad(),
            RatingEvent::BadRatingOpened(_) => true,
            RatingEvent::RatingInvited(_)
            | RatingEvent::RatingNotAdopted(_)
            | RatingEvent::OrderAssigned(_)
            | RatingEvent::OrderVerified(_)
            | RatingEvent::OrderRectified(_)
            | RatingEvent::OrderReplied(_)
            | RatingEvent::OrderCalledBack(_)
            | RatingEvent::OrderAppealed(_)
            | RatingEvent::AppealReviewed(_)
            | RatingEvent::OrderClosed(_) => false,
        };
        if opens {
            self.orders.entry(id.clone()).or_default();
        }
        let Some(file) = self.orders.get_mut(id) else { return };
        let step_before = file.rating.order.as_ref().map(domain::rating::Order::step);
        file.rating.evolve(event);
        file.version = fact.version;
        let order = file.rating.order.as_ref();
        if order.map(domain::rating::Order::step) != step_before {
            file.since = day_of(fact.occurred_at);
        }
        let is_good_again = order.is_none() && file.rating.rated.as_ref().is_none_or(|rated| !rated.level.is_bad());
        if is_good_again || order.is_some_and(|order| order.closed) {
            self.orders.remove(id);
        }
    }

    fn apply_to_late_corrections(&mut self, case: CaseId, event: &CaseEvent, fact: &Fact) {
        match event {
            CaseEvent::CorrectionRequested(requested) if self.cases.get(case).is_none() => {
                let waiting = LateCorrection {
                    organisation: fact.by.organisation.clone(),
                    since: day_of(fact.occurred_at),
                    version: fact.version,
                };
                self.late_corrections.entry(case).or_default().insert(requested.correction, waiting);
            }
            CaseEvent::CorrectionRequested(_) => (),
            CaseEvent::RecordCorrected(corrected) => self.end_late_correction(case, corrected.correction),
            CaseEvent::CorrectionRejected(rejected) => self.end_late_correction(case, rejected.correction),
            CaseEvent::CaseSubmitted(_)
            | CaseEvent::MaterialAttached(_)
            | CaseEvent::MaterialReplacedByCertificate(_)
            | CaseEvent::DataShareChecked(_)
            | CaseEvent::CaseReceived(_)
            | CaseEvent::NotRequiredTold(_)
            | CaseEvent::IntakeRefused(_)
            | CaseEvent::CorrectedOnTheSpot(_)
            | CaseEvent::OneTimeNoticeIssued(_)
            | CaseEvent::SupplementProvided(_)
            | CaseEvent::SupplementLapsed(_)
            | CaseEvent::CaseAccepted(_)
            | CaseEvent::DeemedAcceptanceReversed(_)
            | CaseEvent::CaseRouted(_)
            | CaseEvent::WorkClaimed(_)
            | CaseEvent::WorkReleased(_)
            | CaseEvent::WorkReassigned(_)
            | CaseEvent::StepStarted(_)
            | CaseEvent::StepFinished(_)
            | CaseEvent::StepSentBack(_)
            | CaseEvent::ConsultationOpened(_)
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
            | CaseEvent::CaseFinished(_)
            | CaseEvent::ResultDelivered(_)
            | CaseEvent::CaseWithdrawn(_)
            | CaseEvent::CaseReturned(_)
            | CaseEvent::AbortRequested(_)
            | CaseEvent::CaseAborted(_)
            | CaseEvent::CaseMerged(_)
            | CaseEvent::DuplicateMerged(_)
            | CaseEvent::AbortRejected(_)
            | CaseEvent::LegForwarded(_)
            | CaseEvent::CaseUrged(_)
            | CaseEvent::UrgingAnswered(_)
            | CaseEvent::ResultRevoked(_)
            | CaseEvent::CaseArchived(_)
            | CaseEvent::ConsentRecorded(_)
            | CaseEvent::ConsentWithdrawn(_)
            | CaseEvent::LateEntryExplained(_)
            | CaseEvent::WarningRaised(_)
            | CaseEvent::WarningRead(_)
            | CaseEvent::WarningAnswered(_)
            | CaseEvent::LegacyCaseOpened(_)
            | CaseEvent::LegacyActivityRecorded(_) => (),
        }
    }

    fn end_late_correction(&mut self, case: CaseId, correction: u16) {
        if let Some(waiting) = self.late_corrections.get_mut(&case) {
            waiting.remove(&correction);
            if waiting.is_empty() {
                self.late_corrections.remove(&case);
            }
        }
    }
}

#[cfg(test)]
mod tests;

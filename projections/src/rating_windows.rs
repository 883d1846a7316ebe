//! 待评价: services that ended and that nobody has rated yet, while they may still be.
//!
//! By these the rules invite raters, and suppose a rating where a policy says so. What ended longer ago than any window
//! lasts is forgotten.

use crate::projection::Projection;
use chrono::{Days, NaiveDate};
use domain::event::case::{
    CaseAborted, CaseAccepted, CaseFinished, CaseMerged, CaseReturned, CaseWithdrawn, Closing, IntakeRefused,
    NotRequiredTold, SupplementLapsed,
};
use domain::event::item::RatingStage;
use domain::event::rating::{RatingInvited, RatingSubject};
use domain::event::{CaseEvent, Event, RatingEvent};
use domain::fact::{Fact, Subject};
use domain::ids::CaseId;
use domain::rating::Invitations;
use domain::zone::day_of;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Natural days after which a service is forgotten; longer than any policy's window, and than a late entry of its end.
const DAYS_KEPT: u64 = 60;

/// The state: one small entry for each service of the last weeks that nobody rated.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct RatingWindows {
    unrated: BTreeMap<(CaseId, RatingStage), Unrated>,
    /// The same by the day they ended.
    ended: BTreeMap<NaiveDate, BTreeSet<(CaseId, RatingStage)>>,
}

/// A service that nobody rated yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unrated {
    /// The day it ended.
    pub ended_on: NaiveDate,
    /// 邀评 so far.
    pub invited: Option<Invitations>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Stored(Vec<(CaseId, RatingStage, Unrated)>);

impl From<Stored> for RatingWindows {
    fn from(Stored(all): Stored) -> Self {
        let mut windows = Self::default();
        for (case, stage, unrated) in all {
            windows.ended.entry(unrated.ended_on).or_default().insert((case, stage));
            windows.unrated.insert((case, stage), unrated);
        }
        windows
    }
}

impl From<RatingWindows> for Stored {
    fn from(windows: RatingWindows) -> Self {
        Self(windows.unrated.into_iter().map(|((case, stage), unrated)| (case, stage, unrated)).collect())
    }
}

impl Projection for RatingWindows {
    const NAME: &'static str = "rating-windows";
    const REVISION: u32 = 1;

    fn apply(&mut self, fact: &Fact) {
        match (&fact.event, &fact.subject) {
            (Event::Case(event), Subject::Case(case)) => self.apply_case(*case, event, fact),
            (Event::Rating(event), Subject::Rating(_)) => self.apply_rating(event),
            // An event in a stream of another kind is nobody's service.
            (Event::Case(_) | Event::Rating(_), _) => (),
            (
                Event::Certificate(_)
                | Event::Library(_)
                | Event::Item(_)
                | Event::Organisation(_)
                | Event::Calendar(_)
                | Event::Policy(_)
                | Event::Template(_)
                | Event::Roster(_)
                | Event::Ticket(_)
                | Event::Appointment(_)
                | Event::Kin(_)
                | Event::Checklist(_)
                | Event::Inspection(_)
                | Event::Campaign(_)
                | Event::ServicePoint(_)
                | Event::Instrument(_)
                | Event::Access(_),
                _,
            ) => (),
        }
    }
}

impl RatingWindows {
    /// Returns every service that nobody rated, by case.
    pub fn unrated(&self) -> impl Iterator<Item = (CaseId, RatingStage, Unrated)> {
        self.unrated.iter().map(|((case, stage), unrated)| (*case, *stage, *unrated))
    }

    /// Returns how many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.unrated.len()
    }

    /// Returns whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.unrated.is_empty()
    }

    fn apply_case(&mut self, case: CaseId, event: &CaseEvent, fact: &Fact) {
        match event {
            CaseEvent::NotRequiredTold(NotRequiredTold { closing, .. })
            | CaseEvent::IntakeRefused(IntakeRefused { closing, .. })
            | CaseEvent::SupplementLapsed(SupplementLapsed { closing, .. })
            | CaseEvent::CaseFinished(CaseFinished { closing, .. })
            | CaseEvent::CaseWithdrawn(CaseWithdrawn { closing, .. })
            | CaseEvent::CaseReturned(CaseReturned { closing, .. })
            | CaseEvent::CaseAborted(CaseAborted { closing, .. })
            | CaseEvent::CaseMerged(CaseMerged { closing, .. }) => {
                let Closing { closed_on, .. } = closing;
                self.end((case, RatingStage::Finish), *closed_on, fact);
            }
            CaseEvent::CaseAccepted(CaseAccepted { effective_on, .. }) => {
                self.end((case, RatingStage::Accept), *effective_on, fact);
            }
            CaseEvent::DeemedAcceptanceReversed(_) => self.forget(&(case, RatingStage::Accept)),
            CaseEvent::CaseSubmitted(_)
            | CaseEvent::MaterialAttached(_)
            | CaseEvent::DuplicateMerged(_)
            | CaseEvent::MaterialReplacedByCertificate(_)
            | CaseEvent::DataShareChecked(_)
            | CaseEvent::CaseReceived(_)
            | CaseEvent::CorrectedOnTheSpot(_)
            | CaseEvent::OneTimeNoticeIssued(_)
            | CaseEvent::SupplementProvided(_)
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
            | CaseEvent::LegacyCaseOpened(_)
            | CaseEvent::LegacyActivityRecorded(_) => (),
        }
    }

    fn apply_rating(&mut self, event: &RatingEvent) {
        match event {
            RatingEvent::Rated(rated) => {
                if let RatingSubject::Case(case) = &rated.about {
                    self.forget(&(*case, rated.stage));
                }
            }
            RatingEvent::RatingInvited(RatingInvited { about, stage, time, on, .. }) => {
                if let RatingSubject::Case(case) = about
                    && let Some(unrated) = self.unrated.get_mut(&(*case, *stage))
                {
                    unrated.invited = Some(Invitations { times: *time, last_on: *on });
                }
            }
            RatingEvent::RatingRevised(_)
            | RatingEvent::RatingNotAdopted(_)
            | RatingEvent::BadRatingOpened(_)
            | RatingEvent::OrderAssigned(_)
            | RatingEvent::OrderVerified(_)
            | RatingEvent::OrderRectified(_)
            | RatingEvent::OrderReplied(_)
            | RatingEvent::OrderCalledBack(_)
            | RatingEvent::OrderAppealed(_)
            | RatingEvent::AppealReviewed(_)
            | RatingEvent::OrderClosed(_) => (),
        }
    }

    fn end(&mut self, service: (CaseId, RatingStage), ended_on: NaiveDate, fact: &Fact) {
        self.forget(&service);
        self.ended.entry(ended_on).or_default().insert(service);
        self.unrated.insert(service, Unrated { ended_on, invited: None });
        let today = day_of(fact.recorded_at);
        let Some(first_kept) = today.checked_sub_days(Days::new(DAYS_KEPT)) else { return };
        while let Some(oldest) = self.ended.first_entry().filter(|oldest| *oldest.key() < first_kept) {
            for service in oldest.remove() {
                self.unrated.remove(&service);
            }
        }
    }

    fn forget(&mut self, service: &(CaseId, RatingStage)) {
        let Some(unrated) = self.unrated.remove(service) else { return };
        if let Some(of_day) = self.ended.get_mut(&unrated.ended_on) {
            of_day.remove(service);
            if of_day.is_empty() {
                self.ended.remove(&unrated.ended_on);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::history;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn what_nobody_rated_and_is_not_long_past_is_there(seed in 1_u64..) {
            let facts = history(seed, 80);
            let mut state = RatingWindows::default();
            let mut plain: BTreeMap<(CaseId, RatingStage), NaiveDate> = BTreeMap::new();
            for fact in &facts {
                state.apply(fact);
                let json: serde_json::Value = serde_json::from_slice(&fact.event.encode().unwrap()).unwrap();
                if let (Event::Case(event), Subject::Case(case)) = (&fact.event, &fact.subject) {
                    if let CaseEvent::CaseAccepted(accepted) = event {
                        plain.insert((*case, RatingStage::Accept), accepted.effective_on);
                    }
                    if let CaseEvent::DeemedAcceptanceReversed(_) = event {
                        plain.remove(&(*case, RatingStage::Accept));
                    }
                    if let (Some(closed), false) = (json["closing"]["closed_on"].as_str(), json["correction"].is_number()) {
                        plain.insert((*case, RatingStage::Finish), closed.parse().unwrap());
                    }
                }
                if let Event::Rating(RatingEvent::Rated(rated)) = &fact.event
                    && let RatingSubject::Case(case) = rated.about
                {
                    plain.remove(&(case, rated.stage));
                }
            }
            // Whatever is still there was neither rated nor taken back, and everything recent is.
            for (case, stage, unrated) in state.unrated() {
                prop_assert_eq!(plain.get(&(case, stage)), Some(&unrated.ended_on));
            }
            let last = day_of(facts.last().unwrap().recorded_at);
            let recent = plain.iter().filter(|(_, ended_on)| last - Days::new(DAYS_KEPT) <= **ended_on);
            prop_assert!(recent.into_iter().all(|(service, _)| state.unrated.contains_key(service)));
        }

        #[test]
        fn the_state_comes_back_from_json(seed in 1_u64..) {
            let mut state = RatingWindows::default();
            history(seed, 40).iter().for_each(|fact| state.apply(fact));
            let json = serde_json::to_vec(&state).unwrap();
            prop_assert_eq!(serde_json::from_slice::<RatingWindows>(&json).unwrap(), state);
        }
    }
}

//! 好差评: what people thought of the service, and what was done where they did not like it.
//!
//! A rating counts on the day its service ended, at the hall, window and person that gave it. The denominator is every
//! service that ended: every case once, refused and withdrawn ones included, for those are the unhappy ones; and every visit
//! once that led to no case. Default ratings are kept apart
//! from given ones to the end.

mod figures;
mod publication;
mod query;

pub use publication::{
    BadCases, NotPublishedYet, Publication, PublicationQuery, PublishedBy, PublishedCounty, PublishedFigures,
    PublishedRow,
};
pub use query::{LevelCounts, SatisfactionAnswer, SatisfactionDimension, SatisfactionQuery, SatisfactionRow, Score};

use crate::names::{Code, Names};
use crate::projection::Projection;
use crate::scope::OWN;
use crate::tally::Daily;
use chrono::NaiveDate;
use domain::event::case::{
    CaseAborted, CaseAccepted, CaseFinished, CaseMerged, CaseReturned, CaseWithdrawn, Closing, Correction,
    DeemedAcceptanceReversed, Dimensions, IntakeRefused, NotRequiredTold, RecordCorrected, SupplementLapsed,
};
use domain::event::item::RatingStage;
use domain::event::rating::{
    CallBackResult, Rated, RatedService, RatingChannel, RatingOrigin, RatingSubject, Satisfaction as Level, Verdict,
};
use domain::event::ticket::{ServiceFinished, TicketLinked, Visit};
use domain::event::{CaseEvent, Event, RatingEvent, TicketEvent};
use domain::fact::{Fact, Subject};
use domain::ids::{CaseId, ItemId, OrganisationId, RatingId, SourceName, StaffId, WindowId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The state behind every question about satisfaction.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Satisfaction {
    texts: Texts,
    /// Services that ended, by that day.
    services: Daily<Service>,
    /// Ratings, by the day their service ended.
    ratings: Daily<Rating>,
    /// Bad-rating orders, by the day their service ended.
    orders: Daily<Order>,
    /// Where open cases were received: their acceptance is rated there too.
    received: BTreeMap<CaseId, Received>,
    /// Orders that are not closed, and bad ratings whose order is about to open.
    open: BTreeMap<RatingId, OpenOrder>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Texts {
    sources: Names<SourceName>,
    items: Names<ItemId>,
    organisations: Names<OrganisationId>,
    windows: Names<WindowId>,
    staff: Names<StaffId>,
}

/// At which hall and window an open case was received, and as what its acceptance counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Received {
    organisation: Code,
    window: Option<Code>,
    accepted: Option<Service>,
}

/// Where and by whom a service was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Place {
    source: Code,
    item: Option<Code>,
    organisation: Code,
    window: Option<Code>,
    staff: Option<Code>,
}

/// A service, or the stage of one, that may be rated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Service {
    place: Place,
    item_version: u32,
    stage: RatingStage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Rating {
    place: Place,
    stage: RatingStage,
    channel: RatingChannel,
    level: Level,
    origin: RatingOrigin,
    /// About a case, or a visit that led to none, so that the number of services is its denominator.
    of_service: bool,
    score: u16,
    adopted: bool,
}

/// A bad-rating order, as far as its rates need it. Each fact takes the old one back and puts the new one in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Order {
    place: Place,
    stage: RatingStage,
    channel: RatingChannel,
    real_name: bool,
    verdict: Option<Verdict>,
    rectified_in_time: Option<bool>,
    replied_in_time: Option<bool>,
    /// The last call-back that reached the rater.
    reached: Option<CallBackResult>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct OpenOrder {
    order: Order,
    ended_on: NaiveDate,
    /// The order was opened, and is among those counted.
    opened: bool,
    rectify_due: Option<NaiveDate>,
    reply_due: Option<NaiveDate>,
}

impl Projection for Satisfaction {
    const NAME: &'static str = "satisfaction";
    const REVISION: u32 = 3;

    fn apply(&mut self, fact: &Fact) {
        match (&fact.event, &fact.subject) {
            (Event::Case(event), Subject::Case(case)) => self.apply_case(*case, event, fact),
            (Event::Rating(event), Subject::Rating(rating)) => self.apply_rating(rating, event),
            (Event::Ticket(event), Subject::Hall(day)) => self.apply_ticket(&day.hall, event),
            // An event in a stream of another kind is nobody's service.
            (Event::Case(_) | Event::Rating(_) | Event::Ticket(_), _) => (),
            (
                Event::Appointment(_)
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

impl Satisfaction {
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
                self.received.remove(&case);
                let service = self.texts.ended(closing);
                self.services.add(closing.closed_on, service);
            }
            CaseEvent::CaseReceived(received) => {
                let organisation = self.texts.organisations.code(&received.organisation);
                let window = fact.by.window.as_ref().map(|window| self.texts.windows.code(window));
                self.received.insert(case, Received { organisation, window, accepted: None });
            }
            CaseEvent::CaseAccepted(CaseAccepted { effective_on, dimensions, .. }) => {
                let service = self.texts.accepted(dimensions, self.received.get(&case).copied());
                self.services.add(*effective_on, service);
                if let Some(received) = self.received.get_mut(&case) {
                    received.accepted = Some(service);
                }
            }
            CaseEvent::DeemedAcceptanceReversed(DeemedAcceptanceReversed { dimensions, effective_on, .. }) => {
                let service = self.texts.accepted(dimensions, self.received.get(&case).copied());
                self.services.take(*effective_on, service);
            }
            CaseEvent::RecordCorrected(corrected) => self.correct(case, corrected),
            CaseEvent::CaseSubmitted(_)
            | CaseEvent::MaterialAttached(_)
            | CaseEvent::DuplicateMerged(_)
            | CaseEvent::MaterialReplacedByCertificate(_)
            | CaseEvent::DataShareChecked(_)
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

    fn correct(&mut self, case: CaseId, corrected: &RecordCorrected) {
        if let Some(change) = &corrected.closing {
            let (old, new) = (self.texts.ended(&change.old), self.texts.ended(&change.new));
            self.services.take(change.old.closed_on, old);
            self.services.add(change.new.closed_on, new);
        }
        match &corrected.change {
            Correction::AcceptedOn { old, new } => {
                let open = self.received.get(&case).and_then(|received| received.accepted);
                // Of a case that ended, acceptance and ending were the same people's at the same window.
                let ended = corrected.closing.as_ref().map(|change| self.texts.ended(&change.old));
                let ended = ended.map(|service| Service { stage: RatingStage::Accept, ..service });
                if let Some(service) = open.or(ended) {
                    self.services.take(*old, service);
                    self.services.add(*new, service);
                }
            }
            Correction::ClosedOn { .. }
            | Correction::Region { .. }
            | Correction::Applicant { .. }
            | Correction::Text { .. } => (),
        }
    }

    fn apply_ticket(&mut self, hall: &OrganisationId, event: &TicketEvent) {
        match event {
            TicketEvent::ServiceFinished(ServiceFinished { visit: Some(visit), .. }) => {
                let Some(service) = self.texts.visited(hall, visit) else { return };
                self.services.add(visit.ended_on, service);
            }
            // Now it is the case that is the service.
            TicketEvent::TicketLinked(TicketLinked { visit: Some(visit), .. }) => {
                let Some(service) = self.texts.visited(hall, visit) else { return };
                self.services.take(visit.ended_on, service);
            }
            TicketEvent::ServiceFinished(_)
            | TicketEvent::TicketLinked(_)
            | TicketEvent::TicketIssued(_)
            | TicketEvent::TicketCalled(_)
            | TicketEvent::TicketRecalled(_)
            | TicketEvent::TicketMissed(_)
            | TicketEvent::TicketParked(_)
            | TicketEvent::TicketRequeued(_)
            | TicketEvent::TicketTransferred(_)
            | TicketEvent::ServiceStarted(_)
            | TicketEvent::TicketAbandoned(_)
            | TicketEvent::WindowStaffed(_)
            | TicketEvent::WindowLeft(_)
            | TicketEvent::HallWarningRaised(_)
            | TicketEvent::HallWarningEnded(_)
            | TicketEvent::HallDayClosed(_) => (),
        }
    }

    fn apply_rating(&mut self, id: &RatingId, event: &RatingEvent) {
        match event {
            RatingEvent::Rated(rated) => {
                let rating = self.texts.rating(rated, true);
                self.ratings.add(rated.service.ended_on, rating);
                self.expect_order(id, rated, rating);
            }
            RatingEvent::RatingRevised(revised) => {
                let (old, new) = (self.texts.rating(&revised.old, true), self.texts.rating(&revised.new, true));
                self.ratings.take(revised.old.service.ended_on, old);
                self.ratings.add(revised.new.service.ended_on, new);
                self.expect_order(id, &revised.new, new);
            }
            RatingEvent::RatingNotAdopted(refused) => {
                let ended_on = refused.rating.service.ended_on;
                let (old, new) = (self.texts.rating(&refused.rating, true), self.texts.rating(&refused.rating, false));
                self.ratings.take(ended_on, old);
                self.ratings.add(ended_on, new);
                self.with_order(id, |open| open.order.verdict = Some(refused.verdict));
            }
            RatingEvent::BadRatingOpened(opened) => self.open_order(id, &opened.service, opened.real_name),
            RatingEvent::OrderVerified(verified) => self.with_order(id, |open| {
                open.order.verdict = Some(verified.verdict);
                open.rectify_due = verified.rectify_due;
                open.reply_due = verified.reply_due;
            }),
            RatingEvent::OrderRectified(rectified) => {
                self.with_order(id, |open| {
                    open.order.rectified_in_time = Some(rectified.in_time);
                    open.reply_due = Some(rectified.call_back_due);
                });
            }
            RatingEvent::OrderReplied(replied) => {
                self.with_order(id, |open| open.order.replied_in_time = Some(replied.in_time));
            }
            RatingEvent::OrderCalledBack(called) => match called.result {
                CallBackResult::Satisfied | CallBackResult::Fair | CallBackResult::Dissatisfied => {
                    self.with_order(id, |open| open.order.reached = Some(called.result));
                }
                CallBackResult::NotReached => (),
            },
            RatingEvent::AppealReviewed(reviewed) => {
                self.with_order(id, |open| {
                    open.order.verdict = Some(reviewed.verdict);
                    open.rectify_due = reviewed.rectify_due.or(open.rectify_due);
                });
            }
            RatingEvent::OrderClosed(_) => {
                self.open.remove(id);
            }
            RatingEvent::RatingInvited(_) | RatingEvent::OrderAssigned(_) | RatingEvent::OrderAppealed(_) => (),
        }
    }

    /// Remembers of a bad rating what its order will not repeat: stage and channel.
    fn expect_order(&mut self, id: &RatingId, rated: &Rated, rating: Rating) {
        if self.open.get(id).is_some_and(|open| open.opened) {
            return;
        }
        if !rated.level.is_bad() {
            self.open.remove(id);
            return;
        }
        let order = Order::new(rating.place, rating.stage, rating.channel);
        let expected =
            OpenOrder { order, ended_on: rated.service.ended_on, opened: false, rectify_due: None, reply_due: None };
        self.open.insert(id.clone(), expected);
    }

    fn open_order(&mut self, id: &RatingId, service: &RatedService, real_name: bool) {
        let place = self.texts.place(service);
        let open = self.open.entry(id.clone()).or_insert_with(|| OpenOrder {
            order: Order::new(place, RatingStage::Finish, RatingChannel::System),
            ended_on: service.ended_on,
            opened: false,
            rectify_due: None,
            reply_due: None,
        });
        if open.opened {
            return;
        }
        open.opened = true;
        open.order.real_name = real_name;
        self.orders.add(open.ended_on, open.order);
    }

    fn with_order(&mut self, id: &RatingId, change: impl FnOnce(&mut OpenOrder)) {
        let Some(open) = self.open.get_mut(id).filter(|open| open.opened) else { return };
        let before = open.order;
        change(open);
        if open.order != before {
            self.orders.take(open.ended_on, before);
            self.orders.add(open.ended_on, open.order);
        }
    }
}

impl Order {
    fn new(place: Place, stage: RatingStage, channel: RatingChannel) -> Self {
        Self {
            place,
            stage,
            channel,
            real_name: false,
            verdict: None,
            rectified_in_time: None,
            replied_in_time: None,
            reached: None,
        }
    }
}

impl Texts {
    fn ended(&mut self, closing: &Closing) -> Service {
        let place = Place {
            source: self.sources.code(&closing.source),
            item: Some(self.items.code(&closing.item)),
            organisation: self.organisations.code(closing.received_at.as_ref().unwrap_or(&closing.intake)),
            window: closing.window.as_ref().map(|window| self.windows.code(window)),
            staff: closing.clerk.as_ref().map(|clerk| self.staff.code(clerk)),
        };
        Service { place, item_version: closing.item_version, stage: RatingStage::Finish }
    }

    fn accepted(&mut self, dimensions: &Dimensions, received: Option<Received>) -> Service {
        let place = Place {
            source: self.sources.code(&dimensions.source),
            item: Some(self.items.code(&dimensions.item)),
            organisation: received.map_or_else(|| self.organisations.code(&dimensions.intake), |at| at.organisation),
            window: received.and_then(|at| at.window),
            staff: dimensions.clerk.as_ref().map(|clerk| self.staff.code(clerk)),
        };
        Service { place, item_version: dimensions.item_version, stage: RatingStage::Accept }
    }

    fn visited(&mut self, hall: &OrganisationId, visit: &Visit) -> Option<Service> {
        let place = Place {
            source: self.sources.code(&OWN.parse().ok()?),
            item: visit.item.as_ref().map(|item| self.items.code(item)),
            organisation: self.organisations.code(hall),
            window: Some(self.windows.code(&visit.window)),
            staff: Some(self.staff.code(&visit.staff)),
        };
        // It has no version of an item: nothing was applied for.
        Some(Service { place, item_version: 0, stage: RatingStage::Finish })
    }

    fn place(&mut self, service: &RatedService) -> Place {
        Place {
            source: self.sources.code(&service.source),
            item: service.item.as_ref().map(|item| self.items.code(item)),
            organisation: self.organisations.code(&service.organisation),
            window: service.window.as_ref().map(|window| self.windows.code(window)),
            staff: service.staff.as_ref().map(|staff| self.staff.code(staff)),
        }
    }

    fn rating(&mut self, rated: &Rated, adopted: bool) -> Rating {
        let of_service = match rated.about {
            RatingSubject::Case(_) => true,
            RatingSubject::Ticket(_) => rated.service.visit,
            RatingSubject::Item(_) | RatingSubject::Staff(_) | RatingSubject::Hall(_) => false,
        };
        Rating {
            place: self.place(&rated.service),
            stage: rated.stage,
            channel: rated.channel,
            level: rated.level,
            origin: rated.origin,
            of_service,
            score: rated.score,
            adopted,
        }
    }
}

#[cfg(test)]
mod tests;

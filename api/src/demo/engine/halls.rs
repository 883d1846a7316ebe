//! Halls of two counties give tickets: whoever comes to one of their windows takes a number, some by appointment, and some
//! only ask a question.

use super::super::DemoError;
use super::super::acts::{post, resident};
use super::super::arrivals;
use super::super::dice::Dice;
use super::{Arrival, Engine, Turn};
use crate::labels;
use crate::vault::Keyring;
use chrono::{NaiveDate, TimeDelta};
use domain::actor::{Actor, Channel, Role};
use domain::appointment::{AppointmentAct, AppointmentCommand, AppointmentStatus, Book, DaySlots, slots};
use domain::decider::{Context, Decider as _};
use domain::due::system_for;
use domain::event::Event;
use domain::event::item::RatingStage;
use domain::event::rating::{RatingChannel, RatingSubject, Satisfaction};
use domain::fact::Subject;
use domain::hall_day::{AppointmentId, HallDay, TicketId};
use domain::ids::{CaseId, ItemId, OrganisationId, RatingId, WindowId};
use domain::rating::{Opinion, OpinionOrigin, Rating, RatingCommand, Standing};
use domain::sealed::Party;
use domain::ticket::{HallQueue, Issue, TicketAct, TicketCommand, TicketStatus, hall_due};
use domain::zone::{Instant, day_of, instant, start_of};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use ulid::Ulid;

/// Counties whose township halls give tickets: 南丰县 and 临川区.
const COUNTIES: [&str; 2] = ["361023", "361002"];
/// The hall to which people also come with questions: 琴城镇.
const BUSY_HALL: &str = "361023100";
/// The share of visits that begin with a ticket there.
const TICKETED: f64 = 0.85;
/// The share of these, for items on the list, that were booked.
const BY_APPOINTMENT: f64 = 0.14;
/// The share of bookings that nobody keeps.
const NO_SHOW: f64 = 0.1;
/// The share of visits without a case that are rated.
const VISITS_RATED: f64 = 0.2;
/// The share of calls to which nobody comes.
const MISSED: f64 = 0.04;

/// What happens in halls besides cases.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum HallTurn {
    /// Somebody books.
    Book(u64),
    /// Somebody takes a ticket.
    Come(u64),
    /// A window goes on.
    Window(HallDay, WindowId),
    /// Somebody says what they thought of a visit.
    Rate(HallDay, u16),
    /// The day is over.
    End(HallDay),
}

/// One hall's day under way.
struct HallUnderWay {
    queue: HallQueue,
    slots: DaySlots,
    /// Whose visit each ticket is.
    visits: BTreeMap<u16, u64>,
    /// Windows whose next turn stands in line.
    lined_up: BTreeSet<WindowId>,
    dice: Dice,
}

/// Somebody who will take a ticket.
struct Visitor {
    hall: OrganisationId,
    at: Instant,
    item: Option<ItemId>,
    case: Option<(u64, CaseId)>,
    party: Option<(Party, Arc<Keyring>)>,
    appointment: Option<(AppointmentId, Instant)>,
}

/// All halls.
#[derive(Default)]
pub(super) struct Halls {
    days: BTreeMap<HallDay, HallUnderWay>,
    visitors: BTreeMap<u64, Visitor>,
    visits: u64,
}

impl Engine<'_> {
    /// Lines up the ticket of somebody who will apply at a window.
    pub(super) fn expect_visit(&mut self, ordinal: u64, arrival: &Arrival) {
        let hall = &arrival.actor.organisation;
        let gives_tickets = COUNTIES.iter().any(|county| hall.as_str().starts_with(county));
        let mut dice = Dice::new(self.seed ^ 0x4a11, ordinal);
        if arrival.actor.role != Role::Clerk || !gives_tickets || !dice.chance(TICKETED) {
            return;
        }
        let visitor = Visitor {
            hall: hall.clone(),
            at: arrival.at - TimeDelta::minutes(dice.between(4, 9)),
            item: Some(arrival.item.item.clone()),
            case: Some((ordinal, arrival.id)),
            party: Some((arrival.submit.applicant.clone(), Arc::clone(&arrival.keys))),
            appointment: None,
        };
        let books = arrival.item.definition.appointment && dice.chance(BY_APPOINTMENT);
        let early = start_of(day_of(arrival.at)) + TimeDelta::minutes(dice.between(7 * 60, 8 * 60));
        let comes = visitor.at;
        let number = self.visitor(visitor);
        if books && early + TimeDelta::minutes(90) < comes {
            self.line_up(early, Turn::Hall(HallTurn::Book(number)));
        }
        self.line_up(comes, Turn::Hall(HallTurn::Come(number)));
    }

    /// Lines up those who come to the busy hall with a question only.
    pub(in super::super) fn expect_questions(&mut self, day: NaiveDate) -> Result<(), DemoError> {
        let mut dice = Dice::new(self.seed ^ 0x9e57, u64::from(day.to_epoch_days().unsigned_abs()));
        if !self.reference.calendar.is_working(day, None) {
            return Ok(());
        }
        for _ in 0..dice.between(6, 16) {
            let at = instant(day, arrivals::at_the_hall(&mut dice));
            let hall = BUSY_HALL.parse()?;
            let number = self.visitor(Visitor { hall, at, item: None, case: None, party: None, appointment: None });
            self.line_up(at, Turn::Hall(HallTurn::Come(number)));
        }
        Ok(())
    }

    fn visitor(&mut self, visitor: Visitor) -> u64 {
        self.halls.visits += 1;
        self.halls.visitors.insert(self.halls.visits, visitor);
        self.halls.visits
    }

    pub(super) async fn hall_turn(&mut self, turn: HallTurn, at: Instant) -> Result<(), DemoError> {
        match turn {
            HallTurn::Book(number) => self.book(number, at).await,
            HallTurn::Come(number) => self.come(number, at).await,
            // A day that is over is over for every window.
            HallTurn::Window(day, _) if !self.halls.days.contains_key(&day) => Ok(()),
            HallTurn::Window(day, window) => self.window(&day, window, at).await,
            HallTurn::Rate(day, ticket) => self.rate_visit(&day, ticket, at).await,
            HallTurn::End(day) => self.end(&day, at).await,
        }
    }

    fn day_under_way(&mut self, day: &HallDay) -> &mut HallUnderWay {
        let serial = u64::from(day.day.to_epoch_days().unsigned_abs());
        let hall: u64 = day.hall.as_str().bytes().fold(0, |hall, byte| hall * 31 + u64::from(byte));
        let seed = self.seed ^ 0xda17 ^ hall;
        if !self.halls.days.contains_key(day) {
            let over = start_of(day.day.succ_opt().unwrap_or(day.day)) + TimeDelta::minutes(5);
            self.line_up(over, Turn::Hall(HallTurn::End(day.clone())));
        }
        self.halls.days.entry(day.clone()).or_insert_with(|| HallUnderWay {
            queue: HallQueue::default(),
            slots: DaySlots::default(),
            visits: BTreeMap::new(),
            lined_up: BTreeSet::new(),
            dice: Dice::new(seed, serial),
        })
    }

    async fn book(&mut self, number: u64, at: Instant) -> Result<(), DemoError> {
        let Some(visitor) = self.halls.visitors.get(&number) else { return Ok(()) };
        let (Some(item), Some((party, keys)), Some((ordinal, case))) = (&visitor.item, &visitor.party, visitor.case)
        else {
            return Ok(());
        };
        let day = HallDay { day: day_of(at), hall: visitor.hall.clone() };
        let all = slots(&self.reference, &day, "comprehensive", None);
        let Some(slot) = all.iter().find(|slot| slot.from <= visitor.at && visitor.at < slot.to) else { return Ok(()) };
        let stream = Subject::Slots(day.clone());
        let mut dice = Dice::new(self.seed ^ 0xb00c, ordinal);
        let millis = u64::try_from(at.timestamp_millis()).unwrap_or_default();
        let appointment = AppointmentId { day: day.clone(), code: Ulid::from_parts(millis, dice.bits() >> 48) };
        let book = Book {
            appointment: appointment.clone(),
            from: slot.from,
            purpose: "comprehensive".to_owned(),
            item: item.clone(),
            party: self.sealing.party_in(keys, party, &Subject::Case(case), &stream)?,
            manned: None,
            replaces: None,
        };
        let (from, kept) = (slot.from, !dice.chance(NO_SHOW));
        let actor = resident(&party.subject, &day.hall)?;
        if self.slots_act(&day, actor, AppointmentAct::Book(book), at).await?
            && let Some(visitor) = self.halls.visitors.get_mut(&number).filter(|_| kept)
        {
            visitor.appointment = Some((appointment, from));
        }
        Ok(())
    }

    async fn come(&mut self, number: u64, at: Instant) -> Result<(), DemoError> {
        let Some(visitor) = self.halls.visitors.get(&number) else { return Ok(()) };
        let day = HallDay { day: day_of(at), hall: visitor.hall.clone() };
        let appointment = visitor.appointment.clone();
        let issue = Issue {
            purpose: "comprehensive".to_owned(),
            item: visitor.item.clone(),
            visitor: visitor.party.as_ref().map(|(party, _)| party.subject.clone()),
            age_band: visitor.party.as_ref().and_then(|(party, _)| party.age_band),
            priority: None,
            appointment: appointment.clone(),
            rating_code_digest: Some(self.sealing.digest("ticket", u128::from(number))),
        };
        self.sit_down(&day, at).await?;
        let guide = post(&day.hall, Role::Receptionist, 1, None)?;
        if let Some((appointment, _)) = appointment {
            self.slots_act(&day, guide.clone(), AppointmentAct::Keep { appointment }, at).await?;
        }
        if self.hall_act(&day, guide, TicketAct::Issue(issue), at).await? {
            let under_way = self.day_under_way(&day);
            under_way.visits.insert(under_way.queue.last_number(), number);
            self.wake(&day, at);
        } else {
            self.halls.visitors.remove(&number);
        }
        Ok(())
    }

    /// The clerks sit down when the first visitor comes; a small hall opens one window.
    async fn sit_down(&mut self, day: &HallDay, at: Instant) -> Result<(), DemoError> {
        if !self.day_under_way(day).queue.windows.is_empty() {
            return Ok(());
        }
        let windows = if day.hall.as_str() == BUSY_HALL { 2 } else { 1 };
        for ordinal in 1..=windows {
            let clerk = post(&day.hall, Role::Clerk, ordinal, Some(ordinal))?;
            if let Some(window) = clerk.window.clone() {
                self.hall_act(day, clerk, TicketAct::StaffWindow { window }, at).await?;
            }
        }
        Ok(())
    }

    /// Lines up every window that has nothing to do.
    fn wake(&mut self, day: &HallDay, at: Instant) {
        let under_way = self.day_under_way(day);
        let idle = under_way.queue.windows.iter().filter(|(_, open)| open.ticket.is_none());
        let idle: Vec<WindowId> = idle.map(|(window, _)| window.clone()).collect();
        for window in idle {
            let seconds = self.day_under_way(day).dice.between(5, 40);
            self.go_on_at(day, window, at + TimeDelta::seconds(seconds));
        }
    }

    fn go_on_at(&mut self, day: &HallDay, window: WindowId, at: Instant) {
        if self.day_under_way(day).lined_up.insert(window.clone()) {
            self.line_up(at, Turn::Hall(HallTurn::Window(day.clone(), window)));
        }
    }

    /// Calls, serves, finishes: one step of one window.
    async fn window(&mut self, day: &HallDay, window: WindowId, at: Instant) -> Result<(), DemoError> {
        let under_way = self.day_under_way(day);
        under_way.lined_up.remove(&window);
        let Some(open) = under_way.queue.windows.get(&window) else { return Ok(()) };
        let mut clerk = post(&day.hall, Role::Clerk, 1, None)?;
        (clerk.id, clerk.window) = (open.staff.clone(), Some(window.clone()));
        let ticket = open.ticket;
        let called = ticket.and_then(|number| under_way.queue.tickets.get(&number));
        let called = called.filter(|ticket| ticket.status == TicketStatus::Called).map(|ticket| ticket.calls);
        let pause = match (ticket, called) {
            (Some(ticket), Some(1)) if under_way.dice.chance(MISSED) => {
                self.hall_act(day, clerk, TicketAct::Recall { ticket }, at).await?;
                Some((25, 60))
            }
            (Some(ticket), Some(2..)) => {
                self.hall_act(day, clerk, TicketAct::Miss { ticket }, at).await?;
                Some((10, 40))
            }
            (Some(ticket), Some(_)) => {
                self.hall_act(day, clerk, TicketAct::Serve { ticket }, at).await?;
                Some((4 * 60, 19 * 60))
            }
            (Some(ticket), None) => {
                self.finish(day, clerk, ticket, at).await?;
                Some((10, 60))
            }
            (None, _) => {
                let called = self.hall_act(day, clerk, TicketAct::CallNext { window: window.clone() }, at).await?;
                called.then_some((15, 70))
            }
        };
        self.heed_the_rules(day, at).await?;
        if let Some((from, to)) = pause {
            let seconds = self.day_under_way(day).dice.leaning(from, to);
            self.go_on_at(day, window, at + TimeDelta::seconds(seconds));
        }
        Ok(())
    }

    async fn finish(&mut self, day: &HallDay, clerk: Actor, ticket: u16, at: Instant) -> Result<(), DemoError> {
        let visitor = self.day_under_way(day).visits.remove(&ticket);
        let visitor = visitor.and_then(|number| self.halls.visitors.remove(&number));
        let applied = visitor.and_then(|visitor| visitor.case);
        if let Some((_, case)) = applied.filter(|(ordinal, _)| !self.arrivals.contains_key(ordinal)) {
            self.hall_act(day, clerk.clone(), TicketAct::Link { ticket, case }, at).await?;
        }
        if self.hall_act(day, clerk, TicketAct::Finish { ticket }, at).await? {
            let under_way = self.day_under_way(day);
            let is_visit = under_way.queue.tickets.get(&ticket).is_some_and(|ticket| ticket.visit.is_some());
            if is_visit && under_way.dice.chance(VISITS_RATED) {
                let rates_at = at + TimeDelta::seconds(under_way.dice.between(15, 300));
                self.line_up(rates_at, Turn::Hall(HallTurn::Rate(day.clone(), ticket)));
            }
        }
        Ok(())
    }

    /// Now and then somebody whose visit led to no case rates it by the code on the slip.
    async fn rate_visit(&mut self, day: &HallDay, ticket: u16, at: Instant) -> Result<(), DemoError> {
        let id = TicketId::of(day, ticket);
        let Some(under_way) = self.halls.days.get_mut(day) else { return Ok(()) };
        let Some(service) = under_way.queue.rated_service(&id) else { return Ok(()) };
        let ended_at = under_way.queue.tickets.get(&ticket).and_then(|ticket| ticket.finished_at);
        let levels = [Satisfaction::VerySatisfied, Satisfaction::Satisfied, Satisfaction::Fair];
        let level = levels[under_way.dice.weighted(&[0.7, 0.25, 0.05])];
        let about = RatingSubject::Ticket(id.to_string());
        let Some(rating) = RatingId::once(&about, RatingStage::Finish) else { return Ok(()) };
        let opinion = Opinion {
            level,
            indicators: Vec::new(),
            comment: None,
            channel: RatingChannel::QrCode,
            origin: OpinionOrigin::default(),
        };
        let standing = Standing { stage_reached: true, entitled: Vec::new(), code_verified: true, ended_at };
        let rate = RatingCommand::Rate {
            about,
            stage: RatingStage::Finish,
            opinion,
            real_name: false,
            rater: None,
            service,
            standing,
        };
        let holder = Actor {
            id: "receipt-holder".parse()?,
            role: Role::Resident,
            organisation: day.hall.clone(),
            window: None,
            acting_for: None,
            channel: Channel::Mobile,
        };
        let context = Context { now: at, occurred_at: at, actor: &holder, reference: &self.reference };
        match Rating::default().decide(&rate, &context) {
            Ok(events) => {
                let words = vec![labels::of_organisation(&day.hall, &self.reference)];
                let events = events.into_iter().map(Event::Rating).collect();
                self.append(Subject::Rating(rating), events, holder, at, at, words).await
            }
            Err(rule) => {
                *self.tally.refused.entry(format!("rating: {rule:?}")).or_default() += 1;
                Ok(())
            }
        }
    }

    async fn heed_the_rules(&mut self, day: &HallDay, at: Instant) -> Result<(), DemoError> {
        let Some(under_way) = self.halls.days.get(day) else { return Ok(()) };
        for due in hall_due(day, &under_way.queue, &self.reference, at) {
            let system = system_for(day.hall.clone(), self.system.id.clone());
            self.hall_act(day, system, due.act, at).await?;
        }
        Ok(())
    }

    async fn end(&mut self, day: &HallDay, at: Instant) -> Result<(), DemoError> {
        self.heed_the_rules(day, at).await?;
        let Some(under_way) = self.halls.days.get(day) else { return Ok(()) };
        let booked = under_way.slots.bookings.iter();
        let open = booked.filter(|(_, booking)| booking.status == AppointmentStatus::Booked);
        let open: Vec<AppointmentId> = open.map(|(id, _)| id.clone()).collect();
        for appointment in open {
            let system = system_for(day.hall.clone(), self.system.id.clone());
            self.slots_act(day, system, AppointmentAct::Miss { appointment }, at).await?;
        }
        if let Some(under_way) = self.halls.days.remove(day) {
            for number in under_way.visits.values() {
                self.halls.visitors.remove(number);
            }
        }
        self.versions.remove(&Subject::Hall(day.clone()));
        self.versions.remove(&Subject::Slots(day.clone()));
        Ok(())
    }

    /// Decides, evolves and appends; returns whether the rules allowed it.
    async fn hall_act(&mut self, day: &HallDay, actor: Actor, act: TicketAct, at: Instant) -> Result<bool, DemoError> {
        self.day_under_way(day);
        let Some(under_way) = self.halls.days.get_mut(day) else { return Ok(false) };
        let context = Context { now: at, occurred_at: at, actor: &actor, reference: &self.reference };
        let waits_for_nobody = matches!(act, TicketAct::CallNext { .. });
        let events = match under_way.queue.decide(&TicketCommand { day: day.clone(), act }, &context) {
            Ok(events) => events,
            // An empty queue is no rule broken.
            Err(domain::ticket::TicketRejection::NobodyWaiting) if waits_for_nobody => return Ok(false),
            Err(rule) => {
                *self.tally.refused.entry(format!("ticket: {rule:?}")).or_default() += 1;
                return Ok(false);
            }
        };
        events.iter().for_each(|event| under_way.queue.evolve(event));
        let events = events.into_iter().map(Event::Ticket).collect();
        self.append_in_hall(Subject::Hall(day.clone()), day, events, actor, at).await
    }

    async fn slots_act(
        &mut self,
        day: &HallDay,
        actor: Actor,
        act: AppointmentAct,
        at: Instant,
    ) -> Result<bool, DemoError> {
        self.day_under_way(day);
        let Some(under_way) = self.halls.days.get_mut(day) else { return Ok(false) };
        let context = Context { now: at, occurred_at: at, actor: &actor, reference: &self.reference };
        let events = match under_way.slots.decide(&AppointmentCommand { day: day.clone(), act }, &context) {
            Ok(events) => events,
            // Whoever finds the slot full comes without one.
            Err(domain::appointment::AppointmentRejection::SlotFull) => return Ok(false),
            Err(rule) => {
                *self.tally.refused.entry(format!("appointment: {rule:?}")).or_default() += 1;
                return Ok(false);
            }
        };
        events.iter().for_each(|event| under_way.slots.evolve(event));
        let events = events.into_iter().map(Event::Appointment).collect();
        self.append_in_hall(Subject::Slots(day.clone()), day, events, actor, at).await
    }

    async fn append_in_hall(
        &mut self,
        stream: Subject,
        day: &HallDay,
        events: Vec<Event>,
        actor: Actor,
        at: Instant,
    ) -> Result<bool, DemoError> {
        let words = vec![labels::of_organisation(&day.hall, &self.reference)];
        self.append(stream, events, actor, at, at, words).await?;
        Ok(true)
    }
}

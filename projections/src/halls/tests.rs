//! The published figures equal counts over the events themselves; the events are the rules' own.

use super::*;
use crate::scope::Period;
use crate::tally::Rate;
use crate::testing::{Dice, Story, actor, day, id, noon, party};
use domain::actor::{Actor, Role};
use domain::appointment::{AppointmentAct, AppointmentCommand, Book, DaySlots, slots};
use domain::builtin;
use domain::decider::{Context, Decider};
use domain::event::ticket::PriorityGround;
use domain::reference::Reference;
use domain::ticket::{Issue, TicketAct, TicketCommand, hall_due};
use domain::zone::instant;
use proptest::prelude::*;
use std::sync::LazyLock;
use ulid::Ulid;

static REFERENCE: LazyLock<Reference> = LazyLock::new(builtin::reference);

const HALL: &str = "361023100";

/// One hall's day as dice make it, decided by the real rules.
struct Day<'a> {
    story: &'a mut Story,
    day: HallDay,
    queue: HallQueue,
    slots: DaySlots,
    now: Instant,
}

impl Day<'_> {
    fn act(&mut self, by: &Actor, act: TicketAct) -> bool {
        let context = Context { now: self.now, occurred_at: self.now, actor: by, reference: &REFERENCE };
        let command = TicketCommand { day: self.day.clone(), act };
        let Ok(events) = self.queue.decide(&command, &context) else { return false };
        for event in events {
            self.queue.evolve(&event);
            self.story.tell(self.now, Subject::Hall(self.day.clone()), by, event);
        }
        true
    }

    fn book(&mut self, by: &Actor, act: AppointmentAct) {
        let context = Context { now: self.now, occurred_at: self.now, actor: by, reference: &REFERENCE };
        let command = AppointmentCommand { day: self.day.clone(), act };
        for event in self.slots.decide(&command, &context).unwrap_or_default() {
            self.slots.evolve(&event);
            self.story.tell(self.now, Subject::Slots(self.day.clone()), by, event);
        }
    }

    fn go(&mut self, dice: &mut Dice) {
        let guide = actor("guide", Role::Receptionist, HALL);
        let clerks = ["one", "two"].map(|name| actor(name, Role::Clerk, HALL));
        let windows = ["C1", "C2"].map(id::<WindowId>);
        let all = slots(&REFERENCE, &self.day, "comprehensive", None);
        for number in 0..12 {
            let from = all[dice.below(all.len() as u64) as usize].from;
            let appointment = AppointmentId { day: self.day.clone(), code: Ulid::from_parts(1, number) };
            let party = party(&format!("p-{number}"));
            let book = Book {
                appointment,
                from,
                purpose: "comprehensive".into(),
                item: id("FZ-001"),
                party,
                manned: None,
                replaces: None,
            };
            self.book(&guide, AppointmentAct::Book(book));
        }
        self.now = instant(self.day.day, "08:10:00".parse().unwrap());
        while self.now < instant(self.day.day, "18:40:00".parse().unwrap()) {
            self.now += TimeDelta::seconds(20 + dice.below(200) as i64);
            self.step(dice, &guide, &clerks, &windows);
            for due in hall_due(&self.day, &self.queue, &REFERENCE, self.now) {
                self.act(&guide, due.act);
            }
        }
        let rules = REFERENCE.policies.at(self.day.day).rules.hall.clone();
        self.now += TimeDelta::hours(8);
        let missed: Vec<_> = self.slots.missed(&rules, self.now).cloned().collect();
        for appointment in missed {
            self.book(&guide, AppointmentAct::Miss { appointment });
        }
        if dice.chance(70) {
            self.act(&guide, TicketAct::CloseDay);
        }
    }

    fn step(&mut self, dice: &mut Dice, guide: &Actor, clerks: &[Actor; 2], windows: &[WindowId; 2]) {
        let side = dice.below(2) as usize;
        let (clerk, window) = (&clerks[side], windows[side].clone());
        let in_hand = self.queue.windows.get(&window).and_then(|open| open.ticket);
        let any = 1 + dice.below(u64::from(self.queue.last_number()) + 1) as u16;
        match (dice.below(20), in_hand) {
            (0..=4, _) => {
                let priority = dice.chance(20).then_some(PriorityGround::Disabled);
                let issue = Issue {
                    purpose: "comprehensive".into(),
                    item: None,
                    visitor: None,
                    age_band: None,
                    priority,
                    appointment: None,
                    rating_code_digest: None,
                };
                self.act(guide, TicketAct::Issue(issue));
            }
            (5, _) => self.check_in(guide),
            (6, _) => _ = self.act(guide, TicketAct::Abandon { ticket: any, by_visitor: true }),
            (7, _) => _ = self.act(guide, TicketAct::Requeue { ticket: any }),
            (8, Some(ticket)) => _ = self.act(clerk, TicketAct::Park { ticket }),
            (9, Some(ticket)) => {
                let purpose = Some("comprehensive".into());
                self.act(clerk, TicketAct::Transfer { ticket, purpose, window: None });
            }
            (10, Some(ticket)) => {
                self.act(clerk, TicketAct::Recall { ticket });
                self.act(clerk, TicketAct::Miss { ticket });
            }
            (11..=13, Some(ticket)) => _ = self.act(clerk, TicketAct::Serve { ticket }),
            (_, Some(ticket)) => _ = self.act(clerk, TicketAct::Finish { ticket }),
            (19, None) => _ = self.act(clerk, TicketAct::LeaveWindow { window }),
            (_, None) => {
                if !self.act(clerk, TicketAct::CallNext { window: window.clone() }) {
                    self.act(clerk, TicketAct::StaffWindow { window });
                }
            }
        }
    }

    fn check_in(&mut self, guide: &Actor) {
        let booked = self.slots.bookings.values().find(|booking| {
            booking.status == domain::appointment::AppointmentStatus::Booked
                && (booking.booked.from - self.now).num_minutes().abs() < 15
        });
        let Some(booked) = booked.map(|booking| booking.booked.clone()) else { return };
        self.book(guide, AppointmentAct::Keep { appointment: booked.appointment.clone() });
        let issue = Issue {
            purpose: booked.purpose,
            item: Some(booked.item),
            visitor: Some(booked.party.subject),
            age_band: None,
            priority: None,
            appointment: Some((booked.appointment, booked.from)),
            rating_code_digest: None,
        };
        self.act(guide, TicketAct::Issue(issue));
    }
}

/// The days of one hall from 2 March 2026 on.
pub(crate) fn days_of_a_hall(seed: u64, days: u64) -> Vec<Fact> {
    let mut dice = Dice::new(seed);
    let mut story = Story::default();
    for date in day("2026-03-02").iter_days().take(days as usize) {
        let (day, now) = (HallDay { day: date, hall: id(HALL) }, noon(date.pred_opt().unwrap()));
        let (queue, slots) = (HallQueue::default(), DaySlots::default());
        Day { story: &mut story, day, queue, slots, now }.go(&mut dice);
    }
    story.facts()
}

fn fold(facts: &[Fact]) -> Halls {
    let mut state = Halls::default();
    facts.iter().for_each(|fact| state.apply(fact));
    state
}

fn ask(state: &Halls, group_by: Vec<HallDimension>) -> HallsAnswer {
    let period = Period { from: day("2026-03-01"), to: day("2026-04-01") };
    let query = HallsQuery { period, group_by, organisation: Some(id("361023")) };
    state.answer(&query, &REFERENCE.organisations, noon(day("2026-03-31")))
}

fn tickets(facts: &[Fact]) -> impl Iterator<Item = &TicketEvent> {
    facts.iter().filter_map(|fact| match &fact.event {
        Event::Ticket(event) => Some(event),
        _ => None,
    })
}

fn counted(facts: &[Fact], wanted: impl Fn(&TicketEvent) -> bool) -> i64 {
    tickets(facts).filter(|event| wanted(event)).count() as i64
}

fn summed(facts: &[Fact], seconds: impl Fn(&TicketEvent) -> u32) -> i64 {
    tickets(facts).map(|event| i64::from(seconds(event))).sum()
}

/// Every day closed, so that nothing runs on.
fn closed(seed: u64) -> Vec<Fact> {
    let facts = days_of_a_hall(seed, 3);
    let over = |subject: &Subject| {
        facts
            .iter()
            .any(|fact| fact.subject == *subject && matches!(fact.event, Event::Ticket(TicketEvent::HallDayClosed(_))))
    };
    facts.iter().filter(|fact| !matches!(fact.subject, Subject::Hall(_)) || over(&fact.subject)).cloned().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn figures_equal_counts_over_the_events(seed in 1_u64..) {
        use TicketEvent as E;
        let facts = closed(seed);
        let total = ask(&fold(&facts), vec![]).total;
        let issued = counted(&facts, |event| matches!(event, E::TicketIssued(_)));
        let missed = counted(&facts, |event| matches!(event, E::TicketMissed(_)));
        let abandoned = counted(&facts, |event| matches!(event, E::TicketAbandoned(_)));
        prop_assert_eq!(total.issued, issued);
        prop_assert_eq!(total.missed_rate, Rate::of(missed, issued));
        prop_assert_eq!(total.abandoned_rate, Rate::of(abandoned, issued));
        prop_assert_eq!(total.finished + total.abandoned, issued, "every ticket of a closed day ended once");
        let waits: Vec<u32> = tickets(&facts).filter_map(|event| match event {
            E::TicketCalled(called) => called.waited_seconds,
            _ => None,
        }).collect();
        prop_assert_eq!(total.wait.n, waits.len() as i64);
        let sum: f64 = waits.iter().map(|seconds| f64::from(*seconds)).sum();
        let mean = (!waits.is_empty()).then(|| sum / waits.len() as f64 / 60.0);
        prop_assert!(mean.unwrap_or(0.0) - total.wait.mean_minutes.unwrap_or(0.0) < 1e-9);
        prop_assert_eq!(total.wait.max_minutes, waits.iter().max().map(|seconds| f64::from(*seconds) / 60.0));
        for (minutes, rate) in &total.wait.within_minutes {
            prop_assert_eq!(rate.numerator, waits.iter().filter(|seconds| **seconds <= minutes * 60).count() as i64);
        }
        let serve = summed(&facts, |event| match event {
            E::TicketParked(body) => body.serve_seconds,
            E::TicketTransferred(body) => body.serve_seconds,
            E::ServiceFinished(body) => body.serve_seconds,
            _ => 0,
        });
        let open = summed(&facts, |event| if let E::WindowLeft(body) = event { body.open_seconds } else { 0 });
        let futile = summed(&facts, |event| if let E::TicketMissed(body) = event { body.idle_seconds } else { 0 });
        prop_assert_eq!(total.saturation, Rate::of(serve, open));
        prop_assert_eq!(total.idle_seconds, open - serve - futile);
    }

    #[test]
    fn every_way_of_telling_them_apart_adds_up_to_the_same(seed in 1_u64..) {
        let state = fold(&days_of_a_hall(seed, 3));
        let total = ask(&state, vec![]).total;
        for dimension in [HallDimension::Org, HallDimension::Window, HallDimension::Quarter, HallDimension::Day] {
            let rows = ask(&state, vec![dimension]).rows;
            let sum = |of: fn(&HallsRow) -> i64| rows.iter().map(of).sum::<i64>();
            prop_assert_eq!(sum(|row| row.issued), total.issued);
            prop_assert_eq!(sum(|row| row.wait.n), total.wait.n);
            prop_assert_eq!(sum(|row| row.serve_seconds), total.serve_seconds);
            prop_assert_eq!(sum(|row| row.open_seconds), total.open_seconds);
            prop_assert_eq!(sum(|row| row.appointments.booked), total.appointments.booked);
        }
        let quarters = ask(&state, vec![HallDimension::Quarter, HallDimension::Day, HallDimension::Window]).rows;
        prop_assert!(quarters.iter().all(|row| row.open_seconds <= i64::from(QUARTER_MINUTES) * 60));
        let peak = ask(&state, vec![]).peak.unwrap();
        let busiest = ask(&state, vec![HallDimension::Quarter]).rows.iter().map(|row| row.issued).max();
        prop_assert_eq!(Some(peak.arrivals), busiest);
    }

    #[test]
    fn an_open_day_is_what_the_rules_themselves_see(seed in 1_u64..) {
        let facts = days_of_a_hall(seed, 2);
        let state = fold(&facts);
        let mut days: BTreeMap<HallDay, HallQueue> = BTreeMap::new();
        for fact in &facts {
            if let (Event::Ticket(event), Subject::Hall(day)) = (&fact.event, &fact.subject) {
                days.entry(day.clone()).or_default().evolve(event);
            }
        }
        days.retain(|_, queue| !queue.closed);
        prop_assert!(state.days().eq(days.iter()));
    }
}

#[test]
fn an_interval_is_spread_over_the_quarters_in_which_it_lies() {
    let until = instant(day("2026-03-02"), "09:20:00".parse().unwrap());
    let parts: Vec<_> = quarters(until, 1_500).map(|(at, seconds)| (quarter_of(at), seconds)).collect();
    assert_eq!(parts, [(35, 300), (36, 900), (37, 300)]);
    assert_eq!(quarters(until, 0).count(), 0);
    assert!(quarters(until, u32::MAX).count() < 150, "whatever a history says");
}

#[test]
fn a_window_that_is_open_counts_until_now() {
    let mut story = Story::default();
    let clerk = actor("one", Role::Clerk, HALL);
    let hall_day = HallDay { day: day("2026-03-02"), hall: id(HALL) };
    let since = instant(hall_day.day, "09:00:00".parse().unwrap());
    let staffed = domain::event::ticket::WindowStaffed {
        window: id("C1"),
        staff: id("one"),
        purpose: "comprehensive".into(),
        since,
    };
    story.tell(since, Subject::Hall(hall_day), &clerk, TicketEvent::from(staffed));
    let state = fold(&story.facts());
    let period = Period { from: day("2026-03-02"), to: day("2026-03-03") };
    let query = HallsQuery { period, group_by: vec![HallDimension::Quarter], organisation: None };
    let answer = state.answer(&query, &REFERENCE.organisations, since + TimeDelta::minutes(40));
    assert_eq!(answer.rows.iter().map(|row| row.open_seconds).collect::<Vec<_>>(), [900, 900, 600]);
    assert_eq!(answer.total.idle_seconds, 2_400);
}

#[test]
fn what_comes_after_the_end_of_a_day_opens_it_no_more() {
    let facts = closed(7);
    let mut state = fold(&facts);
    let is_day = |fact: &&Fact| matches!(fact.subject, Subject::Hall(_));
    let Some(last) = facts.iter().rfind(is_day) else { panic!("three days, none closed") };
    let linked = domain::event::ticket::TicketLinked { ticket: 1, case: crate::testing::case_id(1), visit: None };
    let late = Fact { position: last.position + 1_000, event: TicketEvent::from(linked).into(), ..last.clone() };
    state.apply(&late);
    assert_eq!((state.days().count(), ask(&state, vec![]).total.linked_cases), (0, 1));
}

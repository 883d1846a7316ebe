use super::*;
use crate::actor::{Actor, Role};
use crate::event::OrganisationEvent;
use crate::event::organisation::OpeningDaysSet;
use crate::reference::Reference;
use crate::sealed::AgeBand;
use crate::testing::{REFERENCE, actor, at, context, organisation};
use chrono::TimeDelta;
use proptest::prelude::*;

const HALL: &str = "361023100";

fn day() -> HallDay {
    "2026-03-02-361023100".parse().unwrap()
}

/// A Monday.
fn clock(time: &str) -> Instant {
    at("2026-03-02", time)
}

fn window(name: &str) -> WindowId {
    name.parse().unwrap()
}

fn somebody() -> Issue {
    Issue {
        purpose: "comprehensive".into(),
        item: None,
        visitor: None,
        age_band: None,
        priority: None,
        appointment: None,
        rating_code_digest: None,
    }
}

fn person(id: &str, age: AgeBand) -> Issue {
    Issue { visitor: Some(id.parse().unwrap()), age_band: Some(age), ..somebody() }
}

fn appointment() -> AppointmentId {
    "20260302-01KJNX4V8Q0000000000000000-361023100".parse().unwrap()
}

fn clerk(name: &str) -> Actor {
    actor(name, Role::Clerk)
}

/// A day as it goes on: every act is decided and, where it is allowed, taken in.
struct Day {
    queue: HallQueue,
    reference: Reference,
}

impl Day {
    fn new() -> Self {
        Self { queue: HallQueue::default(), reference: REFERENCE.clone() }
    }

    /// With somebody at both comprehensive windows.
    fn open() -> Self {
        let mut hall = Self::new();
        hall.act("08:20:00", "one", TicketAct::StaffWindow { window: window("C1") }).unwrap();
        hall.act("08:20:00", "two", TicketAct::StaffWindow { window: window("C2") }).unwrap();
        hall
    }

    fn act(&mut self, time: &str, who: &str, act: TicketAct) -> Result<Vec<TicketEvent>, Rejection> {
        self.act_at(clock(time), who, act)
    }

    fn act_at(&mut self, at: Instant, who: &str, act: TicketAct) -> Result<Vec<TicketEvent>, Rejection> {
        let who = clerk(who);
        let command = TicketCommand { day: day(), act };
        let events = self.queue.decide(&command, &context(at, &who, &self.reference))?;
        events.iter().for_each(|event| self.queue.evolve(event));
        Ok(events)
    }

    #[track_caller]
    fn issue(&mut self, time: &str, issue: Issue) -> TicketIssued {
        let events = self.act(time, "guide", TicketAct::Issue(issue)).unwrap();
        let [TicketEvent::TicketIssued(issued)] = &events[..] else { panic!("{events:?}") };
        issued.clone()
    }

    #[track_caller]
    fn next(&mut self, time: &str, who: &str, to: &str) -> TicketCalled {
        let events = self.act(time, who, TicketAct::CallNext { window: window(to) }).unwrap();
        let [TicketEvent::TicketCalled(called)] = &events[..] else { panic!("{events:?}") };
        called.clone()
    }

    #[track_caller]
    fn refuses(&mut self, time: &str, who: &str, act: TicketAct, rule: Rejection) {
        assert_eq!(self.act(time, who, act), Err(rule));
    }
}

#[test]
fn numbers_count_from_one_and_are_called_in_turn() {
    let mut hall = Day::open();
    let labels = ["08:30:00", "08:31:00", "08:32:00"].map(|time| hall.issue(time, somebody()).label);
    assert_eq!(labels, ["A001", "A002", "A003"]);
    assert_eq!((hall.next("08:33:00", "one", "C1").ticket, hall.next("08:33:00", "two", "C2").ticket), (1, 2));
}

#[test]
fn who_comes_is_told_how_many_are_ahead_and_for_how_long() {
    let mut hall = Day::new();
    let nobody_there = hall.issue("08:30:00", somebody());
    assert_eq!((nobody_there.ahead, nobody_there.estimated_minutes), (0, None));
    let mut hall = Day::open();
    let first = hall.issue("08:30:00", somebody());
    let second = hall.issue("08:31:00", somebody());
    let third = hall.issue("08:32:00", somebody());
    assert_eq!([first.ahead, second.ahead, third.ahead], [0, 1, 2]);
    // Fifteen minutes a visit, two windows.
    assert_eq!([first, second, third].map(|issued| issued.estimated_minutes), [Some(0), Some(8), Some(15)]);
}

#[test]
fn the_old_and_the_disabled_go_ahead_but_overtake_nobody_for_good() {
    let mut hall = Day::open();
    hall.issue("08:30:00", somebody());
    hall.issue("09:05:00", somebody());
    let old = hall.issue("09:10:00", person("p-old", AgeBand::From60));
    assert_eq!((old.priority, old.ahead), (Some(PriorityGround::Elderly), 1));
    let disabled = Issue { priority: Some(PriorityGround::Disabled), ..person("p-disabled", AgeBand::From18) };
    assert_eq!(hall.issue("09:11:00", disabled).priority, Some(PriorityGround::Disabled));
    assert_eq!(hall.issue("09:12:00", person("p-young", AgeBand::From18)).priority, None);
    let order: Vec<u16> = hall.queue.waiting().map(|ticket| ticket.issued.ticket).collect();
    // The first has waited for more than the half hour that goes ahead.
    assert_eq!(order, [1, 3, 4, 2, 5]);
}

#[test]
fn an_appointment_waits_from_its_slot_and_stands_in_the_same_line() {
    let mut hall = Day::open();
    let slot = clock("10:00:00");
    let early = hall.issue("09:40:00", Issue { appointment: Some((appointment(), slot)), ..somebody() });
    assert_eq!((early.ready_at, early.rank_at), (slot, clock("09:50:00")));
    hall.issue("09:45:00", somebody());
    hall.issue("09:55:00", somebody());
    assert_eq!(hall.queue.waiting().map(|ticket| ticket.issued.ticket).collect::<Vec<_>>(), [2, 1, 3]);
    assert_eq!(hall.queue.waits(clock("09:58:00")).waiting, 2, "who is early does not wait yet");
    assert_eq!(hall.next("09:58:00", "one", "C1").waited_seconds, Some(13 * 60));
    assert_eq!(hall.next("09:58:00", "two", "C2").waited_seconds, Some(0));
    let again = TicketAct::Issue(Issue { appointment: Some((appointment(), slot)), ..somebody() });
    hall.refuses("10:00:00", "guide", again, Rejection::AppointmentHasTicket);
}

#[test]
fn one_person_waits_once() {
    let mut hall = Day::open();
    hall.issue("08:40:00", person("p-1", AgeBand::From18));
    let again = TicketAct::Issue(person("p-1", AgeBand::From18));
    hall.refuses("08:41:00", "guide", again.clone(), Rejection::AlreadyQueueing(1));
    hall.act("08:42:00", "guide", TicketAct::Abandon { ticket: 1, by_visitor: true }).unwrap();
    hall.act("08:43:00", "guide", again).unwrap();
}

#[test]
fn tickets_are_given_while_the_hall_is_open_and_a_little_before() {
    let mut hall = Day::new();
    hall.refuses("07:59:00", "guide", TicketAct::Issue(somebody()), Rejection::HallClosed);
    assert_eq!(hall.issue("08:01:00", somebody()).service_time, ServiceTime::AfterHours);
    assert_eq!(hall.issue("17:29:00", somebody()).service_time, ServiceTime::Ordinary);
    assert_eq!(hall.issue("18:00:00", somebody()).service_time, ServiceTime::AfterHours);
    hall.refuses("18:31:00", "guide", TicketAct::Issue(somebody()), Rejection::HallClosed);
    let of_another_kind = Issue { purpose: "marriage".into(), ..somebody() };
    hall.refuses("09:00:00", "guide", TicketAct::Issue(of_another_kind), Rejection::PurposeNotServed);
    let unknown = Issue { item: Some("FZ-999".parse().unwrap()), ..somebody() };
    hall.refuses("09:00:00", "guide", TicketAct::Issue(unknown), Rejection::UnknownItem);
}

#[test]
fn a_rest_day_is_served_as_one_where_the_hall_is_open_every_day() {
    let saturday: HallDay = "2026-03-07-361023100".parse().unwrap();
    let guide = clerk("guide");
    let command = TicketCommand { day: saturday, act: TicketAct::Issue(somebody()) };
    let at = at("2026-03-07", "10:00:00");
    let events = HallQueue::default().decide(&command, &context(at, &guide, &REFERENCE)).unwrap();
    assert!(matches!(&events[..], [TicketEvent::TicketIssued(issued)] if issued.service_time == ServiceTime::RestDay));
}

#[test]
fn only_an_open_window_calls_and_only_who_sits_there() {
    let mut hall = Day::new();
    hall.issue("08:30:00", somebody());
    let next = |to: &str| TicketAct::CallNext { window: window(to) };
    hall.refuses("08:31:00", "one", next("C1"), Rejection::WindowNotOpen);
    hall.refuses("08:31:00", "one", TicketAct::StaffWindow { window: window("C9") }, Rejection::NoSuchWindow);
    hall.act("08:31:00", "one", TicketAct::StaffWindow { window: window("C1") }).unwrap();
    hall.refuses("08:31:00", "two", next("C1"), Rejection::NotYourWindow);
    hall.refuses("08:31:00", "two", TicketAct::StaffWindow { window: window("C1") }, Rejection::WindowTaken);
    let elsewhere = TicketAct::StaffWindow { window: window("C2") };
    hall.refuses("08:31:00", "one", elsewhere, Rejection::AtAnotherWindow(window("C1")));
    hall.next("08:32:00", "one", "C1");
    hall.refuses("08:33:00", "one", next("C1"), Rejection::TicketInHand(1));
    hall.refuses("08:33:00", "one", TicketAct::LeaveWindow { window: window("C1") }, Rejection::TicketInHand(1));
    hall.act("08:40:00", "one", TicketAct::Finish { ticket: 1 }).unwrap();
    hall.refuses("08:41:00", "one", next("C1"), Rejection::NobodyWaiting);
    hall.act("08:42:00", "one", TicketAct::LeaveWindow { window: window("C1") }).unwrap();
    hall.refuses("08:43:00", "one", next("C1"), Rejection::WindowNotOpen);
}

#[test]
fn way_and_service_are_counted_from_the_call() {
    let mut hall = Day::open();
    hall.issue("08:30:00", somebody());
    assert_eq!(hall.next("08:36:00", "one", "C1").waited_seconds, Some(360));
    let started = hall.act("08:36:40", "one", TicketAct::Serve { ticket: 1 }).unwrap();
    assert!(matches!(&started[..], [TicketEvent::ServiceStarted(body)] if body.way_seconds == 40));
    assert_eq!(hall.act("08:37:00", "one", TicketAct::Serve { ticket: 1 }), Ok(vec![]));
    hall.refuses("08:40:00", "two", TicketAct::Finish { ticket: 1 }, Rejection::NotYourWindow);
    let finished = hall.act("08:46:00", "one", TicketAct::Finish { ticket: 1 }).unwrap();
    assert!(matches!(&finished[..], [TicketEvent::ServiceFinished(body)] if body.serve_seconds == 600));
    assert_eq!(hall.act("08:47:00", "one", TicketAct::Finish { ticket: 1 }), Ok(vec![]));
    let service = hall.queue.rated_service(&TicketId::of(&day(), 1)).unwrap();
    assert_eq!((service.staff.unwrap().as_str(), service.window.unwrap().as_str()), ("one", "C1"));
}

#[test]
fn a_visit_is_a_service_of_its_own_until_it_leads_to_a_case() {
    let mut hall = Day::open();
    let (one, other) = ("01J00000000000000000000001", "01J00000000000000000000002");
    let link = |ticket: u16, case: &str| TicketAct::Link { ticket, case: case.parse().unwrap() };
    for ticket in [1, 2] {
        hall.issue("08:30:00", somebody());
        hall.next("08:36:00", "one", "C1");
        hall.act("08:36:40", "one", TicketAct::Serve { ticket }).unwrap();
        if ticket == 2 {
            hall.act("08:37:00", "one", link(2, one)).unwrap();
        }
        let finished = hall.act("08:46:00", "one", TicketAct::Finish { ticket }).unwrap();
        let [TicketEvent::ServiceFinished(finished)] = &finished[..] else { panic!("{finished:?}") };
        assert_eq!(finished.visit.is_some(), ticket == 1);
    }
    let is_visit = |hall: &Day| hall.queue.rated_service(&TicketId::of(&day(), 1)).unwrap().visit;
    assert!(is_visit(&hall));
    let linked = hall.act("08:50:00", "one", link(1, one)).unwrap();
    assert!(matches!(&linked[..], [TicketEvent::TicketLinked(body)] if body.visit.is_some()));
    assert!(!is_visit(&hall));
    // It is taken back once, however many cases it leads to.
    let again = hall.act("08:51:00", "one", link(1, other)).unwrap();
    assert!(matches!(&again[..], [TicketEvent::TicketLinked(body)] if body.visit.is_none()));
}

#[test]
fn a_number_is_missed_after_two_calls_and_begins_anew() {
    let mut hall = Day::open();
    hall.issue("08:30:00", somebody());
    hall.issue("08:31:00", somebody());
    hall.refuses("08:31:00", "one", TicketAct::Recall { ticket: 1 }, Rejection::NotCalled);
    hall.next("08:32:00", "one", "C1");
    hall.refuses("08:32:30", "one", TicketAct::Miss { ticket: 1 }, Rejection::CalledTooFewTimes(2));
    hall.act("08:33:00", "one", TicketAct::Recall { ticket: 1 }).unwrap();
    hall.act("08:34:00", "one", TicketAct::Miss { ticket: 1 }).unwrap();
    hall.act("08:50:00", "guide", TicketAct::Requeue { ticket: 1 }).unwrap();
    assert_eq!(hall.queue.waiting().map(|ticket| ticket.issued.ticket).collect::<Vec<_>>(), [2, 1]);
    hall.next("08:51:00", "one", "C1");
    assert_eq!(hall.next("08:51:00", "two", "C2").waited_seconds, None, "its wait was counted at its first call");
}

#[test]
fn a_parked_ticket_comes_back_in_front_or_straight_to_the_window() {
    let mut hall = Day::open();
    hall.issue("08:30:00", somebody());
    hall.issue("08:31:00", somebody());
    hall.next("08:32:00", "one", "C1");
    hall.act("08:36:00", "one", TicketAct::Park { ticket: 1 }).unwrap();
    hall.act("08:40:00", "one", TicketAct::Requeue { ticket: 1 }).unwrap();
    assert_eq!(hall.next("08:41:00", "one", "C1").ticket, 1);
    hall.act("08:42:00", "one", TicketAct::Park { ticket: 1 }).unwrap();
    hall.act("08:45:00", "one", TicketAct::Call { ticket: 1, window: window("C1") }).unwrap();
    hall.refuses("08:46:00", "two", TicketAct::Call { ticket: 1, window: window("C2") }, Rejection::AlreadyCalled);
}

#[test]
fn a_transferred_ticket_keeps_its_place_at_the_other_window() {
    let mut hall = Day::open();
    hall.act("08:20:00", "three", TicketAct::StaffWindow { window: window("O1") }).unwrap();
    hall.issue("08:30:00", somebody());
    hall.issue("08:31:00", Issue { purpose: "output".into(), ..somebody() });
    hall.next("08:32:00", "one", "C1");
    let transfer = |window: Option<WindowId>, purpose: Option<&str>| TicketAct::Transfer {
        ticket: 1,
        window,
        purpose: purpose.map(str::to_owned),
    };
    hall.refuses("08:33:00", "one", transfer(None, Some("marriage")), Rejection::PurposeNotServed);
    hall.refuses("08:33:00", "one", transfer(Some(window("C1")), None), Rejection::TransferToSame);
    let events = hall.act("08:36:00", "one", transfer(Some(window("O1")), None)).unwrap();
    assert!(matches!(&events[..], [TicketEvent::TicketTransferred(body)]
        if body.serve_seconds == 240 && body.purpose == "output"));
    hall.refuses("08:36:30", "guide", transfer(Some(window("O1")), None), Rejection::TransferToSame);
    hall.refuses("08:37:00", "one", TicketAct::CallNext { window: window("C1") }, Rejection::NobodyWaiting);
    assert_eq!(hall.next("08:37:00", "three", "O1").ticket, 1);
}

#[test]
fn one_ticket_leads_to_several_cases_also_after_the_day() {
    let mut hall = Day::open();
    hall.issue("08:30:00", somebody());
    let link = |case: &str| TicketAct::Link { ticket: 1, case: case.parse().unwrap() };
    let (one, other) = ("01KH9Z6V0000000000000000AA", "01KH9Z6V0000000000000000AB");
    hall.act("08:40:00", "one", link(one)).unwrap();
    assert_eq!(hall.act("08:41:00", "one", link(one)), Ok(vec![]));
    hall.act_at(at("2026-03-03", "00:05:00"), "system", TicketAct::CloseDay).unwrap();
    hall.act_at(at("2026-03-03", "09:00:00"), "one", link(other)).unwrap();
    assert_eq!(hall.queue.tickets[&1].cases.len(), 2);
}

#[test]
fn a_long_queue_is_warned_of_once_per_crossing_and_windows_then_help() {
    let mut hall = Day::open();
    hall.act("08:20:00", "three", TicketAct::StaffWindow { window: window("O1") }).unwrap();
    for _ in 0..12 {
        hall.issue("08:30:00", somebody());
    }
    let rules = |hall: &Day, time: &str| -> Vec<String> {
        hall_due(&day(), &hall.queue, &hall.reference, clock(time)).into_iter().map(|due| due.rule).collect()
    };
    let do_what_is_due = |hall: &mut Day, time: &str| {
        for due in hall_due(&day(), &hall.queue, &hall.reference, clock(time)) {
            assert_eq!(hall.act(time, "system", due.act).unwrap().len(), 1);
        }
    };
    assert!(rules(&hall, "08:45:59").is_empty());
    let help = TicketAct::RaiseWarning { threshold: "cross-window-help".into() };
    hall.refuses("08:45:00", "system", help.clone(), Rejection::NotCrossed);
    hall.refuses("08:46:00", "three", TicketAct::CallNext { window: window("O1") }, Rejection::NobodyWaiting);
    assert_eq!(rules(&hall, "08:46:00"), ["hall-warning/cross-window-help/1/p1"]);
    do_what_is_due(&mut hall, "08:46:00");
    assert!(rules(&hall, "08:47:00").is_empty());
    assert_eq!(hall.act("08:47:00", "system", help), Ok(vec![]));
    assert_eq!(hall.next("08:47:00", "three", "O1").ticket, 1, "with nobody of its own to call it helps");
    hall.next("08:48:00", "one", "C1");
    assert_eq!(rules(&hall, "08:48:00"), ["hall-warning-ended/cross-window-help/1"]);
    do_what_is_due(&mut hall, "08:48:00");
    for _ in 0..3 {
        hall.issue("08:49:00", somebody());
    }
    assert_eq!(rules(&hall, "08:54:00"), ["hall-warning/cross-window-help/2/p1"], "the next crossing is another one");
    assert!(rules(&hall, "09:01:00").contains(&"hall-warning/emergency-window/1/p1".to_owned()));
}

#[test]
fn the_end_of_the_day_gives_up_who_waits_and_counts_no_forgotten_time() {
    let mut hall = Day::open();
    for _ in 0..3 {
        hall.issue("17:00:00", somebody());
    }
    hall.next("17:10:00", "one", "C1");
    hall.act("17:11:00", "one", TicketAct::Serve { ticket: 1 }).unwrap();
    hall.next("17:20:00", "two", "C2");
    let next_day = "2026-03-03".parse().unwrap();
    hall.refuses("23:59:00", "system", TicketAct::CloseDay, Rejection::DayNotOver(next_day));
    let due = hall_due(&day(), &hall.queue, &hall.reference, at("2026-03-03", "00:00:00"));
    assert_eq!(due, [HallDue { rule: "close-day".into(), act: TicketAct::CloseDay }]);
    let events = hall.act_at(at("2026-03-03", "00:00:00"), "system", TicketAct::CloseDay).unwrap();
    let finished = |event: &TicketEvent| matches!(event, TicketEvent::ServiceFinished(body) if body.forgotten);
    let open_hours =
        |event: &TicketEvent| matches!(event, TicketEvent::WindowLeft(body) if body.open_seconds == 32_400);
    assert!(events.iter().any(finished) && events.iter().any(open_hours), "{events:?}");
    let last = HallDayClosed { issued: 3, finished: 1, abandoned: 2 };
    assert_eq!(events.last(), Some(&last.into()));
    assert!(hall.queue.served.is_empty());
    assert_eq!(hall.act_at(at("2026-03-03", "00:01:00"), "system", TicketAct::CloseDay), Ok(vec![]));
    let late = hall.act_at(at("2026-03-03", "00:01:00"), "guide", TicketAct::Issue(somebody()));
    assert_eq!(late, Err(Rejection::DayClosed));
}

#[test]
fn a_day_may_begin_at_another_hour_than_midnight() {
    let mut reference = REFERENCE.clone();
    let set = OpeningDaysSet {
        organisation: organisation(HALL),
        every_day: true,
        opens: "08:30:00".parse().unwrap(),
        closes: "17:30:00".parse().unwrap(),
        after_hours_until: None,
        day_begins: Some("05:00:00".parse().unwrap()),
        valid_from: "2026-01-01".parse().unwrap(),
    };
    reference.organisations.evolve(&OrganisationEvent::from(set));
    let day_at = |date: &str, time: &str| reference.organisations.hall_day(&organisation(HALL), at(date, time));
    assert_eq!(day_at("2026-03-03", "04:59:59"), day());
    assert_eq!(day_at("2026-03-03", "05:00:00").to_string(), "2026-03-03-361023100");
    assert_eq!(reference.organisations.end_of(&day()), at("2026-03-03", "05:00:00"));
    assert_eq!(REFERENCE.organisations.end_of(&day()), at("2026-03-03", "00:00:00"));
}

fn acts() -> impl Strategy<Value = (usize, TicketAct)> {
    let number = || 1_u16..9;
    let one = || proptest::sample::select(vec!["C1", "C2", "O1"]).prop_map(window);
    let purpose = || proptest::sample::select(vec!["comprehensive", "output"]).prop_map(str::to_owned);
    let act = prop_oneof![
        4 => (purpose(), proptest::option::of(0_u8..5)).prop_map(|(purpose, who)| TicketAct::Issue(Issue {
            purpose,
            visitor: who.map(|who| format!("p-{who}").parse().unwrap()),
            age_band: Some(AgeBand::From60),
            ..somebody()
        })),
        2 => one().prop_map(|window| TicketAct::StaffWindow { window }),
        1 => one().prop_map(|window| TicketAct::LeaveWindow { window }),
        6 => one().prop_map(|window| TicketAct::CallNext { window }),
        2 => (number(), one()).prop_map(|(ticket, window)| TicketAct::Call { ticket, window }),
        2 => number().prop_map(|ticket| TicketAct::Recall { ticket }),
        2 => number().prop_map(|ticket| TicketAct::Miss { ticket }),
        2 => number().prop_map(|ticket| TicketAct::Park { ticket }),
        2 => number().prop_map(|ticket| TicketAct::Requeue { ticket }),
        2 => (number(), proptest::option::of(purpose()), proptest::option::of(one()))
            .prop_map(|(ticket, purpose, window)| TicketAct::Transfer { ticket, purpose, window }),
        3 => number().prop_map(|ticket| TicketAct::Serve { ticket }),
        4 => number().prop_map(|ticket| TicketAct::Finish { ticket }),
        1 => (number(), any::<bool>()).prop_map(|(ticket, by_visitor)| TicketAct::Abandon { ticket, by_visitor }),
    ];
    (0..3_usize, act)
}

fn consistent(queue: &HallQueue) {
    for (number, ticket) in &queue.tickets {
        let at: Vec<_> = queue.windows.values().filter(|open| open.ticket == Some(*number)).collect();
        let in_hand = matches!(ticket.status, TicketStatus::Called | TicketStatus::Serving);
        assert_eq!(at.len(), usize::from(in_hand), "ticket {number} is at {} windows, {:?}", at.len(), ticket.status);
    }
    let waiting: BTreeSet<u16> = queue.waiting().map(|ticket| ticket.issued.ticket).collect();
    let by_status = queue.tickets.iter().filter(|(_, ticket)| ticket.status == TicketStatus::Waiting);
    assert_eq!(waiting, by_status.map(|(number, _)| *number).collect());
    assert!(queue.tickets.keys().copied().eq(1..=queue.last_number()), "numbers have no gaps");
}

proptest! {
    #[test]
    fn no_number_is_at_two_windows_whatever_people_do(steps in proptest::collection::vec(acts(), 1..120)) {
        let mut hall = Day::new();
        let mut now = clock("08:30:00");
        for (who, act) in steps {
            now += TimeDelta::seconds(90);
            let before = hall.queue.clone();
            let decided = hall.act_at(now, ["one", "two", "three"][who], act.clone());
            if let Ok(events) = &decided {
                for event in events {
                    if let TicketEvent::TicketCalled(called) = event {
                        let was = before.tickets[&called.ticket].status;
                        prop_assert!(!was.is_over() && was != TicketStatus::Called && was != TicketStatus::Serving);
                    }
                }
            }
            consistent(&hall.queue);
            for due in hall_due(&day(), &hall.queue, &hall.reference, now) {
                prop_assert!(hall.act_at(now, "system", due.act).is_ok_and(|events| !events.is_empty()));
            }
        }
        let over = at("2026-03-03", "00:00:00");
        for due in hall_due(&day(), &hall.queue, &hall.reference, over) {
            hall.act_at(over, "system", due.act).unwrap();
        }
        prop_assert!(hall.queue.tickets.values().all(|ticket| ticket.status.is_over()));
        prop_assert!(hall.queue.windows.is_empty());
    }
}

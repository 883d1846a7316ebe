use super::*;
use crate::actor::Role;
use crate::event::OrganisationEvent;
use crate::event::item::ItemPublished;
use crate::event::organisation::StaffAppointed;
use crate::sealed::{Party, PartyKind};
use crate::testing::{REFERENCE, actor, at, context, sealed};
use proptest::prelude::*;
use ulid::Ulid;

/// On both lists.
const DIBAO: &str = "FZ-001";

fn day(text: &str) -> HallDay {
    format!("{text}-361023100").parse().unwrap()
}

/// A Tuesday.
fn tuesday() -> HallDay {
    day("2026-03-03")
}

fn id(day: &HallDay, number: u128) -> AppointmentId {
    AppointmentId { day: day.clone(), code: Ulid::from_parts(1, number) }
}

fn party(who: &str) -> Party {
    let subject: SubjectId = who.parse().unwrap();
    Party { subject, kind: PartyKind::NaturalPerson, age_band: None, person: sealed("person") }
}

fn book(number: u128, who: &str, time: &str) -> Book {
    Book {
        appointment: id(&tuesday(), number),
        from: at("2026-03-03", time),
        purpose: "comprehensive".into(),
        item: DIBAO.parse().unwrap(),
        party: party(who),
        manned: None,
        replaces: None,
    }
}

struct Hall {
    slots: DaySlots,
    reference: Reference,
    now: Instant,
}

impl Hall {
    /// On the Monday before.
    fn new() -> Self {
        Self { slots: DaySlots::default(), reference: REFERENCE.clone(), now: at("2026-03-02", "10:00:00") }
    }

    fn act_on(&mut self, day: HallDay, act: Act) -> Result<Vec<AppointmentEvent>, Rejection> {
        let guide = actor("guide", Role::Receptionist);
        let command = AppointmentCommand { day, act };
        let events = self.slots.decide(&command, &context(self.now, &guide, &self.reference))?;
        events.iter().for_each(|event| self.slots.evolve(event));
        Ok(events)
    }

    fn act(&mut self, act: Act) -> Result<Vec<AppointmentEvent>, Rejection> {
        self.act_on(tuesday(), act)
    }

    #[track_caller]
    fn booked(&mut self, book: Book) -> AppointmentBooked {
        match self.act(Act::Book(book)).as_deref() {
            Ok([.., AppointmentEvent::AppointmentBooked(booked)]) => booked.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn refuses(&mut self, act: Act, rule: Rejection) {
        assert_eq!(self.act(act), Err(rule));
    }
}

#[test]
fn slots_follow_from_hours_and_windows() {
    let slots = slots(&REFERENCE, &tuesday(), "comprehensive", None);
    // 08:30 to 17:30, then after hours until 18:30; half an hour each.
    assert_eq!(slots.len(), 20);
    assert_eq!((slots[0].from, slots[0].capacity), (at("2026-03-03", "08:30:00"), 2));
    let after_hours = slots.iter().filter(|slot| slot.service_time == ServiceTime::AfterHours).count();
    assert_eq!(after_hours, 2);
    let sunday = super::slots(&REFERENCE, &day("2026-03-08"), "comprehensive", None);
    assert!(sunday.iter().all(|slot| slot.service_time == ServiceTime::RestDay) && !sunday.is_empty());
    let elsewhere: HallDay = "2026-03-08-361002004".parse().unwrap();
    assert!(super::slots(&REFERENCE, &elsewhere, "comprehensive", None).is_empty(), "closed on Sundays");
    assert!(super::slots(&REFERENCE, &tuesday(), "marriage", None).is_empty());
}

#[test]
fn a_slot_holds_no_more_than_the_clerks_who_are_there() {
    let mut hall = Hall::new();
    let appointed = StaffAppointed {
        organisation: "361023100".parse().unwrap(),
        staff: "C".parse().unwrap(),
        roles: vec![Role::Clerk],
        person: None,
        valid_from: "2026-01-01".parse().unwrap(),
    };
    hall.reference.organisations.evolve(&OrganisationEvent::from(appointed));
    assert_eq!(hall.booked(book(1, "p-1", "09:00:00")).capacity, 1);
    hall.refuses(Act::Book(book(2, "p-2", "09:00:00")), Rejection::SlotFull);
}

#[test]
fn a_roster_says_at_how_many_windows_somebody_is() {
    let mut hall = Hall::new();
    let one = Book { manned: Some(1), ..book(1, "p-1", "09:00:00") };
    assert_eq!(hall.booked(one).capacity, 1);
    let nobody = Book { manned: Some(0), ..book(2, "p-2", "10:00:00") };
    hall.refuses(Act::Book(nobody), Rejection::NoSuchSlot);
}

#[test]
fn a_full_slot_is_refused_until_somebody_gives_a_place_back() {
    let mut hall = Hall::new();
    assert_eq!(hall.booked(book(1, "p-1", "09:00:00")).taken, 1);
    assert_eq!(hall.booked(book(2, "p-2", "09:00:00")).taken, 2);
    hall.refuses(Act::Book(book(3, "p-3", "09:00:00")), Rejection::SlotFull);
    hall.booked(book(4, "p-4", "09:30:00"));
    let cancel = || Act::Cancel { appointment: id(&tuesday(), 1), by_hall: false };
    hall.act(cancel()).unwrap();
    assert_eq!(hall.act(cancel()), Ok(vec![]));
    assert_eq!(hall.booked(book(3, "p-3", "09:00:00")).taken, 2);
}

#[test]
fn an_item_is_booked_from_its_day_on_and_after_hours_from_that() {
    let mut hall = Hall::new();
    let dibao = REFERENCE.catalogue.in_force(&DIBAO.parse().unwrap(), tuesday().day).unwrap();
    let mut publish = |version: u32, appointment: &str, after_hours: &str| {
        let (appointment, after_hours) = (appointment.parse().unwrap(), after_hours.parse().unwrap());
        let mut definition = dibao.definition.clone();
        (definition.appointment_since, definition.after_hours_since) = (Some(appointment), Some(after_hours));
        let (item, version, valid_from) = (dibao.item.clone(), dibao.version + version, "2026-03-01".parse().unwrap());
        let published = ItemPublished { item, version, valid_from, valid_to: None, definition };
        hall.reference.catalogue.evolve(&published.into());
        hall.slots = DaySlots::default();
        let mut act = |number: u128, who: &str, time: &str| hall.act(Act::Book(book(number, who, time))).map(drop);
        (act(1, "p-1", "09:00:00"), act(2, "p-2", "17:30:00"))
    };
    let (none, late) = (Err(Rejection::ItemWithoutAppointment), Err(Rejection::ItemWithoutAfterHours));
    assert_eq!(publish(1, "2026-03-04", "2026-03-04"), (none, none));
    assert_eq!(publish(2, "2026-03-03", "2026-03-04"), (Ok(()), late));
    assert_eq!(publish(3, "2026-03-03", "2026-03-03"), (Ok(()), Ok(())));
}

#[test]
fn what_cannot_be_booked_is_refused_by_its_rule() {
    let mut hall = Hall::new();
    hall.refuses(Act::Book(book(1, "p-1", "09:10:00")), Rejection::NoSuchSlot);
    hall.refuses(Act::Book(book(1, "p-1", "20:00:00")), Rejection::NoSuchSlot);
    let item = |item: &str, time: &str| Act::Book(Book { item: item.parse().unwrap(), ..book(1, "p-1", time) });
    hall.refuses(item("FZ-999", "09:00:00"), Rejection::UnknownItem);
    let definitions = || REFERENCE.catalogue.items().filter_map(|(id, item)| Some((id, &item.latest()?.definition)));
    let here = |levels: &[crate::event::item::Level]| levels.contains(&crate::event::item::Level::Township);
    let (no_appointment, _) = definitions().find(|(_, d)| here(&d.intake_levels) && !d.appointment).unwrap();
    hall.refuses(item(no_appointment.as_str(), "09:00:00"), Rejection::ItemWithoutAppointment);
    let (not_late, _) = definitions().find(|(_, d)| here(&d.intake_levels) && d.appointment && !d.after_hours).unwrap();
    hall.refuses(item(not_late.as_str(), "17:30:00"), Rejection::ItemWithoutAfterHours);
    hall.now = at("2026-03-03", "09:00:00");
    hall.refuses(Act::Book(book(1, "p-1", "09:00:00")), Rejection::SlotBegun);
    hall.now = at("2026-02-10", "09:00:00");
    hall.refuses(Act::Book(book(1, "p-1", "09:00:00")), Rejection::TooFarAhead("2026-02-24".parse().unwrap()));
    assert_eq!(hall.slots, DaySlots::default());
}

#[test]
fn after_hours_are_booked_as_such() {
    assert_eq!(Hall::new().booked(book(1, "p-1", "17:30:00")).service_time, ServiceTime::AfterHours);
}

#[test]
fn one_person_holds_one_slot_a_day() {
    let mut hall = Hall::new();
    hall.booked(book(1, "p-1", "09:00:00"));
    hall.refuses(Act::Book(book(2, "p-1", "10:00:00")), Rejection::BookedAlready);
}

#[test]
fn moving_within_the_day_gives_the_old_place_back_at_once() {
    let mut hall = Hall::new();
    hall.booked(book(1, "p-1", "09:00:00"));
    hall.booked(book(2, "p-2", "09:00:00"));
    let replaces = Some(id(&tuesday(), 1));
    hall.booked(Book { replaces: replaces.clone(), ..book(3, "p-1", "10:00:00") });
    assert_eq!(hall.slots.taken("comprehensive", at("2026-03-03", "09:00:00")), 1);
    hall.refuses(Act::Book(Book { replaces, ..book(4, "p-1", "11:00:00") }), Rejection::AlreadyMoved);
    // Into the slot where one stands already: the place that is given back is the one that is taken.
    hall.booked(book(5, "p-5", "09:00:00"));
    hall.booked(Book { replaces: Some(id(&tuesday(), 5)), ..book(6, "p-5", "09:00:00") });
    assert_eq!(hall.slots.taken("comprehensive", at("2026-03-03", "09:00:00")), 2);
}

#[test]
fn moving_to_another_day_leaves_a_word_where_it_went() {
    let mut hall = Hall::new();
    hall.booked(book(1, "p-1", "09:00:00"));
    let to = id(&day("2026-03-04"), 9);
    let moved = Act::Move { appointment: id(&tuesday(), 1), to: to.clone() };
    hall.act(moved.clone()).unwrap();
    assert_eq!(hall.act(moved), Ok(vec![]));
    let elsewhere = Act::Move { appointment: id(&tuesday(), 1), to: id(&day("2026-03-05"), 9) };
    hall.refuses(elsewhere, Rejection::AlreadyMoved);
    assert_eq!(hall.slots.bookings[&id(&tuesday(), 1)].moved_to, Some(to));
}

#[test]
fn an_appointment_is_kept_around_its_slot_and_missed_after_it() {
    let appointment = || id(&tuesday(), 1);
    let keep = || Act::Keep { appointment: appointment() };
    let mut hall = Hall::new();
    hall.refuses(keep(), Rejection::UnknownAppointment);
    hall.booked(book(1, "p-1", "10:00:00"));
    hall.now = at("2026-03-03", "08:59:59");
    hall.refuses(keep(), Rejection::CheckInTooEarly);
    hall.now = at("2026-03-03", "10:45:00");
    hall.refuses(Act::Miss { appointment: appointment() }, Rejection::MayStillCome);
    let mut late = Hall { slots: hall.slots.clone(), reference: hall.reference.clone(), now: hall.now };
    hall.act(keep()).unwrap();
    assert_eq!(hall.act(keep()), Ok(vec![]));
    assert_eq!(hall.act(Act::Miss { appointment: appointment() }), Ok(vec![]));
    hall.refuses(Act::Cancel { appointment: appointment(), by_hall: false }, Rejection::AlreadyKept);
    late.now = at("2026-03-03", "10:45:01");
    late.refuses(keep(), Rejection::CheckInTooLate);
    let rules = late.reference.policies.at(tuesday().day).rules.hall.clone();
    assert_eq!(late.slots.missed(&rules, late.now).collect::<Vec<_>>(), [&appointment()]);
    late.act(Act::Miss { appointment: appointment() }).unwrap();
    late.refuses(keep(), Rejection::AppointmentWasMissed);
    assert_eq!(late.slots.missed(&rules, late.now).count(), 0);
}

fn acts() -> impl Strategy<Value = Act> {
    let times = || proptest::sample::select(vec!["09:00:00", "09:30:00", "18:00:00"]);
    let known = || 0_u128..40;
    prop_oneof![
        4 => (known(), 0_u8..12, times(), proptest::option::of(known())).prop_map(|(number, who, time, replaces)| {
            let replaces = replaces.filter(|_| number % 3 == 0).map(|old| id(&tuesday(), old));
            Act::Book(Book { replaces, ..book(100 + number, &format!("p-{who}"), time) })
        }),
        1 => known().prop_map(|n| Act::Cancel { appointment: id(&tuesday(), 100 + n), by_hall: n % 2 == 0 }),
        1 => known().prop_map(|n| Act::Keep { appointment: id(&tuesday(), 100 + n) }),
        1 => known().prop_map(|n| Act::Miss { appointment: id(&tuesday(), 100 + n) }),
    ]
}

proptest! {
    #[test]
    fn no_slot_is_ever_oversold(steps in proptest::collection::vec((acts(), 0_i64..40), 1..120)) {
        let mut hall = Hall::new();
        hall.now = at("2026-03-03", "08:00:00");
        for (act, minutes) in steps {
            hall.now += TimeDelta::minutes(minutes) / 10;
            // An id is made once; the door never hands one out twice.
            if matches!(&act, Act::Book(book) if hall.slots.bookings.contains_key(&book.appointment)) {
                continue;
            }
            let _decided = hall.act(act);
            for slot in slots(&hall.reference, &tuesday(), "comprehensive", None) {
                prop_assert!(hall.slots.taken("comprehensive", slot.from) <= slot.capacity);
            }
        }
    }
}

use super::*;
use crate::actor::Role;
use crate::event::OrganisationEvent;
use crate::event::organisation::StaffAppointed;
use crate::reference::Reference;
use crate::testing::{REFERENCE, actor, at, context, day, organisation};
use std::sync::LazyLock;

const HALL: &str = "361023100";

/// The built-in city, with somebody working at 琴城镇 (open every day) and at 马圩镇 (open on working days).
static STAFFED: LazyLock<Reference> = LazyLock::new(|| {
    let mut reference = REFERENCE.clone();
    for hall in [HALL, "361003103"] {
        for staff in ["first", "second", "third"] {
            reference.organisations.evolve(&OrganisationEvent::StaffAppointed(StaffAppointed {
                organisation: organisation(hall),
                staff: staff.parse().unwrap(),
                roles: vec![Role::Clerk],
                person: None,
                valid_from: day("2026-01-01"),
            }));
        }
    }
    reference
});

fn on(staff: &str, full_time: bool, party_post: bool) -> OnDuty {
    OnDuty { staff: staff.parse().unwrap(), full_time, party_post }
}

fn planned(window: &str, on: OnDuty, days: &[u8]) -> Planned {
    Planned { window: window.parse().unwrap(), on, days: days.to_vec() }
}

fn post(hall: &str, duties: Vec<Planned>) -> RosterCommand {
    RosterCommand::Post { organisation: organisation(hall), month: "2026-03".parse().unwrap(), duties }
}

fn change(day_text: &str, off: Option<&str>, on: Option<OnDuty>) -> RosterCommand {
    RosterCommand::Change {
        day: day(day_text),
        window: "S1".parse().unwrap(),
        off: off.map(|off| off.parse().unwrap()),
        on,
        reason: DutyChangeReason::Leave,
    }
}

fn posted() -> Vec<RosterEvent> {
    let duty = |staff: &str, party_post| Duty {
        window: "S1".parse().unwrap(),
        purpose: ASSISTANCE.to_owned(),
        staff: staff.parse().unwrap(),
        full_time: true,
        party_post,
        days: vec![2, 3, 4],
    };
    let duties = vec![duty("first", true), duty("second", false)];
    vec![RosterPosted { organisation: organisation(HALL), month: "2026-03".parse().unwrap(), duties }.into()]
}

fn confirmed(through: &str) -> RosterEvent {
    RosterConfirmed { organisation: organisation(HALL), through: day(through) }.into()
}

fn after(given: &[RosterEvent]) -> Roster {
    let mut roster = Roster::default();
    given.iter().for_each(|event| roster.evolve(event));
    roster
}

#[track_caller]
fn check(given: &[RosterEvent], when: &RosterCommand, then: Result<Vec<RosterEvent>, RosterRejection>) {
    let chief = actor("chief", Role::Chief);
    assert_eq!(after(given).decide(when, &context(at("2026-02-25", "09:00:00"), &chief, &STAFFED)), then);
}

#[track_caller]
fn check_later(
    given: &[RosterEvent],
    who: &str,
    when: &RosterCommand,
    then: Result<Vec<RosterEvent>, RosterRejection>,
) {
    let somebody = actor(who, Role::Chief);
    assert_eq!(after(given).decide(when, &context(at("2026-03-05", "09:00:00"), &somebody, &STAFFED)), then);
}

#[test]
fn a_roster_is_posted_once_with_what_each_window_is_for() {
    let duties =
        vec![planned("S1", on("first", true, true), &[4, 2, 3]), planned("S1", on("second", true, false), &[2, 3, 4])];
    check(&[], &post(HALL, duties.clone()), Ok(posted()));
    check(&posted(), &post(HALL, duties), Err(RosterRejection::RosterAlreadyPosted));
}

#[test]
fn a_roster_names_people_who_work_there_at_windows_that_are_there() {
    use RosterRejection::*;
    let of = |duty: Planned| post(HALL, vec![duty]);
    check(&[], &post(HALL, vec![]), Err(RosterEmpty));
    check(&[], &post("361023-MZ", vec![]), Err(NotAHall(organisation("361023-MZ"))));
    let unknown = planned("X9", on("first", true, false), &[2]);
    check(&[], &of(unknown), Err(RosterWindowUnknown("X9".parse().unwrap())));
    let stranger = planned("S1", on("stranger", true, false), &[2]);
    check(&[], &of(stranger), Err(NotAppointedThen("stranger".parse().unwrap(), day("2026-03-02"))));
    check(&[], &of(planned("S1", on("first", true, false), &[32])), Err(DayOutsideMonth(32)));
}

#[test]
fn nobody_is_on_duty_where_nobody_comes_and_nobody_is_there_twice() {
    use RosterRejection::*;
    let sunday = || planned("S1", on("first", true, false), &[1]);
    check(&[], &post("361003103", vec![sunday()]), Err(HallClosedThen(day("2026-03-01"))));
    assert!(
        after(&[])
            .decide(
                &post(HALL, vec![sunday()]),
                &context(at("2026-02-25", "09:00:00"), &actor("chief", Role::Chief), &STAFFED)
            )
            .is_ok(),
        "琴城镇 opens on Sundays"
    );
    let twice = vec![planned("S1", on("first", true, false), &[2]), planned("C1", on("first", false, false), &[2])];
    check(&[], &post(HALL, twice), Err(OnDutyTwice("first".parse().unwrap(), day("2026-03-02"))));
}

#[test]
fn what_is_past_is_not_planned() {
    let duty = planned("S1", on("first", true, true), &[4]);
    check_later(&[], "chief", &post(HALL, vec![duty]), Err(RosterRejection::DayIsPast(day("2026-03-04"))));
}

#[test]
fn a_change_takes_somebody_off_or_puts_somebody_on() {
    use RosterRejection::*;
    check(&[], &change("2026-03-03", Some("first"), None), Err(RosterNotPosted));
    check(&posted(), &change("2026-03-03", None, None), Err(NobodyNamed));
    check(&posted(), &change("2026-04-03", Some("first"), None), Err(DayOfOtherMonth(day("2026-04-03"))));
    let third = || Some(on("third", true, true));
    let not_there = Err(NotOnDuty("third".parse().unwrap(), day("2026-03-03")));
    check(&posted(), &change("2026-03-03", Some("third"), None), not_there);
    let twice = Err(OnDutyTwice("second".parse().unwrap(), day("2026-03-03")));
    check(&posted(), &change("2026-03-03", Some("first"), Some(on("second", true, true))), twice);
    let changed = DutyChanged {
        organisation: organisation(HALL),
        day: day("2026-03-03"),
        window: "S1".parse().unwrap(),
        purpose: ASSISTANCE.to_owned(),
        off: Some("first".parse().unwrap()),
        on: third(),
        reason: DutyChangeReason::Leave,
    };
    check(&posted(), &change("2026-03-03", Some("first"), third()), Ok(vec![changed.into()]));
}

#[test]
fn what_took_place_is_confirmed_by_somebody_who_was_not_on_duty_and_stays_so() {
    use RosterRejection::*;
    let confirm = |through: &str| RosterCommand::Confirm { through: day(through) };
    check_later(&posted(), "chief", &confirm("2026-03-04"), Ok(vec![confirmed("2026-03-04")]));
    check_later(&posted(), "chief", &confirm("2026-03-05"), Err(NotOverYet(day("2026-03-05"))));
    check_later(&posted(), "first", &confirm("2026-03-04"), Err(ConfirmsOwnDuty));
    let done: Vec<_> = posted().into_iter().chain([confirmed("2026-03-03")]).collect();
    check_later(&done, "chief", &confirm("2026-03-03"), Ok(vec![]));
    check_later(&done, "chief", &confirm("2026-03-02"), Err(DayConfirmed(day("2026-03-03"))));
    let late = change("2026-03-03", Some("first"), None);
    check_later(&done, "chief", &late, Err(DayConfirmed(day("2026-03-03"))));
}

#[test]
fn two_full_time_staff_one_of_whom_holds_the_post() {
    let on_the_third = |off: Option<&str>, comes: Option<OnDuty>| {
        let mut roster = after(&posted());
        let command = change("2026-03-03", off, comes);
        let chief = actor("chief", Role::Chief);
        let events = roster.decide(&command, &context(at("2026-02-25", "09:00:00"), &chief, &STAFFED)).unwrap();
        events.iter().for_each(|event| roster.evolve(event));
        roster.assistance(day("2026-03-03"), 2)
    };
    assert_eq!(after(&posted()).assistance(day("2026-03-03"), 2), Ok(()));
    assert_eq!(on_the_third(Some("second"), None), Err(Shortfall::TooFew));
    assert_eq!(on_the_third(Some("second"), Some(on("third", false, false))), Err(Shortfall::TooFew));
    assert_eq!(on_the_third(Some("first"), Some(on("third", true, false))), Err(Shortfall::NoPartyPost));
    let part_time = on_the_third(Some("first"), Some(on("third", false, true)));
    assert_eq!(part_time, Err(Shortfall::TooFew), "the post counts where its holder is one of the full-time staff");
}

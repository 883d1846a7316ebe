//! Each open day of each township stands in one column, and the gaps are named.

use super::*;
use crate::testing::{Story, actor, day, id, noon};
use domain::actor::Role;
use domain::builtin;
use domain::decider::Decider as _;
use domain::event::roster::{Duty, DutyChangeReason, OnDuty};
use domain::fact::Subject;
use domain::roster::Roster;

const HALL: &str = "361023100";
/// Open on working days only.
const OTHER: &str = "361003103";

fn duty(staff: &str, full_time: bool, party_post: bool, days: &[u8]) -> Duty {
    Duty {
        window: id("S1"),
        purpose: ASSISTANCE.to_owned(),
        staff: id(staff),
        full_time,
        party_post,
        days: days.to_vec(),
    }
}

fn changed(day_text: &str, off: Option<&str>, on: Option<(&str, bool)>) -> RosterEvent {
    DutyChanged {
        organisation: id(HALL),
        day: day(day_text),
        window: id("S1"),
        purpose: ASSISTANCE.to_owned(),
        off: off.map(id),
        on: on.map(|(staff, party_post)| OnDuty { staff: id(staff), full_time: true, party_post }),
        reason: DutyChangeReason::Leave,
    }
    .into()
}

fn told(events: Vec<RosterEvent>) -> Vec<Fact> {
    let mut story = Story::default();
    let chief = actor("chief", Role::Chief, HALL);
    let subject = || Subject::Roster(id(HALL), "2026-03".parse().unwrap());
    events.into_iter().for_each(|event| story.tell(noon(day("2026-03-01")), subject(), &chief, event));
    story.facts()
}

fn march() -> RosterEvent {
    let days: Vec<u8> = (1..=31).collect();
    let duties = vec![duty("a", true, true, &days), duty("b", true, false, &days), duty("c", false, false, &days)];
    RosterPosted { organisation: id(HALL), month: "2026-03".parse().unwrap(), duties }.into()
}

fn of(events: Vec<RosterEvent>, organisation: &str, from: &str, to: &str) -> StaffingAnswer {
    let mut staffing = Staffing::default();
    told(events).iter().for_each(|fact| staffing.apply(fact));
    let period = Period { from: day(from), to: day(to) };
    staffing.answer(&StaffingQuery { period, organisation: id(organisation) }, &builtin::reference())
}

fn counts(answer: &StaffingAnswer) -> (u32, u32, u32, u32) {
    let DayCounts { open_days, proven, planned, gap_days } = answer.total;
    (open_days, proven, planned, gap_days)
}

#[test]
fn an_open_day_is_planned_until_it_is_confirmed_and_then_proven() {
    assert_eq!(counts(&of(vec![march()], HALL, "2026-03-01", "2026-04-01")), (31, 0, 31, 0));
    let confirmed = RosterConfirmed { organisation: id(HALL), through: day("2026-03-10") };
    assert_eq!(counts(&of(vec![march(), confirmed.into()], HALL, "2026-03-01", "2026-04-01")), (31, 10, 21, 0));
}

#[test]
fn a_hall_owes_nobody_on_days_on_which_it_is_closed() {
    // February 2026 has 20 days on which the rest of the city works and 28 on which 南丰 opens.
    let open = |hall: &str| of(vec![], hall, "2026-02-01", "2026-03-01").total;
    assert_eq!(open(HALL).open_days, 28);
    let calendar = builtin::reference().calendar;
    assert_eq!(open(OTHER).open_days, calendar.working_days_between(day("2026-01-31"), day("2026-02-28"), None));
    assert_eq!(open(OTHER).gap_days, open(OTHER).open_days, "no roster is a gap on every open day");
}

#[test]
fn gaps_name_what_was_lacking_and_run_over_days_on_end() {
    let events = vec![
        march(),
        changed("2026-03-03", Some("b"), None),
        changed("2026-03-04", Some("b"), None),
        changed("2026-03-06", Some("b"), None),
        changed("2026-03-09", Some("a"), Some(("d", false))),
        changed("2026-03-12", Some("a"), Some(("d", true))),
    ];
    let answer = of(events, HALL, "2026-03-01", "2026-04-01");
    let run = |from: &str, through: &str, days, lacking, full_time| GapRun {
        from: day(from),
        through: day(through),
        days,
        lacking,
        full_time,
        required: 2,
    };
    assert_eq!(
        answer.halls[0].gaps,
        [
            run("2026-03-03", "2026-03-04", 2, Shortfall::TooFew, 1),
            run("2026-03-06", "2026-03-06", 1, Shortfall::TooFew, 1),
            run("2026-03-09", "2026-03-09", 1, Shortfall::NoPartyPost, 2),
        ]
    );
    assert_eq!(counts(&answer), (31, 0, 27, 4));
}

#[test]
fn a_county_is_the_sum_of_its_townships_and_zones_and_bureaus_are_none() {
    let answer = of(vec![march()], "361023", "2026-03-02", "2026-03-03");
    let townships: Vec<&str> = answer.halls.iter().map(|hall| hall.organisation.as_str()).collect();
    assert!(townships.contains(&HALL) && !townships.contains(&"361023500"), "{townships:?}");
    assert_eq!(
        counts(&answer),
        (u32::try_from(townships.len()).unwrap(), 0, 1, u32::try_from(townships.len()).unwrap() - 1)
    );
}

#[test]
fn the_view_judges_each_day_as_the_roster_itself_does() {
    let events = vec![march(), changed("2026-03-03", Some("b"), None), changed("2026-03-04", None, Some(("e", true)))];
    let mut roster = Roster::default();
    events.iter().for_each(|event| roster.evolve(event));
    for day in "2026-03".parse::<Month>().unwrap().days() {
        let next = day.succ_opt().unwrap();
        let gaps = of(events.clone(), HALL, &day.to_string(), &next.to_string()).halls[0].gaps.clone();
        assert_eq!(gaps.first().map(|gap| gap.lacking), roster.assistance(day, 2).err(), "{day}");
    }
}

#[test]
fn the_view_comes_back_from_its_written_form() {
    let mut staffing = Staffing::default();
    told(vec![march(), changed("2026-03-03", Some("b"), None)]).iter().for_each(|fact| staffing.apply(fact));
    let json = serde_json::to_vec(&staffing).unwrap();
    assert_eq!(serde_json::from_slice::<Staffing>(&json).unwrap(), staffing);
    assert_eq!(staffing.cells(), 3);
}

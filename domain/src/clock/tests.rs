use super::*;
use crate::event::policy::FreezeConvention;
use crate::policy::PolicyVersion;
use crate::testing::{REFERENCE, day};
use proptest::prelude::*;

#[derive(serde::Deserialize)]
struct Vector {
    start: NaiveDate,
    working_days: u16,
    freezes: Vec<(NaiveDate, NaiveDate)>,
    deadline: NaiveDate,
    why: String,
}

fn working(days: u16) -> Limit {
    Limit { days, unit: DayUnit::Working }
}

fn natural(days: u16) -> Limit {
    Limit { days, unit: DayUnit::Natural }
}

fn freeze(from: &str, to: &str) -> Freeze {
    Freeze { from: day(from), to: day(to) }
}

fn counting() -> Counting<'static> {
    REFERENCE.counting(day("2026-01-01"), None)
}

#[track_caller]
fn check(start: &str, limit: Limit, freezes: &[Freeze], date: &str, yellow_from: Option<&str>) {
    let deadline = counting().deadline(day(start), limit, freezes);
    assert_eq!((deadline.date, deadline.yellow_from), (day(date), yellow_from.map(day)));
}

#[test]
fn every_known_deadline_is_found_again() {
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("../../fixtures/deadlines.json")).unwrap();
    assert_eq!(vectors.len(), 25);
    for Vector { start, working_days, freezes, deadline, why } in vectors {
        let freezes: Vec<Freeze> = freezes.into_iter().map(|(from, to)| Freeze { from, to }).collect();
        let counted = counting().deadline(start, working(working_days), &freezes);
        assert_eq!(counted.date, deadline, "{why}");
        assert!(!counted.provisional, "{why}");
        assert_eq!(counting().used_days(start, deadline, &freezes), working_days, "{why}");
    }
}

#[test]
fn a_deadline_reckoned_before_the_amendment_of_2020_is_the_old_one() {
    let before = REFERENCE.calendar.as_published_by(day("2020-01-26"));
    let old = Counting { calendar: &before, ..counting() }.deadline(day("2020-01-17"), working(20), &[]);
    assert_eq!((old.date, old.calendar), (day("2020-02-19"), 1));
    assert_eq!(counting().recount(&old).date, day("2020-02-21"));
}

#[test]
fn natural_days_that_end_on_a_rest_day_move_to_the_next_working_day() {
    check("2026-06-01", natural(7), &[], "2026-06-08", Some("2026-06-05"));
    check("2026-06-02", natural(4), &[], "2026-06-08", Some("2026-06-05"));
    check("2026-09-18", natural(7), &[], "2026-09-28", Some("2026-09-24"));
    check("2026-06-01", natural(3), &[freeze("2026-06-02", "2026-06-03")], "2026-06-08", Some("2026-06-05"));
}

#[test]
fn overlapping_pauses_count_once() {
    let one = [freeze("2026-03-12", "2026-03-18")];
    let many = [freeze("2026-03-16", "2026-03-18"), freeze("2026-03-12", "2026-03-17"), one[0]];
    let deadline = |freezes: &[Freeze]| counting().deadline(day("2026-03-02"), working(18), freezes).date;
    assert_eq!(deadline(&many), deadline(&one));
    assert_eq!(counting().frozen_days(day("2026-03-02"), day("2026-04-02"), &many), 5);
}

#[test]
fn under_the_half_open_convention_the_last_day_of_a_pause_counts() {
    let mut half_open: PolicyVersion = REFERENCE.policies.latest().clone();
    half_open.rules.freeze = FreezeConvention::HalfOpen;
    let counting = Counting { policy: &half_open, ..counting() };
    let pause = [freeze("2026-03-12", "2026-03-18")];
    assert_eq!(counting.deadline(day("2026-03-02"), working(18), &pause).date, day("2026-04-01"));
    let empty = [freeze("2026-03-12", "2026-03-12")];
    assert_eq!(counting.deadline(day("2026-03-02"), working(18), &empty).date, day("2026-03-26"));
}

#[test]
fn a_deadline_in_a_year_without_a_notice_is_provisional() {
    let deadline = |start: &str| counting().deadline(day(start), working(18), &[]).provisional;
    assert!(deadline("2026-12-29"));
    assert!(!deadline("2026-11-02"));
}

#[test]
fn yellow_begins_one_working_day_before_or_with_the_last_fifth_of_a_long_limit() {
    check("2026-06-01", working(0), &[], "2026-06-01", None);
    check("2026-06-01", working(1), &[], "2026-06-02", None);
    check("2026-06-01", working(2), &[], "2026-06-03", Some("2026-06-02"));
    check("2026-06-01", working(5), &[], "2026-06-08", Some("2026-06-05"));
    check("2026-06-01", working(10), &[], "2026-06-15", Some("2026-06-11"));
    check("2026-03-02", working(18), &[], "2026-03-26", Some("2026-03-23"));
}

#[test]
fn what_remains_stands_still_in_a_pause_and_turns_negative_when_over() {
    let deadline = counting().deadline(day("2026-06-01"), working(5), &[]);
    let remaining = |text: &str, paused: Option<&str>| counting().remaining_days(&deadline, day(text), paused.map(day));
    assert_eq!(remaining("2026-06-01", None), 5);
    assert_eq!(remaining("2026-06-05", None), 1);
    assert_eq!(remaining("2026-06-06", None), 1, "a Saturday uses nothing up");
    assert_eq!(remaining("2026-06-08", None), 0);
    assert_eq!(remaining("2026-06-10", None), -2);
    assert_eq!(remaining("2026-06-30", Some("2026-06-04")), 3);
}

fn clocks(promised: u16, legal: u16) -> Clocks {
    let deadline = |days| Some(counting().deadline(day("2026-06-01"), working(days), &[]));
    Clocks { promised: deadline(promised), legal: deadline(legal) }
}

#[test]
fn the_light_is_that_of_the_worse_clock() {
    let clocks = clocks(5, 20);
    let light = |text: &str| clocks.light(day(text), &Pauses::default());
    assert_eq!(light("2026-06-04"), Light::Green);
    assert_eq!(light("2026-06-05"), Light::Yellow);
    assert_eq!(light("2026-06-08"), Light::Yellow, "the last day is in time");
    assert_eq!(light("2026-06-09"), Light::Red);
    assert_eq!(light("2026-06-30"), Light::Red, "19 June is a holiday, so the twentieth day is today");
    assert_eq!(light("2026-07-01"), Light::RedStatutory);
    assert_eq!(Clocks::default().light(day("2030-01-01"), &Pauses::default()), Light::Green);
}

#[test]
fn a_paused_clock_is_grey_unless_it_was_red_before_the_pause() {
    let clocks = clocks(5, 20);
    let since = |text: &str| Some(day(text));
    let both = |text: &str| Pauses { promised: since(text), legal: since(text) };
    assert_eq!(clocks.light(day("2026-06-30"), &both("2026-06-03")), Light::Paused);
    assert_eq!(clocks.light(day("2026-06-30"), &both("2026-06-10")), Light::Red);
    assert_eq!(clocks.light(day("2026-07-30"), &both("2026-07-10")), Light::RedStatutory);
    let promised_only = Pauses { promised: since("2026-06-03"), legal: None };
    assert_eq!(clocks.light(day("2026-06-10"), &promised_only), Light::Paused);
    assert_eq!(clocks.light(day("2026-06-24"), &promised_only), Light::Yellow, "the legal clock runs on");
    assert_eq!(clocks.light(day("2026-07-01"), &promised_only), Light::RedStatutory);
}

#[test]
fn a_light_changes_by_time_alone_on_known_days() {
    let clocks = clocks(5, 20);
    let mut changes = Vec::new();
    let mut next = clocks.light_changes_after(day("2026-06-01"));
    while let Some(change) = next {
        changes.push(change.to_string());
        next = clocks.light_changes_after(change);
    }
    assert_eq!(changes, ["2026-06-05", "2026-06-09", "2026-06-24", "2026-07-01"]);
}

fn any_day() -> impl Strategy<Value = NaiveDate> {
    (0..365 * 6_i64).prop_map(|days| day("2020-01-01") + chrono::TimeDelta::days(days))
}

fn any_freezes() -> impl Strategy<Value = Vec<Freeze>> {
    let one = (any_day(), 0..40_i64).prop_map(|(from, days)| Freeze { from, to: from + chrono::TimeDelta::days(days) });
    prop::collection::vec(one, 0..6)
}

proptest! {
    #[test]
    fn a_longer_limit_never_ends_earlier(start in any_day(), days in 0..200_u16, freezes in any_freezes()) {
        let deadline = |days| counting().deadline(start, working(days), &freezes).date;
        prop_assert!(deadline(days) <= deadline(days + 1));
    }

    #[test]
    fn through_its_deadline_a_limit_is_used_up_exactly(
        start in any_day(), days in 0..200_u16, freezes in any_freezes()
    ) {
        let deadline = counting().deadline(start, working(days), &freezes);
        prop_assert_eq!(counting().used_days(start, deadline.date, &freezes), days);
        prop_assert_eq!(counting().remaining_days(&deadline, start, None), i32::from(days));
        prop_assert_eq!(counting().remaining_days(&deadline, deadline.date, None), 0);
    }

    #[test]
    fn freezes_are_a_union_in_any_order(start in any_day(), days in 1..100_u16, freezes in any_freezes()) {
        let reversed_twice: Vec<Freeze> = freezes.iter().rev().chain(&freezes).copied().collect();
        let deadline = |freezes: &[Freeze]| counting().deadline(start, working(days), freezes).date;
        prop_assert_eq!(deadline(&freezes), deadline(&reversed_twice));
    }

    #[test]
    fn yellow_begins_where_at_most_the_threshold_remains(
        start in any_day(), days in 2..60_u16, freezes in any_freezes()
    ) {
        let deadline = counting().deadline(start, working(days), &freezes);
        let yellow = deadline.yellow_from.unwrap();
        let threshold = i32::from(if days < 10 { 1 } else { (days / 5).max(1) });
        let remaining = |day: NaiveDate| counting().remaining_days(&deadline, day, None);
        prop_assert!(start <= yellow && yellow <= deadline.date);
        prop_assert!(remaining(yellow) <= threshold);
        prop_assert!(yellow == start || threshold < remaining(yellow.pred_opt().unwrap()));
    }
}

use super::*;
use crate::actor::Role;
use crate::decider::Decider;
use crate::event::CalendarEvent;
use crate::event::calendar::{CalendarAmended, CalendarPublished};
use crate::testing::{REFERENCE, actor, at, context, day};
use proptest::prelude::*;

fn published(year: i32, holidays: &[&str], workdays: &[&str]) -> CalendarPublished {
    CalendarPublished {
        year,
        holidays: holidays.iter().map(|text| day(text)).collect(),
        workdays: workdays.iter().map(|text| day(text)).collect(),
        notice: "notice".into(),
        published_on: day("2025-11-04"),
    }
}

fn amended(holidays: &[&str], workdays: &[&str], region: Option<&str>) -> CalendarAmended {
    let CalendarPublished { holidays, workdays, notice, published_on, .. } = published(0, holidays, workdays);
    CalendarAmended { holidays, workdays, region: region.map(|code| code.parse().unwrap()), notice, published_on }
}

fn after(given: &[CalendarEvent]) -> WorkingCalendar {
    let mut calendar = WorkingCalendar::default();
    given.iter().for_each(|event| calendar.evolve(event));
    calendar
}

/// A command is an event that has not happened; both are written alike here.
#[track_caller]
fn check(given: &[CalendarEvent], when: impl Into<CalendarEvent>, then: Result<usize, CalendarRejection>) {
    let when = when.into();
    let command = match when.clone() {
        CalendarEvent::CalendarPublished(CalendarPublished { year, holidays, workdays, notice, published_on }) => {
            CalendarCommand::Publish { year, holidays, workdays, notice, published_on }
        }
        CalendarEvent::CalendarAmended(CalendarAmended { holidays, workdays, region, notice, published_on }) => {
            CalendarCommand::Amend { holidays, workdays, region, notice, published_on }
        }
    };
    let admin = actor("A1", Role::Admin);
    let decided = after(given).decide(&command, &context(at("2026-01-01", "09:00:00"), &admin, &REFERENCE));
    let expected = then.map(|events| std::iter::repeat_n(when, events).collect::<Vec<_>>());
    assert_eq!(decided, expected);
}

fn year_2026() -> CalendarEvent {
    published(2026, &["2026-01-01"], &["2026-01-04"]).into()
}

#[test]
fn a_year_is_published_once() {
    check(&[], published(2026, &["2026-01-01"], &["2026-01-04"]), Ok(1));
    check(&[year_2026()], published(2026, &["2026-01-01"], &["2026-01-04"]), Ok(0));
    check(&[year_2026()], published(2026, &["2026-01-02"], &[]), Err(CalendarRejection::YearAlreadyPublished(2026)));
}

#[test]
fn a_publication_speaks_of_its_own_year() {
    check(&[], published(2026, &["2025-12-31"], &[]), Err(CalendarRejection::DayOutsideYear(day("2025-12-31"))));
    check(&[], published(1800, &[], &[]), Err(CalendarRejection::YearOutOfRange(1800)));
}

#[test]
fn a_make_up_day_is_a_weekend_day() {
    let monday = CalendarRejection::WorkdayNotOnWeekend(day("2026-01-05"));
    check(&[], published(2026, &["2026-01-01"], &["2026-01-05"]), Err(monday));
}

#[test]
fn no_day_is_both_off_and_worked_or_named_twice() {
    let sunday = day("2026-01-04");
    check(&[], published(2026, &["2026-01-04"], &["2026-01-04"]), Err(CalendarRejection::HolidayAndWorkday(sunday)));
    check(&[], published(2026, &["2026-01-04", "2026-01-04"], &[]), Err(CalendarRejection::DayTwice(sunday)));
    check(&[], published(2026, &[], &["2026-01-04", "2026-01-04"]), Err(CalendarRejection::DayTwice(sunday)));
}

#[test]
fn only_a_published_year_is_amended_and_only_where_something_changes() {
    check(&[], amended(&["2026-02-02"], &[], None), Err(CalendarRejection::YearNotPublished(2026)));
    check(&[year_2026()], amended(&[], &[], None), Err(CalendarRejection::NothingAmended));
    check(&[year_2026()], amended(&["2026-02-02"], &[], None), Ok(1));
    check(&[year_2026()], amended(&["2026-01-01"], &["2026-01-05"], None), Ok(0));
}

#[test]
fn a_notice_has_a_title() {
    let untitled = CalendarPublished { notice: " ".into(), ..published(2026, &[], &[]) };
    check(&[], untitled, Err(CalendarRejection::NoticeWithoutTitle));
}

#[test]
fn the_years_have_as_many_working_days_as_the_notices_say() {
    let counts = (2020..=2026).map(|year| {
        let eve = NaiveDate::from_ymd_opt(year - 1, 12, 31).unwrap();
        let end = NaiveDate::from_ymd_opt(year, 12, 31).unwrap();
        REFERENCE.calendar.working_days_between(eve, end, None)
    });
    assert_eq!(counts.collect::<Vec<_>>(), [249, 250, 249, 249, 251, 248, 248]);
}

#[test]
fn a_year_without_a_notice_goes_by_weekdays_and_is_not_covered() {
    let calendar = &REFERENCE.calendar;
    assert!(!calendar.covers(day("2027-01-01")));
    assert!(calendar.is_working(day("2027-01-01"), None), "a Friday");
    assert!(!calendar.is_working(day("2027-01-02"), None), "a Saturday");
    assert_eq!(calendar.working_days_between(day("2026-12-31"), day("2027-12-31"), None), 261);
}

#[test]
fn an_amendment_is_known_from_its_publication_on() {
    let calendar = &REFERENCE.calendar;
    let friday = day("2020-01-31");
    assert!(calendar.as_published_by(day("2020-01-26")).is_working(friday, None));
    assert!(!calendar.as_published_by(day("2020-01-27")).is_working(friday, None));
    assert!(calendar.at_version(1).is_working(friday, None));
    assert_eq!(calendar.at_version(1).version(), 1);
    assert_eq!(calendar.as_published_by(day("2020-01-27")).version(), 2);
    assert_eq!(calendar.as_published_by(day("2019-01-01")), WorkingCalendar::default());
}

#[test]
fn what_changed_since_a_version_has_a_first_and_a_last_day() {
    let calendar = REFERENCE.calendar.at_version(2);
    assert_eq!(calendar.amended_since(1), Some(day("2020-01-31")..=day("2020-02-02")));
    assert_eq!(calendar.amended_since(0), Some(day("2020-01-01")..=day("2020-12-31")));
    assert_eq!(calendar.amended_since(2), None);
}

#[test]
fn a_local_closure_holds_there_and_below_and_nowhere_else() {
    let closed = amended(&["2026-03-02", "2026-03-03"], &[], Some("361023")).into();
    let open_again = amended(&[], &["2026-03-03"], Some("361023100")).into();
    let calendar = after(&[year_2026(), closed, open_again]);
    let works = |text: &str, code: &str| calendar.is_working(day(text), Some(&code.parse().unwrap()));
    assert!(!works("2026-03-02", "361023"));
    assert!(!works("2026-03-02", "361023100"));
    assert!(works("2026-03-02", "361002"));
    assert!(calendar.is_working(day("2026-03-02"), None));
    assert!(!works("2026-03-03", "361023101"));
    assert!(works("2026-03-03", "361023100001"), "the narrower notice goes first");

    let county = "361023".parse().unwrap();
    let counted = calendar.working_days_between(day("2026-03-01"), day("2026-03-06"), Some(&county));
    assert_eq!(counted, 3);
    assert_eq!(calendar.nth_working_day_after(day("2026-03-01"), 3, Some(&county)), day("2026-03-06"));
}

#[test]
fn a_calendar_comes_back_from_its_written_form() {
    let written = serde_json::to_string(&REFERENCE.calendar).unwrap();
    assert_eq!(serde_json::from_str::<WorkingCalendar>(&written).unwrap(), REFERENCE.calendar);
}

fn any_day() -> impl Strategy<Value = NaiveDate> {
    (0..365 * 9_i64).prop_map(|days| day("2019-01-01") + chrono::TimeDelta::days(days))
}

proptest! {
    #[test]
    fn counting_at_once_equals_counting_one_by_one(from in any_day(), days in 0..800_i64) {
        let to = from + chrono::TimeDelta::days(days);
        let one_by_one = from.iter_days().skip(1).take_while(|day| *day <= to);
        let worked = one_by_one.filter(|day| REFERENCE.calendar.is_working(*day, None)).count();
        prop_assert_eq!(REFERENCE.calendar.working_days_between(from, to, None) as usize, worked);
    }

    #[test]
    fn the_nth_working_day_is_worked_and_the_nth(start in any_day(), count in 1..400_u32) {
        let calendar = &REFERENCE.calendar;
        let found = calendar.nth_working_day_after(start, count, None);
        prop_assert!(calendar.is_working(found, None));
        prop_assert_eq!(calendar.working_days_between(start, found, None), count);
    }
}

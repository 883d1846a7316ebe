//! Signs, each from a handful of ratings; and the fold over any history.

use super::*;
use crate::scope::{Period, Source};
use crate::testing::{Story, actor, case_id, day, history, id, noon, rated};
use chrono::{Days, TimeDelta};
use domain::actor::Role;
use domain::builtin;
use domain::event::rating::RatedService;
use domain::fact::Subject;
use domain::ids::RatingId;
use domain::reference::Reference;
use proptest::prelude::*;
use std::sync::LazyLock;

static REFERENCE: LazyLock<Reference> = LazyLock::new(builtin::reference);

fn fold(facts: &[Fact]) -> RatingSigns {
    let mut state = RatingSigns::default();
    facts.iter().for_each(|fact| state.apply(fact));
    state
}

fn signs(facts: &[Fact]) -> SignsAnswer {
    let period = Period { from: day("2022-01-01"), to: day("2023-01-01") };
    fold(facts).answer(&SignsQuery { period, organisation: None, source: Source::Own }, &REFERENCE)
}

#[track_caller]
fn check(facts: &[Fact], expected: &[(SignKind, i64)]) {
    let answer = signs(facts);
    let found: Vec<(SignKind, i64)> =
        answer.rows.iter().flat_map(|row| row.signs.iter().map(|sign| (sign.sign, sign.ratings))).collect();
    assert_eq!(found, expected, "{answer:?}");
}

fn trace() -> RatingTrace {
    RatingTrace { by: RaterKind::Applicant, seconds_after: Some(3_600), device: None, network: None, text: None }
}

/// Ratings at one window: on which day of March, and what is changed of an innocent one.
fn ratings(days: impl IntoIterator<Item = u64>, change: impl Fn(usize, &mut Rated)) -> Vec<Fact> {
    let mut story = Story::default();
    for (number, of_march) in days.into_iter().enumerate() {
        let on = day("2022-03-01") + Days::new(of_march - 1);
        let service = RatedService {
            source: id("own"),
            item: Some(id("FZ-001")),
            organisation: id("361023100"),
            window: Some(id("w-1")),
            staff: Some(id("c-1")),
            ended_on: on,
            visit: false,
        };
        let mut one = rated(case_id(number as u64), Level::Satisfied, RatingOrigin::Active, service);
        one.trace = Some(trace());
        change(number, &mut one);
        let rating: RatingId = format!("rating-{number}").parse().unwrap();
        let resident = actor("p-1", Role::Resident, "361000");
        let at = noon(on) + TimeDelta::seconds(number as i64);
        story.tell(at, Subject::Rating(rating), &resident, RatingEvent::Rated(one));
    }
    story.facts()
}

#[test]
fn innocent_ratings_show_nothing() {
    check(&ratings(1..=28, |_, _| ()), &[]);
}

#[test]
fn one_device_many_times_a_day_is_a_sign_unless_it_is_the_halls() {
    let same = |_: usize, one: &mut Rated| {
        one.trace = Some(RatingTrace { device: Some("abcdef0123456789".into()), ..trace() });
    };
    check(&ratings([7; 4], same), &[]);
    check(&ratings([7; 6], same), &[(SignKind::SameDevice, 6)]);
    let answer = signs(&ratings([7; 6], same));
    let evidence = &answer.rows[0].signs[0].evidence;
    assert_eq!((evidence.len(), evidence[0].times, evidence[0].mark.as_deref()), (1, 6, Some("abcdef01")));
    assert_eq!(evidence[0].on, day("2022-03-07"));
    // Spread over days it is nothing.
    check(&ratings(1..=6, same), &[]);
    let tablet = |number: usize, one: &mut Rated| {
        same(number, one);
        one.channel = RatingChannel::Tablet;
    };
    check(&ratings([7; 6], tablet), &[]);
}

#[test]
fn one_person_many_times_a_day_is_a_sign_and_stays_unnamed() {
    let same = |_: usize, one: &mut Rated| one.rater = Some(id("p-7"));
    check(&ratings([7; 5], same), &[(SignKind::SamePerson, 5)]);
    assert_eq!(signs(&ratings([7; 5], same)).rows[0].signs[0].evidence[0].mark, None);
}

#[test]
fn the_same_words_many_times_in_a_month_are_a_sign_of_the_hall() {
    let same = |_: usize, one: &mut Rated| {
        one.trace = Some(RatingTrace { text: Some("0123456789ab".into()), ..trace() });
    };
    check(&ratings([1, 5, 9, 13, 17], same), &[(SignKind::SameWords, 5)]);
    assert_eq!(signs(&ratings([1, 5, 9, 13, 17], same)).rows[0].window, None);
}

#[test]
fn ratings_within_seconds_are_a_sign() {
    let within = |seconds: u32| {
        move |_: usize, one: &mut Rated| one.trace = Some(RatingTrace { seconds_after: Some(seconds), ..trace() })
    };
    check(&ratings([7], within(9)), &[(SignKind::TooFast, 1)]);
    check(&ratings([7], within(10)), &[]);
    check(&ratings(1..=12, within(30)), &[(SignKind::QuickInARow, 12)]);
    check(&ratings(1..=12, within(31)), &[]);
}

#[test]
fn who_works_here_and_agents_are_told() {
    let by = |kind: RaterKind| move |_: usize, one: &mut Rated| one.trace = Some(RatingTrace { by: kind, ..trace() });
    check(&ratings([7, 8], by(RaterKind::Staff)), &[(SignKind::ByStaff, 2)]);
    check(&ratings([7], by(RaterKind::Agent)), &[(SignKind::ByAgent, 1)]);
}

#[test]
fn a_burst_at_the_end_of_a_month_is_a_sign() {
    check(&ratings([1, 2, 3, 4, 29, 29, 30, 30, 31, 31, 31], |_, _| ()), &[(SignKind::MonthEnd, 7)]);
    check(&ratings([1, 2, 3, 4, 5, 6, 29, 30, 30, 31, 31], |_, _| ()), &[]);
}

#[test]
fn a_jump_of_the_best_level_after_a_bad_week_is_a_sign() {
    // Monday 7 March with one bad of ten, then a week of nothing but the best.
    let days = [7; 10].into_iter().chain([14; 10]);
    let jump = |number: usize, one: &mut Rated| {
        one.level = match number {
            0 => Level::Dissatisfied,
            1..10 => Level::Satisfied,
            _ => Level::VerySatisfied,
        };
    };
    check(&ratings(days, jump), &[(SignKind::JumpAfterBad, 10)]);
}

#[test]
fn nothing_but_tablets_is_a_sign() {
    let tablets = |_: usize, one: &mut Rated| one.channel = RatingChannel::Tablet;
    check(&ratings(1..=12, tablets), &[(SignKind::TabletsOnly, 12)]);
    let one_sms = |number: usize, one: &mut Rated| {
        one.channel = if number == 0 { RatingChannel::Sms } else { RatingChannel::Tablet };
    };
    check(&ratings(1..=12, one_sms), &[]);
}

#[test]
fn what_is_remembered_of_single_ratings_is_a_few_days() {
    let each = |number: usize, one: &mut Rated| {
        one.trace = Some(RatingTrace { device: Some(format!("{number:012}")), ..trace() });
    };
    let state = fold(&ratings(1..=31, each));
    assert_eq!(state.days.values().map(BTreeMap::len).sum::<usize>(), DAYS_COMPARED);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn the_state_comes_back_from_json(seed in 1_u64..) {
        let mut facts = history(seed, 30);
        facts.extend(ratings([7; 6], |number, one| {
            one.trace = Some(RatingTrace { device: Some("abcdef0123456789".into()), text: Some(format!("{number}")), ..trace() });
        }));
        let state = fold(&facts);
        let json = serde_json::to_vec(&state).unwrap();
        prop_assert_eq!(serde_json::from_slice::<RatingSigns>(&json).unwrap(), state);
    }
}

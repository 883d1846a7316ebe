use super::*;
use crate::actor::Role;
use crate::event::policy::{DefaultRating, Standards};
use crate::testing::{REFERENCE, actor, at, context, day};

fn publish(valid_from: &str, change: impl FnOnce(&mut PolicyRules)) -> PolicyCommand {
    let mut rules = first_published().rules;
    change(&mut rules);
    PolicyCommand::Publish { valid_from: day(valid_from), published_on: day("2026-01-01"), rules }
}

fn published(version: u32, valid_from: &str, change: impl FnOnce(&mut PolicyRules)) -> PolicyEvent {
    let PolicyCommand::Publish { valid_from, published_on, rules } = publish(valid_from, change);
    PolicyPublished { version, valid_from, published_on, rules }.into()
}

fn after(given: &[PolicyEvent]) -> Policies {
    let mut policies = Policies::default();
    given.iter().for_each(|event| policies.evolve(event));
    policies
}

#[track_caller]
fn check(given: &[PolicyEvent], when: PolicyCommand, then: Result<Vec<PolicyEvent>, PolicyRejection>) {
    let admin = actor("A1", Role::Admin);
    assert_eq!(after(given).decide(&when, &context(at("2026-01-01", "09:00:00"), &admin, &REFERENCE)), then);
}

fn as_is(_: &mut PolicyRules) {}

#[test]
fn versions_are_counted_from_one() {
    check(&[], publish("2026-01-01", as_is), Ok(vec![published(1, "2026-01-01", as_is)]));
    let first = published(1, "2026-01-01", as_is);
    check(std::slice::from_ref(&first), publish("2026-02-01", as_is), Ok(vec![published(2, "2026-02-01", as_is)]));
    check(&[first], publish("2026-01-01", as_is), Ok(vec![]));
}

#[test]
fn a_kind_of_certificate_is_described_once() {
    let twice = publish("2026-01-01", |rules| rules.certificates.extend(rules.certificates.clone()));
    check(&[], twice, Err(PolicyRejection::CertificateKindTwice));
}

#[test]
fn an_indicator_has_an_id_of_its_own_and_stays_what_it_was() {
    let twice = publish("2026-01-01", |rules| rules.indicators.extend(rules.indicators.clone()));
    check(&[], twice, Err(PolicyRejection::IndicatorNotNamedOnce));
    let first = published(1, "2026-01-01", as_is);
    let fewer = |rules: &mut PolicyRules| drop(rules.indicators.pop());
    let same_version = publish("2026-02-01", fewer);
    check(std::slice::from_ref(&first), same_version, Err(PolicyRejection::IndicatorsWithoutNewVersion));
    let renewed = |rules: &mut PolicyRules| {
        rules.indicators.pop();
        rules.indicators_version = 2;
    };
    check(&[first], publish("2026-02-01", renewed), Ok(vec![published(2, "2026-02-01", renewed)]));
}

#[test]
fn a_later_version_never_holds_from_an_earlier_day() {
    let first = published(1, "2026-02-01", as_is);
    check(&[first], publish("2026-01-31", as_is), Err(PolicyRejection::ValidBeforePredecessor));
}

#[test]
fn rules_that_contradict_themselves_are_refused() {
    use PolicyRejection::*;
    check(&[], publish("2026-01-01", |rules| rules.scores = [100, 80, 90, 30, 0]), Err(ScoresNotDescending));
    check(&[], publish("2026-01-01", |rules| rules.yellow_remaining_percent = 101), Err(PercentOverHundred));
    check(&[], publish("2026-01-01", |rules| rules.rating_days = 0), Err(NoRatingWindow));
    check(&[], publish("2026-01-01", |rules| rules.notice_days = 0), Err(NoNoticeWindow));
    check(&[], publish("2026-01-01", |rules| rules.order_days.verify = 0), Err(OrderStepWithoutTime));
    check(&[], publish("2026-01-01", |rules| rules.indicators_version = 0), Err(IndicatorsVersionZero));
    let nobody = Standards { assistance_staff: 0, ..Standards::PINNED };
    check(&[], publish("2026-01-01", |rules| rules.standards = Some(nobody)), Err(StandardZero));
}

#[test]
fn the_version_of_a_day_is_the_last_valid_by_then() {
    let changed = |rules: &mut PolicyRules| rules.default_rating = DefaultRating::Fair;
    let policies = after(&[published(1, "2026-01-01", as_is), published(2, "2026-03-01", changed)]);
    let version_at = |text: &str| policies.at(day(text)).version;
    assert_eq!([version_at("2025-01-01"), version_at("2026-02-28"), version_at("2026-03-01")], [1, 1, 2]);
    assert_eq!(policies.latest().rules.default_rating, DefaultRating::Fair);
    assert_eq!(policies.version(1).map(|version| version.version), Some(1));
    assert_eq!(policies.version(3), None);
}

#[test]
fn an_empty_log_is_read_with_the_pinned_defaults() {
    let pinned = Policies::default().at(day("2026-01-01")).clone();
    assert_eq!((pinned.version, pinned.rules), (0, first_published().rules));
}

#[test]
fn the_pinned_defaults_are_those_agreed() {
    let rules = first_published().rules;
    assert_eq!((rules.notice_days, rules.rating_days, rules.small_cell), (5, 5, 5));
    assert_eq!(rules.scores, [100, 80, 60, 30, 0]);
    let days = rules.order_days;
    assert_eq!((days.assign, days.verify, days.rectify, days.call_back), (1, 3, 15, 5));
    assert_eq!(rules.default_rating, DefaultRating::None);
}

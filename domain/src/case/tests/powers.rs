//! 赋权、委托: a decision rests on an instrument that is in force and about it.

use super::story::*;
use crate::actor::{Actor, Role};
use crate::case::{Action, Rejection};
use crate::event::CaseEvent;
use crate::event::case::*;
use crate::event::instrument::{InstrumentIssued, InstrumentKind, InstrumentRevoked};
use crate::event::item::Authority;
use crate::instrument::Instruments;

const BUREAU: &str = "361023-MZ";
const ENTRUSTMENT: &str = "361023-MZ-WT-202111";
/// 高龄补贴.
const OLD_AGE: &str = "FZ-005";
const DIBAO_PAPERS: &[&str] = &["FORM", "ID", "HK", "AUTH", "INC", "BANK"];

fn dibao_in_review(moment: &str) -> Story {
    Story::received(DIBAO, DIBAO_PAPERS, moment).then(&clerk(), accept()).then(&clerk(), route(HALL))
}

fn decided(story: &Story, by: &Actor) -> CaseDecided {
    match story.asked(by, &decide(DecisionOutcome::Granted)).unwrap().remove(0) {
        CaseEvent::CaseDecided(decided) => decided,
        other => panic!("{other:?}"),
    }
}

fn revoke(story: &mut Story, instrument: &str, last_day: &str) {
    let revoked = InstrumentRevoked { instrument: id(instrument), last_day: day(last_day), basis: "撤委".into() };
    story.city.instruments.evolve(&revoked.into());
}

fn issue(story: &mut Story, change: impl FnOnce(&mut InstrumentIssued)) {
    let mut issued = story.city.instruments.get(&id(ENTRUSTMENT)).unwrap().issued().unwrap().clone();
    issued.instrument = id("WT-new");
    change(&mut issued);
    story.city.instruments.evolve(&issued.into());
}

#[track_caller]
fn refused(story: Story, rule: Rejection) {
    let offers = story.case.actions(&story.context(story.moment(), &chief()));
    let offered = offers.into_iter().find(|offer| offer.action == Action::Decide).unwrap();
    assert_eq!(offered.allowed, Err(rule.clone()), "the same rule stands beside the button");
    story.refuses(&chief(), decide(DecisionOutcome::Granted), rule);
}

#[test]
fn an_entrusted_township_decides_in_the_name_of_who_entrusted_it() {
    let story = dibao_in_review("2022-01-20 09:00");
    let decided = decided(&story, &chief());
    assert_eq!((decided.organisation, decided.in_name_of), (id(HALL), id(BUREAU)));
    assert_eq!(decided.authority, Authority::Entrusted);
    let instrument = decided.instrument.unwrap();
    assert_eq!((instrument.instrument, instrument.kind), (id(ENTRUSTMENT), InstrumentKind::Entrustment));
}

#[test]
fn an_empowered_township_decides_in_its_own_name() {
    let story = Story::received(OLD_AGE, &["FORM", "ID", "HK", "BANK"], "2022-02-08 09:00").then(&clerk(), accept());
    let decided = decided(&story, &chief());
    assert_eq!((decided.organisation, decided.in_name_of), (id(HALL), id(HALL)));
    assert_eq!(decided.instrument.unwrap().kind, InstrumentKind::Empowerment);
}

#[test]
fn who_decides_by_law_needs_no_instrument() {
    let mut story = Story::licence_in_review("2026-03-02 09:00");
    story.city.instruments = Instruments::default();
    assert_eq!(decided(&story, &chief()).instrument, None);
}

#[test]
fn before_the_delegation_dibao_was_the_countys() {
    let story = Story::received(DIBAO, DIBAO_PAPERS, "2021-10-29 09:00").then(&clerk(), accept());
    let story = story.refuses(&chief(), decide(DecisionOutcome::Granted), Rejection::AwaitsForwarding);
    let forward = crate::case::CaseCommand::Forward { to: None, package: Vec::new(), hand_over: Some(id("H-2")) };
    // The day it was handed down, the county still decides what was applied for before.
    let story = story.on("2021-11-08 09:00").then(&clerk(), forward);
    let decided = decided(&story, &actor(Role::Chief, "county", BUREAU));
    assert_eq!((decided.organisation, decided.in_name_of, decided.instrument), (id(BUREAU), id(BUREAU), None));
}

#[test]
fn a_decision_after_the_last_day_is_refused() {
    let mut story = dibao_in_review("2022-01-20 09:00");
    revoke(&mut story, ENTRUSTMENT, "2022-01-21");
    assert_eq!(decided(&story, &chief()).in_name_of, id(BUREAU));
    let story = story.on("2022-01-24 09:00");
    let later = story.clone();
    refused(story, Rejection::InstrumentNotInForce);
    // What was decided in time and is keyed in later stands.
    let in_time = later.asked_of(at("2022-01-21 17:00"), &chief(), &decide(DecisionOutcome::Granted));
    assert!(matches!(in_time.unwrap().as_slice(), [CaseEvent::CaseDecided(_)]));
}

#[test]
fn a_renewed_instrument_carries_on() {
    let mut story = dibao_in_review("2022-01-20 09:00");
    revoke(&mut story, ENTRUSTMENT, "2022-01-21");
    issue(&mut story, |renewed| renewed.valid_from = day("2022-01-22"));
    let story = story.on("2022-01-24 09:00");
    assert_eq!(decided(&story, &chief()).instrument.unwrap().instrument, id("WT-new"));
}

#[test]
fn other_items_and_other_regions_lie_outside() {
    let mut story = dibao_in_review("2022-01-20 09:00");
    story.city.instruments = Instruments::default();
    refused(story.clone(), Rejection::InstrumentMissing);

    let mut elsewhere = dibao_in_review("2022-01-20 09:00");
    issue(&mut elsewhere, |other| other.items = vec![id("FZ-004")]);
    let other_item = elsewhere.city.instruments.get(&id("WT-new")).unwrap().issued().unwrap().clone();
    story.city.instruments.evolve(&other_item.clone().into());
    refused(story.clone(), Rejection::OutsideInstrument);

    let other_region = InstrumentIssued { items: vec![id(DIBAO)], regions: vec![id("361023101")], ..other_item };
    story.city.instruments.evolve(&other_region.into());
    refused(story, Rejection::OutsideInstrument);
}

#[test]
fn the_organ_above_keeps_its_power_and_is_marked_where_it_uses_it() {
    let mut story = dibao_in_review("2022-01-20 09:00");
    story.city.instruments = Instruments::default();
    let county = actor(Role::Chief, "county", COUNTY);
    let decided = decided(&story, &county);
    assert_eq!((decided.organisation, decided.instrument), (id(COUNTY), None));
    assert!(decided.anomalies.contains(&Anomaly::OutsideAuthority));
}

#[test]
fn at_once_or_not_an_instrument_is_needed() {
    let mut story = Story::received(INSTANT, &["FORM", "ID"], "2026-03-02 09:00");
    story.city.instruments = Instruments::default();
    story.refuses(&clerk(), at_once(), Rejection::InstrumentMissing);
}

#[test]
fn old_age_allowance_crosses_townships_from_february_2022() {
    let elsewhere = |moment: &str| {
        let mut apply = application(OLD_AGE, &["FORM", "ID", "HK", "BANK"]);
        apply.intake = id(OTHER_HALL);
        Story::begins(moment).asked(&actor(Role::Clerk, "clerk", OTHER_HALL), &crate::case::CaseCommand::Submit(apply))
    };
    assert_eq!(elsewhere("2022-01-31 09:00"), Err(Rejection::OutsideIntakeRange));
    let events = elsewhere("2022-02-01 09:00").unwrap();
    let [CaseEvent::CaseSubmitted(submitted)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((&submitted.intake, &submitted.handling, &submitted.deciding), (&id(OTHER_HALL), &id(HALL), &id(HALL)));
}

#[test]
fn the_deciding_leg_tells_how_long_it_had_the_case() {
    let forward = crate::case::CaseCommand::Forward { to: None, package: Vec::new(), hand_over: Some(id("H-2")) };
    let story = Story::received(DIBAO, DIBAO_PAPERS, "2021-09-01 09:00").then(&clerk(), accept());
    let story = story.on("2021-09-06 09:00").then(&clerk(), forward).on("2021-09-09 09:00");
    let leg = decided(&story, &actor(Role::Chief, "county", BUREAU)).leg.unwrap();
    assert_eq!((leg.leg, leg.organisation, leg.held_since, leg.held_days), (2, id(BUREAU), day("2021-09-06"), 3));
    // The 28 working days of all steps after acceptance, over Mid-Autumn and National Day.
    assert!(leg.due.is_some_and(|due| day("2021-10-10") < due));
    let village = dibao_in_review("2022-01-20 09:00");
    assert_eq!(decided(&village, &chief()).leg, None);
}

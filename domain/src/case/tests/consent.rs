//! 帮办代办: nobody helps without consent, beyond it, after it, or against it.

use super::story::*;
use crate::actor::{Actor, Role};
use crate::case::{Action, CaseCommand, Rejection};
use crate::event::case::*;

const PAPERS: &[&str] = &["FORM", "ID", "HK", "BANK"];
const OLD_AGE: &str = "FZ-005";
const NEIGHBOUR: &str = "361023100-NEIGHBOUR";

fn agent() -> Actor {
    actor(Role::VillageAgent, "agent", VILLAGE)
}

/// Applied for at the village station, with this consent, and received by the township.
fn helped(change: impl FnOnce(&mut Consent)) -> Story {
    let mut apply = application(OLD_AGE, PAPERS);
    apply.intake = id(VILLAGE);
    let mut given = consent("TY-1");
    change(&mut given);
    apply.consent = Some(given);
    Story::begins("2026-03-02 09:00").then(&agent(), CaseCommand::Submit(apply)).then(&clerk(), receive())
}

fn attach() -> CaseCommand {
    CaseCommand::AttachMaterial(MaterialAttached {
        paper: id("01KH9Z6V0000000000000000AC"),
        code: id("HK"),
        sha256: "00".repeat(32),
        bytes: 10,
        media_type: "image/png".into(),
        trust: TrustLevel::C,
    })
}

fn take_back() -> CaseCommand {
    CaseCommand::WithdrawConsent { reason: None }
}

fn record(consent: Consent) -> CaseCommand {
    CaseCommand::RecordConsent { consent }
}

#[test]
fn with_consent_a_helper_applies_supplements_and_hands_over() {
    let story = helped(|_| ()).then(&agent(), attach()).then(&clerk(), notice("N-1", &["HK"]));
    let story = story.then(&agent(), supplement(&["HK"])).then(&clerk(), accept());
    let story = story.then(&chief(), decide(DecisionOutcome::Granted)).then(&output(), finish());
    let story = story.then(&agent(), deliver());
    assert!(story.case.delivery.is_some());
    assert_eq!(story.case.helpers_papers.len(), 1);
}

#[test]
fn without_consent_nobody_helps() {
    let story = Story::received(OLD_AGE, PAPERS, "2026-03-02 09:00").then(&clerk(), notice("N-1", &["HK"]));
    // The case is not the station's at all.
    story.clone().refuses(&agent(), supplement(&["HK"]), Rejection::OrganisationDoesNotHold);
    let named = Consent { helper: Some(id(VILLAGE)), ..consent("TY-1") };
    story.then(&resident(), record(named)).then(&agent(), supplement(&["HK"]));
}

#[test]
fn consent_covers_what_it_says() {
    let story = helped(|consent| consent.scope = vec![HelpScope::Apply]).then(&clerk(), notice("N-1", &["HK"]));
    let story = story.refuses(&agent(), supplement(&["HK"]), Rejection::OutsideConsent);
    let withdraw = withdraw(Some(document("W-1")));
    let story = story.refuses(&agent(), withdraw, Rejection::OutsideConsent);
    let wider = Consent { scope: vec![HelpScope::Supplement], ..consent("TY-2") };
    let story = story.then(&agent(), record(wider.clone())).changes_nothing(&agent(), record(wider));
    story.then(&agent(), supplement(&["HK"]));
}

#[test]
fn consent_holds_until_its_last_day() {
    let story = helped(|consent| consent.until = Some(day("2026-03-03"))).then(&clerk(), notice("N-1", &["HK"]));
    assert!(story.clone().on("2026-03-03 17:00").asked(&agent(), &supplement(&["HK"])).is_ok());
    let story = story.on("2026-03-04 09:00").refuses(&agent(), supplement(&["HK"]), Rejection::ConsentNotInForce);
    let stale = Consent { until: Some(day("2026-03-01")), ..consent("TY-2") };
    story.refuses(&clerk(), record(stale), Rejection::ConsentNotInForce);
}

#[test]
fn consent_taken_back_stops_everything_further() {
    let story = helped(|_| ()).then(&clerk(), notice("N-1", &["HK"])).then(&resident(), take_back());
    let story = story.changes_nothing(&resident(), take_back());
    let story = story.refuses(&agent(), supplement(&["HK"]), Rejection::ConsentTakenBack);
    let story = story.refuses(&agent(), attach(), Rejection::ConsentTakenBack);
    assert_eq!(story.case.helper(), None);
    let offers = story.case.actions(&story.context(story.moment(), &agent()));
    let offered = offers.into_iter().find(|offer| offer.action == Action::Supplement).unwrap();
    assert_eq!(offered.allowed, Err(Rejection::ConsentTakenBack));
    let story = story.refuses(&agent(), record(consent("TY-9")), Rejection::ConsentTakenBack);
    // The applicant goes on alone, and may agree again.
    let story = story.then(&resident(), supplement(&["HK"]));
    story.then(&resident(), record(consent("TY-2"))).then(&agent(), attach());
}

#[test]
fn nothing_is_taken_back_that_was_not_given() {
    let story = Story::received(OLD_AGE, PAPERS, "2026-03-02 09:00");
    story.refuses(&resident(), take_back(), Rejection::ConsentMissing);
}

#[test]
fn a_neighbouring_station_has_no_part_in_it() {
    let neighbour = actor(Role::VillageAgent, "neighbour", NEIGHBOUR);
    let story = helped(|_| ()).then(&clerk(), notice("N-1", &["HK"]));
    story.refuses(&neighbour, supplement(&["HK"]), Rejection::OrganisationDoesNotHold);
}

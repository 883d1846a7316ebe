use super::*;
use crate::actor::Role;
use crate::decider::Decider;
use crate::event::instrument::InstrumentIssued;
use crate::testing::{REFERENCE, actor, at, context, day, organisation};

use InstrumentCommand::{Issue, Revoke};
use InstrumentRejection as Rejection;

const HALL: &str = "361023100";
const BUREAU: &str = "361023-MZ";

/// 临时救助 entrusted once more by 南丰's civil affairs bureau.
fn paper() -> InstrumentIssued {
    InstrumentIssued {
        instrument: "WT-1".parse().unwrap(),
        kind: InstrumentKind::Entrustment,
        number: "丰民委〔2026〕1号".parse().unwrap(),
        from: organisation(BUREAU),
        to: vec![organisation(HALL)],
        items: vec!["FZ-004".parse().unwrap()],
        regions: vec![],
        valid_from: day("2026-03-02"),
        valid_to: Some(day("2026-12-31")),
        published_on: day("2026-03-01"),
        published_in: "县政府网站".into(),
        basis: "行政许可法第二十四条".into(),
    }
}

fn revoked(last_day: &str) -> InstrumentRevoked {
    InstrumentRevoked {
        instrument: "WT-1".parse().unwrap(), last_day: day(last_day), basis: "撤委〔2026〕1号".into()
    }
}

fn after(events: &[InstrumentEvent]) -> Instrument {
    let mut instrument = Instrument::default();
    events.iter().for_each(|event| instrument.evolve(event));
    instrument
}

#[track_caller]
fn check(given: &[InstrumentEvent], when: InstrumentCommand, then: Result<Vec<InstrumentEvent>, Rejection>) {
    let admin = actor("admin", Role::Admin);
    let context = context(at("2026-03-01", "09:00:00"), &admin, &REFERENCE);
    assert_eq!(after(given).decide(&when, &context), then);
}

#[test]
fn an_instrument_is_issued_once() {
    check(&[], Issue(paper()), Ok(vec![paper().into()]));
    check(&[paper().into()], Issue(paper()), Ok(vec![]));
    let other = InstrumentIssued { valid_to: None, ..paper() };
    check(&[paper().into()], Issue(other), Err(Rejection::AlreadyIssued));
}

#[test]
fn what_an_instrument_must_say() {
    let wrong = [
        (InstrumentIssued { to: vec![], ..paper() }, Rejection::InstrumentEmpty),
        (InstrumentIssued { items: vec![], ..paper() }, Rejection::InstrumentEmpty),
        (InstrumentIssued { published_in: " ".into(), ..paper() }, Rejection::InstrumentUnpublished),
        (InstrumentIssued { published_on: day("2026-03-03"), ..paper() }, Rejection::ValidBeforePublication),
        (InstrumentIssued { valid_to: Some(day("2026-03-01")), ..paper() }, Rejection::InstrumentEndsBeforeItBegins),
        (
            InstrumentIssued { to: vec![organisation("nowhere")], ..paper() },
            Rejection::InstrumentPartyUnknown(organisation("nowhere")),
        ),
        (
            InstrumentIssued { items: vec!["FZ-999".parse().unwrap()], ..paper() },
            Rejection::InstrumentItemUnknown("FZ-999".parse().unwrap()),
        ),
    ];
    for (paper, rule) in wrong {
        check(&[], Issue(paper), Err(rule));
    }
}

#[test]
fn who_was_entrusted_cannot_entrust_others() {
    let from = organisation(HALL);
    let to = vec![organisation("361023100-QINTAILU")];
    let passed_on = InstrumentIssued { from: from.clone(), to, ..paper() };
    check(&[], Issue(passed_on), Err(Rejection::NoSubDelegation(from)));
}

#[test]
fn nobody_gives_a_power_that_is_anothers() {
    let fertility: ItemId = "FZ-017".parse().unwrap();
    let foreign = InstrumentIssued { items: vec![fertility.clone()], ..paper() };
    check(&[], Issue(foreign), Err(Rejection::NotTheirPower(fertility)));

    let elsewhere = organisation("361021100");
    let abroad = InstrumentIssued { to: vec![elsewhere.clone()], ..paper() };
    check(&[], Issue(abroad), Err(Rejection::HolderOutsideTerritory(elsewhere)));

    // 宅基地审批 is the township's own by law: nobody can entrust it with that.
    let own: ItemId = "FZ-021".parse().unwrap();
    let needless = InstrumentIssued { items: vec![own.clone()], from: organisation("361023-NY"), ..paper() };
    check(&[], Issue(needless), Err(Rejection::InstrumentKindMismatch(own)));
}

#[test]
fn a_revocation_ends_it_once() {
    check(&[], Revoke(revoked("2026-06-30")), Err(Rejection::NotIssued));
    check(&[paper().into()], Revoke(revoked("2026-06-30")), Ok(vec![revoked("2026-06-30").into()]));
    check(&[paper().into(), revoked("2026-06-30").into()], Revoke(revoked("2026-06-30")), Ok(vec![]));
    let again = Err(Rejection::AlreadyRevoked);
    check(&[paper().into(), revoked("2026-06-30").into()], Revoke(revoked("2026-07-31")), again);
    let beyond = Err(Rejection::InstrumentEndsBeforeItBegins);
    check(&[paper().into()], Revoke(revoked("2027-01-31")), beyond);
}

#[test]
fn an_instrument_is_in_force_from_its_first_day_to_its_last() {
    let issued = after(&[paper().into()]);
    let days = ["2026-03-01", "2026-03-02", "2026-12-31", "2027-01-01"];
    assert_eq!(days.map(|on| issued.is_in_force(day(on))), [false, true, true, false]);
    let ended = after(&[paper().into(), revoked("2026-06-30").into()]);
    assert_eq!(["2026-06-30", "2026-07-01"].map(|on| ended.is_in_force(day(on))), [true, false]);
    let never = after(&[paper().into(), revoked("2026-02-28").into()]);
    assert!(!days.iter().any(|on| never.is_in_force(day(on))));
}

#[test]
fn what_is_missing_is_told_as_exactly_as_it_is_known() {
    let mut instruments = Instruments::default();
    instruments.evolve(&InstrumentIssued { regions: vec!["361023100".parse().unwrap()], ..paper() }.into());
    let (item, other) = ("FZ-004".parse().unwrap(), "FZ-023".parse().unwrap());
    let (hall, stranger) = (organisation(HALL), organisation("361023101"));
    let (here, there) = ("361023100".parse().unwrap(), "361023101".parse().unwrap());
    let ask = |item, organ, region, on: &str| {
        let wanted = Exercise { kind: InstrumentKind::Entrustment, item, organ, region: Some(region), on: day(on) };
        instruments.power(&wanted).map(|power| power.in_name_of.to_string())
    };
    assert_eq!(ask(&item, &hall, &here, "2026-03-02"), Ok(BUREAU.to_owned()));
    assert_eq!(ask(&item, &stranger, &here, "2026-03-02"), Err(PowerMissing::NoInstrument));
    assert_eq!(ask(&other, &hall, &here, "2026-03-02"), Err(PowerMissing::OutsideScope));
    assert_eq!(ask(&item, &hall, &there, "2026-03-02"), Err(PowerMissing::OutsideScope));
    assert_eq!(ask(&item, &hall, &here, "2027-01-01"), Err(PowerMissing::NotInForce));
}

//! A fold that changed under an unchanged revision would be believed by old checkpoints; this notices it.

use crate::balance::Balance;
use crate::case_file::CaseFile;
use crate::certificate_free::CertificateFree;
use crate::coverage::Coverage;
use crate::documents::Documents;
use crate::halls::Halls;
use crate::halls::tests::days_of_a_hall;
use crate::kin::Kin;
use crate::oversight::Oversight;
use crate::processing_times::ProcessingTimes;
use crate::projection::Projection;
use crate::queues::Queues;
use crate::rating_signs::RatingSigns;
use crate::rating_windows::RatingWindows;
use crate::reference::ReferenceData;
use crate::satisfaction::Satisfaction;
use crate::scores::Scores;
use crate::staffing::Staffing;
use crate::supplements::Supplements;
use crate::testing::{Story, actor, case_id, day, history, id, noon};
use crate::timeline::Timeline;
use domain::actor::Role;
use domain::builtin;
use domain::event::Event;
use domain::fact::{Fact, Subject};

/// FNV-1a over the state's JSON.
fn digest<P: Projection>(facts: &[Fact]) -> (&'static str, u32, String) {
    let mut state = P::default();
    facts.iter().for_each(|fact| state.apply(fact));
    let json = serde_json::to_vec(&state).unwrap();
    let hash = json
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    (P::NAME, P::REVISION, format!("{hash:016x}"))
}

fn calendar() -> Vec<Fact> {
    let mut story = Story::default();
    let admin = actor("admin", Role::Admin, "361000");
    for told in builtin::events().into_iter().filter(|told| told.subject == Subject::Calendar) {
        story.tell(noon(day("2021-01-01")), told.subject, &admin, told.event);
    }
    story.facts()
}

/// The fixtures of these events, in one stream.
fn fixtures(subject: &Subject, names: &[&str]) -> Vec<Fact> {
    let mut story = Story::default();
    let somebody = actor("somebody", Role::Chief, "361023100");
    for name in names {
        let body = std::fs::read(format!("../domain/fixtures/events/{name}.1.json")).unwrap();
        story.tell(noon(day("2026-03-01")), subject.clone(), &somebody, Event::decode(name, 1, &body).unwrap());
    }
    story.facts()
}

fn rosters() -> Vec<Fact> {
    let subject = Subject::Roster(id("361023100"), "2026-03".parse().unwrap());
    fixtures(&subject, &["roster-posted", "duty-changed", "roster-confirmed"])
}

fn scores() -> Vec<Fact> {
    let subject = Subject::Checklist(id("model-hall"));
    let checklist = ["checklist-published", "inspection-opened", "inspection-scored"];
    let campaign = ["campaign-opened", "hall-chosen", "choice-withdrawn"];
    fixtures(&subject, &[checklist, campaign].concat())
}

fn kin() -> Vec<Fact> {
    fixtures(&Subject::Kin(case_id(1)), &["kin-registered", "kin-home-visited"])
}

fn points() -> Vec<Fact> {
    let subject = Subject::ServicePoint(id("361023100"));
    let names = ["place-set", "service-launched", "items-enabled", "items-disabled", "travel-surveyed"];
    fixtures(&subject, &names)
}

#[test]
fn a_changed_fold_has_a_new_revision() {
    let facts = history(20_220_214, 120);
    let one_case: Vec<Fact> = facts.iter().filter(|fact| fact.subject == Subject::Case(case_id(3))).cloned().collect();
    let found = [
        digest::<Balance>(&facts),
        digest::<Oversight>(&facts),
        digest::<Coverage>(&points()),
        digest::<Halls>(&days_of_a_hall(20_220_214, 3)),
        digest::<CertificateFree>(&facts),
        digest::<Kin>(&kin()),
        digest::<ProcessingTimes>(&facts),
        digest::<Queues>(&facts),
        digest::<RatingSigns>(&facts),
        digest::<RatingWindows>(&facts),
        digest::<ReferenceData>(&calendar()),
        digest::<Satisfaction>(&facts),
        digest::<Scores>(&scores()),
        digest::<Staffing>(&rosters()),
        digest::<Supplements>(&facts),
        digest::<CaseFile>(&one_case),
        digest::<Timeline>(&one_case),
        digest::<Documents>(&one_case),
    ];
    let pinned = [
        ("balance", 2, "25a12d6c7feaa6eb"),
        ("oversight", 1, "57edbc7870f8bf58"),
        ("coverage", 1, "aaecb0bd1ea26aca"),
        ("halls", 2, "83ac141dc7d87d46"),
        ("certificate-free", 1, "cf94dbc6ba4dd9f4"),
        ("kin", 1, "ecb1f0cd2956e17c"),
        ("processing-times", 3, "112bc6fae209897e"),
        ("queues", 4, "15786213a0d247fa"),
        ("rating-signs", 1, "46c5caab9b967bf2"),
        ("rating-windows", 1, "0a73b930a05545c2"),
        ("reference", 3, "5e46adc54459cffc"),
        ("satisfaction", 3, "96329f07516c5fdb"),
        ("scores", 1, "4f950a8a8e7ce9f3"),
        ("staffing", 1, "a3a9b946806ef97b"),
        ("supplements", 3, "719ff7ff73ac92a2"),
        ("case", 4, "7fe20be2e776c5cb"),
        ("timeline", 3, "66d2387d11726304"),
        ("documents", 1, "c621dda959689977"),
    ];
    // Where a line differs and its fold was meant to change: raise the projection's REVISION, then pin the new digest.
    assert_eq!(found, pinned.map(|(name, revision, digest)| (name, revision, digest.to_owned())));
}

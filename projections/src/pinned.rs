//! A fold that changed under an unchanged revision would be believed by old checkpoints; this notices it.

use crate::balance::Balance;
use crate::case_file::CaseFile;
use crate::documents::Documents;
use crate::processing_times::ProcessingTimes;
use crate::projection::Projection;
use crate::queues::Queues;
use crate::reference::ReferenceData;
use crate::satisfaction::Satisfaction;
use crate::staffing::Staffing;
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

fn rosters() -> Vec<Fact> {
    let mut story = Story::default();
    let chief = actor("chief", Role::Chief, "361023100");
    let subject = || Subject::Roster(id("361023100"), "2026-03".parse().unwrap());
    for name in ["roster-posted", "duty-changed", "roster-confirmed"] {
        let body = std::fs::read(format!("../domain/fixtures/events/{name}.1.json")).unwrap();
        story.tell(noon(day("2026-03-01")), subject(), &chief, Event::decode(name, 1, &body).unwrap());
    }
    story.facts()
}

#[test]
fn a_changed_fold_has_a_new_revision() {
    let facts = history(20_220_214, 120);
    let one_case: Vec<Fact> = facts.iter().filter(|fact| fact.subject == Subject::Case(case_id(3))).cloned().collect();
    let found = [
        digest::<Balance>(&facts),
        digest::<ProcessingTimes>(&facts),
        digest::<Queues>(&facts),
        digest::<ReferenceData>(&calendar()),
        digest::<Satisfaction>(&facts),
        digest::<Staffing>(&rosters()),
        digest::<CaseFile>(&one_case),
        digest::<Timeline>(&one_case),
        digest::<Documents>(&one_case),
    ];
    let pinned = [
        ("balance", 1, "129e111b6d762fa1"),
        ("processing-times", 1, "4b74d86b3fde23ca"),
        ("queues", 1, "dda606bc7d229a91"),
        ("reference", 2, "0"),
        ("satisfaction", 1, "fe29bb6a203d5a55"),
        ("staffing", 1, "a3a9b946806ef97b"),
        ("case", 1, "ba3a25916033601e"),
        ("timeline", 2, "adcdab8fa7c5dae8"),
        ("documents", 1, "0"),
    ];
    // Where a line differs and its fold was meant to change: raise the projection's REVISION, then pin the new digest.
    assert_eq!(found, pinned.map(|(name, revision, digest)| (name, revision, digest.to_owned())));
}

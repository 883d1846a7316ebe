//! The index finds exactly the marks and warnings that a look at every fact would find, at every position.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, and says where")]

mod random_history;

use chrono::{Days, TimeDelta};
use domain::event::case::{Anomaly, Threshold};
use domain::event::{CaseEvent, Event};
use domain::fact::{Fact, Subject};
use eventstore::Position;
use projections::oversight::{of_warning, responsible};
use proptest::prelude::*;
use random_history::{BEGINNING, Log, facts, histories, run};
use replay::case_index::{CaseIndex, FindingFilter, FindingKind, Order, PageOfFindings, Whose};
use replay::moment::{Basis, Moment, Slice};
use std::collections::BTreeMap;

type Found = (chrono::NaiveDate, u64, FindingKind);

fn every_kind() -> Vec<FindingKind> {
    let warnings = [Threshold::Yellow, Threshold::Red].map(FindingKind::Warning);
    Anomaly::ALL.into_iter().map(FindingKind::Anomaly).chain(warnings).collect()
}

fn everything() -> FindingFilter {
    FindingFilter {
        kinds: every_kind(),
        whose: Whose::Anyone,
        organisations: None,
        person: None,
        item: None,
        from: None,
        to: None,
    }
}

fn pages(index: &CaseIndex, filter: &FindingFilter, slice: &Slice, order: Order, limit: usize) -> Vec<Found> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = index.findings(filter, slice, &PageOfFindings { after, limit, order }).unwrap();
        found.extend(page.findings.iter().map(|finding| (finding.on, finding.position, finding.kind)));
        after = page.next;
        if after.is_none() {
            return found;
        }
    }
}

/// What the facts of a slice say by themselves; a deemed acceptance taken back later says nothing.
fn plainly(facts: &[Fact], wanted: impl Fn(&Fact, FindingKind, &str) -> bool) -> Vec<Found> {
    let mut taken_back: BTreeMap<&Subject, u64> = BTreeMap::new();
    for fact in facts {
        if let Event::Case(CaseEvent::DeemedAcceptanceReversed(_)) = &fact.event {
            taken_back.insert(&fact.subject, fact.position);
        }
    }
    let mut found = Vec::new();
    for fact in facts {
        let Event::Case(event) = &fact.event else { continue };
        for kind in event.anomalies() {
            let whom = responsible(*kind, event, fact);
            let back = taken_back.get(&fact.subject).is_some_and(|position| fact.position <= *position);
            if *kind == Anomaly::DeemedAcceptance && back {
                continue;
            }
            let kind = FindingKind::Anomaly(*kind);
            if wanted(fact, kind, whom.organisation.as_str()) {
                found.push((whom.on, fact.position, kind));
            }
        }
        if let CaseEvent::WarningRaised(raised) = event {
            let whom = of_warning(raised, fact);
            let kind = FindingKind::Warning(raised.threshold);
            if wanted(fact, kind, whom.organisation.as_str()) {
                found.push((whom.on, fact.position, kind));
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn check(index: &CaseIndex, filter: &FindingFilter, slice: &Slice, mut expected: Vec<Found>) {
    assert_eq!(pages(index, filter, slice, Order::Oldest, 2), expected, "{filter:?} {slice:?}");
    expected.reverse();
    assert_eq!(pages(index, filter, slice, Order::Newest, 100), expected, "{filter:?} {slice:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn findings_are_what_a_look_at_every_fact_gives(steps in histories(150), through in 0_usize..150, days in 0_u64..40) {
        run(async {
            let directory = tempfile::tempdir().unwrap();
            let log = Log::with(&steps).await;
            let all = facts(log.history()).await;
            let index = CaseIndex::open(directory.path()).unwrap();
            index.take_in(&all).unwrap();
            let through = through.min(all.len());
            let slice = Slice::through(Position(through as u64));
            let facts = &all[..through];
            check(&index, &everything(), &slice, plainly(facts, |_, _, _| true));
            let from = domain::zone::day_of(BEGINNING) + Days::new(days);
            let filter = FindingFilter { from: Some(from), to: Some(from + Days::new(7)), ..everything() };
            let of_week = plainly(facts, |_, _, _| true).into_iter()
                .filter(|(on, _, _)| from <= *on && *on < from + Days::new(7));
            check(&index, &filter, &slice, of_week.collect());
            let one = FindingKind::Anomaly(Anomaly::SecondNotice);
            let filter = FindingFilter { kinds: vec![one], ..everything() };
            check(&index, &filter, &slice, plainly(facts, |_, kind, _| kind == one));
            for organisation in ["361023100", "361023-MZ", "nowhere"] {
                let organisations = Some([organisation.parse().unwrap()].into());
                let filter = FindingFilter { organisations, ..everything() };
                check(&index, &filter, &slice, plainly(facts, |_, _, known| known == organisation));
            }
        });
    }

    #[test]
    fn findings_on_the_effective_basis_take_in_late_facts(steps in histories(120), minutes in 0_i64..60_000) {
        run(async {
            let directory = tempfile::tempdir().unwrap();
            let log = Log::with(&steps).await;
            let all = facts(log.history()).await;
            let index = CaseIndex::open(directory.path()).unwrap();
            index.take_in(&all).unwrap();
            let at = BEGINNING + TimeDelta::minutes(minutes);
            let slice = log.history().slice(Moment::At(at, Basis::Effective)).await.unwrap();
            let held: Vec<Fact> = all.iter().filter(|fact| slice.holds(fact)).cloned().collect();
            check(&index, &everything(), &slice, plainly(&held, |_, _, _| true));
        });
    }

    #[test]
    fn an_item_is_known_whether_its_case_was_opened_in_the_same_batch_or_before(steps in histories(100), cut in 0_usize..100) {
        run(async {
            let directory = tempfile::tempdir().unwrap();
            let log = Log::with(&steps).await;
            let all = facts(log.history()).await;
            let index = CaseIndex::open(directory.path()).unwrap();
            let cut = cut.min(all.len());
            index.take_in(&all[..cut]).unwrap();
            index.take_in(&all[cut..]).unwrap();
            let opened: std::collections::BTreeSet<_> = all.iter()
                .filter(|fact| matches!(&fact.event, Event::Case(CaseEvent::CaseSubmitted(_))))
                .map(|fact| fact.subject.clone()).collect();
            let filter = FindingFilter { item: Some("FZ-001".parse().unwrap()), ..everything() };
            let slice = Slice::through(Position(all.len() as u64));
            check(&index, &filter, &slice, plainly(&all, |fact, _, _| opened.contains(&fact.subject)));
        });
    }
}

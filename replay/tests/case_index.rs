//! The index finds exactly the cases that a look at every case would find, at every position.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, and says where")]

mod random_history;

use chrono::{Days, TimeDelta};
use domain::case::{Case, Phase};
use domain::event::{CaseEvent, Event};
use domain::fact::{Fact, Subject};
use domain::ids::CaseId;
use eventstore::Position;
use proptest::prelude::*;
use random_history::{BEGINNING, Log, facts, histories, run};
use replay::case_index::{CaseFilter, CaseIndex, Order, PageOfCases, Whose};
use replay::moment::{Basis, Moment, Slice};
use std::collections::BTreeMap;
use std::sync::Arc;

const EVERYTHING: usize = 1000;

fn pages(index: &CaseIndex, filter: &CaseFilter, slice: &Slice, order: Order, limit: usize) -> Vec<CaseId> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = index.cases(filter, slice, &PageOfCases { after, limit, order }).unwrap();
        found.extend(page.cases);
        after = page.next;
        if after.is_none() {
            return found;
        }
    }
}

/// The cases of a slice by folding every one of them, in the order in which they entered the log.
fn plainly(facts: &[Fact], fits: impl Fn(&Case, &[&Fact]) -> bool) -> Vec<CaseId> {
    let mut cases: BTreeMap<CaseId, Vec<&Fact>> = BTreeMap::new();
    let mut order = Vec::new();
    for fact in facts {
        if let Subject::Case(case) = fact.subject {
            let known = cases.entry(case).or_insert_with(|| {
                order.push(case);
                Vec::new()
            });
            known.push(fact);
        }
    }
    order.retain(|case| {
        let mut folded = Case::default();
        cases[case].iter().for_each(|fact| folded.evolve_fact(fact));
        fits(&folded, &cases[case])
    });
    order
}

fn check(
    index: &CaseIndex,
    facts: &[Fact],
    slice: &Slice,
    filter: &CaseFilter,
    fits: impl Fn(&Case, &[&Fact]) -> bool,
) {
    let mut expected = plainly(facts, fits);
    assert_eq!(pages(index, filter, slice, Order::Oldest, 2), expected, "{filter:?} {slice:?}");
    expected.reverse();
    assert_eq!(pages(index, filter, slice, Order::Newest, EVERYTHING), expected, "{filter:?} {slice:?}");
}

fn touched(facts: &[&Fact], organisation: &str) -> bool {
    facts.iter().any(|fact| match &fact.event {
        Event::Case(CaseEvent::CaseSubmitted(body)) => {
            [&body.intake, &body.handling, &body.deciding].iter().any(|found| found.as_str() == organisation)
        }
        Event::Case(CaseEvent::CaseReceived(body)) => body.organisation.as_str() == organisation,
        Event::Case(CaseEvent::CaseAccepted(body)) => body.organisation.as_str() == organisation,
        Event::Case(CaseEvent::CaseRouted(body)) => body.to.as_str() == organisation,
        Event::Case(CaseEvent::StepStarted(body)) => body.organisation.as_str() == organisation,
        Event::Case(CaseEvent::LegForwarded(body)) => body.to.as_str() == organisation,
        Event::Case(CaseEvent::CaseFinished(body)) => body.organisation.as_str() == organisation,
        Event::Case(CaseEvent::ConsultationOpened(body)) => {
            body.organisations.iter().any(|found| found.as_str() == organisation)
        }
        Event::Case(CaseEvent::LegacyCaseOpened(_)) => fact.by.organisation.as_str() == organisation,
        _ => false,
    })
}

fn check_filters(index: &CaseIndex, facts: &[Fact], slice: &Slice) {
    let any = CaseFilter::default;
    check(index, facts, slice, &any(), |_, _| true);
    for phase in Phase::ALL {
        check(index, facts, slice, &CaseFilter { phase: Some(phase), ..any() }, |case, _| case.phase == phase);
    }
    for open in [true, false] {
        check(index, facts, slice, &CaseFilter { open: Some(open), ..any() }, |case, _| case.phase.is_open() == open);
    }
    for organisation in ["361023-MZ", "361023-RS", "361002-MZ", "nowhere"] {
        let organisations = Some([organisation.parse().unwrap()].into());
        let filter = CaseFilter { organisations, ..any() };
        check(index, facts, slice, &filter, |_, facts| touched(facts, organisation));
        let filter = CaseFilter { open: Some(true), ..filter };
        check(index, facts, slice, &filter, |case, facts| case.phase.is_open() && touched(facts, organisation));
    }
    let filter = CaseFilter { organisations: Some(Default::default()), ..any() };
    check(index, facts, slice, &filter, |_, _| false);
    let granted = domain::event::case::ClosingKind::Granted;
    let filter = CaseFilter { closing: Some(granted), ..any() };
    check(index, facts, slice, &filter, |case, _| case.closing.as_ref().is_some_and(|closing| closing.kind == granted));
    let filter = CaseFilter { item: Some("FZ-001".parse().unwrap()), ..any() };
    check(index, facts, slice, &filter, |case, _| case.application.is_some());
    let filter =
        CaseFilter { whose: Whose::Source("own".parse().unwrap()), number_prefix: Some("361023-SL".into()), ..any() };
    check(index, facts, slice, &filter, |case, _| case.application.is_some());
    let is_among = |fact: &Fact| matches!(fact.subject, Subject::Case(case) if u128::from(case.0) % 2 == 0);
    let subjects = facts.iter().filter(|fact| is_among(fact)).map(|fact| fact.subject.clone());
    let among = subjects.filter_map(|subject| if let Subject::Case(case) = subject { Some(case) } else { None });
    let filter = CaseFilter { among: Some(Arc::new(among.collect())), ..any() };
    check(index, facts, slice, &filter, |_, facts| is_among(facts[0]));
    let filter = CaseFilter { open: Some(true), ..filter };
    check(index, facts, slice, &filter, |case, facts| case.phase.is_open() && is_among(facts[0]));
    let day = domain::zone::day_of(BEGINNING + TimeDelta::days(3));
    let (opened_from, opened_to) = (Some(day), day.checked_add_days(Days::new(10)));
    let filter = CaseFilter { opened_from, opened_to, ..any() };
    check(index, facts, slice, &filter, |_, facts| {
        let opened = domain::zone::day_of(facts[0].occurred_at);
        opened_from.unwrap() <= opened && opened < opened_to.unwrap()
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn lists_are_what_a_look_at_every_case_gives(steps in histories(120), through in 0_usize..120) {
        run(async {
            let directory = tempfile::tempdir().unwrap();
            let log = Log::with(&steps).await;
            let all = facts(log.history()).await;
            let index = CaseIndex::open(directory.path()).unwrap();
            index.take_in(&all).unwrap();
            let through = through.min(all.len());
            check_filters(&index, &all[..through], &Slice::through(Position(through as u64)));
            check_filters(&index, &all, &Slice::through(Position(all.len() as u64)));
        });
    }

    #[test]
    fn lists_on_the_effective_basis_take_in_late_facts(steps in histories(100), minutes in 0_i64..60_000) {
        run(async {
            let directory = tempfile::tempdir().unwrap();
            let log = Log::with(&steps).await;
            let all = facts(log.history()).await;
            let index = CaseIndex::open(directory.path()).unwrap();
            index.take_in(&all).unwrap();
            let at = BEGINNING + TimeDelta::minutes(minutes);
            let slice = log.history().slice(Moment::At(at, Basis::Effective)).await.unwrap();
            // A case counts from its opening on; what is effective before it is not yet anybody's.
            let mut opened = std::collections::BTreeSet::new();
            let held: Vec<_> = all.iter().filter(|fact| slice.holds(fact)).filter(|fact| {
                if fact.version == 1 {
                    opened.insert(fact.subject.clone());
                }
                opened.contains(&fact.subject)
            }).cloned().collect();
            for open in [true, false] {
                let filter = CaseFilter { open: Some(open), item: Some("FZ-001".parse().unwrap()), ..CaseFilter::default() };
                let found = pages(&index, &filter, &slice, Order::Oldest, 3);
                let expected = plainly(&held, |case, _| case.application.is_some());
                prop_assert!(found.iter().all(|case| expected.contains(case)));
            }
            let filter = CaseFilter { item: Some("FZ-001".parse().unwrap()), ..CaseFilter::default() };
            let expected = plainly(&held, |case, _| case.application.is_some());
            prop_assert_eq!(pages(&index, &filter, &slice, Order::Oldest, 3), expected);
            Ok(())
        })?;
    }

    #[test]
    fn the_index_is_the_same_however_it_came_to_be(steps in histories(100), cut in 0_usize..100) {
        run(async {
            let log = Log::with(&steps).await;
            let all = facts(log.history()).await;
            let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            let at_once = CaseIndex::open(whole.path()).unwrap();
            at_once.take_in(&all).unwrap();
            let index = CaseIndex::open(parts.path()).unwrap();
            index.take_in(&all[..cut.min(all.len())]).unwrap();
            index.flush().unwrap();
            drop(index);
            let reopened = CaseIndex::open(parts.path()).unwrap();
            for fact in &all {
                reopened.take_in(std::slice::from_ref(fact)).unwrap();
            }
            prop_assert_eq!(reopened.digest().unwrap(), at_once.digest().unwrap());
            Ok(())
        })?;
    }
}

#[test]
fn an_index_that_is_no_index_is_begun_anew() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(CaseIndex::file(directory.path()), b"something else").unwrap();
    let index = CaseIndex::open(directory.path()).unwrap();
    assert_eq!(index.position(), Position::START);
}

#[test]
fn an_index_of_another_log_is_begun_anew() {
    run(async {
        let directory = tempfile::tempdir().unwrap();
        let (mut one, mut other) = (Log::empty(), Log::empty());
        one.append(Subject::Calendar, random_history::fixture("calendar-published", 0), BEGINNING).await;
        other
            .append(Subject::Policy, random_history::fixture("policy-published", 0), BEGINNING - TimeDelta::days(1))
            .await;
        let index = CaseIndex::open(directory.path()).unwrap();
        index.take_in(&facts(one.history()).await).unwrap();
        index.align(one.history()).await.unwrap();
        assert_eq!(index.position(), Position(1));
        // Ahead of a log that was set back.
        index.align(Log::empty().history()).await.unwrap();
        assert_eq!(index.position(), Position::START);
    });
}

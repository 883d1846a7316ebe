//! Everything shown is a fold over a slice of history: however the slice is come by, the fold is the same.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, and says where")]

mod random_history;

use chrono::TimeDelta;
use domain::fact::Fact;
use eventstore::Position;
use projections::Projection;
use projections::balance::Balance;
use projections::certificate_free::CertificateFree;
use projections::halls::Halls;
use projections::oversight::Oversight;
use projections::processing_times::ProcessingTimes;
use projections::queues::Queues;
use projections::rating_signs::RatingSigns;
use projections::rating_windows::RatingWindows;
use projections::reference::ReferenceData;
use projections::satisfaction::Satisfaction;
use projections::supplements::Supplements;
use proptest::prelude::*;
use random_history::{BEGINNING, Log, Step, facts, histories, run};
use replay::as_of::as_of;
use replay::case_index::CaseIndex;
use replay::checkpoint::Checkpoints;
use replay::effective::effective_at;
use replay::history::History;
use replay::live::{Live, Sources};
use replay::moment::{Basis, Moment, Slice};
use replay::view::View;
use replay::views::Views;
use std::path::Path;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

fn sources(history: &History, directory: &Path) -> Sources {
    Sources {
        history: history.clone(),
        checkpoints: Checkpoints::new(directory.join("checkpoints"), history.clone()),
        index: CaseIndex::open(&directory.join("index")).unwrap(),
    }
}

/// The fold itself, without anything around it.
fn folded<P: Projection>(facts: &[Fact]) -> P {
    let mut state = P::default();
    facts.iter().for_each(|fact| state.apply(fact));
    state
}

async fn check_slice<P: Projection>(history: &History, index: Option<&CaseIndex>, slice: &Slice, expected: &[Fact]) {
    let view: View<P> = as_of(history, None, index, slice).await.unwrap();
    assert!(view.state == folded::<P>(expected), "{} at {slice:?}", P::NAME);
}

async fn check_all(history: &History, index: Option<&CaseIndex>, slice: &Slice, expected: &[Fact]) {
    check_slice::<ReferenceData>(history, index, slice, expected).await;
    check_slice::<Queues>(history, index, slice, expected).await;
    check_slice::<ProcessingTimes>(history, index, slice, expected).await;
    check_slice::<Satisfaction>(history, index, slice, expected).await;
    check_slice::<Balance>(history, index, slice, expected).await;
    check_slice::<Oversight>(history, index, slice, expected).await;
    check_slice::<RatingSigns>(history, index, slice, expected).await;
    check_slice::<RatingWindows>(history, index, slice, expected).await;
    check_slice::<Halls>(history, index, slice, expected).await;
    check_slice::<CertificateFree>(history, index, slice, expected).await;
    check_slice::<Supplements>(history, index, slice, expected).await;
}

async fn live_rebuilt_and_as_of_now_agree(before: &[Step], after: &[Step]) {
    let directory = tempfile::tempdir().unwrap();
    let mut log = Log::with(before).await;
    // Kept aside halfway, so that the second start begins with checkpoints and the first without.
    let live = Live::start(sources(log.history(), directory.path())).await.unwrap();
    live.wait_for(log.history().head().await.unwrap().position, PATIENCE).await.unwrap();
    live.stop().await.unwrap();
    log.add(after).await;
    let head = log.history().head().await.unwrap().position;
    let live = Live::start(sources(log.history(), directory.path())).await.unwrap();
    live.wait_for(head, PATIENCE).await.unwrap();

    let compared = live.rebuild().await.unwrap();
    assert!(compared.iter().all(replay::rebuild::Comparison::agrees), "{compared:?}");
    assert_eq!(compared.len(), Views::default().names().len());
    let checkpoints = live.checkpoints().clone();
    for moment in [Moment::Now, Moment::Through(head), Moment::At(BEGINNING + TimeDelta::days(9000), Basis::Recorded)] {
        let slice = log.history().slice(moment).await.unwrap();
        let queues: View<Queues> = as_of(log.history(), Some(&checkpoints), None, &slice).await.unwrap();
        let balance: View<Balance> = as_of(log.history(), Some(&checkpoints), None, &slice).await.unwrap();
        let times: View<ProcessingTimes> = as_of(log.history(), Some(&checkpoints), None, &slice).await.unwrap();
        live.read(|views| {
            assert!(
                views.queues == queues && views.balance == balance && views.processing_times == times,
                "{moment:?}"
            );
        });
    }
    live.stop().await.unwrap();
}

async fn the_past_is_the_fold_of_its_prefix(steps: &[Step], through: usize) {
    let log = Log::with(steps).await;
    let all = facts(log.history()).await;
    let prefix = &all[..through.min(all.len())];
    let slice = Slice::through(Position(prefix.len() as u64));
    check_all(log.history(), None, &slice, prefix).await;
}

async fn the_effective_past_takes_in_what_was_keyed_in_later(steps: &[Step], minutes: i64) {
    let directory = tempfile::tempdir().unwrap();
    let log = Log::with(steps).await;
    let all = facts(log.history()).await;
    let at = BEGINNING + TimeDelta::minutes(minutes);
    let slice = log.history().slice(Moment::At(at, Basis::Effective)).await.unwrap();
    let expected: Vec<_> =
        all.iter().filter(|fact| fact.recorded_at <= at || effective_at(fact) <= at).cloned().collect();
    let index = CaseIndex::open(directory.path()).unwrap();
    // With an index that knows nothing, half, and all of the log.
    for indexed in [0, all.len() / 2, all.len()] {
        index.take_in(&all[..indexed]).unwrap();
        check_all(log.history(), Some(&index), &slice, &expected).await;
    }
}

async fn a_moment_is_the_last_position_recorded_by_it(steps: &[Step], minutes: i64) {
    let log = Log::with(steps).await;
    let at = BEGINNING + TimeDelta::minutes(minutes);
    let by_then = facts(log.history()).await.iter().filter(|fact| fact.recorded_at <= at).count();
    assert_eq!(log.history().position_at(at).await.unwrap(), Position(by_then as u64));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn live_and_rebuild_and_as_of_now_are_one(before in histories(80), after in histories(40)) {
        run(live_rebuilt_and_as_of_now_agree(&before, &after));
    }

    #[test]
    fn as_of_a_position_is_the_fold_of_the_prefix(steps in histories(80), through in 0_usize..80) {
        run(the_past_is_the_fold_of_its_prefix(&steps, through));
    }

    #[test]
    fn the_effective_basis_adds_exactly_the_late_facts(steps in histories(80), minutes in -1_000_i64..80_000) {
        run(the_effective_past_takes_in_what_was_keyed_in_later(&steps, minutes));
    }

    #[test]
    fn every_moment_has_its_position(steps in histories(60), minutes in -10_i64..60_000) {
        run(a_moment_is_the_last_position_recorded_by_it(&steps, minutes));
    }
}

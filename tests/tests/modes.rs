//! Live, rebuild and as-of are one fold, over histories that the real rules made: a simulated city's.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, and says where")]

use api::demo::{Options, simulate};
use api::papers::Papers;
use api::vault::Vault;
use domain::fact::{Fact, Subject};
use domain::ids::CaseId;
use domain::zone::Instant;
use eventstore::{EventStore, InMemory, PAGE_EVENTS_MAX, Position};
use projections::Projection;
use projections::balance::Balance;
use projections::case_file::CaseFile;
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
use replay::as_of::as_of;
use replay::case_index::{CaseFilter, CaseIndex, Order, PageOfCases};
use replay::checkpoint::Checkpoints;
use replay::history::History;
use replay::journal::Journal;
use replay::live::{Live, Sources};
use replay::moment::{Moment, Slice};
use replay::view::View;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const EVENING: &str = "2026-11-20T12:00:00Z";
const PATIENCE: Duration = Duration::from_secs(60);

async fn city(cases: u64, seed: u64, directory: &Path) -> History {
    let journal = Journal::new(Arc::new(InMemory::new()) as Arc<dyn EventStore>);
    let vault = Vault::in_memory(Some([7; 32])).unwrap();
    let until: Instant = EVENING.parse().unwrap();
    let papers = Papers::open(&directory.join("papers"), 10_000).unwrap();
    simulate(&journal, &vault, &papers, &Options { cases, seed, until }, |_, _| ()).await.unwrap();
    journal.history().clone()
}

async fn facts(history: &History) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut after = Position::START;
    loop {
        let page = history.page(after, PAGE_EVENTS_MAX).await.unwrap();
        facts.extend(page.facts);
        after = page.through;
        if page.end {
            return facts;
        }
    }
}

async fn live(history: &History, directory: &Path) -> Live {
    let sources = Sources {
        history: history.clone(),
        checkpoints: Checkpoints::new(directory.join("checkpoints"), history.clone()),
        index: CaseIndex::open(&directory.join("index")).unwrap(),
    };
    let live = Live::start(sources).await.unwrap();
    live.wait_for(history.head().await.unwrap().position, PATIENCE).await.unwrap();
    live
}

async fn check<P: Projection>(history: &History, checkpoints: &Checkpoints, facts: &[Fact], through: usize) {
    let slice = Slice::through(Position(through as u64));
    let past: View<P> = as_of(history, Some(checkpoints), None, &slice).await.unwrap();
    let mut plain = View::<P>::default();
    plain.fold(&facts[..through]);
    assert!(past == plain, "{} through {through}", P::NAME);
}

async fn check_all(live: &Live, facts: &[Fact], through: usize) {
    let (history, checkpoints) = (live.history(), live.checkpoints());
    check::<ReferenceData>(history, checkpoints, facts, through).await;
    check::<Queues>(history, checkpoints, facts, through).await;
    check::<ProcessingTimes>(history, checkpoints, facts, through).await;
    check::<Satisfaction>(history, checkpoints, facts, through).await;
    check::<Halls>(history, checkpoints, facts, through).await;
    check::<Balance>(history, checkpoints, facts, through).await;
    check::<Oversight>(history, checkpoints, facts, through).await;
    check::<RatingSigns>(history, checkpoints, facts, through).await;
    check::<RatingWindows>(history, checkpoints, facts, through).await;
    check::<CertificateFree>(history, checkpoints, facts, through).await;
    check::<Supplements>(history, checkpoints, facts, through).await;
}

/// The phase of every case by the index, beside the one that the case itself gives.
fn check_phases(index: &CaseIndex, facts: &[Fact]) {
    let mut files: BTreeMap<CaseId, CaseFile> = BTreeMap::new();
    for fact in facts {
        if let Subject::Case(case) = fact.subject {
            files.entry(case).or_default().apply(fact);
        }
    }
    let slice = Slice::through(Position(facts.len() as u64));
    let page = PageOfCases { after: None, limit: usize::MAX, order: Order::Oldest };
    for phase in domain::case::Phase::ALL {
        let filter = CaseFilter { phase: Some(phase), ..CaseFilter::default() };
        let mut found = index.cases(&filter, &slice, &page).unwrap().cases;
        found.sort_unstable();
        let of_phase = files.iter().filter(|(_, file)| file.case.phase == phase);
        assert_eq!(found, of_phase.map(|(case, _)| *case).collect::<Vec<_>>(), "{phase}");
    }
}

async fn one_fold(cases: u64, seed: u64, part: f64) {
    let directory = tempfile::tempdir().unwrap();
    let history = city(cases, seed, directory.path()).await;
    let facts = facts(&history).await;
    let live = live(&history, directory.path()).await;
    let compared = live.rebuild().await.unwrap();
    assert!(compared.iter().all(replay::rebuild::Comparison::agrees), "{compared:?}");
    let now = history.slice(Moment::Now).await.unwrap();
    assert_eq!(now, Slice::through(Position(facts.len() as u64)));
    check_all(&live, &facts, facts.len()).await;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a part of a length"
    )]
    let through = (facts.len() as f64 * part) as usize;
    check_all(&live, &facts, through).await;
    let queues: View<Queues> = as_of(&history, None, None, &now).await.unwrap();
    assert!(live.read(|views| views.queues == queues));
    check_phases(live.index(), &facts);
    live.stop().await.unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    #[test]
    fn live_and_rebuild_and_as_of_are_one_over_what_the_rules_make(cases in 20_u64..200, seed: u64, part in 0.0..1.0) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(one_fold(cases, seed, part));
    }
}

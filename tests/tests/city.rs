//! A simulated city in a real log on disk: every way of looking at it agrees, and nothing in its folder tells who anybody is.

#![expect(clippy::unwrap_used, reason = "a step that fails here is a failed test")]

use api::clock::Clock;
use api::config::{Config, Secret};
use api::demo::{Options, simulate};
use api::node::Node;
use api::papers::Papers;
use api::vault::Vault;
use chrono::NaiveDate;
use domain::event::case::Anomaly;
use domain::event::instrument::InstrumentKind;
use domain::event::{CaseEvent, Event};
use domain::fact::Fact;
use domain::zone::{Instant, day_of};
use eventstore::{EventStore, Options as LogOptions, Position, Selection, Sled};
use projections::Projection as _;
use projections::balance::Balance;
use projections::certificate_free::CertificateFree;
use projections::halls::Halls;
use projections::oversight::Oversight;
use projections::processing_times::{Cohort, Dimension, ProcessingTimes, ProcessingTimesQuery, RegionAs};
use projections::queues::Queues;
use projections::satisfaction::Satisfaction;
use projections::scope::{Attribution, Period, Source};
use projections::supplements::Supplements;
use replay::as_of::as_of;
use replay::history::History;
use replay::journal::Journal;
use replay::layout::Layout;
use replay::moment::{Basis, Moment};
use replay::verify::verify;
use replay::view::{AnyView, Digest};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

const EVENING: &str = "2026-11-20T12:00:00Z";

struct City {
    folder: TempDir,
    store: Arc<dyn EventStore>,
    vault: Arc<Vault>,
}

async fn city(cases: u64) -> City {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::new(folder.path().to_owned());
    let store: Arc<dyn EventStore> = Arc::new(Sled::open(layout.log(), LogOptions::standard()).unwrap());
    let vault = Arc::new(Vault::in_memory(Some([7; 32])).unwrap());
    let journal = Journal::new(Arc::clone(&store));
    let options = Options { cases, seed: 3, until: EVENING.parse::<Instant>().unwrap() };
    let papers = Papers::open(&layout.papers(), 10_000).unwrap();
    simulate(&journal, &vault, &papers, &options, |_, _| ()).await.unwrap();
    City { folder, store, vault }
}

impl City {
    async fn node(&self) -> Node {
        let mut config = Config { data: self.folder.path().to_owned(), ..Config::default() };
        config.auth.jwt_secret = Some(Secret::new("a secret for tests, of thirty-two bytes and more"));
        let clock = Arc::new(Clock::simulated(EVENING.parse().unwrap(), 1));
        Node::over(config, clock, Arc::clone(&self.store), Arc::clone(&self.vault)).await.unwrap()
    }
}

fn digest(view: &dyn AnyView) -> Digest {
    view.digest().unwrap()
}

#[actix_web::test]
async fn live_rebuilt_and_as_of_now_are_one() {
    let city = city(300).await;
    let node = city.node().await;
    let head = city.store.head().await.unwrap().position;
    node.live.wait_for(head, std::time::Duration::from_secs(60)).await.unwrap();

    for comparison in node.live.rebuild().await.unwrap() {
        assert!(comparison.agrees(), "{comparison:?}");
        assert_eq!(comparison.position, head.0);
    }
    let history = History::new(city.store.clone());
    let at = EVENING.parse::<Instant>().unwrap();
    for basis in [Basis::Recorded, Basis::Effective] {
        let now = history.slice(Moment::At(at, basis)).await.unwrap();
        let index = Some(node.live.index());
        let past = [
            digest(&as_of::<Queues>(&history, None, index, &now).await.unwrap()),
            digest(&as_of::<ProcessingTimes>(&history, None, index, &now).await.unwrap()),
            digest(&as_of::<Satisfaction>(&history, None, index, &now).await.unwrap()),
            digest(&as_of::<Balance>(&history, None, index, &now).await.unwrap()),
            digest(&as_of::<Oversight>(&history, None, index, &now).await.unwrap()),
            digest(&as_of::<Halls>(&history, None, index, &now).await.unwrap()),
            digest(&as_of::<CertificateFree>(&history, None, index, &now).await.unwrap()),
            digest(&as_of::<Supplements>(&history, None, index, &now).await.unwrap()),
        ];
        let live = node.live.read(|views| {
            [
                digest(&views.queues),
                digest(&views.processing_times),
                digest(&views.satisfaction),
                digest(&views.balance),
                digest(&views.oversight),
                digest(&views.halls),
                digest(&views.certificate_free),
                digest(&views.supplements),
            ]
        });
        assert_eq!(past, live, "{basis:?}");
    }
}

#[actix_web::test]
async fn the_log_of_a_city_is_whole() {
    let city = city(120).await;
    let walked = verify(&History::new(city.store.clone()), None, |_| ()).await.unwrap();
    assert!(walked.is_sound());
}

/// Every fact of the city, in order.
async fn facts(city: &City) -> Vec<Fact> {
    let history = History::new(city.store.clone());
    let (mut all, mut after) = (Vec::new(), Position::START);
    loop {
        let page = history.page(after, 4096).await.unwrap();
        all.extend(page.facts);
        after = page.through;
        if page.end {
            return all;
        }
    }
}

#[actix_web::test]
async fn decisions_live_where_the_instruments_say() {
    let facts = facts(&city(600).await).await;
    let reference = domain::builtin::reference();
    let (mut under, mut across) = (0, Vec::new());
    for fact in &facts {
        match &fact.event {
            Event::Case(CaseEvent::CaseDecided(decided)) => {
                let kind = InstrumentKind::needed_for(decided.authority);
                let above = decided.anomalies.contains(&Anomaly::OutsideAuthority);
                assert!(decided.instrument.is_some() == (kind.is_some() && !above), "{decided:?}");
                let Some(rests_on) = &decided.instrument else { continue };
                let instrument = reference.instruments.get(&rests_on.instrument).unwrap();
                assert!(instrument.is_in_force(day_of(fact.occurred_at)), "{decided:?}");
                under += 1;
            }
            Event::Case(CaseEvent::CaseSubmitted(submitted))
                if submitted.item.as_str() == "FZ-005"
                    && submitted.intake != submitted.handling
                    && !submitted.intake.as_str().starts_with(submitted.handling.as_str()) =>
            {
                across.push(day_of(fact.occurred_at));
            }
            _ => (),
        }
    }
    assert!(0 < under);
    // 高龄补贴 crosses townships from February 2022, and not before.
    let first = across.iter().min().unwrap();
    assert!("2022-02-01".parse::<NaiveDate>().unwrap() <= *first, "{first}");
}

#[actix_web::test]
async fn dibao_is_told_by_step_before_and_after_it_was_handed_down() {
    let facts = facts(&city(600).await).await;
    let mut times = ProcessingTimes::default();
    facts.iter().for_each(|fact| times.apply(fact));
    let query = ProcessingTimesQuery {
        period: Period { from: "2021-08-01".parse().unwrap(), to: "2022-05-01".parse().unwrap() },
        cohort: Cohort::Finished,
        group_by: vec![Dimension::ItemVersion, Dimension::Step],
        item: Some("FZ-001".parse().unwrap()),
        organisation: None,
        closing: None,
        attribution: Attribution::Deciding,
        region_as: RegionAs::Now,
        source: Source::Own,
    };
    let answer = times.answer(&query, &domain::builtin::reference(), "2022-05-01".parse().unwrap()).unwrap();
    for version in ["1", "2"] {
        let steps = answer.rows.iter().filter(|row| row.key[&Dimension::ItemVersion].as_deref() == Some(version));
        let steps: Vec<_> = steps.filter(|row| 0 < row.working_days.n && row.working_days.p50.is_some()).collect();
        assert!(3 <= steps.len(), "version {version} has {} steps", steps.len());
    }
}

#[actix_web::test]
async fn starting_again_records_nothing_twice() {
    let city = city(40).await;
    let before = city.store.head().await.unwrap();
    let node = city.node().await;
    assert_eq!(city.store.head().await.unwrap().position, before.position);
    drop(node);
}

/// What the simulated people say and are called; any of it in clear would be a leak.
const WORDS: [&str; 5] = ["申请人基本情况属实", "本人签收", "示例村1组", "经审查不符合规定条件", "跑了两趟"];

#[actix_web::test]
async fn nothing_in_the_folder_tells_who_anybody_is() {
    let city = city(60).await;
    let node = city.node().await;
    let head = city.store.head().await.unwrap().position;
    node.live.wait_for(head, std::time::Duration::from_secs(60)).await.unwrap();

    let mut known = clear_texts(&city).await;
    assert!(known.len() > 100, "the city has people with names, numbers and addresses");
    known.extend(WORDS.iter().map(|word| (*word).to_owned()));
    node.stop().await;
    let mut files = 0;
    let mut folders = vec![city.folder.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            tells_nothing(&path, &known);
        }
    }
    assert!(files > 5, "there was something to look at");

    // Sled keeps its pages compressed; what it holds is what the log gives back.
    let page = city.store.read(&Selection::All, Position::START, 4096).await.unwrap();
    for event in page.events {
        let body = String::from_utf8_lossy(event.body()).into_owned();
        let header = format!("{:?} {:?}", event.by(), event.labels().collect::<Vec<_>>());
        assert!(
            known.iter().all(|text| !body.contains(text) && !header.contains(text)),
            "{} tells of somebody",
            event.kind()
        );
    }
}

/// Everything that the sealed applicants say of themselves.
async fn clear_texts(city: &City) -> Vec<String> {
    let history = History::new(city.store.clone());
    let mut texts = Vec::new();
    let mut after = Position::START;
    loop {
        let page = history.page(after, 4096).await.unwrap();
        for fact in &page.facts {
            if let Event::Case(CaseEvent::CaseSubmitted(submitted)) = &fact.event {
                let person = city.vault.person(&submitted.applicant, &fact.subject.to_string()).unwrap();
                texts.extend([person.name.clone(), person.id_number.clone()]);
                texts.extend([&person.phone, &person.address, &person.bank_card].into_iter().flatten().cloned());
            }
        }
        after = page.through;
        if page.end {
            // Two-character names may stand in the name of a place or office by chance.
            texts.retain(|text| text.chars().count() > 2);
            return texts;
        }
    }
}

#[track_caller]
fn tells_nothing(path: &Path, known: &[String]) {
    let bytes = std::fs::read(path).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    for word in known {
        assert!(!text.contains(word), "{} holds {word} in clear", path.display());
    }
}

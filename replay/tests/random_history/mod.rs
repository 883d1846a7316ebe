//! Random histories in a log in memory: every kind of event there is, in random streams, some keyed in late.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, and says where")]
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use chrono::{DateTime, TimeDelta, Utc};
use domain::actor::{Actor, Channel, Role};
use domain::event::{CaseEvent, Event, SCHEMAS, TemplateEvent};
use domain::fact::{Fact, Subject};
use domain::ids::{CaseId, CertificateId, CommandId, EventId, InspectionId};
use eventstore::{CommandDigest, EventStore, Expected, InMemory, PAGE_EVENTS_MAX, Position};
use proptest::prelude::*;
use replay::as_of::Past;
use replay::case_index::CaseIndex;
use replay::checkpoint::Checkpoints;
use replay::history::History;
use replay::journal::{Append, Journal, NewFact};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use ulid::Ulid;

/// The moment before the first event of every history.
pub const BEGINNING: DateTime<Utc> = DateTime::from_timestamp(1_767_571_200, 0).unwrap();

/// One event to be: which kind and stream, how many minutes after the last one, and how many minutes late.
#[derive(Debug, Clone)]
pub struct Step {
    pub kind: prop::sample::Index,
    pub stream: u8,
    pub organisation: u8,
    pub gap_minutes: u32,
    pub late_minutes: u32,
}

/// Returns histories of up to `steps_max` events over a few streams, a third of them keyed in late.
pub fn histories(steps_max: usize) -> impl Strategy<Value = Vec<Step>> {
    let late = prop_oneof![2 => Just(0), 1 => 1..20_000_u32];
    let step = (any::<prop::sample::Index>(), 0..5_u8, 0..3_u8, 0..2_000_u32, late);
    let step = step.prop_map(|(kind, stream, organisation, gap_minutes, late_minutes)| Step {
        kind,
        stream,
        organisation,
        gap_minutes,
        late_minutes,
    });
    prop::collection::vec(step, 1..steps_max)
}

/// A log in memory that holds a history.
pub struct Log {
    pub store: Arc<InMemory>,
    pub journal: Journal,
    appended: u64,
    now: DateTime<Utc>,
    opened: BTreeSet<Subject>,
}

impl Log {
    pub fn empty() -> Self {
        let store = Arc::new(InMemory::new());
        let journal = Journal::new(store.clone() as Arc<dyn EventStore>);
        Self { store, journal, appended: 0, now: BEGINNING, opened: BTreeSet::new() }
    }

    pub async fn with(steps: &[Step]) -> Self {
        let mut log = Self::empty();
        log.add(steps).await;
        log
    }

    pub fn history(&self) -> &History {
        self.journal.history()
    }

    /// Lets the clock of the log stand at this moment.
    pub fn set_now(&mut self, now: DateTime<Utc>) {
        self.now = now;
    }

    pub async fn add(&mut self, steps: &[Step]) {
        for step in steps {
            let (subject, event) = self.chosen(step);
            self.now += TimeDelta::minutes(step.gap_minutes.into());
            let occurred_at = self.now - TimeDelta::minutes(step.late_minutes.into());
            self.append(subject, event, occurred_at).await;
        }
    }

    pub async fn append(&mut self, subject: Subject, event: Event, occurred_at: DateTime<Utc>) {
        self.append_by(subject, event, occurred_at, &clerk()).await;
    }

    pub async fn append_by(&mut self, subject: Subject, event: Event, occurred_at: DateTime<Utc>, by: &Actor) {
        self.appended += 1;
        let id = Ulid::from(u128::from(self.appended));
        let fact = NewFact { id: EventId(id), occurred_at, labels: Vec::new(), event };
        let append = Append {
            command: CommandId(id),
            digest: CommandDigest([0; 16]),
            now: self.now,
            by: by.clone(),
            correlation: id,
            causation: None,
            guards: Vec::new(),
            writes: vec![(subject, Expected::Any, vec![fact])],
        };
        self.journal.append(append).await.unwrap();
    }

    /// A case's stream begins with its opening and has no second one; everything else may follow anything.
    fn chosen(&mut self, step: &Step) -> (Subject, Event) {
        let (name, event) = step.kind.get(&EVENTS);
        let event = event_of(name, event, step.organisation);
        let subject = subject(&event, step.stream);
        let is_case = matches!(subject, Subject::Case(_));
        let is_new = self.opened.insert(subject.clone());
        let is_opening = matches!(&event, Event::Case(CaseEvent::CaseSubmitted(_) | CaseEvent::LegacyCaseOpened(_)));
        match (is_case, is_new, is_opening) {
            (true, true, false) => (subject, fixture("case-submitted", step.organisation)),
            (true, false, true) => (subject, fixture("case-received", step.organisation)),
            _ => (subject, event),
        }
    }
}

/// A log with everything needed to look at its past, the index knowing all of it.
pub struct Looking {
    pub log: Log,
    pub past: Past,
    _directory: tempfile::TempDir,
}

impl Looking {
    pub async fn at(log: Log) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let history = log.history().clone();
        let checkpoints = Checkpoints::new(directory.path().join("checkpoints"), history.clone());
        let index = CaseIndex::open(directory.path()).unwrap();
        index.take_in(&facts(&history).await).unwrap();
        Self { log, past: Past::new(history, checkpoints, index), _directory: directory }
    }
}

/// Returns all facts of a history, read plainly.
pub async fn facts(history: &History) -> Vec<Fact> {
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

/// Runs a future on a runtime of its own.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

pub fn case(stream: u8) -> CaseId {
    CaseId(Ulid::from(1000 + u128::from(stream)))
}

pub fn clerk() -> Actor {
    Actor {
        id: "clerk-7".parse().unwrap(),
        role: Role::Clerk,
        organisation: "361023100".parse().unwrap(),
        window: Some("3".parse().unwrap()),
        acting_for: None,
        channel: Channel::Window,
    }
}

/// Returns an event of a kind, as its fixture has it, for one of a few organisations.
pub fn fixture(name: &str, organisation: u8) -> Event {
    event_of(name, &EVENTS.iter().find(|(known, _)| known == name).unwrap().1, organisation)
}

fn event_of(name: &str, body: &str, organisation: u8) -> Event {
    let deciding = ["361023-MZ", "361023-RS", "361002-MZ"][usize::from(organisation)];
    let version = SCHEMAS.iter().find(|schema| schema.name == name).unwrap().version;
    Event::decode(name, version, body.replace("361023-MZ", deciding).as_bytes()).unwrap()
}

fn subject(event: &Event, stream: u8) -> Subject {
    match event {
        Event::Case(_) => Subject::Case(case(stream)),
        Event::Rating(_) => Subject::Rating(format!("rating-{stream}").parse().unwrap()),
        Event::Ticket(_) => Subject::Hall(format!("2026-03-0{}-361023100", stream + 1).parse().unwrap()),
        Event::Appointment(_) => Subject::Slots(format!("2026-03-0{}-361023100", stream + 1).parse().unwrap()),
        Event::Certificate(_) => Subject::Certificate(CertificateId(case(stream).0)),
        Event::Library(_) => Subject::Library("city".parse().unwrap()),
        Event::Item(_) => Subject::Item(format!("FZ-00{stream}").parse().unwrap()),
        Event::Organisation(_) => Subject::Organisation(format!("36102310{stream}").parse().unwrap()),
        Event::Calendar(_) => Subject::Calendar,
        Event::Instrument(event) => Subject::Instrument(domain::instrument::instrument_of(event).clone()),
        Event::Policy(_) => Subject::Policy,
        Event::Template(TemplateEvent::TemplatePublished(body)) => Subject::Template(body.kind),
        Event::Roster(_) => Subject::Roster(format!("36102310{stream}").parse().unwrap(), "2026-03".parse().unwrap()),
        Event::ServicePoint(_) => Subject::ServicePoint(format!("36102310{stream}").parse().unwrap()),
        Event::Kin(_) => Subject::Kin(CaseId(Ulid::from(u128::from(stream)))),
        Event::Checklist(_) => Subject::Checklist("model-hall".parse().unwrap()),
        Event::Inspection(_) => Subject::Inspection(InspectionId(Ulid::from(2000 + u128::from(stream)))),
        Event::Campaign(_) => Subject::Campaign("model-halls-2026".parse().unwrap()),
        Event::Access(_) => Subject::Access("361023".parse().unwrap()),
    }
}

/// The current fixture of every kind of event, those of cases three times, because cases are what it is about.
static EVENTS: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../domain/fixtures/events");
    let mut bodies = BTreeMap::new();
    for schema in SCHEMAS {
        let path = directory.join(format!("{}.{}.json", schema.name, schema.version));
        bodies.entry(schema.name.to_owned()).or_insert_with(|| fs::read_to_string(&path).unwrap());
    }
    let is_case = |name: &String| name.contains("case-") || name.contains("procedure") || name.contains("supplement");
    let often: Vec<_> = bodies.iter().filter(|(name, _)| is_case(name)).map(|(n, b)| (n.clone(), b.clone())).collect();
    bodies.into_iter().chain(often.clone()).chain(often).collect()
});

//! Foreign logs in the log: once, whole, and with the same figures.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, and says where")]

use chrono::{DateTime, FixedOffset};
use domain::actor::{Actor, Channel, Role};
use domain::event::{CaseEvent, Event};
use domain::fact::Subject;
use domain::ids::ItemId;
use domain::zone::Instant;
use eventstore::{CommandDigest, EventLog, Expected, InMemory, Position, StreamVersion};
use replay::import::{ImportError, ImportRequest, Imported, check, take_in};
use replay::journal::{Append, Journal, NewFact};
use replay::log_stats::{LogReport, of_history};
use replay::selection::LogSelection;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

const SOURCE: &str = "elsewhere";

fn now() -> Instant {
    DateTime::parse_from_rfc3339("2026-05-01T12:00:00+08:00").unwrap().to_utc()
}

async fn import(journal: &Journal, request: ImportRequest) -> Result<Imported, ImportError> {
    take_in(journal, check(request, |_| ()).await?, Arc::new(now), |_| ()).await
}

struct History {
    store: Arc<InMemory>,
    journal: Journal,
    files: TempDir,
}

impl History {
    fn new() -> Self {
        let store = Arc::new(InMemory::new());
        Self { journal: Journal::new(store.clone()), store, files: TempDir::new().unwrap() }
    }

    async fn import_file(&self, file: PathBuf) -> Result<Imported, ImportError> {
        let (source, organisation) = (SOURCE.parse().unwrap(), "361000000".parse().unwrap());
        import(&self.journal, ImportRequest { file, source, organisation }).await
    }

    async fn import(&self, name: &str, text: &str) -> Result<Imported, ImportError> {
        let file = self.files.path().join(name);
        std::fs::write(&file, text).unwrap();
        self.import_file(file).await
    }

    async fn head(&self) -> Position {
        self.store.head().await.unwrap().position
    }

    async fn report(&self) -> LogReport {
        let through = self.head().await;
        let selection = LogSelection { source: Some(SOURCE.parse().unwrap()), ..LogSelection::through(through) };
        of_history(self.journal.history(), &selection, |_| ()).await.unwrap().finish(FixedOffset::east_opt(0).unwrap())
    }
}

fn log(traces: &str) -> String {
    format!("<?xml version='1.0'?><log>\n{traces}\n</log>")
}

fn trace(id: &str, events: &[&str]) -> String {
    let event = |(minute, activity): (usize, &&str)| {
        format!(
            "<event><string key='concept:name' value='{activity}'/><string key='org:resource' value='Wang'/>\
             <float key='cost' value='35.0'/><date key='time:timestamp' value='2024-01-01T08:{minute:02}:00+08:00'/></event>\n"
        )
    };
    let events: String = events.iter().enumerate().map(event).collect();
    format!("<trace><string key='concept:name' value='{id}'/><string key='kind' value='permit'/>{events}</trace>\n")
}

fn many(cases: usize) -> String {
    (0..cases).map(|case| trace(&format!("case {case}"), &["receive", "check", "decide"])).collect()
}

#[tokio::test]
async fn a_case_stands_in_the_log_as_given() {
    let history = History::new();
    history.import("a.xes", &log(&trace("7", &["receive", "decide"]))).await.unwrap();
    let page = history.journal.history().page(Position::START, 10).await.unwrap();
    let [opened, received, _] = &page.facts[..] else { panic!("three facts: {page:?}") };
    let Event::Case(CaseEvent::LegacyCaseOpened(body)) = &opened.event else { panic!("{opened:?}") };
    assert_eq!((body.external_id.as_str(), body.source.as_str()), ("7", SOURCE));
    assert_eq!(body.attributes["kind"], "permit");
    let Event::Case(CaseEvent::LegacyActivityRecorded(body)) = &received.event else { panic!("{received:?}") };
    assert_eq!((body.activity.as_str(), body.resource.as_deref()), ("receive", Some("Wang")));
    assert_eq!(body.at.to_rfc3339(), "2024-01-01T00:00:00+00:00");
    assert_eq!(body.attributes["cost"], 35.0);
    assert_eq!((received.occurred_at, received.version), (body.at, 2));
}

#[tokio::test]
async fn importing_again_adds_nothing() {
    let history = History::new();
    let file = log(&many(500));
    let first = history.import("a.xes", &file).await.unwrap();
    assert_eq!((first.cases, first.events, first.already_there.cases), (500, 1500, 0));
    let head = history.head().await;
    assert_eq!(head, Position(2000));
    let second = history.import("renamed.xes", &file).await.unwrap();
    assert_eq!((second.cases, second.events), (0, 0));
    assert_eq!((second.already_there.cases, second.already_there.events), (500, 1500));
    assert_eq!(history.head().await, head);
}

#[tokio::test]
async fn of_a_later_export_only_what_is_new_is_added() {
    let history = History::new();
    history.import("a.xes", &log(&(trace("1", &["receive"]) + &trace("2", &["receive", "decide"])))).await.unwrap();
    let later = trace("0", &["receive"]) + &trace("1", &["receive", "decide"]) + &trace("2", &["receive", "decide"]);
    let added = history.import("b.xes", &log(&later)).await.unwrap();
    assert_eq!((added.cases, added.events), (1, 2));
    assert_eq!((added.already_there.cases, added.already_there.events), (2, 3));
    let report = history.report().await;
    assert_eq!((report.cases, report.events), (3, 5));
    assert_eq!(report.variants_top20[0].activities, ["receive", "decide"]);
}

#[tokio::test]
async fn a_case_told_in_several_traces_is_one_case() {
    let history = History::new();
    let twice = trace("1", &["receive", "receive"]) + &many(200) + &trace("1", &["receive"]);
    for round in 0..2 {
        let imported = history.import("a.xes", &log(&twice)).await.unwrap();
        let added = if round == 0 { (201, 603) } else { (0, 0) };
        assert_eq!((imported.cases, imported.events), added, "round {round}");
        let report = history.report().await;
        assert_eq!((report.cases, report.events), (201, 603));
        assert_eq!(report.activities.0.iter().find(|(name, _)| name == "receive"), Some(&("receive".into(), 203)));
    }
}

#[tokio::test]
async fn events_that_say_the_same_are_each_an_event() {
    let history = History::new();
    let event = "<event><string key='concept:name' value='a'/><date key='time:timestamp' value='2024-01-01'/></event>";
    let file = log(&format!("<trace><string key='concept:name' value='1'/>{event}{event}{event}</trace>"));
    assert_eq!(history.import("a.xes", &file).await.unwrap().events, 3);
    assert_eq!(history.import("a.xes", &file).await.unwrap().already_there.events, 3);
    assert_eq!(history.report().await.rework.self_loops_total, 2);
}

#[tokio::test]
async fn a_case_longer_than_a_frame_is_taken_in_whole() {
    let history = History::new();
    let rows: String = (0..1000).map(|n| format!("1,step {n},2024-01-01T00:{:02}:{:02}Z\n", n / 60, n % 60)).collect();
    let file = format!("case:concept:name,concept:name,time:timestamp\n{rows}");
    assert_eq!(history.import("a.csv", &file).await.unwrap().events, 1000);
    assert_eq!(history.import("a.csv", &file).await.unwrap().already_there.events, 1000);
    assert_eq!(history.head().await, Position(1001));
    assert_eq!(history.report().await.dfg_total, 999);
}

#[tokio::test]
async fn what_happens_in_the_future_is_recorded_as_given() {
    let history = History::new();
    let rows = "1,plan,2099-01-01T00:00:00Z\n1,announce,2024-01-01T00:00:00Z\n";
    history.import("a.csv", &format!("case:concept:name,concept:name,time:timestamp\n{rows}")).await.unwrap();
    let report = history.report().await;
    assert_eq!(report.variants_top20[0].activities, ["announce", "plan"]);
    let facts = history.journal.history().page(Position::START, 10).await.unwrap().facts;
    assert!(facts.iter().all(|fact| fact.occurred_at <= fact.recorded_at));
}

#[tokio::test]
async fn a_broken_file_leaves_nothing_behind() {
    let history = History::new();
    let whole = log(&many(300));
    for broken in [&whole[..whole.len() / 2], "<html/>", "", &whole.replace("case 299", "&what;")] {
        let error = history.import("a.xes", broken).await.unwrap_err().to_string();
        assert!(error.contains("a.xes") && error.ends_with("nothing was taken in"), "{error}");
        assert_eq!(history.head().await, Position::START);
    }
    assert!(history.import_file(PathBuf::from("no/such/file.xes")).await.is_err());
}

#[tokio::test]
async fn what_is_left_out_is_told_with_place_and_reason() {
    let history = History::new();
    let huge = "x".repeat(300 << 10);
    let big = trace("big", &["receive", "decide"]).replacen("Wang", &huge, 1);
    let file = log(&(trace("1", &["receive"]) + "<trace/>\n" + &big));
    let imported = history.import("a.xes", &file).await.unwrap();
    assert_eq!((imported.cases, imported.events, imported.rejected_total), (2, 2, 2));
    assert_eq!(imported.rejected[0].place, "trace 2 (line 4)");
    assert_eq!(imported.rejected[0].reason, "no case id (concept:name)");
    assert_eq!(imported.rejected[1].place, "case big");
    assert!(imported.rejected[1].reason.contains("at most 262144"), "{}", imported.rejected[1].reason);
}

#[tokio::test]
async fn a_foreign_history_cannot_pass_as_the_citys_own() {
    let history = History::new();
    let file = history.files.path().join("a.xes");
    std::fs::write(&file, log(&trace("1", &["receive"]))).unwrap();
    for name in ["own", "all"] {
        let (source, organisation) = (name.parse().unwrap(), "361000000".parse().unwrap());
        let request = ImportRequest { file: file.clone(), source, organisation };
        let error = import(&history.journal, request).await.unwrap_err();
        assert!(matches!(error, ImportError::Reserved(_)), "{error}");
    }
    assert_eq!(history.head().await, Position::START);
}

#[tokio::test]
async fn cases_of_two_sources_are_told_apart() {
    let history = History::new();
    history.import("a.xes", &log(&trace("1", &["receive"]))).await.unwrap();
    let file = history.files.path().join("a.xes");
    let request = ImportRequest { file, source: "other".parse().unwrap(), organisation: "361000000".parse().unwrap() };
    let other = import(&history.journal, request).await.unwrap();
    assert_eq!((other.cases, history.report().await.cases), (1, 1));
    let all = LogSelection::through(history.head().await);
    let stats = of_history(history.journal.history(), &all, |_| ()).await.unwrap();
    assert_eq!(stats.finish(FixedOffset::east_opt(0).unwrap()).cases, 2);
}

#[tokio::test]
async fn reference_logs_have_the_same_figures_in_the_log_as_in_their_files() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let logs = workspace.ancestors().skip(1).map(|directory| directory.join("shared/logs")).find(|logs| logs.is_dir());
    let Some(logs) = logs else {
        println!("skipped: there is no ../shared/logs");
        return;
    };
    for name in ["running-example.xes", "receipt.xes.gz", "bpic15_1.xes.gz"] {
        let history = History::new();
        let file = logs.join(name);
        let imported = history.import_file(file.clone()).await.unwrap();
        let report = history.report().await;
        assert_eq!((imported.cases, imported.events), (report.cases, report.events));

        let mut stats = replay::log_stats::LogStats::default();
        for entry in replay::format::open(&file).unwrap() {
            let replay::format::Entry::Case(case) = entry.unwrap() else { panic!("nothing is left out of {name}") };
            case.events.iter().for_each(|event| stats.observe(case.id.clone(), &event.activity, event.occurred_at));
        }
        assert_eq!(report, stats.finish(FixedOffset::east_opt(0).unwrap()), "{name}");
    }
}

/// Appends an event of the city's own as its fixture has it.
async fn append_own(history: &History, case: Subject, expected: Expected, name: &str) {
    let fixture = format!("{}/../domain/fixtures/events/{name}.1.json", env!("CARGO_MANIFEST_DIR"));
    let event = Event::decode(name, 1, &std::fs::read(fixture).unwrap()).unwrap();
    let id = domain::ids::EventId(ulid::Ulid::from(u128::from(history.head().await.0) + 1));
    let command = domain::ids::CommandId(id.0);
    let by = Actor {
        id: "system".parse().unwrap(),
        role: Role::System,
        organisation: "361000".parse().unwrap(),
        window: None,
        acting_for: None,
        channel: Channel::System,
    };
    let append = Append {
        command,
        digest: CommandDigest([0; 16]),
        now: now(),
        by,
        correlation: ulid::Ulid::nil(),
        causation: None,
        guards: vec![],
        writes: vec![(case, expected, vec![NewFact { id, occurred_at: now(), labels: vec![], event }])],
    };
    history.journal.append(append).await.unwrap();
}

#[tokio::test]
async fn the_citys_own_cases_are_counted_by_their_events_and_found_by_item() {
    let history = History::new();
    history.import("a.xes", &log(&trace("1", &["receive"]))).await.unwrap();
    let case = Subject::Case("01J00000000000000000000001".parse().unwrap());
    append_own(&history, case.clone(), Expected::Empty, "case-submitted").await;
    append_own(&history, case, Expected::Exactly(StreamVersion(1)), "case-accepted").await;
    let Event::Case(CaseEvent::CaseSubmitted(submitted)) =
        history.journal.history().page(Position(2), 1).await.unwrap().facts.remove(0).event
    else {
        panic!("the case that was appended")
    };

    let counted = async |source: Option<&str>, item: Option<ItemId>, through: Position| {
        let source = source.map(|source| source.parse().unwrap());
        let stats = of_history(
            history.journal.history(),
            &LogSelection { source, item, ..LogSelection::through(through) },
            |_| (),
        )
        .await
        .unwrap();
        let report = stats.finish(FixedOffset::east_opt(0).unwrap());
        (report.cases, report.events)
    };
    let head = history.head().await;
    assert_eq!(counted(None, None, head).await, (2, 3));
    assert_eq!(counted(Some(submitted.source.as_str()), None, head).await, (1, 2));
    assert_eq!(counted(None, Some(submitted.item), head).await, (1, 2));
    assert_eq!(counted(None, Some("FZ-999".parse().unwrap()), head).await, (0, 0));
    assert_eq!(counted(None, None, Position(3)).await, (2, 2));
    assert_eq!(counted(Some(SOURCE), None, head).await, (1, 1));
}

//! What goes out is read back with the same figures, names nobody, and is there whole or not at all.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, and says where")]

mod random_history;

use chrono::{DateTime, FixedOffset};
use domain::fact::Subject;
use domain::zone::Instant;
use eventstore::{EventLog, InMemory, Position};
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use proptest::prelude::*;
use random_history::{Log, histories, run};
use replay::export::{ExportError, ExportRequest, Exported, Format, Profile, PseudonymKey, export, export_unnamed};
use replay::history::History;
use replay::import::{ImportRequest, check, is_whole, take_in, take_in_whole};
use replay::journal::Journal;
use replay::log_stats::{LogReport, of_history};
use replay::rebuild::fold_through;
use replay::selection::LogSelection;
use replay::views::Views;
use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// Two cases whose events interleave in time, with every kind of attribute there is.
const LOG: &str = r#"<?xml version='1.0'?><log>
<trace><string key='concept:name' value='case Wang'/><string key='kind' value='许可 &amp; "other"'/><int key='days' value='7'/>
<event><string key='concept:name' value='receive'/><string key='org:resource' value='Wang'/><string key='org:group' value='hall'/>
<date key='time:timestamp' value='2021-10-01T08:00:00.000001+08:00'/><float key='cost' value='35.0'/><boolean key='paid' value='true'/></event>
<event><string key='concept:name' value='decide'/><date key='time:timestamp' value='2021-10-03T08:00:00+08:00'/>
<date key='due' value='2021-10-09T00:00:00+08:00'/><string key='note' value='a'><int key='depth' value='1'/></string></event></trace>
<trace><string key='concept:name' value='case 2'/>
<event><string key='concept:name' value='receive'/><string key='org:resource' value='Wang'/><date key='time:timestamp' value='2021-11-02T08:00:00+08:00'/><int key='cost' value='3'/></event>
<event><string key='concept:name' value='receive'/><date key='time:timestamp' value='2021-11-02T08:00:00+08:00'/></event>
<event><string key='concept:name' value='decide, "at last"'/><date key='time:timestamp' value='2021-11-02T08:00:00+08:00'/></event></trace>
</log>"#;

fn now() -> Instant {
    DateTime::parse_from_rfc3339("2026-05-01T12:00:00+08:00").unwrap().to_utc()
}

struct City {
    store: Arc<InMemory>,
    journal: Journal,
    files: TempDir,
}

impl City {
    fn empty() -> Self {
        let store = Arc::new(InMemory::new());
        Self { journal: Journal::new(store.clone()), store, files: TempDir::new().unwrap() }
    }

    async fn with_log() -> Self {
        let city = Self::empty();
        let file = city.file("given.xes");
        fs::write(&file, LOG).unwrap();
        city.import(&file).await;
        city
    }

    fn file(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    async fn import(&self, file: &Path) {
        let (source, organisation) = ("elsewhere".parse().unwrap(), "361000".parse().unwrap());
        let request = ImportRequest { file: file.to_owned(), source, organisation };
        let checked = check(request, |_| ()).await.unwrap();
        let imported = take_in(&self.journal, checked, Arc::new(now), |_| ()).await.unwrap();
        assert_eq!(imported.rejected, [], "{}", file.display());
    }

    async fn head(&self) -> Position {
        self.store.head().await.unwrap().position
    }

    async fn request(&self, format: Format, name: &str) -> ExportRequest {
        ExportRequest {
            format,
            out: self.file(name),
            replace: false,
            selection: LogSelection::through(self.head().await),
            among: None,
            profile: Profile::Pm4py,
            byte_order_mark: false,
            whole: false,
            key: PseudonymKey::of_text(b"one"),
        }
    }

    async fn write(&self, request: &ExportRequest) -> Result<Exported, ExportError> {
        export(self.journal.history(), request, Arc::new(|_| Ok(()))).await
    }

    async fn report(&self) -> LogReport {
        report(self.journal.history(), self.head().await).await
    }

    /// Everything in the folder but what was given.
    fn listed(&self) -> Vec<String> {
        let names = fs::read_dir(self.files.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
        names.retain(|name| name != "given.xes");
        names.sort();
        names
    }
}

async fn report(history: &History, through: Position) -> LogReport {
    let stats = of_history(history, &LogSelection::through(through), |_| ()).await.unwrap();
    stats.finish(FixedOffset::east_opt(8 * 3600).unwrap())
}

#[tokio::test]
async fn what_goes_out_comes_back_with_the_same_figures() {
    let city = City::with_log().await;
    let expected = city.report().await;
    assert_eq!((expected.cases, expected.events), (2, 5));
    for (format, name, profile) in [
        (Format::Xes, "log.xes", Profile::Pm4py),
        (Format::Xes, "log.xes.gz", Profile::Pm4py),
        (Format::Csv, "log.csv", Profile::Pm4py),
        (Format::Csv, "disco.csv.gz", Profile::Disco),
        (Format::Csv, "celonis.csv", Profile::Celonis),
        (Format::Ocel, "log.json", Profile::Pm4py),
        (Format::Ocel, "log.sqlite", Profile::Pm4py),
        (Format::Jsonl, "log.jsonl", Profile::Pm4py),
        (Format::Jsonl, "log.jsonl.gz", Profile::Pm4py),
    ] {
        let request = ExportRequest { profile, ..city.request(format, name).await };
        let exported = city.write(&request).await.unwrap();
        assert_eq!(exported.bytes, fs::metadata(&request.out).unwrap().len());
        let again = City::empty();
        again.import(&request.out).await;
        assert_eq!(again.report().await, expected, "{name}");
    }
    assert!(city.file("celonis.cases.csv").is_file());
}

#[tokio::test]
async fn a_database_and_columns_hold_every_event_with_its_type() {
    let city = City::with_log().await;
    let request = city.request(Format::Ocel, "log.sqlite").await;
    city.write(&request).await.unwrap();
    let database = rusqlite::Connection::open(&request.out).unwrap();
    let count =
        |of: &str| -> i64 { database.query_row(&format!("SELECT count(*) FROM {of}"), [], |row| row.get(0)).unwrap() };
    assert_eq!((count("event"), count("event_receive_3"), count("object_o_case")), (5, 3, 2));
    assert_eq!(count("event_object JOIN object ON ocel_id = ocel_object_id WHERE ocel_type = 'case'"), 5);
    assert_eq!(count("event_receive_3 WHERE ocel_time = '2021-10-01T00:00:00.000001Z' AND cost = 35.0"), 1);

    let request = city.request(Format::Parquet, "log.parquet").await;
    city.write(&request).await.unwrap();
    let file = SerializedFileReader::new(fs::File::open(&request.out).unwrap()).unwrap();
    assert_eq!(file.metadata().file_metadata().num_rows(), 5);
    let schema: Vec<String> = file
        .metadata()
        .file_metadata()
        .schema_descr()
        .columns()
        .iter()
        .map(|column| format!("{} {}", column.name(), column.physical_type()))
        .collect();
    for column in [
        "time:timestamp INT64",
        "cost DOUBLE",
        "paid BOOLEAN",
        "due INT64",
        "case:days INT64",
        "concept:name BYTE_ARRAY",
    ] {
        assert!(schema.iter().any(|known| known == column), "{column}: {schema:?}");
    }
}

#[tokio::test]
async fn attributes_go_out_as_they_came_in() {
    let city = City::with_log().await;
    let request = city.request(Format::Xes, "log.xes").await;
    city.write(&request).await.unwrap();
    let text = fs::read_to_string(&request.out).unwrap();
    for part in [
        r#"<string key="kind" value="许可 &amp; &quot;other&quot;"/>"#,
        r#"<int key="days" value="7"/>"#,
        r#"<float key="cost" value="35.0"/>"#,
        r#"<boolean key="paid" value="true"/>"#,
        r#"<date key="due" value="2021-10-09T00:00:00.000+08:00"/>"#,
        r#"<string key="note" value="a"><int key="depth" value="1"/></string>"#,
        r#"<date key="time:timestamp" value="2021-10-01T08:00:00.000001+08:00"/>"#,
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[tokio::test]
async fn nobody_is_named_and_pseudonyms_follow_the_key() {
    let city = City::with_log().await;
    for (format, name) in [
        (Format::Xes, "a.xes"),
        (Format::Csv, "a.csv"),
        (Format::Ocel, "a.json"),
        (Format::Ocel, "a.sqlite"),
        (Format::Parquet, "a.parquet"),
        (Format::Jsonl, "a.jsonl"),
    ] {
        let request = city.request(format, name).await;
        city.write(&request).await.unwrap();
        let bytes = fs::read(&request.out).unwrap();
        for secret in ["Wang", "case 2"] {
            let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!found, "{name} tells {secret}");
        }
    }
    let written = async |name: &str, key: &[u8]| {
        let key = PseudonymKey::of_text(key);
        let request = ExportRequest { key, ..city.request(Format::Csv, name).await };
        city.write(&request).await.unwrap();
        fs::read(&request.out).unwrap()
    };
    assert_eq!(written("b.csv", b"one").await, fs::read(city.file("a.csv")).unwrap());
    assert_ne!(written("c.csv", b"two").await, fs::read(city.file("a.csv")).unwrap());
}

#[tokio::test]
async fn only_the_cases_asked_for_go_out() {
    let city = City::with_log().await;
    let mut number = 0;
    let mut counted = async |change: &dyn Fn(&mut LogSelection)| {
        let mut counts = Vec::new();
        for format in [Format::Csv, Format::Jsonl] {
            number += 1;
            let mut request = city.request(format, &format!("{number}")).await;
            change(&mut request.selection);
            counts.push(city.write(&request).await.unwrap().events);
        }
        (counts[0], counts[1])
    };
    // Lines hold what opens a case as well.
    assert_eq!(counted(&|_| ()).await, (5, 7));
    assert_eq!(counted(&|only| only.opened_from = Some("2021-11-01".parse().unwrap())).await, (3, 4));
    assert_eq!(counted(&|only| only.opened_to = Some("2021-11-01".parse().unwrap())).await, (2, 3));
    assert_eq!(counted(&|only| only.source = Some("elsewhere".parse().unwrap())).await, (5, 7));
    assert_eq!(counted(&|only| only.source = Some("own".parse().unwrap())).await, (0, 0));
    assert_eq!(counted(&|only| only.item = Some("FZ-001".parse().unwrap())).await, (0, 0));
    assert_eq!(counted(&|only| only.organisation = Some("361000".parse().unwrap())).await, (5, 7));
    assert_eq!(counted(&|only| only.organisation = Some("361023".parse().unwrap())).await, (0, 0));
    assert_eq!(counted(&|only| only.through = Position(2)).await, (1, 2));
}

#[tokio::test]
async fn among_the_cases_asked_for_only_those_named_go_out() {
    let city = City::with_log().await;
    let facts = city.journal.history().page(Position::START, 100).await.unwrap().facts;
    let later = facts.iter().rev().find_map(|fact| match fact.subject {
        Subject::Case(case) => Some(case),
        _ => None,
    });
    let among = Some(Arc::new(BTreeSet::from([later.unwrap()])));
    for (format, events) in [(Format::Csv, 3), (Format::Xes, 3), (Format::Jsonl, 4)] {
        let mut request = city.request(format, &format!("{format:?}")).await;
        request.among = among.clone();
        assert_eq!(city.write(&request).await.unwrap().events, events, "{format:?}");
        request.out = city.file(&format!("{format:?}-before"));
        request.selection.opened_to = Some("2021-11-01".parse().unwrap());
        assert_eq!(city.write(&request).await.unwrap().events, 0, "{format:?}");
    }
}

#[tokio::test]
async fn what_is_written_to_be_sent_on_is_the_same_and_has_no_name() {
    let city = City::with_log().await;
    for (format, name, profile) in [
        (Format::Xes, "log.xes.gz", Profile::Pm4py),
        (Format::Ocel, "log.sqlite", Profile::Pm4py),
        (Format::Parquet, "log.parquet", Profile::Pm4py),
        (Format::Jsonl, "log.jsonl", Profile::Pm4py),
        (Format::Csv, "celonis.csv", Profile::Celonis),
    ] {
        let request = ExportRequest { profile, ..city.request(format, name).await };
        let mut unnamed = export_unnamed(city.journal.history(), &request, Arc::new(|_| Ok(()))).await.unwrap();
        assert!(city.listed().is_empty(), "{name}");
        let named = city.write(&request).await.unwrap();
        assert_eq!((unnamed.cases, unnamed.events), (named.cases, named.events), "{name}");
        let read = |file: &mut fs::File| {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).unwrap();
            bytes
        };
        assert_eq!(read(&mut unnamed.file), fs::read(&request.out).unwrap(), "{name}");
        fs::remove_file(&request.out).unwrap();
        if let Some(cases) = &mut unnamed.table_of_cases {
            assert_eq!(read(cases), fs::read(city.file("celonis.cases.csv")).unwrap());
        }
    }
    let request = city.request(Format::Csv, "log.csv").await;
    let breaks = export_unnamed(city.journal.history(), &request, Arc::new(|_| Err(ExportError::BrokenOff)));
    assert!(matches!(breaks.await, Err(ExportError::BrokenOff)));
    assert_eq!(city.listed(), ["celonis.cases.csv"]);
}

#[tokio::test]
async fn a_file_that_is_there_stays_and_what_fails_leaves_nothing_behind() {
    let city = City::with_log().await;
    fs::write(city.file("log.csv"), "mine").unwrap();
    let request = city.request(Format::Csv, "log.csv").await;
    assert!(matches!(city.write(&request).await, Err(ExportError::Exists(_))));
    assert_eq!(fs::read_to_string(&request.out).unwrap(), "mine");

    let replacing = ExportRequest { replace: true, ..request.clone() };
    let breaks = export(city.journal.history(), &replacing, Arc::new(|_| Err(ExportError::BrokenOff)));
    assert!(matches!(breaks.await, Err(ExportError::BrokenOff)));
    assert_eq!(fs::read_to_string(&request.out).unwrap(), "mine");
    assert_eq!(city.listed(), ["log.csv"]);

    let nowhere = ExportRequest { out: city.file("no/such/folder.csv"), ..request.clone() };
    assert!(matches!(city.write(&nowhere).await, Err(ExportError::Write { .. })));
    city.write(&replacing).await.unwrap();
    assert_ne!(fs::read_to_string(&request.out).unwrap(), "mine");
    assert_eq!(city.listed(), ["log.csv"]);
}

#[tokio::test]
async fn options_that_contradict_each_other_are_refused() {
    let city = City::with_log().await;
    let xes = city.request(Format::Xes, "log.xes").await;
    let parquet = city.request(Format::Parquet, "log.parquet.gz").await;
    let mut some = ExportRequest { whole: true, ..city.request(Format::Jsonl, "log.jsonl").await };
    let few = ExportRequest { among: Some(Arc::default()), ..some.clone() };
    some.selection.item = Some("FZ-001".parse().unwrap());
    for request in [
        ExportRequest { profile: Profile::Disco, ..xes.clone() },
        ExportRequest { byte_order_mark: true, ..xes.clone() },
        ExportRequest { whole: true, ..xes },
        parquet,
        some,
        few,
    ] {
        assert!(matches!(city.write(&request).await, Err(ExportError::Options(_))), "{request:?}");
    }
    assert!(city.listed().is_empty());
}

async fn digests(history: &History) -> Vec<String> {
    let head = history.head().await.unwrap().position;
    let views = fold_through(history, Views::default(), head, |_| ()).await.unwrap();
    views.all().iter().map(|view| view.digest().unwrap().to_string()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Every kind of event there is goes out whole and makes the same log again, once.
    #[test]
    fn a_log_kept_whole_makes_the_same_log_again(steps in histories(60)) {
        run(async {
            let log = Log::with(&steps).await;
            let files = TempDir::new().unwrap();
            let history = log.history();
            let request = ExportRequest {
                format: Format::Jsonl,
                out: files.path().join("log.jsonl"),
                replace: false,
                selection: LogSelection::through(history.head().await.unwrap().position),
                among: None,
                profile: Profile::Pm4py,
                byte_order_mark: false,
                whole: true,
                key: PseudonymKey::of_text(b"unused"),
            };
            export(history, &request, Arc::new(|_| Ok(()))).await.unwrap();
            assert!(is_whole(&request.out));

            let again = City::empty();
            let made = take_in_whole(&again.journal, &request.out, |_| ()).await.unwrap();
            assert_eq!(made.events, request.selection.through.0);
            let other = again.journal.history();
            assert_eq!(history.page(Position::START, 1000).await.unwrap().facts, other.page(Position::START, 1000).await.unwrap().facts);
            assert_eq!(digests(history).await, digests(other).await);
            let twice = take_in_whole(&again.journal, &request.out, |_| ()).await.unwrap();
            assert_eq!((twice.events, twice.already_there.events), (0, request.selection.through.0));
        });
    }
}

#[tokio::test]
async fn a_log_is_not_made_again_on_top_of_another() {
    let city = City::with_log().await;
    let request = ExportRequest { whole: true, ..city.request(Format::Jsonl, "log.jsonl").await };
    city.write(&request).await.unwrap();
    let other = City::empty();
    let file = other.file("given.xes");
    fs::write(&file, LOG.replace("case 2", "case 3")).unwrap();
    other.import(&file).await;
    let refused = take_in_whole(&other.journal, &request.out, |_| ()).await.unwrap_err();
    assert!(refused.to_string().contains("another history"), "{refused}");
}

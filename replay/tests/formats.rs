//! Foreign files, good and bad, as readers find them.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that panics has failed, and says where")]

use flate2::{Compression, write::GzEncoder};
use replay::format::{self, Entry, ForeignCase, Kind};
use std::io::Write;
use std::path::PathBuf;
use tempfile::TempDir;

/// What came out of a file: its cases, where something was left out and why, and the error it ended with.
#[derive(Debug, Default)]
struct Found {
    cases: Vec<ForeignCase>,
    left_out: Vec<String>,
    error: Option<String>,
}

fn read(name: &str, bytes: &[u8]) -> Found {
    let directory = TempDir::new().unwrap();
    let path: PathBuf = directory.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    let mut found = Found::default();
    let log = match format::open(&path) {
        Ok(log) => log,
        Err(error) => return Found { error: Some(error.to_string()), ..found },
    };
    for entry in log {
        match entry {
            Ok(Entry::Case(case)) => found.cases.push(case),
            Ok(Entry::LeftOut(left_out)) => found.left_out.push(format!("{}: {}", left_out.place, left_out.reason)),
            Err(error) => found.error = Some(error.to_string()),
        }
    }
    found
}

fn xes(traces: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!-- made by hand -->
<log xes.version="1849.2016" xmlns="http://www.xes-standard.org/">
  <extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
  <global scope="event"><string key="concept:name" value="UNKNOWN"/><string key="org:resource" value="nobody"/></global>
  <classifier name="Activity" keys="concept:name"/>
  <int key="meta" value="1"><float key="nested" value="2.5"/></int>
  {traces}
</log>
"#
    )
}

fn event(activity: &str, time: &str) -> String {
    format!(
        r#"<event><string key="concept:name" value="{activity}"/><date key="time:timestamp" value="{time}"/></event>"#
    )
}

fn trace(id: &str, events: &[(&str, &str)]) -> String {
    let events: String = events.iter().map(|(activity, time)| event(activity, time)).collect();
    format!(r#"<trace><string key="concept:name" value="{id}"/>{events}</trace>"#)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn activities(case: &ForeignCase) -> Vec<&str> {
    case.events.iter().map(|event| event.activity.as_str()).collect()
}

#[track_caller]
fn check_error(name: &str, bytes: &[u8], expected: &str) {
    let error = read(name, bytes).error.expect("an error");
    assert!(error.contains(expected), "{error}");
    assert!(!error.contains('\n'), "one line: {error}");
}

#[track_caller]
fn check_left_out(traces: &str, expected: &[&str]) {
    let found = read("log.xes", xes(traces).as_bytes());
    assert_eq!(found.error, None);
    assert_eq!(found.left_out, expected);
}

#[test]
fn a_case_comes_with_everything_the_file_says_of_it() {
    let text = xes(r#"<trace>
      <string key="concept:name" value="办件 &quot;1&quot; &amp; more"/>
      <date key="deadline" value="2011-12-06T13:41:31.788+01:00"/>
      <list key="papers"><values><string key="paper" value="ID"/><string key="paper" value="HK"/></values></list>
      <event>
        <string key="org:group" value="Group 1"/><string key="org:resource" value="王&#x4e94;"/>
        <string key="org:role" value="clerk"/><string key="lifecycle:transition" value="complete"/>
        <string key="concept:name" value="receive"/><date key="time:timestamp" value="2024-03-01T08:00:00.123+08:00"/>
        <float key="cost" value="35.0"><string key="currency" value="CNY"/></float>
        <boolean key="late" value="false"/><id key="identity:id" value="7"/><weird key="x" value="y"/>
      </event></trace>"#);
    let found = read("log.xes", text.as_bytes());
    assert_eq!((found.error, found.left_out), (None, vec![]));
    let [case] = &found.cases[..] else { panic!("one case") };
    assert_eq!(case.id, "办件 \"1\" & more");
    assert_eq!(case.attributes[0].kind, Kind::Date);
    assert_eq!(case.attributes[0].value, "2011-12-06T13:41:31.788+01:00");
    let papers: Vec<_> = case.attributes[1].children.iter().map(|paper| paper.value.as_str()).collect();
    assert_eq!((&case.attributes[1].kind, papers), (&Kind::List, vec!["ID", "HK"]));

    let [event] = &case.events[..] else { panic!("one event") };
    assert_eq!(event.occurred_at, 1_709_251_200_123_000);
    assert_eq!(event.resource.as_deref(), Some("王五"));
    assert_eq!(event.group.as_deref(), Some("Group 1"));
    assert_eq!(event.role.as_deref(), Some("clerk"));
    assert_eq!(event.lifecycle.as_deref(), Some("complete"));
    let others: Vec<_> = event.attributes.iter().map(|other| (other.key.as_str(), other.kind.clone())).collect();
    assert_eq!(
        others,
        [("cost", Kind::Float), ("late", Kind::Boolean), ("identity:id", Kind::Id), ("x", Kind::Other("weird".into()))]
    );
    assert_eq!(event.attributes[0].children[0].value, "CNY");
}

#[test]
fn events_are_ordered_by_time_and_then_as_in_the_document() {
    let text = xes(&trace(
        "1",
        &[
            ("later", "2024-01-02T00:00:00Z"),
            ("first", "2024-01-01T00:00:00Z"),
            ("second", "2024-01-01T01:00:00+01:00"),
            ("third", "2024-01-01T00:00:00"),
        ],
    ));
    assert_eq!(activities(&read("log.xes", text.as_bytes()).cases[0]), ["first", "second", "third", "later"]);
}

#[test]
fn defaults_of_the_log_are_not_filled_in() {
    let found = read("log.xes", xes(&trace("1", &[("a", "2024-01-01T00:00:00Z")])).as_bytes());
    assert_eq!(found.cases[0].events[0].resource, None);
}

#[test]
fn what_cannot_be_used_is_left_out_with_place_and_reason() {
    let whole = event("a", "2024-01-01T00:00:00Z");
    check_left_out(
        &format!(
            r#"<trace><string key="concept:name" value="1"/>{whole}
               <event><string key="concept:name" value="b"/></event>
               <event><date key="time:timestamp" value="2024-01-01"/></event><event/>{}</trace>"#,
            event("c", "soon")
        ),
        &[
            "event 2 of trace 1 (line 9): no time (time:timestamp)",
            "event 3 of trace 1 (line 10): no activity (concept:name)",
            "event 4 of trace 1 (line 10): no activity (concept:name)",
            "event 5 of trace 1 (line 10): \"soon\" is no time (time:timestamp)",
        ],
    );
    check_left_out(
        &format!("<trace>{whole}</trace><trace/>"),
        &["trace 1 (line 8): no case id (concept:name)", "trace 2 (line 8): no case id (concept:name)"],
    );
    check_left_out(
        r#"<trace><string key="concept:name" value="1"/></trace>"#,
        &["trace 1 (line 8): no event with activity and time"],
    );
    check_left_out(&whole, &["line 8: an event outside of any trace"]);
}

#[test]
fn a_packed_file_is_known_by_its_bytes() {
    let text = xes(&trace("1", &[("a", "2024-01-01T00:00:00Z")]));
    for name in ["log.xes.gz", "log.xes", "log"] {
        assert_eq!(read(name, &gzip(text.as_bytes())).cases.len(), 1, "{name}");
    }
    let parts = [gzip(&text.as_bytes()[..300]), gzip(&text.as_bytes()[300..])].concat();
    assert_eq!(read("log.xes.gz", &parts).cases.len(), 1, "two members");
}

#[test]
fn a_file_that_is_no_log_is_named_as_such() {
    check_error("log.xes", b"", "an empty file");
    check_error("log.xes", b"hello", "text that is no XML");
    check_error("log.xes", b"<html><body/></html>", "the root element is <html>, not <log>");
    check_error("log.bin", b"\x00\x01\x02", "neither XES");
    check_error("log.xes", b"<?xml version='1.0' encoding='ISO-8859-1'?><log/>", "only UTF-8 is read");
    check_error("log.xes", b"<?xml version='1.0'?><log><trace>\xff\xfe</trace></log>", "line 1");
    check_error("log.csv", b"a,b\n1,2\n", "without a column case:concept:name (its columns: a, b)");
    check_error("log.csv", b"", "an empty file");
    assert!(format::open(&PathBuf::from("no/such/file.xes")).is_err());
}

#[test]
fn a_truncated_file_gives_the_whole_cases_before_and_one_error() {
    let two = xes(&(trace("1", &[("a", "2024-01-01T00:00:00Z")]) + "\n" + &trace("2", &[("b", "2024-01-02")])));
    let middle = two.find(r#"value="b""#).unwrap();
    let found = read("log.xes", &two.as_bytes()[..middle]);
    assert_eq!(found.cases.len(), 1);
    assert!(found.error.unwrap().starts_with("the file ends too early, at line 9"));

    check_error("log.xes", &two.as_bytes()[..two.len() - 8], "ends too early");
    let packed = gzip(two.as_bytes());
    check_error("log.xes.gz", &packed[..packed.len() - 20], "ends too early");
    check_error("log.xes.gz", &packed[..packed.len() - 4], "ends too early");
}

#[test]
fn no_prefix_of_a_log_reads_as_a_whole_one() {
    let text = xes(&(trace("1", &[("a", "2024-01-01")]) + &trace("2", &[("b", "2024-01-02")])));
    let whole = text.trim_end().as_bytes();
    for length in 0..whole.len() {
        let found = read("log.xes", &whole[..length]);
        assert!(found.error.is_some(), "{length} bytes of {}", whole.len());
    }
    assert_eq!(read("log.xes", whole).error, None);
}

#[test]
fn a_broken_file_is_told_with_its_line() {
    check_error("log.xes", xes("<trace></event></trace>").as_bytes(), "broken at line 8");
    check_error("log.xes", xes(r#"<trace><string key="a" value="&nonsense;"/></trace>"#).as_bytes(), "line 8");
    check_error("log.xes", (xes("") + "<log/>").as_bytes(), "after the end of the log");
    check_error("log.xes", (xes("") + "more").as_bytes(), "text outside of the log");
    let mut packed = gzip(xes(&trace("1", &[("a", "2024-01-01")])).as_bytes());
    let checksum = packed.len() - 8;
    packed[checksum] ^= 1;
    check_error("log.xes.gz", &packed, "corrupt");
}

#[test]
fn entities_are_not_expanded() {
    let text = r#"<!DOCTYPE log [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><log><trace>
        <string key="concept:name" value="&b;"/></trace></log>"#;
    check_error("log.xes", text.as_bytes(), "line 2");
}

#[test]
fn bombs_and_endless_things_are_refused() {
    let many = "<a/>".repeat(8 << 20);
    check_error("log.xes.gz", &gzip(format!("<log>{many}</log>").as_bytes()), "unpack to more than");
    let long = " ".repeat(18 << 20);
    check_error("log.xes", format!("<log>{long}</log>").as_bytes(), "an element is larger than");
    let deep = "<string key='k' value='v'>".repeat(100_000);
    check_error("log.xes", xes(&format!("<trace>{deep}")).as_bytes(), "nested deeper than 32");
    check_error("log.csv", format!("case:concept:name,concept:name,time:timestamp\n1,\"{long}").as_bytes(), "a row is");
    let row = "1,a,2024-01-01\n".repeat(format::EVENTS_PER_CASE_MAX + 1);
    let table = format!("case:concept:name,concept:name,time:timestamp\n{row}");
    check_error("log.csv", table.as_bytes(), "a case has more than 100000 events");
}

const HEADER: &str = "case:concept:name,concept:name,time:timestamp,lifecycle:transition,org:resource,org:role,org:group,seq,\
                      case:channel,cost\n";

#[test]
fn a_table_gives_the_same_cases_in_whatever_order_its_rows_stand() {
    let rows = [
        "1,receive,2024-03-01T08:00:00+08:00,complete,Wang,clerk,hall,1,web,",
        "1,accept,2024-03-01 01:00:00+00:00,complete,Li,,,2,web,35.0",
        "2,receive,2024-03-01T08:30:00.000+08:00,,,,,1,,",
        "2,\"refuse, with reasons\",2024-03-02,,,,,2,,",
    ];
    let grouped = read("log.csv", format!("{HEADER}{}\n", rows.join("\n")).as_bytes());
    assert_eq!((&grouped.error, &grouped.left_out), (&None, &vec![]));
    assert_eq!(grouped.cases.len(), 2);
    let case = &grouped.cases[0];
    assert_eq!(activities(case), ["receive", "accept"]);
    assert_eq!((case.attributes[0].key.as_str(), case.attributes[0].value.as_str()), ("channel", "web"));
    assert_eq!(case.events[0].role.as_deref(), Some("clerk"));
    assert_eq!(case.events[1].role, None);
    assert_eq!(case.events[1].attributes.iter().map(|cell| cell.key.as_str()).collect::<Vec<_>>(), ["seq", "cost"]);
    assert_eq!(activities(&grouped.cases[1]), ["receive", "refuse, with reasons"]);

    let mixed = [rows[2], rows[0], rows[3], rows[1]].join("\r\n");
    let mut scattered = read("log.csv", format!("\u{feff}{HEADER}{mixed}").as_bytes()).cases;
    scattered.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(scattered, grouped.cases);
    let packed = read("log.csv.gz", &gzip(format!("{HEADER}{}", rows.join("\n")).as_bytes())).cases;
    assert_eq!(packed, grouped.cases);
    let semicolons = format!("{HEADER}{}", rows[..3].join("\n")).replace(',', ";");
    assert_eq!(read("log.csv", semicolons.as_bytes()).cases[0], grouped.cases[0]);
}

#[test]
fn a_scattered_table_larger_than_memory_should_hold_is_gathered_through_scratch_files() {
    let mut table = String::from("Case ID,Activity,Complete Timestamp,Resource,note\n");
    let note = "x".repeat(1000);
    for round in 0..20 {
        for case in 0..1000 {
            table += &format!("{case},step {round},2024-01-{:02}T00:00:00Z,somebody,{note}\n", round + 1);
        }
    }
    assert!(table.len() > 17 << 20, "several buckets");
    let found = read("log.csv", table.as_bytes());
    assert_eq!((found.error, found.cases.len()), (None, 1000));
    let mut ids: Vec<&str> = found.cases.iter().map(|case| case.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 1000);
    let expected: Vec<String> = (0..20).map(|round| format!("step {round}")).collect();
    assert!(found.cases.iter().all(|case| activities(case) == expected));
}

#[test]
fn rows_that_cannot_be_used_are_left_out_with_line_and_reason() {
    let mut table =
        b"case:concept:name,concept:name,time:timestamp\n1,a,2024-01-01\n,a,2024-01-01\n1,,2024-01-01\n1,a,\n1,a,x\n\
        1,a\n1,a,2024-01-01,more\n"
            .to_vec();
    table.extend(b"1,\xff,2024-01-01\n2,,2024-01-01\n");
    let found = read("log.csv", &table);
    assert_eq!((found.error, found.cases.len()), (None, 1));
    assert_eq!(
        found.left_out,
        [
            "line 3: no case id (concept:name)",
            "line 4: no activity (concept:name)",
            "line 5: no time (time:timestamp)",
            "line 6: \"x\" is no time (time:timestamp)",
            "line 7: 2 cells, the header has 3",
            "line 8: 4 cells, the header has 3",
            "line 9: not UTF-8",
            "line 10: no activity (concept:name)",
            "line 10: no event with activity and time",
        ]
    );
}

const OCEL_JSON: &str = r#"{"objectTypes": [{"name": "case", "attributes": [{"name": "days", "type": "integer"}]}, {"name": "clerk", "attributes": []}],
"eventTypes": [{"name": "receive", "attributes": [{"name": "cost", "type": "float"}, {"name": "paid", "type": "boolean"}]},
  {"name": "decide", "attributes": [{"name": "due", "type": "time"}]}],
"objects": [{"id": "c1", "type": "case", "attributes": [{"name": "days", "time": "1970-01-01T00:00:00Z", "value": 7},
    {"name": "days", "time": "2021-10-02T00:00:00Z", "value": 9}]},
  {"id": "clerk:w", "type": "clerk"}, {"id": "c2", "type": "case"}, {"id": "c3", "type": "case"}],
"events": [
  {"id": "e9", "type": "receive", "time": "2021-10-01 08:00:00", "attributes": [{"name": "cost", "value": 1.5}, {"name": "paid", "value": true}],
    "relationships": [{"objectId": "c1", "qualifier": "of"}, {"objectId": "clerk:w", "qualifier": "by"}]},
  {"id": "e1", "type": "decide", "time": "2021-10-01 08:00:00", "attributes": [{"name": "due", "value": "2021-10-09 00:00:00"}],
    "relationships": [{"objectId": "c1", "qualifier": "of"}, {"objectId": "c2", "qualifier": "of"}]},
  {"id": "e3", "type": "receive", "time": "2021-10-01 08:00:00", "relationships": [{"objectId": "c1", "qualifier": "of"}]},
  {"id": "e4", "type": "receive", "time": "one day", "relationships": [{"objectId": "c2", "qualifier": "of"}]},
  {"id": "e5", "type": "decide", "time": "2021-10-01 08:00:00", "relationships": [{"objectId": "clerk:w", "qualifier": "by"}]}]}"#;

/// The same, as a tool writes it that knows of no keys, with a table that nobody asked for.
const OCEL_TABLES: &str = "
CREATE TABLE event_map_type(ocel_type TEXT, ocel_type_map TEXT);
INSERT INTO event_map_type VALUES('receive', 'Receive'), ('decide', 'Decide it');
CREATE TABLE object_map_type(ocel_type TEXT, ocel_type_map TEXT);
INSERT INTO object_map_type VALUES('case', 'Case'), ('clerk', 'Clerk');
CREATE TABLE event(ocel_id TEXT, ocel_type TEXT);
INSERT INTO event VALUES('e9', 'receive'), ('e1', 'decide'), ('e3', 'receive'), ('e4', 'receive'), ('e5', 'decide');
CREATE TABLE object(ocel_id TEXT, ocel_type TEXT);
INSERT INTO object VALUES('c1', 'case'), ('clerk:w', 'clerk'), ('c2', 'case'), ('c3', 'case');
CREATE TABLE event_Receive(ocel_id TEXT, ocel_time TIMESTAMP, cost REAL, paid BOOLEAN);
INSERT INTO event_Receive VALUES('e4', 'one day', NULL, NULL), ('e9', '2021-10-01 08:00:00', 1.5, 1),
  ('e3', '2021-10-01 08:00:00', NULL, NULL);
CREATE TABLE \"event_Decide it\"(ocel_id TEXT, ocel_time TIMESTAMP, due TIMESTAMP);
INSERT INTO \"event_Decide it\" VALUES('e5', '2021-10-01 08:00:00', NULL), ('e1', '2021-10-01 08:00:00', '2021-10-09 00:00:00');
CREATE TABLE object_Case(ocel_id TEXT, ocel_time TIMESTAMP, ocel_changed_field TEXT, days INTEGER);
INSERT INTO object_Case VALUES('c2', '1970-01-01 00:00:00', NULL, NULL), ('c1', '1970-01-01 00:00:00', NULL, 7),
  ('c1', '2021-10-02 00:00:00', 'days', 9);
CREATE TABLE object_Clerk(ocel_id TEXT, ocel_time TIMESTAMP, ocel_changed_field TEXT);
CREATE TABLE event_object(ocel_event_id TEXT, ocel_object_id TEXT, ocel_qualifier TEXT);
INSERT INTO event_object VALUES('e5', 'clerk:w', 'by'), ('e4', 'c2', 'of'), ('e3', 'c1', 'of'), ('e1', 'c1', 'of'),
  ('e1', 'c2', 'of'), ('e9', 'c1', 'of'), ('e9', 'clerk:w', 'by'), ('e0', 'c1', 'of');
CREATE TABLE notes(note TEXT);
";

fn database(changes: &str) -> Vec<u8> {
    let file = tempfile::NamedTempFile::new().unwrap();
    let connection = rusqlite::Connection::open(file.path()).unwrap();
    connection.execute_batch(OCEL_TABLES).unwrap();
    connection.execute_batch(changes).unwrap();
    connection.close().unwrap();
    std::fs::read(file.path()).unwrap()
}

#[test]
fn ocel_says_the_same_as_text_and_as_a_database() {
    let text = read("log.json", OCEL_JSON.as_bytes());
    assert_eq!(text.error, None);
    let activities = |id: &str| {
        let case = text.cases.iter().find(|case| case.id == id).unwrap();
        case.events.iter().map(|event| event.activity.as_str()).collect::<Vec<_>>()
    };
    assert_eq!((activities("c1"), activities("c2")), (vec!["receive", "decide", "receive"], vec!["decide"]));
    let found = read("log.sqlite", &database(""));
    assert_eq!(found.error, None);
    assert_eq!(found.cases, text.cases);
    assert_eq!(found.left_out, text.left_out);
    assert_eq!(found.left_out.len(), 3, "{:?}", found.left_out);
}

#[test]
fn a_database_that_is_no_whole_log_is_refused_with_what_it_lacks() {
    for (changes, lacks) in [
        ("DROP TABLE event_object", "no table event_object"),
        ("DROP TABLE \"event_Decide it\"", "no table event_Decide it"),
        ("ALTER TABLE event_Receive DROP COLUMN ocel_time", "no column ocel_time"),
        ("INSERT INTO event VALUES('e6', 'refuse')", "the type of the event \"e6\""),
        ("INSERT INTO event_map_type VALUES('receive', 'Again')", "names \"receive\" twice"),
        ("ALTER TABLE event RENAME TO kept; CREATE VIEW event AS SELECT * FROM kept", "no table event"),
        ("UPDATE object_map_type SET ocel_type = 'file' WHERE ocel_type = 'case'", "its types: clerk, file"),
    ] {
        let error = read("log.sqlite", &database(changes)).error.unwrap();
        assert!(error.contains(lacks), "{changes}: {error}");
    }
    let whole = database("");
    for length in [40, whole.len() / 2] {
        let cut = read("log.sqlite", &whole[..length]).error.unwrap();
        assert!(cut.contains("an SQLite database that is no whole OCEL 2.0"), "{length} bytes: {cut}");
    }
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(&whole).unwrap();
    let packed = read("log.sqlite.gz", &packed.finish().unwrap()).error.unwrap();
    assert!(packed.contains("unpack it"), "{packed}");
}

//! The event log taken out over HTTP: in every form what the tool writes, on the record, and no more than one may see.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something unexpected happens")]

#[expect(unreachable_pub, dead_code, reason = "shared by the tests of this folder")]
mod city;

use actix_web::test::TestRequest;
use chrono::{DateTime, FixedOffset, Utc};
use city::{CITY, COUNTY, City, HALL, ID_NUMBER, NAME, application};
use eventstore::{InMemory, Position};
use replay::export::{ExportRequest, Format, Profile, PseudonymKey, export};
use replay::history::History;
use replay::import::{ImportRequest, check, take_in};
use replay::journal::Journal;
use replay::log_stats::{LogReport, of_history};
use replay::selection::LogSelection;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// A township of another county.
const ELSEWHERE: &str = "361002004";
const LEGACY: &str = r#"<?xml version='1.0'?><log><trace><string key='concept:name' value='case Wang'/>
<event><string key='concept:name' value='receive'/><string key='org:resource' value='Wang'/><date key='time:timestamp' value='2021-10-01T08:00:00+08:00'/></event>
<event><string key='concept:name' value='decide'/><date key='time:timestamp' value='2021-10-03T08:00:00+08:00'/></event></trace></log>"#;

fn ask(format: &str, more: Value) -> Value {
    let mut body = json!({"what": "events", "format": format, "purpose": "audit"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

async fn import(journal: &Journal, file: &Path, now: DateTime<Utc>) {
    let (source, organisation) = ("elsewhere".parse().unwrap(), CITY.parse().unwrap());
    let request = ImportRequest { file: file.to_owned(), source, organisation };
    let checked = check(request, |_| ()).await.unwrap();
    let imported = take_in(journal, checked, Arc::new(move || now), |_| ()).await.unwrap();
    assert_eq!(imported.rejected, [], "{}", file.display());
}

async fn figures(history: &History) -> LogReport {
    let head = history.head().await.unwrap().position;
    let stats = of_history(history, &LogSelection::through(head), |_| ()).await.unwrap();
    stats.finish(FixedOffset::east_opt(8 * 3600).unwrap())
}

/// How many files lie where exports are written.
fn left_behind(city: &City) -> usize {
    fs::read_dir(city.node.exports.folder()).unwrap().count()
}

/// A city with two of its own cases, one elsewhere, and one of a legacy system.
async fn with_cases() -> (City, [String; 3]) {
    let city = City::new().await;
    let (first, second) = (city.accepted().await, city.received_with_deeming().await);
    let mut there = application();
    there["region"] = json!(ELSEWHERE);
    let third =
        city.post(&city.token("clerk", ELSEWHERE), "/cases", there).await.ok()["id"].as_str().unwrap().to_owned();
    let given = city.folder.path().join("given.xes");
    fs::write(&given, LEGACY).unwrap();
    import(&Journal::new(city.node.store.clone()), &given, city.node.clock.now()).await;
    city.caught_up().await;
    (city, [first, second, third])
}

#[actix_web::test]
async fn every_form_is_byte_for_byte_what_the_tool_writes_and_reads_back_with_the_same_figures() {
    let (city, cases) = with_cases().await;
    let supervisor = city.token("supervisor", CITY);
    let history = city.node.reads.views.history();
    let expected = figures(history).await;
    assert_eq!(expected.cases, 4);
    let digest = city.node.vault.digest("export-series", &[CITY.as_bytes(), b"\0", b"year-2026"]);
    let (packed, disco) = (json!({"packed": true}), json!({"profile": "disco", "byte_order_mark": true}));
    let (celonis, celonis_cases) = (json!({"profile": "celonis"}), json!({"profile": "celonis-cases"}));
    let xes = "application/xml";
    for (format, more, form, profile, ending, media_type) in [
        ("xes", json!({}), Format::Xes, Profile::Pm4py, "xes", xes),
        ("xes", packed.clone(), Format::Xes, Profile::Pm4py, "xes.gz", "application/gzip"),
        ("ocel", json!({}), Format::Ocel, Profile::Pm4py, "json", "application/json"),
        ("ocel-sqlite", json!({}), Format::Ocel, Profile::Pm4py, "sqlite", "application/vnd.sqlite3"),
        ("csv", json!({}), Format::Csv, Profile::Pm4py, "csv", "text/csv; charset=utf-8; header=present"),
        ("csv", disco, Format::Csv, Profile::Disco, "csv", "text/csv; charset=utf-8; header=present"),
        ("csv", celonis, Format::Csv, Profile::Celonis, "csv", "text/csv; charset=utf-8; header=present"),
        ("csv", celonis_cases, Format::Csv, Profile::Celonis, "cases.csv", "text/csv; charset=utf-8; header=present"),
        ("parquet", json!({}), Format::Parquet, Profile::Pm4py, "parquet", "application/vnd.apache.parquet"),
        ("jsonl", json!({}), Format::Jsonl, Profile::Pm4py, "jsonl", "application/jsonl"),
        ("jsonl", packed, Format::Jsonl, Profile::Pm4py, "jsonl.gz", "application/gzip"),
    ] {
        city.caught_up().await;
        let mut body = ask(format, json!({"series": "year-2026", "filters": {"source": "all"}}));
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let out = city.post(&supervisor, "/exports", body).await;
        assert_eq!(out.status, 200, "{}", out.body);
        let told = [out.header("content-type"), out.header("content-disposition")];
        assert_eq!(told[0], media_type);
        assert!(told[1].starts_with("attachment; filename=\"events-") && told[1].ends_with(&format!(".{ending}\"")));

        let recorded: u64 = out.header("position").parse().unwrap();
        let (of_cases, name) = (ending == "cases.csv", if ending == "cases.csv" { "csv" } else { ending });
        let request = ExportRequest {
            format: form,
            out: city.folder.path().join(format!("log.{name}")),
            replace: true,
            selection: LogSelection::through(Position(recorded - 1)),
            among: None,
            profile,
            byte_order_mark: more["byte_order_mark"] == true,
            whole: false,
            key: PseudonymKey::of_text(&digest),
        };
        let written = export(history, &request, Arc::new(|_| Ok(()))).await.unwrap();
        assert_eq!(out.header("export-records"), written.events.to_string());
        let file = if of_cases { city.folder.path().join("log.cases.csv") } else { request.out };
        assert!(out.bytes == fs::read(&file).unwrap(), "{format} {more} is not what the tool writes");
        for secret in
            [NAME, ID_NUMBER, city.node.vault.subject(ID_NUMBER).as_str(), "Wang", &cases[0], "clerk-361023100"]
        {
            let found = out.bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!found, "{format} tells {secret}");
        }
        assert_eq!(left_behind(&city), 0);

        if !of_cases && form != Format::Parquet {
            let arrived = city.folder.path().join(format!("arrived.{ending}"));
            fs::write(&arrived, &out.bytes).unwrap();
            let again = Journal::new(Arc::new(InMemory::new()));
            import(&again, &arrived, city.node.clock.now()).await;
            assert_eq!(figures(again.history()).await, expected, "{format}");
        }
    }
}

#[actix_web::test]
async fn an_export_has_only_the_cases_that_one_may_see() {
    let (city, [first, second, third]) = with_cases().await;
    let events = async |token: &str, more: Value| {
        let out = city.post(token, "/exports", ask("jsonl", more)).await;
        assert_eq!(out.status, 200, "{}", out.body);
        let lines: Vec<Value> = out
            .bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect();
        assert_eq!(out.header("export-records"), lines.len().to_string());
        lines
    };
    let opened = |lines: &[Value], of: &str| lines.iter().filter(|line| line["type"] == of).count();
    let of_a_case = |lines: &[Value]| {
        lines.iter().filter(|line| line["partitionkey"].as_str().unwrap().starts_with("case-")).count()
    };
    let all = json!({"filters": {"source": "all"}});
    let (county, other) = (city.token("analyst", COUNTY), city.token("supervisor", ELSEWHERE));
    let citys = events(&city.token("supervisor", CITY), all.clone()).await;
    assert_eq!((opened(&citys, "case-submitted"), opened(&citys, "legacy-case-opened")), (3, 1));
    assert!(of_a_case(&citys) < citys.len(), "the catalogue is in it as well");
    for more in [all.clone(), json!({}), json!({"filters": {"org": COUNTY}})] {
        let countys = events(&county, more).await;
        assert_eq!((opened(&countys, "case-submitted"), opened(&countys, "legacy-case-opened")), (2, 0));
        assert_eq!(of_a_case(&countys), countys.len(), "of the rest of the log nothing is theirs");
    }
    assert_eq!(opened(&events(&other, all.clone()).await, "case-submitted"), 1);
    assert_eq!(events(&city.token("supervisor", "361023101"), all.clone()).await, Vec::<Value>::new());
    let by_item = json!({"filters": {"item": "FZ-001", "opened_from": "2026-03-01", "opened_to": "2026-03-03"}});
    assert_eq!(opened(&events(&county, by_item).await, "case-submitted"), 1);
    let citys_own = events(&city.token("supervisor", CITY), json!({"filters": {"org": ELSEWHERE}})).await;
    assert_eq!(opened(&citys_own, "case-submitted"), 1);

    // A station has a case only while it lies there.
    let station = "361023100-QINTAILU";
    let at_station = city.token("supervisor", station);
    city.act("clerk", &first, "route", json!({"to": station})).await.ok();
    city.caught_up().await;
    assert_eq!(opened(&events(&at_station, all.clone()).await, "case-submitted"), 1);
    city.act("clerk", &first, "route", json!({"to": HALL})).await.ok();
    city.caught_up().await;
    assert_eq!(events(&at_station, all.clone()).await, Vec::<Value>::new());

    // The rows of cases keep to the same.
    let rows = json!({"what": "cases", "format": "csv", "purpose": "audit"});
    let rows = String::from_utf8(city.post(&county, "/exports", rows).await.bytes.to_vec()).unwrap();
    assert!(rows.contains(&first) && rows.contains(&second) && !rows.contains(&third), "{rows}");

    city.post(&county, "/exports", ask("xes", json!({"filters": {"org": CITY}}))).await.refused(404, "not-found");
    city.post(&county, "/exports", ask("xes", json!({"filters": {"org": ELSEWHERE}}))).await.refused(404, "not-found");
    city.post(&city.token("clerk", HALL), "/exports", ask("xes", json!({}))).await.refused(403, "forbidden");
    city.post(&city.token("admin", CITY), "/exports", ask("xes", json!({}))).await.refused(403, "forbidden");
    let stranger = TestRequest::post().uri("/api/v1/exports").set_json(ask("xes", json!({})));
    city.send(stranger).await.refused(401, "unauthenticated");
}

#[actix_web::test]
async fn an_export_is_on_the_record_once_and_comes_again_under_its_key() {
    let (city, _) = with_cases().await;
    let analyst = city.token("analyst", CITY);
    let (key, body) = (city.key(), ask("parquet", json!({})));
    let out = city.send(city.post_with_key(&analyst, "/exports", &body, &key)).await;
    city.caught_up().await;
    let look = city.get(&city.token("supervisor", CITY), "/accesses").await.ok()["accesses"][0].clone();
    let records: u64 = out.header("export-records").parse().unwrap();
    assert_eq!(
        (&look["exported"], &look["purpose"], &look["records"], &look["by"]),
        (&json!("events"), &json!("audit"), &json!(records), &json!("analyst-361000"))
    );

    city.open().await;
    city.caught_up().await;
    let head = city.node.store.head().await.unwrap();
    let again = city.send(city.post_with_key(&analyst, "/exports", &body, &key)).await;
    assert_eq!((again.status, &again.bytes), (out.status, &out.bytes));
    assert_eq!(city.node.store.head().await.unwrap(), head, "it is not recorded twice");
    let other = ask("xes", json!({}));
    city.send(city.post_with_key(&analyst, "/exports", &other, &key)).await.refused(422, "idempotency-key-reused");

    // Names are alike within a series of one organisation, and nowhere else.
    let then = json!({"as_of": "2026-03-02T10:03:00+08:00"});
    let named = async |token: &str, series: Option<&str>| {
        let mut more = then.clone();
        more["series"] = json!(series);
        city.post(token, "/exports", ask("csv", more)).await.bytes
    };
    let supervisor = city.token("supervisor", CITY);
    assert_eq!(named(&analyst, Some("a")).await, named(&supervisor, Some("a")).await);
    assert_ne!(named(&analyst, Some("a")).await, named(&analyst, Some("b")).await);
    assert_ne!(named(&analyst, None).await, named(&analyst, None).await);
}

#[actix_web::test]
async fn an_export_is_as_recorded_by_a_moment() {
    let city = City::new().await;
    city.open().await;
    let then = city.node.clock.now().to_rfc3339();
    city.accepted().await;
    city.caught_up().await;
    let supervisor = city.token("supervisor", CITY);
    for (what, before, now) in [("events", 1, 4), ("cases", 1, 2)] {
        for (as_of, records) in [(json!(then), before), (Value::Null, now)] {
            let body = json!({"what": what, "format": "csv", "purpose": "report", "as_of": as_of});
            let out = city.post(&supervisor, "/exports", body).await;
            assert_eq!(out.header("export-records"), records.to_string(), "{what} as of {as_of}: {}", out.body);
        }
    }
    let at = |moment: &str| ask("xes", json!({"as_of": moment}));
    city.post(&supervisor, "/exports", at("2036-03-02T10:00:00+08:00")).await.refused(400, "future-moment");
    city.post(&supervisor, "/exports", at("1996-03-02T10:00:00+08:00")).await.refused(400, "invalid-parameter");
}

#[actix_web::test]
async fn options_that_mean_nothing_are_refused_all_at_once() {
    let city = City::new().await;
    let analyst = city.token("analyst", CITY);
    for (body, pointers) in [
        (ask("parquet", json!({"packed": true, "byte_order_mark": true})), vec!["/byte_order_mark", "/packed"]),
        (ask("ocel", json!({"profile": "disco", "series": "no spaces"})), vec!["/profile", "/series"]),
        (
            ask("xes", json!({"filters": {"phase": "accepted", "q": "1", "colour": "red"}})),
            vec!["/filters/phase", "/filters/q", "/filters/colour"],
        ),
        (
            json!({"what": "cases", "format": "xes", "purpose": "audit", "series": ""}),
            vec!["/format", "/series", "/series"],
        ),
    ] {
        let refused = city.post(&analyst, "/exports", body).await.refused(422, "invalid-content");
        let told: Vec<&str> =
            refused["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
        assert_eq!(told, pointers);
    }
    city.post(&analyst, "/exports", ask("docx", json!({}))).await.refused(400, "malformed");
    city.post(&analyst, "/exports", ask("xes", json!({"whole": true}))).await.refused(400, "malformed");
}

#[actix_web::test]
async fn exports_are_bounded_in_number_and_what_cannot_be_written_leaves_nothing() {
    let (city, _) = with_cases().await;
    let analyst = city.token("analyst", CITY);
    let head = city.node.store.head().await.unwrap();
    let turns = [city.node.exports.turn().unwrap(), city.node.exports.turn().unwrap()];
    for body in [ask("xes", json!({})), json!({"what": "cases", "format": "csv", "purpose": "audit"})] {
        let refused = city.post(&analyst, "/exports", body).await;
        assert!(!refused.header("retry-after").is_empty());
        refused.refused(429, "too-many-requests");
    }
    drop(turns);

    let (key, body) = (city.key(), ask("ocel-sqlite", json!({})));
    fs::remove_dir(city.node.exports.folder()).unwrap();
    city.send(city.post_with_key(&analyst, "/exports", &body, &key)).await.refused(503, "unavailable");
    assert_eq!(city.node.store.head().await.unwrap(), head, "nothing went out, and nothing says so");
    fs::create_dir(city.node.exports.folder()).unwrap();
    let out = city.send(city.post_with_key(&analyst, "/exports", &body, &key)).await;
    assert!(out.bytes.starts_with(b"SQLite format 3\0"), "{}", out.body);
    assert_eq!(left_behind(&city), 0);
}

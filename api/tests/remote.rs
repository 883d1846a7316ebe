//! A running server's log, looked at and copied from elsewhere: as it is, or not at all.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something unexpected happens")]

#[expect(unreachable_pub, dead_code, reason = "shared by the tests of this folder")]
mod city;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, middleware, web};
use api::{node, problem};
use chrono::FixedOffset;
use city::{CITY, COUNTY, City, HALL};
use eventstore::{EventLog as _, EventStore, InMemory, PAGE_EVENTS_MAX, Position, ReadError, RecordedEvent, Selection};
use replay::history::History;
use replay::import::{ImportError, copy_log};
use replay::journal::Journal;
use replay::log_stats::of_history;
use replay::remote::{END, Remote, THROUGH};
use replay::selection::LogSelection;
use serde_json::Value;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Serves on a port of its own until the test ends; returns the address.
fn serve<F>(configure: F) -> String
where
    F: Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let app = move || App::new().wrap(middleware::from_fn(problem::render)).configure(configure.clone());
        let server = HttpServer::new(app).workers(1).disable_signals();
        actix_web::rt::System::new().block_on(server.listen(listener).unwrap().run()).unwrap();
    });
    url
}

fn serve_city(city: &City) -> String {
    let node = city.node.clone();
    serve(move |app| node::configure(app, &node))
}

fn remote(city: &City, url: &str) -> Remote {
    Remote::new(url, &city.token("admin", CITY), "audit").unwrap()
}

async fn all(history: &History) -> Vec<RecordedEvent> {
    let (mut events, mut after) = (Vec::new(), Position::START);
    loop {
        let page = history.raw_page(after, 7).await.unwrap();
        after = page.through;
        events.extend(page.events);
        if page.end {
            return events;
        }
    }
}

/// A server that answers every question for records alike.
fn answering(records: Vec<Vec<u8>>, through: u64, failures: usize) -> String {
    let asked = Arc::new(AtomicUsize::new(0));
    let mut body = Vec::new();
    for record in records {
        body.extend_from_slice(&u32::try_from(record.len()).unwrap().to_le_bytes());
        body.extend(record);
    }
    serve(move |app| {
        let (body, asked) = (body.clone(), asked.clone());
        let answer = move |_: HttpRequest| {
            let (body, asked) = (body.clone(), asked.clone());
            async move {
                if asked.fetch_add(1, Ordering::Relaxed) < failures {
                    return HttpResponse::ServiceUnavailable().finish();
                }
                let headers = ((THROUGH, through.to_string()), (END, "false"));
                HttpResponse::Ok().insert_header(headers.0).insert_header(headers.1).body(body)
            }
        };
        app.default_service(web::to(answer));
    })
}

fn elsewhere(url: &str) -> Remote {
    Remote::new(url, "token", "audit").unwrap().asked_at_most(2)
}

async fn first(remote: &Remote) -> Result<usize, ReadError> {
    remote.read(&Selection::All, Position::START, PAGE_EVENTS_MAX).await.map(|page| page.events.len())
}

fn told(why: &ReadError) -> String {
    let causes = std::iter::successors(std::error::Error::source(why), |cause| cause.source());
    causes.fold(why.to_string(), |line, cause| format!("{line}: {cause}"))
}

#[actix_web::test]
async fn a_running_servers_log_is_read_as_it_is() {
    let city = City::new().await;
    let case = city.open().await;
    let url = serve_city(&city);
    let remote = remote(&city, &url);
    let (there, here) = (History::new(Arc::new(remote.clone())), city.node.reads.views.history());
    assert_eq!(there.head().await.unwrap(), here.head().await.unwrap());
    let found = all(&there).await;
    assert!(found == all(here).await);
    assert_eq!(found.last().map(|event| event.kind()), Some("export-made"), "what was read tells that it was");

    let stream = Selection::Stream(format!("case-{case}").as_str().try_into().unwrap());
    let found = remote.read(&stream, Position::START, PAGE_EVENTS_MAX).await.unwrap().events;
    assert!(!found.is_empty() && found.iter().all(|event| event.stream() == format!("case-{case}")));

    let selection = LogSelection::through(here.head().await.unwrap().position);
    let zone = FixedOffset::east_opt(0).unwrap();
    let figures = of_history(&there, &selection, |_| ()).await.unwrap().finish(zone);
    assert_eq!(figures, of_history(here, &selection, |_| ()).await.unwrap().finish(zone));
    assert_eq!(figures.cases, 1);

    let head = there.head().await.unwrap().position;
    let growth = tokio::spawn(async move { there.grown_past(head).await });
    city.open().await;
    let grown = tokio::time::timeout(Duration::from_secs(20), growth).await.unwrap().unwrap().unwrap();
    assert!(head < grown);
}

#[actix_web::test]
async fn only_who_answers_for_the_whole_city_reads_the_log() {
    let city = City::new().await;
    let narrow = "/log/records?purpose=report&stream=calendar&after=1&limit=2";
    for path in ["/log", "/log/records?purpose=audit", narrow] {
        for (role, org) in [("admin", COUNTY), ("clerk", HALL), ("supervisor", CITY), ("analyst", CITY)] {
            city.get(&city.token(role, org), path).await.refused(403, "forbidden");
        }
        city.get(&city.resident(), path).await.refused(403, "forbidden");
        city.get("nobody", path).await.refused(401, "unauthenticated");
        assert!(city.get(&city.token("admin", CITY), path).await.status.is_success(), "{path}");
    }
    let admin = city.token("admin", CITY);
    city.get(&admin, "/log/records").await.refused(400, "invalid-parameter");
    city.get(&admin, "/log/records?purpose=curiosity").await.refused(400, "invalid-parameter");
    city.get(&admin, "/log/records?purpose=audit&limit=0").await.refused(400, "invalid-parameter");
    city.get(&admin, "/log/records?purpose=audit&stream=nonsense-1").await.refused(400, "invalid-parameter");
    city.get(&admin, "/log/records?purpose=audit&as_of=2026-03-02T10:00:00%2B08:00")
        .await
        .refused(400, "unknown-parameter");
    let beyond = city.get(&admin, "/log/records?purpose=audit&after=1000000").await;
    assert_eq!((beyond.header(END), beyond.bytes.len()), ("true", 0));
    let refused = elsewhere(&serve_city(&city)).head().await.unwrap_err();
    assert!(told(&refused).contains("401"), "{}", told(&refused));
}

#[actix_web::test]
async fn who_takes_the_log_out_and_what_for_is_on_record_once_a_day() {
    let city = City::new().await;
    city.open().await;
    let (admin, supervisor) = (city.token("admin", CITY), city.token("supervisor", CITY));
    let before = city.get(&admin, "/log").await.ok()["position"].as_u64().unwrap();
    let page = async |question: &str| {
        assert_eq!(city.get(&admin, &format!("/log/records?{question}")).await.status, 200, "{question}");
    };
    for question in
        ["purpose=audit&limit=2", "purpose=audit&after=2", "purpose=report", "purpose=audit&stream=calendar"]
    {
        page(question).await;
    }
    city.pass(chrono::TimeDelta::days(1));
    page("purpose=audit").await;
    let head = city.get(&admin, "/log").await.ok()["position"].as_u64().unwrap();
    assert_eq!(head, before + 3);
    let looks = city.get(&supervisor, &format!("/accesses?days=90&min_position={head}")).await.ok();
    let told =
        |look: &Value| ["what", "exported", "by", "purpose"].map(|field| look[field].as_str().unwrap().to_owned());
    let looks: Vec<_> = looks["accesses"].as_array().unwrap().iter().map(told).collect();
    let expected = ["audit", "report", "audit"].map(|purpose| ["export-made", "log", "admin-361000", purpose]);
    assert_eq!(looks, expected);
}

#[actix_web::test]
async fn a_copy_is_the_same_log_and_goes_on_where_it_ended() {
    let city = City::new().await;
    city.open().await;
    let url = serve_city(&city);
    let there = History::new(Arc::new(remote(&city, &url)));
    // That somebody reads it is an event of the log, and stands there before the copying begins.
    all(&there).await;
    let copy = Journal::new(Arc::new(InMemory::new()) as Arc<dyn EventStore>);
    let copied = copy_log(&there, "the server", &copy, |_| ()).await.unwrap();
    assert_eq!(copied.cases, 1);
    assert!(all(copy.history()).await == all(&there).await);

    city.open().await;
    let more = copy_log(&there, "the server", &copy, |_| ()).await.unwrap();
    assert_eq!((more.cases, more.already_there.events), (1, copied.events));
    assert!(all(copy.history()).await == all(&there).await);
    assert_eq!(copy_log(&there, "the server", &copy, |_| ()).await.unwrap().events, 0);

    let other = City::new().await;
    other.pass(chrono::TimeDelta::minutes(7));
    other.open().await;
    let other = History::new(Arc::new(remote(&other, &serve_city(&other))));
    let refused = copy_log(&other, "the other server", &copy, |_| ()).await.unwrap_err();
    assert!(matches!(&refused, ImportError::AnotherHistory { .. }), "{refused}");
}

#[actix_web::test]
async fn what_was_changed_or_lost_on_the_way_is_not_taken_for_history() {
    let city = City::new().await;
    let events = all(city.node.reads.views.history()).await;
    let records: Vec<Vec<u8>> = events.iter().take(3).map(|event| event.record().to_vec()).collect();
    assert_eq!(first(&elsewhere(&answering(records.clone(), 3, 0))).await.unwrap(), 3);

    let mut flipped = records.clone();
    flipped[1][40] ^= 1;
    let cut = vec![records[0].clone(), records[1][..50].to_vec()];
    let gap = vec![records[0].clone(), records[2].clone()];
    let twice = vec![records[0].clone(), records[0].clone()];
    for (bad, through, position) in [(flipped, 3, 2), (cut, 2, 2), (gap, 3, 3), (twice, 2, 1), (records, 9, 4)] {
        match first(&elsewhere(&answering(bad, through, 0))).await.unwrap_err() {
            ReadError::Corrupt { position: found, .. } => assert_eq!(found, Position(position)),
            other @ ReadError::Unavailable { .. } => panic!("{}", told(&other)),
        }
    }
}

#[actix_web::test]
async fn a_server_that_comes_back_is_asked_again_and_one_that_does_not_is_named() {
    let city = City::new().await;
    let events = all(city.node.reads.views.history()).await;
    let records: Vec<Vec<u8>> = events.iter().take(3).map(|event| event.record().to_vec()).collect();
    assert_eq!(first(&elsewhere(&answering(records.clone(), 3, 1))).await.unwrap(), 3);

    let troubled = first(&elsewhere(&answering(records, 3, 9))).await.unwrap_err();
    assert!(told(&troubled).contains("503"), "{}", told(&troubled));

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let gone = told(&first(&elsewhere(&url)).await.unwrap_err());
    assert!(gone.contains("no answer from") && gone.contains(&url), "{gone}");
}

#[test]
fn what_is_no_address_and_what_is_no_token_is_told_before_anybody_is_asked() {
    for (server, expected) in [
        ("https://example.org", "tunnel"),
        ("127.0.0.1:8080", "no address"),
        ("ftp://example.org", "no address"),
        ("", "no address"),
    ] {
        let refused = Remote::new(server, "token", "audit").unwrap_err().to_string();
        assert!(refused.contains(expected), "{server}: {refused}");
    }
    assert!(Remote::new("http://127.0.0.1:8080/behind/a/proxy", "  token\n", "audit").is_ok());
    assert!(Remote::new("http://127.0.0.1:8080", "two words", "audit").is_err());
}

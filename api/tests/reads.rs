//! Every read over HTTP: who may ask, what is refused, and what is answered, now and as of an earlier moment.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something unexpected happens")]

#[expect(unreachable_pub, dead_code, reason = "shared by the tests of this folder")]
mod city;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::http::StatusCode;
use actix_web::test::{self, TestRequest};
use actix_web::{App, middleware};
use api::maps::MapQuestion;
use api::{node, openapi, problem, routes};
use chrono::TimeDelta;
use city::{CITY, COUNTY, City, DIBAO, HALL, ID_NUMBER, NAME, monday};
use futures::FutureExt as _;
use projections::scope::{Period, Source};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::pin::Pin;

const NO_CASE: &str = "01J8Z3M6Q5Y7V9X1B2C3D4E5F6";

/// Every read below the prefix, with what it cannot do without.
const READS: [&str; 57] = [
    "/cases",
    "/cases/{case}",
    "/cases/{case}/timeline",
    "/cases/{case}/documents",
    "/cases/{case}/events",
    "/cases/{case}/screen",
    "/accesses",
    "/cases/{case}/certificates",
    "/certificates",
    "/queues",
    "/queues/361023100",
    "/queues/361023100/stream",
    "/lights",
    "/replay/diff?view=queues&from=2026-03-02T10:00:00%2B08:00",
    "/replay/stream?from=2026-03-02T10:00:00%2B08:00&to=2026-03-02T10:01:00%2B08:00",
    "/statistics/processing-times",
    "/statistics/satisfaction",
    "/statistics/balance?month=2026-02",
    "/staffing",
    "/statistics/anomalies",
    "/statistics/cards",
    "/statistics/warnings",
    "/statistics/rating-signs",
    "/anomalies",
    "/warnings",
    "/ratings",
    "/publications/satisfaction?month=2026-01",
    "/kin-registrations",
    "/checklists",
    "/inspections",
    "/rankings?checklist=model-hall",
    "/campaigns",
    "/coverage",
    "/service-circle",
    "/reports/balance?month=2026-02",
    "/reports/on-time?month=2026-02",
    "/reports/coverage?month=2026-02",
    "/statistics/halls",
    "/halls",
    "/halls/361023100/queue",
    "/halls/361023100/screen",
    "/halls/361023100/screen/stream",
    "/halls/361023100/slots",
    "/appointments",
    "/statistics/certificate-free",
    "/statistics/supplements",
    "/process-map",
    "/items",
    "/items/FZ-001",
    "/items/FZ-001/guide",
    "/organisations",
    "/regions",
    "/policies",
    "/templates",
    "/templates/acceptance",
    "/calendar/deadline?from=2026-02-13&working_days=18",
    "/events",
];

/// What tells of the log itself, which has no earlier state.
const OF_THE_LOG: [&str; 2] = ["/log", "/log/records?purpose=audit"];

fn with(path: &str, parameter: &str) -> String {
    let joint = if path.contains('?') { '&' } else { '?' };
    format!("{path}{joint}{parameter}")
}

fn reads_of<'a>(case: &'a str) -> impl Iterator<Item = String> + 'a {
    READS.iter().map(move |path| path.replace("{case}", case))
}

fn is_stream(path: &str) -> bool {
    path.split('?').next().is_some_and(|path| path.ends_with("/stream"))
}

/// Somebody at the hall who may ask this: who is whose relative is for those who lead.
fn reader(city: &City, path: &str) -> String {
    city.token(if path.starts_with("/kin-registrations") { "chief" } else { "clerk" }, HALL)
}

#[actix_web::test]
async fn a_stranger_reads_nothing() {
    let city = City::new().await;
    for path in reads_of(NO_CASE).chain(OF_THE_LOG.map(str::to_owned)) {
        let nobody = city.send(TestRequest::get().uri(&format!("/api/v1{path}"))).await;
        assert_eq!(nobody.status, StatusCode::UNAUTHORIZED, "{path}: {}", nobody.body);
        let forger = city.get("not.a.token", &path).await;
        assert_eq!(forger.status, StatusCode::UNAUTHORIZED, "{path}: {}", forger.body);
    }
}

#[actix_web::test]
async fn a_parameter_nobody_knows_is_named() {
    let city = City::new().await;
    let case = city.open().await;
    let clerk = city.token("clerk", HALL);
    for path in reads_of(&case).chain(OF_THE_LOG.map(str::to_owned)) {
        let refused = city.get(&clerk, &with(&path, "lihgt=red")).await.refused(400, "unknown-parameter");
        assert_eq!(refused["errors"][0]["pointer"], "/lihgt", "{path}");
    }
}

#[actix_web::test]
async fn the_future_is_not_known() {
    let city = City::new().await;
    let case = city.open().await;
    for path in reads_of(&case).filter(|path| !is_stream(path)) {
        let clerk = reader(&city, &path);
        city.get(&clerk, &with(&path, "as_of=2026-03-03T00:00:00%2B08:00")).await.refused(400, "future-moment");
        city.get(&clerk, &with(&path, "basis=effective")).await.refused(400, "invalid-parameter");
    }
}

#[actix_web::test]
async fn every_answer_carries_position_and_moment() {
    let city = City::new().await;
    let case = city.open().await;
    let as_of = city.node.clock.now().to_rfc3339().replace('+', "%2B");
    city.pass(TimeDelta::hours(1));
    for path in reads_of(&case).filter(|path| !is_stream(path)) {
        let (min, clerk) = (city.node.live.position(), reader(&city, &path));
        let now = city.get(&clerk, &with(&path, &format!("min_position={min}"))).await;
        assert_eq!(now.status, StatusCode::OK, "{path}: {}", now.body);
        assert!(now.header("position").parse::<u64>().unwrap() >= min.0, "{path}");
        assert_eq!(now.header("as-of"), "2026-03-02T11:01:00.000+08:00", "{path}");
        let then = city.get(&clerk, &with(&path, &format!("as_of={as_of}"))).await;
        assert_eq!(then.status, StatusCode::OK, "{path}: {}", then.body);
        assert_eq!(then.header("as-of"), "2026-03-02T10:01:00.000+08:00", "{path}");
    }
}

#[actix_web::test]
async fn what_the_views_do_not_hold_in_time_is_answered_503_and_told_when_to_come_back() {
    let city = City::configured(|config| config.http.min_position_seconds = 0).await;
    let case = city.open().await;
    city.caught_up().await;
    let ahead = city.node.store.head().await.unwrap().position.0 + 1;
    for path in reads_of(&case).filter(|path| !is_stream(path)) {
        let clerk = reader(&city, &path);
        let behind = city.get(&clerk, &with(&path, &format!("min_position={ahead}"))).await;
        assert_eq!(behind.header("retry-after"), "1", "{path}: {}", behind.body);
        let told = behind.refused(503, "not-caught-up");
        assert!(told["detail"].as_str().unwrap().contains(&ahead.to_string()), "{path}: {told}");
    }
}

#[actix_web::test]
async fn a_read_waits_for_what_is_being_written() {
    let city = City::new().await;
    let case = city.open().await;
    city.caught_up().await;
    let next = city.node.store.head().await.unwrap().position.0 + 1;
    let clerk = city.token("clerk", HALL);
    let path = with(&format!("/cases/{case}"), &format!("min_position={next}"));
    let (read, written) = futures::join!(city.get(&clerk, &path), city.act("clerk", &case, "receive", json!({})));
    assert_eq!(written.ok()["position"], next);
    assert_eq!(read.header("position"), next.to_string());
    assert_eq!(read.ok()["phase"], "received");
}

#[actix_web::test]
async fn forged_cursors_absurd_numbers_and_reversed_ranges_are_refused() {
    let city = City::new().await;
    let case = city.open().await;
    let clerk = city.token("clerk", HALL);
    let lists = [
        "/cases",
        "/certificates",
        "/anomalies",
        "/warnings",
        "/ratings",
        "/queues",
        "/lights",
        "/items",
        "/organisations",
        "/regions",
        "/events",
        "/halls",
        "/appointments",
    ];
    let of_case = format!("/cases/{case}/events");
    for path in lists.into_iter().chain([of_case.as_str()]) {
        city.get(&clerk, &with(path, "cursor=AAAA")).await.refused(400, "invalid-cursor");
        for limit in ["0", "501", "-1", "99999999999999999999", "x"] {
            city.get(&clerk, &with(path, &format!("limit={limit}"))).await.refused(400, "invalid-parameter");
        }
    }
    for path in ["/statistics/processing-times", "/statistics/satisfaction", "/statistics/certificate-free"] {
        city.get(&clerk, &with(path, "from=2026-02-02&to=2026-02-01")).await.refused(400, "reversed-range");
        city.get(&clerk, &with(path, "from=2026-02-01&to=2026-04-01")).await.refused(400, "future-moment");
        city.get(&clerk, &with(path, "group_by=colour")).await.refused(400, "invalid-parameter");
    }
    city.get(&clerk, "/statistics/balance?month=2026-05").await.refused(400, "future-moment");
    city.get(&clerk, "/statistics/balance").await.refused(400, "invalid-parameter");
    city.get(&clerk, "/cases?opened_from=2026-02-02&opened_to=2026-02-01").await.refused(400, "reversed-range");
    city.get(&clerk, "/cases?opened_from=2027-01-01").await.refused(400, "future-moment");
    city.get(&clerk, "/events?types=case-exploded").await.refused(400, "invalid-parameter");
    city.get(&clerk, "/calendar/deadline?from=2026-02-13&working_days=99999").await.refused(400, "invalid-parameter");
    city.get(&clerk, "/calendar/deadline?from=2026-02-13&working_days=5&freeze=2026-02-20..2026-02-16")
        .await
        .refused(400, "reversed-range");
}

#[actix_web::test]
async fn everybody_sees_what_is_theirs_and_no_more() {
    let city = City::new().await;
    let case = city.open().await;
    let file = format!("/cases/{case}");
    let elsewhere = city.token("clerk", "361002004");
    let stranger = city.token_for("resident", CITY, &"0".repeat(32));
    for path in [file.clone(), format!("{file}/timeline"), format!("{file}/events")] {
        city.get(&city.token("clerk", HALL), &path).await.ok();
        city.get(&city.token("supervisor", COUNTY), &path).await.ok();
        city.get(&city.resident(), &path).await.ok();
        city.get(&elsewhere, &path).await.refused(404, "not-found");
        city.get(&stranger, &path).await.refused(404, "not-found");
        city.get(&city.token("screen", HALL), &path).await.refused(403, "forbidden");
    }
    let listed = |body: &Value| body["cases"].as_array().unwrap().len();
    let cases = with("/cases", &min(&city));
    assert_eq!(listed(&city.get(&city.token("clerk", HALL), &cases).await.ok()), 1);
    assert_eq!(listed(&city.get(&city.resident(), &cases).await.ok()), 1);
    assert_eq!(listed(&city.get(&elsewhere, "/cases").await.ok()), 0);
    assert_eq!(listed(&city.get(&stranger, "/cases").await.ok()), 0);
    city.get(&city.resident(), "/queues").await.refused(403, "forbidden");
    city.get(&city.resident(), "/statistics/processing-times").await.refused(403, "forbidden");
    city.get(&city.token("screen", HALL), "/cases").await.refused(403, "forbidden");
    city.get(&city.token("screen", HALL), "/events").await.refused(403, "forbidden");
    city.get(&city.token("clerk", HALL), "/queues?org=361023").await.refused(404, "not-found");
    city.get(&city.token("clerk", HALL), "/lights?org=361002004").await.refused(404, "not-found");
    let screen = city.get(&city.token("screen", HALL), "/queues").await.ok();
    assert!(screen["entries"].is_null() && screen["counts"]["receipt"].is_object(), "{screen}");
}

#[actix_web::test]
async fn no_answer_holds_a_person_in_clear_and_an_analyst_sees_none_at_all() {
    let city = City::new().await;
    let case = city.accepted().await;
    let subject = city.node.vault.subject(ID_NUMBER);
    let (clerk, analyst) = (city.token("clerk", HALL), city.token("analyst", CITY));
    for path in reads_of(&case).filter(|path| !is_stream(path)) {
        for token in [&clerk, &analyst, &city.resident()] {
            let answer = city.get(token, &path).await;
            let text = String::from_utf8(answer.bytes.to_vec()).unwrap();
            for clear in [NAME, ID_NUMBER, "13870401234", "琴台路8号", "6217000000000001234", "a1."] {
                assert!(!text.contains(clear), "{path} tells {clear}: {text}");
            }
        }
        let text = String::from_utf8(city.get(&analyst, &path).await.bytes.to_vec()).unwrap();
        assert!(!text.contains(subject.as_str()) && !text.contains("钱"), "{path}: {text}");
    }
    let seen = city.get(&clerk, &format!("/cases/{case}")).await.ok();
    assert_eq!(seen["application"]["applicant"]["name"], "钱*");
    assert_eq!(seen["application"]["applicant"]["id_number"], "110105********002X");
}

#[actix_web::test]
async fn a_person_whose_key_is_gone_shows_as_erased() {
    let city = City::new().await;
    let case = city.open().await;
    let clerk = city.token("clerk", HALL);
    let path = format!("/cases/{case}");
    let before = city.get(&clerk, &path).await;
    city.node.vault.destroy(&city.node.vault.subject(ID_NUMBER)).await.unwrap();
    let after = city.get(&clerk, &path).await;
    assert_ne!(before.header("etag"), after.header("etag"));
    assert_eq!(after.ok()["application"]["applicant"]["erased"], true);
    for path in reads_of(&case).filter(|path| !is_stream(path)) {
        let clerk = reader(&city, &path);
        city.get(&clerk, &path).await;
        assert_eq!(city.get(&clerk, &path).await.status, StatusCode::OK, "{path}");
    }
}

#[actix_web::test]
async fn who_has_the_file_already_gets_304_until_an_act_or_the_light_changes_it() {
    let city = City::new().await;
    let case = city.accepted().await;
    let clerk = city.token("clerk", HALL);
    let uri = format!("/api/v1/cases/{case}");
    let asked = |etag: String| {
        TestRequest::get()
            .uri(&uri)
            .insert_header(("authorization", format!("Bearer {clerk}")))
            .insert_header(("if-none-match", etag))
    };
    let first = city.send(asked("\"0\"".to_owned())).await;
    let etag = first.header("etag").to_owned();
    assert_eq!(etag, "\"3-green\"");
    let again = city.send(asked(etag.clone())).await;
    assert_eq!((again.status, again.header("etag")), (StatusCode::NOT_MODIFIED, etag.as_str()));
    // Eighteen working days later nobody did anything, and the light is red.
    city.pass(TimeDelta::days(40));
    let red = city.send(asked(etag.clone())).await;
    assert_eq!((red.status, red.header("etag")), (StatusCode::OK, "\"3-red\""));
    city.act("clerk", &case, "route", json!({ "to": HALL })).await.ok();
    let routed = city.get(&clerk, &with(&format!("/cases/{case}"), &min(&city))).await;
    assert!(routed.header("etag").starts_with("\"4-"), "{}", routed.header("etag"));
}

/// Read your writes: wait for everything that is in the log.
fn min(city: &City) -> String {
    let head = futures::executor::block_on(city.node.store.head()).unwrap();
    format!("min_position={}", head.position)
}

#[actix_web::test]
async fn as_of_before_the_supplement_shows_the_case_as_it_stood() {
    let city = City::new().await;
    let case = city.received().await;
    let clerk = city.token("clerk", HALL);
    city.act("clerk", &case, "issue-notice", json!({"missing": [{"code": "HK", "defect": "缺户主页"}]})).await.ok();
    let then = city.node.clock.now().to_rfc3339().replace('+', "%2B");
    city.act("clerk", &case, "supplement", json!({"materials": [{"code": "HK"}]})).await.ok();
    let path = format!("/cases/{case}");
    let now = city.get(&clerk, &with(&path, &min(&city))).await.ok();
    let past = city.get(&clerk, &with(&path, &format!("as_of={then}"))).await.ok();
    assert_eq!((&now["phase"], &past["phase"]), (&json!("received"), &json!("supplement-pending")));
    assert_eq!((&now["version"], &past["version"]), (&json!(4), &json!(3)));
    let story = city.get(&clerk, &with(&format!("{path}/timeline"), &format!("as_of={then}"))).await.ok();
    let kinds: Vec<&str> =
        story["entries"].as_array().unwrap().iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["case-submitted", "case-received", "one-time-notice-issued"]);
    let queue = city.get(&clerk, &with("/queues", &format!("as_of={then}"))).await.ok();
    assert_eq!(queue["entries"][0]["kind"], "supplement", "{queue}");
    let listed = city.get(&clerk, &with("/cases?phase=supplement-pending", &format!("as_of={then}"))).await.ok();
    assert_eq!(listed["cases"][0]["case"], json!(case));
    // Nothing had happened before it was opened.
    let before = monday().to_rfc3339().replace('+', "%2B");
    city.get(&clerk, &with(&path, &format!("as_of={before}"))).await.refused(404, "not-found");
}

#[actix_web::test]
async fn a_list_leads_on_to_its_end_and_says_nothing_twice() {
    let city = City::new().await;
    let mut opened = BTreeSet::new();
    for _ in 0..5 {
        opened.insert(city.open().await);
    }
    let clerk = city.token("clerk", HALL);
    for first in ["/api/v1/cases?limit=2", "/api/v1/queues?limit=2", "/api/v1/events?limit=2&types=case-submitted"] {
        let mut seen = BTreeSet::new();
        let mut next = Some(format!("{first}&{}", min(&city)));
        while let Some(uri) = next {
            let request = TestRequest::get().uri(&uri).insert_header(("authorization", format!("Bearer {clerk}")));
            let answer = city.send(request).await;
            assert_eq!(answer.status, StatusCode::OK, "{uri}: {}", answer.body);
            let link = answer.header("link").to_owned();
            let entries =
                answer.body.as_array().or(answer.body["cases"].as_array()).or(answer.body["entries"].as_array());
            for entry in entries.unwrap() {
                let case = entry.get("case").or(entry.get("subject")).unwrap().as_str().unwrap();
                assert!(seen.insert(case.to_owned()), "{uri} says {case} twice");
            }
            next = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")).map(str::to_owned);
        }
        assert_eq!(seen, opened, "{first}");
    }
}

#[actix_web::test]
async fn filters_find_what_they_say() {
    let city = City::new().await;
    let case = city.accepted().await;
    city.open().await;
    let clerk = city.token("clerk", HALL);
    let number = city.get(&clerk, &format!("/cases/{case}")).await.ok()["number"].as_str().unwrap().to_owned();
    let found = async |filter: &str| {
        let body = city.get(&clerk, &with(&format!("/cases?{filter}"), &min(&city))).await.ok();
        body["cases"].as_array().unwrap().iter().map(|one| one["case"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(found("phase=accepted").await, [json!(case)]);
    assert_eq!(found(&format!("q={number}")).await, [json!(case)]);
    assert_eq!(found(&format!("item={DIBAO}&light=green")).await.len(), 2);
    assert_eq!(found("light=red").await.len(), 0);
    assert_eq!(found("item=FZ-002").await.len(), 0);
    assert_eq!(found(&format!("subject={}", city.node.vault.subject(ID_NUMBER))).await.len(), 2);
    assert_eq!(found("opened_from=2026-03-02&opened_to=2026-03-03").await.len(), 2);
    assert_eq!(found("opened_to=2026-03-02").await.len(), 0);
    assert_eq!(found("sort=oldest&limit=1").await, [json!(case)]);
}

#[actix_web::test]
async fn a_page_by_light_is_full_as_long_as_cases_follow() {
    let city = City::new().await;
    let clerk = city.token("clerk", HALL);
    let early = [city.accepted().await, city.accepted().await];
    city.pass(TimeDelta::days(21));
    for _ in 0..6 {
        city.open().await;
    }
    let mut asked = with("/cases?light=yellow&limit=1&sort=newest", &min(&city));
    let mut found = Vec::new();
    loop {
        let page = city.get(&clerk, &asked).await.ok();
        let cases = page["cases"].as_array().unwrap();
        found.extend(cases.iter().map(|case| case["case"].as_str().unwrap().to_owned()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        assert_eq!(cases.len(), 1, "a page came short, and others follow: {page}");
        asked = format!("/cases?light=yellow&limit=1&sort=newest&cursor={next}");
    }
    assert_eq!(found, [early[1].clone(), early[0].clone()]);
}

#[actix_web::test]
async fn the_calendar_gives_every_vectors_date() {
    let city = City::new().await;
    let anybody = city.token("screen", HALL);
    let vectors: Value = serde_json::from_str(include_str!("data/clock_vectors.json")).unwrap();
    for vector in vectors["vectors"].as_array().unwrap() {
        let freezes = vector["freezes"].as_array().unwrap().iter();
        let freezes: String = freezes
            .map(|freeze| format!("&freeze={}..{}", freeze[0].as_str().unwrap(), freeze[1].as_str().unwrap()))
            .collect();
        let (from, days) = (vector["start"].as_str().unwrap(), &vector["working_days"]);
        let path = format!("/calendar/deadline?from={from}&working_days={days}{freezes}");
        let answer = city.get(&anybody, &path).await.ok();
        assert_eq!(answer["deadline"], vector["deadline"], "{}", vector["name"]);
        assert_eq!(answer["provisional"], false, "{}", vector["name"]);
        assert_eq!(answer["deadline_at"], format!("{}T23:59:59+08:00", vector["deadline"].as_str().unwrap()));
    }
    let covid = "/calendar/deadline?from=2020-01-17&working_days=20";
    let amended = city.get(&anybody, covid).await.ok();
    let before = city.get(&anybody, &with(covid, "published_by=2020-01-20")).await.ok();
    assert_eq!((&amended["deadline"], &before["deadline"]), (&json!("2020-02-21"), &json!("2020-02-19")));
    assert!(before["calendar_version"].as_u64() < amended["calendar_version"].as_u64());
    let natural = "/calendar/deadline?from=2026-02-12&working_days=5&unit=natural";
    assert_eq!(city.get(&anybody, natural).await.ok()["deadline"], "2026-02-24", "a rest day moves on");
}

/// An open stream, read frame by frame.
struct Stream(Pin<Box<BoxBody>>);

impl Stream {
    async fn open(city: &City, token: &str, path: &str, last_event_id: Option<u64>) -> Self {
        let mut request = TestRequest::get()
            .uri(&format!("/api/v1{path}"))
            .insert_header(("authorization", format!("Bearer {token}")))
            .insert_header(("accept", "text/event-stream"));
        if let Some(position) = last_event_id {
            request = request.insert_header(("last-event-id", position.to_string()));
        }
        Self::of(city, request).await
    }

    async fn of(city: &City, request: TestRequest) -> Self {
        let render = middleware::from_fn(problem::render);
        let app = App::new().wrap(render).configure(|app| node::configure(app, &city.node));
        let app = test::init_service(app).await;
        let response = test::call_service(&app, request.to_request()).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers().get("content-type").unwrap(), "text/event-stream");
        Self(Box::pin(response.into_body()))
    }

    /// Returns the next frames, as they were sent together.
    async fn next(&mut self) -> String {
        let bytes = futures::future::poll_fn(|context| self.0.as_mut().poll_next(context)).await;
        String::from_utf8(bytes.expect("the stream is open").unwrap().to_vec()).unwrap()
    }

    /// Returns everything up to and including the frame that holds a text.
    async fn until(&mut self, text: &str) -> String {
        let mut read = String::new();
        while !read.contains(text) {
            read.push_str(&self.next().await);
        }
        read
    }
}

fn ids(frames: &str) -> Vec<u64> {
    let data = frames.split("\n\n").filter(|frame| frame.contains("\ndata: "));
    data.filter_map(|frame| frame.lines().find_map(|line| line.strip_prefix("id: "))?.parse().ok()).collect()
}

#[actix_web::test]
async fn a_stream_tells_what_comes_and_goes_on_where_it_was_left() {
    let city = City::new().await;
    let clerk = city.token("clerk", HALL);
    let mut stream = Stream::open(&city, &clerk, "/events?types=case-submitted,case-received", None).await;
    assert!(stream.next().await.contains("retry: "));
    let case = city.open().await;
    let submitted = stream.until("case-submitted").await;
    city.act("clerk", &case, "receive", json!({})).await.ok();
    let received = stream.until("case-received").await;
    drop(stream);
    let (first, second) = (ids(&submitted)[0], ids(&received)[0]);
    assert!(first < second);

    let mut resumed = Stream::open(&city, &clerk, "/events", Some(first)).await;
    let told = resumed.until("case-received").await;
    assert!(ids(&told).iter().all(|position| first < *position), "{told}");
    assert!(!told.contains("case-submitted"), "{told}");

    // Somebody elsewhere is told nothing of it: the heartbeat's position moves all the same.
    let elsewhere = city.token("clerk", "361002004");
    let mut other = Stream::open(&city, &elsewhere, "/events", Some(first - 1)).await;
    other.next().await;
    city.post(&city.token_for("clerk", "361002004", "b"), "/cases", elsewhere_application()).await.ok();
    let told = other.until("case-submitted").await;
    assert!(!told.contains(&case), "{told}");
}

fn elsewhere_application() -> Value {
    let mut application = city::application();
    application["region"] = json!("361002004");
    application
}

#[actix_web::test]
async fn a_stream_ahead_of_the_log_is_reset() {
    let city = City::new().await;
    let clerk = city.token("clerk", HALL);
    let mut stream = Stream::open(&city, &clerk, "/events", Some(999_999)).await;
    assert!(stream.next().await.contains("event: reset"));
}

#[actix_web::test]
async fn a_ticket_opens_streams_and_nothing_else() {
    let city = City::new().await;
    let clerk = city.token("clerk", HALL);
    let ticket = city.post(&clerk, "/stream-tickets", json!({})).await.ok()["ticket"].as_str().unwrap().to_owned();
    let stream = |ticket: &str| {
        TestRequest::get()
            .uri(&format!("/api/v1/events?ticket={ticket}"))
            .insert_header(("accept", "text/event-stream"))
    };
    Stream::of(&city, stream(&ticket)).await.next().await;
    city.send(TestRequest::get().uri(&format!("/api/v1/events?ticket={ticket}")))
        .await
        .refused(400, "unknown-parameter");
    city.send(TestRequest::get().uri(&format!("/api/v1/cases?ticket={ticket}"))).await.refused(401, "unauthenticated");
    city.pass(TimeDelta::minutes(2));
    city.send(stream(&ticket)).await.refused(401, "unauthenticated");
}

#[actix_web::test]
async fn a_live_queue_tells_what_appears_changes_and_vanishes() {
    let city = City::new().await;
    let clerk = city.token("clerk", HALL);
    let mut stream = Stream::open(&city, &clerk, &format!("/queues/{HALL}/stream"), None).await;
    let opening = stream.until("event: counts").await;
    assert!(opening.contains("event: reset") && !opening.contains("event: upsert"), "{opening}");
    let case = city.open().await;
    let appeared = stream.until("event: counts").await;
    assert!(appeared.contains("event: upsert") && appeared.contains("\"kind\":\"receipt\""), "{appeared}");
    assert!(appeared.contains("\"applicant_masked\":\"钱*\""), "{appeared}");
    city.act("clerk", &case, "receive", json!({})).await.ok();
    let moved = stream.until("event: counts").await;
    assert!(moved.contains("event: remove") && moved.contains("\"kind\":\"acceptance\""), "{moved}");
}

#[actix_web::test]
async fn a_stream_in_which_nothing_happens_gives_a_sign_of_life() {
    let city = City::new().await;
    let clerk = city.token("clerk", HALL);
    city.caught_up().await;
    let head = city.node.live.position();
    for path in ["/events".to_owned(), format!("/queues/{HALL}/stream"), format!("/halls/{HALL}/screen/stream")] {
        let mut stream = Stream::open(&city, &clerk, &path, None).await;
        stream.next().await;
        assert_eq!(stream.next().now_or_never(), None, "{path}");
        city.pass(TimeDelta::seconds(14));
        assert_eq!(stream.next().now_or_never(), None, "{path}");
        city.pass(TimeDelta::seconds(1));
        assert_eq!(stream.next().await, format!(": heartbeat {head}\nid: {head}\n\n"), "{path}");
    }
}

#[actix_web::test]
async fn a_light_that_changes_at_midnight_is_told_although_nothing_was_done() {
    let city = City::new().await;
    let clerk = city.token("clerk", HALL);
    let case = city.received().await;
    let queue = city.get(&clerk, &with(&format!("/queues?org={HALL}"), &min(&city))).await.ok();
    let due = queue["entries"][0]["due"].as_str().unwrap();
    city.node.clock.set(format!("{due}T23:59:59+08:00").parse().unwrap());
    let mut stream = Stream::open(&city, &clerk, &format!("/queues/{HALL}/stream"), None).await;
    let opening = stream.next().await;
    assert!(opening.contains("\"light\":\"yellow\"") && !opening.contains("\"light\":\"red\""), "{opening}");
    assert_eq!(stream.next().now_or_never(), None);
    let head = city.node.store.head().await.unwrap();

    city.pass(TimeDelta::seconds(1));
    let told = stream.next().await;
    let upsert = told.split("\n\n").find(|frame| frame.contains("event: upsert")).expect("the row is told");
    assert!(upsert.contains(&case) && upsert.contains("\"light\":\"red\""), "{told}");
    assert!(told.contains("event: counts") && !told.contains("event: remove"), "{told}");
    assert_eq!(city.node.store.head().await.unwrap(), head, "only the moment changed");
}

#[actix_web::test]
async fn figures_move_as_cases_end() {
    let city = City::new().await;
    let case = city.received().await;
    let clerk = city.token("clerk", HALL);
    let ended = city.act("clerk", &case, "withdraw", json!({"reason": "不办了"})).await;
    assert!(ended.status.is_success(), "{}", ended.body);
    let times = city.get(&clerk, &with("/statistics/processing-times", &min(&city))).await.ok();
    assert_eq!((&times["total"]["n"], &times["total"]["closings"]["withdrawn"]), (&json!(1), &json!(1)), "{times}");
    let balance = city.get(&clerk, "/statistics/balance?month=2026-03&attribution=intake").await.ok();
    let total = &balance["total"];
    assert_eq!((&total["submitted"], &total["closed"], &total["open"]), (&json!(1), &json!(1), &json!(0)), "{balance}");
    city.get(&city.token("screen", HALL), "/statistics/processing-times?group_by=clerk")
        .await
        .refused(403, "forbidden");
}

#[actix_web::test]
async fn the_process_map_tells_where_cases_wait_and_sets_two_periods_side_by_side() {
    let city = City::new().await;
    city.received().await;
    city.pass(TimeDelta::days(2));
    city.open().await;
    let analyst = city.token("analyst", CITY);
    let asked = "/process-map?item=FZ-001&from=2026-03-02&to=2026-03-03&compare_from=2026-03-03&compare_to=2026-03-05";
    let map = city.get(&analyst, &with(asked, &min(&city))).await.ok();
    assert_eq!((&map["cases"], &map["open"], &map["compared"]["cases"]), (&json!(1), &json!(1), &json!(1)), "{map}");
    assert_eq!(map["start_activities"], json!({"case-submitted": 1}));
    let edge = &map["edges"][0];
    assert_eq!((&edge["from"], &edge["to"]), (&json!("case-submitted"), &json!("case-received")), "{map}");
    let received = map["difference"].as_array().unwrap().iter().find(|row| row["activity"] == "case-received");
    assert_eq!(received.unwrap()["count"], json!([1, 0]), "{map}");

    let before = city.get(&analyst, "/process-map?from=2026-03-02&as_of=2026-03-03T00:00:00%2B08:00").await.ok();
    assert_eq!((&before["cases"], &before["compared"]), (&json!(1), &Value::Null), "{before}");
    let elsewhere = city.get(&city.token("clerk", "361002"), "/process-map").await.ok();
    assert_eq!(elsewhere["cases"], 0, "{elsewhere}");
    let other_version = city.get(&analyst, "/process-map?version=999").await.ok();
    assert_eq!(other_version["cases"], 0, "{other_version}");
    city.get(&analyst, "/process-map?compare_from=2026-03-02").await.refused(400, "invalid-parameter");
    city.get(&analyst, "/process-map?compare_from=2026-03-02&compare_to=2026-03-01")
        .await
        .refused(400, "reversed-range");
    city.get(&analyst, "/process-map?from=2026-04-02").await.refused(400, "future-moment");
}

#[actix_web::test]
async fn a_map_once_drawn_stands_until_something_on_it_is_recorded() {
    let city = City::new().await;
    let case = city.accepted().await;
    let supervisor = city.token("supervisor", CITY);
    let map =
        async || city.get(&supervisor, &with("/process-map?from=2026-01-01&to=2026-03-03", &min(&city))).await.ok();
    let first = map().await;
    assert_eq!(first["cases"], 1);
    let day = |text: &str| text.parse().unwrap();
    let period = Period { from: day("2026-01-01"), to: day("2026-03-03") };
    let question =
        MapQuestion { names_cases: true, ..MapQuestion::new(&[period], &Source::Own, CITY.parse().unwrap()) };
    let stands = async || {
        city.caught_up().await;
        let reads = &city.node.reads;
        let position = reads.views.live().position();
        reads.maps.kept(&question, reads.views.history(), position).await.unwrap().is_some()
    };
    assert!(stands().await);
    // Somebody looks at the applicant: the log grows, the map stands.
    let unmask = json!({"fields": ["name"], "purpose": "verify-identity"});
    city.post(&city.token("clerk", HALL), &format!("/cases/{case}/unmask"), unmask).await.ok();
    assert!(stands().await);
    let again = map().await;
    assert!(first["position"].as_u64() < again["position"].as_u64());
    assert_eq!(first["events"], again["events"]);
    // The case goes on.
    city.act("clerk", &case, "route", json!({ "to": HALL })).await.ok();
    assert!(!stands().await);
    assert_eq!(map().await["events"].as_u64(), first["events"].as_u64().map(|events| events + 1));
    // Another is applied for; on a later day it would not belong to the period.
    city.open().await;
    assert!(!stands().await);
    assert_eq!(map().await["cases"], 2);
    city.pass(TimeDelta::days(1));
    city.open().await;
    assert!(stands().await);
    assert_eq!(map().await["cases"], 2);
}

#[actix_web::test]
async fn what_notices_ask_for_is_told_by_material() {
    let city = City::new().await;
    let clerk = city.token("clerk", HALL);
    let missing = |codes: &[&str]| {
        let missing: Vec<Value> = codes.iter().map(|code| json!({"code": code, "defect": "缺页"})).collect();
        json!({ "missing": missing })
    };
    let case = city.received().await;
    city.act("clerk", &case, "issue-notice", missing(&["HK", "INC"])).await.ok();
    let before = city.node.clock.now().to_rfc3339().replace('+', "%2B");
    let other = city.received().await;
    city.act("clerk", &other, "issue-notice", missing(&["HK"])).await.ok();
    let ask = async |question: &str| {
        city.get(&clerk, &with(&format!("/statistics/supplements?{question}"), &min(&city))).await.ok()
    };
    let told = ask("group_by=material").await;
    let rows: Vec<[&Value; 4]> = told["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| [&row["key"]["material"], &row["cases"], &row["share"]["denominator"], &row["material_zh"]])
        .collect();
    let (book, income) = ([&json!("HK"), &json!(2), &json!(2), &json!("居民户口簿")], &json!("INC"));
    assert_eq!((rows.len(), rows[0], rows[1][0]), (2, book, income), "{told}");
    assert_eq!((&told["total"]["cases"], &told["total"]["times"]), (&json!(2), &json!(2)));
    assert_eq!(told["rows"][0]["replaceable_by"], json!(["HK"]));
    assert_eq!(ask("group_by=material,item&top=1").await["rows"].as_array().unwrap().len(), 1);
    assert_eq!(ask("item=FZ-005").await["total"]["cases"], 0);
    let then = city.get(&clerk, &format!("/statistics/supplements?as_of={before}")).await.ok();
    assert_eq!(then["total"]["cases"], 1);
    let elsewhere = city.token("supervisor", "361002");
    assert_eq!(city.get(&elsewhere, "/statistics/supplements").await.ok()["total"]["cases"], 0);
    city.get(&clerk, "/statistics/supplements?top=0").await.refused(400, "invalid-parameter");
}

#[actix_web::test]
async fn the_operator_sees_health_and_figures() {
    let city = City::new().await;
    city.open().await;
    let live = city.send(TestRequest::get().uri("/health/live")).await.ok();
    assert_eq!(live["status"], "live");
    let ready = city.send(TestRequest::get().uri("/health/ready")).await.ok();
    assert_eq!(ready["status"], "ready");
    let metrics = city.send(TestRequest::get().uri("/metrics")).await;
    let text = String::from_utf8(metrics.bytes.to_vec()).unwrap();
    for figure in ["yichuang_append_duration_seconds_count", "yichuang_projection_lag_events{projection=\"queues\"} 0"]
    {
        assert!(text.contains(figure), "{figure}: {text}");
    }
    assert!(!text.contains(ID_NUMBER) && !text.contains(NAME));
}

#[actix_web::test]
async fn a_method_that_a_path_does_not_know_is_answered_with_those_it_knows() {
    let city = City::new().await;
    let case = city.open().await;
    let reads = reads_of(&case).chain(OF_THE_LOG.map(str::to_owned)).map(|path| ("GET", path));
    let writes = routes::write::ROUTES.into_iter().map(|(method, path)| (method, path.to_owned()));
    for (method, path) in reads.chain(writes) {
        let request = TestRequest::delete().uri(&format!("/api/v1{path}"));
        let answer = city.send(request).await;
        let allowed: Vec<&str> = answer.header("allow").split(", ").collect();
        assert!(allowed.contains(&method), "{method} {path}: {allowed:?}");
        assert!(!allowed.contains(&"DELETE"), "{method} {path}: {allowed:?}");
        answer.refused(405, "method-not-allowed");
    }
    for path in ["/health/live", "/openapi.json", "/docs"] {
        let answer = city.send(TestRequest::post().uri(path)).await;
        assert_eq!(answer.header("allow"), "GET", "{path}");
        answer.refused(405, "method-not-allowed");
    }
    let both = city.send(TestRequest::put().uri("/api/v1/cases")).await;
    assert_eq!(both.header("allow"), "GET, POST");
}

#[actix_web::test]
async fn every_route_is_described_and_the_page_is_served() {
    let city = City::new().await;
    let described = city.send(TestRequest::get().uri("/openapi.json")).await.ok();
    for (method, path) in routes::write::ROUTES {
        // Actions are described one by one, under their own names.
        let known = described["paths"].as_object().unwrap().iter().any(|(known, item)| {
            let pattern = format!("/api/v1{path}");
            let fits =
                known == &pattern || pattern.strip_suffix("{action}").is_some_and(|stem| known.starts_with(stem));
            fits && item.get(method.to_ascii_lowercase()).is_some()
        });
        assert!(known, "{method} {path}");
    }
    for path in READS.into_iter().chain(OF_THE_LOG) {
        let template = path.split('?').next().unwrap();
        let template = template
            .replace("{case}", "{id}")
            .replace("/queues/361023100", "/queues/{org}")
            .replace("FZ-001", "{id}")
            .replace("/templates/acceptance", "/templates/{kind}")
            .replace("/halls/361023100", "/halls/{id}");
        let report = template.starts_with("/reports/");
        let template = if report { "/reports/{name}" } else { &template };
        assert!(described["paths"][format!("/api/v1{template}")]["get"].is_object(), "{template}");
    }
    let page = city.send(TestRequest::get().uri("/docs")).await;
    assert_eq!(page.bytes, openapi::PAGE.as_bytes());
}

#[actix_web::test]
async fn who_looked_at_whose_data_is_told_with_what_for_and_how_much() {
    let city = City::new().await;
    let (case, clerk, supervisor) = (city.open().await, city.token("clerk", HALL), city.token("supervisor", COUNTY));
    let parts: [(&str, Option<&str>, &[u8]); 2] =
        [("code", None, b"ID"), ("file", Some("application/pdf"), b"%PDF-1.7 a paper")];
    let paper = city.attach(&clerk, &case, &city.key(), &parts).await.ok()["material"].as_str().unwrap().to_owned();
    let before = city.node.clock.now().to_rfc3339().replace('+', "%2B");
    let unmask = json!({"fields": ["name", "id_number"], "purpose": "verify-identity"});
    city.post(&clerk, &format!("/cases/{case}/unmask"), unmask.clone()).await.ok();
    city.pass(TimeDelta::days(30));
    let read = city.get(&clerk, &format!("/cases/{case}/materials/{paper}?purpose=handle-case")).await;
    assert_eq!(read.status, StatusCode::OK, "{}", read.body);
    city.get(&clerk, &format!("/cases/{case}/materials/{paper}?purpose=curiosity"))
        .await
        .refused(400, "invalid-parameter");
    let seen = format!("min_position={}", read.header("position"));

    let looks = async |token: &str, question: &str| {
        let body = city.get(token, &with(&format!("/accesses?{question}"), &seen)).await.ok();
        body["accesses"].as_array().unwrap().clone()
    };
    let all = looks(&supervisor, &format!("case={case}&days=90")).await;
    let told = |look: &Value| ["what", "by", "purpose"].map(|field| look[field].as_str().unwrap_or("").to_owned());
    assert_eq!(told(&all[0]), ["paper-read", "clerk-361023100", "handle-case"]);
    assert_eq!((&all[0]["paper"], &all[0]["code"]), (&json!(paper), &json!("ID")));
    assert_eq!(told(&all[1]), ["person-unmasked", "clerk-361023100", "verify-identity"]);
    assert_eq!((&all[1]["fields"], &all[1]["unmasked"]), (&json!(["name", "id_number"]), &json!(true)));
    assert_eq!(all.len(), 2);
    assert_eq!(looks(&supervisor, &format!("case={case}&days=7")).await.len(), 1);
    assert_eq!(looks(&supervisor, "by=clerk-361023100").await.len(), 2);
    assert_eq!(looks(&city.token("supervisor", "361002"), "days=90").await.len(), 0, "another county's");
    let subject = city.node.vault.subject(ID_NUMBER);
    assert_eq!(looks(&supervisor, &format!("subject={subject}")).await, all);
    let none_yet = city.get(&supervisor, &format!("/accesses?case={case}&as_of={before}")).await.ok();
    assert_eq!(none_yet["accesses"], json!([]));

    let first = city.get(&supervisor, &with("/accesses?limit=1", &seen)).await.ok();
    let next = first["next_cursor"].as_str().unwrap();
    let second = city.get(&supervisor, &format!("/accesses?limit=1&cursor={next}")).await.ok();
    assert_eq!([&first["accesses"][0], &second["accesses"][0]], [&all[0], &all[1]]);

    // Whoever was looked at learns where and what for; who does not supervise learns of their own looks only.
    let own = looks(&city.resident(), "days=90").await;
    assert_eq!((own.len(), &own[0]["by"], &own[0]["organisation"]), (2, &Value::Null, &json!(HALL)));
    assert_eq!(looks(&clerk, "days=90").await.len(), 2);
    assert_eq!(looks(&city.token_for("clerk", HALL, "another"), "days=90").await.len(), 0);
    city.get(&clerk, &format!("/accesses?case={case}")).await.refused(403, "forbidden");
    city.get(&city.resident(), &format!("/accesses?case={case}")).await.refused(404, "not-found");
}

fn item_ids(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

#[actix_web::test]
async fn items_are_found_by_name_pinyin_department_and_element() {
    let city = City::new().await;
    let clerk = city.token("clerk", HALL);
    for sought in ["dbbz", "dibao", "%E4%BD%8E%E4%BF%9D", "fz-001"] {
        let found = city.get(&clerk, &format!("/items?q={sought}")).await.ok();
        assert!(item_ids(&found).contains(&DIBAO), "{sought}: {found}");
    }
    let civil = city.get(&clerk, "/items?q=minzheng&limit=500").await.ok();
    let by_name = city.get(&clerk, "/items?department=%E6%B0%91%E6%94%BF&limit=500").await.ok();
    assert!(
        !item_ids(&by_name).is_empty() && item_ids(&by_name).iter().all(|id| item_ids(&civil).contains(id)),
        "{civil}"
    );
    for (question, count) in
        [("batch=1", 22), ("batch=2", 31), ("batch=3", 19), ("certificate_free=true", 19), ("q=nosuchthing", 0)]
    {
        let found = city.get(&clerk, &format!("/items?limit=500&{question}")).await.ok();
        assert_eq!(item_ids(&found).len(), count, "{question}");
    }
    let page = city.get(&clerk, "/items?batch=2&kind=promise&limit=2").await.ok();
    let cursor = page["next_cursor"].as_str().unwrap();
    let next = city.get(&clerk, &format!("/items?batch=2&kind=promise&limit=2&cursor={cursor}")).await.ok();
    assert!(item_ids(&page).last() < item_ids(&next).first(), "{page} {next}");
    for wrong in ["batch=0", "kind=slow", "authority=borrowed", "appointment=maybe", "intake_level=moon"] {
        city.get(&clerk, &format!("/items?{wrong}")).await.refused(400, "invalid-parameter");
    }
}

#[actix_web::test]
async fn lists_of_appointment_items_begin_in_2021() {
    let city = City::new().await;
    let clerk = city.token("clerk", HALL);
    let now = city.get(&clerk, "/items?appointment=true&limit=500").await.ok();
    assert_eq!(item_ids(&now).len(), 54, "{now}");
    let served_late = city.get(&clerk, "/items?after_hours=true&limit=500").await.ok();
    assert_eq!(item_ids(&served_late).len(), 44, "{served_late}");
}

#[actix_web::test]
async fn a_guide_tells_what_to_bring_in_a_situation() {
    let city = City::new().await;
    let resident = city.resident();
    let codes = |guide: &Value, list: &str| -> Vec<String> {
        guide[list].as_array().unwrap().iter().map(|paper| paper["code"].as_str().unwrap().to_owned()).collect()
    };
    let guide = city.get(&resident, "/items/FZ-001/guide").await.ok();
    assert_eq!(guide["time"]["promised_zh"], "18个工作日");
    assert_eq!(codes(&guide, "bring"), ["AUTH"]);
    assert!(codes(&guide, "need_not_bring").contains(&"ID".to_owned()));
    assert_eq!(codes(&guide, "only_in_situations"), ["DIAG", "AGID"]);
    assert_eq!(guide["form"]["version"], 1);

    let by_proxy = city.get(&resident, "/items/FZ-001/guide?situation=PROXY").await.ok();
    assert_eq!(codes(&by_proxy, "bring"), ["AUTH", "AGID"]);
    assert_eq!(by_proxy["bring"][1]["situation"]["name_zh"], "由他人代办");
    city.get(&resident, "/items/FZ-001/guide?situation=MOON").await.refused(400, "invalid-parameter");

    let before = city.get(&resident, "/items/FZ-001/guide?version=1").await.ok();
    assert_eq!((&before["time"]["promised_zh"], &before["in_force"]), (&json!("32个工作日"), &json!(false)));
    city.get(&resident, "/items/FZ-001/guide?version=9").await.refused(404, "not-found");
    city.get(&resident, "/items/FZ-404/guide").await.refused(404, "not-found");
    let etag = city.get(&resident, "/items/FZ-001/guide").await.header("etag").to_owned();
    let again = TestRequest::get()
        .uri("/api/v1/items/FZ-001/guide")
        .insert_header(("authorization", format!("Bearer {resident}")))
        .insert_header(("if-none-match", etag));
    assert_eq!(city.send(again).await.status, StatusCode::NOT_MODIFIED);
}

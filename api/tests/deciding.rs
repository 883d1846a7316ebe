//! Where decisions live, over HTTP: instruments, in whose name, across townships.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something unexpected happens")]

#[expect(unreachable_pub, dead_code, reason = "shared by the tests of this folder")]
mod city;

use api::execute::Stream as _;
use city::{CITY, COUNTY, City, DIBAO, HALL, types};
use domain::case::Case;
use domain::event::Event;
use domain::event::instrument::InstrumentRevoked;
use domain::fact::Subject;
use domain::ids::{CommandId, EventId};
use eventstore::{CommandDigest, Expected, StreamVersion};
use replay::journal::{Append, Journal, NewFact};
use serde_json::{Value, json};
use ulid::Ulid;

const BUREAU: &str = "361023-MZ";
const BUILT_IN: &str = "361023-MZ-WT-202111";

fn paper() -> Value {
    json!({
        "instrument": "WT-2026-1", "kind": "entrustment", "number": "丰民委〔2026〕1号", "from": BUREAU, "to": [HALL],
        "items": [DIBAO], "regions": [COUNTY], "valid_from": "2026-03-01", "published_on": "2026-02-25",
        "published_in": "县政府网站", "basis": "行政许可法第二十四条"
    })
}

async fn in_review(city: &City) -> String {
    let case = city.accepted().await;
    city.act("clerk", &case, "route", json!({"to": HALL})).await.ok();
    case
}

#[actix_web::test]
async fn a_new_log_begins_with_the_instruments_of_its_townships() {
    let city = City::new().await;
    let anybody = city.token("resident", CITY);
    let listed = city.get(&anybody, &format!("/instruments?org={HALL}&item={DIBAO}&in_force_on=2022-01-20")).await.ok();
    let found: Vec<_> =
        listed["instruments"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(found, [BUILT_IN]);
    let before = city.get(&anybody, &format!("/instruments?org={HALL}&item={DIBAO}&in_force_on=2021-10-31")).await.ok();
    assert_eq!(before["instruments"], json!([]));
    let one = city.get(&anybody, &format!("/instruments/{BUILT_IN}")).await.ok();
    assert_eq!((&one["from"], &one["in_force"], &one["kind_zh"]), (&json!(BUREAU), &json!(true), &json!("委托书")));

    let all = city.get(&anybody, "/instruments?limit=40").await.ok();
    let next = all["next_cursor"].as_str().unwrap();
    let rest = city.get(&anybody, &format!("/instruments?limit=40&cursor={next}")).await.ok();
    let count = |page: &Value| page["instruments"].as_array().unwrap().len();
    assert_eq!((count(&all), count(&rest)), (40, 26));
    city.get(&anybody, "/instruments/none").await.refused(404, "not-found");
}

#[actix_web::test]
async fn a_decision_names_its_instrument_and_in_whose_name_it_was_made() {
    let city = City::new().await;
    let case = in_review(&city).await;
    city.act("chief", &case, "decide", json!({"outcome": "granted"})).await.ok();
    city.caught_up().await;
    let timeline = city.get(&city.token("supervisor", COUNTY), &format!("/cases/{case}/timeline")).await.ok();
    let entries = timeline["entries"].as_array().unwrap();
    let decided = entries.iter().find(|entry| entry["kind"] == "case-decided").unwrap();
    assert_eq!(decided["in_name_of"], BUREAU);
    let papers: Vec<_> = decided["documents"].as_array().unwrap().iter().map(|paper| &paper["name_zh"]).collect();
    assert_eq!(papers, ["决定书", "委托书"]);
}

#[actix_web::test]
async fn who_may_issue_and_revoke_is_the_organs_administrator() {
    let city = City::new().await;
    let bureau = city.token("admin", BUREAU);
    for stranger in [city.token("admin", HALL), city.token("chief", BUREAU), city.token("admin", "361021")] {
        city.post(&stranger, "/instruments", paper()).await.refused(403, "forbidden");
        let revoke = json!({"last_day": "2026-03-02", "basis": "撤委"});
        city.post(&stranger, &format!("/instruments/{BUILT_IN}/actions/revoke"), revoke)
            .await
            .refused(403, "forbidden");
    }
    let issued = city.post(&bureau, "/instruments", paper()).await.ok();
    assert_eq!(types(&issued), ["instrument-issued"]);
    let mut other = paper();
    other["items"] = json!(["FZ-004"]);
    city.post(&bureau, "/instruments", other).await.against("already-issued");
    let mut sub = paper();
    (sub["instrument"], sub["from"], sub["to"]) = (json!("WT-2"), json!(HALL), json!(["361023100-QINTAILU"]));
    city.post(&city.token("admin", COUNTY), "/instruments", sub).await.against("no-sub-delegation");
    let mut wrong = paper();
    wrong["colour"] = json!("red");
    city.post(&bureau, "/instruments", wrong).await.refused(400, "malformed");
    city.post(&bureau, "/instruments/WT-2026-1/actions/frame", json!({})).await.refused(404, "not-found");
}

#[actix_web::test]
async fn a_power_is_not_passed_on_by_whoever_is_given_it_in_the_same_moment() {
    let city = City::new().await;
    let empowering = |id: &str, from: &str, to: &str| {
        let mut body = paper();
        (body["instrument"], body["kind"], body["items"]) = (json!(id), json!("empowerment"), json!(["FZ-005"]));
        (body["from"], body["to"]) = (json!(from), json!([to]));
        body
    };
    let issue = |by: &str, body: Value| {
        city.send(city.post_with_key(&city.token("admin", by), "/instruments", &body, &city.key()))
    };
    let given = issue(COUNTY, empowering("FQ-1", COUNTY, BUREAU));
    let passed_on = issue(BUREAU, empowering("FQ-2", BUREAU, HALL));
    let (given, passed_on) = futures::future::join(given, passed_on).await;
    let given = given.ok();
    // Whoever was first used a power of their own; nobody used one that they had just been given.
    match passed_on.status.as_u16() {
        422 => passed_on.against("no-sub-delegation"),
        _ => assert!(passed_on.ok()["position"].as_u64() < given["position"].as_u64()),
    }
}

#[actix_web::test]
async fn an_expired_entrustment_refuses_the_decision_by_name_and_a_new_one_lets_it_through() {
    let city = City::new().await;
    let case = in_review(&city).await;
    let bureau = city.token("admin", BUREAU);
    let revoke = json!({"last_day": "2026-02-27", "basis": "丰民撤委〔2026〕1号"});
    city.post(&bureau, &format!("/instruments/{BUILT_IN}/actions/revoke"), revoke).await.ok();
    let refused = city.act("chief", &case, "decide", json!({"outcome": "granted"})).await;
    let refused = refused.refused(422, "rule");
    assert_eq!(refused["rule"], "instrument-not-in-force");
    assert!(refused["detail"].as_str().unwrap().contains("有效期"), "{refused}");
    let offers = city.get(&city.token("chief", HALL), &format!("/cases/{case}/actions")).await.ok();
    let offered = offers["refused"].as_array().unwrap().iter().find(|one| one["action"] == "decide").unwrap();
    assert_eq!(offered["rule"], "instrument-not-in-force");

    city.post(&bureau, "/instruments", paper()).await.ok();
    let decided = city.act("chief", &case, "decide", json!({"outcome": "granted"})).await.ok();
    assert_eq!(types(&decided), ["case-decided"]);
}

#[actix_web::test]
async fn a_decision_is_guarded_by_the_instrument_it_rests_on() {
    let city = City::new().await;
    let case = in_review(&city).await;
    let (subject, now) = (Subject::Instrument(BUILT_IN.parse().unwrap()), city.node.clock.now());
    let last_day = "2026-02-27".parse().unwrap();
    let revoked = InstrumentRevoked { instrument: BUILT_IN.parse().unwrap(), last_day, basis: "撤委".into() };
    let fact = NewFact {
        id: EventId(Ulid::from_parts(9, 1)),
        occurred_at: now,
        labels: vec!["p:".into()],
        event: Event::Instrument(revoked.into()),
    };
    let append = Append {
        command: CommandId(Ulid::from_parts(9, 2)),
        digest: CommandDigest([9; 16]),
        now,
        by: api::node::system_actor(),
        correlation: Ulid::from_parts(9, 2),
        causation: None,
        guards: Vec::new(),
        writes: vec![(subject, Expected::Exactly(StreamVersion(1)), vec![fact])],
    };
    // Written beside the server, which may not have heard of it when the chief decides: the guard tells it.
    Journal::new(city.node.store.clone()).append(append).await.unwrap();
    city.act("chief", &case, "decide", json!({"outcome": "granted"})).await.against("instrument-not-in-force");
}

#[test]
fn a_decision_says_which_instrument_its_append_relies_on() {
    let decided = include_bytes!("../../domain/fixtures/events/case-decided.1.json");
    let mut decided: Value = serde_json::from_slice(decided).unwrap();
    decided["instrument"] = json!({"instrument": BUILT_IN, "kind": "entrustment", "number": "1"});
    let event = Event::decode("case-decided", 1, decided.to_string().as_bytes()).unwrap();
    let Event::Case(event) = event else { panic!("{event:?}") };
    assert_eq!(Case::rests_on(&[event]), [Subject::Instrument(BUILT_IN.parse().unwrap())]);
}

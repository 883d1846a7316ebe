//! Supervision over HTTP: marks, warnings and what became of them, for those who may know.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something unexpected happens")]

#[expect(unreachable_pub, dead_code, reason = "shared by the tests of this folder")]
mod city;

use api::ticker::Rounds;
use chrono::TimeDelta;
use city::{CITY, COUNTY, City, HALL, types};
use serde_json::{Value, json};

const RETURN: &str = "return";

async fn returned_after_receipt(city: &City) -> String {
    let case = city.received().await;
    city.act("clerk", &case, RETURN, json!({"reason": "材料不全，请回去再准备"})).await.ok();
    case
}

fn listed<'a>(answer: &'a Value, list: &str) -> Vec<&'a Value> {
    answer[list].as_array().unwrap().iter().collect()
}

#[actix_web::test]
async fn a_hidden_refusal_is_found_and_told_to_have_come_back() {
    let city = City::new().await;
    let case = returned_after_receipt(&city).await;
    city.caught_up().await;
    let supervisor = city.token("supervisor", CITY);
    let path = "/anomalies?kind=hidden-refusal";
    let found = city.get(&supervisor, path).await.ok();
    let [row] = listed(&found, "anomalies")[..] else { panic!("{found}") };
    assert_eq!(row["case"], case.as_str());
    assert_eq!(
        (&row["clerk"], &row["organisation"], &row["act"]),
        (&json!("clerk-361023100"), &json!(HALL), &json!("case-returned"))
    );
    assert_eq!(row["label_zh"], "收件后退件");
    assert!(row["came_back"].is_null());
    let before = city.node.clock.now().to_rfc3339().replace('+', "%2B");

    let again = city.accepted().await;
    city.caught_up().await;
    let found = city.get(&supervisor, path).await.ok();
    assert_eq!(found["anomalies"][0]["came_back"]["case"], again.as_str());
    // As it was known before, nobody had come back.
    let then = city.get(&supervisor, &format!("{path}&as_of={before}")).await.ok();
    assert!(then["anomalies"][0]["came_back"].is_null(), "{then}");
}

#[actix_web::test]
async fn who_serves_sees_their_own_marks_only() {
    let city = City::new().await;
    returned_after_receipt(&city).await;
    city.caught_up().await;
    let count = |answer: Value| listed(&answer, "anomalies").len();
    assert_eq!(count(city.get(&city.token("clerk", HALL), "/anomalies").await.ok()), 1);
    assert_eq!(count(city.get(&city.token("handler", HALL), "/anomalies").await.ok()), 0);
    city.get(&city.token("handler", HALL), "/anomalies?clerk=clerk-361023100").await.refused(403, "forbidden");
    assert_eq!(count(city.get(&city.token("chief", HALL), "/anomalies?clerk=clerk-361023100").await.ok()), 1);
    assert_eq!(count(city.get(&city.token("supervisor", COUNTY), "/anomalies").await.ok()), 1);
    assert_eq!(count(city.get(&city.token("supervisor", "361002"), "/anomalies").await.ok()), 0);
    city.get(&city.token("supervisor", "361002"), &format!("/anomalies?org={HALL}")).await.refused(404, "not-found");
    city.get(&city.resident(), "/anomalies").await.refused(403, "forbidden");
    city.get(&city.token("screen", HALL), "/anomalies").await.refused(403, "forbidden");
}

#[actix_web::test]
async fn marks_are_paged_in_both_orders_and_cursors_hold() {
    let city = City::new().await;
    for _ in 0..3 {
        returned_after_receipt(&city).await;
    }
    city.caught_up().await;
    let supervisor = city.token("supervisor", CITY);
    for sort in ["newest", "oldest"] {
        let mut cursor = String::new();
        let mut positions = Vec::new();
        loop {
            let page = city
                .get(&supervisor, &format!("/anomalies?kind=hidden-refusal&sort={sort}&limit=1{cursor}"))
                .await
                .ok();
            positions.extend(listed(&page, "anomalies").iter().map(|row| row["position"].as_u64().unwrap()));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(positions.len(), 3, "{sort}");
        assert!(positions.is_sorted_by(|a, b| if sort == "oldest" { a < b } else { b < a }), "{positions:?}");
    }
    city.get(&supervisor, "/anomalies?cursor=AAAA").await.refused(400, "invalid-cursor");
    city.get(&supervisor, "/anomalies?kind=laziness").await.refused(400, "invalid-parameter");
    city.get(&supervisor, "/anomalies?from=2026-02-02&to=2026-02-01").await.refused(400, "reversed-range");
    city.get(&supervisor, "/anomalies?from=2027-01-01").await.refused(400, "future-moment");
}

#[actix_web::test]
async fn counts_shares_and_cards_follow_the_marks() {
    let city = City::new().await;
    returned_after_receipt(&city).await;
    let open = city.open().await;
    city.act("clerk", &open, RETURN, json!({"reason": "重复申请"})).await.ok();
    city.caught_up().await;
    let supervisor = city.token("supervisor", CITY);
    let path = "/statistics/anomalies?kind=hidden-refusal&group_by=kind,clerk";
    let told = city.get(&supervisor, path).await.ok();
    assert_eq!(told["total"], 1);
    assert_eq!(told["rows"][0]["key"], json!({"kind": "hidden-refusal", "clerk": "clerk-361023100"}));
    // One of two returns came after receipt.
    assert_eq!(told["rows"][0]["share"]["denominator"], 2, "{told}");
    let cards = city.get(&supervisor, "/statistics/cards").await.ok();
    assert_eq!((&cards["rows"][0]["person"], &cards["rows"][0]["red"]), (&json!("clerk-361023100"), &json!(1)));
    let own = city.get(&city.token("handler", HALL), "/statistics/cards").await.ok();
    assert_eq!(own["rows"], json!([]));
    // Nothing was recorded since: the same figures, of the same position. Then something is.
    assert_eq!(city.get(&supervisor, path).await.ok()["position"], told["position"]);
    returned_after_receipt(&city).await;
    city.caught_up().await;
    assert_eq!(city.get(&supervisor, path).await.ok()["total"], 2);
}

#[actix_web::test]
async fn a_warning_is_raised_read_answered_and_acted_on() {
    let city = City::new().await;
    let case = city.accepted().await;
    city.act("clerk", &case, "route", json!({"to": HALL})).await.ok();
    city.act("handler", &case, "claim", json!({})).await.ok();
    city.act("handler", &case, "read-warning", json!({})).await.against("no-warning");
    // The promise of eighteen working days turns yellow in its last fifth.
    city.pass(TimeDelta::days(22));
    city.caught_up().await;
    assert!(0 < Rounds::new(&city.node).look(&city.node).await);
    city.caught_up().await;
    let supervisor = city.token("supervisor", CITY);
    let path = "/warnings?threshold=yellow&clock=promised";
    let warned = city.get(&supervisor, path).await.ok();
    let [row] = listed(&warned, "warnings")[..] else { panic!("{warned}") };
    assert_eq!(
        (&row["clerk"], &row["read"], &row["answered"]),
        (&json!("handler-361023100"), &json!(false), &json!(false))
    );

    let read = city.act("handler", &case, "read-warning", json!({})).await.ok();
    assert!(types(&read).iter().all(|name| *name == "warning-read"));
    city.pass(TimeDelta::hours(2));
    let answer = json!({"answer": "明日办结"});
    city.act("handler", &case, "answer-warning", answer.clone()).await.ok();
    assert!(types(&city.act("handler", &case, "answer-warning", answer).await.ok()).is_empty());
    city.act("handler", &case, "release", json!({})).await.ok();
    city.caught_up().await;
    let warned = city.get(&supervisor, path).await.ok();
    assert_eq!((&warned["warnings"][0]["read"], &warned["warnings"][0]["answered"]), (&json!(true), &json!(true)));
    let told = city.get(&supervisor, "/statistics/warnings?threshold=yellow&clock=promised&group_by=org").await.ok();
    let [row] = listed(&told, "rows")[..] else { panic!("{told}") };
    assert_eq!(
        (&row["raised"], &row["read"]["numerator"], &row["answered"]["numerator"]),
        (&json!(1), &json!(1), &json!(1))
    );
    // Reading and answering move nothing; the release did, two hours and some minutes later.
    assert_eq!((&row["acted"]["numerator"], &row["hours_to_action"]["p50"]), (&json!(1), &json!(3)));
}

#[actix_web::test]
async fn a_threshold_warns_once_however_often_the_clock_ticks() {
    let city = City::new().await;
    city.accepted().await;
    city.pass(TimeDelta::days(22));
    city.caught_up().await;
    let first = Rounds::new(&city.node).look(&city.node).await;
    city.caught_up().await;
    assert!(0 < first);
    assert_eq!(Rounds::new(&city.node).look(&city.node).await, 0);
}

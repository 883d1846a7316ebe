//! Halls over HTTP: who is on duty.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something unexpected happens")]

#[expect(unreachable_pub, dead_code, reason = "shared by the tests of this folder")]
mod city;

use chrono::TimeDelta;
use city::{CITY, COUNTY, City, HALL, types};
use serde_json::{Value, json};

/// Two clerks of 琴城镇, for its window of social assistance.
async fn assistants(city: &City) {
    let admin = city.token("admin", CITY);
    for staff in ["first", "second"] {
        let appointed = json!({"staff": staff, "roles": ["clerk"], "valid_from": "2026-01-01"});
        city.post(&admin, &format!("/organisations/{HALL}/actions/appoint-staff"), appointed).await.ok();
    }
}

fn roster() -> Value {
    json!({"organisation": HALL, "month": "2026-03", "duties": [
        {"window": "S1", "staff": "first", "full_time": true, "party_post": true, "days": [2, 3, 4]},
        {"window": "S1", "staff": "second", "full_time": true, "days": [2, 4]}
    ]})
}

const ROSTER: &str = "/rosters/361023100-2026-03";

#[actix_web::test]
async fn a_window_is_proven_to_be_staffed_and_gaps_are_listed() {
    let city = City::new().await;
    assistants(&city).await;
    let chief = city.token("chief", HALL);
    let posted = city.post(&chief, "/rosters", roster()).await.ok();
    assert_eq!((types(&posted), posted["id"].as_str()), (vec!["roster-posted"], Some("361023100-2026-03")));
    let away = json!({"day": "2026-03-04", "window": "S1", "off": "first", "reason": "leave"});
    city.post(&chief, &format!("{ROSTER}/actions/change-duty"), away).await.ok();
    city.pass(TimeDelta::days(3));
    let confirmed = city.post(&chief, &format!("{ROSTER}/actions/confirm"), json!({"through": "2026-03-04"})).await;
    let position = confirmed.ok()["position"].as_u64().unwrap();

    let supervisor = city.token("supervisor", CITY);
    let asked = format!("/staffing?org={COUNTY}&from=2026-03-02&to=2026-03-05&min_position={position}");
    let answer = city.get(&supervisor, &asked).await.ok();
    let hall = answer["halls"].as_array().unwrap().iter().find(|hall| hall["organisation"] == HALL).unwrap();
    assert_eq!((&hall["open_days"], &hall["proven"], &hall["gap_days"]), (&json!(3), &json!(1), &json!(2)), "{hall}");
    assert_eq!(hall["gaps"][0]["lacking"], "too-few");
    assert_eq!(hall["gaps"][0]["through"], "2026-03-04", "one full-time member on the third and on the fourth");

    let then = city.get(&supervisor, &format!("{ROSTER}?as_of=2026-03-02T10:03:30%2B08:00")).await;
    assert_eq!(then.ok()["confirmed_through"], Value::Null);
    let now = city.get(&supervisor, ROSTER).await;
    let etag = now.header("etag").to_owned();
    let now = now.ok();
    assert_eq!(now["days"][3]["on_duty"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        (&now["days"][1]["assistance"], &now["days"][2]["assistance"]["lacking"]),
        (&json!("proven"), &json!("too-few"))
    );
    let known = actix_web::test::TestRequest::get()
        .uri(&format!("/api/v1{ROSTER}"))
        .insert_header(("authorization", format!("Bearer {supervisor}")))
        .insert_header(("if-none-match", etag));
    assert_eq!(city.send(known).await.status.as_u16(), 304);
}

#[actix_web::test]
async fn rosters_belong_to_those_who_answer_for_the_hall() {
    let city = City::new().await;
    assistants(&city).await;
    city.post(&city.token("clerk", HALL), "/rosters", roster()).await.refused(403, "forbidden");
    city.post(&city.token("chief", "361002004"), "/rosters", roster()).await.refused(404, "not-found");
    city.post(&city.resident(), "/rosters", roster()).await.refused(404, "not-found");
    let chief = city.token("chief", HALL);
    city.post(&chief, "/rosters", roster()).await.ok();
    city.post(&chief, "/rosters", roster()).await.against("roster-already-posted");
    let confirm = json!({"through": "2026-03-04"});
    city.post(&chief, &format!("{ROSTER}/actions/confirm"), confirm).await.against("not-over-yet");
    city.post(&chief, "/rosters/361023100/actions/confirm", json!({})).await.refused(404, "not-found");
    city.post(&chief, &format!("{ROSTER}/actions/burn"), json!({})).await.refused(404, "not-found");
    city.get(&city.token("chief", "361002004"), ROSTER).await.refused(404, "not-found");
    city.get(&city.token("screen", HALL), ROSTER).await.refused(403, "forbidden");
    city.get(&chief, "/staffing?from=2026-03-03&to=2026-03-02").await.refused(400, "reversed-range");
}

#[actix_web::test]
async fn a_long_list_of_halls_is_read_in_pages() {
    let city = City::new().await;
    let supervisor = city.token("supervisor", CITY);
    let first = city.get(&supervisor, "/staffing?limit=100").await.ok();
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = city.get(&supervisor, &format!("/staffing?limit=100&cursor={cursor}")).await.ok();
    let ids = |page: &Value| -> Vec<String> {
        page["halls"].as_array().unwrap().iter().map(|hall| hall["organisation"].to_string()).collect()
    };
    assert_eq!(first["total"], second["total"]);
    assert!(ids(&first).last() < ids(&second).first() && second["next_cursor"].is_null());
}

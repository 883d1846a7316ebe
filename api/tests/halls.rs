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

async fn point(city: &City, id: &str, action: &str, body: Value) -> city::Answer {
    city.post(&city.token("admin", CITY), &format!("/service-points/{id}/actions/{action}"), body).await
}

const STATION: &str = "361023100-QINTAILU";

#[actix_web::test]
async fn coverage_grows_day_by_day_and_the_circle_with_it() {
    let city = City::new().await;
    let village = json!({"region": "361023100901", "name_zh": "示例村", "setting": "country", "people": 900,
        "ways": [{"to": HALL, "minutes": 40}, {"to": STATION, "minutes": 12}]});
    let survey = json!({"source": "示例", "surveyed_on": "2026-03-01", "synthetic": true, "villages": [village]});
    point(&city, HALL, "survey-travel", survey).await.ok();
    point(&city, HALL, "launch", json!({"since": "2020-06-01", "items": [city::DIBAO, "FZ-009"]})).await.ok();
    let told = point(&city, STATION, "launch", json!({"since": "2026-03-02", "items": ["FZ-009"]})).await.ok();
    let position = told["position"].as_u64().unwrap();

    let anybody = city.resident();
    let live = city.get(&anybody, &format!("/coverage?org={COUNTY}&min_position={position}")).await.ok();
    assert_eq!(live["total"]["stations"], json!({"there": 1, "live": 1}));
    let hall = live["points"].as_array().unwrap().iter().find(|point| point["organisation"] == HALL).unwrap();
    assert_eq!((&hall["live_since"], &hall["items"]["numerator"]), (&json!("2020-06-01"), &json!(2)));
    let before = format!("/coverage?org={COUNTY}&as_of=2026-03-02T10:02:30%2B08:00");
    let before = city.get(&anybody, &before).await.ok();
    assert_eq!(before["total"]["stations"]["live"], 0);

    let circle = city.get(&anybody, &format!("/service-circle?org={COUNTY}")).await.ok();
    assert_eq!(circle["total"]["country"]["people"]["numerator"], 900);
    let earlier = city.get(&anybody, "/service-circle?as_of=2026-03-02T10:02:30%2B08:00").await.ok();
    assert_eq!((&earlier["outside_villages"], &earlier["outside"][0]["nearest"]["minutes"]), (&json!(1), &json!(40)));

    let near = |item: &str| format!("/service-circle/nearest?village=361023100901&item={item}");
    let nearest = city.get(&anybody, &near("FZ-009")).await.ok();
    let names: Vec<&Value> = nearest["nearest"].as_array().unwrap().iter().map(|one| &one["organisation"]).collect();
    assert_eq!((names, &nearest["nearest"][1]["open_now"]), (vec![&json!(STATION), &json!(HALL)], &json!(true)));
    let only_hall = city.get(&anybody, &near(city::DIBAO)).await.ok();
    assert_eq!(only_hall["nearest"][0]["organisation"], HALL);
    city.get(&anybody, "/service-circle/nearest?village=361023100999").await.refused(404, "not-found");
    city.get(&anybody, "/service-circle/nearest").await.refused(400, "invalid-parameter");
}

#[actix_web::test]
async fn service_points_are_set_up_by_administrators_and_by_the_rules() {
    let city = City::new().await;
    let launch = json!({"since": "2020-06-01", "items": [city::DIBAO]});
    let path = format!("/service-points/{HALL}/actions/launch");
    city.post(&city.token("clerk", HALL), &path, launch.clone()).await.refused(403, "forbidden");
    point(&city, "361999", "launch", launch.clone()).await.refused(404, "not-found");
    point(&city, HALL, "burn", json!({})).await.refused(404, "not-found");
    point(&city, HALL, "enable-items", json!({"since": "2020-06-01", "items": [city::DIBAO]}))
        .await
        .against("not-live");
    point(&city, HALL, "launch", json!({"since": "2020-06-01", "items": []})).await.against("no-item-named");
    let mut misspelt = launch;
    misspelt["itmes"] = json!(["FZ-009"]);
    let refused = point(&city, HALL, "launch", misspelt).await.refused(400, "malformed");
    assert_eq!(refused["errors"][0]["pointer"], "/itmes");
}

#[actix_web::test]
async fn a_report_is_the_statistics_in_a_table() {
    let city = City::new().await;
    let case = city.received().await;
    city.act("clerk", &case, "withdraw", json!({"reason": "不办了", "act_of_applicant": true})).await;
    let position = city.node.store.head().await.unwrap().position.0;
    let supervisor = city.token("supervisor", CITY);
    let of = |name: &str, rest: &str| format!("/reports/{name}?month=2026-03&min_position={position}{rest}");

    let statistics = city.get(&supervisor, &format!("/statistics/balance?month=2026-03&min_position={position}")).await;
    let statistics = statistics.ok();
    let balance = city.get(&supervisor, &of("balance", "")).await.ok();
    let keys: Vec<&str> =
        balance["columns"].as_array().unwrap().iter().map(|column| column["key"].as_str().unwrap()).collect();
    let total = balance["rows"].as_array().unwrap().last().unwrap();
    for key in ["opening", "submitted", "closed", "open"] {
        let place = keys.iter().position(|known| *known == key).unwrap();
        assert_eq!(total[place], statistics["total"][key], "{key}");
    }
    assert_eq!((&total[0], &statistics["total"]["submitted"]), (&json!("合计"), &json!(1)));

    for name in [
        "balance",
        "on-time",
        "satisfaction",
        "staffing",
        "anomalies",
        "certificate-free",
        "cross-township",
        "coverage",
    ] {
        let table = city.get(&supervisor, &of(name, "&format=csv&bom=1")).await;
        assert_eq!((table.status.as_u16(), table.header("content-type")), (200, "text/csv; charset=utf-8"), "{name}");
        let text = String::from_utf8(table.bytes.to_vec()).unwrap();
        let text = text.strip_prefix('\u{feff}').unwrap_or_else(|| panic!("{name} has no mark"));
        assert!(text.starts_with("单位,名称,") && text.contains("\r\n合计,"), "{name}: {text}");
        let cells: Vec<usize> = text.lines().map(|line| line.split(',').count()).collect();
        assert!(cells.windows(2).all(|pair| pair[0] == pair[1]), "{name}: {cells:?}");
        assert!(table.header("content-disposition").contains(&format!("{name}-2026-03.csv")));
    }
    let plain = city.get(&supervisor, &of("coverage", "&format=csv")).await;
    assert!(plain.bytes.starts_with("单位".as_bytes()));
    city.get(&supervisor, &of("balance", "&bom=1")).await.refused(400, "invalid-parameter");
    city.get(&supervisor, &of("gossip", "")).await.refused(404, "not-found");
    city.get(&supervisor, "/reports/balance").await.refused(400, "invalid-parameter");
    city.get(&supervisor, "/reports/balance?month=2026-04").await.refused(400, "future-moment");
    city.get(&city.resident(), &of("balance", "")).await.refused(403, "forbidden");
}

//! 考评 and 标杆大厅 over HTTP: a hall is inspected, scored from the record, and chosen.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something unexpected happens")]

#[expect(unreachable_pub, dead_code, reason = "shared by the tests of this folder")]
mod city;

use actix_web::test::TestRequest;
use city::{Answer, CITY, COUNTY, City, HALL, types};
use serde_json::{Value, json};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n a photo of the signs";

fn checklist() -> Value {
    let computed = |figure: &str, without: u16| json!({"how": "computed", "figure": figure, "none_at": 0, "full_at": 100, "without_cases": without});
    json!({
        "checklist": "model-hall", "name_zh": "标杆大厅考评表", "valid_from": "2026-01-01", "total": 36,
        "weights": [{"criterion": "sense-comfort", "points": 6}, {"criterion": "completeness", "points": 10},
            {"criterion": "maturity", "points": 14}, {"criterion": "satisfaction", "points": 6}],
        "parts": [
            {"part": "SIGNS", "criterion": "sense-comfort", "name_zh": "标识齐全", "points": 4, "source": {"how": "inspected", "photo": true}},
            {"part": "BADGES", "criterion": "sense-comfort", "name_zh": "挂牌上岗", "points": 2, "source": {"how": "inspected"}},
            {"part": "ITEMS", "criterion": "completeness", "name_zh": "事项进驻率", "points": 10, "source": computed("items-enabled-share", 0)},
            {"part": "ON-TIME", "criterion": "maturity", "name_zh": "按时办结率", "points": 8, "source": computed("on-time-rate", 3)},
            {"part": "ONCE", "criterion": "maturity", "name_zh": "一次性告知率", "points": 6, "source": computed("one-time-notice-rate", 2)},
            {"part": "GOOD", "criterion": "satisfaction", "name_zh": "好评率", "points": 6, "source": computed("good-rate", 1)}
        ]
    })
}

fn supervisor(city: &City) -> String {
    city.token("supervisor", CITY)
}

async fn published(city: &City) {
    city.post(&supervisor(city), "/checklists", checklist()).await.ok();
    city.caught_up().await;
}

async fn opened(city: &City, hall: &str) -> String {
    let body = json!({"hall": hall, "checklist": "model-hall", "from": "2026-02-01", "to": "2026-03-03"});
    let opened = city.post(&supervisor(city), "/inspections", body).await.ok();
    assert_eq!(types(&opened), ["inspection-opened"]);
    opened["id"].as_str().unwrap().to_owned()
}

async fn act(city: &City, inspection: &str, action: &str, body: Value) -> Answer {
    city.post(&supervisor(city), &format!("/inspections/{inspection}/actions/{action}"), body).await
}

async fn photo(city: &City, token: &str, inspection: &str, part: &str, media_type: &str, bytes: &[u8]) -> Answer {
    let mut body =
        format!("--frontier\r\nContent-Disposition: form-data; name=\"code\"\r\n\r\n{part}\r\n").into_bytes();
    let head = format!(
        "--frontier\r\nContent-Disposition: form-data; name=\"file\"; filename=\"p\"\r\nContent-Type: {media_type}\r\n\r\n"
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(bytes);
    body.extend_from_slice(b"\r\n--frontier--\r\n");
    let request = TestRequest::post()
        .uri(&format!("/api/v1/inspections/{inspection}/photos"))
        .insert_header(("authorization", format!("Bearer {token}")))
        .insert_header(("idempotency-key", city.key()))
        .insert_header(("content-type", "multipart/form-data; boundary=frontier"))
        .set_payload(body);
    city.send(request).await
}

/// An inspection of a hall with every part looked at.
async fn inspected(city: &City, hall: &str, badges: f64) -> String {
    let inspection = opened(city, hall).await;
    let taken = photo(city, &supervisor(city), &inspection, "SIGNS", "image/png", PNG).await.ok();
    let signs = json!({"part": "SIGNS", "points": 3.5, "photos": [taken["photo"]], "note": "导引标识齐全"});
    act(city, &inspection, "inspect-part", signs).await.ok();
    act(city, &inspection, "inspect-part", json!({"part": "BADGES", "points": badges})).await.ok();
    inspection
}

async fn scored(city: &City, hall: &str, badges: f64) -> String {
    let inspection = inspected(city, hall, badges).await;
    city.caught_up().await;
    let scored = act(city, &inspection, "score", json!({})).await.ok();
    assert_eq!(types(&scored), ["inspection-scored"]);
    inspection
}

#[actix_web::test]
async fn a_score_can_be_derived_again_from_the_log_however_history_goes_on() {
    let city = City::new().await;
    published(&city).await;
    let launch = json!({"since": "2020-06-01", "items": [city::DIBAO, "FZ-005"]});
    let path = format!("/service-points/{HALL}/actions/launch");
    city.post(&city.token("admin", CITY), &path, launch).await.ok();
    let case = city.received().await;
    let missing = json!({"missing": [{"code": "HK"}]});
    city.act("clerk", &case, "issue-notice", missing.clone()).await.ok();
    let inspection = inspected(&city, HALL, 2.0).await;
    let unscored = city.get(&supervisor(&city), &format!("/inspections/{inspection}")).await.ok();
    assert!(unscored["score"].is_null() && unscored["rederived"].is_null());
    city.caught_up().await;
    act(&city, &inspection, "score", json!({})).await.ok();

    // What happens afterwards changes what the views tell now, not what they told then.
    let more = json!({"since": "2020-06-01", "items": ["FZ-009"]});
    city.post(&city.token("admin", CITY), &format!("/service-points/{HALL}/actions/enable-items"), more).await.ok();
    city.act("clerk", &case, "supplement", json!({"materials": [{"code": "HK"}]})).await.ok();
    city.act("clerk", &case, "issue-notice", missing).await.ok();
    city.caught_up().await;
    let sheet = city.get(&supervisor(&city), &format!("/inspections/{inspection}")).await.ok();
    assert_eq!(sheet["rederived"]["equal"], true, "{sheet}");
    let part = |code: &str| {
        let parts = sheet["parts"].as_array().unwrap();
        parts.iter().find(|part| part["part"] == code).unwrap().clone()
    };
    assert_eq!(part("ITEMS")["measured"]["numerator"], 2);
    assert_eq!((&part("ON-TIME")["points"], &part("GOOD")["points"]), (&json!(3.0), &json!(1.0)), "no cases");
    let once = part("ONCE");
    assert_eq!((&once["measured"]["numerator"], &once["measured"]["denominator"]), (&json!(1), &json!(1)), "{once}");
    let asked_once = async |query: &str| {
        let told = city.get(&supervisor(&city), query).await.ok();
        told["total"]["asked_once"]["numerator"].clone()
    };
    let query = once["query"].as_str().unwrap().strip_prefix("/api/v1").unwrap();
    assert_eq!(asked_once(query).await, 1, "as it was when the hall was scored");
    assert_eq!(asked_once(query.split("&as_of").next().unwrap()).await, 0, "the second notice came later");
    assert_eq!((&part("SIGNS")["points"], &part("SIGNS")["note"]), (&json!(3.5), &json!("导引标识齐全")));
    let query = part("ITEMS")["query"].as_str().unwrap().strip_prefix("/api/v1").unwrap().to_owned();
    let then = city.get(&supervisor(&city), &query).await.ok();
    let hall = then["points"].as_array().unwrap().iter().find(|point| point["organisation"] == HALL).unwrap();
    assert_eq!(hall["items"]["numerator"], 2, "the query behind the figure tells it as it was");

    let paper = part("SIGNS")["photos"][0]["photo"].as_str().unwrap().to_owned();
    let shown = city.get(&supervisor(&city), &format!("/inspections/{inspection}/photos/{paper}")).await;
    assert_eq!((shown.status.as_u16(), &shown.bytes[..]), (200, PNG));
    let listed = city.get(&supervisor(&city), &format!("/inspections?org={COUNTY}")).await.ok();
    assert_eq!(listed["inspections"][0]["score"]["position"], sheet["score"]["position"]);
}

#[actix_web::test]
async fn a_score_sheet_with_missing_parts_is_refused_by_the_name_of_the_rule() {
    let city = City::new().await;
    published(&city).await;
    let inspection = opened(&city, HALL).await;
    act(&city, &inspection, "score", json!({})).await.against("parts-missing");
    let no_photo = json!({"part": "SIGNS", "points": 4});
    act(&city, &inspection, "inspect-part", no_photo).await.against("photo-missing");
    act(&city, &inspection, "inspect-part", json!({"part": "BADGES", "points": 2.5}))
        .await
        .against("more-points-than-the-part");
    act(&city, &inspection, "inspect-part", json!({"part": "ITEMS", "points": 1})).await.against("part-is-computed");
    act(&city, &inspection, "inspect-part", json!({"part": "BADGES", "points": -1}))
        .await
        .refused(422, "invalid-content");
    let somebody = city.token_for("supervisor", CITY, "somebody-else");
    let path = format!("/inspections/{inspection}/actions/inspect-part");
    city.post(&somebody, &path, json!({"part": "BADGES", "points": 1})).await.against("not-the-inspector");
    let text = photo(&city, &supervisor(&city), &inspection, "SIGNS", "application/pdf", b"%PDF-1.7").await;
    assert_eq!(text.body["errors"][0]["pointer"], "/file");
    let stranger = city.token("supervisor", "361002");
    photo(&city, &stranger, &inspection, "SIGNS", "image/png", PNG).await.refused(404, "not-found");
    city.get(&stranger, &format!("/inspections/{inspection}")).await.refused(404, "not-found");
    let own = city.token("supervisor", HALL);
    let body = json!({"hall": HALL, "checklist": "model-hall", "from": "2026-02-01", "to": "2026-03-01"});
    city.post(&own, "/inspections", body.clone()).await.against("inspects-own-hall");
    let mut unknown = body;
    unknown["checklist"] = "gossip".into();
    city.post(&supervisor(&city), "/inspections", unknown).await.against("checklist-not-in-use");
}

#[actix_web::test]
async fn a_checklist_adds_up_and_asks_only_for_what_a_view_can_tell() {
    let city = City::new().await;
    let mut faked = checklist();
    faked["parts"][2]["source"]["figure"] = "certificate-free-share-by-hand".into();
    city.post(&supervisor(&city), "/checklists", faked).await.against("figure-without-source");
    let mut short = checklist();
    short["total"] = 31.into();
    city.post(&supervisor(&city), "/checklists", short).await.against("weights-do-not-sum-up");
    city.post(&city.token("supervisor", COUNTY), "/checklists", checklist()).await.refused(403, "forbidden");
    published(&city).await;
    let listed = city.get(&city.token("clerk", HALL), "/checklists").await.ok();
    assert_eq!((&listed["checklists"][0]["id"], &listed["checklists"][0]["in_use"]), (&json!("model-hall"), &json!(1)));
}

#[actix_web::test]
async fn each_county_chooses_three_of_its_own_scored_halls() {
    let city = City::new().await;
    published(&city).await;
    let campaign = json!({"campaign": "model-halls-2026", "name_zh": "2026年度标杆大厅", "checklist": "model-hall",
        "halls_per_county": 3, "from": "2026-03-01", "through": "2026-03-31"});
    city.post(&supervisor(&city), "/campaigns", campaign).await.ok();
    let county = city.token("supervisor", COUNTY);
    let choose = async |token: &str, inspection: &str| {
        city.post(token, "/campaigns/model-halls-2026/actions/choose", json!({"inspection": inspection})).await
    };
    let mut halls = Vec::new();
    for (hall, badges) in [(HALL, 2.0), ("361023101", 1.0), ("361023102", 1.5), ("361023103", 0.0)] {
        halls.push(scored(&city, hall, badges).await);
    }
    let unscored = inspected(&city, "361023104", 1.0).await;
    choose(&county, &unscored).await.against("not-scored");
    choose(&city.token("supervisor", "361002"), &halls[0]).await.against("hall-of-other-county");
    choose(&city.token("clerk", COUNTY), &halls[0]).await.refused(403, "forbidden");
    for hall in &halls[..3] {
        choose(&county, hall).await.ok();
    }
    choose(&county, &halls[3]).await.against("county-has-chosen");
    city.caught_up().await;

    let told = city.get(&city.token("clerk", HALL), "/campaigns/model-halls-2026").await.ok();
    let candidates: Vec<&Value> = told["candidates"].as_array().unwrap().iter().map(|one| &one["hall"]).collect();
    assert_eq!(candidates, [HALL, "361023102", "361023101"], "best first");
    assert_eq!(told["counties"].as_array().unwrap().len(), 11);
    let sheet = told["candidates"][0]["sheet"].as_str().unwrap().strip_prefix("/api/v1").unwrap().to_owned();
    assert_eq!(city.get(&supervisor(&city), &sheet).await.ok()["rederived"]["equal"], true);
    let counties = city.get(&county, "/rankings?checklist=model-hall").await.ok();
    assert_eq!(
        (&counties["ranking"][0]["organisation"], &counties["ranking"][0]["halls"]),
        (&json!(COUNTY), &json!(4))
    );
    let halls = city.get(&county, "/rankings?checklist=model-hall&by=hall").await.ok();
    assert_eq!((&halls["ranking"][0]["organisation"], &halls["ranking"][3]["rank"]), (&json!(HALL), &json!(4)));
    let withdraw = json!({"hall": "361023101"});
    city.post(&county, "/campaigns/model-halls-2026/actions/withdraw", withdraw).await.ok();
    city.get(&city.resident(), "/campaigns").await.refused(403, "forbidden");
}

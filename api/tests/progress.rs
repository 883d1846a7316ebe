//! How far a case is, for whoever holds its receipt.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something unexpected happens")]

#[expect(unreachable_pub, dead_code, reason = "shared by the tests of this folder")]
mod city;

use actix_web::test::TestRequest;
use city::{Answer, CITY, City, HALL, ID_NUMBER, NAME};
use serde_json::{Value, json};

struct Receipt {
    case: String,
    number: String,
    receipt: String,
    code: String,
}

async fn received(city: &City) -> Receipt {
    let opened = city.post(&city.token("clerk", HALL), "/cases", city::application()).await.ok();
    let case = opened["id"].as_str().unwrap().to_owned();
    let printed = city.act("clerk", &case, "receive", json!({})).await.ok()["receipt"].clone();
    city.caught_up().await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    Receipt {
        case,
        number: text(&opened["number"]),
        receipt: text(&printed["number"]),
        code: text(&printed["query_code"]),
    }
}

async fn ask(city: &City, number: &str, code: &str) -> Answer {
    let body = json!({"number": number, "code": code});
    city.send(TestRequest::post().uri("/api/v1/progress").set_json(body)).await
}

#[actix_web::test]
async fn the_receipt_tells_what_is_done_what_is_next_by_when_and_whom_to_call() {
    let city = City::new().await;
    let held = received(&city).await;
    let told = ask(&city, &held.number, &held.code).await.ok();
    assert_eq!(told["stage_zh"], "材料已收到，正在核对。");
    assert_eq!((&told["by"], &told["overdue"]), (&json!("2026-03-09"), &json!(false)));
    assert_eq!(told["call"], json!({"organisation_zh": "琴城镇便民服务中心", "phone": "12345"}));
    assert_eq!(told, ask(&city, &held.receipt, &held.code).await.ok(), "the receipt's own number does as well");

    city.act("clerk", &held.case, "accept", json!({})).await.ok();
    let told = ask(&city, &held.number, &held.code).await.ok();
    assert_eq!((&told["next_zh"], &told["next_en"]), (&json!("作出决定"), &json!("The decision")));
    assert_eq!(told["by"], "2026-03-26");

    let phone = json!({"phone": "0794-3222222", "valid_from": "2026-03-01"});
    city.post(&city.token("admin", HALL), &format!("/organisations/{HALL}/actions/set-contact"), phone).await.ok();
    city.pass(chrono::TimeDelta::days(40));
    let told = ask(&city, &held.number, &held.code).await.ok();
    assert_eq!((&told["overdue"], &told["call"]["phone"]), (&json!(true), &json!("0794-3222222")));
}

#[actix_web::test]
async fn a_code_is_read_however_it_is_typed() {
    let city = City::new().await;
    let held = received(&city).await;
    let typed = format!(" {}-{} ", &held.code[..4].to_lowercase(), &held.code[4..]);
    ask(&city, &held.number, &typed).await.ok();
}

#[actix_web::test]
async fn a_wrong_number_and_a_wrong_code_look_the_same() {
    let city = City::new().await;
    let (held, other) = (received(&city).await, received(&city).await);
    let wrong_code = ask(&city, &held.number, "00000000").await.refused(404, "not-found");
    let wrong_number = ask(&city, "BJ361023100-20260302-00000000", &held.code).await.refused(404, "not-found");
    assert_eq!(wrong_code, wrong_number);
    ask(&city, &held.number, &other.code).await.refused(404, "not-found");
    // The beginning of a number is not the number.
    ask(&city, &held.number[..20], &held.code).await.refused(404, "not-found");
    ask(&city, &held.number, "").await.refused(422, "invalid-content");
    let unknown = json!({"number": held.number, "code": held.code, "item": true});
    let request = TestRequest::post().uri("/api/v1/progress").set_json(unknown);
    city.send(request).await.refused(400, "malformed");
}

#[actix_web::test]
async fn nothing_else_is_told() {
    let city = City::new().await;
    let held = received(&city).await;
    let answer = ask(&city, &held.number, &held.code).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let told = answer.ok();
    let text = told.to_string();
    for secret in [NAME, ID_NUMBER, &held.case, &held.number, "FZ-001", "低保", "最低生活保障", "clerk", CITY] {
        assert!(!text.contains(secret), "{secret} stands in {text}");
    }
    let mut fields: Vec<&str> = told.as_object().unwrap().keys().map(String::as_str).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["as_of", "by", "call", "next_en", "next_zh", "overdue", "stage_en", "stage_zh"]);
}

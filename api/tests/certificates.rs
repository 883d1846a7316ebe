//! Certificates and the city's data over HTTP, each beside a real server that stands in for the city's.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something unexpected happens")]

#[expect(unreachable_pub, reason = "shared by the tests of this folder")]
#[allow(dead_code, reason = "each test file uses its part")]
mod city;

use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use api::config::{Library, Secret};
use chrono::TimeDelta;
use city::{Answer, CITY, COUNTY, City, HALL, ID_NUMBER, NAME, application, types};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

const NEIGHBOUR: &str = "361023200002290018";

fn certificate(kind: &str) -> Value {
    json!({
        "kind": kind, "number": "HK-36102300012345", "holder": {"name": NAME, "id_number": ID_NUMBER},
        "issuer": "南丰县公安局", "issued_on": "2020-05-06", "valid_until": "2030-05-05"
    })
}

fn without(code: &str) -> Value {
    let mut body = application();
    body["materials"].as_array_mut().unwrap().retain(|material| material["code"] != code);
    body
}

/// A case that lacks one paper, taken in.
async fn received_without(city: &City, code: &str) -> String {
    let opened = city.post(&city.token("clerk", HALL), "/cases", without(code)).await.ok();
    let case = opened["id"].as_str().unwrap().to_owned();
    city.act("clerk", &case, "receive", json!({})).await.ok();
    case
}

async fn seen_at_the_window(city: &City, body: &Value) -> String {
    let seen = city.post(&city.token("clerk", HALL), "/certificates", body.clone()).await.ok();
    seen["id"].as_str().unwrap().to_owned()
}

async fn stand_for(city: &City, case: &str, code: &str, certificate: &str) -> Answer {
    city.act("clerk", case, "replace-material", json!({"code": code, "certificate": certificate})).await
}

#[actix_web::test]
async fn a_certificate_named_in_the_application_stands_for_its_paper() {
    let city = City::new().await;
    let clerk = city.token("clerk", HALL);
    let id = seen_at_the_window(&city, &certificate("HK")).await;
    let applying = |named: Value| {
        let mut body = without("HK");
        body["materials"].as_array_mut().unwrap().push(named);
        body
    };
    let named = applying(json!({"code": "HK", "how": "e-cert", "certificate": id}));
    let opened = city.post(&clerk, "/cases", named.clone()).await.ok();
    assert_eq!(types(&opened), ["case-submitted", "material-replaced-by-certificate"]);
    let case = opened["id"].as_str().unwrap();
    city.act("clerk", case, "receive", json!({})).await.ok();
    city.act("clerk", case, "accept", json!({})).await.ok();

    city.post(&clerk, "/cases", applying(json!({"code": "HK", "how": "e-cert"})))
        .await
        .against("certificate-not-named");
    let unknown = json!({"code": "HK", "how": "e-cert", "certificate": "01KH9Z6V0000000000000000AA"});
    city.post(&clerk, "/cases", applying(unknown)).await.against("certificate-not-on-record");
    let on_paper = json!({"code": "HK", "how": "original", "certificate": id});
    let refused = city.post(&clerk, "/cases", applying(on_paper)).await.refused(422, "invalid-content");
    assert!(refused["errors"][0]["pointer"].as_str().unwrap().ends_with("/certificate"), "{refused}");

    let revoke = json!({"kind": "cancelled", "basis": "户口迁出", "on": "2026-03-01", "reason": "迁往外省"});
    city.post(&city.token("chief", HALL), &format!("/certificates/{id}/actions/revoke"), revoke).await.ok();
    city.post(&clerk, "/cases", named).await.against("certificate-revoked");
}

#[actix_web::test]
async fn a_notice_tells_what_lay_in_the_library_when_it_was_given() {
    let city = City::new().await;
    let clerk = city.token("clerk", HALL);
    seen_at_the_window(&city, &certificate("HK")).await;
    let mut over = certificate("ID");
    over["valid_until"] = json!("2026-01-31");
    seen_at_the_window(&city, &over).await;
    let mut neighbours = certificate("BANK");
    neighbours["holder"]["id_number"] = json!(NEIGHBOUR);
    seen_at_the_window(&city, &neighbours).await;
    let case = city.received().await;
    city.caught_up().await;

    let missing = ["HK", "ID", "BANK"].map(|code| json!({"code": code}));
    let issued = city.act("clerk", &case, "issue-notice", json!({"missing": missing})).await.ok();
    assert_eq!(issued["in_library"], json!(["HK"]), "valid, and of somebody in the case");
    city.caught_up().await;
    let told = city.get(&clerk, "/statistics/supplements?group_by=material").await.ok();
    let row = |code: &str| told["rows"].as_array().unwrap().iter().find(|row| row["key"]["material"] == code).unwrap();
    assert_eq!(["HK", "ID", "BANK"].map(|code| row(code)["in_library"].as_i64().unwrap()), [1, 0, 0]);
    let held = told.to_string();
    assert!(!held.contains(ID_NUMBER) && !held.contains(NAME));
}

#[actix_web::test]
async fn a_certificate_stands_for_a_paper_and_says_what_was_relied_on() {
    let city = City::new().await;
    let case = received_without(&city, "HK").await;
    let (clerk, path) = (city.token("clerk", HALL), format!("/cases/{case}"));
    city.act("clerk", &case, "accept", json!({})).await.against("materials-incomplete");
    let id = seen_at_the_window(&city, &certificate("HK")).await;
    city.caught_up().await;
    let could = city.get(&clerk, &format!("{path}/certificates")).await.ok();
    let household = could["materials"].as_array().unwrap().iter().find(|material| material["code"] == "HK").unwrap();
    assert_eq!((&household["missing"], &household["certificates"][0]["usable"]), (&json!(true), &json!(true)));

    let replaced = stand_for(&city, &case, "HK", &id).await.ok();
    assert_eq!(types(&replaced), ["material-replaced-by-certificate"]);
    city.caught_up().await;
    let file = city.get(&clerk, &path).await.ok();
    let relied_on = &file["relied_on"][0];
    assert_eq!((&relied_on["certificate"], &relied_on["certificate_version"]), (&json!(id), &json!(1)));
    assert_eq!((&relied_on["trust"], &relied_on["verified_by"]), (&json!("B"), &json!(format!("clerk-{HALL}"))));
    let looked = json!({"fields": ["number"], "purpose": "verify-identity"});
    let clear = city.post(&clerk, &format!("/certificates/{id}/unmask"), looked).await.ok();
    assert_eq!(clear["snapshot_sha256"], relied_on["snapshot_sha256"], "the same bytes, made again from the log");
    assert_eq!(types(&stand_for(&city, &case, "HK", &id).await.ok()), Vec::<&str>::new());
    city.act("clerk", &case, "accept", json!({})).await.ok();

    let timeline = city.get(&city.token("supervisor", CITY), &format!("{path}/timeline")).await.ok();
    let labels: Vec<_> = timeline["entries"].as_array().unwrap().iter().map(|entry| &entry["label_zh"]).collect();
    assert!(labels.contains(&&json!("电子证照免交材料")));
    let analyst = city.get(&city.token("analyst", CITY), &path).await;
    let text = String::from_utf8(analyst.bytes.to_vec()).unwrap();
    assert!(!text.contains(city.node.vault.subject(ID_NUMBER).as_str()), "{text}");
}

#[actix_web::test]
async fn what_does_not_stand_is_refused_by_its_rule() {
    let city = City::new().await;
    let case = received_without(&city, "HK").await;
    let with = |change: fn(&mut Value)| {
        let mut body = certificate("HK");
        change(&mut body);
        body
    };
    let expired = seen_at_the_window(&city, &with(|body| body["valid_until"] = json!("2025-12-31"))).await;
    stand_for(&city, &case, "HK", &expired).await.against("certificate-expired");
    // The same number is on record for somebody else.
    let other = with(|body| body["holder"]["id_number"] = json!(NEIGHBOUR));
    city.post(&city.token("clerk", HALL), "/certificates", other).await.against("holder-differs");
    let anothers = seen_at_the_window(
        &city,
        &with(|body| {
            body["number"] = json!("HK-2");
            body["holder"]["id_number"] = json!(NEIGHBOUR);
        }),
    )
    .await;
    stand_for(&city, &case, "HK", &anothers).await.against("certificate-of-another");
    let marriage = seen_at_the_window(&city, &certificate("MARR")).await;
    stand_for(&city, &case, "HK", &marriage).await.against("certificate-of-another-kind");
    stand_for(&city, &case, "HK", "01J8Z3M6Q5Y7V9X1B2C3D4E5F6").await.against("certificate-not-on-record");

    let revoked = seen_at_the_window(&city, &with(|body| body["number"] = json!("HK-3"))).await;
    let revoke = json!({"kind": "cancelled", "basis": "户口迁出", "on": "2026-03-01", "reason": "迁往外省"});
    let path = format!("/certificates/{revoked}/actions/revoke");
    city.post(&city.token("clerk", HALL), &path, revoke.clone()).await.against("not-for-this-role");
    city.post(&city.token("chief", HALL), &path, revoke).await.ok();
    stand_for(&city, &case, "HK", &revoked).await.against("certificate-revoked");

    // What its holder uploaded must be compared with the original, and then can be used.
    let uploaded = city.post(&city.resident(), "/certificates", with(|body| body["number"] = json!("HK-4"))).await.ok();
    let uploaded = uploaded["id"].as_str().unwrap();
    stand_for(&city, &case, "HK", uploaded).await.against("certificate-not-compared");
    // Whoever has a case of the holder to work on may see what the holder uploaded.
    city.caught_up().await;
    city.post(&city.token("clerk", HALL), &format!("/certificates/{uploaded}/actions/verify"), json!({})).await.ok();
    stand_for(&city, &case, "HK", uploaded).await.ok();
}

#[actix_web::test]
async fn a_result_is_a_certificate_in_the_same_breath_and_falls_with_it() {
    let city = City::new().await;
    let case = city.accepted().await;
    city.act("clerk", &case, "route", json!({"to": HALL})).await.ok();
    city.act("chief", &case, "decide", json!({"outcome": "granted"})).await.ok();
    let (token, key) = (city.token("certificate-maker", HALL), city.key());
    let path = format!("/cases/{case}/actions/make-result");
    let body = json!({"name": "低保证", "valid_until": "2027-03-01"});
    let made = city.send(city.post_with_key(&token, &path, &body, &key)).await.ok();
    assert_eq!(types(&made), ["result-made", "certificate-issued"]);
    assert_eq!(made["certificate"], case.as_str());
    assert_eq!(city.send(city.post_with_key(&token, &path, &body, &key)).await.ok(), made, "once, however often asked");

    city.caught_up().await;
    let shown = city.get(&city.resident(), &format!("/certificates/{case}")).await.ok();
    assert_eq!((&shown["kind"], &shown["state"], &shown["trust"]), (&json!("DIB"), &json!("valid"), &json!("A")));
    assert_eq!(shown["holder"]["name"], "钱*");
    let before = city.node.clock.now().to_rfc3339().replace('+', "%2B");

    city.act("delivery-clerk", &case, "finish", json!({})).await.ok();
    let revoke = json!({"kind": "revoked", "basis": "行政许可法第六十九条", "on": "2026-03-02", "reason": "隐瞒收入"});
    let revoked = city.act("chief", &case, "revoke-result", revoke).await.ok();
    assert_eq!(types(&revoked), ["result-revoked", "certificate-revoked"]);
    let path = format!("/certificates/{case}");
    assert_eq!(city.get(&city.resident(), &path).await.ok()["state"], "revoked");
    let then = city.get(&city.resident(), &format!("{path}?as_of={before}")).await.ok();
    assert_eq!(then["state"], "valid", "as it stood");
}

#[actix_web::test]
async fn certificates_are_found_by_those_who_may_see_them() {
    let city = City::new().await;
    let id = seen_at_the_window(&city, &certificate("HK")).await;
    let mut neighbours = certificate("HK");
    neighbours["number"] = json!("HK-2");
    neighbours["holder"]["id_number"] = json!(NEIGHBOUR);
    neighbours["valid_until"] = json!("2021-01-01");
    let other = seen_at_the_window(&city, &neighbours).await;
    city.caught_up().await;
    let listed = |answer: Value| -> Vec<String> {
        let all = answer["certificates"].as_array().unwrap().clone();
        all.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    let subject = city.node.vault.subject(ID_NUMBER);
    let clerk = city.token("clerk", HALL);
    assert_eq!(listed(city.get(&clerk, "/certificates").await.ok()), [other.clone(), id.clone()]);
    assert_eq!(listed(city.get(&clerk, "/certificates?state=valid").await.ok()), std::slice::from_ref(&id));
    assert_eq!(
        listed(city.get(&clerk, &format!("/certificates?subject={subject}")).await.ok()),
        std::slice::from_ref(&id)
    );
    assert_eq!(listed(city.get(&clerk, "/certificates?kind=DIS").await.ok()), Vec::<String>::new());
    assert_eq!(listed(city.get(&city.token("supervisor", COUNTY), "/certificates").await.ok()).len(), 2);
    assert_eq!(listed(city.get(&city.resident(), "/certificates").await.ok()), std::slice::from_ref(&id));
    let first = city.get(&clerk, "/certificates?limit=1").await.ok();
    let next = first["next_cursor"].as_str().unwrap();
    assert_eq!(
        listed(city.get(&clerk, &format!("/certificates?limit=1&cursor={next}")).await.ok()),
        std::slice::from_ref(&id)
    );

    // Another township sees it once its holder has a case there, and no sooner.
    let elsewhere = city.token("clerk", "361023101");
    let path = format!("/certificates/{id}");
    city.get(&elsewhere, &path).await.refused(404, "not-found");
    city.get(&city.resident(), &format!("/certificates/{other}")).await.refused(404, "not-found");
    city.get(&city.token("analyst", CITY), &path).await.refused(403, "forbidden");
    city.get("", &path).await.refused(401, "unauthenticated");
    let mut there = application();
    there["intake"] = json!("361023101");
    city.post(&elsewhere, "/cases", there).await.ok();
    city.caught_up().await;
    assert_eq!(city.get(&elsewhere, &path).await.ok()["number_masked"], "************2345");
}

#[actix_web::test]
async fn looking_at_a_certificate_in_clear_is_on_record() {
    let city = City::new().await;
    let id = seen_at_the_window(&city, &certificate("HK")).await;
    let path = format!("/certificates/{id}/unmask");
    let body = json!({"fields": ["name", "id_number", "number"], "purpose": "verify-identity"});
    let clear = city.post(&city.token("clerk", HALL), &path, body.clone()).await;
    assert_eq!(clear.header("cache-control"), "no-store");
    let clear = clear.ok();
    assert_eq!(types(&clear), ["certificate-unmasked"]);
    assert_eq!(clear["fields"], json!({"id_number": ID_NUMBER, "name": NAME, "number": "HK-36102300012345"}));
    city.post(&city.token("receptionist", HALL), &path, body.clone()).await.refused(404, "not-found");
    // Whoever was looked at may know who looked.
    city.caught_up().await;
    let events = city.get(&city.resident(), "/events?types=certificate-unmasked").await.ok();
    assert_eq!(events.as_array().unwrap().len(), 1);
    let text = events.to_string();
    assert!(!text.contains(NAME) && !text.contains("HK-36102300012345"), "{text}");
}

// The city's library as a file.

const TABLE: &str = "kind,number,holder_name,holder_id_number,issuer,issued_on,valid_until,status,status_on\n\
    DIS,D-1,钱学甲乙,11010519491231002X,南丰县残联,2020-05-06,2030-05-05,valid,\n\
    DIS,D-2,钱学甲乙,110105194912310021,南丰县残联,2020-05-06,2030-05-05,valid,\n\
    DIS,D-3,王某,361023200002290018,南丰县残联,2030-05-06,,valid,\n\
    DIS,D-4,王某,361023200002290018,南丰县残联,2020-05-06,,cancelled,2024-01-01\n\
    DIS,D-5,王某\n";

async fn import(city: &City, media_type: &str, body: impl Into<web::Bytes>) -> Answer {
    city.pass(TimeDelta::minutes(1));
    let request = TestRequest::post()
        .uri("/api/v1/certificate-libraries/city/actions/import")
        .insert_header(("authorization", format!("Bearer {}", city.token("admin", CITY))))
        .insert_header(("idempotency-key", city.key()))
        .insert_header(("content-type", media_type))
        .set_payload(body.into());
    city.send(request).await
}

fn counts(told: &Value) -> [u64; 4] {
    ["added", "changed", "unchanged", "rejected"].map(|name| told[name].as_u64().unwrap())
}

#[actix_web::test]
async fn each_bad_row_of_a_file_is_answered_and_importing_again_adds_nothing() {
    let city = City::new().await;
    let told = import(&city, "text/csv", TABLE).await.ok();
    assert_eq!(counts(&told), [2, 0, 0, 3]);
    let refused: Vec<_> =
        told["rejections"].as_array().unwrap().iter().map(|row| (&row["row"], &row["code"])).collect();
    let (invalid, rule, malformed) = (json!("invalid-content"), json!("rule"), json!("malformed"));
    assert_eq!(refused, [(&json!(3), &invalid), (&json!(4), &rule), (&json!(6), &malformed)]);
    assert_eq!(told["rejections"][0]["errors"][0]["pointer"], "/holder/id_number");
    assert_eq!(told["rejections"][1]["rule"], "day-to-come");
    assert!(!told.to_string().contains("110105194912310021"), "{told}");

    let head = city.node.store.head().await.unwrap();
    let again = import(&city, "text/csv; charset=utf-8", TABLE).await.ok();
    assert_eq!(counts(&again), [0, 0, 2, 3]);
    assert_eq!(city.node.store.head().await.unwrap(), head, "nothing was written");

    // The same rows as JSON are the same certificates; what has changed since is a change.
    let row = json!({
        "kind": "DIS", "number": "D-1", "holder_name": NAME, "holder_id_number": ID_NUMBER, "issuer": "南丰县残联",
        "issued_on": "2020-05-06", "valid_until": "2036-05-05"
    });
    let changed = import(&city, "application/json", json!([row]).to_string()).await.ok();
    assert_eq!(counts(&changed), [0, 1, 0, 0]);
    city.caught_up().await;
    let library = city.get(&city.token("admin", CITY), "/certificate-libraries/city").await.ok();
    assert_eq!((&library["added"], &library["changed"]), (&json!(2), &json!(1)));
    let found = city.get(&city.token("admin", CITY), "/certificates?kind=DIS&state=revoked").await.ok();
    assert_eq!(found["certificates"].as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn a_file_that_is_none_is_refused_where_it_breaks() {
    let city = City::new().await;
    import(&city, "text/plain", TABLE).await.refused(415, "unsupported-media-type");
    let told = import(&city, "text/csv", "kind,colour\nDIS,red\n").await.ok();
    assert_eq!((counts(&told), &told["stopped"]["line"]), ([0, 0, 0, 0], &json!(1)));
    let broken = format!("{}\n\"never closed", &TABLE[..TABLE.find("DIS,D-2").unwrap()]);
    let told = import(&city, "text/csv", broken).await.ok();
    assert_eq!(counts(&told), [1, 0, 0, 0], "what came before the break stays");
    assert!(told["stopped"]["detail"].is_string());
    let path = "/certificate-libraries/city/actions/import";
    let clerk = city.post_with_key(&city.token("clerk", HALL), path, &json!([]), &city.key());
    city.send(clerk).await.refused(403, "forbidden");
    let county = city.post_with_key(&city.token("admin", COUNTY), path, &json!([]), &city.key());
    city.send(county).await.refused(403, "forbidden");
}

// Real servers that stand in for the city's.

/// A server on a port of its own, on a thread of its own.
fn server<F>(configure: F) -> String
where
    F: Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serve = move || {
        let server = HttpServer::new(move || App::new().configure(configure.clone())).workers(1).disable_signals();
        actix_web::rt::System::new().block_on(server.listen(listener).unwrap().run()).unwrap();
    };
    std::thread::spawn(serve);
    url
}

/// A library of some certificates, which is in trouble now and then.
#[derive(Default)]
struct Shelf {
    asked: AtomicUsize,
    /// Which requests, counted from 1, are answered with this status instead.
    troubles: Mutex<BTreeMap<usize, u16>>,
    count: AtomicUsize,
}

async fn page(shelf: web::Data<Arc<Shelf>>, request: HttpRequest) -> HttpResponse {
    let number = shelf.asked.fetch_add(1, Ordering::SeqCst) + 1;
    if let Some(status) = shelf.troubles.lock().unwrap().get(&number) {
        return HttpResponse::build(StatusCode::from_u16(*status).unwrap()).finish();
    }
    let query = web::Query::<BTreeMap<String, String>>::from_query(request.query_string()).unwrap();
    assert_eq!(request.headers().get("authorization").unwrap(), "Bearer shelf");
    let from: usize = query.get("after").map_or(0, |after| after.parse().unwrap());
    let to = (from + 2).min(shelf.count.load(Ordering::SeqCst));
    let rows: Vec<Value> = (from..to)
        .map(|number| {
            json!({"kind": "HK", "number": format!("N-{number}"), "holder_name": NAME, "holder_id_number": ID_NUMBER,
                "issuer": "南丰县公安局", "issued_on": "2020-01-01"})
        })
        .collect();
    HttpResponse::Ok().json(json!({"certificates": rows, "next": to.to_string()}))
}

async fn with_library(shelf: &Arc<Shelf>) -> City {
    let shelf = Arc::clone(shelf);
    let url = server(move |config| {
        config.app_data(web::Data::new(Arc::clone(&shelf))).route("/certificates", web::get().to(page));
    });
    let library = Library { url, token: Some(Secret::new("shelf")), patience_seconds: 2 };
    City::configured(|config| drop(config.libraries.insert("city".to_owned(), library))).await
}

async fn pull(city: &City, pages: u16) -> Value {
    let path = "/certificate-libraries/city/actions/pull";
    city.post(&city.token("admin", CITY), path, json!({"pages": pages})).await.ok()
}

#[actix_web::test]
async fn a_library_is_pulled_page_by_page_and_goes_on_where_it_ended() {
    let shelf = Arc::new(Shelf { count: 5.into(), ..Shelf::default() });
    let city = with_library(&shelf).await;
    let told = pull(&city, 1).await;
    assert_eq!((counts(&told), &told["cursor"], &told["more"]), ([2, 0, 0, 0], &json!("2"), &json!(true)));
    let told = pull(&city, 50).await;
    assert_eq!((counts(&told), &told["cursor"], &told["more"]), ([3, 0, 0, 0], &json!("5"), &json!(false)));
    let head = city.node.store.head().await.unwrap();
    assert_eq!(counts(&pull(&city, 50).await), [0, 0, 0, 0]);
    assert_eq!(city.node.store.head().await.unwrap(), head, "nothing new, nothing written");
    shelf.count.store(6, Ordering::SeqCst);
    assert_eq!(counts(&pull(&city, 50).await), [1, 0, 0, 0]);
}

#[actix_web::test]
async fn a_library_in_trouble_is_asked_again_and_then_told_of() {
    let shelf = Arc::new(Shelf { count: 4.into(), ..Shelf::default() });
    let city = with_library(&shelf).await;
    // The first page comes at the third attempt; the second page never does.
    shelf.troubles.lock().unwrap().extend([(1, 503), (2, 500), (4, 503), (5, 503), (6, 503), (7, 503)]);
    let told = pull(&city, 50).await;
    assert_eq!((counts(&told), &told["cursor"]), ([2, 0, 0, 0], &json!("2")));
    assert_eq!(told["stopped"]["code"], "unreachable");
    assert_eq!(counts(&pull(&city, 50).await), [2, 0, 0, 0], "and goes on behind what came");
    shelf.troubles.lock().unwrap().insert(shelf.asked.load(Ordering::SeqCst) + 1, 401);
    assert_eq!(pull(&city, 1).await["stopped"]["code"], "refused");
    let path = "/certificate-libraries/another/actions/pull";
    city.post(&city.token("admin", CITY), path, json!({})).await.refused(404, "not-found");
}

/// What the city's data service heard, and how it answers.
#[derive(Default)]
struct Registry {
    heard: Mutex<Vec<Value>>,
}

async fn query(registry: web::Data<Arc<Registry>>, body: web::Json<Value>) -> HttpResponse {
    let dataset = body["dataset"].as_str().unwrap().to_owned();
    registry.heard.lock().unwrap().push(body.into_inner());
    match dataset.as_str() {
        "household" => {
            let data = json!({"result": "match", "receipt": "GX-1", "data": {"address": "琴城镇"}});
            HttpResponse::Ok().json(data)
        }
        "BANK" => HttpResponse::Ok().json(json!({"result": "not-found"})),
        "ID" => HttpResponse::Forbidden().finish(),
        "INC" => HttpResponse::Ok().body("沉默"),
        // It says nothing for as long as anybody listens.
        _ => std::future::pending().await,
    }
}

async fn with_registry(registry: &Arc<Registry>) -> City {
    let registry = Arc::clone(registry);
    let url = server(move |config| {
        config.app_data(web::Data::new(Arc::clone(&registry))).route("/queries", web::post().to(query));
    });
    City::configured(|config| {
        config.data_share.url = Some(url);
        config.data_share.patience_seconds = 1;
        config.data_share.datasets.insert("HK".to_owned(), "household".to_owned());
    })
    .await
}

async fn ask(city: &City, case: &str, code: &str) -> Value {
    city.act("clerk", case, "check-data-share", json!({"code": code})).await.ok()
}

#[actix_web::test]
async fn the_citys_data_are_asked_and_question_answer_and_time_are_on_record() {
    let registry = Arc::new(Registry::default());
    let city = with_registry(&registry).await;
    let case = received_without(&city, "HK").await;
    let asked = ask(&city, &case, "HK").await;
    assert_eq!((types(&asked), &asked["outcome"]), (vec!["data-share-checked"], &json!("confirmed")));
    let heard = registry.heard.lock().unwrap().clone();
    assert_eq!(heard.len(), 1);
    assert_eq!((&heard[0]["name"], &heard[0]["id_number"]), (&json!(NAME), &json!(ID_NUMBER)));
    assert_eq!((&heard[0]["case"], &heard[0]["item"]), (&json!(case), &json!("FZ-001")));
    city.act("clerk", &case, "accept", json!({})).await.ok();

    city.caught_up().await;
    let file = city.get(&city.token("supervisor", CITY), &format!("/cases/{case}")).await.ok();
    let check = &file["data_shares"][0];
    assert_eq!((&check["dataset"], &check["receipt"]), (&json!("household"), &json!("GX-1")));
    assert_eq!(check["answer_sha256"].as_str().unwrap().len(), 64);
    assert!(check["asked_at"].is_string() && check["answered_at"].is_string());
    assert_eq!(check["snapshot"], json!({"sealed": true}), "kept, and for no reader of the file");
}

#[actix_web::test]
async fn what_an_application_leaves_to_the_citys_data_they_are_asked_before_it_is_opened() {
    let registry = Arc::new(Registry::default());
    let city = with_registry(&registry).await;
    let heard = || registry.heard.lock().unwrap().clone();
    let mut body = application();
    for material in body["materials"].as_array_mut().unwrap() {
        if ["HK", "BANK"].contains(&material["code"].as_str().unwrap()) {
            material["how"] = json!("data-share");
        }
    }
    // Nobody is asked what the rules would refuse.
    let mut own = body.clone();
    own["intake"] = json!(HALL);
    city.post(&city.resident(), "/cases", own).await.against("role-may-not");
    let mut elsewhere = body.clone();
    elsewhere["materials"][3]["how"] = json!("data-share");
    city.post(&city.token("clerk", HALL), "/cases", elsewhere).await.against("material-not-replaceable");
    assert_eq!(heard().len(), 0);

    let (clerk, key) = (city.token("clerk", HALL), city.key());
    let opened = city.send(city.post_with_key(&clerk, "/cases", &body, &key)).await.ok();
    assert_eq!(types(&opened), ["case-submitted", "data-share-checked", "data-share-checked"]);
    let told = json!([{"code": "BANK", "outcome": "not-found"}, {"code": "HK", "outcome": "confirmed"}]);
    assert_eq!(opened["data_shares"], told);
    let questions: Vec<Value> = heard().iter().map(|question| question["request"].clone()).collect();
    assert!(questions.len() == 2 && questions[0] != questions[1], "{questions:?}");
    assert!(heard().iter().all(|question| question["case"] == opened["id"] && question["id_number"] == ID_NUMBER));
    let again = city.send(city.post_with_key(&clerk, "/cases", &body, &key)).await.ok();
    assert_eq!((&again["data_shares"], heard().len()), (&told, 2), "what was answered once is answered so again");

    // Only what was confirmed stands for its paper; saying so at the window makes it no truer.
    let case = opened["id"].as_str().unwrap();
    let claims = |code: &str| json!({"materials": [{"code": code, "how": "data-share"}]});
    city.act("clerk", case, "receive", claims("BANK")).await.against("data-share-not-asked");
    city.act("clerk", case, "receive", claims("HK")).await.ok();
    city.act("clerk", case, "accept", json!({})).await.against("materials-incomplete");
    city.caught_up().await;
    let file = city.get(&city.token("supervisor", CITY), &format!("/cases/{case}")).await.ok();
    let outcomes: Vec<&Value> = file["data_shares"].as_array().unwrap().iter().map(|check| &check["outcome"]).collect();
    assert_eq!(outcomes, ["not-found", "confirmed"]);
}

#[actix_web::test]
async fn an_answer_that_does_not_come_is_a_recorded_fact() {
    let registry = Arc::new(Registry::default());
    let city = with_registry(&registry).await;
    let case = received_without(&city, "HK").await;
    for (code, outcome) in [("BANK", "not-found"), ("ID", "refused"), ("INC", "unreadable")] {
        assert_eq!(ask(&city, &case, code).await["outcome"], outcome, "{code}");
    }
    // Nobody is asked what the rules would refuse.
    let heard = registry.heard.lock().unwrap().len();
    let refused = city.act("clerk", &case, "check-data-share", json!({"code": "AUTH"})).await;
    refused.against("material-not-replaceable");
    let stranger = city.node.vault.subject(NEIGHBOUR);
    let about = json!({"code": "HK", "subject": stranger});
    city.act("clerk", &case, "check-data-share", about).await.against("data-share-about-another");
    assert_eq!(registry.heard.lock().unwrap().len(), heard);

    let silent = City::new().await;
    let case = received_without(&silent, "HK").await;
    assert_eq!(ask(&silent, &case, "HK").await["outcome"], "unreachable", "nobody was set up to answer");
    stand_for(&silent, &case, "HK", &seen_at_the_window(&silent, &certificate("HK")).await).await.ok();
}

#[actix_web::test]
async fn silence_ends_after_a_while() {
    let registry = Arc::new(Registry::default());
    let city = with_registry(&registry).await;
    let mut body = application();
    body["item"] = json!("FZ-005");
    body["materials"] = json!([{"code": "FORM"}, {"code": "ID"}, {"code": "BANK"}]);
    body["applicant"]["id_number"] = json!("362524194203150114");
    let opened = city.post(&city.token("clerk", HALL), "/cases", body).await.ok();
    let case = opened["id"].as_str().unwrap();
    city.act("clerk", case, "receive", json!({})).await.ok();
    let asked = city.act("clerk", case, "check-data-share", json!({"code": "AGID"})).await.ok();
    assert_eq!(asked["outcome"], "timed-out");
}

#[actix_web::test]
async fn a_file_answers_in_the_citys_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("data-share.json");
    // Every test city knows a person by the same reference.
    let subject = City::new().await.node.vault.subject(ID_NUMBER);
    std::fs::write(&file, json!({"HK": {subject.as_str(): {"registered": true}}, "BANK": {}}).to_string()).unwrap();
    let city = City::configured(|config| config.data_share.file = Some(file)).await;
    let case = received_without(&city, "HK").await;
    assert_eq!(ask(&city, &case, "BANK").await["outcome"], "not-found");
    assert_eq!(ask(&city, &case, "ID").await["outcome"], "refused");
    assert_eq!(ask(&city, &case, "HK").await["outcome"], "confirmed");
    city.act("clerk", &case, "accept", json!({})).await.ok();
}

#[actix_web::test]
async fn the_certificate_free_rate_moves_as_cases_end() {
    let city = City::new().await;
    let finish = async |materials: Value| {
        let mut body = application();
        body["item"] = json!("FZ-005");
        body["applicant"]["id_number"] = json!("362524194203150114");
        body["materials"] = materials;
        let opened = city.post(&city.token("clerk", HALL), "/cases", body).await.ok();
        let case = opened["id"].as_str().unwrap().to_owned();
        city.act("clerk", &case, "receive", json!({})).await.ok();
        case
    };
    let on_paper = finish(json!([{"code": "ID"}, {"code": "HK"}, {"code": "BANK"}])).await;
    let spared = finish(json!([])).await;
    let mut body = certificate("HK");
    body["holder"]["id_number"] = json!("362524194203150114");
    for kind in ["ID", "HK", "BANK"] {
        body["kind"] = json!(kind);
        let id = seen_at_the_window(&city, &body).await;
        stand_for(&city, &spared, kind, &id).await.ok();
    }
    for case in [&on_paper, &spared] {
        city.act("clerk", case, "accept", json!({})).await.ok();
        city.act("clerk", case, "route", json!({"to": HALL})).await.ok();
        city.act("chief", case, "decide", json!({"outcome": "granted"})).await.ok();
        city.act("delivery-clerk", case, "finish", json!({})).await.ok();
    }
    city.caught_up().await;
    let path = "/statistics/certificate-free?from=2026-01-01&group_by=item,org,month";
    let told = city.get(&city.token("supervisor", CITY), path).await.ok();
    let row = &told["rows"][0];
    assert_eq!(row["key"], json!({"item": "FZ-005", "org": HALL, "month": "2026-03"}));
    let rate = &row["certificate_free_rate"];
    assert_eq!((&rate["numerator"], &rate["denominator"]), (&json!(1), &json!(2)));
    assert_eq!(row["by_certificate"], 3);
}

//! Every write once, over HTTP: that it is wired, answers as promised, and refuses as promised.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something unexpected happens")]

#[expect(unreachable_pub, reason = "shared by the tests of this folder")]
mod city;

use actix_web::http::Method;
use actix_web::test::TestRequest;
use api::config::{Config, Rate};
use api::ticker::Rounds;
use chrono::TimeDelta;
use city::{Answer, CITY, COUNTY, City, DIBAO, HALL, ID_NUMBER, NAME, application, monday, types};
use eventstore::{Position, Selection};
use serde_json::{Value, json};

const PDF: &[u8] = b"%PDF-1.7 a paper";

#[actix_web::test]
async fn a_case_goes_from_application_to_rating() {
    let city = City::new().await;
    let case = city.open().await;
    let clerk = city.token("clerk", HALL);
    let paper =
        city.attach(&clerk, &case, &city.key(), &[("code", None, b"ID"), ("file", Some("application/pdf"), PDF)]).await;
    let material = paper.ok()["material"].as_str().unwrap().to_owned();
    let back = city.get(&clerk, &format!("/cases/{case}/materials/{material}")).await;
    assert_eq!((back.status.as_u16(), &back.bytes[..]), (200, PDF));

    let received = city.act("clerk", &case, "receive", json!({})).await.ok();
    let code = received["receipt"]["rating_code"].as_str().unwrap().to_owned();
    city.act("clerk", &case, "issue-notice", json!({"missing": [{"code": "HK", "defect": "缺户主页"}]})).await.ok();
    city.act("clerk", &case, "supplement", json!({"materials": [{"code": "HK"}]})).await.ok();
    city.act("clerk", &case, "accept", json!({"kind": "normal"})).await.ok();
    city.act("clerk", &case, "route", json!({"to": HALL})).await.ok();
    city.act("handler", &case, "claim", json!({})).await.ok();
    let procedure = json!({"kind": "公示", "reason": "张榜公示七日", "limit": {"days": 7}});
    city.act("handler", &case, "request-open-special-procedure", procedure).await.ok();
    city.act("handler", &case, "approve-open-special-procedure", json!({"procedure": 1}))
        .await
        .refused(403, "forbidden");
    city.act("chief", &case, "approve-open-special-procedure", json!({"procedure": 1})).await.ok();
    city.act("handler", &case, "close-special-procedure", json!({"procedure": 1, "result": "无异议"})).await.ok();
    city.act("chief", &case, "decide", json!({"outcome": "granted"})).await.ok();
    city.act("certificate-maker", &case, "make-result", json!({"name": "最低生活保障证"})).await.ok();
    city.act("delivery-clerk", &case, "finish", json!({})).await.ok();
    city.act("delivery-clerk", &case, "deliver", json!({"recipient": "本人"})).await.ok();

    let opinion = json!({
        "subject": {"kind": "case", "id": case}, "stage": "finish", "level": "dissatisfied",
        "comment": "等了太久", "channel": "qr-code", "code": code
    });
    let rate =
        TestRequest::post().uri("/api/v1/ratings").insert_header(("idempotency-key", city.key())).set_json(&opinion);
    let rated = city.send(rate).await.ok();
    assert_eq!(types(&rated), ["rated", "bad-rating-opened"]);
    let rating = rated["id"].as_str().unwrap();
    let assign = json!({"organisation": HALL, "staff": "chief-361023100"});
    city.post(&city.token("supervisor", CITY), &format!("/ratings/{rating}/actions/assign"), assign).await.ok();
}

#[actix_web::test]
async fn the_second_act_of_two_belongs_to_another_person() {
    let city = City::new().await;
    let case = city.accepted().await;
    let path = |action: &str| format!("/cases/{case}/actions/{action}");
    let chief = city.token("chief", HALL);
    let ask = json!({"kind": "公示", "reason": "张榜公示", "limit": {"days": 7}});
    city.post(&chief, &path("request-open-special-procedure"), ask).await.ok();
    city.post(&chief, &path("approve-open-special-procedure"), json!({"procedure": 1}))
        .await
        .against("same-person-acts");
}

#[actix_web::test]
async fn a_repeated_key_gives_the_first_answer_and_writes_nothing() {
    let city = City::new().await;
    let (token, key) = (city.token("clerk", HALL), city.key());
    let first = city.send(city.post_with_key(&token, "/cases", &application(), &key)).await.ok();
    let head = city.node.store.head().await.unwrap();
    let again = city.send(city.post_with_key(&token, "/cases", &application(), &key)).await.ok();
    assert_eq!(first, again);

    let mut other = application();
    other["applicant"]["name"] = "李某".into();
    city.send(city.post_with_key(&token, "/cases", &other, &key)).await.refused(422, "idempotency-key-reused");
    let somebody = city.token_for("clerk", HALL, "somebody-else");
    city.send(city.post_with_key(&somebody, "/cases", &application(), &key))
        .await
        .refused(422, "idempotency-key-reused");
    assert_eq!(city.node.store.head().await.unwrap(), head);
}

#[actix_web::test]
async fn the_receipt_is_the_same_when_its_answer_is_asked_for_again() {
    let city = City::new().await;
    let case = city.open().await;
    let (token, key, path) = (city.token("clerk", HALL), city.key(), format!("/cases/{case}/actions/receive"));
    let first = city.send(city.post_with_key(&token, &path, &json!({}), &key)).await.ok();
    let again = city.send(city.post_with_key(&token, &path, &json!({}), &key)).await.ok();
    assert!(first["receipt"]["rating_code"].is_string() && first["receipt"]["query_code"].is_string());
    assert_eq!(first, again);
}

#[actix_web::test]
async fn an_older_version_is_refused_with_the_one_that_is_current() {
    let city = City::new().await;
    let case = city.open().await;
    let path = format!("/cases/{case}/actions/receive");
    let ask = |tag: &'static str| {
        let token = city.token("clerk", HALL);
        city.post_with_key(&token, &path, &json!({}), &city.key()).insert_header(("if-match", tag))
    };
    let stale = city.send(ask("\"7\"")).await.refused(412, "stale-version");
    assert_eq!(stale["current_version"], 1);
    let done = city.send(ask("\"1-green\"")).await;
    assert_eq!(done.header("etag"), "\"2\"");
    done.ok();
}

#[actix_web::test]
async fn a_stranger_gets_nowhere() {
    let city = City::new().await;
    for (method, path) in api::routes::write::ROUTES {
        let path = path
            .replace("{id}", "01J8Z3M6Q5Y7V9X1B2C3D4E5F6")
            .replace("{action}", "receive")
            .replace("{library}", "city");
        let request =
            || TestRequest::default().method(method.parse::<Method>().unwrap()).uri(&format!("/api/v1{path}"));
        let nobody = city
            .send(request().set_json(json!({"subject": {"kind": "case", "id": "01J8Z3M6Q5Y7V9X1B2C3D4E5F6"},
            "level": "fair", "channel": "web"})))
            .await;
        assert_eq!(nobody.status.as_u16(), 401, "{method} {path}: {}", nobody.body);
        let forger = city
            .send(request().insert_header(("authorization", "Bearer not.a.token")).set_json(json!({
            "subject": {"kind": "case", "id": "01J8Z3M6Q5Y7V9X1B2C3D4E5F6"}, "level": "fair", "channel": "web"})))
            .await;
        assert_eq!(forger.status.as_u16(), 401, "{method} {path}: {}", forger.body);
    }
}

#[actix_web::test]
async fn a_case_of_another_county_is_not_there() {
    let city = City::new().await;
    let case = city.open().await;
    let path = format!("/cases/{case}/actions/receive");
    let elsewhere = city.token("clerk", "361002004");
    city.post(&elsewhere, &path, json!({})).await.refused(404, "not-found");
    let stranger = city.token_for("resident", CITY, &"0".repeat(32));
    city.post(&stranger, &format!("/cases/{case}/actions/withdraw"), json!({"reason": "x"}))
        .await
        .refused(404, "not-found");
    let screen = city.token("screen", HALL);
    city.get(&screen, &format!("/cases/{case}/actions")).await.refused(404, "not-found");
}

#[actix_web::test]
async fn a_role_that_does_not_do_it_is_told_so_by_the_rule() {
    let city = City::new().await;
    let case = city.open().await;
    let refused = city.act("handler", &case, "receive", json!({})).await.refused(403, "forbidden");
    assert_eq!(refused["rule"], "role-may-not");
    city.act("clerk", &case, "decide", json!({"outcome": "granted"})).await.refused(403, "forbidden");
    city.act("chief", &case, "decide", json!({"outcome": "granted"})).await.refused(422, "rule");
}

#[actix_web::test]
async fn a_no_has_one_shape_in_two_languages() {
    let city = City::new().await;
    let ask = |language: &'static str| {
        TestRequest::get().uri("/api/v1/cases/x/actions").insert_header(("accept-language", language))
    };
    let zh = city.send(ask("fr, zh;q=0.8, en;q=0.5")).await;
    assert_eq!(zh.header("content-type"), "application/problem+json");
    assert_eq!(zh.header("www-authenticate"), "Bearer");
    let expected = json!({
        "type": "urn:yichuang:problem:unauthenticated", "title": "请先登录", "status": 401,
        "instance": "/api/v1/cases/x/actions", "code": "unauthenticated"
    });
    assert_eq!(zh.body, expected);
    assert_eq!(city.send(ask("en")).await.body["title"], "authentication is required");
}

#[actix_web::test]
async fn bad_input_gets_its_one_clear_answer() {
    let city = City::new().await;
    let token = city.token("clerk", HALL);
    let raw = |bytes: &str| {
        let request = city.post_with_key(&token, "/cases", &json!({}), &city.key());
        request.set_payload(bytes.to_owned()).insert_header(("content-type", "application/json"))
    };
    city.send(raw("{\"item\": ")).await.refused(400, "malformed");
    city.send(raw("[]")).await.refused(400, "malformed");
    city.send(raw(&format!("{{\"item\": \"{}\"}}", "x".repeat(200_000)))).await.refused(413, "too-large");
    city.send(raw("{}").insert_header(("content-type", "text/plain"))).await.refused(415, "unsupported-media-type");
    city.send(raw("{}").insert_header(("idempotency-key", "seven"))).await.refused(400, "invalid-idempotency-key");
    city.send(raw("{}").insert_header(("if-match", "seven"))).await.refused(400, "malformed");
    city.send(raw("{}").uri("/api/v1/cases?force=1").method(Method::POST)).await.refused(400, "unknown-parameter");
    city.send(raw("{}").method(Method::PATCH)).await.refused(405, "method-not-allowed");
    city.post(&token, "/no-such-thing", json!({})).await.refused(404, "not-found");
    let with = |change: fn(&mut Value)| {
        let mut body = application();
        change(&mut body);
        city.post(&token, "/cases", body)
    };
    let pointer = |body: Value| body["errors"][0]["pointer"].as_str().unwrap().to_owned();
    let unknown = with(|body| body["applicant"]["nickname"] = "x".into()).await.refused(400, "malformed");
    assert_eq!(pointer(unknown), "/applicant/nickname");
    let wrong_type = with(|body| body["materials"] = 7.into()).await.refused(400, "malformed");
    assert_eq!(pointer(wrong_type), "/materials");
    let wrong_number = with(|body| body["applicant"]["id_number"] = "110105194912310021".into()).await;
    assert_eq!(pointer(wrong_number.refused(422, "invalid-content")), "/applicant/id_number");
    with(|body| body["item"] = "FZ-999".into()).await.against("unknown-item");
    with(|body| body["intake"] = "369999".into()).await.against("unknown-organisation");
    let case = city.open().await;
    city.act("clerk", &case, "no-such-action", json!({})).await.refused(404, "not-found");
    city.act("clerk", &case, "deem-accepted", json!({})).await.refused(404, "not-found");
    city.act("clerk", &case, "finish", json!({"fee_fen": -1})).await.refused(400, "malformed");
    city.act("clerk", &case, "accept", json!({})).await.against("not-received");
    city.act("clerk", "01J8Z3M6Q5Y7V9X1B2C3D4E5F6", "accept", json!({})).await.refused(404, "not-found");
    city.act("clerk", "no-id", "accept", json!({})).await.refused(404, "not-found");
}

#[actix_web::test]
async fn an_act_keyed_in_late_is_neither_in_the_future_nor_before_its_predecessor() {
    let city = City::new().await;
    let case = city.open().await;
    let late = |at: String| json!({"occurred_at": at, "late_reason": "系统故障，先行纸质收件", "paper_reference": "ZZ-2026-001"});
    let after = |time: TimeDelta| (city.node.clock.now() + time).to_rfc3339();
    city.act("clerk", &case, "receive", late(after(TimeDelta::hours(1)))).await.against("occurred-in-future");
    city.act("clerk", &case, "receive", late(after(TimeDelta::hours(-5)))).await.against("occurred-before-predecessor");
    let without = json!({"occurred_at": after(TimeDelta::zero())});
    city.act("clerk", &case, "receive", without).await.refused(422, "invalid-content");
    city.pass(TimeDelta::hours(2));
    let done = city.act("clerk", &case, "receive", late(after(TimeDelta::hours(-1)))).await.ok();
    assert_eq!(types(&done), ["case-received", "late-entry-explained"]);
}

#[actix_web::test]
async fn of_two_clerks_at_once_one_receives() {
    let city = City::new().await;
    let case = city.open().await;
    let path = format!("/cases/{case}/actions/receive");
    let ask = |who: &str| city.post_with_key(&city.token_for("clerk", HALL, who), &path, &json!({}), &city.key());
    let (one, other) = futures::join!(city.send(ask("one")), city.send(ask("other")));
    let wins = |answer: &Answer| answer.status.is_success() && !answer.body["events"].as_array().unwrap().is_empty();
    assert!(wins(&one) ^ wins(&other), "{} {} / {} {}", one.status, one.body, other.status, other.body);
}

#[actix_web::test]
async fn papers_that_are_not_what_they_claim_are_refused() {
    let city = City::new().await;
    let (case, clerk) = (city.open().await, city.token("clerk", HALL));
    let attach = async |parts: &[(&str, Option<&str>, &[u8])]| city.attach(&clerk, &case, &city.key(), parts).await;
    let pdf = Some("application/pdf");
    attach(&[("code", None, b"ID"), ("file", pdf, b"MZ")]).await.refused(415, "unsupported-media-type");
    attach(&[("code", None, b"ID"), ("file", Some("text/html"), b"<p>")]).await.refused(415, "unsupported-media-type");
    attach(&[("code", None, b"ID"), ("file", pdf, &[b'%'; 20_000])]).await.refused(413, "too-large");
    attach(&[("code", None, b"ID"), ("file", pdf, b"")]).await.refused(422, "invalid-content");
    attach(&[("code", None, b"ID")]).await.refused(422, "invalid-content");
    attach(&[("file", pdf, PDF)]).await.refused(422, "invalid-content");
    let hash = "0".repeat(64);
    attach(&[("code", None, b"ID"), ("sha256", None, hash.as_bytes()), ("file", pdf, PDF)])
        .await
        .refused(422, "hash-mismatch");
    assert_eq!(city.version(&case).await, 1);

    let key = city.key();
    let parts: &[(&str, Option<&str>, &[u8])] = &[("code", None, b"ID"), ("file", pdf, PDF)];
    let first = city.attach(&clerk, &case, &key, parts).await.ok();
    assert_eq!(city.attach(&clerk, &case, &key, parts).await.ok(), first);
    let material = first["material"].as_str().unwrap();
    for shelf in std::fs::read_dir(city.folder.path().join("papers")).unwrap() {
        std::fs::remove_dir_all(shelf.unwrap().path()).unwrap();
    }
    city.get(&clerk, &format!("/cases/{case}/materials/{material}")).await.refused(503, "paper-unavailable");
}

#[actix_web::test]
async fn nothing_personal_is_stored_in_clear() {
    let city = City::new().await;
    let case = city.received().await;
    city.attach(
        &city.token("clerk", HALL),
        &case,
        &city.key(),
        &[("code", None, b"ID"), ("file", Some("application/pdf"), PDF)],
    )
    .await
    .ok();
    city.act("clerk", &case, "issue-notice", json!({"missing": [{"code": "HK", "defect": "钱学甲乙的户口簿缺页"}]}))
        .await
        .ok();
    let mut stored = Vec::new();
    let page = city
        .node
        .store
        .read(&Selection::All, Position(city.node.live.position().0.saturating_sub(50)), 4096)
        .await
        .unwrap();
    page.events.iter().for_each(|event| stored.extend_from_slice(event.body()));
    let mut folders = vec![city.folder.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { stored.extend(std::fs::read(path).unwrap()) }
        }
    }
    for clear in [NAME, ID_NUMBER, "13870401234", "琴台路8号", "6217000000000001234", "因病致贫", "缺页", "a paper"]
    {
        assert!(!stored.windows(clear.len()).any(|window| window == clear.as_bytes()), "{clear}");
    }
    assert!(stored.windows(3).any(|window| window == b"a1."), "sealed text is there");
}

#[actix_web::test]
async fn seeing_somebody_in_clear_is_an_event() {
    let city = City::new().await;
    let case = city.open().await;
    let path = format!("/cases/{case}/unmask");
    let ask = json!({"fields": ["name", "id_number"], "purpose": "verify-identity"});
    let shown = city.post(&city.token("clerk", HALL), &path, ask.clone()).await.ok();
    assert_eq!(shown["persons"][0]["fields"], json!({"name": NAME, "id_number": ID_NUMBER}));
    assert_eq!(types(&shown), ["person-unmasked"]);
    city.post(&city.token("analyst", CITY), &path, ask.clone()).await.refused(403, "forbidden");
    city.post(&city.resident(), &path, ask.clone()).await.ok();
    let nobody = json!({"fields": [], "purpose": "verify-identity"});
    city.post(&city.token("clerk", HALL), &path, nobody).await.refused(422, "invalid-content");
    let idle = json!({"fields": ["name"], "purpose": "curiosity"});
    city.post(&city.token("clerk", HALL), &path, idle).await.refused(400, "malformed");
}

#[actix_web::test]
async fn a_person_is_found_by_number_in_the_body() {
    let city = City::new().await;
    let case = city.open().await;
    city.caught_up().await;
    let ask = json!({"id_number": ID_NUMBER});
    let found = city.post(&city.token("clerk", HALL), "/subjects/lookup", ask.clone()).await.ok();
    assert_eq!(found["cases"], json!([case]));
    assert_eq!(found["subject"], city.node.vault.subject(ID_NUMBER).as_str());
    city.post(&city.token("analyst", CITY), "/subjects/lookup", ask).await.refused(403, "forbidden");
    let elsewhere = city.token("clerk", "361002004");
    let found = city.post(&elsewhere, "/subjects/lookup", json!({"id_number": ID_NUMBER})).await.ok();
    assert_eq!(found["cases"], json!([]));
    let wrong = json!({"id_number": "110105194912310021"});
    city.post(&elsewhere, "/subjects/lookup", wrong).await.refused(422, "invalid-content");
}

#[actix_web::test]
async fn what_one_may_do_is_listed_with_what_refuses_the_rest() {
    let city = City::new().await;
    let case = city.open().await;
    let offers = city.get(&city.token("clerk", HALL), &format!("/cases/{case}/actions")).await.ok();
    let names = |key: &str| -> Vec<String> {
        offers[key].as_array().unwrap().iter().map(|offer| offer["action"].as_str().unwrap().to_owned()).collect()
    };
    assert!(names("actions").contains(&"receive".to_owned()), "{offers}");
    assert!(names("refused").contains(&"decide".to_owned()), "{offers}");
    let receive = offers["actions"].as_array().unwrap().iter().find(|offer| offer["action"] == "receive").unwrap();
    assert_eq!((&receive["label_zh"], &receive["label_en"]), (&json!("收件"), &json!("Receive")));
    assert!(receive["body_schema"]["properties"]["materials"].is_object());
    assert!(receive["body_schema"]["properties"]["occurred_at"].is_object());
    let decide = offers["refused"].as_array().unwrap().iter().find(|offer| offer["action"] == "decide").unwrap();
    assert!(decide["rule"].is_string() && decide["detail_zh"].is_string());
}

#[actix_web::test]
async fn administrators_publish_what_the_city_goes_by() {
    let city = City::new().await;
    let admin = city.token("admin", CITY);
    let reference = city.node.reference.now();
    let known = reference.reference.catalogue.get(&DIBAO.parse().unwrap()).unwrap().latest().unwrap();
    let mut item = json!({"item": "FZ-100", "valid_from": "2026-01-01", "definition": known.definition});
    city.post(&city.token("clerk", HALL), "/items", item.clone()).await.refused(403, "forbidden");
    city.post(&city.token("admin", COUNTY), "/items", item.clone()).await.refused(403, "forbidden");
    let published = city.post(&admin, "/items", item.clone()).await;
    assert_eq!(published.status.as_u16(), 201);
    item["definition"]["colour"] = "red".into();
    city.post(&admin, "/items", item).await.refused(400, "malformed");

    // The very next request is decided by the new catalogue.
    let mut body = application();
    body["item"] = "FZ-100".into();
    city.post(&city.token("clerk", HALL), "/cases", body).await.ok();
    let last_day = json!({"last_day": "2026-12-31", "basis": "抚府办字〔2026〕1号"});
    city.post(&admin, "/items/FZ-100/actions/withdraw", last_day).await.ok();
    city.post(&admin, "/items/FZ-404/actions/withdraw", json!({})).await.refused(404, "not-found");

    let station = json!({"organisation": "361023100-SHILI", "parent": HALL, "kind": "village", "name_zh": "示例村便民服务站",
        "region": HALL, "valid_from": "2026-01-01"});
    city.post(&city.token("admin", COUNTY), "/organisations", station).await.ok();
    let hired = json!({"staff": "agent-01", "roles": ["village-agent"], "name": NAME, "valid_from": "2026-01-01"});
    city.post(&admin, "/organisations/361023100-SHILI/actions/appoint-staff", hired).await.ok();

    let mut year =
        json!({"year": 2031, "holidays": ["2031-01-01"], "workdays": [], "notice": "试", "published_on": "2026-03-02"});
    city.post(&admin, "/calendars", year.clone()).await.ok();
    year["holidays"] = json!(["2031-01-01", "2031-01-02"]);
    city.post(&admin, "/calendars", year).await.against("year-already-published");
    let days = json!({"holidays": ["2031-01-02"], "workdays": [], "notice": "改", "published_on": "2026-03-02"});
    city.post(&admin, "/calendars/calendar/actions/amend", days).await.ok();
    let rules = &reference.reference.policies.latest().rules;
    let mut policy = json!({"valid_from": "2027-01-01", "published_on": "2026-03-02", "rules": rules});
    city.post(&admin, "/policies", policy.clone()).await.ok();
    policy["rules"]["rating_days"] = 0.into();
    city.post(&admin, "/policies/policy/actions/publish", policy).await.against("no-rating-window");
}

#[actix_web::test]
async fn a_form_is_checked_by_the_items_schema_and_its_version_kept() {
    let city = City::new().await;
    let clerk = city.token("clerk", HALL);
    let mut body = application();
    body["form"] = json!({"household_size": 0, "housing": NAME, "pets": 2});
    body["applicant"]["id_number"] = "361023".into();
    let refused = city.post(&clerk, "/cases", body.clone()).await.refused(422, "invalid-content");
    let pointers: Vec<_> =
        refused["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    for pointer in ["/applicant/id_number", "/form/household_size", "/form/housing", "/form/pets", "/form/reason"] {
        assert!(pointers.contains(&pointer), "{refused}");
    }
    assert!(!refused.to_string().contains(NAME), "{refused}");

    body["applicant"] = application()["applicant"].clone();
    body["form"] = json!({"reason": "因病致贫", "household_size": 2});
    body["situations"] = json!(["MEDICAL"]);
    let opened = city.post(&clerk, "/cases", body.clone()).await.ok();
    city.caught_up().await;
    let shown = city.get(&clerk, &format!("/cases/{}", opened["id"].as_str().unwrap())).await.ok();
    let application = &shown["application"];
    assert_eq!((&application["form_version"], &application["situations"]), (&json!(1), &json!(["MEDICAL"])), "{shown}");
    assert!(!shown.to_string().contains("因病致贫"), "{shown}");

    body["situations"] = json!(["MOON"]);
    city.post(&clerk, "/cases", body.clone()).await.against("unknown-situation");
    (body["item"], body["situations"]) = ("FZ-013".into(), json!([]));
    city.post(&clerk, "/cases", body).await.refused(422, "invalid-content");
}

#[actix_web::test]
async fn an_item_with_a_form_that_nothing_can_be_checked_by_is_not_published() {
    let city = City::new().await;
    let reference = city.node.reference.now();
    let version = reference.reference.catalogue.get(&DIBAO.parse().unwrap()).unwrap().latest().unwrap();
    let mut item = json!({"item": "FZ-101", "valid_from": "2026-03-01", "definition": version.definition});
    item["definition"]["form"]["schema"]["properties"]["reason"]["type"] = "words".into();
    let admin = city.token("admin", CITY);
    let refused = city.post(&admin, "/items", item.clone()).await.refused(422, "invalid-content");
    assert_eq!(refused["errors"][0]["pointer"], "/definition/form/schema/properties/reason/type");
    item["definition"]["form"]["schema"]["properties"]["reason"]["type"] = "string".into();
    item["definition"]["promised_limit"] = json!({"days": 40, "unit": "natural"});
    item["definition"]["legal_limit"] = json!({"days": 20, "unit": "working"});
    city.post(&admin, "/items", item.clone()).await.against("promise-longer-than-law");
    item["definition"]["promised_limit"]["days"] = 28.into();
    city.post(&admin, "/items", item).await.ok();
}

#[actix_web::test]
async fn the_wrong_rating_code_opens_nothing() {
    let city = City::new().await;
    let case = city.accepted().await;
    let opinion = json!({"subject": {"kind": "case", "id": case}, "stage": "accept", "level": "fair", "channel": "qr-code",
        "code": "0000000000"});
    let guess = TestRequest::post().uri("/api/v1/ratings").set_json(&opinion);
    city.send(guess).await.refused(404, "not-found");
    let mut own = opinion;
    own["code"] = Value::Null;
    city.post(&city.resident(), "/ratings", own.clone()).await.ok();
    city.post(&city.resident(), "/ratings", own).await.against("already-rated");
}

#[actix_web::test]
async fn what_the_law_says_of_silence_happens_once_and_by_itself() {
    let city = City::new().await;
    let case = city.received_with_deeming().await;
    let mut rounds = Rounds::new(&city.node);
    city.caught_up().await;
    assert_eq!(rounds.look(&city.node).await, 0, "the five days have just begun");
    city.pass(TimeDelta::days(14));
    assert!(0 < rounds.look(&city.node).await);
    city.caught_up().await;
    let version = city.version(&case).await;
    assert_eq!(Rounds::new(&city.node).look(&city.node).await, 0, "nothing is due a second time");
    assert_eq!(city.version(&case).await, version);
    city.act("clerk", &case, "accept", json!({})).await.against("already-accepted");
}

#[actix_web::test]
async fn a_stream_ticket_holds_for_a_minute() {
    let city = City::new().await;
    let given = city.post(&city.token("clerk", HALL), "/stream-tickets", json!({})).await.ok();
    let ticket = given["ticket"].as_str().unwrap();
    assert!(city.node.tickets.holder(ticket, city.node.clock.now()).is_some());
    assert!(city.node.tickets.holder(ticket, city.node.clock.now() + TimeDelta::minutes(2)).is_none());
    assert!(monday() < city.node.clock.now());
}

#[actix_web::test]
async fn who_asks_too_often_is_told_when_to_come_again() {
    let limit = |config: &mut Config| {
        config.limits.caller = Rate::new(60, 3);
        config.limits.address = Rate::new(60, 2);
        config.limits.routes.insert("POST /api/v1/ratings".to_owned(), Rate::new(6, 1));
    };
    let city = City::configured(limit).await;
    let (clerk, other) = (city.token("clerk", HALL), city.token_for("clerk", HALL, "another"));
    for _ in 0..3 {
        city.get(&clerk, "/items").await.ok();
    }
    let refused = city.get(&clerk, "/items").await;
    assert_eq!((refused.header("retry-after"), refused.header("content-type")), ("1", "application/problem+json"));
    refused.refused(429, "too-many-requests");
    city.get(&other, "/items").await.ok();
    city.pass(TimeDelta::seconds(1));
    city.get(&clerk, "/items").await.ok();

    let nobody = |address: &str| TestRequest::get().uri("/api/v1/items").peer_addr(address.parse().unwrap());
    for _ in 0..2 {
        city.send(nobody("192.0.2.1:1000")).await.refused(401, "unauthenticated");
    }
    city.send(nobody("192.0.2.1:2000")).await.refused(429, "too-many-requests");
    city.send(nobody("192.0.2.2:1000")).await.refused(401, "unauthenticated");

    let rate = || TestRequest::post().uri("/api/v1/ratings").peer_addr("192.0.2.3:1000".parse().unwrap());
    assert_ne!(city.send(rate()).await.status.as_u16(), 429);
    let refused = city.send(rate()).await;
    assert_eq!(refused.header("retry-after"), "10");
    refused.refused(429, "too-many-requests");

    let figures = city.send(TestRequest::get().uri("/metrics")).await;
    let figures = String::from_utf8(figures.bytes.to_vec()).unwrap();
    for limit in ["caller", "address", "POST /api/v1/ratings"] {
        let counted = format!("yichuang_http_limited_total{{limit=\"{limit}\"}} 1");
        assert!(figures.contains(&counted), "{counted}");
    }
}

#[actix_web::test]
async fn what_is_taken_out_is_on_the_record_and_names_nobody() {
    let city = City::new().await;
    let case = city.accepted().await;
    city.open().await;
    city.caught_up().await;
    let (analyst, supervisor) = (city.token("analyst", CITY), city.token("supervisor", CITY));
    let ask =
        |format: &str| json!({"what": "cases", "format": format, "purpose": "analysis", "filters": {"item": DIBAO}});
    let key = city.key();
    let out = city.send(city.post_with_key(&analyst, "/exports", &ask("csv"), &key)).await;
    assert_eq!(out.status.as_u16(), 200, "{}", out.body);
    assert_eq!(
        (out.header("export-records"), out.header("content-type")),
        ("2", "text/csv; charset=utf-8; header=present")
    );
    let text = String::from_utf8(out.bytes.to_vec()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(lines[0].starts_with("case,source,item,item_version,phase,closing,"), "{text}");
    assert!(lines[1].starts_with(&format!("{case},own,{DIBAO},")), "{text}");
    assert_eq!(lines[0].split(',').count(), lines[1].split(',').count());
    let subject = city.node.vault.subject(ID_NUMBER);
    for personal in [NAME, ID_NUMBER, subject.as_str(), "BJ"] {
        assert!(!text.contains(personal), "{personal}: {text}");
    }
    // Of one person the two cases are seen to be, but nobody sees whose.
    let applicant = |line: &str| line.split(',').nth(10).unwrap().to_owned();
    assert_eq!(applicant(lines[1]), applicant(lines[2]));

    // A repeated request gives the same rows, though more has happened since, and records nothing.
    city.open().await;
    city.caught_up().await;
    let head = city.node.store.head().await.unwrap();
    let again = city.send(city.post_with_key(&analyst, "/exports", &ask("csv"), &key)).await;
    assert_eq!(again.bytes, out.bytes);
    assert_eq!(city.node.store.head().await.unwrap(), head);

    let lines = city.post(&supervisor, "/exports", ask("jsonl")).await;
    let first: Value = serde_json::from_slice(lines.bytes.split(|byte| *byte == b'\n').next().unwrap()).unwrap();
    assert_eq!((&first["case"], &first["phase"]), (&json!(case), &json!("accepted")));
    assert_ne!(first["applicant"], applicant(text.lines().nth(1).unwrap()), "two exports cannot be joined by person");
    city.caught_up().await;
    let looks = city.get(&supervisor, "/accesses").await.ok();
    let told = |look: &Value| (look["what"].clone(), look["by"].clone(), look["records"].clone());
    assert_eq!(told(&looks["accesses"][0]), (json!("export-made"), json!("supervisor-361000"), json!(3)));
    assert_eq!(told(&looks["accesses"][1]), (json!("export-made"), json!("analyst-361000"), json!(2)));

    let wrong = |filters: Value| json!({"what": "cases", "format": "csv", "purpose": "analysis", "filters": filters});
    city.post(&analyst, "/exports", wrong(json!({"color": "red"}))).await.refused(422, "invalid-content");
    city.post(&analyst, "/exports", wrong(json!({"light": "red"}))).await.refused(422, "invalid-content");
    city.post(&analyst, "/exports", wrong(json!({"item": "no item of ours"}))).await.refused(400, "invalid-parameter");
    city.post(&city.token("clerk", HALL), "/exports", ask("csv")).await.refused(403, "forbidden");
    let nothing = city.post(&analyst, "/exports", wrong(json!({"item": "FZ-002"}))).await;
    assert_eq!((nothing.header("export-records"), nothing.bytes.split(|byte| *byte == b'\n').count()), ("0", 2));
}

#[actix_web::test]
async fn a_second_application_is_warned_of_and_merged_into_the_first() {
    let city = City::new().await;
    let clerk = city.token("clerk", HALL);
    let (first, handler) = (city.accepted().await, city.token("handler", HALL));
    city.caught_up().await;
    let opened = city.post(&clerk, "/cases", application()).await.ok();
    let second = opened["id"].as_str().unwrap().to_owned();
    let warning = &opened["warnings"][0];
    assert_eq!((&warning["code"], &warning["case"]), (&json!("duplicate-application"), &json!(first)));
    assert!(warning["number"].is_string());
    // In another county the same warning names no case: it is not theirs to see.
    let elsewhere = "361002004";
    let mut there = application();
    there["region"] = json!(elsewhere);
    city.caught_up().await;
    let opened = city.post(&city.token("clerk", elsewhere), "/cases", there).await.ok();
    let warning = &opened["warnings"][0];
    assert_eq!(
        (&warning["code"], &warning["case"], &warning["number"]),
        (&json!("duplicate-application"), &Value::Null, &Value::Null)
    );

    city.caught_up().await;
    let story = format!("/cases/{}/timeline", opened["id"].as_str().unwrap());
    let (theirs, citys) = (city.token("clerk", elsewhere), city.token("supervisor", CITY));
    let names_it = async |token: &str| city.get(token, &story).await.ok().to_string().contains(&second);
    assert_eq!((names_it(&theirs).await, names_it(&citys).await), (false, true));
    // Whoever had seen the one story is not told that the other is the same.
    let tag = city.get(&theirs, &story).await.header("etag").to_owned();
    let with_tag = |token: &str| {
        let request = TestRequest::get().uri(&format!("/api/v1{story}"));
        request
            .insert_header(("authorization", format!("Bearer {token}")))
            .insert_header(("if-none-match", tag.clone()))
    };
    assert_eq!(city.send(with_tag(&theirs)).await.status, 304);
    let told = city.send(with_tag(&citys)).await;
    assert_eq!(told.status, 200);
    assert_ne!(told.header("etag"), tag);
    let feed = city.get(&citys, "/events?types=case-submitted").await.ok().to_string();
    assert!(!feed.contains("duplicate_of"), "{feed}");

    let merge = |into: &str| json!({"into": into, "reason": "重复申请"});
    let path = |case: &str| format!("/cases/{case}/actions/merge");
    city.post(&clerk, &path(&second), merge(&second)).await.against("merges-into-itself");
    let other = city.received_with_deeming().await;
    city.post(&clerk, &path(&second), merge(&other)).await.against("not-a-duplicate");
    city.post(&clerk, &path(&second), merge(opened["id"].as_str().unwrap())).await.refused(422, "invalid-content");
    let key = city.key();
    let merged = city.send(city.post_with_key(&clerk, &path(&second), &merge(&first), &key)).await.ok();
    assert_eq!(types(&merged), ["case-merged"]);
    let again = city.send(city.post_with_key(&clerk, &path(&second), &merge(&first), &key)).await.ok();
    assert_eq!(merged, again);

    let seen = format!("min_position={}", merged["position"]);
    let ended = city.get(&clerk, &format!("/cases/{second}?{seen}")).await.ok();
    assert_eq!((&ended["closing"]["kind"], &ended["merged_into"]["case"]), (&json!("merged"), &json!(first)));
    let goes_on = city.get(&clerk, &format!("/cases/{first}")).await.ok();
    assert_eq!((&goes_on["merged"][0]["case"], &goes_on["phase"]), (&json!(second), &json!("accepted")));
    let told = city.get(&clerk, &format!("/cases/{first}/timeline?{seen}")).await;
    assert!(String::from_utf8(told.bytes.to_vec()).unwrap().contains("并入重复办件"));
    let found = city.get(&clerk, "/cases?closing=merged").await.ok();
    assert_eq!(found["cases"][0]["case"], json!(second));
    let balance =
        city.get(&city.token("supervisor", HALL), "/statistics/balance?month=2026-03&attribution=intake").await.ok();
    assert_eq!(balance["total"]["closings"]["merged"], 1, "{balance}");
    // The one that goes on is worked on as before.
    city.act("clerk", &first, "route", json!({"to": HALL})).await.ok();
    city.post(&handler, &format!("/cases/{first}/actions/claim"), json!({})).await.ok();
}

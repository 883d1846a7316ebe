//! 电子文书 over HTTP: issued together with their act, printed again byte for byte, and gone with the person's key.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something unexpected happens")]

#[expect(unreachable_pub, dead_code, reason = "shared by the tests of this folder")]
mod city;

use actix_web::web;
use api::clock::Clock;
use api::config::{Config, Secret};
use api::demo::{Options, simulate};
use api::documents::sha256;
use api::node::Node;
use api::papers::Papers;
use api::vault::Vault;
use chrono::TimeDelta;
use city::{Answer, CITY, COUNTY, City, HALL, ID_NUMBER, NAME, application};
use domain::event::{AccessEvent, Event};
use domain::fact::Subject;
use domain::zone::Instant;
use eventstore::{EventStore, InMemory};
use replay::journal::Journal;
use serde_json::{Value, json};
use std::sync::Arc;

async fn documents(city: &City, case: &str) -> Vec<Value> {
    city.caught_up().await;
    let listed = city.get(&city.token("clerk", HALL), &format!("/cases/{case}/documents")).await.ok();
    listed["documents"].as_array().unwrap().clone()
}

fn find<'a>(documents: &'a [Value], kind: &str) -> &'a Value {
    documents.iter().find(|document| document["kind"] == kind).unwrap_or_else(|| panic!("no {kind} in {documents:?}"))
}

async fn page(city: &City, token: &str, document: &Value) -> Answer {
    let path = document["href"].as_str().unwrap().strip_prefix("/api/v1").unwrap();
    city.get(token, path).await
}

fn html(answer: &Answer) -> &str {
    assert!(answer.status.is_success(), "{}: {}", answer.status, answer.body);
    std::str::from_utf8(&answer.bytes).unwrap()
}

/// From receipt to delivery, with a notice, a special procedure and a hand-over on the way.
async fn delivered(city: &City) -> String {
    let case = city.received().await;
    let missing = json!({"missing": [{"code": "HK", "defect": "缺户主页"}]});
    city.act("clerk", &case, "issue-notice", missing).await.ok();
    city.act("clerk", &case, "supplement", json!({"materials": [{"code": "HK"}]})).await.ok();
    city.act("clerk", &case, "accept", json!({})).await.ok();
    city.act("clerk", &case, "route", json!({"to": HALL})).await.ok();
    city.act("handler", &case, "claim", json!({})).await.ok();
    let pause = json!({"kind": "公示", "reason": "张榜公示七日", "limit": {"days": 7}, "notice": {}});
    city.act("handler", &case, "request-open-special-procedure", pause).await.ok();
    city.act("chief", &case, "approve-open-special-procedure", json!({"procedure": 1})).await.ok();
    city.act("handler", &case, "close-special-procedure", json!({"procedure": 1, "result": "无异议"})).await.ok();
    city.act("chief", &case, "decide", json!({"outcome": "granted"})).await.ok();
    city.act("certificate-maker", &case, "make-result", json!({"name": "最低生活保障证"})).await.ok();
    city.act("delivery-clerk", &case, "finish", json!({})).await.ok();
    city.act("delivery-clerk", &case, "deliver", json!({"recipient": "本人签收"})).await.ok();
    case
}

#[actix_web::test]
async fn every_act_that_owes_a_document_issues_it_and_its_bytes_come_back() {
    let city = City::new().await;
    let case = delivered(&city).await;
    let documents = documents(&city, &case).await;
    let kinds: Vec<_> = documents.iter().map(|document| document["kind"].as_str().unwrap()).collect();
    let expected =
        ["receipt", "one-time-notice", "acceptance", "hand-over", "special-procedure", "decision", "delivery"];
    assert_eq!(kinds, expected);
    let clerk = city.token("clerk", HALL);
    for document in &documents {
        let answer = page(&city, &clerk, document).await;
        let html = html(&answer);
        assert_eq!(sha256(html), document["sha256"], "{document}");
        assert_eq!(answer.header("etag"), format!("\"{}\"", document["sha256"].as_str().unwrap()));
        assert!(answer.header("content-security-policy").contains("default-src 'none'"));
        assert!(html.contains(NAME) && html.contains(document["number"].as_str().unwrap()), "{html}");
        assert!(!html.contains(ID_NUMBER), "{html}");
    }
    let said = async |kind| html(&page(&city, &clerk, find(&documents, kind)).await).to_owned();
    assert!(said("one-time-notice").await.contains("缺户主页"));
    assert!(said("acceptance").await.contains("18个工作日，至2026年3月26日止"));
    assert!(said("special-procedure").await.contains("张榜公示七日"));
    assert!(said("decision").await.contains("<strong>准予</strong>"));
    let delivery = said("delivery").await;
    assert!(delivery.contains("本人签收") && delivery.contains("最低生活保障证"), "{delivery}");
    assert!(said("receipt").await.contains("居民户口簿"));
}

#[actix_web::test]
async fn a_refusal_an_extension_and_an_act_at_once_have_their_documents() {
    let city = City::new().await;
    let case = city.received().await;
    let refused = json!({"reason": "不属于本机关职权范围", "competent_organ": "户籍所在地公安派出所"});
    city.act("clerk", &case, "refuse-intake", refused).await.ok();
    let clerk = city.token("clerk", HALL);
    let answer = page(&city, &clerk, find(&documents(&city, &case).await, "refusal")).await;
    assert!(html(&answer).contains("户籍所在地公安派出所"));

    let mut body = application();
    (body["item"], body["materials"]) = ("FZ-009".into(), json!([{"code": "ID"}]));
    let opened = city.post(&clerk, "/cases", body).await.ok();
    let case = opened["id"].as_str().unwrap();
    city.act("clerk", case, "receive", json!({})).await.ok();
    city.act("clerk", case, "handle-at-once", json!({"outcome": "granted"})).await.ok();
    let kinds: Vec<_> = documents(&city, case).await.iter().map(|document| document["kind"].clone()).collect();
    assert_eq!(kinds, ["receipt", "acceptance", "decision"]);
}

#[actix_web::test]
async fn what_is_forwarded_goes_with_a_hand_over_list_of_what_goes_and_to_whom() {
    let city = City::new().await;
    let clerk = city.token("clerk", HALL);
    let mut body = application();
    (body["item"], body["form"]) = ("FZ-039".into(), Value::Null);
    body["materials"] = json!([{"code": "FORM"}, {"code": "ID", "how": "copy"}, {"code": "DIAG"}]);
    let opened = city.post(&clerk, "/cases", body).await.ok();
    let case = opened["id"].as_str().unwrap();
    city.act("clerk", case, "receive", json!({})).await.ok();
    city.act("clerk", case, "accept", json!({})).await.ok();
    let forwarded = city.act("clerk", case, "forward", json!({"package": ["ID", "DIAG"]})).await.ok();

    let documents = documents(&city, case).await;
    let list = find(&documents, "hand-over");
    assert_eq!(list["number"], forwarded["hand_over_number"]);
    let answer = page(&city, &clerk, list).await;
    let html = html(&answer);
    assert_eq!(sha256(html), list["sha256"]);
    let reference = city.node.reference.now();
    let name = |id: &str| reference.reference.organisations.get(&id.parse().unwrap()).unwrap().name_zh().to_owned();
    for said in [name(HALL), name("361023-YB"), "复印件".to_owned(), "诊断".to_owned()] {
        assert!(html.contains(&said), "{said} in {html}");
    }
    assert!(!html.contains("申请表"), "only what goes stands on the list: {html}");
}

#[actix_web::test]
async fn a_name_is_text_on_paper_too() {
    let city = City::new().await;
    let clerk = city.token("clerk", HALL);
    let mut body = application();
    body["applicant"]["name"] = "<script>alert('{{ number }}')</script>".into();
    let opened = city.post(&clerk, "/cases", body).await.ok();
    let case = opened["id"].as_str().unwrap();
    city.act("clerk", case, "receive", json!({})).await.ok();
    let answer = page(&city, &clerk, &documents(&city, case).await[0]).await;
    let html = html(&answer);
    assert!(!html.contains("<script") && html.contains("&lt;script&gt;alert(&#x27;{{ number }}"), "{html}");
}

#[actix_web::test]
async fn a_new_template_prints_what_comes_and_leaves_what_was() {
    let city = City::new().await;
    let before = city.received().await;
    let old = documents(&city, &before).await.remove(0);
    let admin = city.token("admin", CITY);
    let source =
        "<!doctype html><html lang=\"zh-CN\"><title>收件凭证 {{ number }}</title><main>新式 {{ number }}</main></html>";
    let mut template =
        json!({"kind": "receipt", "valid_from": "2026-03-02", "published_on": "2026-03-02", "source": source});
    city.post(&city.token("admin", COUNTY), "/templates", template.clone()).await.refused(403, "forbidden");
    city.post(&admin, "/templates", template.clone()).await.ok();

    let after = city.received().await;
    let new = documents(&city, &after).await.remove(0);
    assert_eq!((&old["template"], &new["template"]), (&json!(1), &json!(2)));
    let clerk = city.token("clerk", HALL);
    assert!(html(&page(&city, &clerk, &new).await).contains("新式"));
    let again = page(&city, &clerk, &old).await;
    assert_eq!(sha256(html(&again)), old["sha256"]);

    let library = city.get(&clerk, "/templates").await.ok();
    assert_eq!(find(library["templates"].as_array().unwrap(), "receipt")["in_force"], 2);
    let receipt = city.get(&clerk, "/templates/receipt").await.ok();
    assert_eq!(receipt["versions"][1]["source"], source);
    city.get(&clerk, "/templates/love-letter").await.refused(404, "not-found");

    for (broken, why) in
        [("{{ number }}{{ nobody }}", "undefined"), ("{{ number }}<script>", "<script"), ("{% if", "print")]
    {
        template["source"] = broken.into();
        let refused = city.post(&admin, "/templates/receipt/actions/publish", template.clone()).await;
        let refused = refused.refused(422, "invalid-content");
        assert_eq!(refused["errors"][0]["pointer"], "/source", "{why}: {refused}");
    }
    (template["source"], template["valid_from"]) = ("{{ number }}".into(), "2020-01-01".into());
    let early = city.post(&admin, "/templates/receipt/actions/publish", template).await;
    early.against("template-before-predecessor");
}

#[actix_web::test]
async fn what_was_made_elsewhere_keeps_its_own_hash() {
    let city = City::new().await;
    let case = city.received().await;
    let notice = json!({"number": "县不予〔2026〕8号", "sha256": "ab".repeat(32)});
    let refused = json!({"reason": "不属于本机关职权范围", "competent_organ": "民政局", "notice": notice});
    city.act("clerk", &case, "refuse-intake", refused).await.ok();
    let documents = documents(&city, &case).await;
    let refusal = find(&documents, "refusal");
    assert_eq!((&refusal["sha256"], &refusal["made_elsewhere"]), (&json!("ab".repeat(32)), &json!(true)));
    assert!(refusal["href"].is_null());
}

#[actix_web::test]
async fn with_the_key_the_paper_is_gone_and_its_hash_still_stands() {
    let city = City::new().await;
    let case = city.received().await;
    let document = documents(&city, &case).await.remove(0);
    city.node.vault.destroy(&city.node.vault.subject(ID_NUMBER)).await.unwrap();
    let gone = page(&city, &city.token("clerk", HALL), &document).await.refused(410, "erased");
    assert!(gone["detail"].as_str().unwrap().contains(document["sha256"].as_str().unwrap()), "{gone}");
    assert_eq!(documents(&city, &case).await[0]["sha256"], document["sha256"]);
    // The case goes on without paper.
    city.act("clerk", &case, "accept", json!({})).await.ok();
    let later = documents(&city, &case).await.remove(1);
    assert!(later["kind"] == "acceptance" && later["sha256"].is_null(), "{later}");
    page(&city, &city.token("clerk", HALL), &document).await.refused(410, "erased");
}

#[actix_web::test]
async fn who_reads_a_paper_is_on_record_and_strangers_read_none() {
    let city = City::new().await;
    let case = city.received().await;
    let document = documents(&city, &case).await.remove(0);
    html(&page(&city, &city.resident(), &document).await);
    for (role, org) in [("analyst", CITY), ("screen", HALL), ("admin", CITY), ("receptionist", HALL)] {
        let refused = page(&city, &city.token(role, org), &document).await;
        assert!([403, 404].contains(&refused.status.as_u16()), "{role}: {}", refused.status);
    }
    let stranger = city.token_for("resident", CITY, city.node.vault.subject("362524194203150114").as_str());
    page(&city, &stranger, &document).await.refused(404, "not-found");
    page(&city, &city.token("clerk", "361002001"), &document).await.refused(404, "not-found");
    let clerk = city.token("clerk", HALL);
    city.get(&clerk, &format!("/cases/{case}/documents/nothing")).await.refused(404, "not-found");
    city.get(&clerk, &format!("/cases/{case}/documents/nothing?x=1")).await.refused(400, "unknown-parameter");

    html(&page(&city, &clerk, &document).await);
    let looked = city.node.executor.history().stream(&Subject::Access(HALL.parse().unwrap())).await.unwrap();
    let purposes: Vec<_> = looked
        .iter()
        .filter_map(|fact| match &fact.event {
            Event::Access(AccessEvent::PersonUnmasked(looked)) => {
                Some((fact.by.id.to_string(), looked.purpose.clone()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(purposes, [(format!("clerk-{HALL}"), "document".to_owned())]);
}

#[actix_web::test]
async fn the_list_as_of_an_earlier_moment_knows_no_later_paper() {
    let city = City::new().await;
    let case = city.received().await;
    let then = city.node.clock.now().to_rfc3339().replace('+', "%2B");
    city.act("clerk", &case, "accept", json!({})).await.ok();
    city.caught_up().await;
    let path = format!("/cases/{case}/documents?as_of={then}");
    let listed = city.get(&city.token("clerk", HALL), &path).await.ok();
    assert_eq!(listed["documents"].as_array().unwrap().len(), 1);
    let now = documents(&city, &case).await;
    assert_eq!(now.len(), 2);
    let path = now[1]["href"].as_str().unwrap().strip_prefix("/api/v1").unwrap().to_owned();
    city.get(&city.token("clerk", HALL), &format!("{path}?as_of={then}")).await.refused(404, "not-found");
    let read = city.get(&city.token("clerk", HALL), &path).await;
    assert!(!read.header("position").is_empty() && !read.header("as-of").is_empty());
}

#[actix_web::test]
async fn the_simulated_citys_papers_come_back_from_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let vault = Arc::new(Vault::in_memory(Some([7; 32])).unwrap());
    let papers = Papers::open(folder.path(), 10_000).unwrap();
    let store: Arc<dyn EventStore> = Arc::new(InMemory::new());
    let until: Instant = "2026-11-20T12:00:00Z".parse().unwrap();
    let journal = Journal::new(Arc::clone(&store));
    simulate(&journal, &vault, &papers, &Options { cases: 60, seed: 5, until }, |_, _| ()).await.unwrap();

    let mut config = Config { data: folder.path().to_owned(), ..Config::default() };
    config.auth.jwt_secret = Some(Secret::new("a secret for tests, of thirty-two bytes and more"));
    let clock = Arc::new(Clock::simulated(until + TimeDelta::minutes(1), 1));
    let head = store.head().await.unwrap().position;
    let node = Node::over(config, clock, Arc::clone(&store), vault).await.unwrap();
    assert_eq!(store.head().await.unwrap().position, head, "the built-in history is there already, templates included");
    let city = City::of(web::Data::new(node), folder);

    let supervisor = city.token("supervisor", CITY);
    let cases = city.get(&supervisor, "/cases?limit=60").await.ok();
    let mut read = 0;
    for case in cases["cases"].as_array().unwrap().iter().step_by(3) {
        let case = case["case"].as_str().unwrap();
        let listed = city.get(&supervisor, &format!("/cases/{case}/documents")).await.ok();
        for document in listed["documents"].as_array().unwrap() {
            assert_eq!(sha256(html(&page(&city, &supervisor, document).await)), document["sha256"]);
            read += 1;
        }
    }
    assert!(40 < read, "{read} documents");
}

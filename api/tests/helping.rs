//! 帮办代办 over HTTP: what a village agent does with consent, is refused without, and may not see.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something unexpected happens")]

#[expect(unreachable_pub, dead_code, reason = "shared by the tests of this folder")]
mod city;

use actix_web::test::TestRequest;
use city::{CITY, COUNTY, City, HALL, types};
use serde_json::{Value, json};

const STATION: &str = "361023100-QINTAILU";
const ELSEWHERE: &str = "361002004-LIMIN";
const PDF: &[u8] = b"%PDF-1.4 a paper";

fn agent(city: &City) -> String {
    city.token("village-agent", STATION)
}

fn application(consent: Value) -> Value {
    let mut body = city::application();
    body["consent"] = consent;
    body
}

/// Applied for by the agent and received by the township.
async fn helped(city: &City, consent: Value) -> String {
    let opened = city.post(&agent(city), "/cases", application(consent)).await.ok();
    let case = opened["id"].as_str().unwrap().to_owned();
    city.act("clerk", &case, "receive", json!({})).await.ok();
    case
}

fn action(case: &str, name: &str) -> String {
    format!("/cases/{case}/actions/{name}")
}

#[actix_web::test]
async fn a_helper_without_consent_is_refused_by_the_rules_name() {
    let city = City::new().await;
    let refused = city.post(&agent(&city), "/cases", city::application()).await;
    refused.against("consent-missing");
    let narrow = application(json!({"scope": ["hand-over"]}));
    city.post(&agent(&city), "/cases", narrow).await.against("outside-consent");
    let over = application(json!({"until": "2026-03-01"}));
    city.post(&agent(&city), "/cases", over).await.against("consent-not-in-force");
    let reversed = application(json!({"given_on": "2026-03-02", "until": "2026-03-01"}));
    city.post(&agent(&city), "/cases", reversed).await.refused(422, "invalid-content");
    let unknown = application(json!({"how": "by nodding"}));
    city.post(&agent(&city), "/cases", unknown).await.refused(400, "malformed");
}

#[actix_web::test]
async fn consent_is_on_the_record_and_ends_with_its_withdrawal() {
    let city = City::new().await;
    let consent = json!({"how": "fingerprint", "given_on": "2026-03-01", "until": "2026-12-31"});
    let case = helped(&city, consent).await;
    city.act("clerk", &case, "issue-notice", json!({"missing": [{"code": "HK", "defect": "缺户主页"}]})).await.ok();
    let taken_back = city.post(&city.resident(), &action(&case, "withdraw-consent"), json!({})).await.ok();
    assert_eq!(types(&taken_back), ["consent-withdrawn"]);
    let supplement = json!({"materials": [{"code": "HK"}]});
    city.post(&agent(&city), &action(&case, "supplement"), supplement.clone()).await.against("consent-taken-back");
    let again = json!({"consent": {"how": "electronic", "scope": ["supplement"]}});
    city.post(&city.resident(), &action(&case, "record-consent"), again).await.ok();
    city.post(&agent(&city), &action(&case, "supplement"), supplement).await.ok();
    city.caught_up().await;

    let timeline = city.get(&city.token("supervisor", COUNTY), &format!("/cases/{case}/timeline")).await.ok();
    let entries = timeline["entries"].as_array().unwrap();
    let kinds: Vec<_> = entries.iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    let consents = ["case-submitted", "consent-withdrawn", "consent-recorded"];
    assert!(consents.iter().all(|kind| kinds.contains(kind)), "{kinds:?}");
    let first = entries[0]["details"].to_string();
    assert!(first.contains("fingerprint") && first.contains("2026-03-01") && first.contains("2026-12-31"), "{first}");
    let mut documents = entries[0]["documents"].as_array().unwrap().iter();
    assert!(documents.any(|document| document["name_zh"] == "帮办代办同意书"), "{}", entries[0]);
}

#[actix_web::test]
async fn a_station_named_in_the_consent_may_help_with_a_case_of_the_hall() {
    let city = City::new().await;
    let case = city.received().await;
    city.act("clerk", &case, "issue-notice", json!({"missing": [{"code": "HK"}]})).await.ok();
    let supplement = json!({"materials": [{"code": "HK"}]});
    city.post(&agent(&city), &action(&case, "supplement"), supplement.clone()).await.refused(404, "not-found");
    let consent = json!({"consent": {"how": "recorded", "helper": STATION}});
    city.act("clerk", &case, "record-consent", consent).await.ok();
    city.post(&agent(&city), &action(&case, "supplement"), supplement).await.ok();
    city.post(&city.resident(), &action(&case, "withdraw-consent"), json!({"reason": "自己去办"})).await.ok();
    city.caught_up().await;
    city.get(&agent(&city), &format!("/cases/{case}")).await.refused(404, "not-found");
}

#[actix_web::test]
async fn an_agent_sees_the_work_on_what_was_handed_in_wherever_it_waits() {
    let city = City::new().await;
    let case = helped(&city, json!({})).await;
    city.received().await;
    city.caught_up().await;
    for path in ["/queues", "/queues?mine=true"] {
        let queue = city.get(&agent(&city), path).await.ok();
        let waiting: Vec<_> = queue["entries"].as_array().unwrap().iter().map(|row| &row["case"]).collect();
        assert_eq!(waiting, [&json!(case)], "{path}");
    }
    let colleague = city.token_for("village-agent", STATION, "another");
    let theirs = city.get(&colleague, "/queues?mine=true").await.ok();
    assert_eq!((&theirs["entries"], &theirs["counts"]), (&json!([]), &json!({})));
    let neighbour = city.get(&city.token("village-agent", ELSEWHERE), "/queues").await.ok();
    assert_eq!(neighbour["entries"], json!([]));
}

#[actix_web::test]
async fn what_others_handed_in_or_wrote_is_not_for_helpers() {
    let city = City::new().await;
    let case = helped(&city, json!({})).await;
    let attach = async |token: &str| {
        let parts: [(&str, Option<&str>, &[u8]); 2] = [("code", None, b"HK"), ("file", Some("application/pdf"), PDF)];
        let attached = city.attach(token, &case, &city.key(), &parts).await.ok();
        format!("/cases/{case}/materials/{}", attached["material"].as_str().unwrap())
    };
    let (own, theirs) = (attach(&agent(&city)).await, attach(&city.token("clerk", HALL)).await);
    assert_eq!(&city.get(&agent(&city), &own).await.bytes[..], PDF);
    city.get(&agent(&city), &theirs).await.refused(404, "not-found");

    city.act("clerk", &case, "accept", json!({})).await.ok();
    city.act("clerk", &case, "route", json!({"to": HALL})).await.ok();
    city.act("handler", &case, "claim", json!({})).await.ok();
    let consult = json!({"organisations": ["361023-MZ"], "question": "家庭收入是否属实", "due": "2026-03-20"});
    city.act("handler", &case, "consult", consult).await.ok();
    city.caught_up().await;
    let seen = async |token: String| city.get(&token, &format!("/cases/{case}")).await.ok().to_string();
    assert!(seen(city.token("handler", HALL)).await.contains("家庭收入是否属实"));
    let helper = seen(agent(&city)).await;
    assert!(!helper.contains("家庭收入是否属实") && !helper.contains("因病致贫"), "{helper}");
    let timeline = city.get(&agent(&city), &format!("/cases/{case}/timeline")).await.ok().to_string();
    assert!(!timeline.contains("家庭收入是否属实"), "{timeline}");

    city.post(&city.resident(), &action(&case, "withdraw-consent"), json!({})).await.ok();
    city.get(&agent(&city), &own).await.refused(404, "not-found");
}

#[actix_web::test]
async fn a_helper_finds_and_calls_the_person_and_sees_no_number_and_no_account() {
    let city = City::new().await;
    let case = helped(&city, json!({})).await;
    let unmask = async |fields: Value| {
        let body = json!({"fields": fields, "purpose": "contact-applicant"});
        city.post(&agent(&city), &format!("/cases/{case}/unmask"), body).await
    };
    let shown = unmask(json!(["name", "phone", "address"])).await.ok();
    assert_eq!(shown["persons"][0]["fields"]["phone"], "13870401234");
    unmask(json!(["id_number"])).await.refused(403, "forbidden");
    unmask(json!(["name", "bank_card"])).await.refused(403, "forbidden");
    city.post(&city.resident(), &action(&case, "withdraw-consent"), json!({})).await.ok();
    unmask(json!(["phone"])).await.against("consent-taken-back");
}

#[actix_web::test]
async fn other_stations_and_strangers_find_no_case() {
    let city = City::new().await;
    let case = helped(&city, json!({})).await;
    for stranger in [city.token("village-agent", ELSEWHERE), city.token_for("resident", CITY, &"0".repeat(32))] {
        city.get(&stranger, &format!("/cases/{case}")).await.refused(404, "not-found");
        city.post(&stranger, &action(&case, "withdraw-consent"), json!({})).await.refused(404, "not-found");
    }
    let nobody = TestRequest::post().uri(&format!("/api/v1{}", action(&case, "record-consent"))).set_json(json!({}));
    assert_eq!(city.send(nobody).await.status.as_u16(), 401);
}

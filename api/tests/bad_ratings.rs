//! Bad ratings over HTTP: the order from its opening to its call-back, and what may be known of it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something unexpected happens")]

#[expect(unreachable_pub, dead_code, reason = "shared by the tests of this folder")]
mod city;

use api::ticker::Rounds;
use chrono::TimeDelta;
use city::{CITY, City, HALL, types};
use serde_json::{Value, json};

/// A case that was withdrawn at the window, and may be rated.
async fn ended(city: &City) -> String {
    let case = city.received().await;
    let path = format!("/cases/{case}/actions/withdraw");
    city.post(&city.resident(), &path, json!({"reason": "不办了"})).await.ok();
    case
}

async fn rated_badly(city: &City, case: &str) -> String {
    let body = json!({"subject": {"kind": "case", "id": case}, "level": "dissatisfied", "channel": "mobile",
        "comment": "跑了三趟还没办成", "device": "phone-of-a-resident"});
    let rated = city.post(&city.resident(), "/ratings", body).await.ok();
    assert_eq!(types(&rated), ["rated", "bad-rating-opened"]);
    rated["id"].as_str().unwrap().to_owned()
}

async fn act(city: &City, token: &str, rating: &str, action: &str, body: Value) -> Value {
    city.post(token, &format!("/ratings/{rating}/actions/{action}"), body).await.ok()
}

fn listed(answer: &Value) -> Vec<&Value> {
    answer["ratings"].as_array().unwrap().iter().collect()
}

#[actix_web::test]
async fn an_order_is_followed_from_its_opening_to_its_call_back() {
    let city = City::new().await;
    let case = ended(&city).await;
    let rating = rated_badly(&city, &case).await;
    city.caught_up().await;
    let (supervisor, chief) = (city.token("supervisor", CITY), city.token("chief", HALL));
    let open = city.get(&supervisor, "/ratings?call_back=missing").await.ok();
    let [row] = listed(&open)[..] else { panic!("{open}") };
    assert_eq!((&row["rating"], &row["order"]["step"]), (&json!(rating), &json!("assign")));
    assert_eq!(row["order"]["due"], "2026-03-03");

    let nowhere = json!({"organisation": "nowhere", "staff": "chief-361023100"});
    city.post(&supervisor, &format!("/ratings/{rating}/actions/assign"), nowhere).await.against("no-such-organisation");
    let clerk = json!({"organisation": HALL, "staff": "clerk-361023100"});
    city.post(&supervisor, &format!("/ratings/{rating}/actions/assign"), clerk)
        .await
        .against("person-complained-about");
    act(&city, &supervisor, &rating, "assign", json!({"organisation": HALL, "staff": "chief-361023100"})).await;
    act(&city, &chief, &rating, "verify", json!({"verdict": "true", "finding": "未一次性告知"})).await;
    act(&city, &chief, &rating, "rectify", json!({"how": "at-once", "measures": "已重新培训"})).await;
    act(&city, &chief, &rating, "reply", json!({"reply": "已整改，感谢您的意见"})).await;
    for attempt in 1..=2 {
        act(&city, &supervisor, &rating, "call-back", json!({"result": "not-reached"})).await;
        city.caught_up().await;
        let told = city.get(&supervisor, &format!("/ratings/{rating}")).await.ok();
        assert_eq!(told["order"]["call_back_attempts"], attempt);
    }
    let called = json!({"result": "satisfied"});
    let clerk = city.token("clerk", HALL);
    city.post(&clerk, &format!("/ratings/{rating}/actions/call-back"), called.clone())
        .await
        .against("person-complained-about");
    let closed = act(&city, &supervisor, &rating, "call-back", called).await;
    assert_eq!(types(&closed), ["order-called-back", "order-closed"]);
    city.caught_up().await;
    assert!(listed(&city.get(&supervisor, "/ratings?call_back=missing").await.ok()).is_empty());
    let told = city.get(&supervisor, &format!("/ratings/{rating}")).await.ok();
    assert_eq!((&told["order"]["step"], &told["order"]["call_back_result"]), (&json!("closed"), &json!("satisfied")));
    let words: Vec<&Value> = told["history"].as_array().unwrap().iter().map(|entry| &entry["words"]).collect();
    assert!(words.contains(&&json!("跑了三趟还没办成")) && words.contains(&&json!("未一次性告知")), "{told}");
}

#[actix_web::test]
async fn the_rated_unit_learns_neither_who_rated_nor_in_which_words() {
    let city = City::new().await;
    let case = ended(&city).await;
    let rating = rated_badly(&city, &case).await;
    city.caught_up().await;
    let subject = city.node.vault.subject(city::ID_NUMBER).to_string();
    for (role, reads) in [("clerk", false), ("handler", false), ("supervisor", true)] {
        let told = city.get(&city.token(role, HALL), &format!("/ratings/{rating}")).await.ok();
        assert!(!told.to_string().contains(&subject), "{role}: {told}");
        assert_eq!(told.to_string().contains("跑了三趟"), reads, "{role}: {told}");
    }
    let own = city.get(&city.resident(), &format!("/ratings/{rating}")).await.ok();
    assert!(own.to_string().contains("跑了三趟"));
    let elsewhere = city.token("supervisor", "361002");
    city.get(&elsewhere, &format!("/ratings/{rating}")).await.refused(404, "not-found");
}

#[actix_web::test]
async fn a_rating_judged_malicious_is_listed_with_who_judged_it() {
    let city = City::new().await;
    let case = ended(&city).await;
    let rating = rated_badly(&city, &case).await;
    let (supervisor, chief) = (city.token("supervisor", CITY), city.token("chief", HALL));
    act(&city, &supervisor, &rating, "assign", json!({"organisation": HALL, "staff": "chief-361023100"})).await;
    act(&city, &chief, &rating, "verify", json!({"verdict": "malicious", "finding": "与事实不符"})).await;
    act(&city, &supervisor, &rating, "not-adopt", json!({"verdict": "malicious", "reason": "经核实为恶意差评"})).await;
    city.caught_up().await;
    let told = city.get(&supervisor, "/ratings?adopted=false&verdict=malicious").await.ok();
    let [row] = listed(&told)[..] else { panic!("{told}") };
    assert_eq!(
        (&row["not_adopted"]["by"], &row["order"]["verified"]["by"]),
        (&json!("supervisor-361000"), &json!("chief-361023100"))
    );
    assert!(listed(&city.get(&supervisor, "/ratings?adopted=false&verdict=mistaken").await.ok()).is_empty());
    // It is kept, and counts nowhere but as what was not adopted.
    let figures = city.get(&supervisor, "/statistics/satisfaction").await.ok();
    assert_eq!((&figures["total"]["ratings"], &figures["total"]["not_adopted"]), (&json!(0), &json!(1)));
}

#[actix_web::test]
async fn whoever_has_not_rated_is_invited_once_by_the_built_in_policy() {
    let city = City::new().await;
    let case = ended(&city).await;
    city.caught_up().await;
    assert_eq!(Rounds::new(&city.node).look(&city.node).await, 1);
    city.caught_up().await;
    assert_eq!(Rounds::new(&city.node).look(&city.node).await, 0);
    let feed = city.get(&city.token("supervisor", CITY), "/events?types=rating-invited").await.ok();
    let invited = feed.to_string();
    assert!(invited.contains(&case) && invited.contains("rating-invited"), "{invited}");
    // The invitation leaves the rating itself to the applicant.
    rated_badly(&city, &case).await;
}

#[actix_web::test]
async fn a_policy_may_suppose_a_rating_where_nobody_gives_one() {
    let city = City::new().await;
    let admin = city.token("admin", CITY);
    let rules = city.node.reference.now().reference.policies.latest().rules.clone();
    let mut rules = json!(rules);
    rules["default_rating"] = "fair".into();
    rules["rating_days"] = 7.into();
    rules["rating_unit"] = "natural".into();
    let body = json!({"valid_from": "2026-03-02", "published_on": "2026-03-02", "rules": rules});
    city.post(&admin, "/policies", body).await.ok();
    ended(&city).await;
    city.caught_up().await;
    Rounds::new(&city.node).look(&city.node).await;
    city.pass(TimeDelta::days(8));
    city.caught_up().await;
    Rounds::new(&city.node).look(&city.node).await;
    city.caught_up().await;
    let figures = city.get(&city.token("supervisor", CITY), "/statistics/satisfaction").await.ok();
    assert_eq!(figures["total"]["levels"]["fair"], json!({"active": 0, "default": 1}), "{figures}");
    assert_eq!(figures["total"]["active_rate"]["numerator"], 0);
}

#[actix_web::test]
async fn many_ratings_from_one_device_are_a_sign() {
    let city = City::new().await;
    for _ in 0..5 {
        let case = ended(&city).await;
        let body = json!({"subject": {"kind": "case", "id": case}, "level": "very-satisfied", "channel": "mobile",
            "device": "the-phone-under-the-desk"});
        city.post(&city.resident(), "/ratings", body).await.ok();
    }
    city.caught_up().await;
    let told = city.get(&city.token("supervisor", CITY), "/statistics/rating-signs").await.ok();
    let signs: Vec<&str> =
        told["rows"][0]["signs"].as_array().unwrap().iter().map(|sign| sign["sign"].as_str().unwrap()).collect();
    assert!(signs.contains(&"same-device") && signs.contains(&"same-person"), "{told}");
    assert!(!told.to_string().contains("phone"), "{told}");
}

#[actix_web::test]
async fn a_month_is_published_when_it_is_ripe_and_small_cells_stay_hidden() {
    let city = City::new().await;
    let case = ended(&city).await;
    rated_badly(&city, &case).await;
    city.caught_up().await;
    let anybody = city.resident();
    city.get(&anybody, "/publications/satisfaction?month=2026-03").await.against("not-published-yet");
    city.get(&anybody, "/publications/satisfaction").await.refused(400, "invalid-parameter");
    city.get(&anybody, "/publications/satisfaction?month=2026-02&county=361023100").await.refused(404, "not-found");
    city.pass(TimeDelta::days(60));
    let told = city.get(&anybody, "/publications/satisfaction?month=2026-03").await.ok();
    let county = &told["counties"][0];
    assert_eq!((&county["suppressed"], &county["rows"]), (&json!(true), &json!([])), "{told}");
}

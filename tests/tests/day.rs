//! One day's work from outside, and what the record keeps of it: an allowance for somebody of eighty-four, applied for in a
//! neighbouring township with certificates instead of papers, handled, handed over, complained about and called back, while a
//! supervisor watches, urges, and in the end scores the hall by what is on record.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a step that fails here is a failed test")]

#[path = "../../api/tests/city/mod.rs"]
#[expect(unreachable_pub, reason = "shared with the tests of the server")]
#[allow(dead_code, reason = "each test file uses its part")]
mod city;

use actix_web::test::TestRequest;
use api::ticker::Rounds;
use chrono::TimeDelta;
use city::{Answer, CITY, COUNTY, City, HALL, types};
use serde_json::{Value, json};

/// 琴台路社区便民服务站, in the neighbouring township.
const STATION: &str = "361023100-QINTAILU";
/// Where she is registered, and where it is decided.
const HOME: &str = "361023101";
const ALLOWANCE: &str = "FZ-005";
/// A made-up number of somebody born in March 1942.
const HER_NUMBER: &str = "362524194203150114";
const HER_NAME: &str = "饶秀英";

const LIBRARY: &str = "kind,number,holder_name,holder_id_number,issuer,issued_on,valid_until,status,status_on\n\
    ID,ID-1,饶秀英,362524194203150114,南丰县公安局,2015-05-06,,valid,\n\
    HK,HK-1,饶秀英,362524194203150114,南丰县公安局,2015-05-06,,valid,\n\
    BANK,BANK-1,饶秀英,362524194203150114,南丰县人社局,2018-05-06,,valid,\n";

/// What is said on the way, none of which may be found where it does not belong.
const COMPLAINT: &str = "等了三天没人打电话";

struct Day {
    city: City,
    case: String,
}

impl Day {
    async fn act(&self, token: &str, action: &str, body: Value) -> Value {
        self.city.post(token, &format!("/cases/{}/actions/{action}", self.case), body).await.ok()
    }

    async fn at_home(&self, role: &str, action: &str, body: Value) -> Value {
        self.act(&self.city.token(role, HOME), action, body).await
    }

    async fn seen(&self, role: &str, org: &str, path: &str) -> Value {
        self.city.caught_up().await;
        self.city.get(&self.city.token(role, org), path).await.ok()
    }
}

async fn library_taken_in(city: &City) {
    let request = TestRequest::post()
        .uri("/api/v1/certificate-libraries/city/actions/import")
        .insert_header(("authorization", format!("Bearer {}", city.token("admin", CITY))))
        .insert_header(("idempotency-key", city.key()))
        .insert_header(("content-type", "text/csv"))
        .set_payload(LIBRARY);
    let told = city.send(request).await.ok();
    assert_eq!((&told["added"], &told["rejected"]), (&json!(3), &json!(0)), "{told}");
    city.caught_up().await;
}

/// In the morning: the village agent applies for her, and finds everything but the form in the city's library.
async fn applied_for(city: City) -> Day {
    let agent = city.token("village-agent", STATION);
    let body = json!({
        "item": ALLOWANCE, "region": HOME,
        "applicant": {"name": HER_NAME, "id_number": HER_NUMBER, "phone": "13870401234"},
        "consent": {"how": "fingerprint", "given_on": "2026-03-02"},
        "materials": [{"code": "FORM", "how": "original"}]
    });
    let opened = city.post(&agent, "/cases", body).await.ok();
    assert_eq!(types(&opened), ["case-submitted"]);
    let day = Day { case: opened["id"].as_str().unwrap().to_owned(), city };
    let could = day.seen("clerk", HALL, &format!("/cases/{}/certificates", day.case)).await;
    for material in could["materials"].as_array().unwrap() {
        let Some(certificate) = material["certificates"].get(0) else { continue };
        assert_eq!(certificate["usable"], true, "{could}");
        let stands = json!({"code": material["code"], "certificate": certificate["id"]});
        let replaced = day.act(&agent, "replace-material", stands).await;
        assert_eq!(types(&replaced), ["material-replaced-by-certificate"]);
    }
    day
}

/// Both halls do their part: the neighbour takes in, her own township accepts, and then lets it lie.
async fn accepted(day: &Day) {
    let received = day.act(&day.city.token("clerk", HALL), "receive", json!({})).await;
    assert!(received["receipt"]["rating_code"].is_string(), "{received}");
    let accepted = day.at_home("clerk", "accept", json!({})).await;
    assert_eq!(types(&accepted), ["case-accepted"]);
    day.at_home("clerk", "route", json!({"to": HOME})).await;
    day.at_home("handler", "claim", json!({})).await;
}

/// Two days later a light is yellow; the supervisor sees it and urges.
async fn urged(day: &Day) {
    day.city.pass(TimeDelta::days(2));
    day.city.caught_up().await;
    assert!(0 < Rounds::new(&day.city.node).look(&day.city.node).await, "a threshold was crossed");
    let lights = day.seen("supervisor", COUNTY, &format!("/lights?org={HOME}&light=yellow")).await;
    assert!(lights.to_string().contains(&day.case), "{lights}");
    let warned = day.seen("supervisor", COUNTY, "/warnings?threshold=yellow&clock=promised").await;
    assert_eq!(warned["warnings"][0]["clerk"], format!("handler-{HOME}"), "{warned}");

    let urging = json!({"organisation": HOME, "rule": "DB-1", "content": "黄灯，请于明日前办结", "due": "2026-03-05"});
    let urged = day.act(&day.city.token("supervisor", COUNTY), "urge", urging).await;
    assert_eq!(types(&urged), ["case-urged"]);
    let answered = day.at_home("handler", "answer-urging", json!({"urging": 1, "answer": "今日办结"})).await;
    assert_eq!(types(&answered), ["urging-answered"]);
}

/// Decided where she lives, stamped there, and handed over by the agent in her village.
async fn delivered(day: &Day) {
    let decided = day.at_home("chief", "decide", json!({"outcome": "granted"})).await;
    assert_eq!(types(&decided), ["case-decided"]);
    day.at_home("certificate-maker", "make-result", json!({"name": "高龄补贴发放确认"})).await;
    let finished = day.at_home("delivery-clerk", "finish", json!({})).await;
    assert_eq!(types(&finished), ["case-finished"]);
    let agent = day.city.token("village-agent", STATION);
    let delivered = day.act(&agent, "deliver", json!({"recipient": "本人"})).await;
    assert_eq!(types(&delivered), ["result-delivered"]);
}

/// She is not content, and says so under her name; the hall that took her in answers for the order, to its call-back.
async fn rated_and_called_back(day: &Day) -> String {
    let body = json!({"subject": {"kind": "case", "id": day.case}, "stage": "finish", "level": "dissatisfied",
        "channel": "mobile", "comment": COMPLAINT});
    let herself = day.city.token_for("resident", CITY, day.city.node.vault.subject(HER_NUMBER).as_str());
    let rated = day.city.post(&herself, "/ratings", body).await.ok();
    assert_eq!(types(&rated), ["rated", "bad-rating-opened"]);
    let rating = rated["id"].as_str().unwrap().to_owned();

    let supervisor = day.city.token("supervisor", CITY);
    let colleague = day.city.token("chief", HALL);
    let steps = [
        (&supervisor, "assign", json!({"organisation": HALL, "staff": format!("chief-{HALL}")})),
        (&colleague, "verify", json!({"verdict": "true", "finding": "受理后未联系申请人"})),
        (&colleague, "rectify", json!({"how": "at-once", "measures": "受理当日电话告知"})),
        (&colleague, "reply", json!({"reply": "已整改，感谢您的意见"})),
        (&supervisor, "call-back", json!({"result": "satisfied"})),
    ];
    for (token, action, body) in steps {
        day.city.post(token, &format!("/ratings/{rating}/actions/{action}"), body).await.ok();
    }
    rating
}

fn checklist() -> Value {
    let computed =
        |figure: &str| json!({"how": "computed", "figure": figure, "none_at": 0, "full_at": 100, "without_cases": 0});
    let part = |part: &str, criterion: &str, name_zh: &str, source: Value| json!({"part": part, "criterion": criterion, "name_zh": name_zh, "points": 10, "source": source});
    let weight = |criterion: &str, points: u16| json!({"criterion": criterion, "points": points});
    json!({
        "checklist": "model-hall", "name_zh": "标杆大厅考评表", "valid_from": "2026-01-01", "total": 70,
        "weights": [weight("sense-comfort", 10), weight("maturity", 40), weight("satisfaction", 20)],
        "parts": [
            part("SIGNS", "sense-comfort", "标识齐全", json!({"how": "inspected"})),
            part("ON-TIME", "maturity", "按时办结率", computed("on-time-rate")),
            part("NO-PAPER", "maturity", "免证率", computed("certificate-free-rate")),
            part("ONCE", "maturity", "一次性告知率", computed("one-time-notice-rate")),
            part("DELEGATED", "maturity", "赋权委托事项就地决定率", computed("delegated-decided-rate")),
            part("GOOD", "satisfaction", "好评率", computed("good-rate")),
            part("RECTIFY", "satisfaction", "差评按时整改率", computed("rectification-in-time-rate"))
        ]
    })
}

/// The hall is scored by what was seen, and by what the record tells of this one case.
async fn scored(day: &Day, hall: &str) -> Value {
    let supervisor = day.city.token("supervisor", CITY);
    let body = json!({"hall": hall, "checklist": "model-hall", "from": "2026-03-01", "to": "2026-03-05"});
    let opened = day.city.post(&supervisor, "/inspections", body).await.ok();
    let path = format!("/inspections/{}", opened["id"].as_str().unwrap());
    let act = async |action: &str, body: Value| -> Answer {
        day.city.post(&supervisor, &format!("{path}/actions/{action}"), body).await
    };
    act("score", json!({})).await.against("parts-missing");
    act("inspect-part", json!({"part": "SIGNS", "points": 9.5})).await.ok();
    day.city.caught_up().await;
    act("score", json!({})).await.ok();
    day.seen("supervisor", CITY, &path).await
}

fn measured(sheet: &Value, part: &str) -> (i64, i64) {
    let parts = sheet["parts"].as_array().unwrap();
    let measured = &parts.iter().find(|line| line["part"] == part).unwrap()["measured"];
    (measured["numerator"].as_i64().unwrap(), measured["denominator"].as_i64().unwrap())
}

#[actix_web::test]
async fn a_day_of_work_is_on_record_from_the_first_click_to_the_score_of_the_hall() {
    let city = City::new().await;
    library_taken_in(&city).await;
    let day = applied_for(city).await;
    accepted(&day).await;
    urged(&day).await;
    delivered(&day).await;
    let rating = rated_and_called_back(&day).await;

    let timeline = day.seen("supervisor", CITY, &format!("/cases/{}/timeline", day.case)).await;
    let entries = timeline["entries"].as_array().unwrap();
    let told: Vec<&str> = entries.iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    let replaced = "material-replaced-by-certificate";
    let whole = [
        "case-submitted",
        replaced,
        replaced,
        replaced,
        "case-received",
        "case-accepted",
        "case-routed",
        "work-claimed",
        "warning-raised",
        "case-urged",
        "urging-answered",
        "case-decided",
        "result-made",
        "case-finished",
        "result-delivered",
    ];
    assert_eq!(told, whole);
    // Applied for at the neighbour's station, received by the neighbour's hall, decided at home.
    let place = |kind: &str| {
        let entry = entries.iter().find(|entry| entry["kind"] == kind).unwrap();
        entry["actor"]["organisation"].clone()
    };
    let places = ["case-submitted", "case-received", "case-decided", "result-delivered"].map(place);
    assert_eq!(places, [STATION, HALL, HOME, STATION].map(Value::from));

    let order = day.seen("supervisor", CITY, &format!("/ratings/{rating}")).await;
    assert_eq!(
        (&order["order"]["step"], &order["order"]["call_back_result"]),
        (&json!("closed"), &json!("satisfied")),
        "{order}"
    );
    let clerk = day.seen("handler", HALL, &format!("/ratings/{rating}")).await;
    assert!(!clerk.to_string().contains(COMPLAINT), "{clerk}");

    day.city.post(&day.city.token("supervisor", CITY), "/checklists", checklist()).await.ok();
    day.city.caught_up().await;
    let sheet = scored(&day, HOME).await;
    assert_eq!((measured(&sheet, "ON-TIME"), measured(&sheet, "NO-PAPER")), ((1, 1), (0, 0)), "{sheet}");
    // An empowered item, decided at home under its instrument; nobody was asked for anything more.
    assert_eq!((measured(&sheet, "DELEGATED"), measured(&sheet, "ONCE")), ((1, 1), (0, 0)), "{sheet}");
    assert_eq!(sheet["rederived"]["equal"], true, "{sheet}");
    // Papers and opinions count at the hall that took it in.
    let neighbour = scored(&day, HALL).await;
    assert_eq!((measured(&neighbour, "NO-PAPER"), measured(&neighbour, "RECTIFY")), ((1, 1), (1, 1)), "{neighbour}");
    assert_eq!(measured(&neighbour, "GOOD"), (0, 1), "she was not content");

    // And who she is stands in none of it.
    for path in [format!("/cases/{}", day.case), format!("/cases/{}/timeline", day.case)] {
        let shown = day.seen("analyst", CITY, &path).await.to_string();
        assert!(!shown.contains(HER_NAME) && !shown.contains(HER_NUMBER), "{shown}");
    }
}

//! Replay over HTTP: history played again, and two moments compared.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something unexpected happens")]

#[expect(unreachable_pub, dead_code, reason = "shared by the tests of this folder")]
mod city;

use actix_web::test::TestRequest;
use chrono::{DateTime, TimeDelta, Utc};
use city::{CITY, COUNTY, City, HALL, monday};
use serde_json::Value;

fn at(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339().replace('+', "%2B")
}

/// A stretch from the first record to now, at a pace that ends soon.
fn stretch(city: &City) -> String {
    format!("from={}&to={}&speed=31536000", at(monday()), at(city.node.clock.now()))
}

/// The frames of one kind.
fn frames(bytes: &[u8], kind: &str) -> Vec<Value> {
    let text = std::str::from_utf8(bytes).unwrap();
    let blocks = text.split("\n\n").filter(|block| block.contains(&format!("event: {kind}\n")));
    let data = blocks.filter_map(|block| block.lines().find_map(|line| line.strip_prefix("data: ")));
    data.map(|json| serde_json::from_str(json).unwrap()).collect()
}

#[actix_web::test]
async fn history_is_played_until_its_last_moment() {
    let city = City::new().await;
    city.accepted().await;
    let clerk = city.token("clerk", HALL);
    let played = city.get(&clerk, &format!("/replay/stream?{}", stretch(&city))).await;
    let ticks = frames(&played.bytes, "tick");
    let (first, last) = (ticks.first().unwrap(), ticks.last().unwrap());
    assert_eq!((&first["open"], &last["open"]), (&0.into(), &1.into()));
    assert_eq!(last["queues"]["review"]["green"], 1);
    assert_eq!(last["lights"]["green"], 1);
    assert_eq!(frames(&played.bytes, "end")[0]["position"], last["position"]);

    let of_others = format!("/replay/stream?{}&item=FZ-005", stretch(&city));
    let played = city.get(&clerk, &of_others).await;
    assert_eq!(frames(&played.bytes, "tick").last().unwrap()["open"], 0);
}

#[actix_web::test]
async fn whoever_has_seen_the_end_is_not_told_again() {
    let city = City::new().await;
    city.accepted().await;
    let clerk = city.token("clerk", HALL);
    let head = city.node.store.head().await.unwrap().position;
    let path = format!("/api/v1/replay/stream?{}", stretch(&city));
    let come_back = |position: u64| {
        let request = TestRequest::get().uri(&path).insert_header(("authorization", format!("Bearer {clerk}")));
        city.send(request.insert_header(("last-event-id", position.to_string())))
    };
    assert_eq!(come_back(head.0).await.status, 204);
    assert_eq!(frames(&come_back(head.0 - 1).await.bytes, "tick").last().unwrap()["open"], 1);
}

#[actix_web::test]
async fn what_cannot_be_played_is_told_at_once() {
    let city = City::new().await;
    city.open().await;
    city.pass(TimeDelta::days(2));
    let clerk = city.token("clerk", HALL);
    let (start, now) = (at(monday()), at(city.node.clock.now()));
    let (before, ahead) = (at(monday() - TimeDelta::days(9)), at(city.node.clock.now() + TimeDelta::days(9)));
    let refused = [
        (format!("from={now}&to={start}"), "reversed-range", "/to"),
        (format!("from={start}&to={start}"), "reversed-range", "/to"),
        (format!("from={start}&to={ahead}"), "future-moment", "/to"),
        (format!("from={before}&to={now}"), "invalid-parameter", "/from"),
        (format!("from={start}"), "invalid-parameter", "/to"),
        (format!("from={start}&to={now}&speed=0"), "invalid-parameter", "/speed"),
        (format!("from={start}&to={now}&speed=1"), "invalid-parameter", "/speed"),
        (format!("from={start}&to={now}&item=FZ-999"), "invalid-parameter", "/item"),
    ];
    for (query, code, pointer) in refused {
        let problem = city.get(&clerk, &format!("/replay/stream?{query}")).await.refused(400, code);
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{query}");
    }
    let query = format!("/replay/stream?from={start}&to={now}");
    city.get(&city.resident(), &query).await.refused(403, "forbidden");
    city.get(&city.token("clerk", HALL), &format!("{query}&org={COUNTY}")).await.refused(404, "not-found");
    assert!(city.get(&city.token("analyst", CITY), &format!("{query}&speed=31536000")).await.status.is_success());
}

#[actix_web::test]
async fn every_difference_names_the_act_behind_it() {
    let city = City::new().await;
    let case = city.received().await;
    let then = at(city.node.clock.now());
    city.act("clerk", &case, "accept", serde_json::json!({})).await.ok();
    let supervisor = city.token("supervisor", COUNTY);

    let of_case = city.get(&supervisor, &format!("/replay/diff?view=case:{case}&from={then}")).await.ok();
    let find =
        |cell: &str| of_case["changes"].as_array().unwrap().iter().find(|change| change["cell"] == cell).unwrap();
    let phase = find("/case/phase");
    assert_eq!((&phase["before"], &phase["after"]), (&"received".into(), &"accepted".into()));
    assert_eq!(phase["by"], serde_json::json!([of_case["position"]]));
    assert_eq!(find("/case/clocks/promised/date")["concern"], "deadlines");
    assert_eq!(of_case["causes"][0]["event"], "case-accepted");
    assert!(!of_case.to_string().contains("cipher"));

    let of_queues = city.get(&supervisor, &format!("/replay/diff?view=queues&from={then}")).await.ok();
    let changes = of_queues["changes"].as_array().unwrap();
    assert!(
        !changes.is_empty() && changes.iter().all(|change| change["by"] == serde_json::json!([of_queues["position"]]))
    );

    let same = format!("/replay/diff?view=queues&from={then}&as_of={then}&basis=effective");
    assert_eq!(city.get(&supervisor, &same).await.ok()["changes"], serde_json::json!([]));
}

#[actix_web::test]
async fn moments_that_cannot_be_compared_are_refused() {
    let city = City::new().await;
    let case = city.open().await;
    city.pass(TimeDelta::days(2));
    let clerk = city.token("clerk", HALL);
    let (start, now) = (at(monday()), at(city.node.clock.now()));
    let (before, ahead) = (at(monday() - TimeDelta::days(9)), at(city.node.clock.now() + TimeDelta::days(9)));
    let refused = [
        (format!("view=queues&from={now}&as_of={start}"), "reversed-range", "/from"),
        (format!("view=queues&from={ahead}"), "future-moment", "/from"),
        (format!("view=queues&from={before}"), "invalid-parameter", "/from"),
        (format!("from={start}"), "invalid-parameter", "/view"),
        (format!("view=halls&from={start}"), "invalid-parameter", "/view"),
        (format!("view=satisfaction&group_by=colour&from={start}"), "invalid-parameter", "/group_by"),
        (format!("view=processing-times&group_by=step&cohort=accepted&from={start}"), "invalid-parameter", "/group_by"),
        (format!("view=queues&days_from=2026-03-02&days_to=2026-03-02&from={start}"), "reversed-range", "/days_to"),
    ];
    for (query, code, pointer) in refused {
        let problem = city.get(&clerk, &format!("/replay/diff?{query}")).await.refused(400, code);
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{query}");
    }
    let elsewhere = city.token("clerk", "361002004");
    city.get(&elsewhere, &format!("/replay/diff?view=case:{case}&from={start}")).await.refused(404, "not-found");
    city.get(&city.resident(), &format!("/replay/diff?view=queues&from={start}")).await.refused(403, "forbidden");
    city.get(&city.token("screen", HALL), &format!("/replay/diff?view=queues&from={start}"))
        .await
        .refused(403, "forbidden");
}

#[actix_web::test]
async fn the_screen_of_a_case_is_as_it_was_then_with_what_was_allowed_then() {
    let city = City::new().await;
    let case = city.received().await;
    let then = at(city.node.clock.now());
    city.act("clerk", &case, "accept", serde_json::json!({})).await.ok();
    let offered = |screen: &Value, action: &str| {
        let (allowed, refused) = (screen["actions"].as_array().unwrap(), screen["refused"].as_array().unwrap());
        let is = |offer: &&Value| offer["action"] == action;
        match (allowed.iter().find(is), refused.iter().find(is)) {
            (Some(_), None) => "allowed".to_owned(),
            (None, Some(refused)) => refused["rule"].as_str().unwrap().to_owned(),
            other => panic!("{action}: {other:?}"),
        }
    };
    let supervisor = city.token("supervisor", COUNTY);
    let as_clerk = format!("/cases/{case}/screen?role=clerk");
    let now = city.get(&supervisor, &as_clerk).await.ok();
    let past = city.get(&supervisor, &format!("{as_clerk}&as_of={then}")).await.ok();
    assert_eq!((&past["file"]["phase"], &now["file"]["phase"]), (&"received".into(), &"accepted".into()));
    assert_eq!(offered(&past, "accept"), "allowed");
    assert_ne!(offered(&now, "accept"), "allowed");
    assert_eq!(past["seen_as"]["organisation"], HALL);
    assert!(!past.to_string().contains(city::NAME), "persons are masked");

    let own = city.get(&city.token("clerk", HALL), &format!("/cases/{case}/screen?as_of={then}")).await.ok();
    assert_eq!(offered(&own, "accept"), "allowed");
    city.get(&city.token("clerk", HALL), &format!("/cases/{case}/screen?role=chief")).await.refused(403, "forbidden");
    city.get(&supervisor, &format!("/cases/{case}/screen?role=resident")).await.refused(400, "invalid-parameter");
    city.get(&city.token("clerk", "361002004"), &format!("/cases/{case}/screen")).await.refused(404, "not-found");
}

const SHORTER: &str = "name = \"shorter\"\n[[item]]\nid = \"FZ-001\"\npromised_limit = 1\n";

/// Returns a what-if once it is done.
async fn done(city: &City, token: &str, id: &str) -> Value {
    let ended = city.node.reads.jobs.ended(id.parse().unwrap());
    let ended = tokio::time::timeout(std::time::Duration::from_secs(4), ended).await;
    assert!(ended.is_ok_and(|job| job.is_some()), "the what-if {id} does not end");
    let job = city.get(token, &format!("/replay/what-if/{id}")).await.ok();
    assert_ne!(job["state"], "open", "{job}");
    job
}

#[actix_web::test]
async fn a_what_if_is_a_job_and_writes_nothing() {
    let city = City::new().await;
    let case = city.accepted().await;
    city.pass(TimeDelta::days(20));
    city.caught_up().await;
    let head = city.node.store.head().await.unwrap();
    let analyst = city.token("analyst", CITY);
    let ask = serde_json::json!({"scenario": SHORTER, "view": "processing-times", "ask": {"cohort": "accepted"}});
    let key = city.key();
    let submitted = city.send(city.post_with_key(&analyst, "/replay/what-if", &ask, &key)).await;
    assert_eq!(submitted.status, 201, "{}", submitted.body);
    let id = submitted.ok()["id"].as_str().unwrap().to_owned();
    assert_eq!(city.send(city.post_with_key(&analyst, "/replay/what-if", &ask, &key)).await.ok()["id"], id.as_str());

    let job = done(&city, &analyst, &id).await;
    assert_eq!(job["state"], "done", "{job}");
    let result = &job["result"];
    assert_eq!((&job["progress"]["cases"], &result["changed"]), (&1.into(), &1.into()));
    assert_eq!(result["changed_cases"][0]["case"], case.as_str());
    assert_eq!(result["changed_cases"][0]["imagined"]["promise"], "overdue");
    assert_eq!(city.node.store.head().await.unwrap(), head, "a what-if writes nothing");

    let path = format!("/replay/what-if/{id}");
    let supervisor = city.token("supervisor", CITY);
    city.get(&supervisor, &path).await.refused(404, "not-found");
    // Whoever happens to choose the same key gets nobody else's job.
    let same_key = city.send(city.post_with_key(&supervisor, "/replay/what-if", &ask, &key)).await;
    same_key.refused(422, "idempotency-key-reused");
    // Nor does who asks something else under a used key get the old answer.
    let other = serde_json::json!({"scenario": SHORTER, "view": "processing-times", "ask": {"cohort": "closed"}});
    let reused = city.send(city.post_with_key(&analyst, "/replay/what-if", &other, &key)).await;
    reused.refused(422, "idempotency-key-reused");
    assert_eq!(city.send(city.post_with_key(&analyst, "/replay/what-if", &ask, &key)).await.ok()["state"], "done");
    city.post(&analyst, &format!("{path}/actions/cancel"), serde_json::json!({})).await.ok();
    city.get(&analyst, &path).await.refused(404, "not-found");
}

#[actix_web::test]
async fn what_cannot_be_imagined_is_told_with_its_line() {
    let city = City::new().await;
    let analyst = city.token("analyst", CITY);
    let ask = |scenario: &str, view: &str| serde_json::json!({"scenario": scenario, "view": view});
    let wrong = city.post(&analyst, "/replay/what-if", ask("[[item]]\nid = 3\n", "queues")).await;
    let problem = wrong.refused(422, "invalid-content");
    assert!(problem["errors"][0]["detail"].as_str().unwrap().starts_with("第 2 行"), "{problem}");
    city.post(&analyst, "/replay/what-if", ask(SHORTER, "halls")).await.refused(400, "invalid-parameter");
    city.post(&city.token("clerk", HALL), "/replay/what-if", ask(SHORTER, "queues")).await.refused(403, "forbidden");

    // What only the history can tell is told by the job.
    let unknown = city.post(&analyst, "/replay/what-if", ask("[[item]]\nid = \"FZ-999\"\n", "queues")).await.ok();
    let job = done(&city, &analyst, unknown["id"].as_str().unwrap()).await;
    assert_eq!((&job["state"], &job["error"]["line"]), (&"failed".into(), &2.into()), "{job}");
}

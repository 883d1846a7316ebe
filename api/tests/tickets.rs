//! Halls over HTTP: tickets, windows, screens, appointments and their figures, and many at once.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something unexpected happens")]

#[expect(unreachable_pub, dead_code, reason = "shared by the tests of this folder")]
mod city;

use actix_web::test::TestRequest;
use api::ticker::Rounds;
use chrono::TimeDelta;
use city::{CITY, City, DIBAO, HALL, ID_NUMBER, NAME, monday, types};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Made-up numbers with right check characters.
fn number(serial: u32) -> String {
    let body = format!("1101051990010{:04}", 1000 + serial);
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = body.chars().zip(weights).map(|(digit, weight)| digit.to_digit(10).unwrap() * weight).sum();
    format!("{body}{}", ["1", "0", "X", "9", "8", "7", "6", "5", "4", "3", "2"][(sum % 11) as usize])
}

struct Hall(City);

impl Hall {
    async fn new() -> Self {
        Self(City::new().await)
    }

    async fn take(&self, body: Value) -> Value {
        self.0.post(&self.0.token("receptionist", HALL), "/tickets", body).await.ok()
    }

    async fn act(&self, ticket: &str, action: &str, body: Value) -> city::Answer {
        self.0.post(&self.0.token("clerk", HALL), &format!("/tickets/{ticket}/actions/{action}"), body).await
    }

    async fn in_hall(&self, action: &str, body: Value) -> city::Answer {
        self.0.post(&self.0.token("clerk", HALL), &format!("/halls/{HALL}/actions/{action}"), body).await
    }

    async fn read(&self, path: &str) -> Value {
        self.0.caught_up().await;
        self.0.get(&self.0.token("clerk", HALL), path).await.ok()
    }
}

fn id(written: &Value) -> String {
    written["id"].as_str().unwrap().to_owned()
}

fn person(number: &str) -> Value {
    json!({"name": NAME, "id_number": number, "phone": "13870401234"})
}

fn booking(from: &str, number: &str) -> Value {
    json!({"hall": HALL, "item": DIBAO, "from": from, "person": person(number)})
}

#[actix_web::test]
async fn a_visit_goes_from_ticket_to_rating() {
    let hall = Hall::new().await;
    let taken = hall.take(json!({"item": DIBAO, "visitor": {"id_number": ID_NUMBER}})).await;
    assert_eq!((taken["id"].as_str(), taken["label"].as_str()), (Some("20260302-0001-361023100"), Some("A001")));
    // Born in 1949, so ahead of others.
    let ticket = id(&taken);
    let seen = hall.read(&format!("/tickets/{ticket}")).await;
    assert_eq!((&seen["status"], &seen["priority"], &seen["ahead"]), (&json!("waiting"), &json!("elderly"), &json!(0)));

    hall.in_hall("call-next", json!({"window": "C1"})).await.against("window-not-open");
    hall.in_hall("call-next", json!({})).await.refused(422, "invalid-content");
    hall.in_hall("staff-window", json!({"window": "C1"})).await.ok();
    let called = hall.in_hall("call-next", json!({})).await.ok();
    assert_eq!((called["ticket"].as_str(), called["window"].as_str()), (Some(ticket.as_str()), Some("C1")));
    let screen = hall.read(&format!("/halls/{HALL}/screen")).await;
    assert_eq!(screen["calls"][0]["window_name_zh"], "综合窗口1");
    hall.in_hall("call-next", json!({})).await.against("ticket-in-hand");
    hall.act(&ticket, "serve", json!({})).await.ok();
    let case = hall.0.open().await;
    hall.act(&ticket, "link", json!({"case": case})).await.ok();

    let rate = |level: &str, code: &str| json!({"subject": {"kind": "ticket", "id": ticket}, "level": level, "channel": "qr-code", "code": code});
    let code = taken["slip"]["rating_code"].as_str().unwrap();
    let send = |body: Value| TestRequest::post().uri("/api/v1/ratings").set_json(body);
    hall.0.send(send(rate("fair", code))).await.against("stage-not-reached");
    hall.act(&ticket, "finish", json!({})).await.ok();
    hall.0.send(send(rate("fair", "0000000000"))).await.refused(404, "not-found");
    let rated = hall.0.send(send(rate("dissatisfied", code))).await.ok();
    assert_eq!(types(&rated), ["rated", "bad-rating-opened"]);
    hall.0.send(send(rate("fair", code))).await.against("already-rated");
    let seen = hall.read(&format!("/tickets/{ticket}")).await;
    assert_eq!((&seen["status"], &seen["cases"]), (&json!("finished"), &json!([case])));
    let own = hall.0.get(&hall.0.resident(), &format!("/tickets/{ticket}")).await.ok();
    assert_eq!(own["label"], "A001");
}

#[actix_web::test]
async fn a_resident_rates_their_own_visit_and_nobody_elses() {
    let hall = Hall::new().await;
    let resident = hall.0.resident();
    let ticket = id(&hall.0.post(&resident, "/tickets", json!({"hall": HALL})).await.ok());
    hall.0.post(&resident, "/tickets", json!({"hall": HALL})).await.against("already-queueing");
    hall.in_hall("staff-window", json!({"window": "C1"})).await.ok();
    hall.in_hall("call-next", json!({})).await.ok();
    hall.act(&ticket, "finish", json!({})).await.ok();
    let rating = json!({"subject": {"kind": "ticket", "id": ticket}, "level": "satisfied", "channel": "mobile"});
    let stranger = hall.0.token_for("resident", CITY, &"0".repeat(32));
    hall.0.post(&stranger, "/ratings", rating.clone()).await.refused(404, "not-found");
    let rated = hall.0.post(&resident, "/ratings", rating).await.ok();
    let revise = format!("/ratings/{}/actions/revise", id(&rated));
    hall.0.post(&resident, &revise, json!({"level": "very-satisfied", "channel": "mobile"})).await.ok();
}

#[actix_web::test]
async fn a_repeated_request_prints_the_same_slip() {
    let hall = Hall::new().await;
    let (token, key) = (hall.0.token("receptionist", HALL), hall.0.key());
    let first = hall.0.send(hall.0.post_with_key(&token, "/tickets", &json!({}), &key)).await;
    assert_eq!(first.status.as_u16(), 201);
    let again = hall.0.send(hall.0.post_with_key(&token, "/tickets", &json!({}), &key)).await.ok();
    assert_eq!(first.ok(), again);
}

#[actix_web::test]
async fn the_screen_shows_numbers_and_nobody() {
    let hall = Hall::new().await;
    hall.take(json!({"item": DIBAO, "visitor": {"id_number": ID_NUMBER}})).await;
    hall.0.caught_up().await;
    let subject = hall.0.node.vault.subject(ID_NUMBER);
    let screen = hall.0.token("screen", HALL);
    for path in ["screen", "queue"] {
        let shown = hall.0.get(&screen, &format!("/halls/{HALL}/{path}")).await.ok().to_string();
        for hidden in [ID_NUMBER, subject.as_str(), "clerk-361023100"] {
            assert!(!shown.contains(hidden), "{path} shows {hidden}: {shown}");
        }
        assert!(path == "queue" || !shown.contains(DIBAO), "{shown}");
    }
    let feed = hall.0.get(&screen, "/events").await;
    assert_ne!(feed.status.as_u16(), 200, "a screen reads no events");
    let analyst = hall.0.get(&hall.0.token("analyst", CITY), "/events?types=ticket-issued").await.ok().to_string();
    assert!(analyst.contains("ticket-issued") && !analyst.contains(subject.as_str()), "{analyst}");
}

#[actix_web::test]
async fn what_a_caller_may_not_is_refused() {
    let hall = Hall::new().await;
    let ticket = id(&hall.take(json!({})).await);
    let elsewhere = hall.0.token("clerk", "361002004");
    hall.0.post(&elsewhere, "/tickets", json!({"hall": HALL})).await.refused(404, "not-found");
    hall.0.post(&elsewhere, &format!("/tickets/{ticket}/actions/abandon"), json!({})).await.refused(404, "not-found");
    let agent = hall.0.token("village-agent", "361023100-QINTAILU");
    hall.0.post(&agent, "/appointments", booking("2026-03-03T09:00:00+08:00", ID_NUMBER)).await.ok();
    hall.0.get(&agent, &format!("/halls/{HALL}/slots")).await.ok();
    hall.0.get(&agent, &format!("/halls/{HALL}/queue")).await.refused(404, "not-found");
    hall.0.get(&agent, &format!("/tickets/{ticket}")).await.refused(404, "not-found");
    let stranger = hall.0.resident();
    hall.0.get(&stranger, &format!("/tickets/{ticket}")).await.refused(404, "not-found");
    hall.0.post(&stranger, &format!("/tickets/{ticket}/actions/abandon"), json!({})).await.refused(404, "not-found");
    let reception = hall.0.token("receptionist", HALL);
    let call = format!("/halls/{HALL}/actions/call-next");
    hall.0.post(&reception, &call, json!({"window": "C1"})).await.refused(403, "forbidden");
    hall.0.post(&hall.0.token("supervisor", CITY), "/tickets", json!({"hall": HALL})).await.refused(403, "forbidden");
    hall.act(&ticket, "explode", json!({})).await.refused(404, "not-found");
    hall.act("20260302-0099-361023100", "recall", json!({})).await.refused(404, "not-found");
    hall.act("x", "recall", json!({})).await.refused(404, "not-found");
    hall.act(&ticket, "recall", json!({})).await.against("not-called");
    hall.act(&ticket, "transfer", json!({})).await.refused(422, "invalid-content");
    let flaws = hall.0.post(&reception, "/tickets", json!({"visitor": {"id_number": "1"}, "purpose": ""})).await;
    assert_eq!(flaws.refused(422, "invalid-content")["errors"].as_array().unwrap().len(), 2);
    hall.0.post(&reception, "/tickets", json!({"priority": "rich"})).await.refused(400, "malformed");
    let english = hall.0.post_with_key(&reception, "/tickets", &json!({"purpose": "marriage"}), &hall.0.key());
    let told = hall.0.send(english.insert_header(("accept-language", "en"))).await;
    assert_eq!(told.body["detail"], "no window of this hall serves that purpose");
}

#[actix_web::test]
async fn sixty_four_windows_call_at_once_and_no_number_twice() {
    const WINDOWS: usize = 64;
    let hall = Hall::new().await;
    let admin = hall.0.token("admin", CITY);
    for window in 1..=WINDOWS {
        let opened = json!({"window": format!("W{window}"), "name_zh": "综合窗口", "purpose": "comprehensive"});
        hall.0.post(&admin, &format!("/organisations/{HALL}/actions/open-window"), opened).await.ok();
    }
    hall.0.caught_up().await;
    let path = |action: &str| format!("/halls/{HALL}/actions/{action}");
    for window in 1..=WINDOWS {
        let clerk = hall.0.token_for("clerk", HALL, &format!("clerk-{window}"));
        hall.0.post(&clerk, &path("staff-window"), json!({"window": format!("W{window}")})).await.ok();
    }
    for _ in 0..WINDOWS {
        hall.take(json!({})).await;
    }
    let calls = (1..=WINDOWS).map(|window| {
        let (city, key) = (&hall.0, hall.0.key());
        let (path, clerk) = (path("call-next"), city.token_for("clerk", HALL, &format!("clerk-{window}")));
        async move {
            loop {
                let answer = city.send(city.post_with_key(&clerk, &path, &json!({}), &key)).await;
                // Too many at once is said, and nothing is half done: the same request goes on.
                if answer.status.as_u16() != 409 {
                    return answer.ok()["ticket"].as_str().unwrap().to_owned();
                }
            }
        }
    });
    let called = futures::future::join_all(calls).await;
    assert_eq!(called.iter().collect::<BTreeSet<_>>().len(), WINDOWS, "{called:?}");
    let seen = hall.read(&format!("/halls/{HALL}/queue")).await;
    assert_eq!((&seen["counts"]["called"], &seen["counts"]["waiting"]), (&json!(WINDOWS), &json!(0)));
}

#[actix_web::test]
async fn many_book_one_slot_at_once_and_no_place_is_sold_twice() {
    let hall = Hall::new().await;
    let token = hall.0.token("receptionist", HALL);
    let bookings = (0..40).map(|serial| {
        let (city, key, token) = (&hall.0, hall.0.key(), &token);
        async move {
            let body = booking("2026-03-03T09:00:00+08:00", &number(serial));
            loop {
                let answer = city.send(city.post_with_key(token, "/appointments", &body, &key)).await;
                if answer.status.as_u16() != 409 {
                    return answer;
                }
            }
        }
    });
    let answers = futures::future::join_all(bookings).await;
    let (sold, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status.is_success());
    // Two windows, half an hour, fifteen minutes each, half of it for appointments.
    assert_eq!(sold.len(), 2);
    refused.into_iter().for_each(|answer| answer.against("slot-full"));
    let slots = hall.read(&format!("/halls/{HALL}/slots?day=2026-03-03")).await;
    let slot = slots["slots"].as_array().unwrap().iter().find(|slot| slot["from"] == "2026-03-03T09:00:00.000+08:00");
    assert_eq!((&slot.unwrap()["capacity"], &slot.unwrap()["free"]), (&json!(2), &json!(0)));
}

#[actix_web::test]
async fn an_appointment_is_booked_moved_kept_and_sealed() {
    let hall = Hall::new().await;
    let resident = hall.0.resident();
    let other = booking("2026-03-02T16:00:00+08:00", &number(1));
    hall.0.post(&resident, "/appointments", other).await.refused(422, "invalid-content");
    let booked = hall.0.post(&resident, "/appointments", booking("2026-03-03T09:00:00+08:00", ID_NUMBER)).await.ok();
    let first = id(&booked);
    let again = booking("2026-03-03T10:00:00+08:00", ID_NUMBER);
    hall.0.post(&resident, "/appointments", again).await.against("booked-already");
    let no_such = booking("2026-03-03T09:10:00+08:00", ID_NUMBER);
    hall.0.post(&resident, "/appointments", no_such).await.against("no-such-slot");

    let path = |id: &str, action: &str| format!("/appointments/{id}/actions/{action}");
    let stranger = hall.0.token_for("resident", CITY, &"0".repeat(32));
    hall.0.post(&stranger, &path(&first, "cancel"), json!({})).await.refused(404, "not-found");
    let (key, move_to) = (hall.0.key(), json!({"from": "2026-03-02T16:00:00+08:00"}));
    let reschedule = || hall.0.post_with_key(&resident, &path(&first, "reschedule"), &move_to, &key);
    let moved = hall.0.send(reschedule()).await.ok();
    assert_eq!(moved, hall.0.send(reschedule()).await.ok());
    let second = id(&moved);
    hall.0.caught_up().await;
    let old = hall.0.get(&resident, &format!("/appointments/{first}")).await.ok();
    assert_eq!((&old["status"], &old["moved_to"]), (&json!("moved"), &json!(second)));
    let listed = hall.0.get(&resident, "/appointments").await.ok();
    assert_eq!(listed["appointments"].as_array().unwrap().len(), 1);
    let shown = hall.read(&format!("/appointments?hall={HALL}&day=2026-03-02")).await;
    let name = &shown["appointments"][0]["person"]["name"];
    assert!(name.as_str().unwrap().contains('*') && !shown.to_string().contains(NAME), "{shown}");

    let check_in = json!({"appointment": second});
    hall.0.post(&resident, "/tickets", check_in.clone()).await.against("check-in-too-early");
    hall.0.node.clock.set(monday() + TimeDelta::minutes(5 * 60 + 40));
    let ticket = hall.0.post(&resident, "/tickets", check_in.clone()).await.ok();
    let seen = hall.read(&format!("/tickets/{}", id(&ticket))).await;
    assert_eq!((&seen["by_appointment"], &seen["item"]), (&json!(true), &json!(DIBAO)));
    assert_eq!(seen["ready_at"], "2026-03-02T16:00:00.000+08:00");
    hall.0.post(&resident, "/tickets", check_in).await.against("appointment-has-ticket");
    hall.0.post(&resident, &path(&second, "cancel"), json!({})).await.against("already-kept");
    let log = hall.0.node.store.read(&eventstore::Selection::All, eventstore::Position::START, 4096).await.unwrap();
    for event in log.events {
        let body = String::from_utf8_lossy(event.body()).into_owned();
        assert!(!body.contains(NAME) && !body.contains(ID_NUMBER), "{body}");
    }
}

#[actix_web::test]
async fn an_appointment_moves_to_another_day_in_one_stroke_or_not_at_all() {
    let hall = Hall::new().await;
    let resident = hall.0.resident();
    let booked = hall.0.post(&resident, "/appointments", booking("2026-03-03T09:00:00+08:00", ID_NUMBER)).await.ok();
    let act = |id: &str, action: &str, body: &Value| {
        let path = format!("/appointments/{id}/actions/{action}");
        hall.0.send(hall.0.post_with_key(&resident, &path, body, &hall.0.key()))
    };
    let first = id(&booked);
    let moved = act(&first, "reschedule", &json!({"from": "2026-03-04T09:00:00+08:00"})).await.ok();
    let log = hall.0.node.store.read(&eventstore::Selection::All, eventstore::Position::START, 4096).await.unwrap();
    let [.., one, other] = &log.events[..] else { panic!("nothing was recorded") };
    let kinds = BTreeSet::from([one.kind(), other.kind()]);
    assert_eq!(kinds, BTreeSet::from(["appointment-booked", "appointment-moved"]));
    assert_eq!(one.command, other.command);
    assert_ne!(one.stream(), other.stream());

    // Of a move and a cancellation at the same moment one comes first, and the other is told so.
    let second = id(&moved);
    let nothing = json!({});
    let to = json!({"from": "2026-03-05T09:00:00+08:00"});
    let (cancelled, moved) =
        futures::future::join(act(&second, "cancel", &nothing), act(&second, "reschedule", &to)).await;
    match cancelled.status.is_success() {
        true => moved.against("appointment-cancelled"),
        false => cancelled.against("already-moved"),
    }
}

#[actix_web::test]
async fn the_passing_of_time_warns_misses_and_ends_the_day() {
    let hall = Hall::new().await;
    let token = hall.0.token("receptionist", HALL);
    hall.0.post(&token, "/appointments", booking("2026-03-02T10:30:00+08:00", &number(1))).await.ok();
    hall.in_hall("staff-window", json!({"window": "C1"})).await.ok();
    for _ in 0..11 {
        hall.take(json!({})).await;
    }
    let mut rounds = Rounds::new(&hall.0.node);
    hall.0.caught_up().await;
    assert_eq!(rounds.look(&hall.0.node).await, 0);
    hall.0.node.clock.set(monday() + TimeDelta::minutes(76));
    assert_eq!(rounds.look(&hall.0.node).await, 3, "two thresholds are crossed, an appointment is missed");
    hall.0.caught_up().await;
    assert_eq!(rounds.look(&hall.0.node).await, 0, "once per crossing");
    let seen = hall.read(&format!("/halls/{HALL}/queue")).await;
    assert_eq!(seen["warnings"].as_array().unwrap().len(), 2);
    hall.0.node.clock.set(monday() + TimeDelta::hours(15));
    assert_eq!(rounds.look(&hall.0.node).await, 1);
    let seen = hall.read(&format!("/halls/{HALL}/queue?day=2026-03-02")).await;
    assert_eq!((&seen["closed"], &seen["counts"]["abandoned"]), (&json!(true), &json!(11)));
    let figures = hall.read("/statistics/halls?from=2026-03-02&to=2026-03-03&group_by=window").await;
    assert_eq!((&figures["total"]["issued"], &figures["total"]["warnings"]), (&json!(11), &json!(2)));
    assert_eq!(figures["total"]["appointments"]["missed"], 1);
    assert_eq!(figures["peak"]["quarter"], "10:00");
}

#[actix_web::test]
async fn the_past_of_a_queue_is_asked_like_the_present() {
    let hall = Hall::new().await;
    hall.take(json!({})).await;
    let then = hall.0.node.clock.now().to_rfc3339().replace('+', "%2B");
    hall.take(json!({})).await;
    for (path, field) in [("queue", "issued"), ("screen", "waiting")] {
        let now = hall.read(&format!("/halls/{HALL}/{path}")).await;
        let past = hall.read(&format!("/halls/{HALL}/{path}?as_of={then}")).await;
        assert_ne!(now[field], past[field], "{path}");
    }
    hall.0
        .get(&hall.0.token("clerk", HALL), &format!("/tickets/20260302-0002-361023100?as_of={then}"))
        .await
        .refused(404, "not-found");
    let figures = hall.read(&format!("/statistics/halls?as_of={then}")).await;
    assert_eq!(figures["total"]["issued"], 1);
}

#[actix_web::test]
async fn the_nearest_open_hall_comes_first_with_its_wait() {
    let hall = Hall::new().await;
    hall.in_hall("staff-window", json!({"window": "C1"})).await.ok();
    hall.take(json!({})).await;
    hall.0.caught_up().await;
    let asked = hall.0.get(&hall.0.resident(), &format!("/halls?item={DIBAO}&region={HALL}&open=true&limit=3")).await;
    let found = asked.ok();
    assert_eq!(found["halls"][0]["hall"], HALL);
    assert_eq!((&found["halls"][0]["waiting"], &found["halls"][0]["estimated_minutes"]), (&json!(1), &json!(15)));
    assert_eq!(found["halls"].as_array().unwrap().len(), 3);
    let cursor = found["next_cursor"].as_str().unwrap();
    let path = format!("/halls?item={DIBAO}&region={HALL}&open=true&limit=3&cursor={cursor}");
    let next = hall.0.get(&hall.0.resident(), &path).await.ok();
    assert_ne!(next["halls"][0]["hall"], HALL);
    hall.0.get(&hall.0.resident(), "/halls?item=FZ-999").await.refused(400, "invalid-parameter");
}

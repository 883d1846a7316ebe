//! 近亲属备案 over HTTP: said by many, read by few, and found nowhere else.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something unexpected happens")]

#[expect(unreachable_pub, dead_code, reason = "shared by the tests of this folder")]
mod city;

use city::{CITY, COUNTY, City, HALL, types};
use serde_json::{Value, json};

fn relation(case: &str) -> Value {
    json!({"case": case, "staff": "clerk-361023100", "relation": "parent", "declared_by": "applicant"})
}

fn visit(visitors: &[&str]) -> Value {
    json!({"visit": "full", "visited_on": "2026-03-02", "visitors": visitors})
}

async fn registered(city: &City, case: &str) -> Value {
    city.post(&city.token("handler", HALL), "/kin-registrations", relation(case)).await.ok()
}

#[actix_web::test]
async fn what_was_not_registered_in_time_or_not_visited_is_found() {
    let city = City::new().await;
    let (early, late) = (city.accepted().await, city.accepted().await);
    assert_eq!(types(&registered(&city, &early).await), ["kin-registered"]);
    city.act("clerk", &late, "route", json!({"to": HALL})).await.ok();
    city.act("chief", &late, "decide", json!({"outcome": "granted"})).await.ok();
    registered(&city, &late).await;
    let path = |case: &str| format!("/kin-registrations/{case}/actions/visit");
    let handler = city.token("handler", HALL);
    city.post(&handler, &path(&early), visit(&["a"])).await.against("visitors-out-of-range");
    city.post(&handler, &path(&early), visit(&["a", "clerk-361023100"])).await.against("relative-visits");
    city.post(&handler, &path(&early), visit(&["a", "b"])).await.ok();
    city.post(&handler, "/kin-registrations/01J8Z3M6Q5Y7V9X1B2C3D4E5F6/actions/visit", visit(&["a", "b"]))
        .await
        .refused(404, "not-found");
    city.post(&handler, &format!("/kin-registrations/{early}/actions/gossip"), json!({}))
        .await
        .refused(404, "not-found");

    city.caught_up().await;
    let supervisor = city.token("supervisor", COUNTY);
    let found = async |parameters: &str| {
        let told = city.get(&supervisor, &format!("/kin-registrations?item=FZ-001{parameters}")).await.ok();
        let cases = told["cases"].as_array().unwrap();
        (cases.iter().map(|row| row["case"].as_str().unwrap().to_owned()).collect::<Vec<_>>(), told)
    };
    let (both, told) = found("").await;
    assert_eq!(both, [early.clone(), late.clone()]);
    assert_eq!((&told["total"]["registered"], &told["total"]["in_time"]["numerator"]), (&json!(2), &json!(1)));
    assert_eq!(told["cases"][0]["acts_of_relative"], json!(["received", "accepted"]), "who should have kept out");
    assert_eq!(found("&late=true").await.0, std::slice::from_ref(&late));
    assert_eq!(found("&visited=false").await.0, std::slice::from_ref(&late));
    let (first, told) = found("&limit=1").await;
    let cursor = told["next_cursor"].as_str().unwrap();
    assert_eq!((first, found(&format!("&limit=1&cursor={cursor}")).await.0), (vec![early], vec![late]));
}

#[actix_web::test]
async fn whoever_sees_the_case_does_not_see_whose_relative_it_is() {
    let city = City::new().await;
    let case = city.accepted().await;
    let before = city.version(&case).await;
    registered(&city, &case).await;
    city.caught_up().await;
    assert_eq!(city.version(&case).await, before, "the case does not move");
    for (role, org) in [("clerk", HALL), ("handler", HALL), ("analyst", CITY), ("admin", CITY)] {
        city.get(&city.token(role, org), "/kin-registrations").await.refused(403, "forbidden");
    }
    city.get(&city.resident(), "/kin-registrations").await.refused(403, "forbidden");
    let elsewhere = city.get(&city.token("supervisor", "361002"), "/kin-registrations").await.ok();
    assert_eq!(elsewhere["cases"], json!([]));
    city.get(&city.token("supervisor", "361002"), &format!("/kin-registrations?org={COUNTY}"))
        .await
        .refused(404, "not-found");
    let stranger = city.token("clerk", "361002004");
    city.post(&stranger, "/kin-registrations", relation(&case)).await.refused(404, "not-found");
    let places = [format!("/cases/{case}"), format!("/cases/{case}/timeline"), format!("/cases/{case}/events")];
    for path in places.into_iter().chain(["/events".to_owned(), "/events?types=kin-registered".to_owned()]) {
        for (role, org) in [("clerk", HALL), ("supervisor", CITY)] {
            let shown = city.get(&city.token(role, org), &path).await.ok().to_string();
            assert!(!shown.contains("kin-registered") && !shown.contains("\"relation\""), "{path} for {role}");
        }
    }
}

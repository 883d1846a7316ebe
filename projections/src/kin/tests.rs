//! What was not registered in time, and what was not visited, is found; every share has both of its counts.

use super::*;
use crate::testing::{Story, actor, case_id, day, id, noon};
use domain::actor::Role;
use domain::builtin;
use domain::event::kin::{DeclaredBy, KinHomeVisited, KinRelation};
use domain::fact::Subject;

fn registered(case: u64, handling: &str, decided_on: Option<&str>) -> KinEvent {
    KinRegistered {
        case: case_id(case),
        item: id("FZ-001"),
        handling: id(handling),
        staff: id("c-1"),
        relation: KinRelation::Parent,
        declared_by: DeclaredBy::Staff,
        registered_on: day("2022-03-01"),
        decided_on: decided_on.map(day),
    }
    .into()
}

fn visited(case: u64, visit: HomeVisit) -> KinEvent {
    let visitors = vec![id("h-1"), id("h-2")];
    KinHomeVisited { case: case_id(case), visit, visited_on: day("2022-03-05"), visitors }.into()
}

fn march() -> Kin {
    let mut story = Story::default();
    let clerk = actor("c-2", Role::Clerk, "361023100");
    let told = [
        (1, registered(1, "361023100", None)),
        (1, visited(1, HomeVisit::Full)),
        (1, visited(1, HomeVisit::Spot)),
        (2, registered(2, "361023101", Some("2022-02-20"))),
        (3, registered(3, "361002004", None)),
        // Of a case that nobody registered, nothing is known.
        (4, visited(4, HomeVisit::Full)),
    ];
    for (case, event) in told {
        story.tell(noon(day("2022-03-05")), Subject::Kin(case_id(case)), &clerk, event);
    }
    let mut kin = Kin::default();
    story.facts().iter().for_each(|fact| kin.apply(fact));
    kin
}

fn ask(change: impl FnOnce(&mut KinQuery)) -> KinAnswer {
    let period = Period { from: day("2022-03-01"), to: day("2022-04-01") };
    let mut query = KinQuery { period, organisation: id("361000"), item: None, late: None, visited: None };
    change(&mut query);
    march().answer(&query, &builtin::reference().organisations)
}

fn found(answer: &KinAnswer) -> Vec<CaseId> {
    answer.cases.iter().map(|row| row.registered.case).collect()
}

#[test]
fn what_was_registered_late_or_not_visited_is_found() {
    assert_eq!(found(&ask(|query| query.late = Some(true))), [case_id(2)]);
    assert_eq!(found(&ask(|query| query.visited = Some(false))), [case_id(2), case_id(3)]);
    assert_eq!(found(&ask(|query| query.organisation = id("361023"))), [case_id(1), case_id(2)]);
    assert!(found(&ask(|query| query.period.from = day("2022-03-02"))).is_empty());
}

#[test]
fn shares_are_of_all_that_were_asked_for() {
    let total = ask(|_| ()).total;
    assert_eq!((total.registered, total.in_time), (3, Rate::of(2, 3)));
    assert_eq!((total.visited, total.spot_visited), (Rate::of(1, 3), Rate::of(1, 3)));
}

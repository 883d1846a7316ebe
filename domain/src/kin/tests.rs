use super::*;
use crate::actor::{Actor, Role};
use crate::testing::{REFERENCE, actor, at, context, day, organisation};

const CASE: &str = "01J00000000000000000000001";

fn staff(id: &str) -> StaffId {
    id.parse().unwrap()
}

fn register(relation: KinRelation, decided_on: Option<&str>) -> KinCommand {
    KinCommand::Register {
        case: CASE.parse().unwrap(),
        item: "FZ-001".parse().unwrap(),
        handling: organisation("361023100"),
        decided_on: decided_on.map(day),
        staff: staff("cousin"),
        relation,
        declared_by: DeclaredBy::Applicant,
    }
}

fn visit(visit: HomeVisit, on: &str, visitors: &[&str]) -> KinCommand {
    let visitors = visitors.iter().map(|id| staff(id)).collect();
    KinCommand::Visit { visit, visited_on: day(on), visitors }
}

fn registered() -> KinEvent {
    KinRegistered {
        case: CASE.parse().unwrap(),
        item: "FZ-001".parse().unwrap(),
        handling: organisation("361023100"),
        staff: staff("cousin"),
        relation: KinRelation::Parent,
        declared_by: DeclaredBy::Applicant,
        registered_on: day("2026-03-02"),
        decided_on: None,
    }
    .into()
}

fn visited(kind: HomeVisit, visitors: &[&str]) -> KinEvent {
    let visitors = visitors.iter().map(|id| staff(id)).collect();
    KinHomeVisited { case: CASE.parse().unwrap(), visit: kind, visited_on: day("2026-03-01"), visitors }.into()
}

fn of_township(id: &str) -> Actor {
    Actor { organisation: organisation("361023100"), ..actor(id, Role::Handler) }
}

#[track_caller]
fn check(by: &Actor, given: &[KinEvent], when: &KinCommand, then: Result<Vec<KinEvent>, KinRejection>) {
    let mut kin = Kin::default();
    given.iter().for_each(|event| kin.evolve(event));
    assert_eq!(kin.decide(when, &context(at("2026-03-02", "10:00:00"), by, &REFERENCE)), then);
}

#[test]
fn a_relation_is_registered_once() {
    let clerk = of_township("clerk");
    let parent = register(KinRelation::Parent, None);
    check(&clerk, &[], &parent, Ok(vec![registered()]));
    check(&clerk, &[registered()], &parent, Ok(vec![]));
    let spouse = register(KinRelation::Spouse, None);
    check(&clerk, &[registered()], &spouse, Err(KinRejection::KinAlreadyRegistered));
}

#[test]
fn a_registration_after_the_decision_says_so() {
    let mut kin = Kin::default();
    let clerk = of_township("clerk");
    let late = register(KinRelation::Parent, Some("2026-02-20"));
    let events = kin.decide(&late, &context(at("2026-03-02", "10:00:00"), &clerk, &REFERENCE)).unwrap();
    events.iter().for_each(|event| kin.evolve(event));
    assert_eq!(kin.registered.unwrap().decided_on, Some(day("2026-02-20")));
}

#[test]
fn a_home_is_visited_by_two_others_than_the_relative() {
    let handler = of_township("handler");
    let given = [registered()];
    let full = |visitors: &[&str]| visit(HomeVisit::Full, "2026-03-01", visitors);
    check(&handler, &[], &full(&["a", "b"]), Err(KinRejection::KinNotRegistered));
    check(&handler, &given, &full(&["a", "b"]), Ok(vec![visited(HomeVisit::Full, &["a", "b"])]));
    let done = [registered(), visited(HomeVisit::Full, &["a", "b"])];
    check(&handler, &done, &full(&["a", "b"]), Ok(vec![]));
    check(&handler, &given, &full(&["a"]), Err(KinRejection::VisitorsOutOfRange));
    check(&handler, &given, &full(&["a", "a"]), Err(KinRejection::VisitorsOutOfRange));
    check(&handler, &given, &full(&["a", "cousin"]), Err(KinRejection::RelativeVisits));
    check(&of_township("cousin"), &given, &full(&["a", "b"]), Err(KinRejection::RelativeVisits));
    let to_come = visit(HomeVisit::Full, "2026-03-03", &["a", "b"]);
    check(&handler, &given, &to_come, Err(KinRejection::VisitToCome));
}

#[test]
fn a_sample_is_taken_from_above() {
    let spot = visit(HomeVisit::Spot, "2026-03-01", &["a", "b"]);
    check(&of_township("handler"), &[registered()], &spot, Err(KinRejection::SpotVisitFromBelow));
    let county = Actor { organisation: organisation("361023"), ..actor("li", Role::Supervisor) };
    check(&county, &[registered()], &spot, Ok(vec![visited(HomeVisit::Spot, &["a", "b"])]));
}

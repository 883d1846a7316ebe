use super::*;
use crate::actor::Role;
use crate::testing::{REFERENCE, actor, at, context, day};

fn looked_at(code: &str, criterion: Criterion, points: u16) -> AskedPart {
    let source = AskedSource::Inspected { photo: true };
    AskedPart { part: code.parse().unwrap(), criterion, name_zh: code.to_owned(), points, source }
}

fn told(code: &str, figure: &str, none_at: u16, full_at: u16, without_cases: u16) -> AskedPart {
    let source = AskedSource::Computed { figure: figure.to_owned(), none_at, full_at, without_cases };
    AskedPart { source, ..looked_at(code, Criterion::Maturity, 8) }
}

fn good() -> Vec<AskedPart> {
    vec![looked_at("SIGNS", Criterion::SenseComfort, 4), told("ON-TIME", "on-time-rate", 80, 100, 8)]
}

fn weights(comfort: u16, maturity: u16) -> Vec<Weight> {
    let weight = |criterion, points| Weight { criterion, points };
    vec![weight(Criterion::SenseComfort, comfort), weight(Criterion::Maturity, maturity)]
}

fn publish(total: u16, weights: Vec<Weight>, parts: Vec<AskedPart>) -> ChecklistCommand {
    let checklist = "model-hall".parse().unwrap();
    let valid_from = day("2026-01-01");
    ChecklistCommand::Publish {
        checklist, name_zh: "标杆大厅考评表".to_owned(), valid_from, total, weights, parts
    }
}

fn decided(given: &[ChecklistEvent], when: &ChecklistCommand) -> Result<Vec<ChecklistEvent>, ChecklistRejection> {
    let mut checklist = Checklist::default();
    given.iter().for_each(|event| checklist.evolve(event));
    let admin = actor("admin", Role::Admin);
    checklist.decide(when, &context(at("2026-01-01", "09:00:00"), &admin, &REFERENCE))
}

#[track_caller]
fn refused(total: u16, weights: Vec<Weight>, parts: Vec<AskedPart>, why: ChecklistRejection) {
    assert_eq!(decided(&[], &publish(total, weights, parts)), Err(why));
}

#[test]
fn a_card_that_adds_up_is_published_in_versions() {
    let first = decided(&[], &publish(12, weights(4, 8), good())).unwrap();
    let [ChecklistEvent::ChecklistPublished(published)] = &first[..] else { panic!("{first:?}") };
    assert_eq!((published.version, published.card.parts.len()), (1, 2));
    assert_eq!(decided(&first, &publish(12, weights(4, 8), good())), Ok(vec![]), "it is so already");
    let mut more = good();
    more.push(looked_at("BADGES", Criterion::SenseComfort, 2));
    let second = decided(&first, &publish(14, weights(6, 8), more)).unwrap();
    let [ChecklistEvent::ChecklistPublished(published)] = &second[..] else { panic!("{second:?}") };
    assert_eq!(published.version, 2);
}

#[test]
fn parts_make_their_criterion_and_criteria_the_total() {
    use ChecklistRejection::*;
    refused(100, weights(4, 8), good(), WeightsDoNotSumUp { found: 12, total: 100 });
    let criterion = Criterion::SenseComfort;
    refused(13, weights(5, 8), good(), PartsDoNotSumUp { criterion, found: 4, points: 5 });
    let unweighed = vec![Weight { criterion: Criterion::Maturity, points: 8 }];
    refused(8, unweighed, good(), PartsDoNotSumUp { criterion, found: 4, points: 0 });
    let twice = [weights(4, 8), weights(4, 8)].concat();
    refused(24, twice, good(), CriterionTwice);
}

#[test]
fn each_part_is_one_and_counts_for_something() {
    use ChecklistRejection::*;
    refused(0, vec![], vec![], PartsOutOfRange);
    let twice = [good(), good()].concat();
    refused(24, weights(8, 16), twice, PartTwice("SIGNS".parse().unwrap()));
    let nothing = vec![looked_at("SIGNS", Criterion::SenseComfort, 0)];
    refused(0, vec![], nothing, PartWithoutPoints("SIGNS".parse().unwrap()));
}

#[test]
fn a_figure_that_no_view_can_tell_is_refused_rather_than_faked() {
    use ChecklistRejection::*;
    let of = |part| vec![looked_at("SIGNS", Criterion::SenseComfort, 4), part];
    let unknown = of(told("WARMTH", "warmth-of-welcome", 0, 100, 0));
    refused(12, weights(4, 8), unknown, FigureWithoutSource("warmth-of-welcome".to_owned()));
    let part = || "ON-TIME".parse().unwrap();
    refused(12, weights(4, 8), of(told("ON-TIME", "on-time-rate", 80, 80, 0)), ScaleReversed(part()));
    refused(12, weights(4, 8), of(told("ON-TIME", "on-time-rate", 80, 101, 0)), ScaleReversed(part()));
    refused(12, weights(4, 8), of(told("ON-TIME", "on-time-rate", 80, 100, 9)), MoreThanAllPoints(part()));
}

#[test]
fn every_figure_is_known_by_its_name() {
    for figure in Figure::ALL {
        assert_eq!(Figure::named(figure.as_str()), Some(figure));
        assert_eq!(serde_json::to_value(figure).unwrap(), figure.as_str());
    }
}

use super::*;
use crate::actor::{Actor, Role};
use crate::event::checklist::Weight;
use crate::testing::{REFERENCE, actor, at, context, day, organisation};
use ulid::Ulid;

const HALL: &str = "361023100";
const ID: InspectionId = InspectionId(Ulid::from_parts(1, 1));
const PHOTO: PaperId = PaperId(Ulid::from_parts(1, 2));

fn code(text: &str) -> PartCode {
    text.parse().unwrap()
}

fn card() -> Card {
    let part = |text: &str, criterion, points, source| Part {
        part: code(text),
        criterion,
        name_zh: text.to_owned(),
        points,
        source,
    };
    let on_time = Source::Computed { figure: Figure::OnTimeRate, none_at: 80, full_at: 100, without_cases: 3 };
    let weight = |criterion, points| Weight { criterion, points };
    Card {
        total: 14,
        weights: vec![weight(Criterion::SenseComfort, 6), weight(Criterion::Maturity, 8)],
        parts: vec![
            part("SIGNS", Criterion::SenseComfort, 4, Source::Inspected { photo: true }),
            part("BADGES", Criterion::SenseComfort, 2, Source::Inspected { photo: false }),
            part("ON-TIME", Criterion::Maturity, 8, on_time),
        ],
    }
}

fn open_for(hall: &str, from: &str, to: &str) -> InspectionCommand {
    let (checklist, card) = ("model-hall".parse().unwrap(), card());
    let name_zh = "标杆大厅考评表".to_owned();
    let published = ChecklistPublished { checklist, version: 1, name_zh, valid_from: day("2026-01-01"), card };
    InspectionCommand::Open {
        inspection: ID,
        hall: organisation(hall),
        checklist: Some(Box::new(published)),
        inspected_on: day("2026-03-02"),
        from: day(from),
        to: day(to),
    }
}

/// From the city, so that it is nobody's own hall.
fn inspector(name: &str) -> Actor {
    Actor { organisation: organisation("361000"), ..actor(name, Role::Supervisor) }
}

fn decided(
    given: &[InspectionEvent],
    who: &Actor,
    when: &InspectionCommand,
) -> Result<Vec<InspectionEvent>, InspectionRejection> {
    after(given).decide(when, &context(at("2026-03-02", "15:00:00"), who, &REFERENCE))
}

fn after(given: &[InspectionEvent]) -> Inspection {
    let mut inspection = Inspection::default();
    given.iter().for_each(|event| inspection.evolve(event));
    inspection
}

fn opened() -> Vec<InspectionEvent> {
    decided(&[], &inspector("li"), &open_for(HALL, "2026-02-01", "2026-03-01")).unwrap()
}

fn photo(part: &str) -> InspectionPhotoTaken {
    let (sha256, media_type) = ("ab".repeat(32), "image/png".to_owned());
    InspectionPhotoTaken { paper: PHOTO, part: code(part), sha256, bytes: 3, media_type }
}

fn inspect(part: &str, hundredths: u32, photos: &[PaperId]) -> InspectionCommand {
    InspectionCommand::Inspect { part: code(part), hundredths, photos: photos.to_vec(), note: None }
}

fn seen() -> Vec<InspectionEvent> {
    let mut given = opened();
    for when in
        [InspectionCommand::TakePhoto(photo("SIGNS")), inspect("SIGNS", 350, &[PHOTO]), inspect("BADGES", 200, &[])]
    {
        given.extend(decided(&given, &inspector("li"), &when).unwrap());
    }
    given
}

fn told(numerator: i64, denominator: i64) -> InspectionCommand {
    let measured = vec![Measured { figure: Figure::OnTimeRate, numerator, denominator }];
    InspectionCommand::Score { position: 4711, measured }
}

#[test]
fn a_centre_is_inspected_by_somebody_from_outside_for_days_that_are_over() {
    use InspectionRejection::*;
    let open = |hall: &str, from: &str, to: &str| decided(&[], &inspector("li"), &open_for(hall, from, to));
    assert!(open(HALL, "2026-02-01", "2026-03-03").is_ok());
    let bureau = Err(NotACentre(organisation("361023-MZ")));
    assert_eq!(open("361023-MZ", "2026-02-01", "2026-03-01"), bureau);
    assert_eq!(open(HALL, "2026-03-01", "2026-03-01"), Err(PeriodOutOfRange));
    assert_eq!(open(HALL, "2026-02-01", "2026-03-04"), Err(PeriodOutOfRange));
    assert_eq!(open(HALL, "2025-01-01", "2026-03-01"), Err(PeriodOutOfRange));
    let InspectionCommand::Open { inspection, hall, inspected_on, from, to, .. } =
        open_for(HALL, "2026-02-01", "2026-03-01")
    else {
        return;
    };
    let by_nothing = InspectionCommand::Open { inspection, hall, checklist: None, inspected_on, from, to };
    assert_eq!(decided(&[], &inspector("li"), &by_nothing), Err(ChecklistNotInUse));
    let own = actor("li", Role::Supervisor);
    assert_eq!(decided(&[], &own, &open_for(HALL, "2026-02-01", "2026-03-01")), Err(InspectsOwnHall));
    let again = decided(&opened(), &inspector("li"), &open_for(HALL, "2026-02-01", "2026-03-01"));
    assert_eq!(again, Err(InspectionAlreadyOpen));
}

#[test]
fn what_was_seen_fits_the_card_and_is_shown_by_a_photo_where_it_must() {
    use InspectionRejection::*;
    let given = opened();
    let check = |when: &InspectionCommand| decided(&given, &inspector("li"), when);
    assert_eq!(check(&inspect("X", 1, &[])), Err(PartUnknown(code("X"))));
    assert_eq!(check(&inspect("ON-TIME", 1, &[])), Err(PartIsComputed(code("ON-TIME"))));
    assert_eq!(check(&inspect("BADGES", 201, &[])), Err(MorePointsThanThePart(code("BADGES"))));
    assert_eq!(check(&inspect("SIGNS", 400, &[])), Err(PhotoMissing(code("SIGNS"))));
    assert_eq!(check(&inspect("SIGNS", 400, &[PHOTO])), Err(PhotoUnknown(PHOTO)));
    assert_eq!(check(&InspectionCommand::TakePhoto(photo("ON-TIME"))), Err(PartIsComputed(code("ON-TIME"))));
    assert_eq!(decided(&given, &inspector("wang"), &inspect("BADGES", 1, &[])), Err(NotTheInspector));
    assert_eq!(decided(&[], &inspector("li"), &inspect("BADGES", 1, &[])), Err(InspectionNotOpen));
    assert_eq!(decided(&seen(), &inspector("li"), &inspect("BADGES", 200, &[])), Ok(vec![]), "it is so already");
}

#[test]
fn a_score_sheet_with_missing_parts_is_refused_and_names_them() {
    let missing = Err(InspectionRejection::PartsMissing(vec![code("SIGNS"), code("BADGES")]));
    assert_eq!(decided(&opened(), &inspector("li"), &told(9, 10)), missing);
    let none = InspectionCommand::Score { position: 4711, measured: vec![] };
    let not_drawn = Err(InspectionRejection::FigureNotDrawn(Figure::OnTimeRate));
    assert_eq!(decided(&seen(), &inspector("li"), &none), not_drawn);
}

#[test]
fn a_score_is_drawn_once_from_what_was_seen_and_what_the_views_told() {
    let given = seen();
    let scored = decided(&given, &inspector("li"), &told(95, 100)).unwrap();
    let [InspectionEvent::InspectionScored(score)] = &scored[..] else { panic!("{scored:?}") };
    let parts: Vec<u32> = score.parts.iter().map(|part| part.hundredths).collect();
    // 95 % on a scale from 80 to 100 is three quarters of 8 points.
    assert_eq!((parts, score.hundredths, score.position), (vec![350, 200, 600], 1150, 4711));
    let criteria: Vec<u32> = score.criteria.iter().map(|criterion| criterion.hundredths).collect();
    assert_eq!(criteria, [550, 600]);
    let all: Vec<_> = given.into_iter().chain(scored.clone()).collect();
    assert_eq!(decided(&all, &inspector("li"), &told(95, 100)), Err(InspectionRejection::AlreadyScored));
    assert_eq!(decided(&all, &inspector("li"), &inspect("BADGES", 0, &[])), Err(InspectionRejection::AlreadyScored));
    let again =
        after(&all).derived(&[Measured { figure: Figure::OnTimeRate, numerator: 95, denominator: 100 }]).unwrap();
    assert_eq!(again, score.parts);
}

#[test]
fn points_follow_the_share_between_the_ends_of_the_scale() {
    let points = |numerator, denominator| {
        let scored = decided(&seen(), &inspector("li"), &told(numerator, denominator)).unwrap();
        let [InspectionEvent::InspectionScored(score)] = &scored[..] else { panic!("{scored:?}") };
        score.parts[2].hundredths
    };
    assert_eq!([points(0, 10), points(8, 10), points(9, 10), points(10, 10)], [0, 0, 400, 800]);
    assert_eq!(points(2, 3), 0);
    assert_eq!(points(29, 33), 315, "87.87… %: whole hundredths, rounded down, on every machine alike");
    assert_eq!(points(0, 0), 300, "a hall without cases gets what the card says");
}

use super::*;
use crate::actor::Role;
use crate::clock::{DayUnit, Limit};
use crate::event::item::ItemDefinition;
use crate::testing::{REFERENCE, actor, at, context, day};

fn fz(number: u32) -> ItemId {
    format!("FZ-{number:03}").parse().unwrap()
}

fn definition() -> ItemDefinition {
    REFERENCE.catalogue.version(&fz(8), 1).unwrap().definition.clone()
}

fn publish(valid_from: &str, change: impl FnOnce(&mut ItemDefinition)) -> ItemCommand {
    let mut definition = definition();
    change(&mut definition);
    ItemCommand::Publish { item: fz(8), version: None, valid_from: day(valid_from), valid_to: None, definition }
}

fn published(version: u32, valid_from: &str, valid_to: Option<&str>) -> ItemEvent {
    let valid_to = valid_to.map(day);
    ItemPublished { item: fz(8), version, valid_from: day(valid_from), valid_to, definition: definition() }.into()
}

fn withdraw(last_day: &str) -> ItemCommand {
    ItemCommand::Withdraw { item: fz(8), last_day: day(last_day), basis: "notice 1".into() }
}

fn withdrawn(last_day: &str) -> ItemEvent {
    ItemWithdrawn { item: fz(8), last_day: day(last_day), basis: "notice 1".into() }.into()
}

fn as_is(_: &mut ItemDefinition) {}

fn after(given: &[ItemEvent]) -> Item {
    let mut item = Item::default();
    given.iter().for_each(|event| item.evolve(event));
    item
}

#[track_caller]
fn check(given: &[ItemEvent], when: ItemCommand, then: Result<Vec<ItemEvent>, ItemRejection>) {
    let admin = actor("A1", Role::Admin);
    assert_eq!(after(given).decide(&when, &context(at("2026-01-01", "09:00:00"), &admin, &REFERENCE)), then);
}

#[track_caller]
fn refused(change: impl FnOnce(&mut ItemDefinition), then: ItemRejection) {
    check(&[], publish("2026-01-01", change), Err(then));
}

#[test]
fn versions_follow_one_another_without_gaps() {
    check(&[], publish("2026-01-01", as_is), Ok(vec![published(1, "2026-01-01", None)]));
    let first = [published(1, "2026-01-01", None)];
    check(&first, publish("2026-02-01", as_is), Ok(vec![published(2, "2026-02-01", None)]));
    let ItemCommand::Publish { item, valid_from, valid_to, definition, .. } = publish("2026-02-01", as_is) else {
        unreachable!("publish makes a publication")
    };
    let third = ItemCommand::Publish { item, version: Some(3), valid_from, valid_to, definition };
    check(&first, third, Err(ItemRejection::VersionNotNext { expected: 2, stated: 3 }));
}

#[test]
fn publishing_the_same_again_changes_nothing() {
    check(&[published(1, "2026-01-01", None)], publish("2026-01-01", as_is), Ok(vec![]));
}

#[test]
fn a_version_begins_after_its_predecessor_and_after_what_was_fixed() {
    let predecessor = day("2026-01-01");
    let first = published(1, "2026-01-01", Some("2026-03-31"));
    let early = ItemRejection::NotAfterPredecessor { predecessor };
    check(std::slice::from_ref(&first), publish("2026-01-01", as_is), Err(early));
    let overlap = ItemRejection::OverlapsPredecessor { last_day: day("2026-03-31") };
    check(&[first], publish("2026-03-31", as_is), Err(overlap));
}

#[test]
fn a_promise_is_never_longer_than_the_law() {
    let forever = Some(Limit { days: 99, unit: DayUnit::Working });
    refused(|item| item.promised_limit = forever, ItemRejection::PromiseLongerThanLaw);
    let without_law = publish("2026-01-01", |item| (item.promised_limit, item.legal_limit) = (forever, None));
    assert!(
        Item::default()
            .decide(&without_law, &context(at("2026-01-01", "09:00:00"), &actor("A1", Role::Admin), &REFERENCE))
            .is_ok()
    );
}

#[test]
fn days_of_two_kinds_are_compared_by_ordinary_weeks() {
    let limits = |promised: (u16, DayUnit), legal: (u16, DayUnit)| {
        let [promised, legal] = [promised, legal].map(|(days, unit)| Some(Limit { days, unit }));
        publish("2026-01-01", |item| {
            (item.promised_limit, item.legal_limit) = (promised, legal);
            item.steps.clear();
        })
    };
    let (working, natural) = (|days| (days, DayUnit::Working), |days| (days, DayUnit::Natural));
    check(&[], limits(working(16), natural(21)), Err(ItemRejection::PromiseLongerThanLaw));
    check(&[], limits(natural(29), working(20)), Err(ItemRejection::PromiseLongerThanLaw));
    let admin = actor("A1", Role::Admin);
    for fits in [limits(working(15), natural(21)), limits(natural(28), working(20))] {
        assert!(Item::default().decide(&fits, &context(at("2026-01-01", "09:00:00"), &admin, &REFERENCE)).is_ok());
    }
}

#[test]
fn materials_belong_to_situations_that_the_item_lists() {
    refused(
        |item| item.situations.push(item.situations[0].clone()),
        ItemRejection::SituationTwice("MINOR".parse().unwrap()),
    );
    refused(|item| item.situations.clear(), ItemRejection::MaterialWithoutSituation("GUAR".parse().unwrap()));
    refused(
        |item| item.materials.iter_mut().for_each(|material| material.required = true),
        ItemRejection::RequiredAlwaysAndSometimes("GUAR".parse().unwrap()),
    );
}

#[test]
fn a_changed_form_is_another_version_and_an_unchanged_one_is_not() {
    let first = published(1, "2026-01-01", None);
    let changed = |version: u32| {
        publish("2026-02-01", |item| {
            let form = item.form.as_mut().unwrap();
            form.version = version;
            form.schema["title"] = "新表".into();
        })
    };
    let not_next = |expected, stated| Err(ItemRejection::FormVersionNotNext { expected, stated });
    check(std::slice::from_ref(&first), changed(1), not_next(2, 1));
    assert!(
        after(std::slice::from_ref(&first))
            .decide(&changed(2), &context(at("2026-01-01", "09:00:00"), &actor("A1", Role::Admin), &REFERENCE))
            .is_ok()
    );
    let renumbered = publish("2026-02-01", |item| item.form.as_mut().unwrap().version = 2);
    check(&[first], renumbered, not_next(1, 2));
}

#[test]
fn appointments_and_after_hours_begin_on_their_day() {
    let definition = &REFERENCE.catalogue.version(&fz(1), 2).unwrap().definition;
    assert!(definition.appointment && definition.after_hours);
    assert!(!definition.takes_appointments(day("2020-12-31")) && definition.takes_appointments(day("2021-01-01")));
    assert!(
        !definition.is_served_after_hours(day("2020-12-31")) && definition.is_served_after_hours(day("2021-01-01"))
    );
}

#[test]
fn steps_fit_into_the_promise() {
    let too_long = ItemRejection::StepsLongerThanPromise { budget: 29, promised: 10 };
    refused(|item| item.steps[1].budget_days += 19, too_long);
}

#[test]
fn codes_and_names_are_unique() {
    refused(
        |item| item.steps[1].code = item.steps[0].code.clone(),
        ItemRejection::StepCodeTwice("accept".parse().unwrap()),
    );
    refused(
        |item| item.materials[1].code = item.materials[0].code.clone(),
        ItemRejection::MaterialCodeTwice("FORM".parse().unwrap()),
    );
    refused(
        |item| item.special_procedures[1].name_zh = item.special_procedures[0].name_zh.clone(),
        ItemRejection::ProcedureTwice("残疾评定".into()),
    );
}

#[test]
fn stopping_the_legal_clock_needs_a_basis() {
    let without = ItemRejection::LegalPauseWithoutBasis("残疾评定".into());
    refused(|item| item.special_procedures[0].basis = None, without);
}

#[test]
fn an_item_has_a_name_an_intake_and_limits_that_say_something() {
    refused(|item| item.name_en = " ".into(), ItemRejection::Nameless);
    refused(|item| item.intake_levels.clear(), ItemRejection::NoIntakeLevel);
    refused(|item| item.delivery_days = Some(0), ItemRejection::EmptyLimit("delivery"));
}

#[test]
fn a_withdrawn_item_stays_withdrawn() {
    let first = published(1, "2026-01-01", None);
    check(&[], withdraw("2026-06-30"), Err(ItemRejection::NotPublished));
    check(std::slice::from_ref(&first), withdraw("2026-06-30"), Ok(vec![withdrawn("2026-06-30")]));
    check(std::slice::from_ref(&first), withdraw("2025-12-31"), Err(ItemRejection::EndsBeforeItBegins));
    let gone = [first, withdrawn("2026-06-30")];
    check(&gone, withdraw("2026-06-30"), Ok(vec![]));
    check(&gone, withdraw("2026-07-31"), Err(ItemRejection::Withdrawn));
    check(&gone, publish("2026-07-01", as_is), Err(ItemRejection::Withdrawn));
}

#[test]
fn one_applies_under_the_version_in_force_on_the_day() {
    let item = after(&[published(1, "2026-01-01", None), published(2, "2026-03-01", None), withdrawn("2026-06-30")]);
    let version_at = |text: &str| item.in_force(day(text)).map(|version| version.version);
    assert_eq!(version_at("2025-12-31"), None);
    assert_eq!(version_at("2026-02-28"), Some(1));
    assert_eq!(version_at("2026-03-01"), Some(2));
    assert_eq!(version_at("2026-06-30"), Some(2));
    assert_eq!(version_at("2026-07-01"), None);
    assert_eq!(item.version(1).unwrap().valid_to, Some(day("2026-02-28")), "it ends where the next begins");
}

#[test]
fn between_a_fixed_end_and_the_next_beginning_nothing_is_in_force() {
    let item = after(&[published(1, "2026-01-01", Some("2026-01-31")), published(2, "2026-03-01", None)]);
    assert_eq!(item.in_force(day("2026-02-15")), None);
    assert_eq!(item.version(1).unwrap().valid_to, Some(day("2026-01-31")));
}

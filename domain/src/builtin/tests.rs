use super::*;
use crate::actor::Role;
use crate::calendar::CalendarCommand;
use crate::catalogue::{Item, ItemCommand};
use crate::decider::{Context, Decider};
use crate::event::instrument::InstrumentKind;
use crate::event::item::{Authority, ClockStop, ItemDefinition, ItemPublished, Level};
use crate::event::template::TemplatePublished;
use crate::event::{InstrumentEvent, ItemEvent, PolicyEvent, TemplateEvent};
use crate::instrument::{Exercise, InstrumentCommand};
use crate::organisation::{OrganisationCommand, OrganisationState};
use crate::policy::PolicyCommand;
use crate::template::TemplateCommand;
use crate::testing::{REFERENCE, actor, context, day};
use crate::zone::start_of;

/// Asks the decider of a built-in event's stream for that event.
fn decided_again(event: &Event, so_far: &Reference, context: &Context<'_>) -> Vec<Event> {
    match event.clone() {
        Event::Policy(PolicyEvent::PolicyPublished(published)) => {
            let (valid_from, published_on, rules) = (published.valid_from, published.published_on, published.rules);
            let publish = PolicyCommand::Publish { valid_from, published_on, rules };
            wrapped(so_far.policies.decide(&publish, context).unwrap())
        }
        Event::Calendar(CalendarEvent::CalendarPublished(published)) => {
            let CalendarPublished { year, holidays, workdays, notice, published_on } = published;
            let publish = CalendarCommand::Publish { year, holidays, workdays, notice, published_on };
            wrapped(so_far.calendar.decide(&publish, context).unwrap())
        }
        Event::Calendar(CalendarEvent::CalendarAmended(amended)) => {
            let CalendarAmended { holidays, workdays, region, notice, published_on } = amended;
            let amend = CalendarCommand::Amend { holidays, workdays, region, notice, published_on };
            wrapped(so_far.calendar.decide(&amend, context).unwrap())
        }
        Event::Item(ItemEvent::ItemPublished(published)) => {
            let ItemPublished { item, version, valid_from, valid_to, definition } = published;
            let known = so_far.catalogue.get(&item).cloned().unwrap_or_default();
            let version = Some(version);
            let publish = ItemCommand::Publish { item, version, valid_from, valid_to, definition };
            wrapped(Item::decide(&known, &publish, context).unwrap())
        }
        Event::Template(TemplateEvent::TemplatePublished(published)) => {
            let TemplatePublished { kind, valid_from, published_on, source, .. } = published;
            let known = so_far.templates.get(kind).cloned().unwrap_or_default();
            let publish = TemplateCommand::Publish { kind, valid_from, published_on, source };
            wrapped(known.decide(&publish, context).unwrap())
        }
        Event::Organisation(event) => {
            let id = crate::organisation::organisation_of(&event);
            let known = OrganisationState { organisation: so_far.organisations.get(id).cloned() };
            let command = match event.clone() {
                OrganisationEvent::OrganisationRegistered(body) => OrganisationCommand::Register(body),
                OrganisationEvent::OpeningDaysSet(body) => OrganisationCommand::SetOpeningDays(body),
                OrganisationEvent::ContactSet(body) => OrganisationCommand::SetContact(body),
                OrganisationEvent::WindowOpened(body) => OrganisationCommand::OpenWindow(body),
                other => panic!("a new log does not begin with {other:?}"),
            };
            wrapped(known.decide(&command, context).unwrap())
        }
        Event::Instrument(InstrumentEvent::InstrumentIssued(issued)) => {
            let known = so_far.instruments.get(&issued.instrument).cloned().unwrap_or_default();
            wrapped(known.decide(&InstrumentCommand::Issue(issued), context).unwrap())
        }
        other => panic!("a new log does not begin with {other:?}"),
    }
}

fn wrapped<E: Into<Event>>(events: Vec<E>) -> Vec<Event> {
    events.into_iter().map(Into::into).collect()
}

#[test]
fn every_item_says_who_may_apply_and_natural_persons_always_may() {
    use crate::sealed::PartyKind;
    for (id, item) in REFERENCE.catalogue.items() {
        let definition = &item.latest().unwrap().definition;
        assert!(definition.applicant_kinds.contains(&PartyKind::NaturalPerson), "{id}");
        assert!(!definition.is_for(PartyKind::AdministrativeOrgan), "{id}");
    }
    let for_firms = REFERENCE
        .catalogue
        .items()
        .filter(|(_, item)| item.latest().is_some_and(|version| version.definition.is_for(PartyKind::Enterprise)));
    assert_eq!(for_firms.count(), 6);
}

#[test]
fn every_built_in_event_is_what_its_decider_would_decide() {
    let admin = actor("A1", Role::Admin);
    let mut so_far = Reference::default();
    for BuiltIn { published_on, event, .. } in events() {
        let decided = decided_again(&event, &so_far, &context(start_of(published_on), &admin, &so_far));
        assert_eq!(decided, std::slice::from_ref(&event));
        so_far.evolve(&event);
    }
    assert_eq!(so_far, *REFERENCE);
}

#[test]
fn the_history_is_the_same_each_time_and_in_order_of_publication() {
    assert_eq!(events(), events());
    assert!(events().is_sorted_by_key(|built_in| built_in.published_on));
}

fn versions() -> Vec<(String, u32, &'static ItemDefinition)> {
    let items = REFERENCE.catalogue.items();
    let versions = items.flat_map(|(id, item)| item.versions().iter().map(move |version| (id, version)));
    versions.map(|(id, version)| (id.to_string(), version.version, &version.definition)).collect()
}

/// Counts item versions that are the latest of their item and are so.
fn count(of: impl Fn(&ItemDefinition) -> bool) -> usize {
    REFERENCE.catalogue.items().filter(|(_, item)| of(&item.latest().unwrap().definition)).count()
}

#[test]
fn there_are_72_items_in_three_batches() {
    assert_eq!(count(|_| true), 72);
    assert_eq!([1, 2, 3].map(|batch| count(|item| item.batch == batch)), [22, 31, 19]);
    assert_eq!(count(|item| item.certificate_free), 19);
    assert_eq!(versions().len(), 74);
}

#[test]
fn appointments_and_service_after_hours_begin_with_2021() {
    let on = |text: &str| {
        let day = day(text);
        [count(|item| item.takes_appointments(day)), count(|item| item.is_served_after_hours(day))]
    };
    assert_eq!(on("2020-12-31"), [0, 0]);
    assert_eq!(on("2021-01-01"), [54, 44]);
}

#[test]
fn nothing_of_the_catalogue_is_lost_on_the_way() {
    let materials: usize = versions().iter().map(|(_, _, item)| item.materials.len()).sum();
    let latest: usize =
        REFERENCE.catalogue.items().map(|(_, item)| item.latest().unwrap().definition.materials.len()).sum();
    assert_eq!((materials, latest), (300, 287));
    assert!(versions().iter().all(|(_, _, item)| !item.department_zh.is_empty() && !item.department_en.is_empty()));
}

#[test]
fn what_is_needed_sometimes_says_when() {
    for (id, _, item) in versions() {
        for material in &item.materials {
            assert_eq!(material.situation.is_none(), material.required, "{id} {}", material.code);
            assert!(!material.issuer_zh.is_empty(), "{id} {}", material.code);
        }
        let form = item.materials.iter().any(|material| material.code.as_str() == "FORM");
        assert_eq!(item.form.is_some(), form, "{id}");
        assert!(!item.aliases.is_empty() && !item.conditions.is_empty(), "{id}");
    }
}

#[test]
fn the_steps_of_a_promise_add_up_to_it() {
    for (id, version, item) in versions() {
        let running = item.steps.iter().filter(|step| !step.before_acceptance);
        let budget: u16 = running.map(|step| step.budget_days).sum();
        let promised = item.promised_limit.unwrap().days;
        match (id.as_str(), version) {
            ("FZ-001", 1) => assert_eq!((budget, promised), (28, 32), "four days lie before acceptance"),
            _ => assert_eq!(budget, promised, "{id} version {version}"),
        }
    }
}

#[test]
fn dibao_changed_on_1_november_2021() {
    let dibao = "FZ-001".parse().unwrap();
    let on = |text: &str| REFERENCE.catalogue.in_force(&dibao, day(text)).unwrap();
    let (old, new) = (on("2021-10-31"), on("2021-11-01"));
    let facts = |version: &crate::catalogue::ItemVersion| {
        let item = &version.definition;
        (version.version, item.promised_limit.unwrap().days, item.decided_at, item.authority, item.steps.len())
    };
    assert_eq!(facts(old), (1, 32, Level::County, Authority::Forward, 8));
    assert_eq!(facts(new), (2, 18, Level::Township, Authority::Entrusted, 6));
    assert_eq!((old.definition.legal_limit, old.valid_to), (None, Some(day("2021-10-31"))));
    assert!(new.definition.special_procedures.iter().all(|rule| !rule.stops_promised && !rule.stops_legal));
}

#[test]
fn only_licences_stop_at_the_decision_and_know_deemed_acceptance() {
    for (id, _, item) in versions() {
        let licence = item.item_type == "01";
        assert_eq!(item.clock_stop == ClockStop::Decision, licence, "{id}");
        assert_eq!(item.deemed_acceptance, licence, "{id}");
        assert_eq!(
            (item.extension_days_max, item.delivery_days),
            if licence { (Some(10), Some(10)) } else { (None, None) }
        );
    }
}

#[test]
fn the_tree_has_a_city_eleven_counties_and_181_townships_and_zones() {
    let count = |kind| REFERENCE.organisations.iter().filter(|organisation| organisation.kind() == kind).count();
    assert_eq!(count(OrganisationKind::City), 1);
    assert_eq!(count(OrganisationKind::County), 11);
    assert_eq!(count(OrganisationKind::Department), 11 * 14);
    assert_eq!(count(OrganisationKind::Township) + count(OrganisationKind::Zone), 181);
    assert_eq!(count(OrganisationKind::Zone), 10);
    assert_eq!(count(OrganisationKind::Village), 2);
}

#[test]
fn every_township_has_comprehensive_windows_and_one_for_output() {
    for hall in REFERENCE.organisations.iter().filter(|hall| hall.kind() == OrganisationKind::Township) {
        let with = |purpose: &str| hall.windows.values().filter(|window| window.purpose == purpose).count();
        assert_eq!((with("comprehensive"), with("output")), (2, 1), "{}", hall.name_zh());
    }
}

#[test]
fn every_township_holds_an_instrument_for_whatever_is_handed_down_to_it() {
    let halls = REFERENCE.organisations.iter().filter(|one| {
        matches!(
            one.kind(),
            crate::event::organisation::OrganisationKind::Township | crate::event::organisation::OrganisationKind::Zone
        )
    });
    let mut powers = 0;
    for hall in halls {
        for (item, known) in REFERENCE.catalogue.items() {
            for version in known.versions() {
                let Some(kind) = InstrumentKind::needed_for(version.definition.authority) else { continue };
                let (organ, region) = (hall.id(), Some(hall.region()));
                let power =
                    REFERENCE.instruments.power(&Exercise { kind, item, organ, region, on: version.valid_from });
                let named = REFERENCE.organisations.in_name_of(version, organ);
                assert_eq!(
                    power.map(|power| power.in_name_of),
                    Ok(named),
                    "{organ} {item} version {}",
                    version.version
                );
                powers += 1;
            }
        }
    }
    assert_eq!(powers, 181 * 23);
}

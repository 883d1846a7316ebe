use super::story::*;
use crate::actor::Role;
use crate::case::{Action, CaseCommand, Rejection};
use crate::due::{due, next_due};
use crate::event::calendar::CalendarAmended;
use crate::event::case::*;
use crate::event::item::{ItemDefinition, ItemPublished};
use crate::event::{CalendarEvent, Event, ItemEvent};
use crate::reference::Reference;

const ALL: &[&str] = &["FORM", "ID", "HK", "SITE"];

/// The city with one item whose next version differs.
pub(super) fn city_where(item: &str, change: impl FnOnce(&mut ItemDefinition)) -> Reference {
    let mut city = CITY.clone();
    let latest = city.catalogue.get(&id(item)).and_then(|item| item.latest()).unwrap().clone();
    let mut definition = latest.definition;
    change(&mut definition);
    city.evolve(&Event::Item(ItemEvent::ItemPublished(ItemPublished {
        item: id(item),
        version: latest.version + 1,
        valid_from: latest.valid_from,
        valid_to: None,
        definition,
    })));
    city
}

fn rules(story: &Story) -> Vec<String> {
    due(&story.case, &story.city, story.moment()).into_iter().map(|due| due.rule).collect()
}

/// What the rules ask for now happens.
fn tick(mut story: Story) -> Story {
    for asked in due(&story.case, &story.city, story.moment()) {
        for event in story.asked(&system(), &asked.command).unwrap() {
            story.take(&event, story.moment(), &system());
        }
    }
    story
}

#[test]
fn nothing_happens_in_the_future_or_before_its_predecessor() {
    let story = Story::received(LICENCE, ALL, "2026-03-02 09:00").on("2026-03-03 09:00");
    let asked = |moment: &str| story.asked_of(at(moment), &clerk(), &accept());
    assert_eq!(asked("2026-03-03 09:01"), Err(Rejection::OccurredInFuture));
    assert_eq!(asked("2026-03-02 08:59"), Err(Rejection::OccurredBeforePredecessor));
    assert!(asked("2026-03-02 15:00").is_ok());
}

#[test]
fn what_is_keyed_in_days_later_is_marked_and_counts_from_when_it_happened() {
    let story = Story::received(LICENCE, ALL, "2026-03-02 09:00").on("2026-03-09 09:00");
    let story = story.then_of(at("2026-03-02 10:00"), &clerk(), accept()).marks(Anomaly::LateEntry);
    assert_eq!(story.case.accepted_on(), Some(day("2026-03-02")));
    let prompt = Story::received(LICENCE, ALL, "2026-03-02 09:00").on("2026-03-05 09:00");
    prompt.then_of(at("2026-03-02 10:00"), &clerk(), accept()).marks_nothing();
}

#[test]
fn deemed_acceptance_falls_due_when_the_window_is_over() {
    let story = Story::received(LICENCE, ALL, "2026-03-02 09:00").on("2026-03-02 09:00");
    // 黄灯 of the window itself comes first.
    assert_eq!(next_due(&story.case, &story.city, story.moment()), Some(at("2026-03-06 00:00")));
    let story = tick(story.on("2026-03-06 08:00"));
    assert_eq!(next_due(&story.case, &story.city, story.moment()), Some(at("2026-03-10 00:00")));
    let story = story.on("2026-03-10 00:00");
    assert_eq!(rules(&story), ["warning/notice/red/2026-03-09/p1", "deemed-acceptance/2026-03-02"]);
    let story = tick(story);
    assert!(story.case.flags.deemed_accepted);
    assert!(rules(&story).is_empty());
}

#[test]
fn each_threshold_warns_once() {
    let story = Story::licence_in_review("2026-03-02 09:00").on("2026-03-12 09:00");
    assert!(rules(&story).is_empty());
    // 15 days: the last fifth begins on 18 March.
    let story = story.on("2026-03-18 09:00");
    assert_eq!(rules(&story), ["warning/promised/yellow/2026-03-23/p1"]);
    let story = tick(story);
    assert!(rules(&story).is_empty());
    let story = tick(story.on("2026-03-24 09:00"));
    let promised: Vec<_> =
        story.case.warnings.iter().filter(|warning| warning.clock == WarnedClock::Promised).collect();
    assert_eq!(promised.len(), 2);
    let yellow = CaseCommand::RaiseWarning { clock: WarnedClock::Promised, threshold: Threshold::Yellow };
    story.refuses(&system(), yellow, Rejection::ThresholdNotCrossed);
}

#[test]
fn a_clock_that_stands_still_does_not_warn() {
    let request = CaseCommand::RequestSpecialProcedure {
        kind: "实地踏勘".into(),
        reason: sealed("look"),
        limit: None,
        notice: Some(document("T-1")),
    };
    let story = Story::licence_in_review("2026-03-02 09:00").then(&handler(), request).on("2026-03-16 09:00");
    let story = story.then(&chief(), CaseCommand::ApproveSpecialProcedure { procedure: 1 }).on("2026-03-19 09:00");
    assert!(!rules(&story).iter().any(|rule| rule.starts_with("warning/promised")));
}

#[test]
fn an_amended_calendar_moves_running_deadlines_once() {
    let mut story = Story::licence_accepted("2026-03-02 09:00").on("2026-03-10 09:00");
    let before = story.case.clocks.clone();
    story.city.evolve(&Event::Calendar(CalendarEvent::CalendarAmended(CalendarAmended {
        holidays: vec![day("2026-03-16")],
        workdays: Vec::new(),
        region: None,
        notice: "amendment".into(),
        published_on: day("2026-03-10"),
    })));
    assert!(rules(&story)[0].starts_with("recompute-deadlines/"));
    let story = tick(story);
    assert_eq!(story.case.clocks.promised.as_ref().unwrap().date, day("2026-03-24"));
    assert_ne!(story.case.clocks, before);
    assert!(rules(&story).is_empty());
}

#[test]
fn an_amendment_that_opens_days_does_not_shorten_what_was_told_and_one_that_closes_them_lengthens_the_window() {
    let mut story = Story::received(LICENCE, ALL, "2026-03-02 09:00").on("2026-03-10 09:00");
    story.city.evolve(&Event::Calendar(CalendarEvent::CalendarAmended(CalendarAmended {
        holidays: vec![day("2026-03-05")],
        workdays: Vec::new(),
        region: None,
        notice: "closure".into(),
        published_on: day("2026-03-04"),
    })));
    assert!(!rules(&story).iter().any(|rule| rule.starts_with("deemed")));
    assert!(next_due(&story.case, &story.city, story.moment()).is_some());
    let story = story.on("2026-03-11 00:00");
    assert!(rules(&story).iter().any(|rule| rule.starts_with("deemed")));
}

#[test]
fn a_closed_and_delivered_case_asks_for_nothing_more() {
    let story = Story::licence_in_review("2026-03-02 09:00").then(&chief(), decide(DecisionOutcome::Granted));
    let story = story.then(&output(), finish()).then(&output(), deliver()).on("2027-03-02 09:00");
    assert!(rules(&story).is_empty());
    assert_eq!(next_due(&story.case, &story.city, story.moment()), None);
}

#[test]
fn actions_say_what_may_be_done_now_and_which_rule_refuses_the_rest() {
    let story = Story::licence_in_review("2026-03-02 09:00");
    let chief = chief();
    let offers = story.case.actions(&story.context(story.moment(), &chief));
    let rule = |action: Action| offers.iter().find(|offer| offer.action == action).unwrap().allowed.clone();
    assert_eq!(rule(Action::Decide), Ok(()));
    assert_eq!(rule(Action::Accept), Err(Rejection::RoleMayNot(Role::Chief, Action::Accept)));
    assert_eq!(rule(Action::ApproveAbort), Err(Rejection::AbortNotRequested));
    assert_eq!(rule(Action::Forward), Err(Rejection::NotToBeForwarded));
    assert_eq!(rule(Action::RequestExtension), Ok(()));
    assert!(!offers.iter().any(|offer| offer.action.is_automatic()));
}

#[test]
fn every_rule_has_a_name_of_its_own_in_three_ways() {
    let names: std::collections::BTreeSet<&str> = Action::ALL.into_iter().map(Action::as_str).collect();
    assert_eq!(names.len(), Action::ALL.len());
    for action in Action::ALL {
        assert_eq!(action.as_str().parse(), Ok(action));
        assert!(!action.label_zh().is_ascii() && action.label_en().is_ascii());
    }
    let rule = Rejection::MaterialsIncomplete(vec![id("HK"), id("SITE")]);
    assert_eq!((rule.code(), rule.zh().as_str()), ("materials-incomplete", "材料不齐全：HK、SITE"));
    assert_eq!(rule.to_string(), "required materials are missing: HK, SITE");
}

#[test]
fn a_case_of_a_legacy_system_takes_nothing_new() {
    let mut story = Story::begins("2026-03-02 09:00");
    let opened = LegacyCaseOpened { source: id("old"), external_id: "7".into(), attributes: Default::default() };
    let activity = LegacyActivityRecorded {
        source: id("old"),
        activity: "Create Fine".into(),
        at: at("2006-07-24 00:00"),
        lifecycle: None,
        resource: None,
        group: None,
        role: None,
        attributes: Default::default(),
    };
    let import = actor(Role::Import, "import", CITY_HALL);
    story.take(&opened.into(), at("2026-03-02 09:00"), &import);
    story.take(&activity.into(), at("2026-03-02 09:00"), &import);
    assert_eq!(story.case.legacy.as_ref().unwrap().activities, 1);
    story.refuses(&clerk(), receive(), Rejection::LegacyCase);
}

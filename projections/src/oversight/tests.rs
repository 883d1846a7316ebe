//! Marks, cards and warnings, over any history, against a plain count of the facts.

use super::*;
use crate::scope::{OWN, Period, Source};
use crate::testing::{Story, actor, case_id, day, history, id, noon};
use chrono::{Days, TimeDelta};
use domain::builtin;
use domain::event::case::{CaseReturned, NoticeStage, OneTimeNoticeIssued, WarningRead};
use domain::reference::Reference;
use proptest::prelude::*;
use std::sync::LazyLock;

static REFERENCE: LazyLock<Reference> = LazyLock::new(builtin::reference);

fn fold(facts: &[Fact]) -> Oversight {
    let mut state = Oversight::default();
    facts.iter().for_each(|fact| state.apply(fact));
    state
}

fn year() -> Period {
    Period { from: day("2022-01-01"), to: day("2023-01-01") }
}

fn marks(group_by: &[AnomalyDimension]) -> AnomaliesQuery {
    AnomaliesQuery {
        period: year(),
        group_by: group_by.to_vec(),
        kinds: Vec::new(),
        item: None,
        organisation: None,
        person: None,
        source: Source::Own,
    }
}

fn warnings(group_by: &[WarningDimension]) -> WarningsQuery {
    WarningsQuery {
        period: year(),
        group_by: group_by.to_vec(),
        clock: None,
        threshold: None,
        organisation: None,
        person: None,
        source: Source::Own,
    }
}

const HALL: &str = "361023100";

/// One case in which `clerk` gave two notices, was warned of and did something about it.
fn two_notices() -> Vec<Fact> {
    let mut story = Story::default();
    let case = Subject::Case(case_id(0));
    let clerk = actor("c-1", Role::Clerk, HALL);
    let system = actor("system", Role::System, HALL);
    let submitted = history(1, 1).into_iter().next().unwrap();
    story.tell(noon(day("2022-03-01")), case.clone(), &clerk, submitted.event);
    let notice = |number: &str, anomalies: &[Anomaly]| OneTimeNoticeIssued {
        in_library: vec![],
        printed: None,
        number: id(number),
        stage: NoticeStage::Intake,
        missing: vec![],
        method: "hand".to_owned(),
        supplement_by: None,
        pauses_promised: false,
        anomalies: anomalies.to_vec(),
    };
    let told = |event: OneTimeNoticeIssued| CaseEvent::OneTimeNoticeIssued(event);
    story.tell(noon(day("2022-03-02")), case.clone(), &clerk, told(notice("n-1", &[])));
    let warned = WarningRaised {
        clock: WarnedClock::Notice,
        threshold: Threshold::Yellow,
        due: day("2022-03-04"),
        organisation: id(HALL),
        holder: Some(id("c-1")),
        policy: 1,
    };
    story.tell(noon(day("2022-03-03")), case.clone(), &system, CaseEvent::WarningRaised(warned));
    let read =
        WarningRead { clock: WarnedClock::Notice, threshold: Threshold::Yellow, due: day("2022-03-04"), policy: 1 };
    let later = |minutes: i64| noon(day("2022-03-03")) + TimeDelta::minutes(minutes);
    story.tell(later(30), case.clone(), &clerk, CaseEvent::WarningRead(read));
    let second = notice("n-2", &[Anomaly::SecondNotice]);
    story.tell(later(150), case, &clerk, told(second));
    story.facts()
}

#[test]
fn a_second_notice_is_its_clerks_and_a_share_of_all_notices() {
    let state = fold(&two_notices());
    let answer = state.anomalies(&marks(&[AnomalyDimension::Kind, AnomalyDimension::Clerk]), &REFERENCE.organisations);
    let [row] = answer.rows.as_slice() else { panic!("{answer:?}") };
    assert_eq!(row.key[&AnomalyDimension::Clerk].as_deref(), Some("c-1"));
    let share = row.share.unwrap();
    assert_eq!((row.marks, share.numerator, share.denominator), (1, 1, 2));
}

#[test]
fn a_warning_is_read_and_acted_on_and_the_hours_are_counted() {
    let state = fold(&two_notices());
    let total = state.warnings(&warnings(&[]), &REFERENCE.organisations).total;
    // Reading alone moves nothing; the notice two and a half hours later does.
    assert_eq!((total.raised, total.read.numerator, total.answered.numerator, total.acted.numerator), (1, 1, 0, 1));
    assert_eq!(total.hours_to_action.p50, Some(3));
}

#[test]
fn cards_are_counted_by_person_under_the_policy_of_the_day() {
    let query = CardsQuery { period: year(), organisation: None, person: None, source: Source::Own };
    let answer = fold(&two_notices()).cards(&query, &REFERENCE);
    let [row] = answer.rows.as_slice() else { panic!("{answer:?}") };
    assert_eq!((row.person.as_str(), row.yellow, row.red), ("c-1", 1, 0));
    let other = CardsQuery { person: Some(id("c-2")), ..query };
    assert!(fold(&two_notices()).cards(&other, &REFERENCE).rows.is_empty());
}

#[test]
fn a_deemed_acceptance_taken_back_leaves_no_mark() {
    let mut facts = history(3, 60);
    let deemed: Vec<CaseId> = facts
        .iter_mut()
        .filter_map(|fact| match (&mut fact.event, &fact.subject) {
            (Event::Case(CaseEvent::CaseAccepted(accepted)), Subject::Case(case))
                if accepted.kind == domain::event::case::AcceptanceKind::Deemed =>
            {
                accepted.anomalies.push(Anomaly::DeemedAcceptance);
                Some(*case)
            }
            _ => None,
        })
        .collect();
    assert!(!deemed.is_empty());
    // In this history each of them is taken back.
    let answer = fold(&facts).anomalies(&marks(&[]), &REFERENCE.organisations);
    assert_eq!(answer.total, 0, "{answer:?}");
}

/// Marks thrown onto a history by dice, as decisions might have made them.
fn marked(seed: u64) -> Vec<Fact> {
    let mut facts = history(seed, 60);
    for fact in &mut facts {
        let position = fact.position;
        match &mut fact.event {
            Event::Case(CaseEvent::OneTimeNoticeIssued(body)) if position % 2 == 0 => {
                body.anomalies = vec![Anomaly::SecondNotice, Anomaly::LateNotice];
            }
            Event::Case(CaseEvent::CaseDecided(body)) if position % 3 == 0 => {
                body.anomalies = vec![Anomaly::OverPromise];
            }
            Event::Case(CaseEvent::CaseReturned(CaseReturned { anomalies, .. })) => {
                *anomalies = vec![Anomaly::HiddenRefusal];
            }
            Event::Case(CaseEvent::SpecialProcedureOpened(body)) => body.anomalies = vec![Anomaly::PauseWithoutNotice],
            Event::Case(CaseEvent::SpecialProcedureClosed(body)) => body.hidden_days = Some(2),
            _ => (),
        }
    }
    facts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn every_figure_equals_a_plain_count_of_marks(seed in 1_u64.., month in 1_u32..8) {
        let facts = marked(seed);
        let from = day(&format!("2022-{month:02}-01"));
        let period = Period { from, to: from + Days::new(31) };
        let query = AnomaliesQuery { period, ..marks(&[AnomalyDimension::Kind, AnomalyDimension::Org]) };
        let answer = fold(&facts).anomalies(&query, &REFERENCE.organisations);
        let mut plain: BTreeMap<(String, String), i64> = BTreeMap::new();
        for fact in &facts {
            let Event::Case(event) = &fact.event else { continue };
            for kind in event.anomalies() {
                let whom = responsible(*kind, event, fact);
                if period.contains(whom.on) {
                    *plain.entry((kind.as_str().to_owned(), whom.organisation.to_string())).or_default() += 1;
                }
            }
        }
        let told: BTreeMap<(String, String), i64> = answer.rows.iter().filter(|row| row.marks != 0).map(|row| {
            let text = |dimension: AnomalyDimension| row.key[&dimension].clone().unwrap();
            ((text(AnomalyDimension::Kind), text(AnomalyDimension::Org)), row.marks)
        }).collect();
        prop_assert_eq!(answer.total, plain.values().sum::<i64>());
        prop_assert_eq!(told, plain);
    }

    #[test]
    fn what_marked_pauses_hid_is_the_sum_over_those_that_ended(seed in 1_u64..) {
        let facts = marked(seed);
        let query = AnomaliesQuery { kinds: vec![Anomaly::PauseWithoutNotice], ..marks(&[AnomalyDimension::Kind]) };
        let answer = fold(&facts).anomalies(&query, &REFERENCE.organisations);
        let closed = facts.iter().filter(|fact| matches!(
            &fact.event,
            Event::Case(CaseEvent::SpecialProcedureClosed(closed)) if year().contains(closed.to)
        ));
        let hidden = answer.rows.first().and_then(|row| row.hidden_working_days).unwrap_or(0);
        prop_assert_eq!(hidden, 2 * closed.count() as i64);
    }

    #[test]
    fn the_state_comes_back_from_json(seed in 1_u64..) {
        let state = fold(&marked(seed));
        let json = serde_json::to_vec(&state).unwrap();
        prop_assert_eq!(serde_json::from_slice::<Oversight>(&json).unwrap(), state);
    }

    #[test]
    fn nothing_is_kept_of_cases_that_are_done_with(seed in 1_u64..) {
        let facts = history(seed, 60);
        let state = fold(&facts);
        for fact in &facts {
            if let (Event::Case(CaseEvent::ResultDelivered(_)), Subject::Case(case)) = (&fact.event, &fact.subject) {
                prop_assert!(!state.open.contains_key(case) && !state.warned.contains_key(case));
            }
        }
    }
}

#[test]
fn imported_histories_are_not_the_citys_own() {
    assert!(Source::Own.contains(&id::<SourceName>(OWN)));
    let query = AnomaliesQuery { source: "bpic15".parse().unwrap(), ..marks(&[]) };
    assert_eq!(fold(&two_notices()).anomalies(&query, &REFERENCE.organisations).total, 0);
}

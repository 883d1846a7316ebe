//! Both sides of the balance, over any history and any month.

use super::*;
use crate::testing::{case_id, day, history, id};
use domain::builtin;
use domain::reference::Reference;
use proptest::prelude::*;
use std::sync::LazyLock;

static REFERENCE: LazyLock<Reference> = LazyLock::new(builtin::reference);

fn fold(facts: &[Fact]) -> Balance {
    let mut state = Balance::default();
    facts.iter().for_each(|fact| state.apply(fact));
    state
}

fn ask(state: &Balance, month: &str, attribution: Attribution, source: Source) -> BalanceAnswer {
    let query = BalanceQuery { month: month.parse().unwrap(), organisation: None, attribution, source };
    state.answer(&query, &REFERENCE.organisations)
}

/// The first and last day of each case that we know of, by the text of its events.
fn lives(facts: &[Fact]) -> BTreeMap<CaseId, (String, Option<String>)> {
    let mut lives: BTreeMap<CaseId, (String, Option<String>)> = BTreeMap::new();
    for fact in facts {
        let (Event::Case(event), Subject::Case(case)) = (&fact.event, &fact.subject) else { continue };
        if let CaseEvent::CaseSubmitted(_) = event {
            lives.insert(*case, (day_of(fact.occurred_at).to_string(), None));
        }
        let json: serde_json::Value = serde_json::from_slice(&fact.event.encode().unwrap()).unwrap();
        let closing = if json["closing"]["new"].is_object() { &json["closing"]["new"] } else { &json["closing"] };
        if let (Some(closed), Some(life)) = (closing["closed_on"].as_str(), lives.get_mut(case)) {
            life.1 = Some(closed.to_owned());
        }
    }
    lives
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn opening_and_submitted_equal_closed_and_open_everywhere(seed in 1_u64.., month in 1_u32..8) {
        let state = fold(&history(seed, 60));
        let month = format!("2022-{month:02}");
        let all = [Attribution::Intake, Attribution::Handling, Attribution::Deciding, Attribution::Delivering];
        let total = ask(&state, &month, Attribution::Intake, Source::All).total;
        for attribution in all {
            let answer = ask(&state, &month, attribution, Source::All);
            for row in answer.rows.iter().chain([&answer.total]) {
                prop_assert_eq!(row.opening + row.submitted, row.closed + row.open);
                prop_assert_eq!(row.closings.values().sum::<i64>(), row.closed);
            }
            prop_assert_eq!(answer.rows.iter().map(|row| row.open).sum::<i64>(), answer.total.open);
            prop_assert_eq!(&answer.total, &total);
        }
    }

    #[test]
    fn every_column_equals_a_count_over_the_cases(seed in 1_u64.., month in 1_u32..8) {
        let facts = history(seed, 60);
        let month = format!("2022-{month:02}");
        let total = ask(&fold(&facts), &month, Attribution::Intake, Source::Own).total;
        let lives: Vec<_> = lives(&facts).into_values().collect();
        let count = |holds: &dyn Fn(&str, Option<&str>) -> bool| {
            lives.iter().filter(|(from, to)| holds(&from[..7], to.as_ref().map(|to| &to[..7]))).count() as i64
        };
        let month = month.as_str();
        prop_assert_eq!(total.submitted, count(&|from, to| from == month && to.is_none_or(|to| month <= to)));
        prop_assert_eq!(total.opening, count(&|from, to| from < month && to.is_none_or(|to| month <= to)));
        prop_assert_eq!(total.closed, count(&|from, to| from <= month && to == Some(month)));
        prop_assert_eq!(total.open, count(&|from, to| from <= month && to.is_none_or(|to| month < to)));
    }

    #[test]
    fn one_month_opens_with_what_the_last_left_open(seed in 1_u64..) {
        let state = fold(&history(seed, 60));
        let months = ["2022-01", "2022-02", "2022-03", "2022-04", "2022-05", "2022-06"];
        for pair in months.windows(2) {
            let before = ask(&state, pair[0], Attribution::Deciding, Source::Own).total.open;
            prop_assert_eq!(ask(&state, pair[1], Attribution::Deciding, Source::Own).total.opening, before);
        }
    }

    #[test]
    fn the_state_comes_back_from_json(seed in 1_u64..) {
        let state = fold(&history(seed, 20));
        let json = serde_json::to_vec(&state).unwrap();
        prop_assert_eq!(serde_json::from_slice::<Balance>(&json).unwrap(), state);
    }
}

#[test]
fn imported_cases_stay_open_in_their_own_source() {
    let state = fold(&history(3, 10));
    let total = ask(&state, "2022-06", Attribution::Intake, "bpic15".parse().unwrap()).total;
    assert_eq!((total.opening, total.submitted, total.closed, total.open), (3, 0, 0, 3));
}

#[test]
fn a_hall_is_asked_for_with_those_under_it() {
    let state = fold(&history(5, 80));
    let query = BalanceQuery {
        month: Month::of(day("2022-03-01")),
        organisation: Some(id("361023")),
        attribution: Attribution::Intake,
        source: Source::Own,
    };
    let answer = state.answer(&query, &REFERENCE.organisations);
    let organisations: Vec<_> = answer.rows.iter().filter_map(|row| row.organisation.clone()).collect();
    assert_eq!(organisations, [id::<OrganisationId>("361023100")]);
}

#[test]
fn a_case_that_ended_without_being_known_still_counts_on_both_sides() {
    let facts: Vec<Fact> = history(9, 40)
        .into_iter()
        .filter(|fact| !matches!(&fact.event, Event::Case(CaseEvent::CaseSubmitted(_))))
        .collect();
    let total = ask(&fold(&facts), "2022-03", Attribution::Intake, Source::Own).total;
    assert_eq!(total.opening + total.submitted, total.closed + total.open);
    assert!(facts.iter().any(|fact| fact.subject == Subject::Case(case_id(0))));
}

//! The published numbers equal a recomputation from the raw facts that keeps every case and sorts every list.

use super::*;
use crate::scope::{Attribution, Period, Source};
use crate::tally::Rate;
use crate::testing::{Dice, case_id, day, history, id, noon};
use crate::testing::{Story, actor, deadline};
use domain::actor::Role;
use domain::builtin;
use domain::event::case::DecisionOutcome;
use domain::event::instrument::InstrumentRef;
use domain::reference::Reference;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::sync::LazyLock;

static REFERENCE: LazyLock<Reference> = LazyLock::new(builtin::reference);

fn fold(facts: &[Fact]) -> ProcessingTimes {
    let mut state = ProcessingTimes::default();
    facts.iter().for_each(|fact| state.apply(fact));
    state
}

fn everything(from: &str, to: &str) -> ProcessingTimesQuery {
    ProcessingTimesQuery {
        period: Period { from: day(from), to: day(to) },
        cohort: Cohort::Finished,
        group_by: vec![],
        item: None,
        organisation: None,
        closing: None,
        attribution: Attribution::Deciding,
        region_as: RegionAs::Now,
        source: Source::Own,
    }
}

fn ask(state: &ProcessingTimes, query: &ProcessingTimesQuery) -> ProcessingTimesAnswer {
    state.answer(query, &REFERENCE, day("2022-07-01")).unwrap()
}

/// How each case ended, as corrected last.
fn endings(facts: &[Fact]) -> BTreeMap<CaseId, Closing> {
    let mut endings = BTreeMap::new();
    for fact in facts {
        let (Event::Case(event), Subject::Case(case)) = (&fact.event, &fact.subject) else { continue };
        let json: serde_json::Value = serde_json::from_slice(&fact.event.encode().unwrap()).unwrap();
        let closing = match event {
            CaseEvent::RecordCorrected(_) => json["closing"]["new"].clone(),
            _ => json["closing"].clone(),
        };
        if let Ok(closing) = serde_json::from_value::<Closing>(closing) {
            endings.insert(*case, closing);
        }
    }
    endings
}

/// Cases accepted and not ended: the day, and whether the promised and the legal date are over on `today`.
fn open_cases(
    facts: &[Fact],
    today: NaiveDate,
) -> BTreeMap<CaseId, (CaseAccepted, Option<NaiveDate>, Option<NaiveDate>)> {
    let ended: BTreeSet<CaseId> = endings(facts).into_keys().collect();
    let mut open = BTreeMap::new();
    for case in facts.iter().filter_map(|fact| match fact.subject {
        Subject::Case(case) => Some(case),
        _ => None,
    }) {
        if ended.contains(&case) || open.contains_key(&case) {
            continue;
        }
        let mine = || facts.iter().filter(|fact| fact.subject == Subject::Case(case));
        let mut accepted = None;
        let mut clocks = Clocks::default();
        let (mut promise_seen, mut legal_seen) = (today, today);
        for fact in mine() {
            match &fact.event {
                Event::Case(CaseEvent::CaseAccepted(body)) => {
                    clocks = body.clocks.clone();
                    accepted = Some(body.clone());
                }
                Event::Case(CaseEvent::DeemedAcceptanceReversed(_)) => accepted = None,
                Event::Case(CaseEvent::SpecialProcedureOpened(body)) => {
                    promise_seen = promise_seen.min(body.from);
                    legal_seen = if body.stops_legal { legal_seen.min(body.from) } else { legal_seen };
                }
                Event::Case(CaseEvent::SpecialProcedureClosed(body)) => {
                    (promise_seen, legal_seen) = (today, today);
                    clocks = body.clocks.clone();
                }
                Event::Case(CaseEvent::CaseDecided(body)) => {
                    let on = day_of(fact.occurred_at);
                    legal_seen = legal_seen.min(on);
                    promise_seen = if body.stops_promise { promise_seen.min(on) } else { promise_seen };
                }
                _ => (),
            }
        }
        if let Some(accepted) = accepted {
            let promised = clocks.promised.map(|d| d.date).filter(|by| *by < promise_seen);
            let legal = clocks.legal.map(|d| d.date).filter(|by| *by < legal_seen);
            open.insert(case, (accepted, promised, legal));
        }
    }
    open
}

fn nearest_rank(mut values: Vec<u16>, percent: usize) -> Option<u16> {
    values.sort_unstable();
    let rank = (values.len() * percent).div_ceil(100).max(1);
    values.get(rank - 1).copied()
}

fn check_row(row: &ProcessingTimesRow, closings: &[&Closing]) {
    let count = |holds: &dyn Fn(&Closing) -> bool| closings.iter().filter(|closing| holds(closing)).count() as i64;
    let by_record = |closing: &Closing, stopped: NaiveDate| {
        if closing.closed_on < closing.recorded_on { closing.recorded_on } else { stopped }
    };
    let law_stopped = |closing: &Closing| closing.decided_on.unwrap_or(closing.closed_on);
    assert_eq!(row.closings.values().sum::<i64>(), closings.len() as i64);
    let promised = count(&|closing| closing.promised_by.is_some());
    let kept = count(&|closing| closing.promised_by.is_some_and(|by| closing.promise_stopped_on <= by));
    assert_eq!(row.on_time_promised, Rate::of(kept, promised));
    let recorded =
        count(&|closing| closing.promised_by.is_some_and(|by| by_record(closing, closing.promise_stopped_on) <= by));
    assert_eq!(row.on_time_promised_recorded, Rate::of(recorded, promised));
    let legal = count(&|closing| closing.legal_by.is_some());
    assert_eq!(
        row.on_time_statutory,
        Rate::of(count(&|closing| closing.legal_by.is_some_and(|by| law_stopped(closing) <= by)), legal)
    );
    let working: Vec<u16> = closings.iter().filter_map(|closing| closing.working_days).collect();
    assert_eq!(row.working_days.n, working.len() as i64);
    assert_eq!(row.working_days.p50, nearest_rank(working.clone(), 50));
    assert_eq!(row.working_days.p90, nearest_rank(working.clone(), 90));
    assert_eq!(row.working_days.p95, nearest_rank(working.clone(), 95));
    assert_eq!(row.working_days.max, working.iter().max().copied());
    let mean = working.iter().map(|days| f64::from(*days)).sum::<f64>() / working.len() as f64;
    assert!(row.working_days.mean.is_none_or(|published| (published - mean).abs() < 1e-9));
    let gross: Vec<u16> = closings.iter().map(|closing| closing.gross_days).collect();
    assert_eq!(row.gross_days.p90, nearest_rank(gross, 90));
    assert_eq!(row.same_day, Rate::of(count(&|closing| closing.gross_days == 0), closings.len() as i64));
    let across = count(&|closing| closing.cross_township);
    assert_eq!(row.cross_township, Rate::of(across, closings.len() as i64));
    assert_eq!(row.recorded_late, count(&|closing| closing.closed_on < closing.recorded_on));
    let sum = |of: &dyn Fn(&Closing) -> Option<u16>| closings.iter().filter_map(|c| of(c)).map(i64::from).sum::<i64>();
    assert_eq!(row.compression.promised_days, sum(&|closing| closing.legal_days.and(closing.promised_days)));
    assert_eq!(row.compression.statutory_days, sum(&|closing| closing.promised_days.and(closing.legal_days)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn figures_by_ending_equal_a_recomputation_from_the_facts(seed in 1_u64.., from in 0_u64..150, length in 0_u64..90) {
        let facts = history(seed, 60);
        let state = fold(&facts);
        let from = day("2022-01-01") + chrono::Days::new(from);
        let period = Period { from, to: from + chrono::Days::new(length) };
        let query = ProcessingTimesQuery {
            period,
            group_by: vec![Dimension::ItemVersion, Dimension::Authority],
            ..everything("2022-01-01", "2022-01-01")
        };
        let answer = ask(&state, &query);
        let endings = endings(&facts);
        let of_period: Vec<&Closing> = endings.values().filter(|c| period.contains(c.closed_on)).collect();
        check_row(&answer.total, &of_period);
        for row in &answer.rows {
            let item = row.key[&Dimension::Item].clone().unwrap();
            let version = row.key[&Dimension::ItemVersion].clone().unwrap();
            let same = |c: &&&Closing| c.item.as_str() == item && c.item_version.to_string() == version;
            check_row(row, &of_period.iter().filter(same).copied().collect::<Vec<_>>());
        }
        let open = open_cases(&facts, day("2022-07-01"));
        let overdue = open.values().filter(|(_, promised, _)| promised.is_some_and(|by| period.contains(by))).count();
        let overdue_legal = open.values().filter(|(_, _, legal)| legal.is_some_and(|by| period.contains(by))).count();
        prop_assert_eq!(answer.total.open_overdue, overdue as i64);
        prop_assert_eq!(answer.total.open_overdue_statutory, overdue_legal as i64);
    }

    #[test]
    fn whichever_organisation_answers_for_it_a_case_counts_once(seed in 1_u64..) {
        let state = fold(&history(seed, 60));
        let totals = [Attribution::Intake, Attribution::Handling, Attribution::Deciding, Attribution::Delivering].map(
            |attribution| {
                let group_by = vec![Dimension::Township];
                let query = ProcessingTimesQuery { attribution, group_by, ..everything("2022-01-01", "2022-07-01") };
                let answer = ask(&state, &query);
                assert_eq!(answer.rows.iter().map(|row| row.n).sum::<i64>(), answer.total.n);
                (answer.total.n, answer.total.closings, answer.total.open_overdue, answer.total.cross_township)
            },
        );
        prop_assert!(totals.iter().all(|total| *total == totals[0]));
    }

    #[test]
    fn figures_by_acceptance_count_open_cases_too(seed in 1_u64..) {
        let facts = history(seed, 60);
        let query = ProcessingTimesQuery { cohort: Cohort::Accepted, ..everything("2022-02-01", "2022-04-01") };
        let answer = ask(&fold(&facts), &query);
        let endings = endings(&facts);
        let accepted: Vec<&Closing> =
            endings.values().filter(|c| c.accepted_on.is_some_and(|on| query.period.contains(on))).collect();
        check_row(&answer.total, &accepted);
        let open = open_cases(&facts, day("2022-07-01"));
        let mine: Vec<_> = open.values().filter(|(body, ..)| query.period.contains(body.effective_on)).collect();
        prop_assert_eq!(answer.total.n, (accepted.len() + mine.len()) as i64);
        prop_assert_eq!(answer.total.open_overdue, mine.iter().filter(|(_, by, _)| by.is_some()).count() as i64);
    }

    #[test]
    fn steps_equal_a_recomputation_from_the_facts(seed in 1_u64..) {
        let facts = history(seed, 60);
        let query = ProcessingTimesQuery {
            group_by: vec![Dimension::Step, Dimension::Clerk],
            ..everything("2022-02-01", "2022-04-01")
        };
        let answer = ask(&fold(&facts), &query);
        let mut days: BTreeMap<(String, String), Vec<u16>> = BTreeMap::new();
        for fact in &facts {
            if let Event::Case(CaseEvent::StepFinished(step)) = &fact.event
                && query.period.contains(day_of(fact.occurred_at))
            {
                let key = (step.step.to_string(), step.holder.to_string());
                days.entry(key).or_default().push(step.working_days);
            }
        }
        prop_assert_eq!(answer.rows.len(), days.len());
        for (row, ((step, holder), days)) in answer.rows.iter().zip(days) {
            prop_assert_eq!(row.key[&Dimension::Step].as_ref(), Some(&step));
            prop_assert_eq!(row.key[&Dimension::Clerk].as_ref(), Some(&holder));
            prop_assert_eq!(row.n, days.len() as i64);
            prop_assert_eq!(row.working_days.p90, nearest_rank(days.clone(), 90));
            let kept = days.iter().filter(|days| **days <= 4).count() as i64;
            prop_assert_eq!(row.within_budget, Rate::of(kept, days.len() as i64));
        }
    }

    #[test]
    fn the_groups_of_a_question_add_up_to_its_total(seed in 1_u64..) {
        let state = fold(&history(seed, 60));
        let base = everything("2022-01-01", "2023-01-01");
        let total = ask(&state, &base).total;
        for dimension in Dimension::ALL.into_iter().filter(|dimension| *dimension != Dimension::Step) {
            let answer = ask(&state, &ProcessingTimesQuery { group_by: vec![dimension], ..base.clone() });
            prop_assert_eq!(&answer.total, &total);
            prop_assert_eq!(answer.rows.iter().map(|row| row.n).sum::<i64>(), total.n);
        }
    }

    #[test]
    fn any_order_of_facts_folds_and_comes_back_from_json(seed in 1_u64..) {
        let mut facts = history(seed, 30);
        let mut dice = Dice::new(seed);
        for place in (1..facts.len()).rev() {
            facts.swap(place, dice.below(place as u64 + 1) as usize);
        }
        let state = fold(&facts);
        ask(&state, &everything("2022-01-01", "2023-01-01"));
        let json = serde_json::to_vec(&state).unwrap();
        prop_assert_eq!(serde_json::from_slice::<ProcessingTimes>(&json).unwrap(), state);
    }
}

#[test]
fn a_case_that_is_late_and_still_open_stands_beside_the_rate() {
    let mut story = Story::default();
    let clerk = actor("c-1", Role::Clerk, "361023100");
    let accepted = accepted(day("2022-03-01"), 18);
    story.tell(noon(day("2022-03-01")), Subject::Case(case_id(1)), &clerk, CaseEvent::from(accepted));
    let state = fold(&story.facts());
    let march = everything("2022-03-01", "2022-04-01");
    let as_of = |today: &str| state.answer(&march, &REFERENCE, day(today)).unwrap().total;
    assert_eq!(as_of("2022-03-19").open_overdue, 0);
    assert_eq!(as_of("2022-03-20").open_overdue, 1);
    assert_eq!(as_of("2022-03-20").n, 0);
}

#[test]
fn a_pause_that_began_in_time_keeps_a_case_from_being_overdue() {
    let mut story = Story::default();
    let clerk = actor("c-1", Role::Clerk, "361023100");
    let case = Subject::Case(case_id(1));
    let body = accepted(day("2022-03-01"), 18);
    story.tell(noon(day("2022-03-01")), case.clone(), &clerk, CaseEvent::from(body));
    let opened = SpecialProcedureOpened {
        printed: None,
        procedure: 1,
        kind: "公示".to_owned(),
        from: day("2022-03-10"),
        due: deadline(day("2022-03-10"), 7),
        stops_promised: true,
        stops_legal: false,
        basis: None,
        notice: None,
        anomalies: vec![],
    };
    story.tell(noon(day("2022-03-10")), case, &clerk, CaseEvent::from(opened));
    let state = fold(&story.facts());
    let total = state.answer(&everything("2022-01-01", "2023-01-01"), &REFERENCE, day("2022-12-01")).unwrap().total;
    assert_eq!((total.open_overdue, total.open_overdue_statutory), (0, 1));
}

#[test]
fn a_township_is_shown_under_the_code_of_its_region() {
    let state = fold(&history(7, 80));
    let query = ProcessingTimesQuery {
        group_by: vec![Dimension::Township, Dimension::County],
        attribution: Attribution::Intake,
        organisation: Some(id("361023")),
        ..everything("2022-01-01", "2023-01-01")
    };
    let answer = ask(&state, &query);
    let keys: Vec<_> = answer.rows.iter().map(|row| row.key.clone()).collect();
    let nanfeng = BTreeMap::from([
        (Dimension::Township, Some("361023100".to_owned())),
        (Dimension::County, Some("361023".to_owned())),
    ]);
    assert_eq!(keys, [nanfeng]);
}

#[test]
fn steps_have_neither_closing_nor_acceptance() {
    let state = ProcessingTimes::default();
    let steps = ProcessingTimesQuery { group_by: vec![Dimension::Step], ..everything("2022-01-01", "2023-01-01") };
    let by_closing = ProcessingTimesQuery { closing: Some(ClosingKind::Granted), ..steps.clone() };
    let by_acceptance = ProcessingTimesQuery { cohort: Cohort::Accepted, ..steps };
    let ask = |query: &ProcessingTimesQuery| state.answer(query, &REFERENCE, day("2022-07-01"));
    assert_eq!(ask(&by_closing), Err(ProcessingTimesError::StepsHaveNoClosing));
    assert_eq!(ask(&by_acceptance), Err(ProcessingTimesError::StepsHaveNoAcceptance));
}

#[test]
fn an_imported_history_is_counted_under_its_own_name_only() {
    let state = fold(&history(3, 10));
    let of = |source: &str| {
        let query = ProcessingTimesQuery { source: source.parse().unwrap(), ..everything("2000-01-01", "2030-01-01") };
        ask(&state, &query)
    };
    assert!(of("own").legacy.is_empty());
    assert_eq!(of("bpic15").legacy[&id("bpic15")].cases, 3);
    assert_eq!(of("bpic15").total.n, 0);
}

fn accepted(on: NaiveDate, days: u16) -> CaseAccepted {
    let body = history(1, 40).into_iter().find_map(|fact| match fact.event {
        Event::Case(CaseEvent::CaseAccepted(body)) => Some(body),
        _ => None,
    });
    let clocks = Clocks { promised: Some(deadline(on, days)), legal: Some(deadline(on, days + 10)) };
    CaseAccepted { effective_on: on, clocks, ..body.unwrap() }
}

/// A decision on a case that this organisation handles.
fn decided(authority: Authority, by: &str, under: Option<&str>) -> CaseDecided {
    CaseDecided {
        outcome: DecisionOutcome::Granted,
        number: id("D-1"),
        organisation: id(by),
        in_name_of: id("361023-MZ"),
        authority,
        instrument: under.map(|instrument| InstrumentRef {
            instrument: id(instrument),
            kind: InstrumentKind::Entrustment,
            number: id("I-1"),
        }),
        reason: None,
        remedy: None,
        stops_promise: false,
        yields_result: false,
        delivery_due: None,
        leg: None,
        anomalies: vec![],
        printed: None,
    }
}

#[test]
fn what_was_given_down_counts_as_decided_here_only_under_its_instrument() {
    let (hall, neighbour, county) = ("361023100", "361023101", "361023-MZ");
    let decisions = [
        (hall, decided(Authority::Entrusted, hall, Some("E-1"))),
        (hall, decided(Authority::Entrusted, hall, Some("E-1"))),
        // The county kept it to itself, though the hall holds the power.
        (hall, decided(Authority::Entrusted, county, None)),
        // Not given down: neither for nor against anybody.
        (hall, decided(Authority::Forward, county, None)),
        (hall, decided(Authority::OwnStatutory, hall, None)),
        (neighbour, decided(Authority::Entrusted, neighbour, Some("E-1"))),
    ];
    let mut story = Story::default();
    for (number, (handled_at, decision)) in (1..).zip(decisions) {
        let by = actor("chief", Role::Chief, decision.organisation.as_str());
        let mut body = accepted(day("2022-03-01"), 18);
        body.dimensions.source = id("own");
        body.dimensions.authority = decision.authority;
        body.dimensions.intake = id("361002001");
        body.dimensions.handling = Some(id(handled_at));
        let case = Subject::Case(case_id(number));
        story.tell(noon(day("2022-03-01")), case.clone(), &by, CaseEvent::from(body));
        story.tell(noon(day("2022-03-08")), case, &by, CaseEvent::from(decision));
    }
    let state = fold(&story.facts());
    let of = |organisation: &str, from: &str, to: &str| {
        let organisation = Some(id(organisation));
        let query = ProcessingTimesQuery { organisation, attribution: Attribution::Handling, ..everything(from, to) };
        ask(&state, &query).total.delegated_decided
    };
    assert_eq!(of(hall, "2022-03-01", "2022-04-01"), Rate::of(2, 3));
    assert_eq!(of(neighbour, "2022-03-01", "2022-04-01"), Rate::of(1, 1));
    assert_eq!(of("361023", "2022-03-01", "2022-04-01"), Rate::of(3, 4));
    assert_eq!(of(hall, "2022-04-01", "2022-05-01"), Rate::of(0, 0), "by the day of the decision");
    assert_eq!(of("361002001", "2022-03-01", "2022-04-01"), Rate::of(0, 0), "whoever took it in did not handle it");
}

//! The published rates equal counts over the ratings themselves.

use super::*;
use crate::scope::{Period, Source};
use crate::tally::Rate;
use crate::testing::{Dice, Story, actor, case_id, day, history, id, noon, rated, sealed, service_of};
use domain::actor::Role;
use domain::builtin;
use domain::event::rating::{
    BadRatingOpened, OrderCalledBack, OrderClosed, OrderRectified, OrderReplied, OrderVerified, RatingNotAdopted,
    Rectification,
};
use domain::reference::Reference;
use proptest::prelude::*;
use std::sync::LazyLock;

static REFERENCE: LazyLock<Reference> = LazyLock::new(builtin::reference);

fn fold(facts: &[Fact]) -> Satisfaction {
    let mut state = Satisfaction::default();
    facts.iter().for_each(|fact| state.apply(fact));
    state
}

fn everything() -> SatisfactionQuery {
    SatisfactionQuery {
        period: Period { from: day("2022-01-01"), to: day("2023-01-01") },
        group_by: vec![],
        item: None,
        organisation: None,
        source: Source::Own,
    }
}

fn ask(state: &Satisfaction, query: &SatisfactionQuery) -> SatisfactionAnswer {
    state.answer(query, &REFERENCE, day("2022-07-01"))
}

/// The rating of each stream as it counts at the end, and whether it was adopted.
fn final_ratings(facts: &[Fact]) -> BTreeMap<RatingId, (Rated, bool)> {
    let mut ratings = BTreeMap::new();
    for fact in facts {
        let (Event::Rating(event), Subject::Rating(rating)) = (&fact.event, &fact.subject) else { continue };
        match event {
            RatingEvent::Rated(rated) => _ = ratings.insert(rating.clone(), (rated.clone(), true)),
            RatingEvent::RatingRevised(revised) => _ = ratings.insert(rating.clone(), ((*revised.new).clone(), true)),
            RatingEvent::RatingNotAdopted(_) => ratings.get_mut(rating).unwrap().1 = false,
            _ => (),
        }
    }
    ratings
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn rates_equal_counts_over_the_ratings(seed in 1_u64.., from in 0_u64..120, length in 1_u64..90) {
        let facts = history(seed, 80);
        let from = day("2022-01-01") + chrono::Days::new(from);
        let period = Period { from, to: from + chrono::Days::new(length) };
        let total = ask(&fold(&facts), &SatisfactionQuery { period, ..everything() }).total;
        let ratings = final_ratings(&facts);
        let mine: Vec<_> = ratings.values().filter(|(rated, _)| period.contains(rated.service.ended_on)).collect();
        let adopted: Vec<&Rated> = mine.iter().filter(|(_, adopted)| *adopted).map(|(rated, _)| rated).collect();
        let bad = adopted.iter().filter(|rated| rated.level.is_bad()).count() as i64;
        let n = adopted.len() as i64;
        prop_assert_eq!(total.ratings, n);
        prop_assert_eq!(total.not_adopted, mine.len() as i64 - n);
        prop_assert_eq!(total.good_rate, Rate::of(n - bad, n));
        prop_assert_eq!(total.bad_rate, Rate::of(bad, n));
        prop_assert_eq!(total.score.sum, adopted.iter().map(|rated| i64::from(rated.score)).sum::<i64>());
        for level in Level::ALL {
            let of = |origin| {
                adopted.iter().filter(|rated| rated.level == level && rated.origin == origin).count() as i64
            };
            prop_assert_eq!(total.levels[&level].active, of(RatingOrigin::Active));
            prop_assert_eq!(total.levels[&level].default, of(RatingOrigin::Default));
        }
        let given = adopted.iter().filter(|rated| rated.origin == RatingOrigin::Active).count() as i64;
        prop_assert_eq!(total.active_rate.unwrap().numerator, given);
    }

    #[test]
    fn every_ending_is_a_service_also_an_unhappy_one(seed in 1_u64..) {
        let facts = history(seed, 60);
        let query = SatisfactionQuery { group_by: vec![SatisfactionDimension::Stage], ..everything() };
        let answer = ask(&fold(&facts), &query);
        let ended = facts.iter().filter(|fact| {
            let json: serde_json::Value = serde_json::from_slice(&fact.event.encode().unwrap()).unwrap();
            json["closing"]["kind"].is_string()
        });
        let finish = BTreeMap::from([(SatisfactionDimension::Stage, Some("finish".to_owned()))]);
        let row = answer.rows.iter().find(|row| row.key == finish).unwrap();
        prop_assert_eq!(row.services, Some(ended.count() as i64));
    }

    #[test]
    fn groups_add_up_to_the_total(seed in 1_u64..) {
        let state = fold(&history(seed, 60));
        let total = ask(&state, &everything()).total;
        for dimension in [
            SatisfactionDimension::Org,
            SatisfactionDimension::Window,
            SatisfactionDimension::Staff,
            SatisfactionDimension::Item,
            SatisfactionDimension::Channel,
            SatisfactionDimension::Stage,
            SatisfactionDimension::Month,
        ] {
            let answer = ask(&state, &SatisfactionQuery { group_by: vec![dimension], ..everything() });
            prop_assert_eq!(answer.rows.iter().map(|row| row.ratings).sum::<i64>(), total.ratings);
            prop_assert_eq!(answer.rows.iter().map(|row| row.orders).sum::<i64>(), total.orders);
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
        ask(&state, &everything());
        let json = serde_json::to_vec(&state).unwrap();
        prop_assert_eq!(serde_json::from_slice::<Satisfaction>(&json).unwrap(), state);
    }
}

/// A bad rating by somebody with a name, at a service of the standard history.
fn bad_rating() -> Rated {
    let closing = history(1, 40).into_iter().find_map(|fact| match fact.event {
        Event::Case(CaseEvent::CaseFinished(CaseFinished { closing, .. })) => Some(closing),
        _ => None,
    });
    rated(case_id(1), Level::Dissatisfied, RatingOrigin::Active, service_of(&closing.unwrap()))
}

fn after(events: Vec<RatingEvent>) -> SatisfactionRow {
    let mut story = Story::default();
    let subject = Subject::Rating(id("case-1-finish"));
    let clerk = actor("c-1", Role::Clerk, "361023100");
    for (minute, event) in (0..).zip(events) {
        let at = noon(day("2022-07-01")) + chrono::TimeDelta::minutes(minute);
        story.tell(at, subject.clone(), &clerk, event);
    }
    ask(&fold(&story.facts()), &everything()).total
}

fn opened(rated: &Rated) -> RatingEvent {
    BadRatingOpened { service: rated.service.clone(), real_name: true, assign_due: day("2022-07-04") }.into()
}

fn verified(rated: &Rated, verdict: Verdict, rectify_due: Option<NaiveDate>) -> RatingEvent {
    OrderVerified { verdict, finding: sealed("f"), rectify_due, reply_due: None, service: rated.service.clone() }.into()
}

#[test]
fn a_rating_that_was_not_adopted_leaves_the_rates_and_keeps_its_own_count() {
    let rated = bad_rating();
    let refused =
        RatingNotAdopted { rating: Box::new(rated.clone()), verdict: Verdict::Malicious, reason: sealed("r") };
    let row = after(vec![rated.clone().into(), opened(&rated), refused.into()]);
    assert_eq!((row.ratings, row.not_adopted), (0, 1));
    assert_eq!(row.bad_rate, Rate::of(0, 0));
    assert_eq!(row.call_back_rate, Rate::of(0, 0));
}

#[test]
fn rectification_that_is_not_due_yet_is_not_late() {
    let rated = bad_rating();
    let due_on =
        |due: &str| after(vec![rated.clone().into(), opened(&rated), verified(&rated, Verdict::True, Some(day(due)))]);
    assert_eq!(due_on("2022-07-01").rectification_in_time_rate, Rate::of(0, 0));
    assert_eq!(due_on("2022-06-30").rectification_in_time_rate, Rate::of(0, 1));
    assert_eq!(due_on("2022-07-01").rectification_rate, Rate::of(0, 1));
}

#[test]
fn an_answer_counts_from_the_day_it_is_due() {
    let rated = bad_rating();
    let verified = |reply_due: &str| {
        let (finding, reply_due) = (sealed("f"), Some(day(reply_due)));
        let verdict = Verdict::OutOfScope;
        OrderVerified { verdict, finding, rectify_due: None, reply_due, service: rated.service.clone() }.into()
    };
    let due_on = |due: &str| after(vec![rated.clone().into(), opened(&rated), verified(due)]).reply_rate;
    assert_eq!(due_on("2022-07-01"), Rate::of(0, 0));
    assert_eq!(due_on("2022-06-30"), Rate::of(0, 1));
    let service = rated.service.clone();
    let late = OrderReplied { reply: sealed("r"), in_time: false, call_back_due: None, service };
    let row = after(vec![rated.clone().into(), opened(&rated), verified("2022-06-30"), late.into()]);
    assert_eq!((row.reply_rate, row.reply_in_time_rate), (Rate::of(1, 1), Rate::of(0, 1)));
}

#[test]
fn a_rater_who_was_not_reached_was_not_called_back() {
    let rated = bad_rating();
    let service = rated.service.clone();
    let rectified = OrderRectified {
        how: Rectification::AtOnce,
        measures: sealed("m"),
        in_time: true,
        call_back_due: day("2022-07-08"),
        service: service.clone(),
    };
    let called = |result| OrderCalledBack { result, attempt: 1, notes: None, service: service.clone() };
    let closed = OrderClosed { reached: true, service: service.clone() };
    let told = |result| {
        after(vec![
            rated.clone().into(),
            opened(&rated),
            verified(&rated, Verdict::True, None),
            rectified.clone().into(),
            called(result).into(),
            closed.clone().into(),
        ])
    };
    assert_eq!(told(CallBackResult::NotReached).call_back_rate, Rate::of(0, 1));
    let reached = told(CallBackResult::Fair);
    assert_eq!(reached.call_back_rate, Rate::of(1, 1));
    assert_eq!(reached.call_back_satisfied_rate, Rate::of(1, 1));
    assert_eq!(reached.rectification_in_time_rate, Rate::of(1, 1));
}

#[test]
fn services_are_immature_while_their_window_runs() {
    let facts = history(11, 60);
    let state = fold(&facts);
    let last = facts.iter().filter_map(|fact| match &fact.event {
        Event::Case(CaseEvent::CaseFinished(finished)) => Some(finished.closing.closed_on),
        _ => None,
    });
    let last = last.max().unwrap();
    let on = |today: NaiveDate| state.answer(&everything(), &REFERENCE, today).total.immature.unwrap();
    assert!(0 < on(last));
    assert_eq!(on(last + chrono::Days::new(30)), 0);
}

#[test]
fn there_are_no_rates_over_services_by_channel() {
    let query = SatisfactionQuery { group_by: vec![SatisfactionDimension::Channel], ..everything() };
    let answer = ask(&fold(&history(2, 60)), &query);
    assert!(answer.rows.iter().all(|row| row.services.is_none() && row.active_rate.is_none()));
}

#[test]
fn a_case_is_served_and_rated_where_its_materials_were_registered() {
    let facts = history(1, 40);
    let finished = facts.iter().find_map(|fact| match &fact.event {
        Event::Case(CaseEvent::CaseFinished(finished)) => Some(finished.clone()),
        _ => None,
    });
    let mut finished = finished.unwrap();
    finished.closing.received_at = Some(id("361023101"));
    let rated = rated(case_id(1), Level::Satisfied, RatingOrigin::Active, service_of(&finished.closing));
    let mut story = Story::default();
    let clerk = actor("c-1", Role::Clerk, "361023101");
    story.tell(noon(day("2022-06-01")), Subject::Case(case_id(1)), &clerk, CaseEvent::from(finished));
    story.tell(noon(day("2022-06-02")), Subject::Rating(id("case-1-finish")), &clerk, RatingEvent::from(rated));
    let query = SatisfactionQuery { group_by: vec![SatisfactionDimension::Org], ..everything() };
    let rows = ask(&fold(&story.facts()), &query).rows;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].active_rate, Some(Rate::of(1, 1)));
}

#[test]
fn a_case_is_one_service_though_it_may_be_rated_at_two_stages() {
    let state = fold(&history(2, 80));
    let total = ask(&state, &everything()).total;
    let by_stage = SatisfactionQuery { group_by: vec![SatisfactionDimension::Stage], ..everything() };
    let answer = ask(&state, &by_stage);
    let of = |stage: &str| {
        let key = BTreeMap::from([(SatisfactionDimension::Stage, Some(stage.to_owned()))]);
        answer.rows.iter().find(|row| row.key == key).unwrap()
    };
    assert!(0 < of("accept").services.unwrap());
    assert_eq!(total.services, of("finish").services);
    assert_eq!(total, answer.total);
}

#[test]
fn a_corrected_day_of_acceptance_moves_the_service_before_and_after_the_ending() {
    let facts = history(2, 80);
    let by_stage = |from: &str, to: &str| SatisfactionQuery {
        period: Period { from: day(from), to: day(to) },
        group_by: vec![SatisfactionDimension::Stage],
        ..everything()
    };
    let accept = BTreeMap::from([(SatisfactionDimension::Stage, Some("accept".to_owned()))]);
    let count = |state: &Satisfaction, query: &SatisfactionQuery| {
        let rows = ask(state, query).rows;
        rows.iter().find(|row| row.key == accept).map_or(0, |row| row.services.unwrap())
    };
    let (before, long_ago) = (by_stage("2022-01-01", "2023-01-01"), by_stage("2020-01-01", "2021-01-01"));
    let mut state = fold(&facts);
    let was = count(&state, &before);
    let mut moved = 0;
    for number in 0..80 {
        let of_case = |fact: &&Fact| fact.subject == Subject::Case(case_id(number));
        let accepted = facts.iter().filter(of_case).rev().find_map(|fact| match &fact.event {
            Event::Case(CaseEvent::CaseAccepted(accepted)) => Some(accepted.clone()),
            _ => None,
        });
        let Some(accepted) = accepted else { continue };
        let ending = facts.iter().filter(of_case).find_map(|fact| match &fact.event {
            Event::Case(CaseEvent::CaseFinished(CaseFinished { closing, .. })) => Some(closing.clone()),
            _ => None,
        });
        let new = day("2020-06-01");
        let mut fact = facts[0].clone();
        fact.subject = Subject::Case(case_id(number));
        let closing = ending.map(|old| {
            let new = Closing { accepted_on: Some(new), ..old.clone() };
            Box::new(domain::event::case::ClosingChange { old, new })
        });
        fact.event = CaseEvent::from(RecordCorrected {
            correction: 2,
            corrects: fact.id,
            effective_on: accepted.effective_on,
            change: Correction::AcceptedOn { old: accepted.effective_on, new },
            clocks: None,
            closing,
        })
        .into();
        state.apply(&fact);
        moved += 1;
        if moved == 30 {
            break;
        }
    }
    assert_eq!(count(&state, &long_ago) + count(&state, &before), was);
    assert!(0 < count(&state, &long_ago));
    // What was taken out of a cell that never held it would show as less than nothing.
    let cells = SatisfactionQuery {
        group_by: vec![
            SatisfactionDimension::Stage,
            SatisfactionDimension::Window,
            SatisfactionDimension::Staff,
            SatisfactionDimension::Item,
            SatisfactionDimension::Month,
        ],
        ..before
    };
    assert!(ask(&state, &cells).rows.iter().all(|row| row.services.is_some_and(|services| 0 <= services)));
}

#[test]
fn every_visit_counts_once_and_one_that_leads_to_a_case_leaves_the_count_to_it() {
    let mut story = Story::default();
    let (hall, clerk) = (id("361023100"), actor("c-1", Role::Clerk, "361023100"));
    let today = domain::hall_day::HallDay { day: day("2022-03-10"), hall };
    let at = noon(today.day);
    let visit = Visit { item: None, window: id("w-1"), staff: id("c-1"), ended_on: today.day };
    let finished = |ticket: u16, visit: Option<&Visit>| ServiceFinished {
        ticket,
        window: id("w-1"),
        staff: id("c-1"),
        finished_at: at,
        serve_seconds: 600,
        service_time: domain::event::ticket::ServiceTime::Ordinary,
        forgotten: false,
        visit: visit.cloned(),
    };
    let linked = |ticket: u16, visit: Option<&Visit>| TicketLinked { ticket, case: case_id(1), visit: visit.cloned() };
    let tell = |story: &mut Story, event: TicketEvent| story.tell(at, Subject::Hall(today.clone()), &clerk, event);
    tell(&mut story, finished(1, Some(&visit)).into());
    tell(&mut story, finished(2, Some(&visit)).into());
    tell(&mut story, linked(3, None).into());
    tell(&mut story, finished(3, None).into());
    let service = RatedService {
        source: id("own"),
        item: None,
        organisation: id("361023100"),
        window: Some(id("w-1")),
        staff: Some(id("c-1")),
        ended_on: today.day,
        visit: true,
    };
    let mut opinion = rated(case_id(1), Level::Satisfied, RatingOrigin::Active, service);
    opinion.about = RatingSubject::Ticket("20220310-0001-361023100".to_owned());
    let resident = actor("p-1", Role::Resident, "361000");
    story.tell(at, Subject::Rating(id("r-1")), &resident, RatingEvent::Rated(opinion));
    let facts = story.facts();
    let mut state = fold(&facts);
    let total = ask(&state, &everything()).total;
    assert_eq!((total.services, total.active_rate), (Some(2), Some(Rate::of(1, 2))));

    let Some(of_hall) = facts.iter().find(|fact| matches!(fact.subject, Subject::Hall(_))) else { panic!("no visits") };
    state.apply(&Fact { event: TicketEvent::from(linked(2, Some(&visit))).into(), ..of_hall.clone() });
    let total = ask(&state, &everything()).total;
    assert_eq!((total.services, total.active_rate), (Some(1), Some(Rate::of(1, 1))));
}

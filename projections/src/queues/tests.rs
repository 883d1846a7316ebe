//! A queue shows exactly the duties of the cases in it, page after page, however it was folded.

use super::*;
use crate::lights::LightsQuery;
use crate::testing::{Dice, Story, actor, case_id, day, history, id, noon, rated, sealed};
use domain::actor::Role;
use domain::builtin;
use domain::case::duties;
use domain::clock::Light;
use domain::event::case::{Correction, CorrectionRejected, CorrectionRequested};
use domain::event::rating::{BadRatingOpened, OrderClosed, RatedService, RatingOrigin, Satisfaction};
use domain::ids::EventId;
use domain::reference::Reference;
use proptest::prelude::*;
use std::sync::LazyLock;

static REFERENCE: LazyLock<Reference> = LazyLock::new(builtin::reference);

fn fold(facts: &[Fact]) -> Queues {
    let mut state = Queues::default();
    facts.iter().for_each(|fact| state.apply(fact));
    state
}

fn whole(state: &Queues, query: &QueueQuery, today: &str) -> Vec<QueueRow> {
    state.page(query, None, usize::MAX, &REFERENCE, day(today)).rows
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn the_rows_are_the_duties_of_the_cases(seed in 1_u64..) {
        let facts = history(seed, 40);
        let state = fold(&facts);
        let mut expected = Vec::new();
        // A case that is done with shows only the corrections asked for since; another test is about those.
        for number in (0..40).filter(|number| state.case(case_id(*number)).is_some()) {
            let mut file = CaseFile::default();
            facts.iter().filter(|fact| fact.subject == Subject::Case(case_id(number))).for_each(|fact| file.apply(fact));
            for duty in duties(&file.case) {
                let light = duty.due.light(day("2022-04-01"));
                expected.push((light, case_id(number), QueueKind::from(duty.kind), duty.organisation.to_string()));
            }
        }
        let rows = whole(&state, &QueueQuery::default(), "2022-04-01");
        let mut found: Vec<_> = rows
            .iter()
            .filter(|row| row.rating.is_none() && state.case(row.case.unwrap()).is_some())
            .map(|row| (row.light, row.case.unwrap(), row.kind, row.organisation.to_string()))
            .collect();
        found.sort();
        expected.sort();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn pages_follow_one_another_without_gap_or_repetition(seed in 1_u64.., limit in 1_usize..9) {
        let state = fold(&history(seed, 40));
        let query = QueueQuery { organisation: Some(id("361023")), ..QueueQuery::default() };
        let mut rows = Vec::new();
        let mut after = None;
        loop {
            let page = state.page(&query, after.as_ref(), limit, &REFERENCE, day("2022-04-01"));
            rows.extend(page.rows);
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        prop_assert_eq!(&rows, &whole(&state, &query, "2022-04-01"));
        let order = |row: &QueueRow| (row.light, row.due.is_none(), row.due);
        prop_assert!(rows.windows(2).all(|pair| order(&pair[0]) <= order(&pair[1])));
    }

    #[test]
    fn a_tally_counts_what_the_lists_list(seed in 1_u64..) {
        let state = fold(&history(seed, 40));
        let today = day("2022-04-01");
        let organisation = Some(id("361023"));
        let (of_work, of_lights) = (
            QueueQuery { organisation: organisation.clone(), ..QueueQuery::default() },
            LightsQuery { organisation: organisation.clone(), light: None },
        );
        let page = state.page(&of_work, None, usize::MAX, &REFERENCE, today);
        let lights = state.lights(&of_lights, None, usize::MAX, &REFERENCE, today);
        let all = state.tally(&TallyQuery { organisation: organisation.clone(), item: None }, &REFERENCE, today);
        prop_assert_eq!((&all.queues, &all.lights), (&page.counts, &lights.counts));
        prop_assert_eq!(all.open, all.lights.values().sum::<u64>());

        let item = page.rows.first().and_then(|row| row.item.clone());
        let of_item = state.tally(&TallyQuery { organisation, item: item.clone() }, &REFERENCE, today);
        let counted: u64 = of_item.queues.values().flat_map(std::collections::BTreeMap::values).sum();
        let listed = page.rows.iter().filter(|row| item.is_none() || row.item == item).count();
        prop_assert_eq!(counted, listed as u64);
    }

    #[test]
    fn looking_on_the_way_changes_nothing(seed in 1_u64..) {
        let facts = history(seed, 30);
        let mut looked_at = Queues::default();
        for (count, fact) in facts.iter().enumerate() {
            looked_at.apply(fact);
            if count % 7 == 0 {
                whole(&looked_at, &QueueQuery::default(), "2022-04-01");
            }
        }
        let fresh = fold(&facts);
        prop_assert_eq!(&looked_at, &fresh);
        let all = QueueQuery::default();
        prop_assert_eq!(whole(&looked_at, &all, "2022-05-01"), whole(&fresh, &all, "2022-05-01"));
        let lights = |state: &Queues| {
            state.lights(&LightsQuery::default(), None, usize::MAX, &REFERENCE, day("2022-05-01"))
        };
        prop_assert_eq!(lights(&looked_at), lights(&fresh));
    }

    #[test]
    fn the_rows_of_a_key_are_its_rows_in_the_queue(seed in 1_u64..) {
        let facts = history(seed, 30);
        let state = fold(&facts);
        let all = whole(&state, &QueueQuery::default(), "2022-04-01");
        for key in facts.iter().filter_map(QueueKey::of) {
            let mut mine: Vec<QueueRow> = all
                .iter()
                .filter(|row| match &key {
                    QueueKey::Case(case) => row.case == Some(*case) && row.rating.is_none(),
                    QueueKey::Rating(rating) => row.rating.as_ref() == Some(rating),
                })
                .cloned()
                .collect();
            let mut found = state.rows_of(&key, &REFERENCE, day("2022-04-01"));
            let order = |row: &QueueRow| (row.light, row.kind, row.which, row.organisation.clone());
            mine.sort_by_key(order);
            found.sort_by_key(order);
            prop_assert_eq!(found, mine);
        }
    }

    #[test]
    fn any_order_of_facts_folds_and_comes_back_from_json(seed in 1_u64..) {
        let mut facts = history(seed, 25);
        let mut dice = Dice::new(seed);
        for place in (1..facts.len()).rev() {
            facts.swap(place, dice.below(place as u64 + 1) as usize);
        }
        let state = fold(&facts);
        whole(&state, &QueueQuery::default(), "2022-04-01");
        let json = serde_json::to_vec(&state).unwrap();
        let back = serde_json::from_slice::<Queues>(&json).unwrap();
        prop_assert_eq!(&back, &state);
        let all = QueueQuery::default();
        prop_assert_eq!(whole(&back, &all, "2022-04-01"), whole(&state, &all, "2022-04-01"));
    }

    #[test]
    fn lights_count_every_open_case_once(seed in 1_u64..) {
        let state = fold(&history(seed, 40));
        let page = state.lights(&LightsQuery::default(), None, usize::MAX, &REFERENCE, day("2022-05-01"));
        let open = state.cases().iter().filter(|(_, file)| file.case.phase.is_open()).count() as u64;
        prop_assert_eq!(page.counts.values().sum::<u64>(), open);
        for row in page.rows {
            let file = state.case(row.case).unwrap();
            prop_assert_eq!(row.light, file.light(day("2022-05-01")));
            prop_assert!(row.light != Light::Green);
        }
    }
}

#[test]
fn a_queue_can_be_narrowed_and_its_counts_stay() {
    let state = fold(&history(4, 60));
    let all = state.page(&QueueQuery::default(), None, 500, &REFERENCE, day("2022-05-01"));
    let kind = all.rows[0].kind;
    let query = QueueQuery { kind: Some(kind), light: Some(all.rows[0].light), ..QueueQuery::default() };
    let narrowed = state.page(&query, None, 500, &REFERENCE, day("2022-05-01"));
    assert_eq!(narrowed.counts, all.counts);
    assert_eq!(narrowed.rows.len() as u64, all.counts[&kind][&all.rows[0].light]);
    let held = all.rows.iter().find_map(|row| row.holder.clone()).unwrap();
    let mine = QueueQuery { mine: Some(held.clone()), ..QueueQuery::default() };
    let rows = whole(&state, &mine, "2022-05-01");
    assert!(!rows.is_empty() && rows.iter().all(|row| row.holder.as_ref() == Some(&held)));
}

#[test]
fn a_light_changes_by_time_alone_on_the_day_it_says() {
    let state = fold(&history(4, 60));
    let query = QueueQuery::default();
    let today = day("2022-02-01");
    let lights = |today| {
        let page = state.page(&query, None, usize::MAX, &REFERENCE, today);
        page.counts
    };
    let next = state.lights_change_after(&query, &REFERENCE, today).unwrap();
    let eve = next.pred_opt().unwrap();
    assert_eq!(lights(eve), lights(today));
    assert_ne!(lights(next), lights(eve));
}

#[test]
fn a_correction_asked_for_long_after_closing_waits_for_its_second_person() {
    let mut story = Story::default();
    let clerk = actor("c-1", Role::Clerk, "361023100");
    let case = Subject::Case(case_id(9));
    let requested = CorrectionRequested {
        correction: 1,
        corrects: EventId(ulid::Ulid::from(1)),
        change: Correction::Region { old: None, new: id("361023100") },
        reason: sealed("r"),
    };
    // The case's own beginning is not told: this is what a fold sees that let go of the case when it was done with.
    story.tell(noon(day("2021-01-01")), case.clone(), &clerk, CaseEvent::from(legacy_stub()));
    story.tell(noon(day("2022-05-01")), case.clone(), &clerk, CaseEvent::from(requested));
    let facts = story.facts();
    let waiting = whole(&fold(&facts), &QueueQuery::default(), "2022-05-02");
    assert_eq!(waiting.len(), 1);
    assert_eq!((waiting[0].kind, waiting[0].which, waiting[0].version), (QueueKind::Approval, Some(1), 2));

    let mut answered = fold(&facts);
    let mut last = facts[1].clone();
    last.event = CaseEvent::from(CorrectionRejected { correction: 1, reason: sealed("no") }).into();
    answered.apply(&last);
    assert_eq!(whole(&answered, &QueueQuery::default(), "2022-05-02"), []);
}

fn legacy_stub() -> domain::event::case::LegacyCaseOpened {
    domain::event::case::LegacyCaseOpened {
        source: id("old"),
        external_id: "9".to_owned(),
        attributes: BTreeMap::new(),
    }
}

#[test]
fn a_bad_rating_is_work_until_its_order_is_closed() {
    let service = RatedService {
        source: id("own"),
        item: Some(id("FZ-001")),
        organisation: id("361023100"),
        window: None,
        staff: Some(id("c-1")),
        ended_on: day("2022-05-01"),
        visit: false,
    };
    let rating = Subject::Rating(id("case-1-finish"));
    let clerk = actor("c-1", Role::Clerk, "361023100");
    let bad = rated(case_id(1), Satisfaction::Dissatisfied, RatingOrigin::Active, service.clone());
    let opened = BadRatingOpened { service: service.clone(), real_name: true, assign_due: day("2022-05-04") };
    let mut story = Story::default();
    story.tell(noon(day("2022-05-01")), rating.clone(), &clerk, RatingEvent::from(bad));
    story.tell(noon(day("2022-05-01")), rating.clone(), &clerk, RatingEvent::from(opened));
    let mut state = fold(&story.facts());
    let rows = whole(&state, &QueueQuery::default(), "2022-05-05");
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (rows[0].kind, rows[0].light, rows[0].due),
        (QueueKind::RatingOrder, Light::Red, Some(day("2022-05-04")))
    );
    assert_eq!(rows[0].case, Some(case_id(1)));

    let mut story = Story::default();
    story.tell(noon(day("2022-05-06")), rating, &clerk, RatingEvent::from(OrderClosed { reached: true, service }));
    story.facts().iter().for_each(|fact| state.apply(fact));
    assert_eq!(whole(&state, &QueueQuery::default(), "2022-05-07"), []);
    assert_eq!(state.orders().count(), 0);
}

//! Figures of supplements beside a plain count over the notices.

use super::*;
use crate::testing::{Story, actor, case_id, day, history, id, noon};
use domain::actor::Role;
use domain::builtin;
use domain::event::case::{Dimensions, Missing, NoticeStage, TrustLevel};
use domain::ids::CertificateId;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::sync::LazyLock;

static REFERENCE: LazyLock<Reference> = LazyLock::new(builtin::reference);

fn fold(facts: &[Fact]) -> Supplements {
    let mut state = Supplements::default();
    facts.iter().for_each(|fact| state.apply(fact));
    state
}

fn query(group_by: Vec<SupplementDimension>) -> SupplementsQuery {
    let period = Period { from: day("2022-01-01"), to: day("2023-01-01") };
    SupplementsQuery { period, group_by, item: None, organisation: None, source: Source::Own, top: None }
}

fn ask(state: &Supplements, group_by: Vec<SupplementDimension>) -> SupplementsAnswer {
    state.answer(&query(group_by), &REFERENCE)
}

fn missing(codes: &[&str]) -> Vec<Missing> {
    codes.iter().map(|code| Missing { code: id(code), defect: None }).collect()
}

/// A history in which every notice asks for other materials, and some cases get a second one.
fn many_notices(seed: u64) -> Vec<Fact> {
    let mut facts = Vec::new();
    for mut fact in history(seed, 60) {
        if let Event::Case(CaseEvent::OneTimeNoticeIssued(notice)) = &mut fact.event {
            let some: &[&str] = match fact.position % 4 {
                0 => &["HK"],
                1 => &["HK", "INC"],
                2 => &["ID", "INC", "BANK"],
                _ => &["ID"],
            };
            notice.missing = missing(some);
            if fact.position % 3 == 0 {
                let mut second = fact.clone();
                if let Event::Case(CaseEvent::OneTimeNoticeIssued(notice)) = &mut second.event {
                    notice.missing = missing(&["HK", "PHOTO"]);
                }
                facts.extend([fact, second]);
                continue;
            }
        }
        facts.push(fact);
    }
    facts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn cases_and_times_equal_a_count_over_the_notices(seed in 1_u64..) {
        let facts = many_notices(seed);
        let mut counted: BTreeMap<String, (BTreeSet<&Subject>, i64)> = BTreeMap::new();
        let (mut cases, mut notices) = (BTreeSet::new(), 0);
        for fact in &facts {
            let Event::Case(CaseEvent::OneTimeNoticeIssued(notice)) = &fact.event else { continue };
            cases.insert(&fact.subject);
            notices += 1;
            for missing in &notice.missing {
                let (cases, times) = counted.entry(missing.code.to_string()).or_default();
                cases.insert(&fact.subject);
                *times += 1;
            }
        }
        let answer = ask(&fold(&facts), vec![SupplementDimension::Material]);
        prop_assert_eq!((answer.total.cases, answer.total.times), (cases.len() as i64, notices));
        let mut notices_of: BTreeMap<&Subject, i64> = BTreeMap::new();
        for fact in facts.iter().filter(|fact| matches!(fact.event, Event::Case(CaseEvent::OneTimeNoticeIssued(_)))) {
            *notices_of.entry(&fact.subject).or_default() += 1;
        }
        let once = notices_of.values().filter(|notices| **notices == 1).count() as i64;
        prop_assert_eq!(answer.total.asked_once, Some(Rate::of(once, cases.len() as i64)));
        prop_assert_eq!(answer.rows.len(), counted.len());
        for row in &answer.rows {
            let (cases, times) = &counted[row.key[&SupplementDimension::Material].as_ref().unwrap()];
            prop_assert_eq!((row.cases, row.times), (cases.len() as i64, *times));
            prop_assert_eq!(row.share, Some(Rate::of(*times, notices)));
        }
        prop_assert!(answer.rows.is_sorted_by_key(|row| (-row.cases, -row.times)));
    }

    #[test]
    fn the_groups_add_up_to_the_total(seed in 1_u64..) {
        use SupplementDimension::{Item, Material, Month, Org};
        let state = fold(&many_notices(seed));
        let by_material = ask(&state, vec![Material]);
        for group_by in [vec![Org], vec![Item], vec![Month], vec![Item, Org, Month]] {
            let answer = ask(&state, group_by.clone());
            let sum = |row: fn(&SupplementsRow) -> i64| answer.rows.iter().map(row).sum::<i64>();
            prop_assert_eq!((sum(|row| row.cases), sum(|row| row.times)), (answer.total.cases, answer.total.times));
            let once = sum(|row| row.asked_once.unwrap().numerator);
            prop_assert_eq!(Some(once), answer.total.asked_once.map(|rate| rate.numerator));
            let finer = ask(&state, [vec![Material], group_by].concat());
            for row in &by_material.rows {
                let same = finer.rows.iter().filter(|finer| finer.key[&Material] == row.key[&Material]);
                let sums = same.fold((0, 0), |(cases, times), row| (cases + row.cases, times + row.times));
                prop_assert_eq!(sums, (row.cases, row.times));
            }
            for row in &finer.rows {
                prop_assert!(row.share.is_some_and(|share| share.numerator <= share.denominator), "{:?}", row);
            }
        }
    }

    #[test]
    fn the_state_comes_back_from_json(seed in 1_u64..) {
        let state = fold(&many_notices(seed));
        let json = serde_json::to_vec(&state).unwrap();
        prop_assert_eq!(serde_json::from_slice::<Supplements>(&json).unwrap(), state);
    }
}

fn notice(codes: &[&str]) -> CaseEvent {
    CaseEvent::from(OneTimeNoticeIssued {
        in_library: vec![],
        printed: None,
        number: id("n-1"),
        stage: NoticeStage::Intake,
        missing: missing(codes),
        method: "sms".to_owned(),
        supplement_by: None,
        pauses_promised: false,
        anomalies: vec![],
    })
}

fn certificate(code: &str) -> CaseEvent {
    CaseEvent::from(MaterialReplacedByCertificate {
        code: id(code),
        certificate: CertificateId(case_id(7).0),
        certificate_version: 1,
        kind: id("HK"),
        subject: id("p-1"),
        issuer: "公安局".into(),
        trust: TrustLevel::A,
        valid_until: None,
        verified_by: Some(id("clerk")),
        snapshot_sha256: "hash".into(),
        dimensions: Dimensions {
            source: id("own"),
            item: id("FZ-005"),
            item_version: 1,
            authority: domain::event::item::Authority::Empowered,
            intake: id("361023100"),
            handling: None,
            deciding: id("361023100"),
            delivering: id("361023100"),
            clerk: None,
        },
    })
}

/// Two notices of one case a month apart, the second asking for 户口簿 once more; then a certificate stands for it, twice.
fn asked_twice() -> Supplements {
    let clerk = actor("clerk", Role::Clerk, "361023100");
    let submitted = history(1, 1).swap_remove(0).event;
    let mut story = Story::default();
    let mut tell = |on: &str, event: Event| story.tell(noon(day(on)), Subject::Case(case_id(1)), &clerk, event);
    tell("2022-03-01", submitted);
    // Before anything was asked for, a certificate spares nobody a supplement.
    tell("2022-03-02", certificate("HK").into());
    tell("2022-03-03", notice(&["HK", "BANK"]).into());
    tell("2022-04-04", notice(&["HK", "HK"]).into());
    tell("2022-04-05", certificate("HK").into());
    tell("2022-04-06", certificate("HK").into());
    fold(&story.facts())
}

#[test]
fn a_case_counts_once_for_a_material_however_often_it_is_asked_for() {
    let answer = ask(&asked_twice(), vec![SupplementDimension::Material]);
    let told: Vec<_> = answer
        .rows
        .iter()
        .map(|row| (row.key[&SupplementDimension::Material].as_deref().unwrap(), row.cases, row.times))
        .collect();
    assert_eq!(told, [("HK", 1, 2), ("BANK", 1, 1)]);
    assert_eq!((answer.total.cases, answer.total.times), (1, 2));
    let months = ask(&asked_twice(), vec![SupplementDimension::Month]);
    let told: Vec<_> = months.rows.iter().map(|row| (row.cases, row.times)).collect();
    assert_eq!(told, [(1, 1), (0, 1)], "the case counts in the month in which it was first asked");
}

#[test]
fn what_a_certificate_then_stood_for_is_told_with_the_kinds_that_may() {
    let answer = ask(&asked_twice(), vec![SupplementDimension::Material]);
    let [book, bank] = answer.rows.as_slice() else { panic!("two materials: {answer:?}") };
    assert_eq!((book.spared_by_certificate, bank.spared_by_certificate, answer.total.spared_by_certificate), (1, 0, 1));
    assert_eq!(book.material_zh.as_deref(), Some("居民户口簿"));
    assert_eq!(book.replaceable_by, Some(vec![id("HK")]));
}

#[test]
fn no_more_rows_than_asked_for_and_the_total_is_of_all() {
    let first = SupplementsQuery { top: Some(1), ..query(vec![SupplementDimension::Material]) };
    let answer = asked_twice().answer(&first, &REFERENCE);
    assert_eq!((answer.rows.len(), answer.total.times), (1, 2));
    assert_eq!(answer.rows[0].key[&SupplementDimension::Material].as_deref(), Some("HK"));
}

/// Three cases that one hall asked for something in March; another hall asked one of them twice more, in April.
fn asked_again_elsewhere() -> Supplements {
    let (here, there) = (actor("a", Role::Clerk, "361023100"), actor("b", Role::Clerk, "361002001"));
    let submitted = history(1, 1).swap_remove(0).event;
    let mut story = Story::default();
    for number in 1..=3 {
        let case = Subject::Case(case_id(number));
        story.tell(noon(day("2022-03-01")), case.clone(), &here, submitted.clone());
        story.tell(noon(day("2022-03-03")), case, &here, notice(&["HK"]));
    }
    for on in ["2022-04-04", "2022-04-11"] {
        story.tell(noon(day(on)), Subject::Case(case_id(2)), &there, notice(&["BANK"]));
    }
    fold(&story.facts())
}

#[test]
fn a_second_notice_counts_once_and_against_whoever_gave_the_first() {
    let state = asked_again_elsewhere();
    let of = |organisation: &str| {
        let query = SupplementsQuery { organisation: Some(id(organisation)), ..query(vec![]) };
        let total = state.answer(&query, &REFERENCE).total;
        (total.cases, total.times, total.asked_once.unwrap())
    };
    assert_eq!(of("361023100"), (3, 3, Rate::of(2, 3)));
    assert_eq!(of("361002001"), (0, 2, Rate::of(0, 0)), "whoever had to ask again is not blamed for it");
    let march = Period { from: day("2022-03-01"), to: day("2022-04-01") };
    let total = state.answer(&SupplementsQuery { period: march, ..query(vec![]) }, &REFERENCE).total;
    assert_eq!(total.asked_once, Some(Rate::of(2, 3)), "the case counts on the day of its first notice");
    let by_material = ask(&state, vec![SupplementDimension::Material]);
    assert!(by_material.rows.iter().all(|row| row.asked_once.is_none()), "a notice is more than one material");
}

#[test]
fn what_lay_in_the_library_when_it_was_asked_for_is_told_once_in_its_case() {
    let clerk = actor("clerk", Role::Clerk, "361023100");
    let submitted = history(1, 1).swap_remove(0).event;
    let mut story = Story::default();
    let asks = |codes: &[&str], held: &[&str]| match notice(codes) {
        CaseEvent::OneTimeNoticeIssued(body) => {
            let in_library = held.iter().map(|code| id(code)).collect();
            CaseEvent::from(OneTimeNoticeIssued { in_library, ..body })
        }
        other => other,
    };
    for (number, notices) in [
        (1, vec![asks(&["HK", "BANK"], &["HK"]), asks(&["HK"], &["HK"])]),
        (2, vec![asks(&["HK", "ID"], &["HK", "ID"])]),
        (3, vec![asks(&["HK"], &[])]),
    ] {
        let case = Subject::Case(case_id(number));
        story.tell(noon(day("2022-03-01")), case.clone(), &clerk, submitted.clone());
        for (after, notice) in (3..).zip(notices) {
            story.tell(noon(day("2022-03-01") + chrono::Days::new(after)), case.clone(), &clerk, notice);
        }
    }
    let state = fold(&story.facts());
    let answer = ask(&state, vec![SupplementDimension::Material]);
    let told =
        answer.rows.iter().map(|row| (row.key[&SupplementDimension::Material].as_deref().unwrap(), row.in_library));
    assert_eq!(told.collect::<BTreeMap<_, _>>(), BTreeMap::from([("BANK", 0), ("HK", 2), ("ID", 1)]));
    assert_eq!((answer.total.in_library, ask(&state, vec![]).rows[0].in_library), (3, 3));
}

//! The rate beside a plain count over the events.

use super::*;
use crate::testing::{Story, actor, case_id, day, history, id, noon};
use domain::actor::Role;
use domain::builtin;
use domain::event::case::{RecordCorrected, TrustLevel};
use domain::event::evidence::{DataShareChecked, MaterialReplacedByCertificate};
use domain::fact::Subject;
use domain::ids::CertificateId;
use proptest::prelude::*;
use std::sync::LazyLock;

static REFERENCE: LazyLock<Reference> = LazyLock::new(builtin::reference);

fn fold(facts: &[Fact]) -> CertificateFree {
    let mut state = CertificateFree::default();
    facts.iter().for_each(|fact| state.apply(fact));
    state
}

fn query(group_by: Vec<CertificateFreeDimension>) -> CertificateFreeQuery {
    let period = Period { from: day("2022-01-01"), to: day("2023-01-01") };
    CertificateFreeQuery { period, group_by, item: None, organisation: None, source: Source::Own }
}

/// A history in which every other case was handled without paper.
fn some_without_paper(seed: u64) -> Vec<Fact> {
    let mut facts = history(seed, 60);
    for fact in &mut facts {
        let Subject::Case(case) = fact.subject else { continue };
        let paperless = u128::from(case.0) % 2 == 0;
        match &mut fact.event {
            Event::Case(
                CaseEvent::NotRequiredTold(NotRequiredTold { closing, .. })
                | CaseEvent::IntakeRefused(IntakeRefused { closing, .. })
                | CaseEvent::SupplementLapsed(SupplementLapsed { closing, .. })
                | CaseEvent::CaseFinished(CaseFinished { closing, .. })
                | CaseEvent::CaseWithdrawn(CaseWithdrawn { closing, .. })
                | CaseEvent::CaseReturned(CaseReturned { closing, .. })
                | CaseEvent::CaseAborted(CaseAborted { closing, .. }),
            ) => closing.paperless = paperless,
            Event::Case(CaseEvent::RecordCorrected(RecordCorrected { closing: Some(change), .. })) => {
                (change.old.paperless, change.new.paperless) = (paperless, paperless);
            }
            _ => (),
        }
    }
    facts
}

/// The closing that counts for each case, by the text of its events.
fn closings(facts: &[Fact]) -> Vec<Closing> {
    let mut last: BTreeMap<Subject, Closing> = BTreeMap::new();
    for fact in facts.iter().filter(|fact| matches!(fact.event, Event::Case(_))) {
        let json: serde_json::Value = serde_json::from_slice(&fact.event.encode().unwrap()).unwrap();
        let closing = if json["closing"]["new"].is_object() { &json["closing"]["new"] } else { &json["closing"] };
        if closing.is_object() {
            last.insert(fact.subject.clone(), serde_json::from_value(closing.clone()).unwrap());
        }
    }
    last.into_values().filter(|closing| closing.accepted_on.is_some()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_rate_equals_a_count_over_the_cases(seed in 1_u64..) {
        let facts = some_without_paper(seed);
        let total = fold(&facts).answer(&query(vec![]), &REFERENCE).total;
        let period = query(vec![]).period;
        let counted: Vec<_> = closings(&facts).into_iter().filter(|one| period.contains(one.closed_on)).collect();
        let is_free = |closing: &&Closing| {
            let version = REFERENCE.catalogue.version(&closing.item, closing.item_version);
            version.is_some_and(|version| version.definition.certificate_free)
        };
        let free: Vec<_> = counted.iter().filter(is_free).collect();
        prop_assert_eq!(total.paperless_rate.denominator, counted.len() as i64);
        prop_assert_eq!(total.certificate_free_rate.denominator, free.len() as i64);
        prop_assert_eq!(
            total.certificate_free_rate.numerator,
            free.iter().filter(|closing| closing.paperless).count() as i64
        );
    }

    #[test]
    fn the_groups_add_up_to_the_total(seed in 1_u64..) {
        use CertificateFreeDimension::{Item, Month, Org};
        let state = fold(&some_without_paper(seed));
        for group_by in [vec![Org], vec![Item], vec![Month], vec![Org, Item, Month]] {
            let answer = state.answer(&query(group_by), &REFERENCE);
            let sum: i64 = answer.rows.iter().map(|row| row.paperless_rate.denominator).sum();
            prop_assert_eq!(sum, answer.total.paperless_rate.denominator);
        }
    }

    #[test]
    fn the_state_comes_back_from_json(seed in 1_u64..) {
        let state = fold(&some_without_paper(seed));
        let json = serde_json::to_vec(&state).unwrap();
        prop_assert_eq!(serde_json::from_slice::<CertificateFree>(&json).unwrap(), state);
    }
}

fn dimensions() -> Dimensions {
    Dimensions {
        source: id("own"),
        item: id("FZ-005"),
        item_version: 1,
        authority: domain::event::item::Authority::Empowered,
        intake: id("361023100"),
        handling: None,
        deciding: id("361023100"),
        delivering: id("361023100"),
        clerk: None,
    }
}

#[test]
fn papers_spared_are_counted_by_what_stood_for_them() {
    let clerk = actor("clerk", Role::Clerk, "361023100");
    let mut story = Story::default();
    let at = noon(day("2022-03-02"));
    let replaced = MaterialReplacedByCertificate {
        code: id("HK"),
        certificate: CertificateId(case_id(7).0),
        certificate_version: 1,
        kind: id("HK"),
        subject: id("p-1"),
        issuer: "公安局".into(),
        trust: TrustLevel::A,
        valid_until: None,
        verified_by: Some(id("clerk")),
        snapshot_sha256: "hash".into(),
        dimensions: dimensions(),
    };
    story.tell(at, Subject::Case(case_id(1)), &clerk, CaseEvent::from(replaced));
    for outcome in [DataShareOutcome::TimedOut, DataShareOutcome::Confirmed] {
        let checked = DataShareChecked {
            check: 1,
            code: id("BANK"),
            service: id("city-data"),
            dataset: "social-security-card".into(),
            subject: id("p-1"),
            asked_at: at,
            answered_at: None,
            outcome,
            receipt: None,
            answer_sha256: None,
            snapshot: None,
            dimensions: dimensions(),
        };
        story.tell(at, Subject::Case(case_id(1)), &clerk, CaseEvent::from(checked));
    }
    let answer = fold(&story.facts()).answer(&query(vec![CertificateFreeDimension::Item]), &REFERENCE);
    let row = &answer.rows[0];
    assert_eq!((row.key[&CertificateFreeDimension::Item].as_str(), row.by_certificate), ("FZ-005", 1));
    let outcomes: Vec<i64> = DataShareOutcome::ALL.iter().map(|outcome| row.by_data_share[outcome]).collect();
    assert_eq!(outcomes, [1, 0, 0, 0, 1, 0, 0]);
}

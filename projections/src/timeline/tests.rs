//! The story has one entry for every fact, and tells what people ask for.

use super::*;
use crate::testing::{Story, actor, case_id, day, history, noon, sealed};
use chrono::TimeDelta;
use domain::event::CaseEvent;
use domain::event::case::{
    CaseDecided, Correction, DecisionOutcome, NoticeStage, OneTimeNoticeIssued, RecordCorrected,
};
use domain::event::instrument::{InstrumentKind, InstrumentRef};
use domain::event::item::Authority;
use proptest::prelude::*;

fn story_of(facts: &[Fact], case: CaseId) -> Timeline {
    let mut timeline = Timeline::default();
    facts.iter().filter(|fact| fact.subject == Subject::Case(case)).for_each(|fact| timeline.apply(fact));
    timeline
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn every_fact_has_its_entry_in_the_order_of_recording(seed in 1_u64..) {
        let facts = history(seed, 12);
        for number in 0..15 {
            let timeline = story_of(&facts, case_id(number));
            let mine: Vec<&Fact> = facts.iter().filter(|fact| fact.subject == Subject::Case(case_id(number))).collect();
            prop_assert_eq!(timeline.entries.len(), mine.len());
            for (entry, fact) in timeline.entries.iter().zip(mine) {
                prop_assert_eq!((entry.position, entry.version), (fact.position, fact.version));
                prop_assert_eq!(entry.kind.as_str(), fact.event.schema().name);
                prop_assert!(!entry.label_zh.is_empty() && !entry.label_en.is_empty());
                let days = (day_of(fact.recorded_at) - day_of(fact.occurred_at)).num_days();
                prop_assert_eq!(entry.recorded_late, 0 < days);
            }
            let json = serde_json::to_vec(&timeline).unwrap();
            prop_assert_eq!(serde_json::from_slice::<Timeline>(&json).unwrap(), timeline);
        }
    }
}

fn told(events: Vec<CaseEvent>) -> Timeline {
    let mut story = Story::default();
    let handler = actor("h-1", Role::Handler, "361023100");
    for (minute, event) in (0..).zip(events) {
        let at = noon(day("2022-03-01")) + TimeDelta::minutes(minute);
        story.tell(at, Subject::Case(case_id(1)), &handler, event);
    }
    story_of(&story.facts(), case_id(1))
}

#[test]
fn a_decision_says_in_whose_name_and_stops_the_legal_clock() {
    let decided = CaseDecided {
        printed: None,
        outcome: DecisionOutcome::Denied,
        number: "d-1".parse().unwrap(),
        organisation: "361023100".parse().unwrap(),
        in_name_of: "361023-mz".parse().unwrap(),
        authority: Authority::Entrusted,
        instrument: Some(InstrumentRef {
            instrument: "WT-1".parse().unwrap(),
            kind: InstrumentKind::Entrustment,
            number: "委〔2021〕1号".parse().unwrap(),
        }),
        reason: Some(sealed("why")),
        remedy: Some("复议".to_owned()),
        stops_promise: false,
        yields_result: false,
        delivery_due: None,
        leg: None,
        anomalies: vec![Anomaly::SamePerson],
    };
    let timeline = told(vec![decided.into()]);
    let entry = &timeline.entries[0];
    assert_eq!(entry.in_name_of.as_ref().map(OrganisationId::as_str), Some("361023-mz"));
    let documents: Vec<&str> = entry.documents.iter().map(|document| document.name_zh.as_str()).collect();
    assert_eq!(documents, ["决定书", "委托书"]);
    assert_eq!(entry.clock.as_ref().map(|clock| clock.effect), Some(ClockChange::LegalStopped));
    assert_eq!(entry.anomalies, [Anomaly::SamePerson]);
    let names: Vec<&str> = entry.sealed.iter().map(|text| text.name.as_str()).collect();
    assert_eq!(names, ["reason"]);
    assert!(entry.details.contains(&Detail { name: "outcome".to_owned(), value: "denied".to_owned() }));
}

#[test]
fn a_corrected_entry_points_to_its_correction() {
    let notice = OneTimeNoticeIssued {
        in_library: vec![],
        printed: None,
        number: "n-1".parse().unwrap(),
        stage: NoticeStage::Intake,
        missing: vec![],
        method: "sms".to_owned(),
        supplement_by: None,
        pauses_promised: false,
        anomalies: vec![],
    };
    let corrected = |corrects| RecordCorrected {
        correction: 1,
        corrects,
        effective_on: day("2022-03-01"),
        change: Correction::Text { name: "method".to_owned(), old: sealed("sms"), new: sealed("hand") },
        clocks: None,
        closing: None,
    };
    let first = told(vec![notice.clone().into()]).entries[0].event;
    let timeline = told(vec![notice.into(), corrected(first).into()]);
    assert_eq!(timeline.entries[0].corrected_by, Some(2));
    assert_eq!(timeline.entries[1].corrected_by, None);
}

#[test]
fn a_legacy_activity_is_told_in_its_own_words_at_its_own_time() {
    let timeline = story_of(&history(1, 5), case_id(5));
    let activity = &timeline.entries[1];
    assert_eq!((activity.label_zh.as_str(), activity.kind.as_str()), ("01_HOOFD_010", "legacy-activity-recorded"));
    assert!(activity.recorded_late);
    assert!(timeline.entries[0].details.contains(&Detail { name: "responsible".to_owned(), value: "560".to_owned() }));
}

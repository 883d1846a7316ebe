use super::story::*;
use crate::case::{CaseCommand, Rejection};
use crate::due::due;
use crate::event::CaseEvent;
use crate::event::case::*;

const ALL: &[&str] = &["FORM", "ID", "HK", "SITE"];

fn granted() -> CaseCommand {
    decide(DecisionOutcome::Granted)
}

fn answer() -> CaseCommand {
    CaseCommand::AnswerWarning { answer: sealed("tomorrow") }
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

fn paused(from: &str, to: &str) -> Story {
    let survey = CaseCommand::RequestSpecialProcedure {
        kind: "实地踏勘".into(),
        reason: sealed("look"),
        limit: None,
        notice: Some(document("T-1")),
    };
    let story = Story::licence_in_review("2026-03-02 09:00").on(from).then(&handler(), survey);
    let story = story.then(&chief(), CaseCommand::ApproveSpecialProcedure { procedure: 1 }).on(to);
    story.then(&handler(), CaseCommand::CloseSpecialProcedure { procedure: 1, result: sealed("seen") })
}

#[test]
fn a_case_that_the_law_accepted_is_marked_so() {
    let story = Story::received(LICENCE, ALL, "2026-03-02 09:00").on("2026-03-10 00:00");
    tick(story).marks(Anomaly::DeemedAcceptance);
}

#[test]
fn receipt_and_acceptance_after_the_days_of_a_notice_are_marked() {
    let submitted = Story::submitted(LICENCE, ALL, "2026-03-02 09:00");
    submitted.clone().on("2026-03-09 09:00").then(&clerk(), receive()).marks_nothing();
    submitted.on("2026-03-10 09:00").then(&clerk(), receive()).marks(Anomaly::LateReceipt);
    let received = Story::received(DIBAO, &["FORM", "ID", "HK", "AUTH", "INC", "BANK"], "2026-03-02 09:00");
    received.clone().on("2026-03-09 09:00").then(&clerk(), accept()).marks_nothing();
    received.on("2026-03-10 09:00").then(&clerk(), accept()).marks(Anomaly::LateAcceptance);
}

#[test]
fn a_decision_says_whether_both_limits_were_kept() {
    let story = Story::licence_in_review("2026-03-02 09:00");
    story.clone().on("2026-03-23 09:00").then(&chief(), granted()).marks_nothing();
    let promise = story.clone().on("2026-03-24 09:00").then(&chief(), granted()).marks(Anomaly::OverPromise);
    assert!(!promise.case.anomalies.contains(&Anomaly::OverStatute));
    story.on("2026-03-31 09:00").then(&chief(), granted()).marks(Anomaly::OverPromise).marks(Anomaly::OverStatute);
}

#[test]
fn a_case_in_time_only_by_its_pauses_is_marked() {
    // Twenty days end on 30 March; the survey hid five of them.
    let story = paused("2026-03-09 09:00", "2026-03-13 09:00");
    let in_time = story.clone().on("2026-03-30 09:00").then(&chief(), granted());
    assert!(!in_time.case.anomalies.contains(&Anomaly::InTimeByPauses));
    let story = story.on("2026-03-31 09:00").then(&chief(), granted());
    let stops_legal = story.case.procedures[&1].stops_legal;
    assert_eq!(story.case.anomalies.contains(&Anomaly::InTimeByPauses), stops_legal);
    assert_eq!(story.case.anomalies.contains(&Anomaly::OverStatute), !stops_legal);
}

#[test]
fn a_pause_tells_how_many_working_days_it_hid() {
    let story = Story::licence_in_review("2026-03-02 09:00").on("2026-03-06 09:00");
    let survey = CaseCommand::RequestSpecialProcedure {
        kind: "实地踏勘".into(),
        reason: sealed("look"),
        limit: None,
        notice: Some(document("T-1")),
    };
    let story = story.then(&handler(), survey);
    let story = story.then(&chief(), CaseCommand::ApproveSpecialProcedure { procedure: 1 }).on("2026-03-09 09:00");
    let close = CaseCommand::CloseSpecialProcedure { procedure: 1, result: sealed("seen") };
    let closed = story.asked(&handler(), &close).unwrap();
    let [CaseEvent::SpecialProcedureClosed(closed)] = closed.as_slice() else { panic!("{closed:?}") };
    // Friday and Monday.
    assert_eq!(closed.hidden_days, Some(2));
}

#[test]
fn a_granted_case_is_not_finished_without_its_result() {
    let story = Story::licence_in_review("2026-03-02 09:00").then(&chief(), granted());
    story.then(&output(), finish()).marks(Anomaly::FinishedWithoutResult);
}

#[test]
fn a_warning_is_read_and_answered_once() {
    let story = Story::licence_in_review("2026-03-02 09:00").on("2026-03-18 09:00");
    let story = story.refuses(&handler(), CaseCommand::ReadWarning, Rejection::NoWarning);
    let story = tick(story).then(&handler(), CaseCommand::ReadWarning);
    let story = story.changes_nothing(&handler(), CaseCommand::ReadWarning);
    assert_eq!(story.case.warnings_read, story.case.warnings);
    let story = story.then(&handler(), answer()).changes_nothing(&handler(), answer());
    assert_eq!(story.case.warnings_answered, story.case.warnings);
    // The red one is another warning.
    let story = tick(story.on("2026-03-24 09:00")).then(&chief(), answer());
    assert!(1 < story.case.warnings.len());
    assert_eq!(story.case.warnings_read, story.case.warnings);
    story.changes_nothing(&chief(), CaseCommand::ReadWarning);
}

#[test]
fn a_warning_names_who_has_the_work() {
    let story = Story::licence_in_review("2026-03-02 09:00").then(&handler(), CaseCommand::Claim);
    let story = story.on("2026-03-18 09:00");
    let asked = due(&story.case, &story.city, story.moment());
    let raised = story.asked(&system(), &asked[0].command).unwrap();
    let [CaseEvent::WarningRaised(raised)] = raised.as_slice() else { panic!("{raised:?}") };
    assert_eq!((raised.organisation.as_str(), raised.holder.clone()), (HALL, Some(id("handler"))));
}

#[test]
fn the_applicant_does_not_answer_for_the_office() {
    let story = tick(Story::licence_in_review("2026-03-02 09:00").on("2026-03-18 09:00"));
    let refused = story.asked(&resident(), &answer());
    assert!(matches!(refused, Err(Rejection::RoleMayNot(..))), "{refused:?}");
}

#[test]
fn every_kind_of_mark_is_listed_once_with_its_own_name() {
    let names: std::collections::BTreeSet<&str> = Anomaly::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(names.len(), Anomaly::ALL.len());
    for kind in Anomaly::ALL {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        assert!(!kind.label_zh().is_empty() && !kind.label_en().is_empty());
    }
}

use super::story::*;
use crate::actor::Role;
use crate::case::{Action, CaseCommand, DutyKind, Phase, Rejection, duties};
use crate::clock::{DayUnit, Light, Limit};
use crate::event::case::*;

fn request(kind: &str, limit: Option<u16>, notice: Option<&str>) -> CaseCommand {
    CaseCommand::RequestSpecialProcedure {
        kind: kind.into(),
        reason: sealed("needed"),
        limit: limit.map(|days| Limit { days, unit: DayUnit::Working }),
        notice: notice.map(document),
    }
}

fn survey() -> CaseCommand {
    request("实地踏勘", None, Some("T-1"))
}

fn approve(procedure: u16) -> CaseCommand {
    CaseCommand::ApproveSpecialProcedure { procedure }
}

fn close(procedure: u16) -> CaseCommand {
    CaseCommand::CloseSpecialProcedure { procedure, result: sealed("seen") }
}

fn extend(days: u16) -> CaseCommand {
    CaseCommand::RequestExtension { days, reason: sealed("hard") }
}

fn approve_extension() -> CaseCommand {
    CaseCommand::ApproveExtension { notice: document("E-1") }
}

#[test]
fn a_special_procedure_takes_effect_with_its_approval_by_another_person() {
    let story = Story::licence_in_review("2026-03-02 09:00").then(&chief(), survey());
    assert_eq!((story.case.phase, story.case.pauses()), (Phase::InReview, Default::default()));
    let story = story.changes_nothing(&chief(), survey()).refuses(&chief(), approve(1), Rejection::SamePersonActs);
    let story = story.refuses(&head(), approve(2), Rejection::NoSuchProcedure).on("2026-03-04 09:00");
    let story = story.then(&head(), approve(1)).changes_nothing(&head(), approve(1)).marks_nothing();
    assert_eq!(story.case.phase, Phase::Suspended);
    assert_eq!(story.case.pauses().promised, Some(day("2026-03-04")));
    assert_eq!(story.case.pauses().legal, None, "踏勘 is not in Art. 45");
    assert_eq!(story.case.light(day("2026-03-05")), Light::Paused);
}

#[test]
fn nothing_is_decided_while_a_procedure_runs() {
    let story = Story::licence_in_review("2026-03-02 09:00").then(&handler(), survey()).then(&chief(), approve(1));
    let kinds: Vec<DutyKind> = duties(&story.case).into_iter().map(|duty| duty.kind).collect();
    assert_eq!(kinds, [DutyKind::SpecialProcedureEnding]);
    story.refuses(&chief(), decide(DecisionOutcome::Granted), Rejection::WhileSuspended);
}

#[test]
fn closing_a_procedure_counts_the_promise_anew_and_leaves_the_law_alone() {
    let story = Story::licence_in_review("2026-03-02 09:00").on("2026-03-12 09:00");
    let before = story.case.clocks.clone();
    let story = story.then(&handler(), survey()).then(&chief(), approve(1)).on("2026-03-18 09:00");
    let story = story.then(&handler(), close(1)).changes_nothing(&handler(), close(1)).marks_nothing();
    assert_eq!(story.case.phase, Phase::InReview);
    // Five working days are left out, both ends included.
    let city = CITY.clone();
    let moved = city.calendar.working_days_between(
        before.promised.as_ref().unwrap().date,
        story.case.clocks.promised.as_ref().unwrap().date,
        None,
    );
    assert_eq!(moved, 5);
    assert_eq!(story.case.clocks.legal, before.legal);
}

#[test]
fn overlapping_procedures_are_left_out_once() {
    let both = |story: Story| story.then(&chief(), approve(1)).then(&chief(), approve(2));
    let story = Story::licence_in_review("2026-03-02 09:00").then(&handler(), survey());
    let story = both(story.then(&handler(), request("公示", None, Some("T-2"))).on("2026-03-09 09:00"));
    let story = story.on("2026-03-11 09:00").then(&handler(), close(1));
    assert_eq!(story.case.phase, Phase::Suspended);
    let story = story.on("2026-03-13 09:00").then(&handler(), close(2));
    let promised = story.case.clocks.promised.unwrap();
    assert_eq!(promised.freezes.len(), 2);
    // 15 days from 2 March are 23 March; the week of the two procedures is left out.
    assert_eq!(promised.date, day("2026-03-30"));
}

#[test]
fn a_procedure_of_article_45_stops_the_legal_clock_too() {
    let vet = actor(Role::Handler, "vet", "361023-NY");
    let boss = actor(Role::Chief, "boss", "361023-NY");
    let story = Story::received(FORWARDED, &["FORM", "ID"], "2026-03-02 09:00").then(&clerk(), accept());
    let story =
        story.then(&clerk(), CaseCommand::Forward { to: None, package: Vec::new(), hand_over: Some(id("H-2")) });
    let story = story.then(&vet, request("检疫", None, Some("T-1"))).then(&boss, approve(1));
    // One promised day is no last day: the mark says nothing of limits as short as itself.
    let story = story.marks_nothing();
    assert!(story.case.pauses().legal.is_some());
    let story = story.on("2026-03-03 09:00").then(&vet, close(1));
    assert_eq!(story.case.clocks.legal.unwrap().freezes.len(), 1);
}

#[test]
fn a_procedure_that_the_item_does_not_list_stops_nothing_and_is_marked() {
    let story = Story::licence_in_review("2026-03-02 09:00");
    let story = story.refuses(&handler(), request("听证", None, None), Rejection::ProcedureLimitMissing);
    let story = story.then(&handler(), request("听证", Some(3), Some("T-1"))).then(&chief(), approve(1));
    let story = story.marks(Anomaly::PauseWithoutBasis);
    assert_eq!(story.case.pauses(), Default::default());
}

#[test]
fn a_procedure_without_notice_on_the_last_day_or_over_its_limit_is_marked() {
    let story = Story::licence_in_review("2026-03-02 09:00").on("2026-03-20 09:00");
    let story = story.then(&handler(), request("实地踏勘", None, None)).then(&chief(), approve(1));
    let story = story.marks(Anomaly::PauseWithoutNotice).marks(Anomaly::LatePause);
    story.on("2026-03-30 09:00").then(&handler(), close(1)).marks(Anomaly::PauseOverLimit);
}

#[test]
fn a_procedure_is_not_stated_longer_than_the_item_allows() {
    let story = Story::licence_in_review("2026-03-02 09:00");
    story.refuses(&handler(), request("实地踏勘", Some(6), None), Rejection::ProcedureLimitTooLong);
}

#[test]
fn a_rejected_procedure_stops_nothing_and_may_be_asked_for_again() {
    let reject = CaseCommand::RejectSpecialProcedure { procedure: 1, reason: sealed("no need") };
    let story = Story::licence_in_review("2026-03-02 09:00").then(&handler(), survey()).then(&chief(), reject.clone());
    let story = story.changes_nothing(&chief(), reject).refuses(&chief(), approve(1), Rejection::ProcedureNotRequested);
    let again = CaseCommand::RequestSpecialProcedure {
        kind: "实地踏勘".into(),
        reason: sealed("really"),
        limit: None,
        notice: None,
    };
    let story = story.then(&handler(), again.clone()).changes_nothing(&handler(), again);
    story.refuses(&handler(), request("实地踏勘", None, Some("T-9")), Rejection::ProcedureAlreadyRequested);
}

#[test]
fn an_extension_is_given_once_by_the_head_of_the_organ_before_the_limit_is_over() {
    let story = Story::licence_in_review("2026-06-18 09:00");
    let story = story.refuses(&handler(), extend(11), Rejection::ExtensionTooLong(10));
    let story = story.refuses(&handler(), extend(0), Rejection::ExtensionTooLong(10)).then(&handler(), extend(10));
    let story = story.changes_nothing(&handler(), extend(10));
    let story = story.refuses(&handler(), extend(5), Rejection::ExtensionAlreadyRequested);
    let role = Rejection::RoleMayNot(Role::Chief, Action::ApproveExtension);
    let story = story.refuses(&chief(), approve_extension(), role);
    let promised = story.case.clocks.promised.clone();
    let story = story.then(&head(), approve_extension()).changes_nothing(&head(), approve_extension());
    assert_eq!(story.case.clocks.legal.as_ref().unwrap().date, day("2026-07-31"));
    assert_eq!(story.case.clocks.promised, promised, "the policy does not let it move the promise");
    story.refuses(&handler(), extend(1), Rejection::AlreadyExtended);
}

#[test]
fn the_head_of_the_organ_does_not_approve_an_extension_asked_for_as_handler() {
    let both = actor(Role::Handler, "head", HALL);
    let story = Story::licence_in_review("2026-06-18 09:00").then(&both, extend(10));
    story.refuses(&head(), approve_extension(), Rejection::SamePersonActs);
}

#[test]
fn an_extension_after_the_legal_limit_is_too_late_also_for_its_approval() {
    let story = Story::licence_in_review("2026-06-18 09:00").on("2026-07-17 09:00").then(&handler(), extend(10));
    let story = story.on("2026-07-18 09:00").refuses(&head(), approve_extension(), Rejection::ExtensionTooLate);
    let story = story.then(&head(), CaseCommand::RejectExtension { reason: sealed("late") });
    story.refuses(&handler(), extend(10), Rejection::ExtensionTooLate);
}

#[test]
fn an_item_without_a_rule_for_it_is_not_extended() {
    let story =
        Story::received(DIBAO, &["ID", "HK", "AUTH", "BANK", "INC"], "2026-03-02 09:00").then(&clerk(), accept());
    story.refuses(&handler(), extend(5), Rejection::ExtensionNotAllowed);
}

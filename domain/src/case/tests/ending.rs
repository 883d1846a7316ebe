use super::story::*;
use crate::actor::Role;
use crate::case::{Action, CaseCommand, DutyKind, Phase, Rejection, Survivor, duties};
use crate::event::CaseEvent;
use crate::event::case::*;
use crate::ids::CaseId;
use ulid::Ulid;

fn granted() -> CaseCommand {
    decide(DecisionOutcome::Granted)
}

fn make_result() -> CaseCommand {
    CaseCommand::MakeResult { name: "宅基地批准书".into(), number: id("Z-1"), valid_until: None, sha256: None }
}

fn maker() -> crate::actor::Actor {
    actor(Role::CertificateMaker, "maker", HALL)
}

fn return_it() -> CaseCommand {
    CaseCommand::Return { reason: sealed("come back later") }
}

#[test]
fn the_whole_way_closes_with_everything_statistics_need() {
    let story = Story::licence_in_review("2026-03-02 09:00").on("2026-03-12 09:00");
    let story = story.then(&chief(), granted()).then(&maker(), make_result()).on("2026-03-13 09:00");
    let story = story.then(&output(), finish()).changes_nothing(&output(), finish());
    let closing = story.case.closing.clone().unwrap();
    assert_eq!((closing.kind, closing.working_days, closing.gross_days), (ClosingKind::Granted, Some(9), 11));
    assert_eq!(closing.decider, Some(id("chief")));
    assert_eq!((closing.clerk, closing.window), (Some(id("clerk")), Some(id("C1"))));
    // A licence's promise stops at the decision.
    assert_eq!(closing.promise_stopped_on, day("2026-03-12"));
    assert_eq!(closing.promised_by, Some(day("2026-03-23")));
    assert_eq!((closing.promised_days, closing.legal_days), (Some(15), Some(20)));
    let kinds: Vec<DutyKind> = duties(&story.case).into_iter().map(|duty| duty.kind).collect();
    assert_eq!(kinds, [DutyKind::Delivery]);
    let story = story.then(&output(), deliver()).changes_nothing(&output(), deliver()).marks_nothing();
    assert!(duties(&story.case).is_empty());
}

#[test]
fn pauses_are_left_out_of_the_days_that_a_case_took() {
    let survey = CaseCommand::RequestSpecialProcedure {
        kind: "实地踏勘".into(),
        reason: sealed("look"),
        limit: None,
        notice: Some(document("T-1")),
    };
    let story = Story::licence_in_review("2026-03-02 09:00").then(&handler(), survey).on("2026-03-04 09:00");
    let story = story.then(&chief(), CaseCommand::ApproveSpecialProcedure { procedure: 1 }).on("2026-03-06 09:00");
    let story = story.then(&handler(), CaseCommand::CloseSpecialProcedure { procedure: 1, result: sealed("seen") });
    let story = story.on("2026-03-10 09:00").then(&chief(), granted()).then(&output(), finish());
    let closing = story.case.closing.unwrap();
    assert_eq!((closing.working_days, closing.paused_days), (Some(3), 3));
}

#[test]
fn the_acceptor_does_not_decide() {
    let acceptor = actor(Role::Chief, "clerk", HALL);
    Story::licence_in_review("2026-03-02 09:00").refuses(&acceptor, granted(), Rejection::AcceptorDecides);
}

#[test]
fn a_clerk_decides_only_where_the_item_says_so() {
    let story = Story::licence_in_review("2026-03-02 09:00");
    story.refuses(&clerk(), granted(), Rejection::RoleMayNot(Role::Clerk, Action::Decide));
    let instant = Story::received(INSTANT, &["FORM", "ID"], "2026-03-02 09:00").then(&clerk(), accept());
    instant.then(&clerk(), granted()).marks(Anomaly::SamePerson);
}

#[test]
fn a_decision_is_made_once() {
    let story =
        Story::licence_in_review("2026-03-02 09:00").then(&chief(), granted()).changes_nothing(&chief(), granted());
    let other = CaseCommand::Decide { outcome: DecisionOutcome::Denied, number: id("D-2"), reason: None, remedy: None };
    story.refuses(&chief(), other, Rejection::AlreadyDecided);
}

#[test]
fn a_refusal_without_reason_or_remedy_is_recorded_and_marked() {
    let bare = CaseCommand::Decide {
        outcome: DecisionOutcome::Denied,
        number: id("D-1"),
        reason: None,
        remedy: Some("  ".into()),
    };
    let story = Story::licence_in_review("2026-03-02 09:00").then(&chief(), bare);
    let story = story.marks(Anomaly::DenialWithoutReason).marks(Anomaly::DenialWithoutRemedy);
    let story = story.refuses(&maker(), make_result(), Rejection::NothingToMake).then(&output(), finish());
    assert_eq!(story.case.closing.unwrap().kind, ClosingKind::Denied);
}

#[test]
fn an_entrusted_decision_is_made_in_the_delegating_organs_name() {
    let materials = ["ID", "HK", "AUTH", "BANK", "INC"];
    let story =
        Story::received(DIBAO, &materials, "2026-03-02 09:00").then(&clerk(), accept()).then(&chief(), granted());
    let decision = story.case.decision.unwrap();
    assert_eq!((decision.organisation.as_str(), decision.in_name_of.as_str()), (HALL, "361023-MZ"));
}

#[test]
fn a_decision_by_another_organisation_is_marked() {
    let mut apply = application(DIBAO, &["ID", "HK", "AUTH", "BANK", "INC"]);
    apply.intake = id(OTHER_HALL);
    let there = |role, name| actor(role, name, OTHER_HALL);
    let clerk = there(Role::Clerk, "clerk-there");
    let story = Story::begins("2026-03-02 09:00").then(&resident(), CaseCommand::Submit(apply)).then(&clerk, receive());
    let story = story.then(&clerk, accept()).then(&there(Role::Chief, "chief-there"), granted());
    story.marks(Anomaly::OutsideAuthority);
}

#[test]
fn a_county_that_decides_for_its_township_is_marked_and_one_that_decides_for_its_department_is_not() {
    let county = actor(Role::Chief, "county-chief", COUNTY);
    let story = Story::licence_in_review("2026-03-02 09:00").then(&county, granted()).marks(Anomaly::OutsideAuthority);
    assert_eq!(story.case.decision.unwrap().organisation, id(COUNTY));
    let story = Story::received(FORWARDED, &["FORM", "ID"], "2026-03-02 09:00").then(&clerk(), accept());
    let story =
        story.then(&clerk(), CaseCommand::Forward { to: None, package: Vec::new(), hand_over: Some(id("H-2")) });
    let story = story.then(&county, granted()).marks_nothing();
    assert_eq!(story.case.decision.unwrap().organisation, id("361023-NY"));
}

#[test]
fn a_result_without_a_decision_is_recorded_and_marked() {
    let story = Story::licence_in_review("2026-03-02 09:00").then(&maker(), make_result());
    let story = story.marks(Anomaly::ResultWithoutDecision).changes_nothing(&maker(), make_result());
    assert_eq!(story.case.phase, Phase::InReview);
    assert_eq!(story.then(&chief(), granted()).case.phase, Phase::ResultReady);
}

#[test]
fn nothing_is_finished_before_it_is_decided() {
    Story::licence_in_review("2026-03-02 09:00").refuses(&output(), finish(), Rejection::NotDecided);
}

#[test]
fn an_instant_case_is_handled_at_once_in_three_events() {
    let story = Story::received(INSTANT, &["FORM", "ID"], "2026-03-02 09:00");
    let events = story.asked(&clerk(), &at_once()).unwrap();
    let [CaseEvent::CaseAccepted(_), CaseEvent::CaseDecided(decided), CaseEvent::CaseFinished(finished)] = &events[..]
    else {
        panic!("{events:?}");
    };
    assert_eq!(decided.anomalies, [Anomaly::SamePerson]);
    let closing = &finished.closing;
    assert_eq!((closing.working_days, closing.decider.clone()), (Some(0), Some(id("clerk"))));
    story.then(&clerk(), at_once()).changes_nothing(&clerk(), at_once());
}

#[test]
fn a_promise_case_is_not_handled_at_once() {
    let story = Story::received(LICENCE, &["FORM", "ID", "HK", "SITE"], "2026-03-02 09:00");
    story.refuses(&clerk(), at_once(), Rejection::NotInstant);
}

#[test]
fn a_village_handles_its_own_items_from_end_to_end_and_no_others() {
    let agent = actor(Role::VillageAgent, "agent", VILLAGE);
    let mut own = application("FZ-060", &["FORM", "ID"]);
    own.intake = id(VILLAGE);
    let story = Story::begins("2026-03-02 09:00").then(&agent, CaseCommand::Submit(own)).then(&agent, receive());
    assert_eq!(story.then(&agent, at_once()).case.closing.unwrap().deciding, id(VILLAGE));
    let mut other = application(INSTANT, &["FORM", "ID"]);
    other.intake = id(VILLAGE);
    let story = Story::begins("2026-03-02 09:00").then(&resident(), CaseCommand::Submit(other));
    story.refuses(&agent, receive(), Rejection::RoleMayNot(Role::VillageAgent, Action::Receive));
}

#[test]
fn an_instant_case_over_midnight_is_marked() {
    let story = Story::received(INSTANT, &["FORM", "ID"], "2026-03-02 16:00").then(&clerk(), accept());
    let story = story.then(&clerk(), granted()).on("2026-03-03 09:00").then(&clerk(), finish());
    let story = story.marks(Anomaly::InstantOverMidnight);
    let closing = story.case.closing.unwrap();
    assert!(closing.promised_by.unwrap() < closing.promise_stopped_on);
}

#[test]
fn delivery_after_its_limit_is_marked() {
    let story = Story::licence_in_review("2026-03-02 09:00").then(&chief(), granted());
    let story = story.then(&maker(), make_result()).then(&output(), finish());
    let in_time = story.clone().on("2026-03-16 09:00").then(&output(), deliver()).marks_nothing();
    assert_eq!(in_time.case.delivery.unwrap().days_after_decision, 10);
    story.on("2026-03-17 09:00").then(&output(), deliver()).marks(Anomaly::LateDelivery);
}

#[test]
fn there_is_nothing_to_deliver_of_a_case_that_ended_undecided() {
    let story = Story::licence_in_review("2026-03-02 09:00").then(&resident(), withdraw(None));
    story.refuses(&output(), deliver(), Rejection::NothingToDeliver);
}

#[test]
fn the_applicant_withdraws_before_the_decision_only() {
    let story = Story::licence_in_review("2026-03-02 09:00");
    let gone =
        story.clone().then(&resident(), withdraw(None)).marks_nothing().changes_nothing(&resident(), withdraw(None));
    assert_eq!(gone.case.closing.unwrap().kind, ClosingKind::Withdrawn);
    let neighbour = actor(Role::Resident, "s-neighbour", HALL);
    let story = story.refuses(&neighbour, withdraw(None), Rejection::NotOwnCase).then(&chief(), granted());
    story.refuses(&resident(), withdraw(None), Rejection::AlreadyDecided);
}

#[test]
fn a_withdrawal_recorded_by_staff_without_proof_is_marked() {
    let story = Story::licence_in_review("2026-03-02 09:00");
    story.clone().then(&clerk(), withdraw(Some(document("W-1")))).marks_nothing();
    story.then(&clerk(), withdraw(None)).marks(Anomaly::StaffWithdrawal);
}

#[test]
fn a_withdrawal_shortly_before_the_deadline_is_marked() {
    let story = Story::licence_in_review("2026-03-02 09:00").on("2026-03-20 09:00");
    story.then(&resident(), withdraw(None)).marks(Anomaly::LateWithdrawal);
}

#[test]
fn returning_before_receipt_is_no_refusal_and_after_it_a_hidden_one() {
    let story = Story::submitted(LICENCE, &["FORM"], "2026-03-02 09:00");
    let returned = story.clone().then(&clerk(), return_it()).marks_nothing().changes_nothing(&clerk(), return_it());
    assert_eq!(returned.case.closing.unwrap().kind, ClosingKind::Returned);
    story.then(&clerk(), receive()).then(&clerk(), return_it()).marks(Anomaly::HiddenRefusal);
}

#[test]
fn a_duplicate_is_merged_into_the_open_case_of_the_same_person_for_the_same_item() {
    let merge_into = |change: &dyn Fn(&mut Survivor)| {
        let CaseCommand::Merge { from, mut into, reason } = merge() else { unreachable!() };
        change(&mut into);
        CaseCommand::Merge { from, into, reason }
    };
    let story = Story::licence_in_review("2026-03-02 09:00");
    let story = story.refuses(&chief(), merge_into(&|into| into.case = CaseId(Ulid(1))), Rejection::MergesIntoItself);
    let story = story.refuses(&chief(), merge_into(&|into| into.applicant = id("s-other")), Rejection::NotADuplicate);
    let story = story.refuses(&chief(), merge_into(&|into| into.item = id(DIBAO)), Rejection::NotADuplicate);
    let story = story.refuses(&chief(), merge_into(&|into| into.open = false), Rejection::SurvivorClosed);
    let story = story.refuses(&resident(), merge(), Rejection::RoleMayNot(Role::Resident, Action::Merge));
    let story = story.then(&chief(), merge()).changes_nothing(&chief(), merge());
    assert_eq!(story.case.closing.as_ref().unwrap().kind, ClosingKind::Merged);
    assert_eq!(story.case.merged_into.as_ref().unwrap().case, CaseId(Ulid(2)));
    story.refuses(&chief(), decide(DecisionOutcome::Granted), Rejection::AlreadyClosed);
}

#[test]
fn aborting_needs_a_second_person() {
    let request = CaseCommand::RequestAbort { reason: sealed("the applicant died") };
    let story = Story::licence_in_review("2026-03-02 09:00");
    let story = story.refuses(&head(), CaseCommand::ApproveAbort, Rejection::AbortNotRequested);
    let story = story.then(&chief(), request.clone()).changes_nothing(&chief(), request.clone());
    let story = story.refuses(&chief(), CaseCommand::ApproveAbort, Rejection::SamePersonActs);
    let kept = story.clone().then(&head(), CaseCommand::RejectAbort { reason: sealed("an heir goes on") });
    assert_eq!(kept.case.phase, Phase::InReview);
    let story = story.then(&head(), CaseCommand::ApproveAbort).changes_nothing(&head(), CaseCommand::ApproveAbort);
    assert_eq!(story.case.closing.unwrap().kind, ClosingKind::Aborted);
}

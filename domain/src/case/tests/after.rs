use super::story::*;
use crate::actor::Role;
use crate::case::{Action, CaseCommand, DutyKind, Rejection, duties};
use crate::event::CaseEvent;
use crate::event::case::*;
use crate::ids::EventId;
use ulid::Ulid;

fn supervisor() -> crate::actor::Actor {
    actor(Role::Supervisor, "supervisor", CITY_HALL)
}

fn closed() -> Story {
    let story = Story::licence_in_review("2026-03-02 09:00").on("2026-03-12 09:00");
    story.then(&chief(), decide(DecisionOutcome::Granted)).then(&output(), finish())
}

/// The story's third event is the acceptance.
fn correct(change: Correction) -> CaseCommand {
    CaseCommand::RequestCorrection { corrects: EventId(Ulid(3)), change, reason: sealed("keyed in wrongly") }
}

fn approve() -> CaseCommand {
    CaseCommand::ApproveCorrection { correction: 1 }
}

fn archive() -> CaseCommand {
    CaseCommand::Archive { package: id("K-1"), sha256: "00".into() }
}

#[test]
fn a_supervisor_urges_and_the_organisation_answers() {
    let urge = |due: &str| CaseCommand::Urge {
        organisation: None,
        rule: "JC-01".into(),
        content: sealed("hurry"),
        due: day(due),
    };
    let answer = CaseCommand::AnswerUrging { urging: 1, answer: sealed("we do") };
    let story = Story::licence_in_review("2026-03-02 09:00");
    let story = story.refuses(&clerk(), urge("2026-03-05"), Rejection::RoleMayNot(Role::Clerk, Action::Urge));
    let story = story.refuses(&supervisor(), urge("2026-03-01"), Rejection::DueInThePast);
    let story = story.refuses(&handler(), answer.clone(), Rejection::OrganisationDoesNotHold);
    let story = story.then(&supervisor(), urge("2026-03-05")).changes_nothing(&supervisor(), urge("2026-03-05"));
    assert!(duties(&story.case).iter().any(|duty| duty.kind == DutyKind::Urging));
    let story = story.then(&handler(), answer.clone()).changes_nothing(&handler(), answer);
    assert!(!duties(&story.case).iter().any(|duty| duty.kind == DutyKind::Urging));
    let elsewhere = actor(Role::Supervisor, "supervisor-there", "361002");
    story.refuses(&elsewhere, urge("2026-03-06"), Rejection::OrganisationDoesNotHold);
}

#[test]
fn a_corrected_acceptance_moves_the_deadlines_of_an_open_case() {
    let change = Correction::AcceptedOn { old: day("2026-03-04"), new: day("2026-03-03") };
    let story = Story::received(LICENCE, &["FORM", "ID", "HK", "SITE"], "2026-03-02 09:00").on("2026-03-04 09:00");
    let story = story.then(&clerk(), accept()).on("2026-03-05 09:00").then(&handler(), correct(change.clone()));
    let story = story.changes_nothing(&handler(), correct(change)).then(&chief(), approve());
    let story = story.changes_nothing(&chief(), approve());
    assert_eq!(story.case.accepted_on(), Some(day("2026-03-03")));
    assert_eq!(story.case.clocks.legal.as_ref().unwrap().start, day("2026-03-03"));
}

#[test]
fn a_correction_of_a_closed_case_says_what_statistics_take_back_and_take_in() {
    let change = Correction::ClosedOn { old: day("2026-03-12"), new: day("2026-03-13") };
    let story = closed().on("2026-03-16 09:00").then(&handler(), correct(change));
    let events = story.asked(&chief(), &approve()).unwrap();
    let [CaseEvent::RecordCorrected(corrected)] = &events[..] else { panic!("{events:?}") };
    let moved = corrected.closing.as_ref().unwrap();
    assert_eq!((moved.old.working_days, moved.new.working_days), (Some(8), Some(9)));
    assert_eq!((moved.old.closed_on, moved.new.closed_on), (day("2026-03-12"), day("2026-03-13")));
    assert_eq!(corrected.effective_on, day("2026-03-02"));
    let story = story.then(&chief(), approve());
    assert_eq!(story.case.closed_on(), Some(day("2026-03-13")));
}

#[test]
fn a_corrected_region_moves_the_closing_to_its_new_cell() {
    let region = |code: &str| id::<crate::ids::RegionCode>(code);
    let change = Correction::Region { old: Some(region("361023100001")), new: region("361023100002") };
    let story = closed().then(&handler(), correct(change)).then(&chief(), approve());
    assert_eq!(story.case.closing.unwrap().region, Some(region("361023100002")));
}

#[test]
fn nobody_approves_ones_own_correction() {
    let change = Correction::Text { name: "opinion".into(), old: sealed("a"), new: sealed("b") };
    let story = closed().then(&chief(), correct(change));
    let story = story.refuses(&chief(), approve(), Rejection::SamePersonActs);
    let reject = CaseCommand::RejectCorrection { correction: 1, reason: sealed("it was right") };
    let story = story.then(&head(), reject.clone()).changes_nothing(&head(), reject);
    story.refuses(&head(), approve(), Rejection::NoSuchCorrection);
}

#[test]
fn a_correction_must_fit_what_is_recorded() {
    let accepted = |old: &str, new: &str| correct(Correction::AcceptedOn { old: day(old), new: day(new) });
    let story = closed();
    let story = story.refuses(&handler(), accepted("2026-03-01", "2026-03-02"), Rejection::CorrectionOutdated);
    let story = story.refuses(&handler(), accepted("2026-03-02", "2026-03-13"), Rejection::CorrectionContradicts);
    let story = story.refuses(&handler(), accepted("2026-03-02", "2026-02-27"), Rejection::CorrectionContradicts);
    let unknown = CaseCommand::RequestCorrection {
        corrects: EventId(Ulid(999)),
        change: Correction::Text { name: "opinion".into(), old: sealed("a"), new: sealed("b") },
        reason: sealed("?"),
    };
    story.refuses(&handler(), unknown, Rejection::UnknownFact);
}

#[test]
fn a_granted_result_may_be_revoked() {
    let revoke = |on: &str| CaseCommand::RevokeResult {
        kind: RevocationKind::Revoked,
        basis: "行政许可法 Art. 69".into(),
        on: day(on),
        reason: sealed("false papers"),
    };
    let story = closed().on("2026-04-01 09:00");
    let story = story.refuses(&chief(), revoke("2026-04-02"), Rejection::OccurredInFuture);
    let story = story.then(&chief(), revoke("2026-04-01")).changes_nothing(&chief(), revoke("2026-04-01"));
    assert_eq!(story.case.revocations.len(), 1);
    let refused = Story::licence_in_review("2026-03-02 09:00").then(&resident(), withdraw(None));
    refused.refuses(&chief(), revoke("2026-03-02"), Rejection::NothingToRevoke);
}

#[test]
fn a_file_is_archived_when_every_paper_is_there() {
    let story = closed().refuses(&clerk(), archive(), Rejection::NotDelivered).then(&output(), deliver());
    let story = story.then(&clerk(), archive()).changes_nothing(&clerk(), archive());
    let again = CaseCommand::Archive { package: id("K-2"), sha256: "00".into() };
    let story = story.refuses(&clerk(), again, Rejection::AlreadyArchived);
    assert_eq!(story.case.archive.unwrap().retention, "permanent");
    Story::licence_in_review("2026-03-02 09:00").refuses(&clerk(), archive(), Rejection::NotClosed);
}

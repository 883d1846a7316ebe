use super::story::*;
use crate::actor::Role;
use crate::case::{Action, CaseCommand, DutyKind, Phase, Rejection, duties};
use crate::event::case::*;

const VET: &[&str] = &["FORM", "ID"];

fn start(step: &str) -> CaseCommand {
    CaseCommand::StartStep { step: id(step) }
}

fn finish_step(step: &str) -> CaseCommand {
    CaseCommand::FinishStep { step: id(step), outcome: StepOutcome::Passed, opinion: None }
}

fn kinds(story: &Story) -> Vec<DutyKind> {
    duties(&story.case).into_iter().map(|duty| duty.kind).collect()
}

fn forward() -> CaseCommand {
    CaseCommand::Forward { to: None, package: vec![id("ID")], hand_over: Some(id("H-2")) }
}

fn county(role: Role, name: &str) -> crate::actor::Actor {
    actor(role, name, "361023-NY")
}

#[test]
fn routing_hands_the_case_to_a_back_office() {
    let story = Story::licence_accepted("2026-03-02 09:00");
    let story = story.refuses(&clerk(), route(OTHER_HALL), Rejection::RouteNotAllowed);
    let story = story.refuses(&clerk(), route("nowhere"), Rejection::UnknownOrganisation);
    let story = story.then(&clerk(), route(HALL)).changes_nothing(&clerk(), route(HALL));
    assert_eq!((story.case.phase, story.case.routed_step), (Phase::InReview, Some(id("review"))));
}

#[test]
fn work_is_claimed_released_and_reassigned() {
    let release = CaseCommand::Release { reason: None };
    let other = actor(Role::Handler, "other", HALL);
    let story = Story::licence_in_review("2026-03-02 09:00").then(&handler(), CaseCommand::Claim);
    let story = story.changes_nothing(&handler(), CaseCommand::Claim);
    let story = story.refuses(&other, CaseCommand::Claim, Rejection::HeldByAnother);
    let story = story.refuses(&other, release.clone(), Rejection::NotTheHolder);
    let reassign = CaseCommand::Reassign { to: id("other"), reason: None };
    let story = story.refuses(&handler(), reassign.clone(), Rejection::RoleMayNot(Role::Handler, Action::Reassign));
    let story = story.then(&chief(), reassign).then(&other, release.clone()).changes_nothing(&other, release);
    assert_eq!(story.case.holder, None);
}

#[test]
fn whoever_accepted_does_not_review() {
    let acceptor = actor(Role::Handler, "clerk", HALL);
    Story::licence_in_review("2026-03-02 09:00").refuses(&acceptor, start("review"), Rejection::AcceptorReviews);
}

#[test]
fn a_step_is_open_once_and_ends_once() {
    let story = Story::licence_in_review("2026-03-02 09:00").then(&handler(), start("review"));
    let story = story.changes_nothing(&handler(), start("review"));
    let story = story.refuses(&chief(), start("review"), Rejection::StepAlreadyOpen(id("review")));
    let story = story.refuses(&handler(), finish_step("decide"), Rejection::StepNotOpen(id("decide")));
    let story = story.refuses(&handler(), start("dancing"), Rejection::UnknownStep(id("dancing")));
    let story = story.then(&handler(), finish_step("review")).marks_nothing();
    let story = story.refuses(&handler(), finish_step("review"), Rejection::NoStepOpen);
    story.refuses(&handler(), start("review"), Rejection::StepAlreadyDone(id("review")));
}

#[test]
fn a_step_over_its_budget_is_marked_though_the_case_is_in_time() {
    let story = Story::licence_in_review("2026-03-02 09:00").then(&handler(), start("decide"));
    let story = story.on("2026-03-04 09:00").then(&handler(), finish_step("decide"));
    story.marks(Anomaly::StepOverBudget);
}

#[test]
fn steps_before_acceptance_and_after_it_are_kept_apart() {
    let story = Story::received(LICENCE, &["FORM", "ID", "HK", "SITE"], "2026-03-02 09:00");
    let story = story.refuses(&handler(), start("review"), Rejection::StepAfterAcceptance(id("review")));
    let story = story.then(&clerk(), start("accept")).then(&clerk(), accept());
    assert_eq!(story.case.phase, Phase::Accepted);
    // Whoever accepted ends the step of accepting, and begins none of review.
    let story = story.then(&clerk(), finish_step("accept"));
    let story = story.refuses(&clerk(), start("review"), Rejection::AcceptorReviews);
    story.refuses(&handler(), start("accept"), Rejection::StepBeforeAcceptance(id("accept")));
}

#[test]
fn sending_back_stops_no_clock_and_is_counted() {
    let back = CaseCommand::SendBack { to: id("review"), reason: sealed("look again") };
    let story = Story::licence_in_review("2026-03-02 09:00");
    let story = story.refuses(&chief(), back.clone(), Rejection::StepNeverBegun(id("review")));
    let story = story.then(&handler(), start("review")).then(&handler(), finish_step("review"));
    let story = story.then(&chief(), start("decide")).on("2026-03-04 09:00");
    let clocks = story.case.clocks.clone();
    let story = story.then(&chief(), back.clone()).changes_nothing(&chief(), back);
    assert_eq!((story.case.sent_back, story.case.open_step().is_none()), (1, true));
    assert_eq!((story.case.pauses(), &story.case.clocks), (Default::default(), &clocks));
    assert_eq!(kinds(&story), [DutyKind::Review]);
    story.then(&handler(), start("review"));
}

#[test]
fn consulted_organisations_answer_once_each() {
    let consult = |organisations: &[&str]| CaseCommand::Consult {
        organisations: organisations.iter().map(|organisation| id(organisation)).collect(),
        question: sealed("may we?"),
        due: day("2026-03-06"),
    };
    let answer = |text: &str| CaseCommand::AnswerConsultation { consultation: 1, answer: sealed(text) };
    let forestry = actor(Role::Handler, "forester", "361023-LY");
    let story = Story::licence_in_review("2026-03-02 09:00");
    let story = story.refuses(&handler(), consult(&[]), Rejection::NobodyAsked);
    let story = story.refuses(&handler(), consult(&["nowhere"]), Rejection::UnknownOrganisation);
    let story = story.then(&handler(), consult(&["361023-LY", "361023-ZR"]));
    let story = story.changes_nothing(&handler(), consult(&["361023-LY", "361023-ZR"]));
    assert_eq!(kinds(&story), [DutyKind::Review, DutyKind::Consultation, DutyKind::Consultation]);
    let story = story.then(&forestry, answer("yes")).changes_nothing(&forestry, answer("yes"));
    let story = story.refuses(&forestry, answer("no"), Rejection::AlreadyAnswered);
    assert_eq!(kinds(&story), [DutyKind::Review, DutyKind::Consultation]);
    story.refuses(&handler(), answer("yes, from the asking hall"), Rejection::OrganisationDoesNotHold);
}

#[test]
fn a_forwarded_case_changes_hands_but_not_its_clocks() {
    let story = Story::received(FORWARDED, VET, "2026-03-02 09:00").then(&clerk(), accept());
    let clocks = story.case.clocks.clone();
    let story = story.refuses(&chief(), decide(DecisionOutcome::Granted), Rejection::AwaitsForwarding);
    let story = story.on("2026-03-03 09:00").then(&clerk(), forward());
    assert_eq!((story.case.phase, &story.case.clocks), (Phase::Accepted, &clocks));
    let leg = story.case.legs.last().unwrap();
    assert_eq!((leg.leg, leg.to.as_str()), (2, "361023-NY"));
    assert_eq!(story.case.hand_over, Some(id("H-2")), "the papers go with a list of their own");
    // The leg's own date: the budgets of the steps that nobody has done yet.
    let budget: u16 = story.case.application.as_ref().map_or(0, |application| {
        let version = CITY.catalogue.version(&application.item, application.item_version).unwrap();
        version.definition.steps.iter().filter(|step| !step.before_acceptance).map(|step| step.budget_days).sum()
    });
    let due = leg.due.as_ref().unwrap();
    assert_eq!((due.start, due.limit.days), (day("2026-03-03"), budget));
    assert_eq!(kinds(&story), [DutyKind::IncomingLeg]);
    let story = story.then(&county(Role::Handler, "vet"), CaseCommand::Claim);
    assert_eq!(kinds(&story), [DutyKind::Review]);
}

#[test]
fn a_forwarded_case_is_decided_where_it_was_forwarded_to_and_nowhere_else() {
    let story = Story::received(FORWARDED, VET, "2026-03-02 09:00").then(&clerk(), accept()).then(&clerk(), forward());
    let granted = decide(DecisionOutcome::Granted);
    let story = story.refuses(&chief(), granted.clone(), Rejection::OrganisationDoesNotHold);
    let story = story.then(&county(Role::Chief, "county-chief"), granted);
    let decision = story.case.decision.as_ref().unwrap();
    assert_eq!(decision.organisation, id("361023-NY"));
    assert_eq!(decision.instrument, None);
    story.marks_nothing().then(&output(), finish());
}

#[test]
fn nothing_is_forwarded_that_is_decided_here() {
    Story::licence_accepted("2026-03-02 09:00").refuses(&clerk(), forward(), Rejection::NotToBeForwarded);
}

#[test]
fn a_case_waits_for_its_decision_once_it_is_reviewed() {
    let story = Story::licence_in_review("2026-03-02 09:00");
    assert_eq!(kinds(&story), [DutyKind::Review]);
    let story = story.then(&handler(), start("review")).then(&handler(), finish_step("review"));
    assert_eq!(kinds(&story), [DutyKind::Decision]);
    let story = story.then(&chief(), decide(DecisionOutcome::Granted));
    assert_eq!(kinds(&story), [DutyKind::Result]);
}

use super::*;
use crate::actor::{Actor, Role};
use crate::event::policy::InvitationRules;
use crate::event::rating::*;
use crate::reference::Reference;
use crate::testing::{REFERENCE, actor, at, context, day, organisation, sealed};
use crate::zone::Instant;

use RatingRejection as Rejection;

const APPLICANT: &str = "p-1";
const COMPLAINED_ABOUT: &str = "S1";
const VERIFIER: &str = "S2";

/// A Monday; the window of five working days ends on Monday the 8th.
fn monday() -> Instant {
    at("2026-06-01", "10:00:00")
}

fn subject(id: &str) -> SubjectId {
    id.parse().unwrap()
}

fn case() -> RatingSubject {
    RatingSubject::Case("01J00000000000000000000001".parse().unwrap())
}

fn service() -> RatedService {
    RatedService {
        source: "own".parse().unwrap(),
        item: Some("FZ-001".parse().unwrap()),
        organisation: organisation("361023100"),
        window: Some("C1".parse().unwrap()),
        staff: Some(COMPLAINED_ABOUT.parse().unwrap()),
        ended_on: day("2026-06-01"),
        visit: false,
    }
}

fn opinion(level: Satisfaction) -> Opinion {
    Opinion {
        level,
        indicators: Vec::new(),
        comment: None,
        channel: RatingChannel::Mobile,
        origin: OpinionOrigin::default(),
    }
}

fn standing() -> Standing {
    Standing { stage_reached: true, entitled: vec![subject(APPLICANT)], code_verified: false, ended_at: None }
}

fn rate_as(rater: Option<&str>, level: Satisfaction, standing: Standing) -> RatingCommand {
    RatingCommand::Rate {
        about: case(),
        stage: RatingStage::Finish,
        opinion: opinion(level),
        real_name: rater.is_some(),
        rater: rater.map(subject),
        service: service(),
        standing,
    }
}

fn rate(level: Satisfaction) -> RatingCommand {
    rate_as(Some(APPLICANT), level, standing())
}

fn revise(rater: &str, level: Satisfaction) -> RatingCommand {
    RatingCommand::Revise { opinion: opinion(level), rater: Some(subject(rater)), code_verified: false }
}

fn a_rating(level: Satisfaction, score: u16) -> Rated {
    Rated {
        about: case(),
        stage: RatingStage::Finish,
        level,
        indicators: Vec::new(),
        indicators_version: 1,
        comment: None,
        channel: RatingChannel::Mobile,
        origin: RatingOrigin::Active,
        real_name: true,
        rater: Some(subject(APPLICANT)),
        service: service(),
        window_ends: day("2026-06-08"),
        score,
        policy: 1,
        // Whoever asks in these tests works here.
        trace: Some(RatingTrace { by: RaterKind::Staff, seconds_after: None, device: None, network: None, text: None }),
    }
}

fn good() -> RatingEvent {
    a_rating(Satisfaction::Satisfied, 80).into()
}

fn bad() -> Vec<RatingEvent> {
    vec![a_rating(Satisfaction::Dissatisfied, 30).into(), opened()]
}

fn opened() -> RatingEvent {
    BadRatingOpened { service: service(), real_name: true, assign_due: day("2026-06-02") }.into()
}

fn assigned() -> RatingEvent {
    let verify_due = day("2026-06-04");
    OrderAssigned { organisation: organisation("361023100"), staff: VERIFIER.parse().unwrap(), verify_due }.into()
}

fn verified(verdict: Verdict) -> RatingEvent {
    let rectify_due = (verdict == Verdict::True).then(|| day("2026-06-23"));
    let reply_due = (verdict != Verdict::True).then(|| day("2026-06-08"));
    OrderVerified { verdict, finding: sealed("finding"), rectify_due, reply_due, service: service() }.into()
}

fn rectified() -> RatingEvent {
    let (how, measures, call_back_due) = (Rectification::AtOnce, sealed("measures"), day("2026-06-08"));
    OrderRectified { how, measures, in_time: true, call_back_due, service: service() }.into()
}

fn replied() -> RatingEvent {
    OrderReplied { reply: sealed("reply"), in_time: true, call_back_due: None, service: service() }.into()
}

fn called(result: CallBackResult, attempt: u16) -> RatingEvent {
    OrderCalledBack { result, attempt, notes: None, service: service() }.into()
}

fn appealed() -> RatingEvent {
    OrderAppealed { grounds: sealed("grounds"), review_due: Some(day("2026-06-08")) }.into()
}

fn closed(reached: bool) -> RatingEvent {
    OrderClosed { reached, service: service() }.into()
}

/// A bad rating whose order has come so far.
fn order_after(steps: &[RatingEvent]) -> Vec<RatingEvent> {
    bad().into_iter().chain(steps.iter().cloned()).collect()
}

fn to_call_back() -> Vec<RatingEvent> {
    order_after(&[assigned(), verified(Verdict::True), rectified(), replied()])
}

fn assign(staff: &str) -> RatingCommand {
    RatingCommand::AssignOrder { organisation: organisation("361023100"), staff: staff.parse().unwrap() }
}

fn verify(verdict: Verdict) -> RatingCommand {
    RatingCommand::VerifyOrder { verdict, finding: sealed("finding") }
}

fn rectify() -> RatingCommand {
    RatingCommand::RectifyOrder { how: Rectification::AtOnce, measures: sealed("measures") }
}

fn reply() -> RatingCommand {
    RatingCommand::ReplyOrder { reply: sealed("reply") }
}

fn call_back(result: CallBackResult) -> RatingCommand {
    RatingCommand::CallBack { result, notes: None }
}

fn appeal() -> RatingCommand {
    RatingCommand::Appeal { grounds: sealed("grounds") }
}

fn review(upheld: bool, verdict: Verdict) -> RatingCommand {
    RatingCommand::ReviewAppeal { upheld, verdict, reason: sealed("reason") }
}

fn not_adopt(verdict: Verdict) -> RatingCommand {
    RatingCommand::NotAdopt { verdict, reason: sealed("reason") }
}

/// Who acts and when, under which reference data.
struct Act<'a> {
    by: Actor,
    at: Instant,
    reference: &'a Reference,
}

fn by(id: &str) -> Act<'static> {
    Act { by: actor(id, Role::Supervisor), at: monday(), reference: &REFERENCE }
}

fn on(date: &str) -> Act<'static> {
    Act { at: at(date, "10:00:00"), ..by("S9") }
}

#[track_caller]
fn check(act: Act<'_>, given: &[RatingEvent], when: RatingCommand, then: Result<Vec<RatingEvent>, Rejection>) {
    let mut rating = Rating::default();
    given.iter().for_each(|event| rating.evolve(event));
    assert_eq!(rating.decide(&when, &context(act.at, &act.by, act.reference)), then);
}

#[test]
fn a_good_rating_is_recorded_with_its_points_and_its_window() {
    check(by(APPLICANT), &[], rate(Satisfaction::Satisfied), Ok(vec![good()]));
}

#[test]
fn a_bad_rating_opens_its_order_in_the_same_decision() {
    check(by(APPLICANT), &[], rate(Satisfaction::Dissatisfied), Ok(bad()));
}

#[test]
fn a_service_is_rated_once() {
    check(by(APPLICANT), &[good()], rate(Satisfaction::Satisfied), Err(Rejection::AlreadyRated));
    let finish = RatingId::once(&case(), RatingStage::Finish).unwrap();
    assert_eq!(finish.as_str(), "case-01J00000000000000000000001-finish");
    assert_ne!(RatingId::once(&case(), RatingStage::Accept), Some(finish));
    assert_eq!(RatingId::once(&RatingSubject::Hall(organisation("361023100")), RatingStage::Finish), None);
}

#[test]
fn the_window_is_five_working_days() {
    check(on("2026-06-08"), &[], rate(Satisfaction::Satisfied), Ok(vec![good()]));
    let over = Err(Rejection::WindowOver(day("2026-06-08")));
    check(on("2026-06-09"), &[], rate(Satisfaction::Satisfied), over);
    check(on("2026-05-31"), &[], rate(Satisfaction::Satisfied), Err(Rejection::StageNotReached));
}

#[test]
fn only_the_applicant_the_agent_or_the_holder_of_the_code_rates_a_case() {
    let stranger = rate_as(Some("p-2"), Satisfaction::Satisfied, standing());
    check(by("p-2"), &[], stranger, Err(Rejection::NotTheirsToRate));
    let nameless = rate_as(None, Satisfaction::Satisfied, standing());
    check(by("code"), &[], nameless, Err(Rejection::NotTheirsToRate));
    let coded = rate_as(None, Satisfaction::Satisfied, Standing { code_verified: true, ..standing() });
    let anonymous = Rated { real_name: false, rater: None, ..a_rating(Satisfaction::Satisfied, 80) };
    check(by("code"), &[], coded, Ok(vec![anonymous.into()]));
    let early = rate_as(Some(APPLICANT), Satisfaction::Satisfied, Standing { stage_reached: false, ..standing() });
    check(by(APPLICANT), &[], early, Err(Rejection::StageNotReached));
}

#[test]
fn nobody_rates_their_own_work() {
    check(by(COMPLAINED_ABOUT), &[], rate(Satisfaction::VerySatisfied), Err(Rejection::RatesOwnWork));
}

#[test]
fn an_indicator_is_known_and_answered_once_and_a_ticket_number_is_short() {
    let RatingCommand::Rate { about, stage, opinion, real_name, rater, service, standing } =
        rate(Satisfaction::Satisfied)
    else {
        unreachable!("rate makes a rating")
    };
    let choice = IndicatorChoice { indicator: "efficiency".into(), level: Satisfaction::Fair };
    let twice = Opinion { indicators: vec![choice.clone(), choice], ..opinion.clone() };
    let gossip = IndicatorChoice { indicator: "gossip".into(), level: Satisfaction::Fair };
    let unknown = Opinion { indicators: vec![gossip], ..opinion.clone() };
    let with = |about: RatingSubject, opinion: Opinion| RatingCommand::Rate {
        about,
        stage,
        opinion,
        real_name,
        rater: rater.clone(),
        service: service.clone(),
        standing: standing.clone(),
    };
    check(by(APPLICANT), &[], with(about.clone(), twice), Err(Rejection::IndicatorTwice));
    check(by(APPLICANT), &[], with(about, unknown), Err(Rejection::IndicatorUnknown("gossip".to_owned())));
    let long = RatingSubject::Ticket("A".repeat(TICKET_CHARS_MAX + 1));
    check(by(APPLICANT), &[], with(long, opinion.clone()), Err(Rejection::TicketMalformed));
    let blank = RatingSubject::Ticket("A 1".into());
    check(by(APPLICANT), &[], with(blank, opinion), Err(Rejection::TicketMalformed));
}

#[test]
fn the_same_rater_may_revise_within_the_window() {
    let old = Box::new(a_rating(Satisfaction::Satisfied, 80));
    let better = Box::new(a_rating(Satisfaction::VerySatisfied, 100));
    let revised = RatingRevised { old: old.clone(), new: better };
    check(by(APPLICANT), &[good()], revise(APPLICANT, Satisfaction::VerySatisfied), Ok(vec![revised.into()]));
    check(by(APPLICANT), &[good()], revise(APPLICANT, Satisfaction::Satisfied), Ok(vec![]));
    check(by("p-2"), &[good()], revise("p-2", Satisfaction::Fair), Err(Rejection::NotTheSameRater));
    check(by("p-1"), &[], revise(APPLICANT, Satisfaction::Fair), Err(Rejection::NotRated));
    let over = Err(Rejection::WindowOver(day("2026-06-08")));
    check(on("2026-06-09"), &[good()], revise(APPLICANT, Satisfaction::Fair), over);
}

#[test]
fn a_rating_that_turns_bad_opens_an_order_and_one_that_turns_good_keeps_it() {
    let (good_one, bad_one) = (a_rating(Satisfaction::Satisfied, 80), a_rating(Satisfaction::Dissatisfied, 30));
    let worse = RatingRevised { old: Box::new(good_one.clone()), new: Box::new(bad_one.clone()) };
    let worse_revision = revise(APPLICANT, Satisfaction::Dissatisfied);
    check(by(APPLICANT), &[good()], worse_revision, Ok(vec![worse.into(), opened()]));
    let better: RatingEvent = RatingRevised { old: Box::new(bad_one), new: Box::new(good_one) }.into();
    check(by(APPLICANT), &bad(), revise(APPLICANT, Satisfaction::Satisfied), Ok(vec![better.clone()]));
    check(by("S9"), &order_after(&[better]), assign(VERIFIER), Ok(vec![assigned()]));
}

#[test]
fn a_default_rating_comes_only_where_the_policy_knows_one_and_after_the_window() {
    let by_default = || RatingCommand::RateByDefault { about: case(), stage: RatingStage::Finish, service: service() };
    check(on("2026-06-09"), &[], by_default(), Err(Rejection::NoDefaultRating));

    let mut reference = REFERENCE.clone();
    let mut rules = reference.policies.latest().rules.clone();
    rules.default_rating = DefaultRating::Fair;
    let published = crate::event::policy::PolicyPublished {
        version: 2,
        valid_from: day("2026-01-01"),
        published_on: day("2026-01-01"),
        rules,
    };
    reference.evolve(&crate::event::PolicyEvent::from(published).into());
    let supposed = Rated {
        origin: RatingOrigin::Default,
        channel: RatingChannel::System,
        real_name: false,
        rater: None,
        policy: 2,
        trace: None,
        ..a_rating(Satisfaction::Fair, 60)
    };
    let act = |date: &str| Act { reference: &reference, ..on(date) };
    check(act("2026-06-08"), &[], by_default(), Err(Rejection::WindowOpen(day("2026-06-08"))));
    check(act("2026-06-09"), &[], by_default(), Ok(vec![supposed.into()]));
    check(act("2026-06-09"), &[good()], by_default(), Ok(vec![]));
}

#[test]
fn an_order_is_assigned_but_never_to_the_person_complained_about() {
    check(by("S9"), &bad(), assign(VERIFIER), Ok(vec![assigned()]));
    check(by("S9"), &bad(), assign(COMPLAINED_ABOUT), Err(Rejection::PersonComplainedAbout));
    check(by("S9"), &order_after(&[assigned()]), assign(VERIFIER), Ok(vec![]));
    let done = order_after(&[assigned(), verified(Verdict::True)]);
    check(by("S9"), &done, assign("S3"), Err(Rejection::AlreadyVerified));
    check(by("S9"), &[good()], assign(VERIFIER), Err(Rejection::NoOrder));
}

#[test]
fn who_the_order_is_assigned_to_verifies_it() {
    let given = order_after(&[assigned()]);
    let true_finding = OrderVerified {
        verdict: Verdict::True,
        finding: sealed("finding"),
        rectify_due: Some(day("2026-06-23")),
        reply_due: None,
        service: service(),
    };
    check(by(VERIFIER), &given, verify(Verdict::True), Ok(vec![true_finding.into()]));
    check(by(VERIFIER), &given, verify(Verdict::Mistaken), Ok(vec![verified(Verdict::Mistaken)]));
    check(by("S9"), &given, verify(Verdict::True), Err(Rejection::AssignedToSomebodyElse));
    check(by(COMPLAINED_ABOUT), &given, verify(Verdict::Mistaken), Err(Rejection::PersonComplainedAbout));
    check(by(VERIFIER), &bad(), verify(Verdict::True), Err(Rejection::NotAssigned));
}

#[test]
fn what_was_true_is_rectified_and_then_answered() {
    let given = order_after(&[assigned(), verified(Verdict::True)]);
    check(by(VERIFIER), &given, rectify(), Ok(vec![rectified()]));
    check(by(VERIFIER), &given, reply(), Err(Rejection::NotRectified));
    check(by(VERIFIER), &order_after(&[assigned()]), rectify(), Err(Rejection::NotVerified));
    let rectified_once = order_after(&[assigned(), verified(Verdict::True), rectified()]);
    check(by(VERIFIER), &rectified_once, rectify(), Err(Rejection::AlreadyRectified));
    check(by(VERIFIER), &rectified_once, reply(), Ok(vec![replied()]));
    let late = OrderReplied { reply: sealed("reply"), in_time: false, call_back_due: None, service: service() };
    check(on("2026-06-09"), &rectified_once, reply(), Ok(vec![late.into()]));
}

#[test]
fn what_was_not_true_is_answered_without_rectification() {
    let given = order_after(&[assigned(), verified(Verdict::OutOfScope)]);
    check(by(VERIFIER), &given, rectify(), Err(Rejection::NothingToRectify));
    // No rectification set a date for the call-back, so the reply does.
    let call_back_due = Some(day("2026-06-08"));
    let answered = OrderReplied { reply: sealed("reply"), in_time: true, call_back_due, service: service() };
    check(by(VERIFIER), &given, reply(), Ok(vec![answered.into()]));
    let late = OrderReplied {
        reply: sealed("reply"),
        in_time: false,
        call_back_due: Some(day("2026-06-16")),
        service: service(),
    };
    check(on("2026-06-09"), &given, reply(), Ok(vec![late.into()]));
}

#[test]
fn a_rectification_after_its_date_is_late() {
    let late = OrderRectified {
        how: Rectification::AtOnce,
        measures: sealed("measures"),
        in_time: false,
        call_back_due: day("2026-07-01"),
        service: service(),
    };
    let given = order_after(&[assigned(), verified(Verdict::True)]);
    check(on("2026-06-24"), &given, rectify(), Ok(vec![late.into()]));
}

#[test]
fn an_order_closes_once_the_rater_was_reached() {
    let reached = vec![called(CallBackResult::Dissatisfied, 1), closed(true)];
    check(by("S9"), &to_call_back(), call_back(CallBackResult::Dissatisfied), Ok(reached));
    check(
        by(COMPLAINED_ABOUT),
        &to_call_back(),
        call_back(CallBackResult::Satisfied),
        Err(Rejection::PersonComplainedAbout),
    );
    let unanswered = order_after(&[assigned(), verified(Verdict::True), rectified()]);
    check(by("S9"), &unanswered, call_back(CallBackResult::Satisfied), Err(Rejection::NotReplied));
}

#[test]
fn an_order_closes_after_three_attempts_that_reached_nobody() {
    let mut given = to_call_back();
    let missed = |attempt| called(CallBackResult::NotReached, attempt);
    check(by("S9"), &given, call_back(CallBackResult::NotReached), Ok(vec![missed(1)]));
    given.extend([missed(1), missed(2)]);
    check(by("S9"), &given, call_back(CallBackResult::NotReached), Ok(vec![missed(3), closed(false)]));
    given.extend([missed(3), closed(false)]);
    check(by("S9"), &given, call_back(CallBackResult::NotReached), Err(Rejection::OrderClosed));
}

#[test]
fn an_order_about_a_rating_without_a_name_ends_with_the_answer() {
    let nameless = BadRatingOpened { service: service(), real_name: false, assign_due: day("2026-06-02") };
    let given = [
        a_rating(Satisfaction::Dissatisfied, 30).into(),
        nameless.into(),
        assigned(),
        verified(Verdict::True),
        rectified(),
    ];
    check(by(VERIFIER), &given, reply(), Ok(vec![replied(), closed(false)]));
}

#[test]
fn the_staff_concerned_appeal_once_and_somebody_else_reviews() {
    let given = order_after(&[assigned(), verified(Verdict::True)]);
    check(by(COMPLAINED_ABOUT), &given, appeal(), Ok(vec![appealed()]));
    check(by("S9"), &given, appeal(), Err(Rejection::NotConcerned));
    check(by(COMPLAINED_ABOUT), &order_after(&[assigned()]), appeal(), Err(Rejection::NotVerified));

    let pending = order_after(&[assigned(), verified(Verdict::True), appealed()]);
    check(by(COMPLAINED_ABOUT), &pending, appeal(), Err(Rejection::AlreadyAppealed));
    check(by(VERIFIER), &pending, review(false, Verdict::True), Err(Rejection::ReviewsOwnFinding));
    check(by(COMPLAINED_ABOUT), &pending, review(true, Verdict::Mistaken), Err(Rejection::PersonComplainedAbout));
    check(by("S9"), &pending, review(true, Verdict::True), Err(Rejection::VerdictContradictsReview));
    check(by("S9"), &pending, review(false, Verdict::Mistaken), Err(Rejection::VerdictContradictsReview));
    check(by("S9"), &given, review(false, Verdict::True), Err(Rejection::NoAppealPending));
    let (verdict, reason) = (Verdict::Mistaken, sealed("reason"));
    let upheld = AppealReviewed { upheld: true, verdict, rectify_due: None, reason, service: service() };
    check(by("S9"), &pending, review(true, Verdict::Mistaken), Ok(vec![upheld.into()]));
}

#[test]
fn an_order_does_not_close_while_an_appeal_is_pending() {
    let mut given = to_call_back();
    given.push(appealed());
    let called_back = called(CallBackResult::Satisfied, 1);
    check(by("S9"), &given, call_back(CallBackResult::Satisfied), Ok(vec![called_back.clone()]));
    given.push(called_back);
    let (verdict, reason) = (Verdict::True, sealed("reason"));
    let dismissed = AppealReviewed { upheld: false, verdict, rectify_due: None, reason, service: service() };
    check(by("S9"), &given, review(false, Verdict::True), Ok(vec![dismissed.into(), closed(true)]));
}

#[test]
fn a_rating_verified_as_mistaken_or_malicious_is_not_adopted_but_kept() {
    let given = order_after(&[assigned(), verified(Verdict::Malicious)]);
    let rating = Box::new(a_rating(Satisfaction::Dissatisfied, 30));
    let left_out: RatingEvent =
        RatingNotAdopted { rating, verdict: Verdict::Malicious, reason: sealed("reason") }.into();
    check(by("S9"), &given, not_adopt(Verdict::Malicious), Ok(vec![left_out.clone()]));
    check(by("S9"), &given, not_adopt(Verdict::Mistaken), Err(Rejection::NotVerifiedSo));
    check(by(COMPLAINED_ABOUT), &given, not_adopt(Verdict::Malicious), Err(Rejection::PersonComplainedAbout));
    check(by("S9"), &bad(), not_adopt(Verdict::Malicious), Err(Rejection::NotVerifiedSo));

    let mut kept = given;
    kept.push(left_out);
    check(by("S9"), &kept, not_adopt(Verdict::Malicious), Ok(vec![]));
    check(by(APPLICANT), &kept, revise(APPLICANT, Satisfaction::Fair), Err(Rejection::NotAdopted));
    let mut rating = Rating::default();
    kept.iter().for_each(|event| rating.evolve(event));
    assert_eq!(rating.counted(), None);
    assert!(rating.rated.is_some());
}

#[test]
fn an_order_says_what_it_waits_for_and_until_when() {
    let mut rating = Rating::default();
    let mut steps = Vec::new();
    let missed = called(CallBackResult::NotReached, 1);
    let reached = [called(CallBackResult::Fair, 2), closed(true)];
    for event in to_call_back().into_iter().chain([missed]).chain(reached) {
        rating.evolve(&event);
        steps.extend(rating.order.as_ref().map(|order| (order.step(), order.due().map(|due| due.to_string()))));
    }
    let due = |date: &str| Some(date.to_owned());
    let expected = [
        (OrderStep::Assign, due("2026-06-02")),
        (OrderStep::Verify, due("2026-06-04")),
        (OrderStep::Rectify, due("2026-06-23")),
        (OrderStep::Reply, due("2026-06-08")),
        (OrderStep::CallBack, due("2026-06-08")),
        (OrderStep::CallBack, due("2026-06-08")),
        (OrderStep::Review, None),
        (OrderStep::Closed, None),
    ];
    assert_eq!(steps, expected);
}

fn policy(change: impl FnOnce(&mut PolicyRules)) -> Reference {
    let mut reference = REFERENCE.clone();
    let mut rules = reference.policies.latest().rules.clone();
    change(&mut rules);
    let (valid_from, published_on) = (day("2026-01-01"), day("2026-01-01"));
    let published = crate::event::policy::PolicyPublished { version: 2, valid_from, published_on, rules };
    reference.evolve(&crate::event::PolicyEvent::from(published).into());
    reference
}

fn invite() -> RatingCommand {
    RatingCommand::Invite { about: case(), stage: RatingStage::Finish, service: service() }
}

fn invited(time: u16, on: &str) -> RatingEvent {
    let (about, stage, window_ends) = (case(), RatingStage::Finish, day("2026-06-08"));
    RatingInvited { about, stage, time, on: day(on), service: service(), window_ends, policy: 2 }.into()
}

#[test]
fn raters_are_invited_as_often_and_as_far_apart_as_the_policy_says() {
    let rules = InvitationRules { times_max: 2, again_after_days: 3 };
    let reference = policy(|policy| policy.invitations = Some(rules));
    let act = |date: &str| Act { reference: &reference, ..on(date) };
    check(act("2026-06-01"), &[], invite(), Ok(vec![invited(1, "2026-06-01")]));
    let once = [invited(1, "2026-06-01")];
    check(act("2026-06-03"), &once, invite(), Ok(vec![]));
    check(act("2026-06-04"), &once, invite(), Ok(vec![invited(2, "2026-06-04")]));
    let twice = [invited(1, "2026-06-01"), invited(2, "2026-06-04")];
    check(act("2026-06-08"), &twice, invite(), Err(Rejection::NoInvitation));
    check(act("2026-06-09"), &[], invite(), Err(Rejection::WindowOver(day("2026-06-08"))));
    check(act("2026-06-04"), &[invited(1, "2026-06-01"), good()], invite(), Ok(vec![]));
    let silent = policy(|policy| policy.invitations = None);
    check(Act { reference: &silent, ..on("2026-06-01") }, &[], invite(), Err(Rejection::NoInvitation));
}

#[test]
fn whoever_was_invited_rates_like_anybody_else() {
    check(by(APPLICANT), &[invited(1, "2026-06-01")], rate(Satisfaction::Satisfied), Ok(vec![good()]));
}

#[test]
fn a_window_of_natural_days_ends_on_a_working_day() {
    let reference = policy(|policy| {
        policy.rating_days = 7;
        policy.rating_unit = DayUnit::Natural;
        policy.default_rating = DefaultRating::Fair;
    });
    let act = |date: &str| Act { reference: &reference, ..on(date) };
    let by_default = || RatingCommand::RateByDefault { about: case(), stage: RatingStage::Finish, service: service() };
    check(act("2026-06-08"), &[], by_default(), Err(Rejection::WindowOpen(day("2026-06-08"))));
    let mut rating = Rating::default();
    let events =
        rating.decide(&by_default(), &context(at("2026-06-09", "10:00:00"), &act("2026-06-09").by, &reference));
    events.unwrap().iter().for_each(|event| rating.evolve(event));
    let supposed = rating.rated.unwrap();
    assert_eq!((supposed.level, supposed.origin), (Satisfaction::Fair, RatingOrigin::Default));
}

#[test]
fn a_rating_keeps_who_gave_it_and_how_soon() {
    let rated_by = |actor: Actor, rater: Option<&str>| {
        let agent = subject("p-agent");
        let standing = Standing {
            entitled: vec![subject(APPLICANT), agent],
            code_verified: true,
            ended_at: Some(at("2026-06-01", "09:59:52")),
            ..standing()
        };
        let rate = rate_as(rater, Satisfaction::Satisfied, standing);
        let decided = Rating::default().decide(&rate, &context(monday(), &actor, &REFERENCE)).unwrap();
        let [RatingEvent::Rated(rated)] = decided.as_slice() else { panic!("{decided:?}") };
        let trace = rated.trace.clone().unwrap();
        (trace.by, trace.seconds_after)
    };
    let resident = |id: &str| actor(id, Role::Resident);
    assert_eq!(rated_by(resident(APPLICANT), Some(APPLICANT)), (RaterKind::Applicant, Some(8)));
    assert_eq!(rated_by(resident("p-agent"), Some("p-agent")).0, RaterKind::Agent);
    assert_eq!(rated_by(resident("receipt-holder"), None).0, RaterKind::CodeHolder);
    assert_eq!(rated_by(actor("S7", Role::Clerk), None).0, RaterKind::Staff);
}

#[test]
fn a_finding_that_is_true_only_by_review_is_still_rectified_and_the_order_then_ends() {
    let nameless = BadRatingOpened { service: service(), real_name: false, assign_due: day("2026-06-02") };
    let given = [
        a_rating(Satisfaction::Dissatisfied, 30).into(),
        nameless.into(),
        assigned(),
        verified(Verdict::OutOfScope),
        appealed(),
        replied(),
    ];
    let reviewed = AppealReviewed {
        upheld: true,
        verdict: Verdict::True,
        rectify_due: Some(day("2026-06-23")),
        reason: sealed("reason"),
        service: service(),
    };
    check(by("S9"), &given, review(true, Verdict::True), Ok(vec![reviewed.clone().into()]));
    let given: Vec<RatingEvent> = given.into_iter().chain([reviewed.into()]).collect();
    check(by(VERIFIER), &given, rectify(), Ok(vec![rectified(), closed(false)]));
}

#[test]
fn an_order_goes_to_an_organisation_that_exists() {
    let nowhere =
        RatingCommand::AssignOrder { organisation: organisation("nowhere"), staff: VERIFIER.parse().unwrap() };
    check(by("S9"), &bad(), nowhere, Err(Rejection::NoSuchOrganisation));
}

use super::story::*;
use crate::actor::Role;
use crate::case::{CaseCommand, Phase, Rejection};
use crate::event::CaseEvent;
use crate::event::case::*;
use crate::event::item::Authority;
use crate::ids::PaperId;
use crate::sealed::PartyKind;
use std::collections::BTreeSet;
use ulid::Ulid;

const ALL: &[&str] = &["FORM", "ID", "HK", "SITE"];

#[test]
fn an_application_fixes_the_item_version_of_its_day_and_who_will_decide() {
    let before = Story::submitted(DIBAO, &["ID"], "2021-10-29 09:00");
    let after = Story::submitted(DIBAO, &["ID"], "2021-11-01 09:00");
    let seen = |story: &Story| {
        let application = story.case.application.clone().unwrap();
        (application.item_version, application.authority, application.deciding.to_string())
    };
    assert_eq!(seen(&before), (1, Authority::Forward, "361023-MZ".into()));
    assert_eq!(seen(&after), (2, Authority::Entrusted, HALL.into()));
}

#[test]
fn nobody_applies_for_what_does_not_exist_or_is_not_in_force() {
    let apply = |item: &str| CaseCommand::Submit(application(item, &[]));
    Story::begins("2026-03-02 09:00").refuses(&resident(), apply("FZ-999"), Rejection::UnknownItem);
    Story::begins("2018-03-02 09:00").refuses(&resident(), apply(DIBAO), Rejection::ItemNotInForce);
}

#[test]
fn an_item_is_applied_for_by_those_it_is_for() {
    let firm = |item: &str| {
        let mut apply = application(item, &[]);
        apply.applicant.kind = PartyKind::Enterprise;
        CaseCommand::Submit(apply)
    };
    let story = Story::begins("2026-03-02 09:00");
    let story = story.refuses(&resident(), firm(DIBAO), Rejection::ApplicantKindNotAllowed);
    story.then(&resident(), firm("FZ-051"));
}

#[test]
fn a_paper_is_one_of_the_items_materials() {
    let paper = |code: &str| {
        CaseCommand::AttachMaterial(MaterialAttached {
            paper: PaperId(Ulid(7)),
            code: id(code),
            sha256: "00".into(),
            bytes: 1,
            media_type: "application/pdf".into(),
            trust: TrustLevel::C,
        })
    };
    let story = Story::submitted(LICENCE, ALL, "2026-03-02 09:00");
    let story = story.refuses(&clerk(), paper("DIAG"), Rejection::UnknownMaterial(id("DIAG")));
    story.then(&clerk(), paper("SITE"));
}

#[test]
fn an_item_is_taken_in_at_its_levels_only() {
    let mut apply = application(LICENCE, &[]);
    apply.intake = id(COUNTY);
    let story = Story::begins("2026-03-02 09:00");
    story.clone().refuses(&resident(), CaseCommand::Submit(apply.clone()), Rejection::IntakeLevelNotAllowed);
    apply.intake = id("nowhere");
    story.refuses(&resident(), CaseCommand::Submit(apply), Rejection::UnknownOrganisation);
}

#[test]
fn the_centre_of_those_who_decide_takes_it_in_and_no_back_office_does() {
    // An item bound to its township, but decided by the county: its centre serves the townships under it.
    let mut apply = application(FORWARDED, &["FORM", "ID"]);
    apply.intake = id(COUNTY);
    let desk = actor(Role::Clerk, "county-clerk", COUNTY);
    let story = Story::begins("2026-03-02 09:00");
    let story = story.then(&desk, CaseCommand::Submit(apply.clone())).then(&desk, receive());
    let opened = story.case.application.as_ref().unwrap();
    assert_eq!((&opened.handling, &opened.deciding), (&id(HALL), &id("361023-NY")));
    assert_eq!(story.case.at, Some(id(COUNTY)));
    let told = CaseCommand::NotRequired { reason: sealed("no"), basis: "Art. 32(1)".into() };
    let closing = story.then(&desk, told).case.closing.unwrap();
    assert!(!closing.cross_township, "the county's centre is no other township");

    let begins = || Story::begins("2026-03-02 09:00");
    apply.intake = id("361023-NY");
    begins().refuses(&resident(), CaseCommand::Submit(apply.clone()), Rejection::IntakeLevelNotAllowed);
    apply.intake = id("361002");
    begins().refuses(&resident(), CaseCommand::Submit(apply), Rejection::OutsideIntakeRange);
    // What was given down to the townships is theirs to take in.
    let mut apply = application(DIBAO, &["ID"]);
    apply.intake = id(COUNTY);
    begins().refuses(&resident(), CaseCommand::Submit(apply), Rejection::IntakeLevelNotAllowed);
}

#[test]
fn an_item_bound_to_the_own_township_is_not_taken_in_elsewhere() {
    let mut apply = application(LICENCE, &[]);
    apply.intake = id(OTHER_HALL);
    let apply = CaseCommand::Submit(apply);
    Story::begins("2026-03-02 09:00").refuses(&resident(), apply, Rejection::OutsideIntakeRange);
}

#[test]
fn a_cross_township_item_is_handled_at_home_and_counted_as_such() {
    let mut apply = application(DIBAO, &["ID"]);
    apply.intake = id(OTHER_HALL);
    let there = actor(Role::Clerk, "clerk-there", OTHER_HALL);
    let story = Story::begins("2026-03-02 09:00").then(&resident(), CaseCommand::Submit(apply)).then(&there, receive());
    assert_eq!(story.case.application.as_ref().unwrap().handling, id(HALL));
    assert_eq!(story.case.at, Some(id(OTHER_HALL)));
    let told = CaseCommand::NotRequired { reason: sealed("no"), basis: "Art. 32(1)".into() };
    assert!(story.then(&there, told).case.closing.unwrap().cross_township);
}

#[test]
fn a_village_agent_applies_with_the_applicants_consent_only() {
    let agent = actor(Role::VillageAgent, "agent", VILLAGE);
    let mut apply = application(LICENCE, ALL);
    apply.intake = id(VILLAGE);
    let story = Story::begins("2026-03-02 09:00");
    story.clone().refuses(&agent, CaseCommand::Submit(apply.clone()), Rejection::ConsentMissing);
    apply.consent = Some(consent("C-1"));
    let story = story.then(&agent, CaseCommand::Submit(apply));
    // The township's clerk receives what the village sent.
    assert_eq!(story.then(&clerk(), receive()).case.at, Some(id(HALL)));
}

#[test]
fn a_resident_applies_for_oneself_or_as_the_agent() {
    let mut apply = application(LICENCE, ALL);
    apply.applicant = party("s-grandmother");
    let story = Story::begins("2026-03-02 09:00");
    story.clone().refuses(&resident(), CaseCommand::Submit(apply.clone()), Rejection::NotOwnCase);
    apply.agent = Some(party("s-applicant"));
    story.then(&resident(), CaseCommand::Submit(apply));
}

#[test]
fn what_a_situation_needs_is_asked_for_where_it_holds() {
    let mut apply = application(DIBAO, &["ID", "HK", "AUTH", "INC", "BANK"]);
    apply.situations = BTreeSet::from([id("MEDICAL")]);
    let story = Story::begins("2026-03-02 09:00").then(&resident(), CaseCommand::Submit(apply.clone()));
    let story = story.then(&clerk(), receive());
    story.refuses(&clerk(), accept(), Rejection::MaterialsIncomplete(vec![id("DIAG")]));

    apply.materials.extend(presented(&["DIAG"]));
    let story = Story::begins("2026-03-02 09:00").then(&resident(), CaseCommand::Submit(apply.clone()));
    story.then(&clerk(), receive()).then(&clerk(), accept());

    apply.situations.insert(id("MOONLIGHT"));
    let unknown = Rejection::UnknownSituation(id("MOONLIGHT"));
    Story::begins("2026-03-02 09:00").refuses(&resident(), CaseCommand::Submit(apply), unknown);
}

#[test]
fn applying_by_an_agent_is_a_situation_by_itself() {
    let mut apply = application(DIBAO, &["ID", "HK", "AUTH", "INC", "BANK"]);
    apply.applicant = party("s-grandmother");
    apply.agent = Some(party("s-applicant"));
    let story =
        Story::begins("2026-03-02 09:00").then(&resident(), CaseCommand::Submit(apply)).then(&clerk(), receive());
    story.refuses(&clerk(), accept(), Rejection::MaterialsIncomplete(vec![id("AGID")]));
}

#[test]
fn a_case_keeps_the_form_in_force_and_no_other() {
    let mut apply = application(DIBAO, &["ID"]);
    apply.form = Some(sealed("form"));
    apply.form_version = Some(1);
    let story = Story::begins("2026-03-02 09:00");
    let kept = story.clone().then(&resident(), CaseCommand::Submit(apply.clone()));
    assert_eq!(kept.case.application.unwrap().form_version, Some(1));
    apply.form_version = Some(2);
    story.clone().refuses(&resident(), CaseCommand::Submit(apply.clone()), Rejection::FormOutdated(1));
    apply.item = id("FZ-013");
    story.refuses(&resident(), CaseCommand::Submit(apply), Rejection::NoForm);
}

#[test]
fn a_second_application_of_the_same_person_is_marked() {
    let mut apply = application(LICENCE, ALL);
    apply.duplicate_of = Some(id("01ARZ3NDEKTSV4RRFFQ69G5FAV"));
    let story = Story::begins("2026-03-02 09:00").then(&resident(), CaseCommand::Submit(apply));
    story.marks(Anomaly::DuplicateApplication);
}

#[test]
fn applying_again_changes_nothing_and_another_application_is_refused() {
    let story = Story::submitted(LICENCE, ALL, "2026-03-02 09:00");
    let story = story.changes_nothing(&resident(), CaseCommand::Submit(application(LICENCE, ALL)));
    let mut other = application(LICENCE, ALL);
    other.number = id("other");
    story.refuses(&resident(), CaseCommand::Submit(other), Rejection::AlreadySubmitted);
}

#[test]
fn receipt_starts_the_window_of_five_working_days() {
    let story = Story::received(LICENCE, ALL, "2026-02-12 09:00").changes_nothing(&clerk(), receive());
    assert_eq!(story.case.phase, Phase::Received);
    let due = story.case.notice_due.unwrap();
    assert_eq!((due.start, due.date), (day("2026-02-12"), day("2026-02-26")));
    assert_eq!(story.case.receipt.unwrap().window, Some(id("C1")));
}

#[test]
fn intake_on_a_rest_day_is_seen() {
    let saturday = Story::received(LICENCE, ALL, "2026-09-19 10:00");
    assert!(saturday.case.receipt.unwrap().outside_hours);
    let monday = Story::received(LICENCE, ALL, "2026-09-14 10:00");
    assert!(!monday.case.receipt.unwrap().outside_hours);
}

#[test]
fn another_township_does_not_receive() {
    let stranger = actor(Role::Clerk, "stranger", OTHER_HALL);
    let story = Story::submitted(LICENCE, ALL, "2026-03-02 09:00");
    let story = story.refuses(&stranger, receive(), Rejection::OrganisationDoesNotHold);
    story.refuses(&resident(), receive(), Rejection::RoleMayNot(Role::Resident, crate::case::Action::Receive));
}

#[test]
fn materials_cannot_have_come_before_the_application_or_after_the_act() {
    let on = |day: chrono::NaiveDate| CaseCommand::Receive {
        receipt: id("R-1"),
        materials_received_on: Some(day),
        materials: Vec::new(),
        rating_code_digest: "digest".into(),
    };
    let story = Story::submitted(LICENCE, ALL, "2026-03-02 09:00").on("2026-03-04 09:00");
    let story = story.refuses(&clerk(), on(day("2026-03-01")), Rejection::OccurredBeforePredecessor);
    let story = story.refuses(&clerk(), on(day("2026-03-05")), Rejection::OccurredInFuture);
    assert_eq!(story.then(&clerk(), on(day("2026-03-03"))).case.notice_due.unwrap().start, day("2026-03-03"));
}

#[test]
fn being_told_that_no_application_is_needed_ends_the_case() {
    let told = CaseCommand::NotRequired { reason: sealed("no"), basis: "行政许可法 Art. 32(1)".into() };
    let story = Story::received(LICENCE, ALL, "2026-03-02 09:00").then(&clerk(), told.clone());
    let story = story.changes_nothing(&clerk(), told);
    let closing = story.case.closing.unwrap();
    assert_eq!((closing.kind, closing.accepted_on, closing.working_days), (ClosingKind::NotRequired, None, None));
    assert_eq!(closing.clerk, Some(id("clerk")));
}

#[test]
fn refusing_intake_names_the_competent_organ_and_ends_the_case() {
    let refuse = CaseCommand::RefuseIntake {
        reason: sealed("no"),
        competent_organ: "南丰县林业局".into(),
        notice: document("N-1"),
    };
    let story = Story::submitted(LICENCE, ALL, "2026-03-02 09:00");
    let story = story.refuses(&clerk(), refuse.clone(), Rejection::NotReceived).then(&clerk(), receive());
    let story = story.then(&clerk(), refuse);
    assert_eq!(story.case.closing.as_ref().unwrap().kind, ClosingKind::RefusedIntake);
    story.refuses(&clerk(), accept(), Rejection::AlreadyClosed);
}

#[test]
fn a_slip_is_put_right_on_the_spot() {
    let correct =
        |new: &str| CaseCommand::CorrectOnTheSpot { field: "phone".into(), old: sealed("1"), new: sealed(new) };
    let story = Story::received(LICENCE, ALL, "2026-03-02 09:00").then(&resident(), correct("2"));
    let story = story.changes_nothing(&resident(), correct("2")).then(&resident(), correct("3"));
    assert_eq!(story.case.phase, Phase::Received);
}

#[test]
fn a_notice_names_what_is_missing_and_waits() {
    let story = Story::received(LICENCE, &["FORM", "ID"], "2026-03-02 09:00");
    let story = story.refuses(&clerk(), notice("N-1", &[]), Rejection::NothingMissing);
    let story = story.refuses(&clerk(), notice("N-1", &["MARR"]), Rejection::UnknownMaterial(id("MARR")));
    let story = story.then(&clerk(), notice("N-1", &["HK", "SITE"])).changes_nothing(&clerk(), notice("N-1", &["HK"]));
    assert_eq!(story.case.phase, Phase::SupplementPending);
    story.marks_nothing().refuses(&clerk(), accept(), Rejection::WhileSupplementPending);
}

#[test]
fn a_second_notice_is_recorded_and_marked() {
    let story = Story::received(LICENCE, &["FORM", "ID"], "2026-03-02 09:00").then(&clerk(), notice("N-1", &["HK"]));
    let story = story.then(&clerk(), notice("N-2", &["SITE"])).marks(Anomaly::SecondNotice);
    assert_eq!(story.case.notices.len(), 2);
}

#[test]
fn a_notice_after_its_five_days_is_recorded_and_marked() {
    let story = Story::received(DIBAO, &["FORM", "ID"], "2026-03-02 09:00").on("2026-03-10 09:00");
    story.then(&clerk(), notice("N-1", &["HK"])).marks(Anomaly::LateNotice);
}

#[test]
fn a_supplement_brings_the_case_back_when_everything_is_there() {
    let story =
        Story::received(LICENCE, &["FORM", "ID"], "2026-03-02 09:00").then(&clerk(), notice("N-1", &["HK", "SITE"]));
    let story = story.on("2026-03-04 09:00").refuses(&resident(), supplement(&[]), Rejection::NothingSupplied);
    let story = story.then(&resident(), supplement(&["HK"])).changes_nothing(&resident(), supplement(&["HK"]));
    assert_eq!(story.case.phase, Phase::SupplementPending);
    let story = story.on("2026-03-05 09:00").then(&resident(), supplement(&["SITE"]));
    assert_eq!(story.case.phase, Phase::Received);
    assert_eq!(story.case.notice_due.as_ref().unwrap().start, day("2026-03-05"));
    // 受理之日 is the day on which all supplements were there.
    let story = story.on("2026-03-09 09:00").then(&clerk(), accept());
    assert_eq!(story.case.accepted_on(), Some(day("2026-03-05")));
}

#[test]
fn a_supplement_without_a_notice_is_refused() {
    let story = Story::received(LICENCE, ALL, "2026-03-02 09:00");
    story.refuses(&resident(), supplement(&["HK"]), Rejection::NoNoticeOpen);
}

#[test]
fn a_supplement_lapses_only_where_the_item_says_so_and_when_it_says_so() {
    let lapse = CaseCommand::Lapse { reminders: vec!["sms 2026-03-05".into()] };
    let story = Story::received(LICENCE, &["FORM"], "2026-03-02 09:00").then(&clerk(), notice("N-1", &["HK"]));
    story.refuses(&clerk(), lapse.clone(), Rejection::NeverLapses);

    let mut story = Story::begins("2026-03-02 09:00");
    story.city = super::time::city_where(LICENCE, |rules| rules.supplement_days = Some(5));
    let story = story.then(&resident(), CaseCommand::Submit(application(LICENCE, &["FORM"]))).then(&clerk(), receive());
    let story = story.then(&clerk(), notice("N-1", &["HK"])).on("2026-03-09 09:00");
    let story = story.refuses(&clerk(), lapse.clone(), Rejection::NotYetLapsed(day("2026-03-09")));
    let story = story.on("2026-03-10 09:00").then(&clerk(), lapse);
    assert_eq!(story.case.closing.unwrap().kind, ClosingKind::SupplementLapsed);
}

#[test]
fn acceptance_starts_both_clocks_and_names_the_steps_ahead() {
    let story = Story::licence_accepted("2026-06-18 09:00").changes_nothing(&clerk(), accept());
    assert_eq!(story.case.phase, Phase::Accepted);
    assert_eq!(story.case.clocks.legal.as_ref().unwrap().date, day("2026-07-17"));
    assert_eq!(story.case.clocks.promised.as_ref().unwrap().limit.days, 15);
    let steps: Vec<String> = story.case.acceptance.unwrap().steps.iter().map(ToString::to_string).collect();
    assert_eq!(steps, ["review", "decide", "make-result"]);
}

#[test]
fn incomplete_materials_are_not_accepted() {
    let story = Story::received(LICENCE, &["FORM", "ID"], "2026-03-02 09:00");
    // 村级意见 is produced inside government and not asked of the applicant.
    story.refuses(&clerk(), accept(), Rejection::MaterialsIncomplete(vec![id("HK"), id("SITE")]));
}

#[test]
fn only_tolerable_materials_can_be_brought_later() {
    let tolerant = |by, commitment| accept_as(AcceptanceKind::Tolerant, by, commitment);
    let by = Some(day("2026-03-20"));
    let food = Story::received("FZ-051", &["FORM", "BL", "ID", "SITE"], "2026-03-02 09:00");
    let food = food.refuses(&clerk(), tolerant(by, None), Rejection::CommitmentMissing);
    let food = food.refuses(&clerk(), tolerant(None, Some(document("P-1"))), Rejection::CommitmentMissing);
    let food = food.then(&clerk(), tolerant(by, Some(document("P-1"))));
    assert!(food.case.flags.tolerant);
    assert_eq!(food.case.promised_materials.len(), 1);
    let waiting = crate::case::duties(&food.case);
    assert!(waiting.iter().any(|duty| duty.kind == crate::case::DutyKind::Supplement && duty.due.date() == by));

    let licence = Story::received(LICENCE, &["FORM", "ID", "HK"], "2026-03-02 09:00");
    let refused = Rejection::NotTolerable(vec![id("SITE")]);
    licence.refuses(&clerk(), tolerant(by, Some(document("P-1"))), refused);
    let complete = Story::received(LICENCE, ALL, "2026-03-02 09:00");
    complete.refuses(&clerk(), tolerant(by, Some(document("P-1"))), Rejection::NothingToTolerate);
}

#[test]
fn a_commitment_needs_an_item_that_allows_it() {
    let commit = accept_as(AcceptanceKind::Commitment, None, Some(document("P-1")));
    let licence = Story::received(LICENCE, &["FORM", "ID", "HK"], "2026-03-02 09:00");
    licence.refuses(&clerk(), commit.clone(), Rejection::CommitmentNotAllowed);
    let dibao = Story::received(DIBAO, &["ID", "HK", "AUTH", "BANK"], "2026-03-02 09:00");
    assert!(dibao.then(&clerk(), commit).case.flags.commitment);
}

#[test]
fn nobody_accepts_by_deeming() {
    let story = Story::received(LICENCE, ALL, "2026-03-02 09:00");
    let deemed = accept_as(AcceptanceKind::Deemed, None, None);
    let story = story.refuses(&clerk(), deemed, Rejection::DeemedByRuleOnly);
    let role = Rejection::RoleMayNot(Role::Clerk, crate::case::Action::DeemAccepted);
    story.refuses(&clerk(), CaseCommand::DeemAccepted, role);
}

#[test]
fn silence_accepts_the_case_from_the_day_of_receipt() {
    let story = Story::received(LICENCE, &["FORM"], "2026-03-02 09:00").on("2026-03-09 23:59");
    let story = story.refuses(&system(), CaseCommand::DeemAccepted, Rejection::NotDeemable);
    let story = story.on("2026-03-10 00:00").then(&system(), CaseCommand::DeemAccepted);
    let story = story.changes_nothing(&system(), CaseCommand::DeemAccepted);
    assert!(story.case.flags.deemed_accepted);
    assert_eq!(story.case.accepted_on(), Some(day("2026-03-02")));
    assert_eq!(story.case.clocks.legal.as_ref().unwrap().start, day("2026-03-02"));
    // It is nobody's act, so nobody is kept from deciding by it.
    assert_eq!(story.case.acceptance.unwrap().by, None);
}

#[test]
fn silence_accepts_nothing_where_the_licensing_law_does_not_hold() {
    let story = Story::received(DIBAO, &["FORM"], "2026-03-02 09:00").on("2026-04-10 09:00");
    story.refuses(&system(), CaseCommand::DeemAccepted, Rejection::NotDeemable);
}

#[test]
fn a_notice_in_time_keeps_the_case_from_counting_as_accepted() {
    let story = Story::received(LICENCE, &["FORM"], "2026-03-02 09:00").then(&clerk(), notice("N-1", &["HK"]));
    let refused = Rejection::WhileSupplementPending;
    story.on("2026-03-20 09:00").refuses(&system(), CaseCommand::DeemAccepted, refused);
}

#[test]
fn whoever_accepts_too_late_records_what_the_law_has_accepted() {
    let story = Story::received(LICENCE, ALL, "2026-03-02 09:00").on("2026-03-12 09:00").then(&clerk(), accept());
    let acceptance = story.case.acceptance.as_ref().unwrap();
    assert_eq!((acceptance.kind, acceptance.effective_on), (AcceptanceKind::Deemed, day("2026-03-02")));
}

#[test]
fn refusing_too_late_is_refused_for_the_law_has_accepted() {
    let refuse =
        CaseCommand::RefuseIntake { reason: sealed("no"), competent_organ: "x".into(), notice: document("N-1") };
    let story = Story::received(LICENCE, ALL, "2026-03-02 09:00").on("2026-03-12 09:00");
    story.refuses(&clerk(), refuse, Rejection::AlreadyAccepted);
}

#[test]
fn a_timely_notice_keyed_in_later_takes_the_deemed_acceptance_back() {
    let story = Story::received(LICENCE, &["FORM"], "2026-03-02 09:00").on("2026-03-10 00:00");
    let story = story.then(&system(), CaseCommand::DeemAccepted).on("2026-03-11 09:00");
    let events = story.asked_of(at("2026-03-06 16:00"), &clerk(), &notice("N-1", &["HK"])).unwrap();
    let [CaseEvent::DeemedAcceptanceReversed(reversed), CaseEvent::OneTimeNoticeIssued(issued)] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!((reversed.evidence_on, reversed.effective_on), (day("2026-03-06"), day("2026-03-02")));
    assert_eq!((issued.stage, issued.anomalies.clone()), (NoticeStage::Intake, vec![Anomaly::LateEntry]));
    let story = story.then_of(at("2026-03-06 16:00"), &clerk(), notice("N-1", &["HK"]));
    assert_eq!((story.case.phase, story.case.accepted_on()), (Phase::SupplementPending, None));
    assert_eq!(story.case.clocks, crate::clock::Clocks::default());
}

#[test]
fn a_timely_acceptance_keyed_in_later_replaces_the_deemed_one() {
    let story = Story::received(LICENCE, ALL, "2026-03-02 09:00").on("2026-03-10 00:00");
    let story = story.then(&system(), CaseCommand::DeemAccepted).on("2026-03-11 09:00");
    let story = story.then_of(at("2026-03-05 16:00"), &clerk(), accept());
    let acceptance = story.case.acceptance.unwrap();
    assert_eq!((acceptance.kind, acceptance.effective_on), (AcceptanceKind::Normal, day("2026-03-05")));
    assert!(story.case.flags.deemed_reversed && !story.case.flags.deemed_accepted);
}

#[test]
fn evidence_from_after_the_window_takes_nothing_back() {
    let story = Story::received(LICENCE, ALL, "2026-03-02 09:00").on("2026-03-10 00:00");
    let story = story.then(&system(), CaseCommand::DeemAccepted).on("2026-03-12 09:00");
    assert_eq!(story.asked_of(at("2026-03-11 09:00"), &clerk(), &accept()), Err(Rejection::AlreadyAccepted));
}

#[test]
fn a_notice_during_review_is_marked_where_no_rule_knows_it() {
    let story = Story::licence_in_review("2026-03-02 09:00").then(&handler(), notice("N-1", &["SITE"]));
    let story = story.marks(Anomaly::ReviewNoticeWithoutBasis);
    let clocks = story.case.clocks.clone();
    let story = story.on("2026-03-09 09:00").then(&resident(), supplement(&["SITE"]));
    assert_eq!((story.case.phase, story.case.clocks), (Phase::InReview, clocks));
}

#[test]
fn a_notice_during_review_pauses_the_promise_where_the_items_law_says_so() {
    let mut story = Story::begins("2026-03-02 09:00");
    story.city = super::time::city_where(LICENCE, |rules| rules.review_notice_pauses = true);
    let story = story.then(&resident(), CaseCommand::Submit(application(LICENCE, ALL))).then(&clerk(), receive());
    let story = story.then(&clerk(), accept()).then(&clerk(), route(HALL)).on("2026-03-12 09:00");
    let story = story.then(&handler(), notice("N-1", &["SITE"])).marks_nothing();
    assert_eq!(story.case.pauses().promised, Some(day("2026-03-12")));
    let promised = story.case.clocks.promised.clone().unwrap();
    let story = story.on("2026-03-18 09:00").then(&resident(), supplement(&["SITE"]));
    let clocks = story.case.clocks;
    assert_eq!(clocks.promised.as_ref().unwrap().freezes.len(), 1);
    assert!(promised.date < clocks.promised.unwrap().date);
    assert!(clocks.legal.unwrap().freezes.is_empty());
}

use super::story::*;
use crate::actor::Role;
use crate::case::evidence::would_stand_for;
use crate::case::{CaseCommand, DataShareAsked, Phase, Rejection};
use crate::certificate::{Certificate, Reliance};
use crate::decider::Decider as _;
use crate::event::case::*;
use crate::event::certificate::{CertificateOrigin, CertificateRevoked, CertificateTakenIn, CertificateVerified};
use crate::event::evidence::DataShareOutcome;
use crate::event::{CaseEvent, CertificateEvent};
use crate::ids::{CertificateId, MaterialCode};
use std::collections::BTreeSet;
use ulid::Ulid;

fn taken_in(kind: &str, holder: &str) -> CertificateTakenIn {
    CertificateTakenIn {
        kind: id(kind),
        name_zh: "居民户口簿".into(),
        holder: party(holder),
        number: sealed("number"),
        issuer: "南丰县公安局".into(),
        origin: CertificateOrigin::Library { library: id("city") },
        organisation: id(CITY_HALL),
        issued_on: Some(day("2020-01-01")),
        valid_from: Some(day("2020-01-01")),
        valid_until: Some(day("2026-12-31")),
        trust: TrustLevel::A,
        verified_by: None,
        sha256: None,
    }
}

fn certificate(events: &[CertificateEvent]) -> Reliance {
    let mut state = Certificate::default();
    events.iter().for_each(|event| state.evolve(event));
    let certificate = CertificateId(Ulid::from_parts(1, 7));
    Reliance { certificate, version: events.len() as u64, state, snapshot_sha256: "hash".into() }
}

fn replace(code: &str, reliance: Reliance) -> CaseCommand {
    CaseCommand::ReplaceMaterial { code: id(code), reliance: Box::new(reliance) }
}

fn household() -> Reliance {
    certificate(&[taken_in("HK", "s-applicant").into()])
}

fn asked(outcome: DataShareOutcome) -> DataShareAsked {
    DataShareAsked {
        service: id("city-data"),
        dataset: "household-register".into(),
        about: id("s-applicant"),
        asked_at: at("2026-03-02 09:00"),
        answered_at: None,
        outcome,
        receipt: None,
        answer_sha256: None,
        snapshot: None,
    }
}

fn check_data(code: &str, outcome: DataShareOutcome) -> CaseCommand {
    CaseCommand::CheckDataShare { code: id(code), asked: Box::new(asked(outcome)) }
}

fn received_without_household() -> Story {
    Story::received(LICENCE, &["FORM", "ID", "SITE"], "2026-03-02 09:00")
}

#[test]
fn a_case_is_accepted_with_a_certificate_in_place_of_a_paper() {
    let story = received_without_household();
    story.clone().refuses(&clerk(), accept(), Rejection::MaterialsIncomplete(vec![id("HK")]));
    let story = story.then(&clerk(), replace("HK", household()));
    let relied_on = &story.case.relied_on[&id("HK")];
    assert_eq!((relied_on.certificate_version, relied_on.snapshot_sha256.as_str()), (1, "hash"));
    assert_eq!(relied_on.verified_by, Some(id("clerk")), "the issuer's own was taken over by whoever looked it up");
    let story = story.changes_nothing(&clerk(), replace("HK", household()));
    assert_eq!(story.then(&clerk(), accept()).case.phase, Phase::Accepted);
}

fn applying_with(named: Option<Reliance>) -> CaseCommand {
    let mut apply = application(LICENCE, &["FORM", "ID", "SITE"]);
    apply.materials.push(MaterialPresented { code: id("HK"), how: Presented::ECert, paper: None });
    apply.certificates.extend(named.map(|reliance| (id("HK"), reliance)));
    CaseCommand::Submit(apply)
}

#[test]
fn a_certificate_stands_for_a_paper_from_the_application_on() {
    let story = Story::begins("2026-03-02 09:00");
    let events = story.asked(&resident(), &applying_with(Some(household()))).unwrap();
    assert!(matches!(&events[..], [CaseEvent::CaseSubmitted(_), CaseEvent::MaterialReplacedByCertificate(_)]));
    let story = story.then(&resident(), applying_with(Some(household())));
    assert!(story.case.relied_on.contains_key(&id::<MaterialCode>("HK")));
    story.then(&clerk(), receive()).then(&clerk(), accept());
}

#[test]
fn an_electronic_certificate_is_named_wherever_it_is_claimed() {
    let unnamed = || Rejection::CertificateNotNamed(id("HK"));
    let story = Story::begins("2026-03-02 09:00").refuses(&resident(), applying_with(None), unnamed());
    let nobodys = Reliance { state: Certificate::default(), ..household() };
    let story = story.refuses(&resident(), applying_with(Some(nobodys)), Rejection::CertificateNotOnRecord);
    let anothers = certificate(&[taken_in("HK", "s-neighbour").into()]);
    story.refuses(&resident(), applying_with(Some(anothers)), Rejection::CertificateOfAnother);

    let claimed = vec![MaterialPresented { code: id("HK"), how: Presented::ECert, paper: None }];
    let notice = received_without_household().then(&clerk(), notice("N-1", &["HK"]));
    notice.refuses(&resident(), CaseCommand::Supplement { materials: claimed }, unnamed());
}

#[test]
fn whoever_compared_the_original_has_verified_it() {
    let upload =
        CertificateTakenIn { origin: CertificateOrigin::Holder, trust: TrustLevel::C, ..taken_in("HK", "s-applicant") };
    let compared = CertificateVerified { verified_by: id("colleague"), organisation: id(HALL) };
    let reliance = certificate(&[upload.into(), compared.into()]);
    let story = received_without_household().then(&resident(), replace("HK", reliance));
    assert_eq!(story.case.relied_on[&id("HK")].verified_by, Some(id("colleague")));
    let shown = received_without_household().then(&resident(), replace("HK", household()));
    assert_eq!(shown.case.relied_on[&id("HK")].verified_by, None, "its issuer vouches for it");
}

#[test]
fn a_certificate_that_does_not_stand_is_refused_by_the_rule_that_says_why() {
    let known = || taken_in("HK", "s-applicant");
    let revoked = CertificateRevoked {
        kind: RevocationKind::Cancelled,
        basis: "迁出".into(),
        on: day("2026-02-01"),
        reason: None,
    };
    let changed = |change: fn(&mut CertificateTakenIn)| {
        let mut certificate = known();
        change(&mut certificate);
        certificate
    };
    let table: [(Reliance, Rejection); 8] = [
        (certificate(&[]), Rejection::CertificateNotOnRecord),
        (certificate(&[known().into(), revoked.into()]), Rejection::CertificateRevoked(day("2026-02-01"))),
        (
            certificate(&[changed(|it| it.valid_until = Some(it.issued_on.unwrap())).into()]),
            Rejection::CertificateExpired(day("2020-01-01")),
        ),
        (
            certificate(&[changed(|it| it.valid_from = it.valid_until).into()]),
            Rejection::CertificateNotYetValid(day("2026-12-31")),
        ),
        (certificate(&[changed(|it| it.trust = TrustLevel::C).into()]), Rejection::CertificateNotCompared),
        (certificate(&[changed(|it| it.trust = TrustLevel::D).into()]), Rejection::CertificateOnlyDeclared),
        (certificate(&[taken_in("HK", "s-neighbour").into()]), Rejection::CertificateOfAnother),
        (certificate(&[taken_in("ID", "s-applicant").into()]), Rejection::CertificateOfAnotherKind(id("HK"))),
    ];
    for (reliance, rule) in table {
        received_without_household().refuses(&clerk(), replace("HK", reliance), rule);
    }
}

#[test]
fn only_what_can_be_replaced_is_replaced() {
    let story = received_without_household();
    let site = || certificate(&[taken_in("SITE", "s-applicant").into()]);
    story.clone().refuses(&clerk(), replace("SITE", site()), Rejection::MaterialNotReplaceable(id("SITE")));
    story.clone().refuses(&clerk(), replace("FOREST", household()), Rejection::UnknownMaterial(id("FOREST")));
    let confirmed = check_data("SITE", DataShareOutcome::Confirmed);
    story.refuses(&clerk(), confirmed, Rejection::MaterialNotReplaceable(id("SITE")));
}

#[test]
fn a_notice_says_what_nobody_need_have_been_asked_for() {
    let held = [household().state, certificate(&[taken_in("ID", "s-applicant").into()]).state];
    let version = CITY.catalogue.in_force(&id(LICENCE), day("2026-03-02")).unwrap();
    let materials = &version.definition.materials;
    let rules = &CITY.policies.at(day("2026-03-02")).rules;
    let in_library = would_stand_for(&held, materials, rules, day("2026-03-02"));
    assert_eq!(in_library, BTreeSet::from([id("HK"), id("ID")]));
    let expired = would_stand_for(&held, materials, rules, day("2027-01-01"));
    assert_eq!(expired, BTreeSet::new(), "what is over stands for nothing");

    let missing = ["HK", "SITE", "HK"].map(|code| Missing { code: id(code), defect: None }).to_vec();
    let asks = CaseCommand::IssueNotice { number: id("N-1"), missing, in_library, method: "hand".into() };
    let events = received_without_household().asked(&clerk(), &asks).unwrap();
    let [CaseEvent::OneTimeNoticeIssued(notice)] = &events[..] else { panic!("another act: {events:?}") };
    assert_eq!(notice.in_library, [id("HK")], "only what it asks for, and each once");
}

#[test]
fn a_certificate_that_a_notice_asked_for_completes_the_supplement() {
    let story = received_without_household().then(&clerk(), notice("N-1", &["HK"]));
    assert_eq!(story.case.phase, Phase::SupplementPending);
    let events = story.asked(&resident(), &replace("HK", household())).unwrap();
    assert!(matches!(&events[..], [CaseEvent::MaterialReplacedByCertificate(_), CaseEvent::SupplementProvided(_)]));
    let story = story.then(&resident(), replace("HK", household()));
    assert_eq!((story.case.phase, story.case.outstanding.len()), (Phase::Received, 0));
}

#[test]
fn the_citys_data_stand_for_a_paper_when_they_confirm_it() {
    let story = received_without_household().then(&clerk(), check_data("HK", DataShareOutcome::Confirmed));
    assert_eq!(story.case.materials[&id("HK")].how, Presented::DataShare);
    story.changes_nothing(&clerk(), check_data("HK", DataShareOutcome::Confirmed)).then(&clerk(), accept());
}

#[test]
fn an_answer_that_never_came_is_on_record_and_the_case_goes_on() {
    for outcome in DataShareOutcome::ALL.into_iter().filter(|outcome| *outcome != DataShareOutcome::Confirmed) {
        let story = received_without_household().then(&clerk(), check_data("HK", outcome));
        assert_eq!(story.case.data_shares[&1].outcome, outcome);
        let story = story.refuses(&clerk(), accept(), Rejection::MaterialsIncomplete(vec![id("HK")]));
        story.then(&clerk(), replace("HK", household())).then(&clerk(), accept());
    }
}

fn applying_by_data(asked: Option<DataShareAsked>) -> CaseCommand {
    let mut apply = application(LICENCE, &["FORM", "ID", "SITE"]);
    apply.materials.push(MaterialPresented { code: id("HK"), how: Presented::DataShare, paper: None });
    apply.data_shares.extend(asked.map(|asked| (id("HK"), asked)));
    CaseCommand::Submit(apply)
}

#[test]
fn the_citys_data_stand_for_a_paper_from_the_application_on() {
    let story = Story::begins("2026-03-02 09:00");
    let confirmed = applying_by_data(Some(asked(DataShareOutcome::Confirmed)));
    let events = story.asked(&clerk(), &confirmed).unwrap();
    let [CaseEvent::CaseSubmitted(submitted), CaseEvent::DataShareChecked(checked)] = &events[..] else {
        panic!("another act: {events:?}");
    };
    assert!(submitted.materials.iter().all(|material| material.code != id("HK")), "its answer tells of it");
    assert_eq!((checked.check, &checked.code), (1, &id("HK")));
    let story = story.then(&clerk(), confirmed);
    assert_eq!(story.case.materials[&id("HK")].how, Presented::DataShare);
    story.then(&clerk(), receive()).then(&clerk(), accept());
}

#[test]
fn an_application_whose_data_say_nothing_goes_on_without_that_paper() {
    for outcome in DataShareOutcome::ALL.into_iter().filter(|outcome| *outcome != DataShareOutcome::Confirmed) {
        let story = Story::begins("2026-03-02 09:00").then(&clerk(), applying_by_data(Some(asked(outcome))));
        assert_eq!(story.case.data_shares[&1].outcome, outcome);
        let incomplete = Rejection::MaterialsIncomplete(vec![id("HK")]);
        story.then(&clerk(), receive()).refuses(&clerk(), accept(), incomplete);
    }
}

#[test]
fn that_the_citys_data_would_say_so_stands_for_nothing_wherever_it_is_claimed() {
    let unasked = || Rejection::DataShareNotAsked(id("HK"));
    let story = Story::begins("2026-03-02 09:00").refuses(&clerk(), applying_by_data(None), unasked());
    // Residents ask no data, and an answer about somebody else is none.
    let confirmed = asked(DataShareOutcome::Confirmed);
    let role = Rejection::RoleMayNot(Role::Resident, crate::case::Action::CheckDataShare);
    let story = story.refuses(&resident(), applying_by_data(Some(confirmed.clone())), role);
    let about = DataShareAsked { about: id("s-neighbour"), ..confirmed };
    story.refuses(&clerk(), applying_by_data(Some(about)), Rejection::DataShareAboutAnother);

    let claimed = || vec![MaterialPresented { code: id("HK"), how: Presented::DataShare, paper: None }];
    let receiving = CaseCommand::Receive {
        receipt: id("R-1"),
        materials_received_on: None,
        materials: claimed(),
        rating_code_digest: "digest".into(),
    };
    let submitted = Story::begins("2026-03-02 09:00")
        .then(&clerk(), CaseCommand::Submit(application(LICENCE, &["FORM", "ID", "SITE"])));
    let submitted = submitted.refuses(&clerk(), receiving.clone(), unasked());
    submitted.then(&clerk(), check_data("HK", DataShareOutcome::Confirmed)).then(&clerk(), receiving);

    let notice = received_without_household().then(&clerk(), notice("N-1", &["HK"]));
    notice.refuses(&resident(), CaseCommand::Supplement { materials: claimed() }, unasked());
}

#[test]
fn what_was_once_taken_as_claimed_is_not_judged_by_todays_rule() {
    let applying = CaseCommand::Submit(application(LICENCE, &["FORM", "ID", "SITE"]));
    let events = Story::begins("2026-03-02 09:00").asked(&clerk(), &applying).unwrap();
    let [CaseEvent::CaseSubmitted(body)] = &events[..] else { panic!("another act: {events:?}") };
    let mut body = body.clone();
    body.materials.push(MaterialPresented { code: id("HK"), how: Presented::DataShare, paper: None });
    let unopened = crate::case::Case::default();
    assert_eq!(unopened.again(&[&body.into()], &clerk()), crate::case::Again::Stands);
}

#[test]
fn data_are_asked_about_nobody_without_a_part_in_the_case() {
    let about = DataShareAsked { about: id("s-neighbour"), ..asked(DataShareOutcome::Confirmed) };
    let command = CaseCommand::CheckDataShare { code: id("HK"), asked: Box::new(about) };
    received_without_household().refuses(&clerk(), command, Rejection::DataShareAboutAnother);
}

#[test]
fn residents_show_certificates_and_ask_no_data() {
    let asks = check_data("HK", DataShareOutcome::Confirmed);
    let rule = Rejection::RoleMayNot(Role::Resident, crate::case::Action::CheckDataShare);
    received_without_household().refuses(&resident(), asks, rule);
}

#[test]
fn a_case_is_certificate_free_when_no_replaceable_paper_was_handed_in() {
    let told = CaseCommand::NotRequired { reason: sealed("no"), basis: "Art. 32(1)".into() };
    let paperless = |story: Story| story.then(&clerk(), told.clone()).case.closing.unwrap().paperless;
    // The plot sketch has no substitute, so it is no certificate that could have been spared.
    let spared = Story::received(LICENCE, &["SITE"], "2026-03-02 09:00");
    assert!(paperless(spared.clone().then(&clerk(), replace("HK", household()))));
    assert!(!paperless(received_without_household().then(&clerk(), replace("HK", household()))), "the ID was on paper");
    let supplemented = spared.then(&clerk(), notice("N-1", &["ID"])).then(&clerk(), supplement(&["ID"]));
    assert!(!paperless(supplemented));
}

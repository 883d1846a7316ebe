use super::*;
use crate::testing::{REFERENCE, actor, at, context, day, sealed};

const NOW: (&str, &str) = ("2026-03-02", "09:00:00");

fn holder(subject: &str) -> Party {
    let person = Sealed { subject: subject.parse().unwrap(), cipher: "a1.person".into() };
    Party { subject: subject.parse().unwrap(), kind: crate::sealed::PartyKind::NaturalPerson, age_band: None, person }
}

fn library() -> CertificateOrigin {
    CertificateOrigin::Library { library: "city".parse().unwrap() }
}

fn content(origin: CertificateOrigin, trust: TrustLevel) -> CertificateTakenIn {
    CertificateTakenIn {
        kind: "DIS".parse().unwrap(),
        name_zh: "残疾人证".into(),
        holder: holder("p-1"),
        number: sealed("number"),
        issuer: "南丰县残疾人联合会".into(),
        origin,
        organisation: "361023100".parse().unwrap(),
        issued_on: Some(day("2020-05-06")),
        valid_from: Some(day("2020-05-06")),
        valid_until: Some(day("2030-05-05")),
        trust,
        verified_by: None,
        sha256: None,
    }
}

fn coming(certificate: CertificateTakenIn) -> CertificateCommand {
    CertificateCommand::TakeIn(Box::new(TakeIn { certificate, revoked: None }))
}

fn revocation(on: &str) -> CertificateRevoked {
    CertificateRevoked { kind: RevocationKind::Cancelled, basis: "证照库 city".into(), on: day(on), reason: None }
}

fn revoke(on: &str) -> CertificateCommand {
    let CertificateRevoked { kind, basis, on, reason } = revocation(on);
    CertificateCommand::Revoke { kind, basis, on, reason }
}

fn after(given: &[CertificateEvent]) -> Certificate {
    let mut certificate = Certificate::default();
    given.iter().for_each(|event| certificate.evolve(event));
    certificate
}

#[track_caller]
fn check(
    given: &[CertificateEvent],
    by: Role,
    when: &CertificateCommand,
    then: Result<Vec<CertificateEvent>, Rejection>,
) {
    let by = actor(if by == Role::Resident { "p-1" } else { "S1" }, by);
    assert_eq!(after(given).decide(when, &context(at(NOW.0, NOW.1), &by, &REFERENCE)), then);
}

#[test]
fn a_library_gives_certificates_and_giving_them_again_adds_nothing() {
    let given = content(library(), TrustLevel::A);
    check(&[], Role::Admin, &coming(given.clone()), Ok(vec![given.clone().into()]));
    check(&[given.clone().into()], Role::Admin, &coming(given), Ok(vec![]));
}

#[test]
fn what_a_library_has_learnt_since_is_recorded_and_nothing_else() {
    let known = content(library(), TrustLevel::A);
    let longer = CertificateTakenIn { valid_until: Some(day("2036-05-05")), ..known.clone() };
    let renewed =
        CertificateRenewed { old_valid_until: known.valid_until, valid_until: longer.valid_until, sha256: None };
    check(&[known.clone().into()], Role::Admin, &coming(longer), Ok(vec![renewed.into()]));
    let take_in = TakeIn { certificate: known.clone(), revoked: Some(revocation("2026-03-01")) };
    let revoked = CertificateCommand::TakeIn(Box::new(take_in));
    check(&[known.clone().into()], Role::Admin, &revoked, Ok(vec![revocation("2026-03-01").into()]));
    check(&[known.into(), revocation("2026-03-01").into()], Role::Admin, &revoked, Ok(vec![]));
}

#[test]
fn what_was_revoked_does_not_come_back() {
    let known = content(library(), TrustLevel::A);
    let given = [known.clone().into(), revocation("2026-03-01").into()];
    check(&given, Role::Admin, &coming(known), Err(Rejection::RevokedForGood));
}

#[test]
fn the_same_certificate_has_one_holder_and_one_origin() {
    let known = content(library(), TrustLevel::A);
    let other = CertificateTakenIn { holder: holder("p-2"), ..known.clone() };
    check(&[known.clone().into()], Role::Admin, &coming(other), Err(Rejection::HolderDiffers));
    let seen = content(CertificateOrigin::Window, TrustLevel::B);
    check(&[known.into()], Role::Clerk, &coming(seen), Err(Rejection::AlreadyOnRecord));
}

#[test]
fn days_that_cannot_be_are_refused() {
    let reversed = CertificateTakenIn { valid_until: Some(day("2019-01-01")), ..content(library(), TrustLevel::A) };
    check(&[], Role::Admin, &coming(reversed), Err(Rejection::ValidityReversed));
    let ahead = CertificateTakenIn {
        issued_on: Some(day("2026-03-03")),
        valid_from: None,
        ..content(library(), TrustLevel::A)
    };
    check(&[], Role::Admin, &coming(ahead), Err(Rejection::DayToCome));
}

#[test]
fn everybody_vouches_as_far_as_they_can() {
    use CertificateOrigin::{Holder, Window};
    let table = [
        (Role::Admin, library(), TrustLevel::A, None),
        (Role::Clerk, library(), TrustLevel::A, Some(Rejection::NotForThisRole)),
        (Role::Clerk, Window, TrustLevel::B, None),
        (Role::Clerk, Window, TrustLevel::A, Some(Rejection::TrustTooHigh)),
        (Role::Resident, Holder, TrustLevel::C, None),
        (Role::Resident, Holder, TrustLevel::D, None),
        (Role::Resident, Holder, TrustLevel::B, Some(Rejection::TrustTooHigh)),
        (Role::Resident, Window, TrustLevel::B, Some(Rejection::NotForThisRole)),
        (Role::Analyst, library(), TrustLevel::A, Some(Rejection::NotForThisRole)),
    ];
    for (role, origin, trust, refused) in table {
        let given = content(origin, trust);
        let then = refused.map_or_else(|| Ok(vec![given.clone().into()]), Err);
        check(&[], role, &coming(given), then);
    }
    let anothers = CertificateTakenIn { holder: holder("p-2"), ..content(Holder, TrustLevel::C) };
    check(&[], Role::Resident, &coming(anothers), Err(Rejection::NotForThisRole));
}

#[test]
fn an_upload_that_was_compared_with_the_original_can_be_used_again() {
    let upload = content(CertificateOrigin::Holder, TrustLevel::C);
    let verified =
        CertificateVerified { verified_by: "S1".parse().unwrap(), organisation: "361023100".parse().unwrap() };
    check(&[upload.clone().into()], Role::Clerk, &CertificateCommand::Verify, Ok(vec![verified.clone().into()]));
    let known = [upload.into(), verified.into()];
    check(&known, Role::Clerk, &CertificateCommand::Verify, Ok(vec![]));
    let content = after(&known).content.unwrap();
    assert_eq!((content.trust, content.verified_by), (TrustLevel::B, Some("S1".parse().unwrap())));
}

#[test]
fn what_is_only_declared_has_no_original() {
    let declared = content(CertificateOrigin::Holder, TrustLevel::D);
    check(&[declared.into()], Role::Clerk, &CertificateCommand::Verify, Err(Rejection::NoOriginal));
    check(&[], Role::Clerk, &CertificateCommand::Verify, Err(Rejection::NotOnRecord));
}

#[test]
fn whoever_issued_it_revokes_it_once() {
    let seen = content(CertificateOrigin::Window, TrustLevel::B);
    check(&[seen.clone().into()], Role::Chief, &revoke("2026-03-01"), Ok(vec![revocation("2026-03-01").into()]));
    check(&[seen.clone().into()], Role::Clerk, &revoke("2026-03-01"), Err(Rejection::NotForThisRole));
    check(&[seen.clone().into()], Role::Chief, &revoke("2026-03-03"), Err(Rejection::DayToCome));
    let elsewhere = CertificateTakenIn { organisation: "361023101".parse().unwrap(), ..seen.clone() };
    check(&[elsewhere.into()], Role::Chief, &revoke("2026-03-01"), Err(Rejection::IssuedElsewhere));
    let of_the_library = content(library(), TrustLevel::A);
    check(&[of_the_library.into()], Role::Chief, &revoke("2026-03-01"), Err(Rejection::IssuedElsewhere));
    let gone = [seen.into(), revocation("2026-03-01").into()];
    check(&gone, Role::Chief, &revoke("2026-03-01"), Ok(vec![]));
    check(&gone, Role::Chief, &revoke("2026-02-01"), Err(Rejection::AlreadyRevoked));
}

#[test]
fn a_certificate_stands_from_its_first_day_through_its_last() {
    let known = content(library(), TrustLevel::A);
    let mut certificate = after(&[known.into()]);
    let seen = |certificate: &Certificate, on: &str| certificate.state(day(on)).unwrap();
    assert_eq!(seen(&certificate, "2020-05-05"), CertificateState::NotYetValid);
    assert_eq!(seen(&certificate, "2020-05-06"), CertificateState::Valid);
    assert_eq!(seen(&certificate, "2030-05-05"), CertificateState::Valid);
    assert_eq!(seen(&certificate, "2030-05-06"), CertificateState::Expired);
    certificate.evolve(&revocation("2026-03-01").into());
    assert_eq!(seen(&certificate, "2026-02-28"), CertificateState::Valid);
    assert_eq!(seen(&certificate, "2026-03-01"), CertificateState::Revoked);
    assert_eq!(Certificate::default().state(day("2026-03-01")), None);
}

#[test]
fn the_snapshot_changes_with_whatever_is_recorded() {
    let known = content(library(), TrustLevel::A);
    let before = after(&[known.clone().into()]);
    assert_eq!(before.snapshot(), after(&[known.clone().into()]).snapshot());
    assert_ne!(before.snapshot(), after(&[known.into(), revocation("2026-03-01").into()]).snapshot());
}

#[test]
fn a_result_is_a_certificate_of_the_kind_its_item_makes() {
    let made = |item: &str| {
        let made = ResultMade {
            name: "低保证".into(),
            number: "ZZ-1".parse().unwrap(),
            valid_until: None,
            issuer: "361023100".parse().unwrap(),
            sha256: None,
            anomalies: Vec::new(),
        };
        let rules = &REFERENCE.policies.at(day("2026-03-02")).rules;
        let (case, item) = (CaseId(ulid::Ulid::from_parts(1, 1)), item.parse().unwrap());
        of_result(case, &item, &made, holder("p-1"), sealed("ZZ-1"), day("2026-03-02"), rules).kind.to_string()
    };
    assert_eq!(made("FZ-001"), "DIB");
    // An item that the list of kinds does not know makes a kind of its own.
    assert_eq!(made("FZ-046"), "FZ-046");
}

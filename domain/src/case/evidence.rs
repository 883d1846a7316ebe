//! 免证办: what stands for a paper. A certificate is relied on as it was at one version of its stream; the city's data are
//! asked, and whatever came of it is on record.

use super::Rejection;
use super::decide::Decided;
use super::desk::Desk;
use super::intake::requirement;
use super::review::next_number;
use super::state::Case;
use crate::actor::Role;
use crate::certificate::{Certificate, CertificateState, Content, Reliance, stands_for};
use crate::event::CaseEvent;
use crate::event::case::{MaterialPresented, Presented, TrustLevel};
use crate::event::evidence::{DataShareChecked, DataShareOutcome, MaterialReplacedByCertificate};
use crate::event::item::{MaterialRequirement, Replacement};
use crate::event::policy::PolicyRules;
use crate::ids::{ExternalNumber, MaterialCode, SourceName, SubjectId};
use crate::sealed::{Party, Sealed};
use crate::zone::Instant;
use chrono::NaiveDate;
use std::collections::BTreeSet;

/// What the city's data were asked, and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct DataShareAsked {
    /// Which service.
    pub service: SourceName,
    /// For which data.
    pub dataset: String,
    /// About whom.
    pub about: SubjectId,
    /// When.
    pub asked_at: Instant,
    /// When the answer was there.
    pub answered_at: Option<Instant>,
    /// What came of it.
    pub outcome: DataShareOutcome,
    /// The service's own number for it.
    pub receipt: Option<ExternalNumber>,
    /// SHA-256 of the answer, keyed.
    pub answer_sha256: Option<String>,
    /// The answer as it came.
    pub snapshot: Option<Sealed>,
}

/// Returns whether anything stands for this material: what must be submitted has no substitute, and what is made or asked
/// inside government is asked of nobody.
#[must_use]
pub fn is_replaceable(material: &MaterialRequirement) -> bool {
    match material.replaceable_by {
        Replacement::ECert | Replacement::DataShare | Replacement::Commitment | Replacement::Partial => true,
        Replacement::Generated | Replacement::Internal | Replacement::None => false,
    }
}

/// Judges whether a certificate may be relied on for a material, on this day.
///
/// # Errors
/// The first rule that refuses it.
pub fn may_stand_for<'a>(
    certificate: &'a Certificate,
    material: &MaterialRequirement,
    rules: &PolicyRules,
    day: NaiveDate,
) -> Result<&'a Content, Rejection> {
    let (Some(content), Some(state)) = (certificate.content.as_ref(), certificate.state(day)) else {
        return Err(Rejection::CertificateNotOnRecord);
    };
    if !is_replaceable(material) {
        return Err(Rejection::MaterialNotReplaceable(material.code.clone()));
    }
    if !stands_for(rules, &content.kind, &material.code) {
        return Err(Rejection::CertificateOfAnotherKind(material.code.clone()));
    }
    let on = |day: Option<NaiveDate>| day.unwrap_or_default();
    match state {
        CertificateState::Revoked => {
            return Err(Rejection::CertificateRevoked(on(certificate.revoked.as_ref().map(|revoked| revoked.on))));
        }
        CertificateState::NotYetValid => return Err(Rejection::CertificateNotYetValid(on(content.valid_from))),
        CertificateState::Expired => return Err(Rejection::CertificateExpired(on(content.valid_until))),
        CertificateState::Valid => (),
    }
    match content.trust {
        TrustLevel::A | TrustLevel::B => Ok(content),
        TrustLevel::C => Err(Rejection::CertificateNotCompared),
        TrustLevel::D => Err(Rejection::CertificateOnlyDeclared),
    }
}

/// Returns for which materials some of these certificates would stand, on this day.
#[must_use]
pub fn would_stand_for(
    certificates: &[Certificate],
    materials: &[MaterialRequirement],
    rules: &PolicyRules,
    day: NaiveDate,
) -> BTreeSet<MaterialCode> {
    let stands = |material: &&MaterialRequirement| {
        certificates.iter().any(|certificate| may_stand_for(certificate, material, rules, day).is_ok())
    };
    materials.iter().filter(stands).map(|material| material.code.clone()).collect()
}

impl Case {
    /// Returns everybody who has a part in the case.
    pub fn parties(&self) -> impl Iterator<Item = &Party> {
        let application = self.application.iter();
        application.flat_map(|it| std::iter::once(&it.applicant).chain(&it.agent).chain(&it.beneficiaries))
    }

    /// Returns whether the city's data were asked instead of this material, and confirmed it.
    #[must_use]
    pub fn is_confirmed_by_data(&self, code: &MaterialCode) -> bool {
        let mut checks = self.data_shares.values();
        checks.any(|check| check.code == *code && check.outcome == DataShareOutcome::Confirmed)
    }

    pub(super) fn replaced(&mut self, body: &MaterialReplacedByCertificate) {
        self.take_materials(&[presented(&body.code, Presented::ECert)]);
        self.relied_on.insert(body.code.clone(), body.clone());
    }

    pub(super) fn data_share_checked(&mut self, body: &DataShareChecked) {
        if body.outcome == DataShareOutcome::Confirmed {
            self.take_materials(&[presented(&body.code, Presented::DataShare)]);
        }
        self.data_shares.insert(body.check, body.clone());
    }
}

impl Desk<'_> {
    /// 免证: a certificate stands for a paper.
    pub(super) fn replace_material(&self, code: &MaterialCode, reliance: &Reliance) -> Decided {
        let material = requirement(self.version, code)?;
        let content = may_stand_for(&reliance.state, material, &self.counting.policy.rules, self.day)?;
        if !self.has_part(&content.holder.subject) {
            return Err(Rejection::CertificateOfAnother);
        }
        let by_staff = self.actor.role != Role::Resident;
        let replaced = MaterialReplacedByCertificate {
            code: code.clone(),
            certificate: reliance.certificate,
            certificate_version: reliance.version,
            kind: content.kind.clone(),
            subject: content.holder.subject.clone(),
            issuer: content.issuer.clone(),
            trust: content.trust,
            valid_until: content.valid_until,
            verified_by: content.verified_by.clone().or_else(|| by_staff.then(|| self.actor.id.clone())),
            snapshot_sha256: reliance.snapshot_sha256.clone(),
            dimensions: self.dimensions(),
        };
        self.supplied(replaced.into(), code, Presented::ECert)
    }

    /// 数据共享: the city's data were asked instead.
    pub(super) fn check_data_share(&self, code: &MaterialCode, asked: &DataShareAsked) -> Decided {
        let material = requirement(self.version, code)?;
        if !is_replaceable(material) {
            return Err(Rejection::MaterialNotReplaceable(code.clone()));
        }
        if !self.has_part(&asked.about) {
            return Err(Rejection::DataShareAboutAnother);
        }
        let checked = DataShareChecked {
            check: next_number(self.case.data_shares.keys()),
            code: code.clone(),
            service: asked.service.clone(),
            dataset: asked.dataset.clone(),
            subject: asked.about.clone(),
            asked_at: asked.asked_at,
            answered_at: asked.answered_at,
            outcome: asked.outcome,
            receipt: asked.receipt.clone(),
            answer_sha256: asked.answer_sha256.clone(),
            snapshot: asked.snapshot.clone(),
            dimensions: self.dimensions(),
        };
        match asked.outcome {
            DataShareOutcome::Confirmed => self.supplied(checked.into(), code, Presented::DataShare),
            DataShareOutcome::NotFound
            | DataShareOutcome::Mismatch
            | DataShareOutcome::Refused
            | DataShareOutcome::TimedOut
            | DataShareOutcome::Unreachable
            | DataShareOutcome::Unreadable => Ok(vec![checked.into()]),
        }
    }

    /// What stands for a paper that a notice asked for is a supplement too, with everything that follows from one.
    fn supplied(&self, event: CaseEvent, code: &MaterialCode, how: Presented) -> Decided {
        let asked_for = self.case.open_notice().is_some() && self.case.outstanding.contains(code);
        let supplement = if asked_for { self.supplemented(&[presented(code, how)])? } else { Vec::new() };
        Ok(std::iter::once(event).chain(supplement).collect())
    }

    fn has_part(&self, subject: &SubjectId) -> bool {
        self.case.parties().any(|party| party.subject == *subject)
    }
}

fn presented(code: &MaterialCode, how: Presented) -> MaterialPresented {
    MaterialPresented { code: code.clone(), how, paper: None }
}

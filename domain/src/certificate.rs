//! 电子证照: one certificate, from issue to revocation, and what may be relied on.
//!
//! How far a certificate can be relied on is its trust level (国办函〔2016〕108号): A is the issuer's own and usable directly, B was
//! compared with the original at a window and can be used again, C was uploaded and must still be compared, D is the
//! holder's own word.

use crate::actor::{Actor, Role};
use crate::decider::{Context, Decider};
use crate::event::CertificateEvent;
use crate::event::case::{ResultMade, RevocationKind, TrustLevel};
use crate::event::certificate::{
    CertificateIssued, CertificateOrigin, CertificateRenewed, CertificateRevoked, CertificateTakenIn,
    CertificateVerified,
};
use crate::event::policy::PolicyRules;
use crate::ids::{CaseId, CertificateId, CertificateKind, ItemId, MaterialCode, OrganisationId, StaffId};
use crate::sealed::{Party, Sealed};
use crate::zone::day_of;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// One certificate's stream.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// What it says; absent before anything happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
    /// Why it no longer stands, where it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<CertificateRevoked>,
}

/// What a certificate says, as renewed and verified since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// 证照类型.
    pub kind: CertificateKind,
    /// 证照名称.
    pub name_zh: String,
    /// 持证人.
    pub holder: Party,
    /// 证照编号, sealed.
    pub number: Sealed,
    /// 颁发机构, as the certificate says; of one made here, the organisation's code.
    pub issuer: String,
    /// The organisation that issued it here, or took it in.
    pub organisation: OrganisationId,
    /// The case whose result it is, where it was made here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<CaseId>,
    /// From where it was taken in, where it was not made here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<CertificateOrigin>,
    /// 颁发日期.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_on: Option<NaiveDate>,
    /// Valid from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<NaiveDate>,
    /// Valid until, where limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<NaiveDate>,
    /// How far it can be relied on.
    pub trust: TrustLevel,
    /// Who compared it with the original, where somebody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_by: Option<StaffId>,
    /// SHA-256 of its bytes, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// Whether a certificate stands, on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateState {
    /// 有效.
    Valid,
    /// 尚未生效.
    NotYetValid,
    /// 已过期.
    Expired,
    /// 已撤销、变更或注销.
    Revoked,
}

impl CertificateState {
    /// Returns the name, and the label in Chinese.
    #[must_use]
    pub fn names(self) -> [&'static str; 2] {
        match self {
            Self::Valid => ["valid", "有效"],
            Self::NotYetValid => ["not-yet-valid", "尚未生效"],
            Self::Expired => ["expired", "已过期"],
            Self::Revoked => ["revoked", "已失效"],
        }
    }
}

/// A certificate as somebody relies on it: its stream at a version, and the hash of what was seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Reliance {
    /// Which.
    pub certificate: CertificateId,
    /// The version of its stream.
    pub version: u64,
    /// It, at that version.
    pub state: Certificate,
    /// SHA-256 of what was seen, keyed.
    pub snapshot_sha256: String,
}

/// What may be asked of a certificate.
#[derive(Debug, Clone, PartialEq)]
pub enum CertificateCommand {
    /// Take it in, or learn what is new of it.
    TakeIn(Box<TakeIn>),
    /// Compare it with the original.
    Verify,
    /// Let it no longer stand.
    Revoke {
        /// How.
        kind: RevocationKind,
        /// The legal basis.
        basis: String,
        /// Since when.
        on: NaiveDate,
        /// Why.
        reason: Option<Sealed>,
    },
}

/// A certificate as it comes in, and whether its library says that it still stands.
#[derive(Debug, Clone, PartialEq)]
pub struct TakeIn {
    /// What it says.
    pub certificate: CertificateTakenIn,
    /// It no longer stands, says its library.
    pub revoked: Option<CertificateRevoked>,
}

/// The rule that refuses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CertificateRejection {
    /// There is no such certificate.
    #[error("there is no such certificate")]
    NotOnRecord,
    /// The role does not do this.
    #[error("this role does not do this with certificates")]
    NotForThisRole,
    /// Its end lies before its beginning.
    #[error("a certificate cannot end before it begins")]
    ValidityReversed,
    /// Issued, or revoked, later than today.
    #[error("a certificate cannot be issued or revoked on a day to come")]
    DayToCome,
    /// The role cannot vouch for so much.
    #[error("this role cannot state so high a trust level")]
    TrustTooHigh,
    /// The same certificate is on record for somebody else.
    #[error("the same certificate is on record for another holder")]
    HolderDiffers,
    /// What was revoked does not come back.
    #[error("a revoked certificate does not come back; it must be issued anew")]
    RevokedForGood,
    /// It no longer stands.
    #[error("the certificate no longer stands")]
    AlreadyRevoked,
    /// Whoever issued it revokes it.
    #[error("a certificate is revoked by the organisation that issued it, or by its library")]
    IssuedElsewhere,
    /// What its holder only declares has no original.
    #[error("what its holder only declares has no original to compare with")]
    NoOriginal,
    /// It was made here before, or taken in otherwise.
    #[error("the certificate is on record already")]
    AlreadyOnRecord,
}

use CertificateCommand as Command;
use CertificateRejection as Rejection;

impl Decider for Certificate {
    type Command = CertificateCommand;
    type Event = CertificateEvent;
    type Rejection = CertificateRejection;

    fn decide(&self, command: &Command, context: &Context<'_>) -> Result<Vec<CertificateEvent>, Rejection> {
        match (&self.content, command) {
            (None, Command::TakeIn(coming)) => take_in(coming, context),
            (Some(known), Command::TakeIn(coming)) => self.learn(known, coming, context),
            (None, Command::Verify | Command::Revoke { .. }) => Err(Rejection::NotOnRecord),
            (Some(known), Command::Verify) => self.verify(known, context.actor),
            (Some(known), Command::Revoke { kind, basis, on, reason }) => {
                let revoked = CertificateRevoked { kind: *kind, basis: basis.clone(), on: *on, reason: reason.clone() };
                self.revoke(known, revoked, context)
            }
        }
    }

    fn evolve(&mut self, event: &CertificateEvent) {
        match event {
            CertificateEvent::CertificateIssued(issued) => self.content = Some(Content::issued(issued)),
            CertificateEvent::CertificateTakenIn(taken_in) => self.content = Some(Content::taken_in(taken_in)),
            CertificateEvent::CertificateVerified(verified) => {
                if let Some(content) = &mut self.content {
                    content.trust = TrustLevel::B;
                    content.verified_by = Some(verified.verified_by.clone());
                }
            }
            CertificateEvent::CertificateRenewed(renewed) => {
                if let Some(content) = &mut self.content {
                    content.valid_until = renewed.valid_until;
                    content.sha256.clone_from(&renewed.sha256);
                }
            }
            CertificateEvent::CertificateRevoked(revoked) => self.revoked = Some(revoked.clone()),
        }
    }
}

fn take_in(coming: &TakeIn, context: &Context<'_>) -> Result<Vec<CertificateEvent>, Rejection> {
    let TakeIn { certificate, revoked } = coming;
    may_vouch(context.actor, certificate)?;
    check_days(certificate, revoked.as_ref(), day_of(context.now))?;
    let revoked = revoked.iter().cloned().map(CertificateEvent::from);
    Ok(std::iter::once(certificate.clone().into()).chain(revoked).collect())
}

/// Who may take what in, and how far each can vouch for it.
fn may_vouch(actor: &Actor, coming: &CertificateTakenIn) -> Result<(), Rejection> {
    let own = actor.subject().is_some_and(|own| own == coming.holder.subject);
    let highest = match (&coming.origin, actor.role) {
        (CertificateOrigin::Library { .. }, Role::Admin | Role::System) => TrustLevel::A,
        (CertificateOrigin::Window, Role::Clerk | Role::Handler | Role::VillageAgent) => TrustLevel::B,
        (CertificateOrigin::Holder, Role::Resident) if own => TrustLevel::C,
        _ => return Err(Rejection::NotForThisRole),
    };
    // The better level is the smaller letter.
    if coming.trust < highest { Err(Rejection::TrustTooHigh) } else { Ok(()) }
}

fn check_days(
    coming: &CertificateTakenIn,
    revoked: Option<&CertificateRevoked>,
    today: NaiveDate,
) -> Result<(), Rejection> {
    let begins = coming.valid_from.or(coming.issued_on);
    if let (Some(from), Some(until)) = (begins, coming.valid_until)
        && until < from
    {
        return Err(Rejection::ValidityReversed);
    }
    let told = coming.issued_on.into_iter().chain(revoked.map(|revoked| revoked.on));
    if told.into_iter().any(|day| today < day) { Err(Rejection::DayToCome) } else { Ok(()) }
}

impl Certificate {
    /// It is here already: what is new of it is recorded, and nothing else.
    fn learn(
        &self,
        known: &Content,
        coming: &TakeIn,
        context: &Context<'_>,
    ) -> Result<Vec<CertificateEvent>, Rejection> {
        let TakeIn { certificate, revoked } = coming;
        may_vouch(context.actor, certificate)?;
        if known.origin.as_ref() != Some(&certificate.origin) {
            return Err(Rejection::AlreadyOnRecord);
        }
        if known.holder.subject != certificate.holder.subject {
            return Err(Rejection::HolderDiffers);
        }
        check_days(certificate, revoked.as_ref(), day_of(context.now))?;
        match (&self.revoked, revoked) {
            (Some(_), Some(_)) => return Ok(Vec::new()),
            (Some(_), None) => return Err(Rejection::RevokedForGood),
            (None, _) => (),
        }
        let differs = known.valid_until != certificate.valid_until
            || (certificate.sha256.is_some() && known.sha256 != certificate.sha256);
        let renewed = differs.then(|| CertificateRenewed {
            old_valid_until: known.valid_until,
            valid_until: certificate.valid_until,
            sha256: certificate.sha256.clone().or_else(|| known.sha256.clone()),
        });
        let renewed = renewed.into_iter().map(CertificateEvent::from);
        Ok(renewed.chain(revoked.iter().cloned().map(CertificateEvent::from)).collect())
    }

    fn verify(&self, known: &Content, actor: &Actor) -> Result<Vec<CertificateEvent>, Rejection> {
        if !matches!(actor.role, Role::Clerk | Role::Handler) {
            return Err(Rejection::NotForThisRole);
        }
        if self.revoked.is_some() {
            return Err(Rejection::AlreadyRevoked);
        }
        match known.trust {
            TrustLevel::A | TrustLevel::B => Ok(Vec::new()),
            TrustLevel::C => {
                let (verified_by, organisation) = (actor.id.clone(), actor.organisation.clone());
                Ok(vec![CertificateVerified { verified_by, organisation }.into()])
            }
            TrustLevel::D => Err(Rejection::NoOriginal),
        }
    }

    fn revoke(
        &self,
        known: &Content,
        revoked: CertificateRevoked,
        context: &Context<'_>,
    ) -> Result<Vec<CertificateEvent>, Rejection> {
        let Context { actor, reference, .. } = context;
        if !matches!(actor.role, Role::Chief | Role::OrganHead) {
            return Err(Rejection::NotForThisRole);
        }
        let ours = reference.organisations.contains(&actor.organisation, &known.organisation);
        if !ours || matches!(known.origin, Some(CertificateOrigin::Library { .. })) {
            return Err(Rejection::IssuedElsewhere);
        }
        if day_of(context.now) < revoked.on {
            return Err(Rejection::DayToCome);
        }
        match &self.revoked {
            Some(before) if before.kind == revoked.kind && before.on == revoked.on => Ok(Vec::new()),
            Some(_) => Err(Rejection::AlreadyRevoked),
            None => Ok(vec![revoked.into()]),
        }
    }

    /// Returns whether it stands on this day; nothing before it is on record.
    #[must_use]
    pub fn state(&self, day: NaiveDate) -> Option<CertificateState> {
        let content = self.content.as_ref()?;
        Some(match &self.revoked {
            Some(revoked) if revoked.on <= day => CertificateState::Revoked,
            Some(_) | None if content.valid_from.is_some_and(|from| day < from) => CertificateState::NotYetValid,
            Some(_) | None if content.valid_until.is_some_and(|until| until < day) => CertificateState::Expired,
            Some(_) | None => CertificateState::Valid,
        })
    }

    /// Returns what is hashed when somebody relies on it: everything it says, sealed texts as they stand in the log.
    #[must_use]
    pub fn snapshot(&self) -> Vec<u8> {
        // A certificate is plain structs; it always has a JSON.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

impl Content {
    fn issued(issued: &CertificateIssued) -> Self {
        Self {
            kind: issued.kind.clone(),
            name_zh: issued.name_zh.clone(),
            holder: issued.holder.clone(),
            number: issued.number.clone(),
            issuer: issued.issuer.to_string(),
            organisation: issued.issuer.clone(),
            case: Some(issued.case),
            origin: None,
            issued_on: Some(issued.issued_on),
            valid_from: Some(issued.issued_on),
            valid_until: issued.valid_until,
            trust: TrustLevel::A,
            verified_by: None,
            sha256: issued.sha256.clone(),
        }
    }

    fn taken_in(taken_in: &CertificateTakenIn) -> Self {
        Self {
            kind: taken_in.kind.clone(),
            name_zh: taken_in.name_zh.clone(),
            holder: taken_in.holder.clone(),
            number: taken_in.number.clone(),
            issuer: taken_in.issuer.clone(),
            organisation: taken_in.organisation.clone(),
            case: None,
            origin: Some(taken_in.origin.clone()),
            issued_on: taken_in.issued_on,
            valid_from: taken_in.valid_from,
            valid_until: taken_in.valid_until,
            trust: taken_in.trust,
            verified_by: taken_in.verified_by.clone(),
            sha256: taken_in.sha256.clone(),
        }
    }
}

/// Returns the certificate that a case's result is: recorded together with it, all or nothing.
#[must_use]
pub fn of_result(
    case: CaseId,
    item: &ItemId,
    made: &ResultMade,
    holder: Party,
    number: Sealed,
    on: NaiveDate,
    rules: &PolicyRules,
) -> CertificateIssued {
    let rule = rules.certificates.iter().find(|rule| rule.made_by.contains(item));
    CertificateIssued {
        kind: rule.map_or_else(|| kind_of_item(item), |rule| rule.kind.clone()),
        name_zh: made.name.clone(),
        holder,
        number,
        case,
        item: item.clone(),
        issuer: made.issuer.clone(),
        issued_on: on,
        valid_until: made.valid_until,
        sha256: made.sha256.clone(),
    }
}

#[expect(clippy::expect_used, reason = "a kind may have every character and the length of an item's id")]
fn kind_of_item(item: &ItemId) -> CertificateKind {
    item.as_str().parse().expect("a kind may have every character and the length of an item's id")
}

/// Returns whether a certificate of this kind stands for a material: as the list of kinds says, or for the material of its
/// own name where the list does not know it.
#[must_use]
pub fn stands_for(rules: &PolicyRules, kind: &CertificateKind, code: &MaterialCode) -> bool {
    match rules.certificates.iter().find(|rule| rule.kind == *kind) {
        Some(rule) => rule.stands_for.contains(code),
        None => kind.as_str() == code.as_str(),
    }
}

#[cfg(test)]
mod tests;

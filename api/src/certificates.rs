//! 电子证照 between clear and sealed: how one that comes in is known again, what is hashed when one is relied on, and who may
//! see one.

use crate::auth::{Caller, Extent};
use crate::execute::{Beside, Loaded};
use crate::labels;
use crate::node::Node;
use crate::problem::{Kind, Problem};
use crate::seal::{Flaws, PersonBody, party};
use crate::vault::{Keyring, Vault, VaultError, hex};
use chrono::NaiveDate;
use domain::case::{Case, CaseCommand};
use domain::certificate::{Certificate, Content, Reliance, TakeIn, of_result};
use domain::event::case::TrustLevel;
use domain::event::certificate::{CertificateOrigin, CertificateRevoked, CertificateTakenIn};
use domain::event::{CaseEvent, CertificateEvent};
use domain::fact::Subject;
use domain::ids::{CaseId, CertificateId, CertificateKind, ItemId, OrganisationId, StaffId, SubjectId};
use domain::reference::Reference;
use domain::sealed::{Party, Sealed};
use domain::zone::{Instant, day_of};
use replay::case_index::{CaseFilter, CertificateCursor, CertificateFilter, CertificatePage, Order};
use replay::moment::Slice;
use serde::Deserialize;
use std::sync::Arc;
use ulid::Ulid;
use utoipa::ToSchema;
use zeroize::Zeroizing;

/// The most certificates of one person that are looked at for a case.
const OF_ONE_PERSON_MAX: usize = 200;

/// A certificate, in clear, on the way in.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "kind": "DIS", "name_zh": "残疾人证", "number": "36252219480305001843",
    "holder": {"name": "杨某某", "id_number": "362522194803050018"}, "issuer": "南丰县残疾人联合会",
    "issued_on": "2020-05-06", "valid_until": "2030-05-05", "trust": "B"
}))]
pub struct CertificateBody {
    /// 证照类型.
    #[schema(value_type = String, example = "DIS")]
    pub kind: CertificateKind,
    /// 证照名称; that of its kind if absent.
    #[serde(default)]
    pub name_zh: Option<String>,
    /// 证照编号.
    #[schema(example = "36252219480305001843")]
    pub number: String,
    /// 持证人.
    #[schema(inline)]
    pub holder: PersonBody,
    /// 颁发机构.
    #[schema(example = "南丰县残疾人联合会")]
    pub issuer: String,
    /// 颁发日期.
    #[serde(default)]
    pub issued_on: Option<NaiveDate>,
    /// Valid from; from its issue if absent.
    #[serde(default)]
    pub valid_from: Option<NaiveDate>,
    /// Valid until; without limit if absent.
    #[serde(default)]
    pub valid_until: Option<NaiveDate>,
    /// How far it can be relied on: `A` from a library, `B` seen at a window, `C` uploaded, `D` declared. As far as its
    /// origin allows if absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub trust: Option<TrustLevel>,
    /// SHA-256 of its bytes, lower-case hex.
    #[serde(default)]
    pub sha256: Option<String>,
}

impl std::fmt::Debug for CertificateBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CertificateBody({}, …)", self.kind)
    }
}

impl CertificateBody {
    /// Looks for everything that is wrong with it.
    pub fn check(&self, flaws: &mut Flaws) {
        if let Some(name) = &self.name_zh {
            flaws.name("/name_zh", name);
        }
        flaws.name("/number", &self.number);
        self.holder.check("/holder", flaws);
        flaws.name("/issuer", &self.issuer);
        flaws.sha256("/sha256", self.sha256.as_deref());
    }

    /// Returns the certificate's id: the same for the same number of the same kind from the same place, however often it
    /// comes. A number is opaque, so blanks around it are all that is forgiven.
    #[must_use]
    pub fn id(&self, vault: &Vault, origin: &CertificateOrigin) -> CertificateId {
        let from = match origin {
            CertificateOrigin::Library { library } => library.as_str(),
            // What a window saw and what its holder uploaded is one certificate, whoever was first.
            CertificateOrigin::Window | CertificateOrigin::Holder => "",
        };
        let parts = [from.as_bytes(), b"\0", self.kind.as_str().as_bytes(), b"\0", self.number.trim().as_bytes()];
        CertificateId(ulid_of(&vault.digest("certificate", &parts)))
    }

    /// Seals it for its own stream.
    ///
    /// # Errors
    /// The holder's key is not on the keyring.
    pub fn sealed(&self, coming: &Coming<'_>, revoked: Option<CertificateRevoked>) -> Result<TakeIn, VaultError> {
        let Coming { vault, keyring, context, origin, organisation, by, reference, day } = coming;
        let holder = party(vault, keyring, context, &self.holder, *day)?;
        let number = vault.seal(keyring, &holder.subject, context, self.number.trim())?;
        let rules = &reference.policies.at(*day).rules;
        let listed = rules.certificates.iter().find(|rule| rule.kind == self.kind);
        let name_zh = self.name_zh.clone().or_else(|| listed.map(|rule| rule.name_zh.clone()));
        let usual = match origin {
            CertificateOrigin::Library { .. } => TrustLevel::A,
            CertificateOrigin::Window => TrustLevel::B,
            CertificateOrigin::Holder => TrustLevel::C,
        };
        let trust = self.trust.unwrap_or(usual);
        let compared = **origin == CertificateOrigin::Window && trust == TrustLevel::B;
        let certificate = CertificateTakenIn {
            kind: self.kind.clone(),
            name_zh: name_zh.unwrap_or_else(|| self.kind.to_string()),
            holder,
            number,
            issuer: self.issuer.trim().to_owned(),
            origin: (*origin).clone(),
            organisation: (*organisation).clone(),
            issued_on: self.issued_on,
            valid_from: self.valid_from.or(self.issued_on),
            valid_until: self.valid_until,
            trust,
            verified_by: compared.then(|| (*by).clone()),
            sha256: self.sha256.clone(),
        };
        Ok(TakeIn { certificate, revoked })
    }
}

/// How a certificate comes in.
pub struct Coming<'a> {
    /// The keys at hand.
    pub vault: &'a Vault,
    /// The holder's among them.
    pub keyring: &'a Keyring,
    /// The certificate's stream.
    pub context: &'a str,
    /// From where.
    pub origin: &'a CertificateOrigin,
    /// Which organisation takes it in.
    pub organisation: &'a OrganisationId,
    /// Who takes it in.
    pub by: &'a StaffId,
    /// The list of kinds.
    pub reference: &'a Reference,
    /// The day.
    pub day: NaiveDate,
}

/// Returns an id that follows from a digest.
#[must_use]
pub fn ulid_of(digest: &[u8; 32]) -> Ulid {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    Ulid::from_bytes(bytes)
}

/// Returns a certificate as somebody relies on it now.
#[must_use]
pub fn reliance(vault: &Vault, certificate: CertificateId, loaded: &Loaded<Certificate>) -> Reliance {
    let (version, state) = (loaded.version, Certificate::clone(&loaded.state));
    let snapshot_sha256 = snapshot_sha256(vault, &state);
    Reliance { certificate, version, state, snapshot_sha256 }
}

/// Returns the keyed hash of what somebody sees who relies on a certificate. It can be made again from the log at any time.
#[must_use]
pub fn snapshot_sha256(vault: &Vault, certificate: &Certificate) -> String {
    hex(&vault.digest("certificate-snapshot", &[&certificate.snapshot()]))
}

/// Tells whether the caller may know of a certificate: the holder; whoever stands above the organisation that issued it or
/// took it in; and whoever has a case of the holder to work on.
///
/// # Errors
/// The index cannot be read.
pub async fn is_visible(node: &Node, caller: &Caller, content: &Content) -> Result<bool, Problem> {
    if !caller.scope.sees_persons() {
        return Ok(false);
    }
    match &caller.scope.extent {
        Extent::Person(own) => Ok(*own == content.holder.subject),
        Extent::Subtree(root) => {
            let reference = node.reference.now();
            if reference.reference.organisations.contains(root, &content.organisation) {
                return Ok(true);
            }
            has_case_within(node, root, &content.holder.subject).await
        }
    }
}

/// Tells whether a person has a case with an organisation or one under it.
///
/// # Errors
/// The index cannot be read.
pub async fn has_case_within(node: &Node, root: &OrganisationId, person: &SubjectId) -> Result<bool, Problem> {
    let reference = node.reference.now();
    let tree = &reference.reference.organisations;
    let organisations = tree.subtree(root).cloned().chain([root.clone()]).collect();
    let filter =
        CaseFilter { subject: Some(person.clone()), organisations: Some(organisations), ..CaseFilter::default() };
    Ok(!node.find_cases(filter, 1).await?.is_empty())
}

/// Returns certificates of a slice of history, the newest on record first, as far as the library is read.
///
/// # Errors
/// The index is in trouble.
pub async fn searched(
    node: &Node,
    filter: &Arc<CertificateFilter>,
    slice: Slice,
    after: Option<CertificateCursor>,
    limit: usize,
) -> Result<CertificatePage, Problem> {
    let (index, filter) = (node.live.index().clone(), Arc::clone(filter));
    let search = move || index.certificates(&filter, &slice, after, limit, Order::Newest);
    Ok(tokio::task::spawn_blocking(search).await.map_err(|_| Problem::new(Kind::Internal))??)
}

/// Returns the certificates that a person had in a slice of history, the newest on record first.
///
/// # Errors
/// The index is in trouble.
pub async fn held_by(node: &Node, person: &SubjectId, slice: Slice) -> Result<Vec<CertificateId>, Problem> {
    let filter = CertificateFilter { holder: Some(person.clone()), ..CertificateFilter::default() };
    let page = searched(node, &Arc::new(filter), slice, None, OF_ONE_PERSON_MAX).await?;
    Ok(page.certificates.into_iter().map(|(id, _)| id).collect())
}

/// What an act on a case does to a certificate, made before the act is decided.
pub enum Consequence {
    /// Nothing.
    None,
    /// A result is made: it is a certificate, with the id of its case.
    Issue(Box<Issue>),
    /// A result no longer stands: nor does its certificate.
    Revoke(Box<Revoke>),
}

/// What a certificate needs that the event of its case does not say.
pub struct Issue {
    case: CaseId,
    item: ItemId,
    holder: Party,
    number: Sealed,
    reference: Arc<projections::reference::ReferenceData>,
}

/// A certificate that is to be revoked, as it was looked at.
pub struct Revoke {
    certificate: CertificateId,
    version: u64,
    reason: Sealed,
    labels: Vec<String>,
}

impl Consequence {
    /// Works out what follows from a command on a case.
    ///
    /// # Errors
    /// The log cannot be read, or the applicant's key is gone.
    pub async fn of(
        node: &Node,
        case: CaseId,
        state: &Case,
        keyring: &Keyring,
        command: &CaseCommand,
    ) -> Result<Self, Problem> {
        let Some(application) = &state.application else { return Ok(Self::None) };
        let certificate = CertificateId(case.0);
        let stream = Subject::Certificate(certificate);
        match command {
            CaseCommand::MakeResult { number, .. } => {
                let applicant = &application.applicant;
                let holder = resealed(&node.vault, keyring, applicant, &Subject::Case(case), &stream)?;
                let number = node.vault.seal(keyring, &applicant.subject, &stream.to_string(), number.as_str())?;
                let (item, reference) = (application.item.clone(), node.reference.now());
                Ok(Self::Issue(Box::new(Issue { case, item, holder, number, reference })))
            }
            CaseCommand::RevokeResult { reason, .. } => {
                let loaded = node.executor.load::<Certificate>(&stream).await?;
                let (Some(content), None) = (&loaded.state.content, &loaded.state.revoked) else {
                    return Ok(Self::None);
                };
                let reference = node.reference.now();
                let labels =
                    labels::of_certificate(&content.holder.subject, &content.organisation, &reference.reference);
                let text = node.vault.open_sealed(reason, &Subject::Case(case).to_string())?;
                let reason = node.vault.seal(keyring, &reason.subject, &stream.to_string(), &text)?;
                Ok(Self::Revoke(Box::new(Revoke { certificate, version: loaded.version, reason, labels })))
            }
            _ => Ok(Self::None),
        }
    }

    /// Returns the certificate's stream at the version at which it was looked at.
    #[must_use]
    pub fn seen(&self) -> Option<(Subject, u64)> {
        match self {
            Self::Revoke(revoke) => Some((Subject::Certificate(revoke.certificate), revoke.version)),
            Self::None | Self::Issue(_) => None,
        }
    }

    /// Returns what is written to the certificate's stream, given what was decided for the case and when it happened.
    #[must_use]
    pub fn beside(&self, events: &[CaseEvent], occurred_at: Instant) -> Vec<Beside> {
        events.iter().filter_map(|event| self.after(event, occurred_at)).collect()
    }

    fn after(&self, event: &CaseEvent, occurred_at: Instant) -> Option<Beside> {
        match (self, event) {
            (Self::Issue(issue), CaseEvent::ResultMade(made)) => {
                let day = day_of(occurred_at);
                let reference = &issue.reference.reference;
                let rules = &reference.policies.at(day).rules;
                let (holder, number) = (issue.holder.clone(), issue.number.clone());
                let issued = of_result(issue.case, &issue.item, made, holder, number, day, rules);
                let labels = labels::of_certificate(&issued.holder.subject, &issued.issuer, reference);
                let subject = Subject::Certificate(CertificateId(issue.case.0));
                Some(Beside { subject, version: 0, event: CertificateEvent::from(issued).into(), labels })
            }
            (Self::Revoke(revoke), CaseEvent::ResultRevoked(body)) => {
                let revoked = CertificateRevoked {
                    kind: body.kind,
                    basis: body.basis.clone(),
                    on: body.on,
                    reason: Some(revoke.reason.clone()),
                };
                Some(Beside {
                    subject: Subject::Certificate(revoke.certificate),
                    version: revoke.version,
                    event: CertificateEvent::from(revoked).into(),
                    labels: revoke.labels.clone(),
                })
            }
            (Self::None | Self::Issue(_) | Self::Revoke(_), _) => None,
        }
    }
}

/// Returns a party as another stream holds it: a sealed text opens in its own stream only.
///
/// # Errors
/// The person's key is not there.
pub(crate) fn resealed(
    vault: &Vault,
    keyring: &Keyring,
    party: &Party,
    from: &Subject,
    to: &Subject,
) -> Result<Party, VaultError> {
    let person = vault.person(party, &from.to_string())?;
    let known = person.identity();
    let text = Zeroizing::new(serde_json::to_string(&known).map_err(|_| VaultError::Broken)?);
    let person = vault.seal(keyring, &party.subject, &to.to_string(), &text)?;
    Ok(Party { person, ..party.clone() })
}

//! 电子证照: taking one in at a window or from its holder, comparing, revoking, and looking at one in clear.

use super::cases::may_see_persons_in_clear;
use super::people::{Field, Purpose, record_access};
use super::plain::carry_out;
use super::request::{Incoming, Written, flawless};
use crate::auth::Caller;
use crate::certificates::{CertificateBody, Coming, is_visible, snapshot_sha256};
use crate::execute::{Begun, Loaded};
use crate::node::Node;
use crate::problem::{Kind, Problem};
use crate::seal::Flaws;
use crate::vault::VaultError;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::{HttpResponse, web};
use chrono::NaiveDate;
use domain::actor::Role;
use domain::certificate::{Certificate, CertificateCommand, Content};
use domain::event::Event;
use domain::event::access::CertificateUnmasked;
use domain::event::case::RevocationKind;
use domain::event::certificate::CertificateOrigin;
use domain::fact::Subject;
use domain::ids::CertificateId;
use domain::zone::day_of;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::sync::Arc;
use utoipa::ToSchema;

/// `POST /certificates`
///
/// # Errors
/// The body is flawed, a rule forbids it, or the log is in trouble.
pub async fn register(node: web::Data<Node>, caller: Caller, incoming: Incoming) -> Result<HttpResponse, Problem> {
    let body: CertificateBody = incoming.read()?;
    let mut flaws = Flaws::default();
    body.check(&mut flaws);
    flawless(flaws)?;
    let origin = match caller.actor.role {
        Role::Resident => CertificateOrigin::Holder,
        _ => CertificateOrigin::Window,
    };
    let id = body.id(&node.vault, &origin);
    let stream = Subject::Certificate(id);
    let asked = incoming.asked(&node, &caller.actor, None);
    let done = match node.executor.begin(asked.command, asked.digest).await? {
        Begun::Repeated(done) => done,
        Begun::Fresh(under_way) => {
            let keyring = node.vault.keyring([body.holder.subject(&node.vault)]).await?;
            let reference = node.reference.now();
            let coming = Coming {
                vault: &node.vault,
                keyring: &keyring,
                context: &stream.to_string(),
                origin: &origin,
                organisation: &caller.actor.organisation,
                by: &caller.actor.id,
                reference: &reference.reference,
                day: day_of(node.clock.now()),
            };
            let command = CertificateCommand::TakeIn(Box::new(body.sealed(&coming, None)?));
            node.executor.execute::<Certificate>(&under_way, &asked, &stream, &command, &[]).await?
        }
    };
    Ok(Written::new(id.to_string(), &done).respond())
}

/// Let a certificate no longer stand.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "revoked", "basis": "行政许可法第六十九条", "on": "2026-02-01", "reason": "以欺骗手段取得"}))]
pub struct RevokeBody {
    /// `revoked`, `changed` or `cancelled`.
    #[schema(value_type = String)]
    pub kind: RevocationKind,
    /// The legal basis.
    pub basis: String,
    /// Since when.
    pub on: NaiveDate,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Compare a certificate with the original that lies at the window.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({}))]
pub struct VerifyCertificateBody {}

/// `POST /certificates/{id}/actions/{action}`
///
/// # Errors
/// The certificate is not there for the caller, the body is flawed, a rule forbids it, or the log is in trouble.
pub async fn act(
    node: web::Data<Node>,
    caller: Caller,
    path: web::Path<(String, String)>,
    incoming: Incoming,
) -> Result<HttpResponse, Problem> {
    let (id, action) = path.into_inner();
    let (id, _, content) = visible(&node, &caller, &id).await?;
    let stream = Subject::Certificate(id);
    let command = match action.as_str() {
        "verify" => {
            let VerifyCertificateBody {} = incoming.read()?;
            CertificateCommand::Verify
        }
        "revoke" => {
            let body: RevokeBody = incoming.read()?;
            let mut flaws = Flaws::default();
            flaws.name("/basis", &body.basis);
            flaws.optional("/reason", body.reason.as_deref());
            flawless(flaws)?;
            let holder = &content.holder.subject;
            let keyring = node.vault.keyring([holder.clone()]).await?;
            let seal = |text: &String| node.vault.seal(&keyring, holder, &stream.to_string(), text.trim());
            let reason = body.reason.as_ref().map(seal).transpose()?;
            CertificateCommand::Revoke { kind: body.kind, basis: body.basis, on: body.on, reason }
        }
        _ => return Err(Problem::not_found()),
    };
    carry_out::<Certificate>(&node, &caller, &incoming, &stream, &id.to_string(), &command).await
}

/// A certificate that the caller may know of.
///
/// # Errors
/// There is none, or it is not theirs to see.
async fn visible(
    node: &Node,
    caller: &Caller,
    id: &str,
) -> Result<(CertificateId, Arc<Loaded<Certificate>>, Content), Problem> {
    let id: CertificateId = id.parse().map_err(|_| Problem::not_found())?;
    let loaded = node.executor.load::<Certificate>(&Subject::Certificate(id)).await?;
    let content = loaded.state.content.clone().ok_or_else(Problem::not_found)?;
    match is_visible(node, caller, &content).await? {
        true => Ok((id, loaded, content)),
        false => Err(Problem::not_found()),
    }
}

/// A field of a certificate that may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CertificateField {
    /// 持证人姓名.
    Name,
    /// 持证人证件号码.
    IdNumber,
    /// 证照编号.
    Number,
}

impl CertificateField {
    fn as_str(self) -> &'static str {
        match self {
            Self::Name => Field::Name.as_str(),
            Self::IdNumber => Field::IdNumber.as_str(),
            Self::Number => "number",
        }
    }
}

/// Which fields, and what for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"fields": ["name", "number"], "purpose": "verify-identity"}))]
pub struct UnmaskCertificateBody {
    /// Which fields.
    #[schema(inline)]
    pub fields: Vec<CertificateField>,
    /// What for.
    #[schema(inline)]
    pub purpose: Purpose,
}

/// `POST /certificates/{id}/unmask`
///
/// # Errors
/// The certificate is not there for the caller, they may not see it in clear, or vault or log are in trouble.
pub async fn unmask(
    node: web::Data<Node>,
    caller: Caller,
    path: web::Path<String>,
    incoming: Incoming,
) -> Result<HttpResponse, Problem> {
    let (id, loaded, content) = visible(&node, &caller, &path).await?;
    if !may_see_persons_in_clear(caller.actor.role) && caller.actor.role != Role::Resident {
        return Err(Problem::new(Kind::Forbidden));
    }
    let mut body: UnmaskCertificateBody = incoming.read()?;
    body.fields.sort_unstable();
    body.fields.dedup();
    let mut flaws = Flaws::default();
    if body.fields.is_empty() {
        flaws.add("/fields", "至少一项", "must name at least one field");
    }
    flawless(flaws)?;
    let context = Subject::Certificate(id).to_string();
    let person = node.vault.person(&content.holder, &context)?;
    let number = node.vault.open_sealed(&content.number, &context)?;
    let shown = |field: &CertificateField| -> Result<(String, Value), VaultError> {
        let value = match field {
            CertificateField::Name | CertificateField::IdNumber => person.field(field.as_str()),
            CertificateField::Number => Some(number.as_str()),
        };
        Ok((field.as_str().to_owned(), value.map_or(Value::Null, Value::from)))
    };
    let fields = body.fields.iter().map(shown).collect::<Result<Map<_, _>, _>>()?;

    let asked = incoming.asked(&node, &caller.actor, None);
    let done = match node.executor.begin(asked.command, asked.digest).await? {
        Begun::Repeated(done) => done,
        Begun::Fresh(under_way) => {
            let holder = content.holder.subject.clone();
            let looked = CertificateUnmasked {
                certificate: id,
                subject: holder.clone(),
                fields: body.fields.iter().map(|field| field.as_str().to_owned()).collect(),
                purpose: body.purpose.as_str().to_owned(),
            };
            record_access(&node, &under_way, &asked, vec![Event::Access(looked.into())], &[&holder]).await?
        }
    };
    let written = Written::new(id.to_string(), &done)
        .with("certificate_version", loaded.version)
        .with("snapshot_sha256", snapshot_sha256(&node.vault, &loaded.state))
        .with("fields", fields);
    let mut response = written.respond();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

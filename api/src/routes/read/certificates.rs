//! 电子证照: certificates that the caller may see, and which of them could stand for a case's papers.

use super::cases::visible as case_visible;
use crate::answer::Stamp;
use crate::auth::{Caller, Extent};
use crate::certificates::{has_case_within, held_by, is_visible, searched};
use crate::cursor::Page;
use crate::execute::folded;
use crate::node::Node;
use crate::problem::{Kind, Problem};
use crate::query::{FromParameters, Parameters, Query};
use crate::rights;
use crate::vault::{MaskedPerson, Vault};
use crate::views::{Standing, When};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use domain::case::evidence::{is_replaceable, may_stand_for};
use domain::certificate::{Certificate, CertificateState, Content};
use domain::event::case::RevocationKind;
use domain::fact::Subject;
use domain::ids::{CaseId, CertificateId, CertificateKind, OrganisationId, SourceName, SubjectId};
use domain::library::Library;
use replay::case_index::{CertificateCursor, CertificateFilter};
use replay::moment::Slice;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;

/// The most certificates that are read for one page; a page that ends early says where to go on.
const READ_PER_PAGE_MAX: usize = 2_000;
/// How many are read from the log at once.
const READ_AT_ONCE: usize = 16;

/// Which certificates are asked for.
#[derive(Debug, Clone)]
struct CertificatesQuestion {
    subject: Option<SubjectId>,
    kind: Option<CertificateKind>,
    organisation: Option<OrganisationId>,
    state: Option<CertificateState>,
}

impl FromParameters for CertificatesQuestion {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self {
            subject: parameters.one("subject")?,
            kind: parameters.one("kind")?,
            organisation: parameters.one("org")?,
            state: parameters.word("state")?,
        })
    }
}

impl CertificatesQuestion {
    /// What the index is asked, within what the caller may see.
    async fn filter(&self, node: &Node, caller: &Caller) -> Result<CertificateFilter, Problem> {
        let mut filter =
            CertificateFilter { holder: self.subject.clone(), kind: self.kind.clone(), organisations: None };
        match &caller.scope.extent {
            Extent::Person(own) => {
                if self.subject.as_ref().is_some_and(|asked| asked != own) || self.organisation.is_some() {
                    return Err(Problem::not_found());
                }
                filter.holder = Some(own.clone());
            }
            Extent::Subtree(root) => {
                let of_own_case = match (&self.subject, &self.organisation) {
                    (Some(subject), None) => has_case_within(node, root, subject).await?,
                    _ => false,
                };
                filter.organisations = node.reads.views.today(|reference| {
                    let tree = &reference.organisations;
                    let root = rights::asked_organisation(caller, self.organisation.as_ref(), tree)?;
                    let everybody = of_own_case || (self.organisation.is_none() && rights::is_city(&root, tree));
                    let within = || tree.subtree(&root).cloned().chain([root.clone()]).collect();
                    Ok::<_, Problem>((!everybody).then(within))
                })?;
            }
        }
        Ok(filter)
    }
}

/// Where a list of certificates goes on, and in which history.
#[derive(Serialize, Deserialize)]
struct After {
    at: Standing,
    entry: u64,
}

/// A certificate as everybody who may know of it sees it.
#[derive(Serialize)]
struct Shown<'a> {
    id: CertificateId,
    version: u64,
    kind: &'a CertificateKind,
    name_zh: &'a str,
    holder: ShownHolder<'a>,
    /// All but the last four characters hidden.
    number_masked: String,
    issuer: &'a str,
    organisation: &'a OrganisationId,
    #[serde(skip_serializing_if = "Option::is_none")]
    case: Option<CaseId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<&'a domain::event::certificate::CertificateOrigin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_on: Option<chrono::NaiveDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_from: Option<chrono::NaiveDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_until: Option<chrono::NaiveDate>,
    trust: domain::event::case::TrustLevel,
    #[serde(skip_serializing_if = "Option::is_none")]
    verified_by: Option<&'a domain::ids::StaffId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<&'a str>,
    state: CertificateState,
    state_zh: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked: Option<ShownRevocation<'a>>,
}

/// A page of them.
#[derive(Serialize)]
struct Listed<'a> {
    certificates: Vec<Shown<'a>>,
}

#[derive(Serialize)]
struct ShownHolder<'a> {
    subject: &'a SubjectId,
    #[serde(flatten)]
    person: MaskedPerson,
}

#[derive(Serialize)]
struct ShownRevocation<'a> {
    kind: RevocationKind,
    basis: &'a str,
    on: chrono::NaiveDate,
}

/// A certificate with its stream's version.
struct Read {
    id: CertificateId,
    version: u64,
    state: Certificate,
}

impl Read {
    async fn new(node: &Node, at: &Standing, id: CertificateId) -> Result<Option<Self>, Problem> {
        let facts = node.reads.views.short_stream(at, &Subject::Certificate(id)).await?;
        let state: Certificate = folded(facts.iter());
        let version = facts.last().map_or(0, |fact| fact.version);
        Ok(state.content.is_some().then_some(Self { id, version, state }))
    }

    fn shown<'a>(&'a self, vault: &Vault, at: &Standing) -> Option<Shown<'a>> {
        let content = self.state.content.as_ref()?;
        let state = self.state.state(at.day())?;
        let context = Subject::Certificate(self.id).to_string();
        let number = vault.open_sealed(&content.number, &context);
        let revoked = self.state.revoked.as_ref();
        Some(Shown {
            id: self.id,
            version: self.version,
            kind: &content.kind,
            name_zh: &content.name_zh,
            holder: ShownHolder { subject: &content.holder.subject, person: vault.masked(&content.holder, &context) },
            number_masked: number.map_or_else(|_| "*".to_owned(), |number| mask_number(&number)),
            issuer: &content.issuer,
            organisation: &content.organisation,
            case: content.case,
            origin: content.origin.as_ref(),
            issued_on: content.issued_on,
            valid_from: content.valid_from,
            valid_until: content.valid_until,
            trust: content.trust,
            verified_by: content.verified_by.as_ref(),
            sha256: content.sha256.as_deref(),
            state,
            state_zh: state.names()[1],
            revoked: revoked.map(|one| ShownRevocation { kind: one.kind, basis: &one.basis, on: one.on }),
        })
    }
}

/// Returns a number with all but its last four characters hidden; a short one shows nothing.
fn mask_number(number: &str) -> String {
    let characters: Vec<char> = number.chars().collect();
    let shown = if 8 <= characters.len() { 4 } else { 0 };
    let hidden = characters.len() - shown;
    "*".repeat(hidden.min(12)) + &characters[hidden..].iter().collect::<String>()
}

/// Certificates that the caller may see.
#[utoipa::path(
    get, path = "/api/v1/certificates", tag = "certificates", security(("token" = [])),
    params(
        ("subject" = Option<String>, Query, description = "Of this holder, by reference, never by number"),
        ("kind" = Option<String>, Query, description = "证照类型, such as `DIS` or `HK`", example = "DIS"),
        ("state" = Option<String>, Query, description = "`valid, not-yet-valid, expired, revoked`, on the day of `as_of`", example = "valid"),
        ("org" = Option<String>, Query, description = "Issued or taken in here or below", example = "361023"),
        crate::openapi::PageParameters, crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "A page, the newest on record first; it may be shorter than `limit` and still have a next", body = Object, example = json!({
        "position": 612345, "as_of": "2026-02-13T09:00:00.000+08:00",
        "certificates": [{"id": "01KH9Z6V0000000000000000AD", "version": 1, "kind": "DIS", "name_zh": "残疾人证",
            "holder": {"subject": "9f3c…", "name": "张*", "id_number": "362524********0018"}, "number_masked": "************1843",
            "issuer": "南丰县残疾人联合会", "organisation": "361000", "issued_on": "2020-05-06", "valid_until": "2030-05-05",
            "trust": "A", "state": "valid", "state_zh": "有效"}],
        "next_cursor": "eyJ…"
    })))
)]
#[get("/certificates")]
pub(crate) async fn list_certificates(
    node: Data<Node>,
    caller: Caller,
    Query((question, page, when)): Query<(CertificatesQuestion, Page, When)>,
) -> Result<HttpResponse, Problem> {
    sees_certificates(&caller)?;
    let reads = &node.reads;
    let resumed: Option<After> = page.resume(&reads.cursors)?;
    let at = match &resumed {
        Some(resumed) => resumed.at.again(&node.clock),
        None => reads.views.resolve(&when, &node.clock).await?,
    };
    let filter = Arc::new(question.filter(&node, &caller).await?);
    let position = reads.views.position(&at);
    let slice = at.slice().unwrap_or(Slice::through(position));
    let mut after = resumed.map(|resumed| CertificateCursor(resumed.entry));
    let (mut found, mut examined) = (Vec::<Read>::new(), 0);
    loop {
        let some = searched(&node, &filter, slice, after, page.limit - found.len()).await?;
        examined += some.certificates.len().max(1);
        after = some.next;
        let ids: Vec<CertificateId> = some.certificates.iter().map(|(id, _)| *id).collect();
        let reads = read_all(&node, &at, &ids).await?.into_iter();
        found.extend(reads.filter(|read| question.state.is_none_or(|state| read.state.state(at.day()) == Some(state))));
        if after.is_none() || page.limit <= found.len() || READ_PER_PAGE_MAX <= examined {
            break;
        }
    }
    let next = after.map(|cursor| page.next(&reads.cursors, &After { at, entry: cursor.0 }));
    let certificates = found.iter().filter_map(|read| read.shown(&node.vault, &at)).collect();
    Ok(Stamp::new(&at, position).page(&Listed { certificates }, next.as_ref()))
}

fn sees_certificates(caller: &Caller) -> Result<(), Problem> {
    if caller.scope.sees_persons() { Ok(()) } else { Err(Problem::new(Kind::Forbidden)) }
}

async fn read_all(node: &Node, at: &Standing, found: &[CertificateId]) -> Result<Vec<Read>, Problem> {
    let mut all = Vec::with_capacity(found.len());
    for some in found.chunks(READ_AT_ONCE) {
        let reads = some.iter().map(|id| Read::new(node, at, *id));
        for read in futures::future::join_all(reads).await {
            all.extend(read?);
        }
    }
    Ok(all)
}

/// One certificate, masked.
#[utoipa::path(
    get, path = "/api/v1/certificates/{id}", tag = "certificates", security(("token" = [])),
    params(("id" = String, Path, description = "The certificate; one made here has the id of its case", example = "01KH9Z6V0000000000000000AD"), crate::openapi::WhenParameters),
    responses((status = 200, description = "What it says, and whether it stands on the day; `ETag` = version and state", body = Object, example = json!({
        "position": 612345, "as_of": "2026-02-13T09:00:00.000+08:00", "id": "01KH9Z6V0000000000000000AD", "version": 1, "kind": "DIS",
        "name_zh": "残疾人证", "holder": {"subject": "9f3c…", "name": "张*", "id_number": "362524********0018"},
        "number_masked": "************1843", "issuer": "南丰县残疾人联合会", "organisation": "361000", "trust": "A", "state": "valid",
        "state_zh": "有效"
    })), (status = 304, description = "Unchanged since the given `ETag`"))
)]
#[get("/certificates/{id}")]
pub(crate) async fn get_certificate(
    node: Data<Node>,
    caller: Caller,
    id: Path<String>,
    Query(when): Query<When>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    sees_certificates(&caller)?;
    let id: CertificateId = id.parse().map_err(|_| Problem::not_found())?;
    let at = node.reads.views.resolve(&when, &node.clock).await?;
    let position = node.reads.views.position(&at);
    let read = Read::new(&node, &at, id).await?.ok_or_else(Problem::not_found)?;
    let content: &Content = read.state.content.as_ref().ok_or_else(Problem::not_found)?;
    if !is_visible(&node, &caller, content).await? {
        return Err(Problem::not_found());
    }
    let shown = read.shown(&node.vault, &at).ok_or_else(Problem::not_found)?;
    let etag = format!("{}-{}", read.version, shown.state.names()[0]);
    Ok(Stamp::new(&at, position).resource(request.headers(), &etag, &shown))
}

/// Which certificates could stand for a case's papers, and why the others could not.
#[utoipa::path(
    get, path = "/api/v1/cases/{id}/certificates", tag = "certificates", security(("token" = [])),
    params(("id" = String, Path, description = "The case", example = "01KH9Z6V0000000000000000AA"), crate::openapi::WhenParameters),
    responses((status = 200, description = "Each material for which something could stand: whether it is missing, and every certificate of the case's parties of a kind that stands for it", body = Object, example = json!({
        "position": 612345, "as_of": "2026-02-13T09:00:00.000+08:00", "id": "01KH9Z6V0000000000000000AA", "version": 3,
        "materials": [{"code": "HK", "name_zh": "居民户口簿", "missing": true, "certificates": [
            {"id": "01KH9Z6V0000000000000000AD", "version": 1, "kind": "HK", "usable": true, "state": "valid"},
            {"id": "01KH9Z6V0000000000000000AE", "version": 2, "kind": "HK", "usable": false, "rule": "certificate-expired",
                "detail_zh": "证照已过期，有效期至：2025-12-31", "state": "expired"}]}]
    })))
)]
#[get("/cases/{id}/certificates")]
pub(crate) async fn case_certificates(
    node: Data<Node>,
    caller: Caller,
    id: Path<String>,
    Query(when): Query<When>,
) -> Result<HttpResponse, Problem> {
    sees_certificates(&caller)?;
    let id: CaseId = id.parse().map_err(|_| Problem::not_found())?;
    let at = node.reads.views.resolve(&when, &node.clock).await?;
    case_visible(&node, &caller, id).await?;
    let file = node.reads.views.case_file(&at, id).await?.ok_or_else(Problem::not_found)?;
    let application = file.case.application.as_ref().ok_or_else(Problem::not_found)?;
    let position = node.reads.views.position(&at);
    let slice = at.slice().unwrap_or(Slice::through(position));
    let mut certificates = Vec::new();
    for party in file.case.parties() {
        // A resident sees what is theirs; whoever works on the case sees everybody's in it.
        if caller.actor.subject().is_some_and(|own| own != party.subject) {
            continue;
        }
        let held = held_by(&node, &party.subject, slice).await?;
        certificates.extend(read_all(&node, &at, &held).await?);
    }
    let reference = node.reference.now();
    let reference = &reference.reference;
    let materials = reference.catalogue.materials(&application.item, application.item_version);
    let rules = &reference.policies.at(at.day()).rules;
    let replaceable = materials.iter().filter(|material| is_replaceable(material)).map(|material| {
        let of_its_kind = certificates.iter().filter_map(|read| {
            let content = read.state.content.as_ref()?;
            if !domain::certificate::stands_for(rules, &content.kind, &material.code) {
                return None;
            }
            let mut shown = serde_json::to_value(read.shown(&node.vault, &at)?).ok()?;
            let refused = may_stand_for(&read.state, material, rules, at.day()).err();
            let fields = shown.as_object_mut()?;
            fields.insert("usable".to_owned(), Value::from(refused.is_none()));
            if let Some(rule) = refused {
                fields.insert("rule".to_owned(), Value::from(rule.code()));
                fields.insert("detail_zh".to_owned(), Value::from(rule.zh()));
                fields.insert("detail_en".to_owned(), Value::from(rule.en()));
            }
            Some(shown)
        });
        let missing =
            !file.case.materials.contains_key(&material.code) || file.case.outstanding.contains(&material.code);
        json!({
            "code": material.code, "name_zh": material.name_zh, "required": material.required, "missing": missing,
            "certificates": of_its_kind.collect::<Vec<_>>()
        })
    });
    let body = json!({ "id": id, "version": file.version, "materials": replaceable.collect::<Vec<_>>() });
    Ok(Stamp::new(&at, position).json(&body))
}

/// How far a certificate library was read.
#[utoipa::path(
    get, path = "/api/v1/certificate-libraries/{library}", tag = "certificates", security(("token" = [])),
    params(("library" = String, Path, description = "Its name", example = "city"), crate::openapi::WhenParameters),
    responses((status = 200, description = "Where reading goes on, and what came of it so far", body = Object, example = json!({
        "position": 612345, "as_of": "2026-02-13T09:00:00.000+08:00", "library": "city", "version": 12,
        "cursor": "2026-02-13T00:00:00Z/4711", "added": 4800, "changed": 31, "rejected": 2
    })), (status = 304, description = "Unchanged since the given `ETag`"))
)]
#[get("/certificate-libraries/{library}")]
pub(crate) async fn get_library(
    node: Data<Node>,
    caller: Caller,
    library: Path<String>,
    Query(when): Query<When>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    sees_certificates(&caller)?;
    let library: SourceName = library.parse().map_err(|_| Problem::not_found())?;
    let root = rights::root(&caller)?;
    if !node.reads.views.today(|reference| rights::is_city(root, &reference.organisations)) {
        return Err(Problem::not_found());
    }
    let views = &node.reads.views;
    let at = views.resolve(&when, &node.clock).await?;
    let position = views.position(&at);
    let facts = views.stream(&at, &Subject::Library(library.clone())).await?;
    let version = facts.last().ok_or_else(Problem::not_found)?.version;
    let Library { cursor, added, changed, rejected } = folded(&facts);
    let body = json!({
        "library": library, "version": version, "cursor": cursor, "added": added, "changed": changed,
        "rejected": rejected
    });
    Ok(Stamp::new(&at, position).resource(request.headers(), &version.to_string(), &body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_shows_its_last_four_characters_and_a_short_one_nothing() {
        assert_eq!(mask_number("36252219480305001843"), "************1843");
        assert_eq!(mask_number("抚12345678"), "*****5678");
        assert_eq!(mask_number("1234567"), "*******");
    }
}

//! 电子文书: which documents a case has, and each one's exact bytes, printed again from the log.

use super::cases::visible;
use crate::answer::{Stamp, shown};
use crate::auth::Caller;
use crate::documents::{Act, sha256};
use crate::execute::folded;
use crate::node::Node;
use crate::problem::{Kind, Problem, Text};
use crate::query::Query;
use crate::rights;
use crate::routes::write::cases::may_see_persons_in_clear;
use crate::routes::write::people::record_look;
use crate::views::When;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, ETAG, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::actor::Role;
use domain::case::Case;
use domain::event::Event;
use domain::event::access::PersonUnmasked;
use domain::event::case::Printed;
use domain::fact::{Fact, Subject};
use domain::ids::{CaseId, SubjectId};
use domain::reference::Reference;
use domain::sealed::Party;
use domain::zone::day_of;
use eventstore::Position;
use projections::Projection as _;
use projections::documents::{DocumentEntry, Documents};
use projections::reference::ReferenceData;
use replay::view::View;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// Documents hold no script and fetch nothing; whatever their template says, a browser does no more than show them.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; sandbox";

/// The documents of a case, in the order of their issue.
#[utoipa::path(
    get, path = "/api/v1/cases/{id}/documents", tag = "cases", security(("token" = [])),
    params(("id" = String, Path, description = "The case"), crate::openapi::WhenParameters),
    responses((status = 200, description = "Numbers, templates and hashes; the hash stands also where the person was erased", body = Object, example = json!({
        "position": 612345, "as_of": "2026-02-13T09:00:00.000+08:00", "id": "01KH9Z6V0000000000000000AA", "version": 6,
        "documents": [{"kind": "acceptance", "name_zh": "受理通知书", "name_en": "Notice of acceptance",
            "number": "SL361023100-20260203-7Q2M4X9K", "act": 4, "position": 4713, "issued_at": "2026-02-03T09:40:00.000+08:00",
            "issued_by": "z-204", "organisation": "361023100", "organisation_name_zh": "琴城镇便民服务中心",
            "template": 1, "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "href": "/api/v1/cases/01KH9Z6V0000000000000000AA/documents/SL361023100-20260203-7Q2M4X9K"}]
    })), (status = 304, description = "Unchanged since the given `ETag`"))
)]
#[get("/cases/{id}/documents")]
pub(crate) async fn list_documents(
    node: Data<Node>,
    caller: Caller,
    id: Path<String>,
    Query(when): Query<When>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    rights::sees_cases(&caller)?;
    let id: CaseId = id.parse().map_err(|_| Problem::not_found())?;
    let views = &node.reads.views;
    let at = views.resolve(&when, &node.clock).await?;
    visible(&node, &caller, id).await?;
    let position = views.position(&at);
    let facts = views.stream(&at, &Subject::Case(id)).await?;
    if facts.is_empty() {
        return Err(Problem::not_found());
    }
    let mut documents = Documents::default();
    facts.iter().for_each(|fact| documents.apply(fact));
    let told = views
        .today(|reference| documents.entries.iter().map(|entry| entry_told(id, entry, reference)).collect::<Vec<_>>());
    let body = json!({ "id": id, "version": documents.version, "documents": told });
    Ok(Stamp::new(&at, position).resource(request.headers(), &documents.version.to_string(), &body))
}

fn entry_told(case: CaseId, entry: &DocumentEntry, reference: &Reference) -> Value {
    let [_, name_zh, name_en] = entry.kind.names();
    let office = reference.organisations.get(&entry.organisation).map(|known| known.name_zh());
    let mut told = json!({
        "kind": entry.kind, "name_zh": name_zh, "name_en": name_en, "number": entry.number, "act": entry.act,
        "position": entry.position, "issued_at": shown(entry.issued_at), "issued_by": entry.issued_by, "organisation": entry.organisation,
        "organisation_name_zh": office,
    });
    if let Some(fields) = told.as_object_mut() {
        if let Some(printed) = &entry.printed {
            fields.insert("template".to_owned(), json!(printed.template));
            fields.insert("sha256".to_owned(), json!(printed.sha256));
            fields.insert("href".to_owned(), json!(format!("/api/v1/cases/{case}/documents/{}", entry.number)));
        }
        if let Some(sha256) = &entry.made_elsewhere {
            fields.insert("sha256".to_owned(), json!(sha256));
            fields.insert("made_elsewhere".to_owned(), json!(true));
        }
    }
    told
}

/// One document as it was printed: HTML for A4 and for screen readers, in Chinese.
#[utoipa::path(
    get, path = "/api/v1/cases/{id}/documents/{number}", tag = "cases", security(("token" = [])),
    params(
        ("id" = String, Path, description = "The case"),
        ("number" = String, Path, description = "The document's number", example = "SL361023100-20260203-7Q2M4X9K"),
        crate::openapi::WhenParameters,
    ),
    responses(
        (status = 200, description = "The exact bytes, printed again from the log and compared with the recorded hash (`ETag`, `Repr-Digest`). \
            They show names in clear: that staff read one is recorded as `person-unmasked` for the purpose `document`",
            body = String, content_type = "text/html", example = json!("<!doctype html><html lang=\"zh-CN\">…")),
        (status = 410, description = "The person's data were erased; the hash still stands")
    )
)]
#[get("/cases/{id}/documents/{number}")]
pub(crate) async fn get_document(
    node: Data<Node>,
    caller: Caller,
    path: Path<(String, String)>,
    Query(when): Query<When>,
) -> Result<HttpResponse, Problem> {
    let (id, number) = path.into_inner();
    let id: CaseId = id.parse().map_err(|_| Problem::not_found())?;
    let views = &node.reads.views;
    let at = views.resolve(&when, &node.clock).await?;
    visible(&node, &caller, id).await?;
    if caller.actor.role != Role::Resident && !may_see_persons_in_clear(caller.actor.role) {
        return Err(Problem::new(Kind::Forbidden));
    }
    let subject = Subject::Case(id);
    let facts = views.history().stream(&subject).await?;
    let of_number = |fact: &&Fact| match &fact.event {
        Event::Case(event) => event.document().is_some_and(|issued| issued.number.as_str() == number),
        _ => false,
    };
    let issued = facts.iter().find(of_number).ok_or_else(Problem::not_found)?;
    let position = views.position(&at);
    if at.slice().is_some_and(|slice| !slice.holds(issued)) {
        return Err(Problem::not_found());
    }
    let (bytes, printed) = printed_again(&node, &facts, issued).await?;
    record_reading(&node, &caller, id, &facts).await?;
    let digest = repr_digest(&bytes);
    let mut response = Stamp::new(&at, position).bytes("text/html; charset=utf-8", bytes, None);
    let etag = format!("\"{}\"", printed.sha256);
    let headers = [
        (ETAG, etag.as_str()),
        (HeaderName::from_static("repr-digest"), digest.as_str()),
        (CACHE_CONTROL, "private, no-store"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CONTENT_DISPOSITION, "inline"),
    ];
    for (name, value) in headers {
        // All of them are ASCII.
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

fn repr_digest(bytes: &str) -> String {
    format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(bytes.as_bytes())))
}

/// Prints a document from the case before its act, the reference data it names and the template it names.
async fn printed_again(node: &Node, facts: &[Fact], issued: &Fact) -> Result<(String, Printed), Problem> {
    let Event::Case(event) = &issued.event else { return Err(Problem::not_found()) };
    let document = event.document().ok_or_else(Problem::not_found)?;
    let Some(printed) = document.printed else {
        let detail = Text::new(
            "该文书不由本平台印制，此处只存编号与校验值",
            "it was not printed here; its number and hash are all there is",
        );
        return Err(Problem::not_found().detail(detail));
    };
    let before: Case = folded(facts.iter().take_while(|fact| fact.version < issued.version));
    let known = ReferenceThen::of(node, Position(printed.reference)).await?;
    let reference = known.reference();
    let template = reference.templates.version(document.kind, printed.template).ok_or_else(not_reproducible)?;
    let act = Act {
        context: &issued.subject.to_string(),
        occurred_at: issued.occurred_at,
        printed_on: day_of(issued.recorded_at),
        by: &issued.by,
        reference,
        reference_position: printed.reference,
        vault: &node.vault,
    };
    match node.executor.printing().bytes(&before, event, &act, template) {
        Ok(bytes) if sha256(&bytes) == printed.sha256 => Ok((bytes, printed.clone())),
        Ok(_) => {
            tracing::error!(document = %document.number, "document {} does not come out as it was printed", document.number);
            Err(not_reproducible())
        }
        Err(error) if error.is_loss() => Err(erased(document.number.as_str(), printed)),
        Err(error) => {
            tracing::error!(document = %document.number, "document {} cannot be printed again: {error}", document.number);
            Err(not_reproducible())
        }
    }
}

fn not_reproducible() -> Problem {
    Problem::new(Kind::NotReproducible)
}

fn erased(number: &str, printed: &Printed) -> Problem {
    Problem::new(Kind::Gone).detail(Text::new(
        format!("个人信息已删除，文书 {number} 不能再现；其校验值 SHA-256 {} 仍可核对", printed.sha256),
        format!("document {number} cannot be printed again; its SHA-256 {} still stands", printed.sha256),
    ))
}

/// The reference data through a position: today's, if nothing was added since, or folded again.
enum ReferenceThen {
    Now(Arc<ReferenceData>),
    Past(Arc<View<ReferenceData>>),
}

impl ReferenceThen {
    async fn of(node: &Node, position: Position) -> Result<Self, Problem> {
        let now = node.reference.now();
        if now.position == position.0 {
            return Ok(Self::Now(now));
        }
        Ok(Self::Past(node.reads.views.reference_through(position).await?))
    }

    fn reference(&self) -> &Reference {
        match self {
            Self::Now(data) => &data.reference,
            Self::Past(view) => &view.state.reference,
        }
    }
}

/// A document shows its people in clear. That staff saw them is on record before they see them; residents see what is
/// theirs.
async fn record_reading(node: &Node, caller: &Caller, case: CaseId, facts: &[Fact]) -> Result<(), Problem> {
    if caller.actor.role == Role::Resident {
        return Ok(());
    }
    let file: Case = folded(facts);
    let application = file.application.as_ref().ok_or_else(Problem::not_found)?;
    let parties: Vec<&Party> = std::iter::once(&application.applicant).chain(&application.agent).collect();
    let event = |party: &&Party| {
        let (subject, fields) = (party.subject.clone(), vec!["name".to_owned()]);
        Event::Access(PersonUnmasked { case, subject, fields, purpose: "document".to_owned() }.into())
    };
    let events = parties.iter().map(event).collect();
    let looked_at: Vec<&SubjectId> = parties.iter().map(|party| &party.subject).collect();
    record_look(node, caller, events, &looked_at).await?;
    Ok(())
}

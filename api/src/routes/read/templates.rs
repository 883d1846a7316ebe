//! 文书模板: the library of document templates, in versions.

use crate::answer::Stamp;
use crate::auth::Caller;
use crate::node::Node;
use crate::problem::Problem;
use crate::query::Query;
use crate::views::When;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use domain::document::DocumentKind;
use domain::fact::Subject;
use projections::reference::ReferenceData;
use serde_json::json;

/// The library of document templates.
#[utoipa::path(
    get, path = "/api/v1/templates", tag = "reference", security(("token" = [])),
    params(crate::openapi::WhenParameters),
    responses((status = 200, description = "Every kind of document, with the version by which it is printed", body = Object, example = json!({
        "position": 612345, "as_of": "2026-02-13T09:00:00.000+08:00",
        "templates": [{"kind": "acceptance", "name_zh": "受理通知书", "name_en": "Notice of acceptance", "in_force": 1, "versions": 1}]
    })))
)]
#[get("/templates")]
pub(crate) async fn list_templates(
    node: Data<Node>,
    _caller: Caller,
    Query(when): Query<When>,
) -> Result<HttpResponse, Problem> {
    let views = &node.reads.views;
    let at = views.resolve(&when, &node.clock).await?;
    let seen = views.look(&at, |data: &ReferenceData| {
        let told = data.reference.templates.iter().map(|(kind, template)| {
            let [_, name_zh, name_en] = kind.names();
            let in_force = template.at(at.day()).map(|version| version.version);
            let versions = template.versions().len();
            json!({"kind": kind, "name_zh": name_zh, "name_en": name_en, "in_force": in_force, "versions": versions})
        });
        told.collect::<Vec<_>>()
    });
    let seen = seen.await?;
    Ok(Stamp::new(&at, seen.position).json(&json!({ "templates": seen.value })))
}

/// One template with all its versions.
#[utoipa::path(
    get, path = "/api/v1/templates/{kind}", tag = "reference", security(("token" = [])),
    params(("kind" = String, Path, description = "The kind of document", example = "acceptance"), crate::openapi::WhenParameters),
    responses((status = 200, description = "Every version, the oldest first, as HTML with places for facts", body = Object, example = json!({
        "position": 612345, "as_of": "2026-02-13T09:00:00.000+08:00", "kind": "acceptance", "name_zh": "受理通知书", "in_force": 1,
        "versions": [{"version": 1, "valid_from": "2019-01-01", "published_on": "2019-01-01", "source": "<!doctype html>…{{ number }}…"}]
    })), (status = 304, description = "Unchanged since the given `ETag`"))
)]
#[get("/templates/{kind}")]
pub(crate) async fn get_template(
    node: Data<Node>,
    _caller: Caller,
    kind: Path<String>,
    Query(when): Query<When>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let kind: DocumentKind = kind.parse().map_err(|_| Problem::not_found())?;
    let views = &node.reads.views;
    let at = views.resolve(&when, &node.clock).await?;
    let seen = views.look(&at, |data: &ReferenceData| {
        let template = data.reference.templates.get(kind)?;
        let [_, name_zh, name_en] = kind.names();
        let in_force = template.at(at.day()).map(|version| version.version);
        // Which version is in force changes by the day, without an event.
        let etag = format!("{}-{}", data.version(&Subject::Template(kind)), in_force.unwrap_or(0));
        let versions = template.versions();
        let body = json!({
            "kind": kind, "name_zh": name_zh, "name_en": name_en, "in_force": in_force, "versions": versions,
        });
        Some((etag, body))
    });
    let seen = seen.await?;
    let (etag, body) = seen.value.ok_or_else(Problem::not_found)?;
    Ok(Stamp::new(&at, seen.position).resource(request.headers(), &etag, &body))
}

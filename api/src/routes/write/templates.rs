//! Publishing document templates: tried before they are taken in.

use super::reference::{command, execute, is_city_admin};
use super::request::Incoming;
use crate::auth::Caller;
use crate::documents::flaw_of_template;
use crate::node::Node;
use crate::problem::{Kind, Problem};
use actix_web::{HttpResponse, web};
use domain::document::DocumentKind;
use domain::fact::Subject;
use domain::template::{Template, TemplateCommand};

/// `POST /templates`: the first version of a template, or the next one.
///
/// # Errors
/// The caller may not publish templates, the body is flawed, documents cannot be printed by it, or a rule forbids it.
pub async fn publish(node: web::Data<Node>, caller: Caller, incoming: Incoming) -> Result<HttpResponse, Problem> {
    is_city_admin(&node, &caller)?;
    let publish = command("publish", incoming.object()?)?;
    publish_tried(&node, &caller, &incoming, &publish).await
}

/// `POST /templates/{kind}/actions/publish`
///
/// # Errors
/// There is no such kind or action, or as [`publish`].
pub async fn act(
    node: web::Data<Node>,
    caller: Caller,
    path: web::Path<(String, String)>,
    incoming: Incoming,
) -> Result<HttpResponse, Problem> {
    is_city_admin(&node, &caller)?;
    let (kind, action) = path.into_inner();
    let kind: DocumentKind = kind.parse().map_err(|_| Problem::not_found())?;
    if action != "publish" {
        return Err(Problem::not_found());
    }
    let mut body = incoming.object()?;
    body.insert("kind".to_owned(), kind.as_str().into());
    let publish = command(&action, body)?;
    publish_tried(&node, &caller, &incoming, &publish).await
}

async fn publish_tried(
    node: &Node,
    caller: &Caller,
    incoming: &Incoming,
    publish: &TemplateCommand,
) -> Result<HttpResponse, Problem> {
    let TemplateCommand::Publish { kind, source, .. } = publish;
    if let Some(flaw) = flaw_of_template(*kind, source) {
        return Err(Problem::new(Kind::Invalid).errors(vec![flaw]));
    }
    execute::<Template>(node, caller, incoming, &Subject::Template(*kind), kind.as_str(), publish).await
}

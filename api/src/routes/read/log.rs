//! The log itself, record by record as the journal has it: for the tool that looks at a running server's history.

use crate::auth::Caller;
use crate::node::Node;
use crate::problem::{Kind, Problem};
use crate::query::{FromParameters, Parameters, Query};
use crate::rights;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use domain::actor::Role;
use domain::fact::Subject;
use eventstore::{Head, PAGE_EVENTS_MAX, Page, Position};
use replay::history::{History, HistoryError};
use replay::remote::{END, GROWTH_SECONDS_MAX, RECORDS_MEDIA_TYPE, THROUGH};
use serde_json::json;
use std::time::Duration;
use tracing::info;

/// Who reads the log reads all of it, sealed texts and references to persons included: whoever answers for the city's
/// system as a whole may, and nobody else.
fn may_copy(caller: &Caller, node: &Node) -> Result<(), Problem> {
    let root = rights::root(caller)?;
    let is_city = node.reads.views.today(|reference| rights::is_city(root, &reference.organisations));
    if caller.actor.role == Role::Admin && is_city { Ok(()) } else { Err(Problem::new(Kind::Forbidden)) }
}

/// What is asked of the log's end.
#[derive(Debug, Clone, Copy)]
struct HeadQuestion {
    past: Option<u64>,
}

impl FromParameters for HeadQuestion {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self { past: parameters.number("past", 0, u64::MAX)? })
    }
}

/// Where the log ends; asked with `past`, once it has grown past that position, or after a while where it is then.
#[utoipa::path(
    get, path = "/api/v1/log", tag = "events", security(("token" = [])),
    params(("past" = Option<u64>, Query, description = "Answer once the log has grown past this position, after 25 seconds in any case", example = 612345)),
    responses((status = 200, description = "The last position and when it was recorded, also in microseconds since 1970. For administrators of the whole city",
        body = Object, example = json!({"position": 612345, "recorded_at_micros": 1770085920000000_i64})))
)]
#[get("/log")]
pub(crate) async fn get_log_head(
    node: Data<Node>,
    caller: Caller,
    Query(question): Query<HeadQuestion>,
) -> Result<HttpResponse, Problem> {
    may_copy(&caller, &node)?;
    let history = node.reads.views.history();
    if let Some(past) = question.past {
        let grown = history.grown_past(Position(past));
        // Neither has to have happened: what is told is where the log is then.
        if let Ok(grown) = tokio::time::timeout(Duration::from_secs(GROWTH_SECONDS_MAX), grown).await {
            grown.map_err(HistoryError::from)?;
        }
    }
    let Head { position, recorded_at } = history.head().await.map_err(HistoryError::from)?;
    let body = json!({ "position": position.0, "recorded_at_micros": recorded_at });
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(body))
}

/// Which records are asked for.
#[derive(Debug, Clone)]
struct RecordsQuestion {
    after: Position,
    limit: usize,
    stream: Option<Subject>,
}

impl FromParameters for RecordsQuestion {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        let after = Position(parameters.number("after", 0, u64::MAX)?.unwrap_or(0));
        let limit = parameters.number("limit", 1, PAGE_EVENTS_MAX as u64)?;
        let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(PAGE_EVENTS_MAX);
        Ok(Self { after, limit, stream: parameters.one("stream")? })
    }
}

/// Records of the log as its journal has them, each with its own checksum.
#[utoipa::path(
    get, path = "/api/v1/log/records", tag = "events", security(("token" = [])),
    params(
        ("after" = Option<u64>, Query, description = "Only records after this position", example = 4711),
        ("limit" = Option<u64>, Query, description = "At most so many; 4096 if absent", example = 4096),
        ("stream" = Option<String>, Query, description = "Only those of this stream", example = "calendar"),
    ),
    responses((status = 200, description = "Each record behind its length (four bytes, little-endian), as docs/event-log.md describes it. \
        `Log-Through` is the last position looked at, `Log-End` whether nothing followed. For administrators of the whole city: texts about persons are sealed in it, \
        references to them are not hidden", content_type = "application/vnd.yichuang.records", body = Vec<u8>, example = json!("…")))
)]
#[get("/log/records")]
pub(crate) async fn list_records(
    node: Data<Node>,
    caller: Caller,
    Query(question): Query<RecordsQuestion>,
) -> Result<HttpResponse, Problem> {
    may_copy(&caller, &node)?;
    let page = page(node.reads.views.history(), &question).await?;
    if question.after == Position::START && question.stream.is_none() {
        let by = caller.actor.id.as_str();
        info!(by, "the log is being read from its beginning by {by}");
    }
    let mut body = Vec::with_capacity(page.events.iter().map(|event| 4 + event.record().len()).sum());
    for event in &page.events {
        let record = event.record();
        // The limits of a record are far below four gigabytes.
        let length = u32::try_from(record.len()).map_err(|_| Problem::new(Kind::Internal))?;
        body.extend_from_slice(&length.to_le_bytes());
        body.extend_from_slice(record);
    }
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((CONTENT_TYPE, RECORDS_MEDIA_TYPE))
        .insert_header((THROUGH, page.through.to_string()))
        .insert_header((END, page.end.to_string()))
        .body(body))
}

async fn page(history: &History, question: &RecordsQuestion) -> Result<Page, HistoryError> {
    let RecordsQuestion { after, limit, stream } = question;
    Ok(match stream {
        None => history.raw_page(*after, *limit).await?,
        Some(subject) => history.raw_stream_page(subject, *after, *limit).await?,
    })
}

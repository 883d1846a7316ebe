//! The log itself, record by record as the journal has it: for the tool that looks at a running server's history.

use crate::auth::Caller;
use crate::execute::{Asked, Begun, derived};
use crate::node::Node;
use crate::problem::{Kind, Problem, Text};
use crate::query::{FromParameters, Parameters, Query, invalid};
use crate::rights;
use crate::routes::write::exports::ExportPurpose;
use crate::routes::write::people::record_access;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use domain::actor::Role;
use domain::event::Event;
use domain::event::access::ExportMade;
use domain::fact::Subject;
use domain::zone::{day_of, start_of};
use eventstore::{Head, PAGE_EVENTS_MAX, Page, Position};
use replay::history::{History, HistoryError};
use replay::remote::{END, GROWTH_SECONDS_MAX, RECORDS_MEDIA_TYPE, THROUGH};
use serde_json::json;
use std::time::Duration;

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

/// Puts on the record who takes the log out and what for, before the first record goes out: once a day for each purpose,
/// for whoever may have one record may have them all.
async fn record_taking(node: &Node, caller: &Caller, purpose: ExportPurpose) -> Result<(), Problem> {
    let actor = &caller.actor;
    let day = day_of(node.clock.now());
    let purpose = purpose.as_str();
    let text = format!("log\0{}\0{}\0{}\0{purpose}\0{day}", actor.id, actor.role, actor.organisation);
    let millis = u64::try_from(start_of(day).timestamp_millis()).unwrap_or_default();
    let (command, digest) = derived(&text, millis);
    let Begun::Fresh(under_way) = node.executor.begin(command, digest).await? else { return Ok(()) };
    let head = node.reads.views.history().head().await.map_err(HistoryError::from)?;
    let made = ExportMade {
        what: "log".to_owned(),
        filters: "{}".to_owned(),
        purpose: purpose.to_owned(),
        records: head.position.0,
    };
    let asked = Asked { command, digest, actor: actor.clone(), if_match: None, late: None };
    record_access(node, &under_way, &asked, vec![Event::Access(made.into())], &[]).await?;
    Ok(())
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
    purpose: ExportPurpose,
}

impl FromParameters for RecordsQuestion {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        let after = Position(parameters.number("after", 0, u64::MAX)?.unwrap_or(0));
        let limit = parameters.number("limit", 1, PAGE_EVENTS_MAX as u64)?;
        let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(PAGE_EVENTS_MAX);
        let missing = || invalid("purpose", Text::new("须说明用途", "say what for"));
        let purpose = parameters.word("purpose")?.ok_or_else(missing)?;
        Ok(Self { after, limit, stream: parameters.one("stream")?, purpose })
    }
}

/// Records of the log as its journal has them, each with its own checksum. That they are taken out is on the record.
#[utoipa::path(
    get, path = "/api/v1/log/records", tag = "events", security(("token" = [])),
    params(
        ("after" = Option<u64>, Query, description = "Only records after this position", example = 4711),
        ("limit" = Option<u64>, Query, description = "At most so many; 4096 if absent", example = 4096),
        ("stream" = Option<String>, Query, description = "Only those of this stream", example = "calendar"),
        ("purpose" = String, Query, description = "What for: `supervision`, `analysis`, `audit` or `report`; `GET /accesses` tells of it, once a day", example = "audit"),
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
    record_taking(&node, &caller, question.purpose).await?;
    let page = page(node.reads.views.history(), &question).await?;
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
    let RecordsQuestion { after, limit, stream, purpose: _ } = question;
    Ok(match stream {
        None => history.raw_page(*after, *limit).await?,
        Some(subject) => history.raw_stream_page(subject, *after, *limit).await?,
    })
}

//! The log itself as CloudEvents: one case's, everything, and everything as it comes.

use crate::answer::Stamp;
use crate::auth::{Caller, Extent, Scope, StreamCaller};
use crate::cursor::Page;
use crate::labels;
use crate::node::Node;
use crate::problem::{FieldError, Kind, Problem, Text};
use crate::query::{FromParameters, Parameters, Query, invalid};
use crate::rights;
use crate::sse;
use crate::telemetry::OpenStream;
use crate::views::{Standing, When};
use actix_web::http::header::{ACCEPT, HeaderMap};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use bytes::{Bytes, BytesMut};
use domain::event::SCHEMAS;
use domain::fact::Subject;
use domain::ids::{CaseId, OrganisationId};
use eventstore::{Position, RecordedEvent};
use futures::FutureExt as _;
use replay::cloud_events::{BATCH_MEDIA_TYPE, CloudEvent, Persons, cloud_event};
use replay::history::History;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeSet;
use std::pin::pin;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// The most records that are looked at for one page; a page that ends early says where to go on.
const SCANNED_MAX: usize = 20_000;
/// How many records are read at once.
const PAGE_EVENTS: usize = 512;
/// After this long a stream ends and the client comes back: rights are looked at anew.
const STREAM_SECONDS_MAX: Duration = Duration::from_secs(3_600);

/// Which events are asked for.
#[derive(Debug, Clone)]
struct EventFilter {
    after: Option<u64>,
    types: BTreeSet<String>,
    organisation: Option<OrganisationId>,
}

impl FromParameters for EventFilter {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        let after = parameters.number("after", 0, u64::MAX)?;
        let types = parameters.text("types")?.unwrap_or_default();
        let types: BTreeSet<String> = types.split(',').filter(|kind| !kind.is_empty()).map(str::to_owned).collect();
        let known = |kind: &String| SCHEMAS.iter().any(|schema| schema.name == *kind);
        if let Some(unknown) = types.iter().find(|kind| !known(kind)) {
            let detail = Text::new(format!("没有事件类型 {unknown:?}"), format!("there is no event type {unknown:?}"));
            return Err(invalid("types", detail));
        }
        Ok(Self { after, types, organisation: parameters.one("org")? })
    }
}

/// What only a stream takes.
#[derive(Debug, Clone)]
struct StreamParameters {
    ticket: Option<String>,
    last_event_id: Option<u64>,
}

impl FromParameters for StreamParameters {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self { ticket: parameters.text("ticket")?, last_event_id: parameters.number("lastEventId", 0, u64::MAX)? })
    }
}

/// Who sees which records: decided by the words on the record alone, so that nothing is looked up.
#[derive(Debug, Clone)]
struct Visible {
    scope: Scope,
    types: BTreeSet<String>,
    within: Option<Scope>,
}

impl Visible {
    fn new(caller: &Caller, filter: &EventFilter, node: &Node) -> Result<Self, Problem> {
        rights::sees_cases(caller)?;
        let within = match &filter.organisation {
            None => None,
            Some(asked) => {
                let organisation = node
                    .reads
                    .views
                    .today(|reference| rights::asked_organisation(caller, Some(asked), &reference.organisations))?;
                Some(Scope { extent: Extent::Subtree(organisation), sight: caller.scope.sight })
            }
        };
        Ok(Self { scope: caller.scope.clone(), types: filter.types.clone(), within })
    }

    fn shows(&self, event: &RecordedEvent) -> bool {
        let labels = || event.labels();
        let wanted = self.types.is_empty() || self.types.contains(event.kind());
        let is_public = || labels().any(|label| label == labels::PUBLIC);
        wanted
            && match &self.within {
                Some(within) => within.covers(labels()),
                None => self.scope.covers(labels()) || is_public(),
            }
    }

    fn persons(&self) -> Persons {
        self.scope.sight.persons()
    }
}

#[derive(Serialize, Deserialize)]
struct After {
    at: Standing,
    position: u64,
}

/// Every event that the caller may see, as CloudEvents 1.0; with `Accept: text/event-stream` as they come.
#[utoipa::path(
    get, path = "/api/v1/events", tag = "events", security(("token" = [])),
    params(
        ("after" = Option<u64>, Query, description = "Only events after this position", example = 4711),
        ("types" = Option<String>, Query, description = "Only these types, comma-separated", example = "case-submitted,case-finished"),
        ("org" = Option<String>, Query, description = "Only what concerns this organisation or those under it", example = "361023"),
        ("ticket" = Option<String>, Query, description = "For streams: instead of a token, from `POST /stream-tickets`"),
        ("lastEventId" = Option<u64>, Query, description = "For streams: as the header `Last-Event-ID`"),
        ("Last-Event-ID" = Option<u64>, Header, description = "For streams: go on after this position"),
        crate::openapi::PageParameters, crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "A batch, in the order of the log; `Link` leads on. As a stream: `id` is the position, a heartbeat every 15 s carries the last position scanned",
        content_type = "application/cloudevents-batch+json", body = Object, example = json!([{
            "specversion": "1.0", "id": "01KH9Z6V0000000000000000AB", "source": "urn:yichuang:log", "type": "case-submitted",
            "subject": "01KH9Z6V0000000000000000AA", "time": "2026-02-03T09:12:00+08:00", "datacontenttype": "application/json",
            "dataschema": "urn:yichuang:event:case-submitted:1", "sequence": "4710", "partitionkey": "case-01KH9Z6V0000000000000000AA",
            "recordedtime": "2026-02-03T09:12:00+08:00", "streamversion": "1", "data": {"number": "361023100-2026-000123"}}])))
)]
#[get("/events")]
pub(crate) async fn list_events(
    node: Data<Node>,
    caller: StreamCaller,
    Query(((filter, stream), page, when)): Query<((EventFilter, StreamParameters), Page, When)>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let StreamCaller(caller) = caller;
    let visible = Visible::new(&caller, &filter, &node)?;
    if wants_stream(request.headers()) {
        if when.as_of().is_some() {
            return Err(invalid("as_of", Text::new("实时流不支持", "a live stream has no past")));
        }
        let resume = match last_event_id(request.headers())? {
            Some(position) => Some(position),
            None => stream.last_event_id.or(filter.after),
        };
        return live(node, visible, resume).await;
    }
    if stream.ticket.is_some() || stream.last_event_id.is_some() {
        let name = if stream.ticket.is_some() { "ticket" } else { "lastEventId" };
        let detail = Text::new("仅用于实时流", "it is for streams only");
        return Err(Problem::new(Kind::UnknownParameter).errors(vec![FieldError::new(format!("/{name}"), detail)]));
    }
    batch(&node, &visible, &filter, &page, &when).await
}

async fn batch(
    node: &Node,
    visible: &Visible,
    filter: &EventFilter,
    page: &Page,
    when: &When,
) -> Result<HttpResponse, Problem> {
    let reads = &node.reads;
    let resumed: Option<After> = page.resume(&reads.cursors)?;
    let at = match &resumed {
        Some(resumed) => resumed.at.again(&node.clock),
        None => reads.views.resolve(when, &node.clock).await?,
    };
    let through = match at.slice() {
        // Facts keyed in later about the time before come after it in the log, so they are looked at as well.
        Some(slice) => slice.late.map_or(slice.through, |late| late.known),
        None => reads.views.history().head().await.map_err(replay::history::HistoryError::from)?.position,
    };
    let mut scan = Scan {
        history: reads.views.history(),
        visible,
        at: &at,
        position: Position(resumed.map_or(filter.after.unwrap_or(0), |resumed| resumed.position)),
        found: Vec::new(),
    };
    scan.fill(through, page.limit).await?;
    let next = (scan.position < through).then(|| page.next(&reads.cursors, &After { at, position: scan.position.0 }));
    // CloudEvents of plain text and JSON are always JSON.
    let body = serde_json::to_vec(&scan.found).unwrap_or_default();
    let shown_through = at.slice().map_or(through, |slice| slice.through);
    Ok(Stamp::new(&at, shown_through).bytes(BATCH_MEDIA_TYPE, body, next.as_ref()))
}

/// A batch in the making.
struct Scan<'a> {
    history: &'a History,
    visible: &'a Visible,
    at: &'a Standing,
    position: Position,
    found: Vec<CloudEvent>,
}

impl Scan<'_> {
    async fn fill(&mut self, through: Position, limit: usize) -> Result<(), Problem> {
        let mut scanned = 0;
        while self.position < through && scanned < SCANNED_MAX {
            let page = self.history.raw_page(self.position, PAGE_EVENTS).await;
            let page = page.map_err(replay::history::HistoryError::from)?;
            if page.events.is_empty() {
                self.position = through;
                return Ok(());
            }
            for event in &page.events {
                if through < event.position || limit <= self.found.len() {
                    return Ok(());
                }
                scanned += 1;
                self.position = event.position;
                if self.visible.shows(event) && self.belongs(event)? {
                    self.found.push(told(event, self.visible.persons()));
                }
            }
        }
        Ok(())
    }

    /// On the effective basis, what was recorded later belongs only if it took effect in time.
    fn belongs(&self, event: &RecordedEvent) -> Result<bool, Problem> {
        let Some(slice) = self.at.slice().filter(|slice| slice.through < event.position) else { return Ok(true) };
        let fact = replay::codec::fact(event).map_err(|error| {
            tracing::error!("cannot understand the event at position {}: {error}", event.position);
            Problem::new(Kind::Internal)
        })?;
        Ok(slice.holds(&fact))
    }
}

fn wants_stream(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|media| media.trim().starts_with("text/event-stream"))
}

/// # Errors
/// The header is not a position.
pub(super) fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let position = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    let detail = Text::new("应为位置编号", "it must be a position");
    position.map(Some).ok_or_else(|| invalid("Last-Event-ID", detail))
}

async fn live(node: Data<Node>, visible: Visible, resume: Option<u64>) -> Result<HttpResponse, Problem> {
    let reads = &node.reads;
    let head = reads.views.history().head().await.map_err(replay::history::HistoryError::from)?.position;
    let mut opening = BytesMut::from(&sse::opening()[..]);
    let position = match resume {
        None => head,
        Some(position) if position <= head.0 => Position(position),
        // The client has seen more than this log holds: it is not the log it knows.
        Some(_) => {
            opening.extend_from_slice(&sse::event(head.0, "reset", &json!({ "position": head.0 })));
            head
        }
    };
    opening.extend_from_slice(&sse::heartbeat(position.0));
    let feed = Feed {
        history: reads.views.history().clone(),
        visible,
        position,
        opening: Some(opening.freeze()),
        ends: Instant::now() + STREAM_SECONDS_MAX,
        stopping: reads.stopping(),
        _open: reads.metrics.stream_opened(),
        node: node.clone(),
    };
    let frames = futures::stream::unfold(feed, |mut feed| async move {
        let frame = feed.next().await?;
        Some((Ok(frame), feed))
    });
    Ok(sse::respond(frames))
}

/// One open stream of events.
struct Feed {
    node: Data<Node>,
    history: History,
    visible: Visible,
    position: Position,
    opening: Option<Bytes>,
    ends: Instant,
    stopping: watch::Receiver<bool>,
    _open: OpenStream,
}

impl Feed {
    /// Returns the next frames; nothing once the stream is over.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(opening) = self.opening.take() {
            return Some(opening);
        }
        let node = self.node.clone();
        let mut silence = pin!(node.clock.after(sse::HEARTBEAT));
        let mut silent_long = false;
        while Instant::now() < self.ends && !*self.stopping.borrow() {
            let page = self.history.raw_page(self.position, PAGE_EVENTS).await.ok()?;
            let mut frames = BytesMut::new();
            for event in page.events.iter().filter(|event| self.visible.shows(event)) {
                let shown = told(event, self.visible.persons());
                frames.extend_from_slice(&sse::message(event.position.0, &shown));
            }
            self.position = self.position.max(page.through);
            if !frames.is_empty() {
                return Some(frames.freeze());
            }
            if page.end {
                tokio::select! {
                    grown = self.history.grown_past(self.position) => { grown.ok()?; }
                    () = &mut silence => silent_long = true,
                    _ = self.stopping.changed() => (),
                }
            } else {
                // Also while scanning past a stretch in which nothing is for this reader.
                silent_long = silence.as_mut().now_or_never().is_some();
            }
            if silent_long {
                return Some(sse::heartbeat(self.position.0));
            }
        }
        None
    }
}

/// The events of one case, as recorded.
#[utoipa::path(
    get, path = "/api/v1/cases/{id}/events", tag = "cases", security(("token" = [])),
    params(("id" = String, Path, description = "The case"), crate::openapi::PageParameters, crate::openapi::WhenParameters),
    responses((status = 200, description = "CloudEvents 1.0 in the order of recording; what is sealed stays so",
        content_type = "application/cloudevents-batch+json", body = Object, example = json!([{
            "specversion": "1.0", "id": "01KH9Z6V0000000000000000AB", "source": "urn:yichuang:log", "type": "case-received",
            "subject": "01KH9Z6V0000000000000000AA", "time": "2026-02-03T09:12:00+08:00", "datacontenttype": "application/json",
            "dataschema": "urn:yichuang:event:case-received:1", "sequence": "4711", "partitionkey": "case-01KH9Z6V0000000000000000AA",
            "recordedtime": "2026-02-03T09:12:00+08:00", "streamversion": "2", "data": {"receipt": "R-361023100-2026-000123"}}])))
)]
#[get("/cases/{id}/events")]
pub(crate) async fn case_events(
    node: Data<Node>,
    caller: Caller,
    id: Path<String>,
    Query((page, when)): Query<(Page, When)>,
) -> Result<HttpResponse, Problem> {
    rights::sees_cases(&caller)?;
    let id: CaseId = id.parse().map_err(|_| Problem::not_found())?;
    let reads = &node.reads;
    let resumed: Option<After> = page.resume(&reads.cursors)?;
    let at = match &resumed {
        Some(resumed) => resumed.at.again(&node.clock),
        None => reads.views.resolve(&when, &node.clock).await?,
    };
    super::cases::visible(&node, &caller, id).await?;
    let subject = Subject::Case(id);
    let mut events = reads.views.history().raw_stream(&subject).await?;
    if let Some(slice) = at.slice() {
        let facts = reads.views.history().stream_in(&subject, &slice).await?;
        let within: BTreeSet<u64> = facts.iter().map(|fact| fact.position).collect();
        events.retain(|event| within.contains(&event.position.0));
    }
    if events.is_empty() {
        return Err(Problem::not_found());
    }
    let after = resumed.map_or(0, |resumed| resumed.position);
    let following = events.iter().filter(|event| after < event.position.0);
    let shown: Vec<CloudEvent> =
        following.clone().take(page.limit).map(|event| told(event, caller.scope.sight.persons())).collect();
    let has_more = following.clone().nth(page.limit).is_some();
    let last = following.take(page.limit).last().filter(|_| has_more);
    let next = last.map(|last| page.next(&reads.cursors, &After { at, position: last.position.0 }));
    let position = reads.views.position(&at);
    let body = serde_json::to_vec(&shown).unwrap_or_default();
    Ok(Stamp::new(&at, position).bytes(BATCH_MEDIA_TYPE, body, next.as_ref()))
}

/// The event as this reader may have it. Which other case one duplicates, the timeline tells to those who may see that case.
fn told(event: &RecordedEvent, persons: Persons) -> CloudEvent {
    cloud_event(event, persons).without("duplicate_of")
}

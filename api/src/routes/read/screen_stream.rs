//! A hall's screen as it changes: the whole of it, whenever it shows something else.

use super::events::last_event_id;
use super::halls::Look;
use crate::auth::StreamCaller;
use crate::node::Node;
use crate::problem::Problem;
use crate::query::{FromParameters, Parameters, Query};
use crate::rights;
use crate::sse;
use crate::telemetry::OpenStream;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use bytes::{Bytes, BytesMut};
use domain::ids::OrganisationId;
use domain::ticket::HallQueue;
use eventstore::Position;
use serde_json::Value;
use std::pin::pin;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// How often the clock is looked at: halls open and close by time alone.
const TICK: Duration = Duration::from_secs(5);
/// After this long a stream ends and the client comes back: rights are looked at anew.
const STREAM_SECONDS_MAX: Duration = Duration::from_secs(3_600);

/// What a stream takes.
#[derive(Debug, Clone)]
pub(super) struct Resume {
    _ticket: Option<String>,
    _last_event_id: Option<u64>,
}

impl FromParameters for Resume {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self { _ticket: parameters.text("ticket")?, _last_event_id: parameters.number("lastEventId", 0, u64::MAX)? })
    }
}

/// The public screen of a hall, live: every `screen` event holds all that there is to show.
#[utoipa::path(
    get, path = "/api/v1/halls/{id}/screen/stream", tag = "halls", security(("token" = [])),
    params(
        ("id" = String, Path, description = "The hall", example = "361023100"),
        ("ticket" = Option<String>, Query, description = "Instead of a token, from `POST /stream-tickets`"),
        ("lastEventId" = Option<u64>, Query, description = "Taken and not needed: every event is whole"),
    ),
    responses((status = 200, description = "Server-sent events; `id` is the position, a heartbeat every 15 s",
        content_type = "text/event-stream", body = String, example =
        "id: 4711\nevent: screen\ndata: {\"hall\":\"361023100\",\"calls\":[{\"label\":\"A014\",\"window\":\"C1\"}]}\n\n"))
)]
#[get("/halls/{id}/screen/stream")]
pub(crate) async fn screen_stream(
    node: Data<Node>,
    caller: StreamCaller,
    id: Path<String>,
    Query(_resume): Query<Resume>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let StreamCaller(caller) = caller;
    last_event_id(request.headers())?;
    let hall: OrganisationId = id.parse().map_err(|_| Problem::not_found())?;
    if !node.reads.views.today(|reference| rights::goes_to(&caller, &hall, &reference.organisations)) {
        return Err(Problem::not_found());
    }
    let feed = Feed {
        positions: node.reads.views.live().positions(),
        stopping: node.reads.stopping(),
        _open: node.reads.metrics.stream_opened(),
        ends: Instant::now() + STREAM_SECONDS_MAX,
        told: None,
        hall,
        node: node.clone(),
    };
    let frames = futures::stream::unfold(feed, |mut feed| async move {
        let frame = feed.next().await?;
        Some((Ok(frame), feed))
    });
    Ok(sse::respond(frames))
}

struct Feed {
    node: Data<Node>,
    hall: OrganisationId,
    positions: watch::Receiver<Position>,
    stopping: watch::Receiver<bool>,
    _open: OpenStream,
    ends: Instant,
    told: Option<Value>,
}

impl Feed {
    /// Returns the next frame; nothing once the stream is over.
    async fn next(&mut self) -> Option<Bytes> {
        let node = self.node.clone();
        let mut silence = pin!(node.clock.after(sse::HEARTBEAT));
        let mut silent_long = false;
        while Instant::now() < self.ends && !*self.stopping.borrow() {
            self.positions.mark_unchanged();
            let (position, screen) = self.look();
            if self.told.as_ref() != Some(&screen) {
                let frame = sse::event(position.0, "screen", &screen);
                let opening = if self.told.is_none() { sse::opening() } else { Bytes::new() };
                self.told = Some(screen);
                let mut frames = BytesMut::from(&opening[..]);
                frames.extend_from_slice(&frame);
                return Some(frames.freeze());
            }
            if silent_long {
                return Some(sse::heartbeat(position.0));
            }
            tokio::select! {
                changed = self.positions.changed() => changed.ok()?,
                () = node.clock.after(TICK) => (),
                () = &mut silence => silent_long = true,
                _ = self.stopping.changed() => (),
            }
        }
        None
    }

    fn look(&self) -> (Position, Value) {
        let at = self.node.clock.now();
        self.node.reads.views.live().read(|views| {
            let reference = &views.reference.state.reference;
            let day = reference.organisations.hall_day(&self.hall, at);
            let none = HallQueue::default();
            let queue = views.halls.state.day(&day).unwrap_or(&none);
            (views.halls.position, Look { day: &day, queue, reference, at }.screen())
        })
    }
}

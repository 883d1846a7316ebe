//! A queue as it changes: what appears, changes and vanishes, and lights that change by time alone.

use super::events::last_event_id;
use super::queues::{Counts, QueueFilter, ShownRow};
use crate::auth::{Caller, StreamCaller};
use crate::node::Node;
use crate::problem::Problem;
use crate::query::{FromParameters, Parameters, Query};
use crate::rights;
use crate::sse;
use crate::telemetry::OpenStream;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use bytes::{Bytes, BytesMut};
use chrono::NaiveDate;
use domain::ids::OrganisationId;
use domain::organisation::Organisations;
use domain::zone::{day_of, start_of};
use eventstore::Position;
use projections::queues::{QueueKey, QueueKind, QueueQuery, QueueRow};
use serde::Serialize;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// The most rows that a stream keeps in step; a longer queue is streamed by kind or by organisation.
const ROWS_MAX: usize = 20_000;
/// After so many events at once everything is looked at again, instead of each case.
const EVENTS_AT_ONCE_MAX: usize = 2_048;
/// After this long a stream ends and the client comes back: rights are looked at anew.
const STREAM_SECONDS_MAX: Duration = Duration::from_secs(3_600);

/// What a stream takes besides its filter.
#[derive(Debug, Clone)]
struct Resume {
    _ticket: Option<String>,
    _last_event_id: Option<u64>,
}

impl FromParameters for Resume {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self { _ticket: parameters.text("ticket")?, _last_event_id: parameters.number("lastEventId", 0, u64::MAX)? })
    }
}

/// What tells one row from another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct RowId {
    key: QueueKey,
    kind: QueueKind,
    which: Option<u16>,
    organisation: OrganisationId,
}

/// A row that is no longer there.
#[derive(Serialize)]
struct Removed<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    case: Option<domain::ids::CaseId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rating: Option<&'a str>,
    kind: QueueKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    which: Option<u16>,
    organisation: &'a OrganisationId,
}

type Rows = BTreeMap<RowId, ShownRow>;

/// One queue, live: `reset`, then every row as `upsert`, then `upsert`, `remove` and `counts` as they come.
///
/// A client that comes back is told everything again after `reset`; what it kept is then in step.
#[utoipa::path(
    get, path = "/api/v1/queues/{org}/stream", tag = "queues", security(("token" = [])),
    params(
        ("org" = String, Path, description = "The organisation; those under it are included", example = "361023100"),
        ("kind" = Option<String>, Query, description = "Only this kind", example = "review"),
        ("mine" = Option<bool>, Query, description = "Only what the caller has taken"),
        ("light" = Option<String>, Query, description = "Only under this light"),
        ("ticket" = Option<String>, Query, description = "Instead of a token, from `POST /stream-tickets`"),
        ("lastEventId" = Option<u64>, Query, description = "Taken and not needed: every connection begins with `reset`"),
    ),
    responses((status = 200, description = "Server-sent events; `id` is the position, a heartbeat every 15 s",
        content_type = "text/event-stream", body = String, example =
        "id: 4711\nevent: upsert\ndata: {\"case\":\"01KH9Z6V0000000000000000AA\",\"kind\":\"review\",\"light\":\"yellow\"}\n\n"))
)]
#[get("/queues/{org}/stream")]
pub(crate) async fn queue_stream(
    node: Data<Node>,
    caller: StreamCaller,
    organisation: Path<String>,
    Query((filter, _resume)): Query<(QueueFilter, Resume)>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let StreamCaller(caller) = caller;
    last_event_id(request.headers())?;
    let asked: OrganisationId = organisation.parse().map_err(|_| Problem::not_found())?;
    let organisation = node
        .reads
        .views
        .today(|reference| rights::asked_organisation(&caller, Some(&asked), &reference.organisations))?;
    let live = node.reads.views.live();
    let feed = Feed {
        query: filter.query(&caller, organisation),
        positions: live.positions(),
        stopping: node.reads.stopping(),
        _open: node.reads.metrics.stream_opened(),
        ends: Instant::now() + STREAM_SECONDS_MAX,
        state: None,
        caller,
        node: node.clone(),
    };
    let frames = futures::stream::unfold(feed, |mut feed| async move {
        let frame = feed.next().await?;
        Some((Ok(frame), feed))
    });
    Ok(sse::respond(frames))
}

/// What the client has been told.
struct Told {
    position: Position,
    day: NaiveDate,
    rows: Rows,
    counts: Counts,
}

/// Whose rows may have changed, and up to where the log was looked at for it.
struct Changed {
    keys: BTreeSet<QueueKey>,
    through: Position,
}

struct Feed {
    node: Data<Node>,
    caller: Caller,
    query: QueueQuery,
    positions: watch::Receiver<Position>,
    stopping: watch::Receiver<bool>,
    _open: OpenStream,
    ends: Instant,
    state: Option<Told>,
}

impl Feed {
    /// Returns the next frames; nothing once the stream is over.
    async fn next(&mut self) -> Option<Bytes> {
        let Some(mut told) = self.state.take() else { return Some(self.open()) };
        let node = self.node.clone();
        let mut silence = pin!(node.clock.after(sse::HEARTBEAT));
        let mut silent_long = false;
        while Instant::now() < self.ends && !*self.stopping.borrow() {
            let frames = self.catch_up(&mut told).await?;
            if !frames.is_empty() || silent_long {
                let frames = if frames.is_empty() { sse::heartbeat(told.position.0) } else { frames };
                self.state = Some(told);
                return Some(frames);
            }
            tokio::select! {
                changed = self.positions.changed() => changed.ok()?,
                // Lights are functions of the day: at midnight they change and no event says so.
                () = node.clock.until(day_after(told.day)) => (),
                () = &mut silence => silent_long = true,
                _ = self.stopping.changed() => (),
            }
        }
        None
    }

    fn open(&mut self) -> Bytes {
        let day = self.day();
        self.positions.mark_unchanged();
        let (position, rows, counts) = self.look(day);
        let mut frames = BytesMut::from(&sse::opening()[..]);
        frames.extend_from_slice(&sse::event(position.0, "reset", &json!({ "position": position.0 })));
        for row in rows.values() {
            frames.extend_from_slice(&sse::event(position.0, "upsert", row));
        }
        frames.extend_from_slice(&sse::event(position.0, "counts", &counts));
        self.state = Some(Told { position, day, rows, counts });
        frames.freeze()
    }

    /// Tells what changed since the client was last told.
    async fn catch_up(&self, told: &mut Told) -> Option<Bytes> {
        let day = self.day();
        let reached = self.node.reads.views.live().position();
        if day == told.day && reached <= told.position {
            return Some(Bytes::new());
        }
        let changed = if day == told.day { self.changed(told.position, reached).await? } else { None };
        let (position, rows, counts) = match changed {
            Some(changed) => self.look_again(&told.rows, &changed, day),
            None => self.look(day),
        };
        let mut frames = BytesMut::new();
        for (id, row) in &rows {
            if told.rows.get(id) != Some(row) {
                frames.extend_from_slice(&sse::event(position.0, "upsert", row));
            }
        }
        for id in told.rows.keys().filter(|id| !rows.contains_key(id)) {
            frames.extend_from_slice(&sse::event(position.0, "remove", &removed(id)));
        }
        if counts != told.counts {
            frames.extend_from_slice(&sse::event(position.0, "counts", &counts));
        }
        *told = Told { position, day, rows, counts };
        Some(frames.freeze())
    }

    fn day(&self) -> NaiveDate {
        day_of(self.node.clock.now())
    }

    /// Returns whose rows may have changed; nothing if it is quicker to look at all of them.
    async fn changed(&self, after: Position, through: Position) -> Option<Option<Changed>> {
        let page = self.node.reads.views.history().page(after, EVENTS_AT_ONCE_MAX).await.ok()?;
        if page.through < through {
            return Some(None);
        }
        let keys = page.facts.iter().filter_map(QueueKey::of).collect();
        Some(Some(Changed { keys, through: page.through }))
    }

    /// Looks at the whole queue.
    fn look(&self, day: NaiveDate) -> (Position, Rows, Counts) {
        let limit = if self.caller.scope.sees_cases() { ROWS_MAX } else { 0 };
        self.node.reads.views.live().read(|views| {
            let reference = &views.reference.state.reference;
            let page = views.queues.state.page(&self.query, None, limit, reference, day);
            (views.queues.position, self.shown(&page.rows), page.counts)
        })
    }

    /// Looks at some of its cases and orders; the rest is as it was.
    fn look_again(&self, before: &Rows, changed: &Changed, day: NaiveDate) -> (Position, Rows, Counts) {
        let Changed { keys, through } = changed;
        let mut rows: Rows = before.clone();
        rows.retain(|id, _| !keys.contains(&id.key));
        self.node.reads.views.live().read(|views| {
            let reference = &views.reference.state.reference;
            let queues = &views.queues.state;
            if self.caller.scope.sees_cases() {
                for key in keys {
                    let mut found = queues.rows_of(key, reference, day);
                    found.retain(|row| self.wants(row, &reference.organisations));
                    rows.extend(self.shown(&found));
                }
            }
            let counts = queues.page(&self.query, None, 0, reference, day).counts;
            // The views may have gone on since; whose rows that changed is asked next time.
            (views.queues.position.min(*through), rows, counts)
        })
    }

    fn wants(&self, row: &QueueRow, organisations: &Organisations) -> bool {
        let QueueQuery { organisation, kind, mine, light, helped_by: _ } = &self.query;
        organisation.as_ref().is_none_or(|root| organisations.contains(root, &row.organisation))
            && kind.is_none_or(|kind| kind == row.kind)
            && light.is_none_or(|light| light == row.light)
            && (mine.is_none() || *mine == row.holder)
    }

    fn shown(&self, rows: &[QueueRow]) -> Rows {
        let shown = rows.iter().filter_map(|row| {
            let key = match (&row.rating, row.case) {
                (Some(rating), _) => QueueKey::Rating(rating.clone()),
                (None, Some(case)) => QueueKey::Case(case),
                (None, None) => return None,
            };
            let id = RowId { key, kind: row.kind, which: row.which, organisation: row.organisation.clone() };
            Some((id, ShownRow::of(row, &self.caller, &self.node.vault)))
        });
        shown.collect()
    }
}

fn day_after(day: NaiveDate) -> domain::zone::Instant {
    start_of(day.succ_opt().unwrap_or(day))
}

fn removed(id: &RowId) -> Removed<'_> {
    let (case, rating) = match &id.key {
        QueueKey::Case(case) => (Some(*case), None),
        QueueKey::Rating(rating) => (None, Some(rating.as_str())),
    };
    Removed { case, rating, kind: id.kind, which: id.which, organisation: &id.organisation }
}

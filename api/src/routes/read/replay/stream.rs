//! Timeline replay: a stretch of history in simulated time, for whoever animates it.

use super::within_history;
use crate::answer::shown;
use crate::auth::StreamCaller;
use crate::node::Node;
use crate::problem::{FieldError, Kind, Problem, Text};
use crate::query::{FromParameters, Parameters, Query, invalid};
use crate::rights;
use crate::routes::read::events::last_event_id;
use crate::sse;
use crate::telemetry::OpenStream;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use bytes::{Bytes, BytesMut};
use chrono::TimeDelta;
use domain::ids::{ItemId, OrganisationId};
use domain::zone::Instant;
use eventstore::Position;
use projections::queues::{Tally, TallyQuery};
use replay::history::HistoryError;
use replay::play::{Player, Score, Tick};
use serde::Serialize;
use serde_json::json;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, watch};

/// From one tick to the next, for whoever watches.
const BEAT: Duration = Duration::from_millis(250);
/// Simulated seconds in a second, where nothing is said: a month in a minute.
const SPEED: u64 = 43_200;
const SPEED_MIN: u64 = 1;
/// A year in a second.
const SPEED_MAX: u64 = 31_536_000;
/// How long a stream may take; a longer stretch is played faster, or in parts.
const SECONDS_MAX: u64 = 3_600;

/// What is to be played.
#[derive(Debug, Clone)]
struct Wish {
    from: Instant,
    to: Instant,
    speed: u64,
    organisation: Option<OrganisationId>,
    item: Option<ItemId>,
    resume: Option<u64>,
    _ticket: Option<String>,
}

impl FromParameters for Wish {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        let wanted = |name: &str, moment: Option<Instant>| {
            let detail = Text::new("必须给出起止时间", "both ends of the stretch are needed");
            moment.ok_or_else(|| invalid(name, detail))
        };
        let (from, to) = (parameters.moment("from")?, parameters.moment("to")?);
        let wish = Self {
            from: wanted("from", from)?,
            to: wanted("to", to)?,
            speed: parameters.number("speed", SPEED_MIN, SPEED_MAX)?.unwrap_or(SPEED),
            organisation: parameters.one("org")?,
            item: parameters.one("item")?,
            resume: parameters.number("lastEventId", 0, u64::MAX)?,
            _ticket: parameters.text("ticket")?,
        };
        wish.checked()
    }
}

impl Wish {
    fn checked(self) -> Result<Self, Problem> {
        if self.to <= self.from {
            let detail = Text::new("to 不晚于 from", "to does not lie after from");
            return Err(Problem::new(Kind::ReversedRange).errors(vec![FieldError::new("/to", detail)]));
        }
        let seconds = u64::try_from((self.to - self.from).num_seconds()).unwrap_or(u64::MAX);
        if seconds / self.speed <= SECONDS_MAX {
            return Ok(self);
        }
        let enough = seconds.div_ceil(SECONDS_MAX).min(SPEED_MAX);
        let detail = Text::new(
            format!("以此速度需播放超过一小时，请将 speed 提高到 {enough} 以上或缩短时段"),
            format!("at this speed it takes more than an hour; use speed={enough} or more, or a shorter stretch"),
        );
        Err(invalid("speed", detail))
    }

    fn step(&self) -> TimeDelta {
        let milliseconds = BEAT.as_millis() * u128::from(self.speed);
        TimeDelta::milliseconds(i64::try_from(milliseconds).unwrap_or(i64::MAX))
    }
}

/// A tick as it goes out.
#[derive(Serialize)]
struct Shown<'a> {
    at: String,
    position: u64,
    events: u64,
    #[serde(flatten)]
    tally: &'a Tally,
}

/// History played again: `tick` after `tick` in simulated time, then `end`.
///
/// To pause, close the stream; to go on or to seek, open it with another `from`. After its last tick a client that
/// comes back is answered 204, which ends an `EventSource`.
#[utoipa::path(
    get, path = "/api/v1/replay/stream", tag = "replay", security(("token" = [])),
    params(
        ("from" = String, Query, description = "The first moment", example = "2022-01-01T08:00:00+08:00"),
        ("to" = String, Query, description = "The last moment; not in the future", example = "2022-02-01T08:00:00+08:00"),
        ("speed" = Option<u64>, Query, description = "Simulated seconds in a second; 43200 (a month in a minute) if absent", example = 43200),
        ("org" = Option<String>, Query, description = "Only work of this organisation and those under it", example = "361023"),
        ("item" = Option<String>, Query, description = "Only cases for this item", example = "FZ-001"),
        ("ticket" = Option<String>, Query, description = "Instead of a token, from `POST /stream-tickets`"),
        ("lastEventId" = Option<u64>, Query, description = "Goes on where this position was recorded, as the header `Last-Event-ID` does"),
    ),
    responses((status = 200, description = "Server-sent events, four ticks a second; `id` is the last position recorded by then",
        content_type = "text/event-stream", body = String, example =
        "id: 4711\nevent: tick\ndata: {\"at\":\"2022-01-01T11:00:00.000+08:00\",\"position\":4711,\"events\":38,\"open\":912,\"queues\":{\"review\":{\"green\":301,\"yellow\":12}},\"lights\":{\"green\":870,\"yellow\":30,\"red\":12}}\n\n"),
        (status = 204, description = "Everything was played"))
)]
#[get("/replay/stream")]
pub(crate) async fn replay_stream(
    node: Data<Node>,
    caller: StreamCaller,
    Query(wish): Query<Wish>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let StreamCaller(caller) = caller;
    let resume = last_event_id(request.headers())?.or(wish.resume);
    let views = &node.reads.views;
    let now = node.clock.now();
    within_history(views, "from", wish.from, now).await?;
    within_history(views, "to", wish.to, now).await?;
    let query = views.today(|reference| {
        let asked = wish.organisation.as_ref();
        let organisation = rights::asked_organisation(&caller, asked, &reference.organisations)?;
        if let Some(item) = wish.item.as_ref().filter(|item| reference.catalogue.get(item).is_none()) {
            let detail = Text::new(format!("没有事项 {item}"), format!("there is no item {item}"));
            return Err(invalid("item", detail));
        }
        Ok(TallyQuery { organisation: Some(organisation), item: wish.item.clone() })
    })?;
    let mut from = wish.from;
    if let Some(position) = resume {
        let reached = views.history().position_at(wish.to).await.map_err(HistoryError::from)?;
        if reached.0 <= position {
            return Ok(HttpResponse::NoContent().finish());
        }
        let seen_at = views.history().moment_of(Position(position)).await.map_err(HistoryError::from)?;
        from = seen_at.map_or(from, |seen_at| from.max(seen_at)).min(wish.to);
    }
    let turn = node.reads.players.clone().try_acquire_owned().map_err(|_| {
        let detail = Text::new("正在播放的回放过多，请稍后再试", "too many replays are being played; try again later");
        Problem::new(Kind::TooMany).detail(detail).retry_after(30)
    })?;
    let score = Score { from, to: wish.to, step: wish.step(), query };
    let player = Player::begin(views.past(), score).await?;
    let show = Show {
        player,
        stopping: node.reads.stopping(),
        stage: Stage::Opening,
        _open: node.reads.metrics.stream_opened(),
        _turn: turn,
    };
    let frames = futures::stream::unfold(show, |mut show| async move {
        let frame = show.next().await?;
        Some((Ok(frame), show))
    });
    Ok(sse::respond(frames))
}

enum Stage {
    Opening,
    Playing,
    Over,
}

struct Show {
    player: Player,
    stopping: watch::Receiver<bool>,
    stage: Stage,
    _open: OpenStream,
    _turn: OwnedSemaphorePermit,
}

impl Show {
    /// Returns the next frame; nothing once the stream is over.
    async fn next(&mut self) -> Option<Bytes> {
        match self.stage {
            Stage::Opening => {
                self.stage = Stage::Playing;
                let mut frames = BytesMut::from(&sse::opening()[..]);
                frames.extend_from_slice(&self.play().await?);
                Some(frames.freeze())
            }
            Stage::Playing => {
                tokio::select! {
                    () = tokio::time::sleep(BEAT) => (),
                    _ = self.stopping.wait_for(|stop| *stop) => return None,
                }
                self.play().await
            }
            Stage::Over => None,
        }
    }

    async fn play(&mut self) -> Option<Bytes> {
        match self.player.next().await {
            Ok(Some(tick)) => Some(frame(&tick)),
            Ok(None) => {
                self.stage = Stage::Over;
                let position = self.player.queues().position.0;
                Some(sse::event(position, "end", &json!({ "position": position })))
            }
            Err(error) => {
                // A broken connection tells the client to come back; what it has seen stands.
                tracing::error!("a replay broke off: {error}");
                None
            }
        }
    }
}

fn frame(tick: &Tick) -> Bytes {
    let Tick { at, position, events, tally } = tick;
    sse::event(*position, "tick", &Shown { at: shown(*at), position: *position, events: *events, tally })
}

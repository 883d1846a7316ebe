//! What every write brings along: its id, the version it was made from, its body, and whether it is keyed in late.

use crate::auth::Caller;
use crate::execute::{Asked, Done, LateEntry};
use crate::node::Node;
use crate::problem::{FieldError, Kind, Problem, Text};
use crate::seal::Flaws;
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MATCH};
use actix_web::{FromRequest, HttpRequest, HttpResponse, HttpResponseBuilder, web};
use bytes::Bytes;
use chrono::{DateTime, FixedOffset, SecondsFormat};
use domain::actor::Actor;
use domain::fact::Fact;
use domain::ids::{CommandId, ExternalNumber, WindowId};
use domain::organisation::Organisations;
use domain::sealed::Sealed;
use domain::zone::{Instant, fuzhou};
use eventstore::CommandDigest;
use futures::future::LocalBoxFuture;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::time::Duration;
use utoipa::ToSchema;

/// How long a client may take to send its body.
const BODY_PATIENCE: Duration = Duration::from_secs(30);
/// The header that identifies a command.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// A write as it came in, before anything is known of its body.
#[derive(Debug)]
pub struct Incoming {
    /// The command's id. Without an `Idempotency-Key` it is a fresh one, and a lost answer cannot be asked for again.
    pub command: CommandId,
    /// The version that the caller insists on.
    pub if_match: Option<u64>,
    /// Method and path.
    pub route: String,
    /// The body.
    pub body: Bytes,
}

impl FromRequest for Incoming {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let head = Head::of(request);
        let is_json = is_json(request.headers());
        let body = web::Bytes::from_request(request, payload);
        Box::pin(async move {
            let Head { command, if_match, route } = head?;
            let body = tokio::time::timeout(BODY_PATIENCE, body).await.map_err(|_| Problem::new(Kind::TimedOut))?;
            let body = body.map_err(Problem::from_body)?;
            if !is_json && !body.is_empty() {
                return Err(Problem::new(Kind::UnsupportedMedia));
            }
            Ok(Self { command, if_match, route, body })
        })
    }
}

/// The headers of a write.
#[derive(Debug)]
pub struct Head {
    /// The command's id.
    pub command: CommandId,
    /// The version that the caller insists on.
    pub if_match: Option<u64>,
    /// Method and path.
    pub route: String,
}

impl Head {
    /// Reads the headers.
    ///
    /// # Errors
    /// The key is not a ULID, `If-Match` is not an entity tag of ours, or there are query parameters, which no write
    /// knows.
    pub fn of(request: &HttpRequest) -> Result<Self, Problem> {
        if !request.query_string().is_empty() {
            let detail = Text::new("写入请求不带查询参数", "a write takes no query parameters");
            return Err(Problem::new(Kind::UnknownParameter).detail(detail));
        }
        let node = request.app_data::<web::Data<Node>>().ok_or_else(|| Problem::new(Kind::Internal))?;
        let key = request.headers().get(IDEMPOTENCY_KEY);
        let command = match key {
            Some(key) => key_of(key).ok_or_else(|| {
                Problem::new(Kind::InvalidKey)
                    .detail(Text::new("应为 ULID（26 个字符）", "it must be a ULID of 26 characters"))
            })?,
            None => CommandId(node.clock.ulid()),
        };
        let if_match = request.headers().get(IF_MATCH).map(version_of).transpose()?.flatten();
        let route = format!("{} {}", request.method(), request.path());
        Ok(Self { command, if_match, route })
    }
}

fn key_of(key: &HeaderValue) -> Option<CommandId> {
    let text = key.to_str().ok()?.trim();
    // The draft of the header writes the key as a quoted string; most clients don't.
    text.trim_matches('"').parse().ok()
}

/// Reads `"12"`, or `"12-yellow"` as reads give it where a light is shown; `*` insists on nothing but existence.
fn version_of(tag: &HeaderValue) -> Result<Option<u64>, Problem> {
    let unreadable = || {
        Problem::new(Kind::Malformed)
            .detail(Text::new("If-Match 无法识别", "If-Match is not an entity tag of this service"))
    };
    let text = tag.to_str().map_err(|_| unreadable())?.trim();
    if text == "*" {
        return Ok(None);
    }
    let text = text.strip_prefix("W/").unwrap_or(text);
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).ok_or_else(unreadable)?;
    let digits = inner.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    digits.parse().map(Some).map_err(|_| unreadable())
}

fn is_json(headers: &HeaderMap) -> bool {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

impl Incoming {
    /// Returns the body as an object; an empty body is an empty object.
    ///
    /// # Errors
    /// It is not JSON, or not an object.
    pub fn object(&self) -> Result<Map<String, Value>, Problem> {
        if self.body.is_empty() {
            return Ok(Map::new());
        }
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(_) => Err(Problem::new(Kind::Malformed).detail(Text::new("应为 JSON 对象", "it must be a JSON object"))),
            // Where, but not what: the text around it may be somebody's name.
            Err(error) => Err(Problem::new(Kind::Malformed).detail(Text::new(
                format!("第{}行第{}列不是有效的 JSON", error.line(), error.column()),
                format!("no valid JSON at line {}, column {}", error.line(), error.column()),
            ))),
        }
    }

    /// Returns the body.
    ///
    /// # Errors
    /// It is not JSON, or does not have this shape.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        read(Value::Object(self.object()?))
    }

    /// Returns the request as the write path wants it.
    #[must_use]
    pub fn asked(&self, node: &Node, actor: &Actor, late: Option<LateEntry>) -> Asked {
        let digest = digest(node, actor, &self.route, &self.body);
        Asked { command: self.command, digest, actor: actor.clone(), if_match: self.if_match, late }
    }
}

/// Returns the keyed digest by which a repeated request is recognised.
#[must_use]
pub fn digest(node: &Node, actor: &Actor, route: &str, body: &[u8]) -> CommandDigest {
    let caller = format!("{}\0{}\0{}\0{route}\0", actor.id, actor.role, actor.organisation);
    let digest = node.vault.digest("request", &[caller.as_bytes(), body]);
    let mut short = [0; 16];
    short.copy_from_slice(&digest[..16]);
    CommandDigest(short)
}

/// Reads a value, and says where it does not fit.
///
/// # Errors
/// It does not have this shape.
pub fn read<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(value).map_err(|error| unreadable(&error))
}

/// Returns what is said of a body that does not have the right shape.
#[must_use]
pub fn unreadable(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let pointer = pointer(error.path());
    let reason = without_values(&error.inner().to_string());
    let detail = Text::new(format!("内容不符合要求：{reason}"), format!("does not have the right shape: {reason}"));
    Problem::new(Kind::Malformed).errors(vec![FieldError::new(pointer, detail)])
}

/// What serde says may quote the value it met, and the value may be somebody's name.
fn without_values(reason: &str) -> String {
    match reason.find("invalid ").and_then(|_| reason.find(", expected ")) {
        Some(expected) => reason.get(expected + 2..).unwrap_or_default().to_owned(),
        None if reason.starts_with("unknown ") || reason.starts_with("missing ") => reason.to_owned(),
        None => "not a valid value".to_owned(),
    }
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter().fold(String::new(), |pointer, segment| match segment {
        Segment::Seq { index } => format!("{pointer}/{index}"),
        Segment::Map { key } => format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Enum { .. } | Segment::Unknown => pointer,
    })
}

/// What may stand in the body of every act besides what it is about.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    /// When it happened, where it is keyed in later; not in the future, not before the previous act.
    #[serde(default)]
    pub occurred_at: Option<DateTime<FixedOffset>>,
    /// Why it is keyed in later.
    #[serde(default)]
    pub late_reason: Option<String>,
    /// The number of the paper that shows when it happened.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub paper_reference: Option<ExternalNumber>,
    /// The window at which it happened, where the token does not say it.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub window: Option<WindowId>,
}

impl Envelope {
    /// Takes the envelope's fields out of a body.
    ///
    /// # Errors
    /// One of them does not have the right shape.
    pub fn take(body: &mut Map<String, Value>) -> Result<Self, Problem> {
        let names = ["occurred_at", "late_reason", "paper_reference", "window"];
        let own: Map<String, Value> = names
            .into_iter()
            .filter_map(|name| body.remove_entry(name))
            .filter(|(_, value)| !value.is_null())
            .collect();
        read(Value::Object(own))
    }

    /// Looks for everything that is wrong with it.
    pub fn check(&self, caller: &Caller, organisations: &Organisations, flaws: &mut Flaws) {
        let own = organisations.get(&caller.actor.organisation);
        let is_there = |window| own.is_some_and(|own| own.windows.contains_key(window));
        if self.window.as_ref().is_some_and(|window| !is_there(window)) {
            flaws.add("/window", "本单位没有这个窗口", "is not a window of the caller's organisation");
        }
        flaws.optional("/late_reason", self.late_reason.as_deref());
        let given = [self.late_reason.is_some(), self.paper_reference.is_some()];
        if self.occurred_at.is_some() {
            for (given, pointer) in given.into_iter().zip(["/late_reason", "/paper_reference"]) {
                if !given {
                    flaws.add(pointer, "补录须说明原因并注明纸质凭证", "is needed for an act keyed in later");
                }
            }
        } else if given.contains(&true) {
            flaws.add("/occurred_at", "补录须注明发生时间", "is needed for an act keyed in later");
        }
    }

    /// Returns when it happened, or now.
    #[must_use]
    pub fn moment(&self, now: Instant) -> Instant {
        self.occurred_at.map_or(now, |at| at.to_utc())
    }

    /// Returns why it is keyed in late, where it is; `seal` hides the words.
    ///
    /// # Errors
    /// As `seal`.
    pub fn late<E>(&self, seal: impl FnOnce(&str) -> Result<Sealed, E>) -> Result<Option<LateEntry>, E> {
        let (Some(at), Some(reason), Some(paper)) = (self.occurred_at, &self.late_reason, &self.paper_reference) else {
            return Ok(None);
        };
        let paper_reference = paper.clone();
        Ok(Some(LateEntry { occurred_at: at.to_utc(), reason: seal(reason)?, paper_reference }))
    }

    /// Returns the caller as the log will name them.
    #[must_use]
    pub fn actor(&self, caller: &Caller) -> Actor {
        let window = caller.actor.window.clone().or_else(|| self.window.clone());
        Actor { window, ..caller.actor.clone() }
    }
}

/// Refuses a body with flaws, all of them at once.
///
/// # Errors
/// There is at least one.
pub fn flawless(flaws: Flaws) -> Result<(), Problem> {
    match flaws.0.is_empty() {
        true => Ok(()),
        false => Err(Problem::new(Kind::Invalid).errors(flaws.0)),
    }
}

/// One event, as told to whoever caused it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Told {
    /// The event's id.
    #[schema(example = "01J8Z3M6Q5Y7V9X1B2C3D4E5F6")]
    pub id: String,
    /// Its type.
    #[schema(example = "case-received")]
    pub r#type: &'static str,
    /// Its place in its stream.
    pub version: u64,
    /// Its place in the log.
    pub position: u64,
    /// When it happened.
    pub occurred_at: String,
    /// When it was recorded.
    pub recorded_at: String,
}

/// The answer to every write.
#[derive(Debug, Serialize, ToSchema)]
pub struct Written {
    /// What was written to.
    pub id: String,
    /// The version reached; also the `ETag`.
    pub version: u64,
    /// The position of the last event: give it as `min_position` to read what was written.
    pub position: u64,
    /// What happened; empty if everything was so already.
    pub events: Vec<Told>,
    /// What only this answer tells, such as numbers and codes to be printed.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub more: Map<String, Value>,
}

impl Written {
    /// Tells what was done to this.
    #[must_use]
    pub fn new(id: impl Into<String>, done: &Done) -> Self {
        let events = done.facts.iter().map(told).collect();
        Self { id: id.into(), version: done.version, position: done.position, events, more: Map::new() }
    }

    /// Tells something more.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }

    /// Answers that something new is there, or that something there has changed.
    #[must_use]
    pub fn respond(&self) -> HttpResponse {
        let is_new = self.events.first().is_some_and(|event| event.version == 1);
        self.answer(if is_new { StatusCode::CREATED } else { StatusCode::OK })
    }

    /// Answers that something new is there, in a stream that holds others of its kind.
    #[must_use]
    pub fn created(&self) -> HttpResponse {
        self.answer(StatusCode::CREATED)
    }

    fn answer(&self, status: StatusCode) -> HttpResponse {
        HttpResponseBuilder::new(status)
            .insert_header((ETAG, format!("\"{}\"", self.version)))
            .insert_header((HeaderName::from_static("position"), self.position))
            .json(self)
    }
}

fn told(fact: &Fact) -> Told {
    Told {
        id: fact.id.to_string(),
        r#type: fact.event.schema().name,
        version: fact.version,
        position: fact.position,
        occurred_at: shown(fact.occurred_at),
        recorded_at: shown(fact.recorded_at),
    }
}

fn shown(at: Instant) -> String {
    at.with_timezone(&fuzhou()).to_rfc3339_opts(SecondsFormat::Millis, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Claims;

    #[test]
    fn an_entity_tag_gives_its_version_with_or_without_a_light() {
        for (tag, version) in [("\"12\"", Some(12)), ("\"12-yellow\"", Some(12)), ("W/\"7\"", Some(7)), ("*", None)] {
            assert_eq!(version_of(&HeaderValue::from_static(tag)).unwrap(), version, "{tag}");
        }
        for tag in ["12", "\"\"", "\"yellow\"", "\"99999999999999999999999\""] {
            assert!(version_of(&HeaderValue::from_static(tag)).is_err(), "{tag}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_without_quoting_anybody() {
        let flaw =
            read::<crate::routes::write::acts::ReceiveBody>(serde_json::json!({"materials": "张三"})).unwrap_err();
        let told = format!("{flaw:?}");
        assert!(told.contains("/materials") && !told.contains("张三"), "{told}");
    }

    #[test]
    fn an_act_keyed_in_late_says_why_and_by_which_paper() {
        let claims = Claims { sub: "c".into(), role: "clerk".into(), org: "1".into(), exp: 1, window: None };
        let caller = Caller::of(&claims).unwrap();
        let mut body = serde_json::json!({"occurred_at": "2026-03-02T09:00:00+08:00", "reason": "x"});
        let envelope = Envelope::take(body.as_object_mut().unwrap()).unwrap();
        let mut flaws = Flaws::default();
        envelope.check(&caller, &Organisations::default(), &mut flaws);
        let pointers: Vec<_> = flaws.0.iter().map(|flaw| flaw.pointer.as_str()).collect();
        assert_eq!(pointers, ["/late_reason", "/paper_reference"]);
        assert_eq!(body, serde_json::json!({"reason": "x"}));
    }
}

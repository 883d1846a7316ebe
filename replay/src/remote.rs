//! A running server's log, read over HTTP: the reading half of a store, and nothing else of one.
//!
//! What arrives are the records as they stand in the server's journal. Each is held against its own checksum and against
//! the one before it, so nothing that was changed or lost on the way is taken for history. A server that goes away is
//! asked again for a while, from where it broke off.

use async_trait::async_trait;
use bytes::{Buf as _, Bytes, BytesMut};
use eventstore::{EventLog, Head, PAGE_EVENTS_MAX, Page, Position, ReadError, RecordedEvent, Selection};
use reqwest::header::{ACCEPT_LANGUAGE, HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, Url};
use serde::Deserialize;
use std::time::Duration;

/// The media type of some records, each behind its length in four bytes, little-endian.
pub const RECORDS_MEDIA_TYPE: &str = "application/vnd.yichuang.records";
/// The header that names the last position looked at.
pub const THROUGH: &str = "log-through";
/// The header that says whether nothing followed when it was looked.
pub const END: &str = "log-end";
/// The longest that a server holds a question for growth, in seconds.
pub const GROWTH_SECONDS_MAX: u64 = 25;

/// How often one question is asked, unless told otherwise: for some eight seconds.
const ATTEMPTS_MAX: u32 = 6;
/// How long after the first failure it is asked again; each time after that twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause, also where the server names one.
const PAUSE_MAX: Duration = Duration::from_secs(8);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long nothing may arrive: longer than a server holds a question for growth. However slow the way, a page may take
/// its time as long as it comes.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// Twice a page: whatever sends more is no server of ours.
const ANSWER_BYTES_MAX: usize = 2 * (eventstore::PAGE_BYTES_MAX + RECORD_BYTES_MAX);
/// No record is larger: a body, and what stands around it.
const RECORD_BYTES_MAX: usize = eventstore::EVENT_BYTES_MAX + 64 * 1024;

/// Why a server cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// The address is none.
    #[error("{0:?} is no address of a server; give one such as http://127.0.0.1:8080")]
    Address(String),
    /// It would have to be asked over TLS.
    #[error("{0} asks for TLS, which this tool does not speak; reach the server through a tunnel, over http://")]
    Tls(Url),
    /// The token cannot stand in a header.
    #[error("the token has characters that no token has")]
    Token,
    /// No client can be made.
    #[error("cannot make a client for HTTP")]
    Client(#[source] reqwest::Error),
    /// It does not answer.
    #[error("no answer from {server}, asked {attempts} times; see that it runs, then give the same command again")]
    Gone {
        /// Which.
        server: Url,
        /// How often it was asked.
        attempts: u32,
        /// What came of the last attempt.
        #[source]
        source: reqwest::Error,
    },
    /// It answers that it cannot.
    #[error("{server} answers {status}, asked {attempts} times; see that it is well, then give the same command again")]
    Troubled {
        /// Which.
        server: Url,
        /// How.
        status: StatusCode,
        /// How often it was asked.
        attempts: u32,
    },
    /// It will not.
    #[error("{server} refused: {status}, {detail}")]
    Refused {
        /// Which.
        server: Url,
        /// How.
        status: StatusCode,
        /// Why, in its own words.
        detail: String,
    },
    /// What it says means nothing.
    #[error("{server} answered something that is no log: {detail}")]
    Meaningless {
        /// Which.
        server: Url,
        /// What.
        detail: String,
    },
}

impl From<RemoteError> for ReadError {
    fn from(why: RemoteError) -> Self {
        Self::Unavailable { source: Box::new(why) }
    }
}

/// The log of a running server.
#[derive(Debug, Clone)]
pub struct Remote {
    client: Client,
    server: Url,
    token: String,
    purpose: String,
    attempts_max: u32,
}

#[derive(Deserialize)]
struct HeadTold {
    position: u64,
    recorded_at_micros: i64,
}

/// What a server says of a refusal (RFC 9457).
#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    title: String,
    #[serde(default)]
    detail: String,
}

impl Remote {
    /// Returns the log of the server at this address, asked with this token; the server keeps on record what for.
    ///
    /// # Errors
    /// The address or the token cannot be used. The server is not asked yet.
    pub fn new(server: &str, token: &str, purpose: &str) -> Result<Self, RemoteError> {
        let mut address = Url::parse(server).map_err(|_| RemoteError::Address(server.to_owned()))?;
        match address.scheme() {
            "http" if address.has_host() => (),
            "https" => return Err(RemoteError::Tls(address)),
            _ => return Err(RemoteError::Address(server.to_owned())),
        }
        // Paths are joined to it, so it must end like a folder.
        if !address.path().ends_with('/') {
            let path = format!("{}/", address.path());
            address.set_path(&path);
        }
        let token = token.trim();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(RemoteError::Token);
        }
        // The token goes where it was told to, and nowhere else.
        let client = Client::builder().redirect(Policy::none()).no_proxy();
        let client = client.connect_timeout(CONNECT_TIMEOUT).read_timeout(SILENCE_MAX).build();
        let client = client.map_err(RemoteError::Client)?;
        let (token, purpose) = (token.to_owned(), purpose.to_owned());
        Ok(Self { client, server: address, token, purpose, attempts_max: ATTEMPTS_MAX })
    }

    /// Returns the same log, where one question is asked at most so often before the server counts as gone.
    #[must_use]
    pub fn asked_at_most(self, attempts_max: u32) -> Self {
        Self { attempts_max, ..self }
    }

    /// Asks until there is an answer, but not for ever.
    async fn ask(&self, path: &str, query: &[(&str, String)]) -> Result<(HeaderMap, Bytes), RemoteError> {
        let mut url = self.server.join(path).map_err(|_| RemoteError::Address(self.server.to_string()))?;
        url.query_pairs_mut().extend_pairs(query);
        let mut attempt = 1;
        loop {
            let (failed, pause) = match self.ask_once(url.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            let Some(pause) = pause.filter(|_| attempt < self.attempts_max) else { return Err(failed) };
            let doubled = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(attempt - 1));
            tokio::time::sleep(pause.max(doubled).min(PAUSE_MAX)).await;
            attempt += 1;
        }
    }

    /// Returns the answer, or why there is none and after which pause, if any, there may be one.
    async fn ask_once(&self, url: Url) -> Result<(HeaderMap, Bytes), (RemoteError, Option<Duration>)> {
        let gone = |source| {
            let source = reqwest::Error::without_url(source);
            (
                RemoteError::Gone { server: self.server.clone(), attempts: self.attempts_max, source },
                Some(Duration::ZERO),
            )
        };
        let request = self.client.get(url).bearer_auth(&self.token).header(ACCEPT_LANGUAGE, "en");
        let response = request.send().await.map_err(gone)?;
        let (status, headers) = (response.status(), response.headers().clone());
        if status.is_success() {
            // A body that breaks off is asked for again: positions say from where.
            return match body(response).await.map_err(gone)? {
                Some(body) => Ok((headers, body)),
                None => Err((self.meaningless(format!("more than {ANSWER_BYTES_MAX} bytes")), None)),
            };
        }
        // A conflict is with somebody who takes the log out at this very moment, and soon over.
        let passes = [StatusCode::TOO_MANY_REQUESTS, StatusCode::CONFLICT].contains(&status);
        if status.is_server_error() || passes {
            let asked = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
            let pause = Duration::from_secs(asked.unwrap_or(0));
            let server = self.server.clone();
            return Err((RemoteError::Troubled { server, status, attempts: self.attempts_max }, Some(pause)));
        }
        let detail = detail(response).await;
        Err((RemoteError::Refused { server: self.server.clone(), status, detail }, None))
    }

    async fn ask_head(&self, query: &[(&str, String)]) -> Result<Head, RemoteError> {
        let (_, body) = self.ask("api/v1/log", query).await?;
        let told: HeadTold = serde_json::from_slice(&body).map_err(|why| self.meaningless(why.to_string()))?;
        Ok(Head { position: Position(told.position), recorded_at: told.recorded_at_micros })
    }

    fn meaningless(&self, detail: String) -> RemoteError {
        RemoteError::Meaningless { server: self.server.clone(), detail }
    }

    fn page(
        &self,
        selection: &Selection,
        after: Position,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<Page, ReadError> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let through = header(THROUGH).and_then(|through| through.parse().ok()).map(Position);
        let (Some(through), Some(end)) = (through, header(END)) else {
            return Err(self.meaningless(format!("an answer without {THROUGH} and {END}")).into());
        };
        let page = Page { events: events(after, body)?, through, end: end == "true" };
        check(selection, after, &page)?;
        Ok(page)
    }
}

/// Returns the body of an answer, unless it is larger than any.
async fn body(mut response: Response) -> reqwest::Result<Option<Bytes>> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await? {
        if ANSWER_BYTES_MAX < body.len() + chunk.len() {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body.freeze()))
}

async fn detail(response: Response) -> String {
    let body = body(response).await.ok().flatten().unwrap_or_default();
    match serde_json::from_slice::<Refusal>(&body) {
        Ok(refusal) if !refusal.detail.is_empty() => refusal.detail,
        Ok(refusal) => refusal.title,
        Err(_) => "without saying why".to_owned(),
    }
}

/// Takes the records of an answer apart.
fn events(after: Position, mut body: Bytes) -> Result<Vec<RecordedEvent>, ReadError> {
    let mut events: Vec<RecordedEvent> = Vec::new();
    while !body.is_empty() {
        let next = events.last().map_or(after, |event| event.position).next();
        let damaged = |detail: String| ReadError::Corrupt { position: next, detail };
        if body.len() < size_of::<u32>() {
            return Err(damaged("an answer that ends within a length".to_owned()));
        }
        let length = body.get_u32_le() as usize;
        if body.len() < length || RECORD_BYTES_MAX < length {
            return Err(damaged(format!("an answer that ends within a record of {length} bytes")));
        }
        let record = body.split_to(length);
        events.push(RecordedEvent::read(record).map_err(|why| damaged(why.to_string()))?);
    }
    Ok(events)
}

/// Holds the records of an answer against what was asked and against one another.
fn check(selection: &Selection, after: Position, page: &Page) -> Result<(), ReadError> {
    let mut before: Option<&RecordedEvent> = None;
    for event in &page.events {
        let wrong = |detail: &str| ReadError::Corrupt { position: event.position, detail: detail.to_owned() };
        let last = before.map_or(after, |before| before.position);
        let follows = match selection {
            Selection::All => event.position == last.next(),
            Selection::Stream(_) => last < event.position,
        };
        if !follows {
            return Err(wrong("what arrived leaves something out or comes twice"));
        }
        if let Selection::Stream(stream) = selection {
            let version = before.map(|before| before.version.0 + 1);
            let version = version.or((after == Position::START).then_some(1));
            if event.stream() != stream.as_str() || version.is_some_and(|version| version != event.version.0) {
                return Err(wrong("what arrived is not the stream that was asked for"));
            }
        }
        if before.is_some_and(|before| event.recorded_at < before.recorded_at) {
            return Err(wrong("what arrived was recorded before its predecessor"));
        }
        before = Some(event);
    }
    let last = before.map_or(after, |before| before.position);
    if page.through < last || (*selection == Selection::All && page.through != last) {
        let detail = format!("what arrived ends at {last}, not at {}", page.through);
        return Err(ReadError::Corrupt { position: last.next(), detail });
    }
    if page.events.is_empty() && !page.end {
        return Err(ReadError::Corrupt { position: last.next(), detail: "nothing arrived of what follows".to_owned() });
    }
    Ok(())
}

#[async_trait]
impl EventLog for Remote {
    async fn read(&self, selection: &Selection, after: Position, limit: usize) -> Result<Page, ReadError> {
        let limit = limit.clamp(1, PAGE_EVENTS_MAX);
        let mut query =
            vec![("purpose", self.purpose.clone()), ("after", after.to_string()), ("limit", limit.to_string())];
        if let Selection::Stream(stream) = selection {
            query.push(("stream", stream.to_string()));
        }
        let (headers, body) = self.ask("api/v1/log/records", &query).await?;
        self.page(selection, after, &headers, body)
    }

    async fn head(&self) -> Result<Head, ReadError> {
        Ok(self.ask_head(&[]).await?)
    }

    async fn grown_past(&self, position: Position) -> Result<Position, ReadError> {
        loop {
            let head = self.ask_head(&[("past", position.to_string())]).await?;
            if position < head.position {
                return Ok(head.position);
            }
        }
    }
}

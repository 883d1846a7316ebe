//! How a read answers: up to where the log is in it, for which moment, and whether the reader has it already.

use crate::cursor::Next;
use crate::views::Standing;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, IF_NONE_MATCH, LINK, VARY};
use actix_web::{HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use chrono::SecondsFormat;
use domain::zone::{Instant, fuzhou};
use eventstore::Position;
use serde::Serialize;

/// The header that names the last position in an answer.
pub const POSITION: &str = "position";
/// The header that names the moment for which an answer holds.
pub const AS_OF: &str = "as-of";

/// Returns a moment as it is shown: RFC 3339 in Fuzhou's time, to the millisecond.
#[must_use]
pub fn shown(at: Instant) -> String {
    at.with_timezone(&fuzhou()).to_rfc3339_opts(SecondsFormat::Millis, false)
}

/// What stands on every answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    position: u64,
    as_of: String,
}

#[derive(Serialize)]
struct Stamped<'a, T> {
    position: u64,
    as_of: &'a str,
    #[serde(flatten)]
    body: &'a T,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<&'a str>,
}

impl Stamp {
    /// The stamp of an answer that rests on this history.
    #[must_use]
    pub fn new(at: &Standing, position: Position) -> Self {
        Self { position: position.0, as_of: shown(at.at) }
    }

    /// Answers with an object, into which the stamp is written.
    #[must_use]
    pub fn json<T: Serialize>(&self, body: &T) -> HttpResponse {
        self.respond().json(Stamped { position: self.position, as_of: &self.as_of, body, next_cursor: None })
    }

    /// Answers with one page of a list.
    #[must_use]
    pub fn page<T: Serialize>(&self, body: &T, next: Option<&Next>) -> HttpResponse {
        let mut response = self.respond();
        if let Some(next) = next {
            response.insert_header((LINK, next.link.as_str()));
        }
        let next_cursor = next.map(|next| next.cursor.as_str());
        response.json(Stamped { position: self.position, as_of: &self.as_of, body, next_cursor })
    }

    /// Answers with bytes that carry no stamp of their own.
    #[must_use]
    pub fn bytes(&self, media_type: &'static str, body: impl Into<Bytes>, next: Option<&Next>) -> HttpResponse {
        let mut response = self.respond();
        response.insert_header((CONTENT_TYPE, media_type));
        if let Some(next) = next {
            response.insert_header((LINK, next.link.as_str()));
        }
        response.body(body.into())
    }

    /// Answers with a resource that the reader may have already: 304 if so.
    #[must_use]
    pub fn resource<T: Serialize>(&self, headers: &HeaderMap, etag: &str, body: &T) -> HttpResponse {
        if has(headers, etag) {
            return self.unchanged(etag);
        }
        let mut response = self.respond();
        response.insert_header((ETAG, quoted(etag)));
        response.json(Stamped { position: self.position, as_of: &self.as_of, body, next_cursor: None })
    }

    /// The same for an object that is already written as JSON; the stamp is put in front of its first field.
    #[must_use]
    pub fn written_resource(&self, headers: &HeaderMap, etag: &str, object: &[u8]) -> HttpResponse {
        if has(headers, etag) {
            return self.unchanged(etag);
        }
        let mut response = self.respond();
        response.insert_header((ETAG, quoted(etag)));
        response.insert_header((CONTENT_TYPE, "application/json"));
        response.body(self.put_before(object))
    }

    /// Answers with an object that is already written as JSON; the stamp is put in front of its first field.
    #[must_use]
    pub fn written(&self, object: &[u8]) -> HttpResponse {
        self.bytes("application/json", self.put_before(object), None)
    }

    fn put_before(&self, object: &[u8]) -> Vec<u8> {
        let fields = object.strip_prefix(b"{").unwrap_or(object);
        let mut body = Vec::with_capacity(fields.len() + 96);
        body.extend_from_slice(format!("{{\"position\":{},\"as_of\":\"{}\"", self.position, self.as_of).as_bytes());
        if !fields.starts_with(b"}") {
            body.push(b',');
        }
        body.extend_from_slice(fields);
        body
    }

    fn unchanged(&self, etag: &str) -> HttpResponse {
        let mut response = self.builder(StatusCode::NOT_MODIFIED);
        response.insert_header((ETAG, quoted(etag)));
        response.finish()
    }

    fn respond(&self) -> HttpResponseBuilder {
        self.builder(StatusCode::OK)
    }

    fn builder(&self, status: StatusCode) -> HttpResponseBuilder {
        let mut response = HttpResponseBuilder::new(status);
        response.insert_header((POSITION, self.position));
        response.insert_header((AS_OF, self.as_of.as_str()));
        // What one may see depends on who asks, and lights change by time alone.
        response.insert_header((CACHE_CONTROL, "private, no-cache"));
        response.insert_header((VARY, "Authorization"));
        response
    }
}

fn quoted(etag: &str) -> String {
    format!("\"{etag}\"")
}

fn has(headers: &HeaderMap, etag: &str) -> bool {
    let asked = headers.get_all(IF_NONE_MATCH).filter_map(|value| value.to_str().ok());
    let mut known = asked.flat_map(|value| value.split(',')).map(str::trim);
    known.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known).trim_matches('"') == etag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::body::to_bytes;
    use actix_web::http::header::HeaderValue;
    use chrono::DateTime;

    fn stamp() -> Stamp {
        Stamp::new(&Standing::now(DateTime::from_timestamp(1_770_944_400, 0).unwrap()), Position(7))
    }

    fn knowing(etag: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(IF_NONE_MATCH, HeaderValue::from_str(etag).unwrap());
        headers
    }

    #[actix_web::test]
    async fn a_written_object_gets_the_stamp_in_front() {
        let response = stamp().written_resource(&HeaderMap::new(), "3-green", br#"{"id":"a"}"#);
        assert_eq!(response.headers().get(ETAG).unwrap(), "\"3-green\"");
        assert_eq!(response.headers().get(POSITION).unwrap(), "7");
        let body = to_bytes(response.into_body()).await.unwrap();
        assert_eq!(body, r#"{"position":7,"as_of":"2026-02-13T09:00:00.000+08:00","id":"a"}"#);
    }

    #[actix_web::test]
    async fn who_has_it_already_gets_304_and_who_has_an_older_one_does_not() {
        let answered = |headers: &HeaderMap| stamp().written_resource(headers, "3-green", b"{}").status();
        assert_eq!(answered(&knowing("\"2-green\", \"3-green\"")), StatusCode::NOT_MODIFIED);
        assert_eq!(answered(&knowing("W/\"3-green\"")), StatusCode::NOT_MODIFIED);
        assert_eq!(answered(&knowing("\"3-yellow\"")), StatusCode::OK);
    }
}

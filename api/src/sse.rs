//! Server-sent events: frames, and a stream that ends when the server does.
//!
//! `id:` is a position of the log. A heartbeat carries the last position scanned as well, so that a client whose events
//! are rare resumes after what it has not missed, not after what it last saw.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use bytes::Bytes;
use futures::Stream;
use serde::Serialize;
use std::time::Duration;

/// How long a stream is silent at most.
pub const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long a client should wait before it comes back, in milliseconds.
const RETRY_MILLISECONDS: u32 = 2_000;

/// Returns what a stream begins with.
#[must_use]
pub fn opening() -> Bytes {
    Bytes::from(format!("retry: {RETRY_MILLISECONDS}\n\n"))
}

/// Returns one event: its data is JSON on one line.
#[must_use]
pub fn event<T: Serialize + ?Sized>(position: u64, name: &str, data: &T) -> Bytes {
    // What is streamed are plain structs of text and numbers, which JSON always takes.
    let data = serde_json::to_string(data).unwrap_or_default();
    Bytes::from(format!("id: {position}\nevent: {name}\ndata: {data}\n\n"))
}

/// Returns one event of the default name, which `EventSource.onmessage` hears.
#[must_use]
pub fn message<T: Serialize + ?Sized>(position: u64, data: &T) -> Bytes {
    let data = serde_json::to_string(data).unwrap_or_default();
    Bytes::from(format!("id: {position}\ndata: {data}\n\n"))
}

/// Returns a sign of life. It has no data, so no listener hears it, but the client's last event id moves.
#[must_use]
pub fn heartbeat(position: u64) -> Bytes {
    Bytes::from(format!(": heartbeat {position}\nid: {position}\n\n"))
}

/// Answers with a stream of frames.
#[must_use]
pub fn respond(frames: impl Stream<Item = Result<Bytes, std::io::Error>> + 'static) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/event-stream"))
        .insert_header((CACHE_CONTROL, "no-store"))
        // Proxies must not hold frames back.
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(frames)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_of_data_whatever_it_holds() {
        let frame = event(7, "upsert", "a\nb");
        assert_eq!(frame, "id: 7\nevent: upsert\ndata: \"a\\nb\"\n\n");
    }

    #[test]
    fn a_heartbeat_moves_the_last_event_id_and_says_nothing() {
        let frame = String::from_utf8(heartbeat(9).to_vec()).unwrap();
        assert!(frame.lines().all(|line| !line.starts_with("data")));
        assert!(frame.contains("\nid: 9\n"));
    }
}

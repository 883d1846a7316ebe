//! What the operator sees: one line per request, and figures for Prometheus. Never a body, never a person.

use crate::answer::POSITION;
use crate::node::Node;
use actix_web::HttpRequest;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Data;
use async_trait::async_trait;
use eventstore::{
    Answer, AppendError, Appended, CommandId, CommitObserver, EventLog, EventStore, Frame, Head, Page, Position,
    ReadError, Selection,
};
use prometheus::{
    Encoder as _, Histogram, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
};
use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::{info, warn};

/// Seconds, from what a read takes to what a wait for the views takes.
const LATENCY_SECONDS: [f64; 14] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];
const BATCH: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 1024.0];

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Pretty,
    /// For machines: one JSON object a line.
    Json,
}

/// Starts writing logs to stderr. `YICHUANG_LOG` says what (as `RUST_LOG` does elsewhere); `info` otherwise.
pub fn start_logging(format: LogFormat) {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_env("YICHUANG_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    // A second start, as in tests, leaves the first in place.
    let _already_started = match format {
        LogFormat::Pretty => logs.try_init(),
        LogFormat::Json => logs.json().flatten_event(true).try_init(),
    };
}

/// The figures of one server.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    request_seconds: HistogramVec,
    append_seconds: Histogram,
    batch_frames: Histogram,
    batch_events: Histogram,
    flush_seconds: Histogram,
    appends_failed: IntCounterVec,
    limited: IntCounterVec,
    streams: IntGauge,
    log_position: IntGauge,
}

/// How far one projection is behind the log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lag {
    /// Its name.
    pub projection: &'static str,
    /// Events not yet folded.
    pub events: u64,
    /// Seconds since the last folded event, while some are missing.
    pub seconds: f64,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Figures that all stand at zero.
    #[must_use]
    #[expect(clippy::expect_used, reason = "names and labels are constants, each registered once; a test makes them")]
    pub fn new() -> Self {
        let registry = Registry::new_custom(Some("yichuang".to_owned()), None).expect("a valid prefix");
        let histogram = |name: &str, help: &str, buckets: &[f64]| {
            let histogram = Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec()));
            let histogram = histogram.expect("valid options");
            registry.register(Box::new(histogram.clone())).expect("registered once");
            histogram
        };
        let counters = |name: &str, help: &str, labels: &[&str]| {
            let counters = IntCounterVec::new(Opts::new(name, help), labels).expect("valid options");
            registry.register(Box::new(counters.clone())).expect("registered once");
            counters
        };
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(name, help).expect("valid options");
            registry.register(Box::new(gauge.clone())).expect("registered once");
            gauge
        };
        let options = HistogramOpts::new("http_request_duration_seconds", "Time to answer, by route template.");
        let request_seconds = HistogramVec::new(options.buckets(LATENCY_SECONDS.to_vec()), &["method", "route"]);
        let request_seconds = request_seconds.expect("valid options");
        registry.register(Box::new(request_seconds.clone())).expect("registered once");
        Self {
            requests: counters("http_requests_total", "Requests answered.", &["method", "route", "status"]),
            request_seconds,
            append_seconds: histogram(
                "append_duration_seconds",
                "Time from handing a frame to the log until it is durable.",
                &LATENCY_SECONDS,
            ),
            batch_frames: histogram("append_batch_frames", "Frames that became durable together.", &BATCH),
            batch_events: histogram("append_batch_events", "Events that became durable together.", &BATCH),
            flush_seconds: histogram(
                "append_flush_duration_seconds",
                "Time the disk took to make one batch durable.",
                &LATENCY_SECONDS,
            ),
            appends_failed: counters("appends_failed_total", "Appends that were not answered well.", &["outcome"]),
            limited: counters("http_limited_total", "Requests beyond an allowance, by its name.", &["limit"]),
            streams: gauge("streams_open", "Open event streams."),
            log_position: gauge("log_position", "The last durable position."),
            registry,
        }
    }

    /// Counts a request that was refused because the allowance of this name was used up.
    pub fn limited(&self, limit: &str) {
        self.limited.with_label_values(&[limit]).inc();
    }

    /// Counts a stream for as long as what is returned lives.
    #[must_use]
    pub fn stream_opened(&self) -> OpenStream {
        self.streams.inc();
        OpenStream(self.streams.clone())
    }

    /// Returns everything in the text format of Prometheus.
    #[must_use]
    pub fn render(&self, head: Position, lags: &[Lag]) -> Vec<u8> {
        self.log_position.set(i64::try_from(head.0).unwrap_or(i64::MAX));
        let mut text = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            warn!("could not write the figures: {error}");
        }
        text.extend_from_slice(lag_text(lags).as_bytes());
        text
    }

    fn observe(&self, method: &str, route: &str, status: u16, seconds: f64) {
        self.requests.with_label_values(&[method, route, status_text(status)]).inc();
        self.request_seconds.with_label_values(&[method, route]).observe(seconds);
    }
}

/// The lag is asked of the views at the moment of scraping, so it has no counter of its own.
fn lag_text(lags: &[Lag]) -> String {
    use std::fmt::Write as _;
    let mut text = String::from(
        "# HELP yichuang_projection_lag_events Events not yet folded.\n# TYPE yichuang_projection_lag_events gauge\n",
    );
    // Writing to a string cannot fail.
    for lag in lags {
        let _ = writeln!(text, "yichuang_projection_lag_events{{projection=\"{}\"}} {}", lag.projection, lag.events);
    }
    text.push_str(
        "# HELP yichuang_projection_lag_seconds Seconds since the last folded event, while some are missing.\n\
         # TYPE yichuang_projection_lag_seconds gauge\n",
    );
    for lag in lags {
        let _ = writeln!(text, "yichuang_projection_lag_seconds{{projection=\"{}\"}} {}", lag.projection, lag.seconds);
    }
    text
}

/// An open stream; it is counted as closed when this goes.
#[derive(Debug)]
pub struct OpenStream(IntGauge);

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// The template, never the path: a path holds numbers of cases, and a label per case would never end.
fn route(request: &HttpRequest) -> String {
    request.match_pattern().unwrap_or_else(|| "unmatched".to_owned())
}

/// A method of the client's own invention must not become a label.
fn method(request: &HttpRequest) -> &'static str {
    match request.method().as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        _ => "other",
    }
}

fn status_text(status: u16) -> &'static str {
    match status {
        200 => "200",
        201 => "201",
        304 => "304",
        status if status < 300 => "2xx",
        status if status < 400 => "3xx",
        status if status < 500 => CLIENT_ERRORS.get(usize::from(status) - 400).copied().unwrap_or("4xx"),
        503 => "503",
        _ => "5xx",
    }
}

const CLIENT_ERRORS: [&str; 30] = [
    "400", "401", "402", "403", "404", "405", "406", "407", "408", "409", "410", "411", "412", "413", "414", "415",
    "416", "417", "418", "419", "420", "421", "422", "423", "424", "425", "426", "427", "428", "429",
];

/// Middleware: one line and one observation per request.
///
/// # Errors
/// None of its own.
pub async fn observe<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let metrics = request.app_data::<Data<Node>>().map(|node| node.reads.metrics.clone());
    let begun = Instant::now();
    let response = next.call(request).await?;
    let seconds = begun.elapsed().as_secs_f64();
    let status = response.status().as_u16();
    // Found by matching the path again, so once for both.
    let (method, route) = (method(response.request()), route(response.request()));
    if let Some(metrics) = metrics {
        metrics.observe(method, &route, status, seconds);
    }
    if tracing::enabled!(tracing::Level::INFO) {
        let position = response.headers().get(POSITION).and_then(|value| value.to_str().ok()).unwrap_or("");
        let duration_ms = seconds * 1000.0;
        info!(
            http.method = method,
            http.route = route,
            http.status = status,
            duration_ms,
            position,
            "{method} {route} answered {status}"
        );
    }
    Ok(response)
}

impl CommitObserver for Metrics {
    fn committed(&self, frames: usize, events: usize, fsync: Duration, _total: Duration) {
        let counted = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        self.batch_frames.observe(counted(frames));
        self.batch_events.observe(counted(events));
        self.flush_seconds.observe(fsync.as_secs_f64());
    }
}

/// A store that measures what is appended to it.
pub struct Metered {
    store: Arc<dyn EventStore>,
    metrics: Metrics,
}

impl Metered {
    /// Puts the measuring in front of a store.
    #[must_use]
    pub fn new(store: Arc<dyn EventStore>, metrics: Metrics) -> Self {
        Self { store, metrics }
    }
}

#[async_trait]
impl EventStore for Metered {
    async fn append(&self, frame: Frame) -> Result<Appended, AppendError> {
        let events: usize = frame.writes.iter().map(|write| write.events.len()).sum();
        let begun = Instant::now();
        let result = self.store.append(frame).await;
        match &result {
            Ok(_) if 0 < events => {
                self.metrics.append_seconds.observe(begun.elapsed().as_secs_f64());
            }
            Ok(_) => (),
            Err(error) => self.metrics.appends_failed.with_label_values(&[outcome(error)]).inc(),
        }
        result
    }

    async fn answer(&self, command: CommandId) -> Result<Option<Answer>, ReadError> {
        self.store.answer(command).await
    }
}

#[async_trait]
impl EventLog for Metered {
    async fn read(&self, selection: &Selection, after: Position, limit: usize) -> Result<Page, ReadError> {
        self.store.read(selection, after, limit).await
    }

    async fn head(&self) -> Result<Head, ReadError> {
        self.store.head().await
    }

    async fn grown_past(&self, position: Position) -> Result<Position, ReadError> {
        self.store.grown_past(position).await
    }
}

fn outcome(error: &AppendError) -> &'static str {
    match error {
        AppendError::Conflict { .. } => "conflict",
        AppendError::CommandReused { .. } => "command-reused",
        AppendError::TooLarge { .. } => "too-large",
        AppendError::NotWritten { .. } => "not-written",
        AppendError::Unknown { .. } => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_in_the_text_format_with_their_unit_in_the_name() {
        let metrics = Metrics::new();
        metrics.append_seconds.observe(0.002);
        let lag = Lag { projection: "queues", events: 3, seconds: 0.5 };
        let text = String::from_utf8(metrics.render(Position(42), &[lag])).unwrap();
        assert!(text.contains("yichuang_log_position 42"), "{text}");
        assert!(text.contains("yichuang_append_duration_seconds_count 1"), "{text}");
        assert!(text.contains("yichuang_projection_lag_events{projection=\"queues\"} 3"), "{text}");
        assert!(text.contains("yichuang_projection_lag_seconds{projection=\"queues\"} 0.5"), "{text}");
    }

    #[test]
    fn an_open_stream_is_counted_until_it_closes() {
        let metrics = Metrics::new();
        let stream = metrics.stream_opened();
        assert_eq!(metrics.streams.get(), 1);
        drop(stream);
        assert_eq!(metrics.streams.get(), 0);
    }
}

//! For those who run it: health, figures, and the description of the service.

use crate::node::Node;
use crate::openapi;
use crate::problem::{Kind, Problem, Text};
use crate::query::Query;
use crate::telemetry;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use replay::history::HistoryError;
use serde_json::json;
use std::time::Duration;

/// How long readiness waits for the views to reach what the log held when it was asked.
const READY_PATIENCE: Duration = Duration::from_secs(1);

/// Answers as long as the process does.
#[utoipa::path(
    get, path = "/health/live", tag = "operation",
    responses((status = 200, description = "The process answers", body = Object, example = json!({"status": "live"})))
)]
#[get("/health/live")]
pub(crate) async fn alive(Query(()): Query<()>) -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(json!({ "status": "live" }))
}

/// Answers well once every projection has taken in what the log held when it was asked.
#[utoipa::path(
    get, path = "/health/ready", tag = "operation",
    responses((status = 200, description = "Every projection has caught up", body = Object, example = json!({
        "status": "ready", "position": 612345,
        "projections": [{"projection": "queues", "position": 612345, "lag_events": 0, "lag_seconds": 0.0}]
    })))
)]
#[get("/health/ready")]
pub(crate) async fn ready(node: Data<Node>, Query(()): Query<()>) -> Result<HttpResponse, Problem> {
    let live = node.reads.views.live();
    let head = live.history().head().await.map_err(HistoryError::from)?;
    live.wait_for(head.position, READY_PATIENCE).await?;
    let lags = live.lag().await.map_err(HistoryError::from)?;
    if let Some(trouble) = lags.iter().find_map(|lag| lag.trouble.as_deref()) {
        let detail = Text::new(format!("视图停滞：{trouble}"), format!("the views stand still: {trouble}"));
        return Err(Problem::new(Kind::NotCaughtUp).detail(detail));
    }
    let projections: Vec<_> = lags
        .iter()
        .map(|lag| {
            json!({
                "projection": lag.projection, "position": lag.position.0,
                "lag_events": lag.events, "lag_seconds": lag.seconds,
            })
        })
        .collect();
    let body = json!({ "status": "ready", "position": head.position.0, "projections": projections });
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(body))
}

/// Figures for Prometheus.
#[utoipa::path(
    get, path = "/metrics", tag = "operation",
    responses((status = 200, description = "Text format of Prometheus", content_type = "text/plain", body = String,
        example = "yichuang_log_position 612345\nyichuang_projection_lag_events{projection=\"queues\"} 0\n"))
)]
#[get("/metrics")]
pub(crate) async fn metrics(node: Data<Node>, Query(()): Query<()>) -> Result<HttpResponse, Problem> {
    let live = node.reads.views.live();
    let head = live.history().head().await.map_err(HistoryError::from)?;
    let lags = live.lag().await.map_err(HistoryError::from)?;
    let lags: Vec<telemetry::Lag> = lags
        .iter()
        .map(|lag| telemetry::Lag { projection: lag.projection, events: lag.events, seconds: lag.seconds })
        .collect();
    let text = node.reads.metrics.render(head.position, &lags);
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")).body(text))
}

/// This description.
#[utoipa::path(
    get, path = "/openapi.json", tag = "operation",
    responses((status = 200, description = "OpenAPI 3.1", body = Object, example = json!({"openapi": "3.1.0"})))
)]
#[get("/openapi.json")]
pub(crate) async fn description(Query(()): Query<()>) -> HttpResponse {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "application/json")).body(openapi::written())
}

/// This description, for people.
#[utoipa::path(
    get, path = "/docs", tag = "operation",
    responses((status = 200, description = "A page that needs no other network", content_type = "text/html", body = String,
        example = "<!doctype html>…"))
)]
#[get("/docs")]
pub(crate) async fn docs(Query(()): Query<()>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((
            "Content-Security-Policy",
            "default-src 'none'; connect-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'",
        ))
        .body(openapi::PAGE)
}

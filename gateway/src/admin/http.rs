//! Plain GETs: metrics for Prometheus, probes for whatever runs the process.

use ::http::{HeaderValue, Method, Response, StatusCode, header};
use bytes::Bytes;
use http_body_util::Full;
use tonic::body::Body;

use super::{AdminParts, Phase};

/// Answers one GET.
pub(super) async fn answer(parts: &AdminParts, method: &Method, path: &str) -> Response<Body> {
    if *method != Method::GET {
        return text(StatusCode::METHOD_NOT_ALLOWED, PLAIN, "GET only\n");
    }
    match path {
        "/metrics" => metrics(parts).await,
        "/live" => probe(
            parts.readiness.phase() != Phase::Broken,
            "live\n",
            "a worker has died\n",
        ),
        "/ready" => probe(
            parts.readiness.takes_messages(),
            match parts.readiness.phase() {
                Phase::Recovering => "ready, recovering: no changes until it is released\n",
                _ => "ready\n",
            },
            "not ready\n",
        ),
        "/startup" => probe(
            parts.readiness.phase() != Phase::Starting,
            "started\n",
            "starting\n",
        ),
        _ => text(StatusCode::NOT_FOUND, PLAIN, "not here\n"),
    }
}

async fn metrics(parts: &AdminParts) -> Response<Body> {
    parts.metrics.set_ready(parts.readiness.takes_messages());
    let recovering = parts.readiness.phase() == Phase::Recovering;
    parts.metrics.set_recovering(recovering);
    match parts.log.census().await {
        Ok(census) => parts.metrics.census(&census, parts.clock.now()),
        Err(error) => tracing::warn!(error = %error, "census failed"),
    }
    text(StatusCode::OK, OPEN_METRICS, parts.metrics.text())
}

fn probe(good: bool, yes: &'static str, no: &'static str) -> Response<Body> {
    match good {
        true => text(StatusCode::OK, PLAIN, yes),
        false => text(StatusCode::SERVICE_UNAVAILABLE, PLAIN, no),
    }
}

fn text(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::new(Full::new(body.into())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

const PLAIN: &str = "text/plain; charset=utf-8";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

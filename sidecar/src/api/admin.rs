//! The operators' listener: is it alive, is it ready.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use uraiden_core::wire::Health;

use super::error::{no_such_method, no_such_path};
use crate::health::HealthBoard;

/// `/healthz` is 200 as long as the process answers; `/readyz` is 200 while paid requests can be served, else 503
/// with the reason.
pub fn router(health: Arc<HealthBoard>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .with_state(health)
}

async fn ready(State(health): State<Arc<HealthBoard>>) -> Response {
    let health = health.health();
    let status = match health {
        Health::Ready => StatusCode::OK,
        Health::NotReady { .. } => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, Json(health)).into_response()
}

//! The operators' listener: is it alive, is it ready, what is at stake; and calls that need the admin's token.

mod channels;
mod income;
mod overview;
mod page;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Serialize;
use uraiden_core::wire::{ChannelKey, Health};

use crate::api::assets;
use crate::api::credentials::admits;
use crate::api::error::{ApiError, no_such_method, no_such_path};
use crate::chain::Node;
use crate::collect::{Alarm, Alarms};
use crate::health::{HealthBoard, Leader};
use crate::metrics::{Gauges, Metrics};
use crate::settings::GatewayPath;
use crate::store::Store;

/// What the listener needs.
#[derive(Clone)]
pub struct Admin {
    /// The ledger.
    pub store: Store,
    /// Whether paid requests can be served.
    pub health: Arc<HealthBoard>,
    /// The challenges of the moment.
    pub alarms: Arc<Alarms>,
    /// Says what orders cost, and what the receiver has.
    pub node: Node,
    /// What Prometheus is told.
    pub metrics: Metrics,
    /// The operators' token; without one nobody is let in.
    pub token: Option<Arc<str>>,
}

/// `/healthz` is 200 as long as the process answers; `/readyz` is 200 while paid requests can be served, else 503
/// with the reason; either way it lists the challenges that are not done yet; `/metrics` is for Prometheus. The merchant's
/// page at `/` and what is below `/admin` need the token; the latter is also where the original has it: below the channel
/// API's root.
pub fn router(admin: Admin, gateway_path: &GatewayPath) -> Router {
    let calls = Router::new()
        .route("/overview", get(overview::overview))
        .route("/income", get(income::income))
        .route("/resume", post(resume))
        .route("/channels", get(channels::list))
        .route("/channels/{sender}/{open_block}", get(channels::one).delete(channels::close))
        .route("/channels/{sender}/{open_block}/withdraw", post(channels::withdraw))
        .route("/channels/{sender}/{open_block}/release", post(channels::release))
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .layer(middleware::from_fn_with_state(admin.clone(), authorize));
    let page = Router::new()
        .route("/", get(page::page))
        .merge(assets::router("", assets::MERCHANT))
        .layer(middleware::from_fn_with_state(admin.clone(), authorize));
    Router::new()
        .merge(page)
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .nest(&format!("{gateway_path}/admin"), calls.clone())
        .nest("/admin", calls)
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .with_state(admin)
}

async fn authorize(State(admin): State<Admin>, request: Request, next: Next) -> Response {
    let refusal = match &admin.token {
        Some(token) if admits(request.method(), request.headers(), token) => return next.run(request).await,
        Some(_) => "The admin token is missing or wrong",
        None => "There is no admin token: start uraiden with --admin-token-file",
    };
    let error = ApiError::new(StatusCode::UNAUTHORIZED, refusal);
    // A line each: browsers do not look for a second scheme in one line.
    let schemes = ["Bearer", "Basic realm=\"uraiden\""].map(|scheme| (header::WWW_AUTHENTICATE, scheme));
    (AppendHeaders(schemes), error).into_response()
}

#[derive(Serialize)]
struct Readiness {
    #[serde(flatten)]
    health: Health,
    /// The newest block that was read.
    block: Option<u64>,
    /// The sidecar that follows the chain and sends transactions; `None` where none is known.
    leader: Option<Leader>,
    /// The most urgent first.
    challenges: Vec<Alarm>,
}

async fn ready(State(admin): State<Admin>) -> Result<Response, ApiError> {
    let health = admin.health.health();
    let status = match health {
        Health::Ready => StatusCode::OK,
        Health::NotReady { .. } => StatusCode::SERVICE_UNAVAILABLE,
    };
    let position = admin.store.position().await?;
    let block = position.and_then(|position| position.next_block.checked_sub(1));
    let leader = admin.health.leader();
    Ok((status, Json(Readiness { health, block, leader, challenges: admin.alarms.list() })).into_response())
}

/// `GET /metrics`, in the text format of Prometheus.
async fn metrics(State(admin): State<Admin>) -> Result<Response, ApiError> {
    let Admin { store, health, alarms, metrics, .. } = admin;
    Gauges { store, health, alarms }.read().await?;
    let format = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    Ok((format, metrics.render()).into_response())
}

#[derive(Serialize)]
struct Resumed {
    /// What is not waited for any more; `None` where there was nothing.
    incident: Option<String>,
    /// The channels that have spent deposit that is gone.
    overspent: Vec<ChannelKey>,
}

/// `POST /admin/resume`: goes on after a reorganisation of blocks that were confirmed.
async fn resume(State(admin): State<Admin>) -> Result<Json<Resumed>, ApiError> {
    let incident = admin.store.resume().await?;
    admin.health.incident(None);
    if let Some(incident) = &incident {
        tracing::warn!("resumed by an operator: {incident}");
    }
    Ok(Json(Resumed {
        incident: incident.as_ref().map(ToString::to_string),
        overspent: incident.map(|incident| incident.overspent).unwrap_or_default(),
    }))
}

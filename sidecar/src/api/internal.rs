//! The filters' listener. Whoever can send a batch is trusted with money.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router, body::Bytes};
use uraiden_core::wire::{
    BATCH_PATH, BatchRequest, BatchResponse, CLOCK_LEAD, COMMIT_FOR, Health, Identity, MAX_ENTRIES,
    OtherVersion, VERSION, version_of,
};

use super::credentials::shows_bearer;
use super::error::{ApiError, no_such_method, no_such_path};
use crate::health::HealthBoard;
use crate::metrics;
use crate::otlp::Spans;
use crate::store::{Commits, Store, now};

/// The largest batch, in bytes.
const MAX_BYTES: usize = 1024 * 1024;

/// What the listener needs.
#[derive(Clone)]
pub struct Internal {
    /// The ledger.
    pub store: Store,
    /// Whether payments are accepted.
    pub health: Arc<HealthBoard>,
    /// The filters' bearer token; without one, being able to connect is enough.
    pub token: Option<Arc<str>>,
    /// Where traced questions are told; `None`: nowhere.
    pub spans: Option<Spans>,
}

/// Takes batches.
pub fn router(internal: Internal) -> Router {
    Router::new()
        .route(BATCH_PATH, post(batch))
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .layer(DefaultBodyLimit::max(MAX_BYTES))
        // Outermost: nothing of a stranger's request is read.
        .layer(middleware::from_fn_with_state(internal.clone(), authorize))
        .with_state(internal)
}

async fn authorize(State(internal): State<Internal>, request: Request, next: Next) -> Response {
    match &internal.token {
        Some(token) if !shows_bearer(request.headers(), token) => {
            tracing::debug!("a call without the internal token was refused");
            let error = ApiError::new(StatusCode::UNAUTHORIZED, "The internal token is missing or wrong");
            ([(header::WWW_AUTHENTICATE, "Bearer")], error).into_response()
        }
        Some(_) | None => next.run(request).await,
    }
}

async fn batch(
    State(internal): State<Internal>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refused> {
    let request = parse(&body?)?;
    let Some(bound) = internal.store.bound() else {
        // Without a node there is no identity to answer with.
        let Health::NotReady { reason } = internal.health.health() else {
            return Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "starting").into());
        };
        return Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, reason).into());
    };
    let health = clocks(request.sent_at, now()).unwrap_or_else(|| internal.health.health());
    let mut response = BatchResponse {
        version: VERSION,
        identity: bound.identity,
        ledger: bound.ledger.clone(),
        health,
        answers: Vec::new(),
    };
    if request.identity != bound.identity {
        let Identity { chain_id, contract, receiver, token } = request.identity;
        tracing::debug!(chain_id, %contract, %receiver, %token, "a batch for another identity was refused");
        return Ok((StatusCode::CONFLICT, Json(response)).into_response());
    }
    let commits = match response.health {
        Health::Ready => Commits::Judge { until: request.sent_at.saturating_add(millis(COMMIT_FOR)) },
        Health::NotReady { .. } => Commits::Refuse,
    };
    metrics::batch(request.entries.len());
    let spans = internal.spans.as_ref().filter(|_| !request.traces.is_empty());
    let asked = spans.map(|spans| (spans, spans.begin(&request.entries, request.traces)));
    let answers = internal.store.batch(request.entries, commits).await;
    if let Some((spans, asked)) = asked {
        spans.end(asked, answers.as_deref().ok());
    }
    response.answers = answers?;
    Ok(Json(response).into_response())
}

/// What is wrong with the filter's clock, if it is so wrong that nobody can say which commits are too old. A batch that
/// waited here for minutes looks the same, and nobody waits for its answer.
fn clocks(filter: u64, here: u64) -> Option<Health> {
    let (ahead, behind) = (filter.saturating_sub(here), here.saturating_sub(filter));
    let agree = ahead <= millis(CLOCK_LEAD) && behind <= millis(COMMIT_FOR);
    (!agree).then(|| Health::NotReady {
        reason: format!(
            "Envoy's clock is {} s {} that of the channel manager, where {} s ahead and {} s behind are allowed: set \
             both by NTP",
            ahead.max(behind) / 1000,
            if ahead > 0 { "ahead of" } else { "behind" },
            CLOCK_LEAD.as_secs(),
            COMMIT_FOR.as_secs(),
        ),
    })
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Why a body is not taken.
enum Refused {
    OtherVersion(u32),
    Because(ApiError),
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::OtherVersion(filter) => {
                tracing::debug!(filter, sidecar = VERSION, "a batch of another version was refused");
                let error = format!("the filter speaks version {filter}, this sidecar version {VERSION}");
                let answer = OtherVersion { version: VERSION, error };
                (StatusCode::BAD_REQUEST, Json(answer)).into_response()
            }
            Self::Because(error) => error.into_response(),
        }
    }
}

impl<T: Into<ApiError>> From<T> for Refused {
    fn from(error: T) -> Self {
        Self::Because(error.into())
    }
}

fn parse(body: &[u8]) -> Result<BatchRequest, Refused> {
    // Another version may be shaped in another way, so its number is looked at first.
    if let Some(version) = version_of(body).filter(|&version| version != VERSION) {
        return Err(Refused::OtherVersion(version));
    }
    let request: BatchRequest =
        serde_json::from_slice(body).map_err(|error| ApiError::bad_request(format!("no batch: {error}")))?;
    match request.entries.len() {
        0..=MAX_ENTRIES => Ok(request),
        entries => {
            let message = format!("the batch has {entries} entries, where at most {MAX_ENTRIES} are taken");
            Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, message).into())
        }
    }
}

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use tower::ServiceExt;
use uraiden_core::Address;
use uraiden_core::wire::{
    Answer, BATCH_PATH, BatchRequest, BatchResponse, Entry, Health, Identity, MAX_ENTRIES, OtherVersion,
    VERSION,
};
use uraiden_sidecar::api::internal::{Internal, router};

use crate::fixture::{CONTRACT, Ledger, TOKEN, attempt, channel, open, receiver};

const TOKEN_TEXT: &str = "0123456789abcdef";

fn identity() -> Identity {
    Identity { chain_id: 31337, contract: CONTRACT, receiver: receiver(), token: TOKEN }
}

fn batch(entries: Vec<Entry>) -> BatchRequest {
    BatchRequest { version: VERSION, identity: identity(), sent_at: now(), entries, traces: Vec::new() }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

fn api(ledger: &Ledger, token: Option<&str>) -> Router {
    let (store, health) = (ledger.store.clone(), ledger.health.clone());
    router(Internal { store, health, token: token.map(Arc::from), spans: None })
}

async fn post(api: Router, body: impl Into<Body>, authorization: Option<&str>) -> (StatusCode, String) {
    let mut request = Request::post(BATCH_PATH);
    if let Some(value) = authorization {
        request = request.header("authorization", value);
    }
    let response = api.oneshot(request.body(body.into()).unwrap()).await.unwrap();
    let status = response.status();
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

async fn ask(api: Router, batch: &BatchRequest) -> (StatusCode, BatchResponse) {
    let (status, body) = post(api, serde_json::to_string(batch).unwrap(), None).await;
    (status, serde_json::from_str(&body).unwrap_or_else(|error| panic!("{status} {body}: {error}")))
}

#[tokio::test]
async fn a_batch_is_answered_with_identity_health_and_one_answer_an_entry() {
    let ledger = Ledger::with_deposit(100).await;
    ledger.health.in_step();
    let entries = vec![Entry::Lookup(channel()), Entry::Commit(attempt(1, 10, 10))];
    let (status, response) = ask(api(&ledger, None), &batch(entries)).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        response,
        BatchResponse {
            version: VERSION,
            identity: identity(),
            ledger: ledger.store.bound().unwrap().ledger.clone(),
            health: Health::Ready,
            answers: vec![
                Answer::Channel { channel: open(100, 0) },
                Answer::Accepted { channel: open(100, 10) },
            ],
        }
    );
}

#[tokio::test]
async fn while_not_ready_commits_are_refused_and_the_reason_is_given() {
    let ledger = Ledger::with_deposit(100).await;
    ledger.health.out_of_step("Ethereum node is not responding".to_owned());
    let (status, response) = ask(api(&ledger, None), &batch(vec![Entry::Commit(attempt(1, 10, 10))])).await;
    assert_eq!(status, StatusCode::OK);
    let reason = "Ethereum node is not responding".to_owned();
    assert_eq!(response.health, Health::NotReady { reason });
    assert_eq!(response.answers, [Answer::Refused { channel: open(100, 0) }]);
}

#[tokio::test]
async fn a_batch_for_another_identity_is_a_conflict_and_changes_nothing() {
    let ledger = Ledger::with_deposit(100).await;
    ledger.health.in_step();
    let other = Address([9; 20]);
    for identity in [
        Identity { chain_id: 1, ..identity() },
        Identity { contract: other, ..identity() },
        Identity { receiver: other, ..identity() },
        Identity { token: other, ..identity() },
    ] {
        let batch = BatchRequest { identity, ..batch(vec![Entry::Commit(attempt(1, 10, 10))]) };
        let (status, response) = ask(api(&ledger, None), &batch).await;
        assert_eq!(status, StatusCode::CONFLICT);
        assert_eq!((response.identity, response.answers), (self::identity(), vec![]));
    }
    assert_eq!(ledger.state().await, open(100, 0));
}

#[tokio::test]
async fn without_the_token_nothing_is_read_or_changed() {
    let ledger = Ledger::with_deposit(100).await;
    ledger.health.in_step();
    let body = serde_json::to_string(&batch(vec![Entry::Commit(attempt(1, 10, 10))])).unwrap();
    for shown in [
        None,
        Some(""),
        Some("Bearer"),
        Some("Bearer "),
        Some("Bearer 0123456789abcdeg"),
        Some("Bearer 0123456789abcdef0"),
        Some("Basic 0123456789abcdef"),
        Some(TOKEN_TEXT),
    ] {
        let (status, _) = post(api(&ledger, Some(TOKEN_TEXT)), body.clone(), shown).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{shown:?}");
        let (status, _) = post(api(&ledger, Some(TOKEN_TEXT)), "rubbish", shown).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{shown:?}");
    }
    assert_eq!(ledger.state().await, open(100, 0));
    let shown = format!("bearer {TOKEN_TEXT}");
    let (status, _) = post(api(&ledger, Some(TOKEN_TEXT)), body, Some(&shown)).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(ledger.state().await, open(100, 10));
}

#[tokio::test]
async fn what_is_no_batch_is_refused_with_its_place() {
    let ledger = Ledger::new().await;
    let right = serde_json::to_string(&batch(vec![Entry::Lookup(channel())])).unwrap();
    for (body, status, reason) in [
        (String::new(), StatusCode::BAD_REQUEST, "line 1 column 0"),
        ("{".to_owned(), StatusCode::BAD_REQUEST, "line 1 column 1"),
        (right.replace("\"lookup\"", "\"guess\""), StatusCode::BAD_REQUEST, "unknown variant `guess`"),
    ] {
        let (found, text) = post(api(&ledger, None), body.clone(), None).await;
        assert_eq!(found, status, "{body}");
        let text: String = serde_json::from_str(&text).unwrap();
        assert!(text.contains(reason), "{body}: {text}");
    }
}

#[tokio::test]
async fn a_batch_of_another_version_is_told_ours_whatever_its_shape() {
    let ledger = Ledger::with_deposit(100).await;
    ledger.health.in_step();
    let right = serde_json::to_string(&batch(vec![Entry::Commit(attempt(1, 10, 10))])).unwrap();
    for body in
        [right.replace("\"version\":1", "\"version\":7"), "{\"version\":7,\"shape\":\"new\"}".to_owned()]
    {
        let (status, text) = post(api(&ledger, None), body.clone(), None).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
        let error = "the filter speaks version 7, this sidecar version 1".to_owned();
        assert_eq!(serde_json::from_str::<OtherVersion>(&text).unwrap(), OtherVersion { version: 1, error });
    }
    assert_eq!(ledger.state().await, open(100, 0));
}

#[tokio::test]
async fn fields_that_a_later_filter_adds_are_ignored() {
    let ledger = Ledger::with_deposit(100).await;
    ledger.health.in_step();
    let mut batch = serde_json::to_value(batch(vec![Entry::Commit(attempt(1, 10, 10))])).unwrap();
    for place in ["", "/identity", "/entries/0"] {
        batch.pointer_mut(place).unwrap()["later"] = serde_json::json!([1]);
    }
    let (status, text) = post(api(&ledger, None), batch.to_string(), None).await;
    assert_eq!(status, StatusCode::OK, "{text}");
    assert_eq!(ledger.state().await, open(100, 10));
}

#[tokio::test]
async fn a_batch_has_an_upper_bound() {
    let ledger = Ledger::new().await;
    ledger.health.in_step();
    let (status, _) = ask(api(&ledger, None), &batch(vec![Entry::Lookup(channel()); MAX_ENTRIES])).await;
    assert_eq!(status, StatusCode::OK);
    let many = serde_json::to_string(&batch(vec![Entry::Lookup(channel()); MAX_ENTRIES + 1])).unwrap();
    let (status, text) = post(api(&ledger, None), many, None).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(text.contains("1025 entries, where at most 1024"), "{text}");
    let (status, _) = post(api(&ledger, None), " ".repeat(1024 * 1024 + 1), None).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_filter_whose_clock_is_wrong_gets_no_payment_accepted() {
    let ledger = Ledger::with_deposit(100).await;
    for (sent_at, agrees) in [
        (now() + 40_000, true),
        (now() - 200_000, true),
        (now() + 70_000, false),
        (now() - 250_000, false),
        (0, false),
        (u64::MAX, false),
    ] {
        let batch = BatchRequest { sent_at, ..batch(vec![]) };
        let (status, body) = post(api(&ledger, None), serde_json::to_vec(&batch).unwrap(), None).await;
        assert_eq!(status, StatusCode::OK);
        let response: BatchResponse = serde_json::from_str(&body).unwrap();
        match response.health {
            Health::NotReady { reason } if reason.contains("clock is") => {
                assert!(!agrees, "{sent_at}: {reason}")
            }
            _ => assert!(agrees, "{sent_at}: {body}"),
        }
    }
}

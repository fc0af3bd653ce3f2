use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderValue, Method, Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt;
use uraiden_core::{ChannelId, ClosingAgreement, TokenAmount};
use uraiden_sidecar::api::public::{Public, router};
use uraiden_sidecar::chain::Node;
use uraiden_sidecar::key::ReceiverKey;
use uraiden_sidecar::settings::{AssetsPath, ChannelLists, CloseNeeds, GatewayPath, KeySource};
use uraiden_sidecar::store::EventKind;

use crate::fixture::{
    CONTRACT, Ledger, OPEN_BLOCK, TOKEN, attempt, channel, event, proof, proof_by, receiver, sender, signer,
    tokens,
};

const FORM: &str = "application/x-www-form-urlencoded";

fn receiver_key() -> ReceiverKey {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "bb".repeat(32)).unwrap();
    ReceiverKey::load(&KeySource::Plain(file.path().to_owned())).unwrap()
}

fn api_with(ledger: &Ledger, close_needs: CloseNeeds, channel_lists: ChannelLists) -> Router {
    // Nothing listens there: what only the node knows is unknown.
    let url = "http://127.0.0.1:9".parse().unwrap();
    let public = Public {
        store: ledger.store.clone(),
        key: Arc::new(receiver_key()),
        node: Node::new(url, CONTRACT, receiver(), Duration::from_secs(1)),
        contract: CONTRACT,
        close_needs,
        channel_lists,
        start_block: 5,
    };
    router(public, &GatewayPath::default(), &AssetsPath::default())
}

fn api_that_needs(ledger: &Ledger, close_needs: CloseNeeds) -> Router {
    api_with(ledger, close_needs, ChannelLists::On)
}

fn api(ledger: &Ledger) -> Router {
    api_that_needs(ledger, CloseNeeds::Balance)
}

async fn call(api: &Router, request: Request<Body>) -> (StatusCode, Value) {
    let response = api.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    (status, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{status} {text:?}: {error}")))
}

async fn get(api: &Router, path: &str) -> (StatusCode, Value) {
    call(api, Request::get(path).body(Body::empty()).unwrap()).await
}

async fn delete(api: &Router, content_type: &str, body: &str) -> (StatusCode, Value) {
    delete_with(api, content_type, body, None).await
}

async fn delete_with(
    api: &Router,
    content_type: &str,
    body: &str,
    signature: Option<String>,
) -> (StatusCode, Value) {
    let mut request = Request::delete(one_path()).header("content-type", content_type);
    if let Some(signature) = signature {
        request = request.header("RDN-Balance-Signature", signature);
    }
    call(api, request.body(Body::from(body.to_owned())).unwrap()).await
}

fn one_path() -> String {
    format!("/api/1/channels/{}/{OPEN_BLOCK}", sender())
}

#[tokio::test]
async fn stats_say_whose_channels_these_are_and_what_they_add_up_to() {
    let ledger = Ledger::with_deposit(100).await;
    ledger.commit(attempt(1, 10, 10)).await;
    let (status, stats) = get(&api(&ledger), "/api/1/stats").await;
    assert_eq!(status, StatusCode::OK);
    for (name, value) in [
        ("deposit_sum", json!(100)),
        ("open_channels", json!(1)),
        ("pending_channels", json!(0)),
        ("balance_sum", json!(10)),
        ("unique_senders", json!(1)),
        ("liquid_balance", json!(null)),
        ("token_symbol", json!(null)),
        ("token_address", json!(TOKEN.to_string())),
        ("contract_address", json!(CONTRACT.to_string())),
        ("receiver_address", json!(receiver().to_string())),
        ("sync_block", json!(5)),
    ] {
        assert_eq!(stats[name], value, "{name}");
    }
    for abi in ["manager_abi", "token_abi"] {
        assert!(stats[abi].as_array().is_some_and(|abi| !abi.is_empty()), "{abi}");
    }
}

#[tokio::test]
async fn channels_are_listed_with_and_without_a_slash_at_the_end() {
    let ledger = Ledger::with_deposit(100).await;
    let api = api(&ledger);
    for path in ["/api/1/channels", "/api/1/channels/", "/api/1/channels/?status=open&limit=5"] {
        let (status, list) = get(&api, path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert_eq!(list, json!([{"sender_address": sender().to_string(), "blocks": [OPEN_BLOCK]}]), "{path}");
    }
    assert_eq!(get(&api, "/api/1/channels/?status=closed").await.1, json!([]));
    assert_eq!(get(&api, "/api/1/channels/?status=ajar").await.0, StatusCode::BAD_REQUEST);

    let line = json!([{
        "sender_address": sender().to_string(), "open_block": OPEN_BLOCK, "balance": 0, "deposit": 100, "state": "open",
    }]);
    for path in [
        format!("/api/1/channels/{}", sender()),
        format!("/api/1/channels/{}/", sender().to_string().to_lowercase()),
        format!("/api/1/channels/{}", sender().to_string().to_uppercase().replace("0X", "0x")),
    ] {
        assert_eq!(get(&api, &path).await, (StatusCode::OK, line.clone()), "{path}");
    }
    assert_eq!(get(&api, "/api/1/channels/0x12").await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn figures_are_made_once_a_block() {
    let ledger = Ledger::with_deposit(100).await;
    let api = api(&ledger);
    let balance_sum = async || get(&api, "/api/1/stats").await.1["balance_sum"].clone();
    assert_eq!(balance_sum().await, json!(0));
    ledger.commit(attempt(1, 10, 10)).await;
    assert_eq!(balance_sum().await, json!(0), "as of the same block");
    ledger.read_chain(12, &[]).await;
    assert_eq!(balance_sum().await, json!(10));
}

#[tokio::test]
async fn lists_can_be_switched_off_and_one_channel_is_still_shown() {
    let ledger = Ledger::with_deposit(100).await;
    let api = api_with(&ledger, CloseNeeds::Balance, ChannelLists::Off);
    for path in ["/api/1/channels", "/api/1/channels/", &format!("/api/1/channels/{}", sender())] {
        assert_eq!(get(&api, path).await.0, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(get(&api, &one_path()).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_channel_that_is_held_back_says_so_and_is_not_closed_for_clients() {
    let ledger = Ledger::with_deposit(100).await;
    ledger.commit(attempt(1, 10, 10)).await;
    let open = api(&ledger);
    assert_eq!(get(&open, &one_path()).await.1["held_back"], json!(null));
    let restored = ledger.restored().await;
    let api = api(&restored);
    let (_, channel) = get(&api, &one_path()).await;
    assert_eq!(channel["state"], json!(2));
    assert!(channel["held_back"].as_str().unwrap().contains("after a restore"), "{channel}");
    let (status, why) = delete(&api, FORM, "balance=10").await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(why.as_str().unwrap().contains("held back after a restore"), "{why}");
    let (_, closed) = get(&api, "/api/1/channels/?status=closed").await;
    assert_eq!(closed[0]["blocks"], json!([OPEN_BLOCK]));
    assert_eq!(get(&api, "/api/1/channels/?status=open").await.1, json!([]));
}

#[tokio::test]
async fn one_channel_shows_its_proof_to_its_sender_only() {
    let ledger = Ledger::with_deposit(100).await;
    ledger.commit(attempt(1, 10, 10)).await;
    ledger.read_chain(12, &[event(12, EventKind::ToppedUp, 50)]).await;
    let api = api(&ledger);
    let (status, channel) = get(&api, &one_path()).await;
    assert_eq!(status, StatusCode::OK);
    for (name, value) in [
        ("receiver", json!(receiver().to_string())),
        ("sender", json!(sender().to_string())),
        ("deposit", json!(100)),
        ("open_block_number", json!(OPEN_BLOCK)),
        ("balance", json!(10)),
        ("state", json!(0)),
        ("last_signature", json!(null)),
        ("settle_timeout", json!(-1)),
        ("confirmed", json!(1)),
        ("missing_confirmations", json!(0)),
        ("unconfirmed_topups", json!({format!("0x{}", "08".repeat(32)): 50})),
    ] {
        assert_eq!(channel[name], value, "{name}");
    }
    assert!(channel["ctime"].is_f64() && channel["mtime"].is_f64());

    let ask = |signature: String, balance: Option<&'static str>| {
        let mut request = Request::get(one_path()).header("rdn-balance-signature", signature);
        if let Some(balance) = balance {
            request = request.header("rdn-balance", balance);
        }
        let api = api.clone();
        async move { call(&api, request.body(Body::empty()).unwrap()).await.1["last_signature"].clone() }
    };
    let held = json!(proof(10).to_string());
    assert_eq!(ask(proof(10).to_string(), None).await, held, "the proof that we hold");
    assert_eq!(ask(proof(7).to_string(), Some("7")).await, held, "any proof, with its balance");
    assert_eq!(ask(proof(7).to_string(), None).await, json!(null), "a proof of who knows what");
    assert_eq!(ask(proof(7).to_string(), Some("8")).await, json!(null), "a proof of another balance");
    assert_eq!(ask(proof_by(&signer(1), 10).to_string(), None).await, json!(null), "another signer");
    assert_eq!(ask("0x12".to_owned(), None).await, json!(null));
}

#[tokio::test]
async fn what_is_not_there_is_404_with_a_json_string() {
    let ledger = Ledger::new().await;
    let api = api(&ledger);
    for path in [one_path().as_str(), "/", "/api/1", "/api/2/stats"] {
        let (status, body) = get(&api, path).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        assert!(body.is_string(), "{path}: {body}");
    }
    assert_eq!(delete(&api, FORM, "balance=10").await.0, StatusCode::NOT_FOUND);
    let request = Request::builder().method(Method::POST).uri("/api/1/stats").body(Body::empty()).unwrap();
    assert_eq!(call(&api, request).await.0, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn the_pages_files_are_served_and_compared_by_their_tags() {
    let ledger = Ledger::new().await;
    let api = api(&ledger);
    for (path, content_type) in
        [("/js/paywall.js", "text/javascript; charset=utf-8"), ("/js/paywall.css", "text/css; charset=utf-8")]
    {
        let ask = async |method: Method, tag: Option<&HeaderValue>| {
            let mut request = Request::builder().method(method).uri(path);
            if let Some(tag) = tag {
                request = request.header("if-none-match", tag);
            }
            api.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
        };
        let answer = ask(Method::GET, None).await;
        assert_eq!(answer.status(), StatusCode::OK);
        for (name, value) in [
            ("content-type", content_type),
            ("cache-control", "no-cache"),
            ("x-content-type-options", "nosniff"),
        ] {
            assert_eq!(answer.headers()[name], value, "{path}");
        }
        let (tag, length) = (answer.headers()["etag"].clone(), answer.headers()["content-length"].clone());
        assert!(to_bytes(answer.into_body(), usize::MAX).await.unwrap().len() > 1000);

        let head = ask(Method::HEAD, None).await;
        assert_eq!((head.status(), &head.headers()["content-length"]), (StatusCode::OK, &length));
        assert!(to_bytes(head.into_body(), usize::MAX).await.unwrap().is_empty());
        let same = ask(Method::GET, Some(&tag)).await;
        assert_eq!((same.status(), &same.headers()["etag"]), (StatusCode::NOT_MODIFIED, &tag));
        let other = ask(Method::GET, Some(&HeaderValue::from_static("\"other\""))).await;
        assert_eq!(other.status(), StatusCode::OK);
    }
    assert_eq!(get(&api, "/js/other.js").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_unconfirmed_channel_is_known() {
    let ledger = Ledger::new().await;
    ledger.read_chain(10, &[event(10, EventKind::Opened, 100)]).await;
    let (status, channel) = get(&api(&ledger), &one_path()).await;
    assert_eq!((status, &channel["confirmed"]), (StatusCode::OK, &json!(0)));
    assert_eq!(channel["missing_confirmations"], json!(1));
}

#[tokio::test]
async fn closing_at_our_balance_gives_the_same_agreement_each_time() {
    let ledger = Ledger::with_deposit(100).await;
    ledger.commit(attempt(1, 10, 10)).await;
    let api = api(&ledger);
    let (status, answer) = delete(&api, FORM, "balance=10").await;
    assert_eq!(status, StatusCode::OK);
    let signature = answer["close_signature"].as_str().unwrap().parse().unwrap();
    let id = ChannelId {
        contract: CONTRACT,
        receiver: receiver(),
        sender: sender(),
        open_block: channel().open_block,
    };
    assert!(ClosingAgreement { channel: id, balance: tokens(10), signature }.is_by_receiver());
    for (content_type, body) in [
        (FORM, "balance=10"),
        ("application/json", r#"{"balance":10}"#),
        ("application/json", r#"{"balance":1e+1}"#),
    ] {
        assert_eq!(delete(&api, content_type, body).await, (StatusCode::OK, answer.clone()), "{body}");
    }
    assert_eq!(get(&api, &one_path()).await.1["state"], json!(2));
}

#[tokio::test]
async fn closing_at_another_balance_or_without_a_payment_is_a_bad_request() {
    let ledger = Ledger::with_deposit(100).await;
    let api = api(&ledger);
    assert_eq!(delete(&api, FORM, "balance=0").await.0, StatusCode::BAD_REQUEST);
    ledger.commit(attempt(1, 10, 10)).await;
    let above = TokenAmount::MAX.to_string() + "0";
    for body in ["balance=9", "balance=11", "balance=ten", "", &format!("balance={above}")] {
        let (status, text) = delete(&api, FORM, body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
        assert!(text.is_string(), "{body}");
    }
    assert_eq!(delete(&api, FORM, &"x".repeat(5000)).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(get(&api, &one_path()).await.1["state"], json!(0));
}

#[tokio::test]
async fn after_five_wrong_balances_only_a_proof_closes() {
    let ledger = Ledger::with_deposit(100).await;
    ledger.commit(attempt(1, 10, 10)).await;
    let api = api(&ledger);
    for wrong in 1..=5 {
        let (status, _) = delete(&api, FORM, &format!("balance={wrong}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(delete(&api, FORM, "balance=10").await.0, StatusCode::FORBIDDEN);
    let forged = proof_by(&signer(1), 10).to_string();
    assert_eq!(delete_with(&api, FORM, "balance=10", Some(forged)).await.0, StatusCode::FORBIDDEN);
    let proven = delete_with(&api, FORM, "balance=10", Some(proof(10).to_string())).await;
    assert_eq!(proven.0, StatusCode::OK);
}

#[tokio::test]
async fn where_closing_needs_a_proof_the_balance_alone_is_not_enough() {
    let ledger = Ledger::with_deposit(100).await;
    ledger.commit(attempt(1, 10, 10)).await;
    let api = api_that_needs(&ledger, CloseNeeds::Proof);
    assert_eq!(delete(&api, FORM, "balance=10").await.0, StatusCode::FORBIDDEN);
    let proven = delete_with(&api, FORM, "balance=10", Some(proof(10).to_string())).await;
    assert_eq!(proven.0, StatusCode::OK);
}

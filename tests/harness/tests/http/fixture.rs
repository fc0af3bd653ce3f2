//! What the scenes share.

use anyhow::Result;
use serde_json::json;
use tokio::sync::OnceCell;
use uraiden_client::{Payer, proof_headers};
use uraiden_core::{BalanceProof, TokenAmount, header};
use uraiden_harness::{Answer, EnvoyConfig, Options, Stack};

/// What a paid request costs in these scenes.
pub(crate) const PRICE: u64 = 1000;

/// One stack for all scenes that do not stop a part of it; each scene has a payer and a path of its own.
pub(crate) async fn stack() -> Result<&'static Stack> {
    static STACK: OnceCell<Stack> = OnceCell::const_new();
    STACK.get_or_try_init(|| Stack::start(Options { change: with_priced_routes, ..Options::default() })).await
}

/// Routes whose price is in their metadata, good and bad ones.
fn with_priced_routes(config: &mut EnvoyConfig) {
    for (prefix, price) in [
        ("/on-route/", json!("7")),
        ("/on-route-free/", json!("0")),
        ("/on-route-number/", json!(7)),
        ("/on-route-typo/", json!("7.5")),
    ] {
        let route = json!({
            "match": { "prefix": prefix },
            "route": { "cluster": "app", "timeout": "15s", "idle_timeout": "20s" },
            "metadata": { "filter_metadata": { "uraiden": { "price": price } } },
        });
        config.routes().insert(0, route);
    }
}

/// Lets the filter call this port of the loopback in place of the sidecar's internal listener.
pub(crate) fn calls_go_to(config: &mut EnvoyConfig, port: u16) {
    let clusters = config.envoy["static_resources"]["clusters"].as_array_mut().expect("clusters");
    for cluster in clusters.iter_mut().filter(|cluster| cluster["name"] == "uraiden-internal") {
        let socket = "/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address/port_value";
        *cluster.pointer_mut(socket).expect("an endpoint") = json!(port);
    }
}

/// The headers of a payment: the sender's own proof of a balance.
pub(crate) fn paying(payer: &Payer, balance: u64) -> Vec<(String, String)> {
    headers_of(&payer.proof(TokenAmount::new(balance)))
}

pub(crate) fn headers_of(proof: &BalanceProof) -> Vec<(String, String)> {
    proof_headers(proof).into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The same with one header set to another value.
pub(crate) fn with(mut headers: Vec<(String, String)>, name: &str, value: &str) -> Vec<(String, String)> {
    headers.retain(|(found, _)| !found.eq_ignore_ascii_case(name));
    headers.push((name.to_owned(), value.to_owned()));
    headers
}

/// The last part of a problem document's type.
pub(crate) fn problem(answer: &Answer) -> String {
    let document = answer.json().unwrap_or_default();
    assert_eq!(document["status"], answer.status, "{document}");
    document["type"].as_str().unwrap_or_default().rsplit(':').next().unwrap_or_default().to_owned()
}

/// All error headers of the protocol.
pub(crate) const ERRORS: [&str; 4] = [
    header::INSUFFICIENT_CONFIRMATIONS,
    header::NONEXISTING_CHANNEL,
    header::INVALID_BALANCE_PROOF,
    header::INVALID_AMOUNT,
];

/// Asserts that exactly this error header is there, if any.
pub(crate) fn assert_error(answer: &Answer, expected: Option<(&str, &str)>) {
    for name in ERRORS {
        let value = expected.filter(|(error, _)| *error == name).map(|(_, value)| value);
        assert_eq!(answer.header(name), value, "{name} in {:?}", answer.headers);
    }
}

/// Asserts that the answer says nothing of the channel's balance or proof.
pub(crate) fn assert_no_state(answer: &Answer) {
    for name in [header::SENDER_ADDRESS, header::SENDER_BALANCE, header::BALANCE_SIGNATURE] {
        assert_eq!(answer.header(name), None, "{:?}", answer.headers);
    }
}

/// Asserts that the answer has all five terms.
pub(crate) fn assert_terms(stack: &Stack, answer: &Answer, price: u64) {
    for (name, value) in [
        (header::GATEWAY_PATH, "/api/1".to_owned()),
        (header::RECEIVER_ADDRESS, stack.receiver().to_string()),
        (header::CONTRACT_ADDRESS, stack.contract().to_string()),
        (header::TOKEN_ADDRESS, stack.token().to_string()),
        (header::PRICE, price.to_string()),
    ] {
        assert_eq!(answer.header(name), Some(value.as_str()), "{name} in {:?}", answer.headers);
    }
}

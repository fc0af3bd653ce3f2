//! Pages of other origins: preflights cost nothing, and the lists of headers are merged into what is there already.

use std::net::SocketAddr;

use anyhow::Result;
use axum::Router;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::net::TcpListener;
use uraiden_harness::{Answer, EnvoyConfig, Options, Stack};

use crate::fixture::{PRICE, paying};

const ORIGIN: (&str, &str) = ("origin", "https://shop.example");
const PREFLIGHT: [(&str, &str); 3] =
    [ORIGIN, ("access-control-request-method", "GET"), ("access-control-request-headers", "rdn-balance")];

/// What a page has to be able to read, and to send. One of each stands for all; core's tests know the whole lists.
const READ: [&str; 3] = ["rdn-price", "rdn-sender-balance", "rdn-balance-signature"];
const SENT: [&str; 3] = ["rdn-sender-address", "rdn-balance-signature", "rdn-open-block"];

/// A service that speaks CORS itself, or one that knows nothing of it.
async fn service(cors: bool) -> Result<SocketAddr> {
    let answer =
        move |method: Method| async move { if cors { allowing(&method) } else { "sold".into_response() } };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    Ok(address)
}

fn allowing(method: &Method) -> Response {
    let origin = ("access-control-allow-origin", ORIGIN.1);
    if method == Method::OPTIONS {
        let headers = [origin, ("access-control-allow-headers", "X-Own, RDN-Balance")];
        return (StatusCode::NO_CONTENT, headers).into_response();
    }
    ([origin, ("access-control-expose-headers", "X-Own, RDN-Price")], "sold").into_response()
}

/// The items of a list that stands once, in lower case, none of them twice.
fn list(answer: &Answer, name: &str) -> Vec<String> {
    let value = answer.header(name).unwrap_or_else(|| panic!("{name} stands once in {:?}", answer.headers));
    let items: Vec<_> = value.split(',').map(|item| item.trim().to_ascii_lowercase()).collect();
    for (index, item) in items.iter().enumerate() {
        assert!(!items[..index].contains(item), "{item} twice in {value}");
    }
    items
}

fn assert_lists(answer: &Answer, name: &str, items: &[&str]) {
    let found = list(answer, name);
    for item in items {
        assert!(found.iter().any(|own| own == item), "{item} in {found:?}");
    }
}

#[tokio::test]
async fn our_headers_are_merged_into_the_lists_of_the_service() -> Result<()> {
    let stack = Stack::start(Options { upstream: Some(service(true).await?), ..Options::default() }).await?;
    let payer = stack.payer().await?;
    let preflight = stack.raw("OPTIONS", "/premium/a", PREFLIGHT, "").await?;
    assert_eq!(preflight.status, 204);
    assert_lists(&preflight, "access-control-allow-headers", &SENT);
    assert_lists(&preflight, "access-control-allow-headers", &["x-own", "rdn-balance"]);

    let mut headers = paying(&payer, PRICE);
    headers.push((ORIGIN.0.to_owned(), ORIGIN.1.to_owned()));
    let paid = stack.raw_get("/premium/a", headers).await?;
    assert_eq!(paid.status, 200);
    assert_lists(&paid, "access-control-expose-headers", &READ);
    assert_lists(&paid, "access-control-expose-headers", &["x-own"]);

    let free = stack.raw_get("/free", [ORIGIN]).await?;
    assert_eq!(
        list(&free, "access-control-expose-headers"),
        ["x-own", "rdn-price"],
        "as the service wrote it"
    );
    Ok(())
}

/// Envoy's own CORS filter, at this place among the filters.
fn with_cors(config: &mut EnvoyConfig, place: usize) {
    let filter = "envoy.filters.http.cors";
    let of = |name: &str| format!("type.googleapis.com/envoy.extensions.filters.http.cors.v3.{name}");
    let cors = json!({ "name": filter, "typed_config": { "@type": of("Cors") } });
    config.http_filters().insert(place, cors);
    let policy = json!({
        "@type": of("CorsPolicy"),
        "allow_origin_string_match": [{ "exact": ORIGIN.1 }],
        "allow_methods": "GET",
        "allow_headers": "x-own, rdn-sender-address, rdn-open-block, rdn-balance, rdn-balance-signature",
        "expose_headers": "x-own, rdn-price, rdn-sender-balance, rdn-balance-signature",
    });
    for route in config.routes() {
        route["typed_per_filter_config"][filter] = policy.clone();
    }
}

#[tokio::test]
async fn envoys_cors_filter_before_the_paywall_answers_for_everything() -> Result<()> {
    let change: fn(&mut EnvoyConfig) = |config| with_cors(config, 0);
    let upstream = Some(service(true).await?);
    let stack = Stack::start(Options { change, upstream, ..Options::default() }).await?;
    let payer = stack.payer().await?;
    let preflight = stack.raw("OPTIONS", "/premium/a", PREFLIGHT, "").await?;
    assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (200, Some(ORIGIN.1)));
    assert_lists(&preflight, "access-control-allow-headers", &SENT);

    // A page can read why it is refused.
    let refused = stack.raw_get("/premium/a", [ORIGIN]).await?;
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (402, Some(ORIGIN.1)));
    assert_lists(&refused, "access-control-expose-headers", &READ);

    let mut headers = paying(&payer, PRICE);
    headers.push((ORIGIN.0.to_owned(), ORIGIN.1.to_owned()));
    let paid = stack.raw_get("/premium/a", headers).await?;
    assert_eq!((paid.status, paid.header("access-control-allow-origin")), (200, Some(ORIGIN.1)));
    assert_lists(&paid, "access-control-expose-headers", &READ);
    Ok(())
}

#[tokio::test]
async fn envoys_cors_filter_behind_the_paywall_is_merged_with() -> Result<()> {
    let change: fn(&mut EnvoyConfig) = |config| with_cors(config, 1);
    let upstream = Some(service(false).await?);
    let stack = Stack::start(Options { change, upstream, ..Options::default() }).await?;
    let payer = stack.payer().await?;
    let preflight = stack.raw("OPTIONS", "/premium/a", PREFLIGHT, "").await?;
    assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (200, Some(ORIGIN.1)));
    assert_lists(&preflight, "access-control-allow-headers", &SENT);
    assert_lists(&preflight, "access-control-allow-headers", &["x-own", "rdn-payment"]);

    let mut headers = paying(&payer, PRICE);
    headers.push((ORIGIN.0.to_owned(), ORIGIN.1.to_owned()));
    let paid = stack.raw_get("/premium/a", headers).await?;
    assert_eq!((paid.status, paid.header("access-control-allow-origin")), (200, Some(ORIGIN.1)));
    assert_lists(&paid, "access-control-expose-headers", &READ);
    assert_lists(&paid, "access-control-expose-headers", &["x-own", "rdn-cost"]);
    Ok(())
}

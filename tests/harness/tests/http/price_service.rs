//! Prices that a service of the merchant's is asked for.

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use uraiden_core::header;
use uraiden_harness::{EnvoyConfig, NO_HEADERS, Options, Stack};

use crate::fixture::{paying, problem};

static SERVICE: OnceLock<SocketAddr> = OnceLock::new();
static ASKED: AtomicUsize = AtomicUsize::new(0);

/// Prices a path by its last character, and knows nothing else.
async fn price(Json(question): Json<Value>) -> Result<Json<Value>, StatusCode> {
    ASKED.fetch_add(1, Ordering::SeqCst);
    let path = question["path"].as_str().unwrap_or_default();
    let price = path.chars().last().filter(char::is_ascii_digit).ok_or(StatusCode::NOT_FOUND)?;
    Ok(Json(json!({ "price": price.to_string() })))
}

fn with_service(config: &mut EnvoyConfig) {
    let service = SERVICE.get().expect("the service is there before Envoy");
    let socket = json!({ "address": service.ip().to_string(), "port_value": service.port() });
    let clusters = config.envoy["static_resources"]["clusters"].as_array_mut().expect("clusters");
    clusters.push(json!({
        "name": "prices",
        "type": "STATIC",
        "load_assignment": {
            "cluster_name": "prices",
            "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": { "socket_address": socket } } }] }],
        },
    }));
    let rule = json!({
        "match": { "pathPrefix": "/auction/" },
        "priceFrom": { "cluster": "prices", "path": "/price", "ttl": "60s" },
    });
    config.plugin["rules"].as_array_mut().expect("rules").push(rule);
}

#[tokio::test]
async fn the_service_is_asked_once_a_worker_and_an_unknown_price_is_never_free() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    SERVICE.set(listener.local_addr()?).ok().context("set once")?;
    tokio::spawn(async { axum::serve(listener, Router::new().route("/price", post(price))).await });

    let options = Options { change: with_service, concurrency: 1, ..Options::default() };
    let stack = Stack::start(options).await?;
    let payer = stack.payer().await?;
    let refused = stack.raw_get("/auction/7", NO_HEADERS).await?;
    assert_eq!((refused.status, refused.header(header::PRICE)), (402, Some("7")));
    let paid = stack.raw_get("/auction/7?any", paying(&payer, 7)).await?;
    assert_eq!((paid.status, paid.header(header::COST)), (200, Some("7")));
    assert_eq!(ASKED.load(Ordering::SeqCst), 1);
    assert_eq!(stack.raw_get("/auction/0", NO_HEADERS).await?.status, 200, "a price of 0 is free");

    // A first request with its payment: it is held for the price, for the channel, for the commit.
    let held = stack.raw_get("/auction/3", paying(&payer, 10)).await?;
    assert_eq!((held.status, held.header(header::SENDER_BALANCE)), (200, Some("10")));

    let unknown = stack.raw_get("/auction/x", paying(&payer, 13)).await?;
    assert_eq!((unknown.status, problem(&unknown).as_str()), (503, "price-unknown"));
    assert_eq!(unknown.header("retry-after"), Some("1"));
    assert_eq!(stack.upstream().seen("/auction/x"), 0);
    Ok(())
}

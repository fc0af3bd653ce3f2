//! Others can insist that the paywall ran: a later filter by filter state, the service by a mark.

use anyhow::{Context, Result};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use uraiden_harness::{EnvoyConfig, NO_HEADERS, Options, Stack};

use crate::fixture::{PRICE, paying};

const SECRET: &str = "a secret of thirty-two bytes, or more";

/// Envoy's own RBAC filter behind the paywall: below /premium only what was paid.
fn insist(config: &mut EnvoyConfig) {
    let premium = json!({ "url_path": { "path": { "prefix": "/premium" } } });
    let paid =
        json!({ "filter_state": { "key": "wasm.uraiden_outcome", "string_match": { "exact": "paid" } } });
    let rbac = json!({
        "name": "envoy.filters.http.rbac",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
            "rules": { "action": "ALLOW", "policies": {
                "paid": { "permissions": [premium], "principals": [paid] },
                "other": { "permissions": [{ "not_rule": premium }], "principals": [{ "any": true }] },
            } },
        },
    });
    let filters = config.http_filters();
    let router = filters.len() - 1;
    filters.insert(router, rbac);
}

#[tokio::test]
async fn a_later_filter_lets_paid_requests_pass() -> Result<()> {
    let stack = Stack::start(Options { change: insist, ..Options::default() }).await?;
    let payer = stack.payer().await?;
    assert_eq!(stack.raw_get("/premium/a", paying(&payer, PRICE)).await?.status, 200);
    assert_eq!(stack.raw_get("/premium/a", NO_HEADERS).await?.status, 402);
    assert_eq!(stack.raw_get("/free", NO_HEADERS).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn a_later_filter_stops_requests_around_a_paywall_that_is_removed_or_disabled() -> Result<()> {
    let removed: fn(&mut EnvoyConfig) = |config| {
        insist(config);
        config.http_filters().retain(|filter| filter["name"] != "envoy.filters.http.wasm");
    };
    let disabled: fn(&mut EnvoyConfig) = |config| {
        insist(config);
        let off =
            json!({ "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "disabled": true });
        for route in config.routes() {
            route["typed_per_filter_config"] = json!({ "envoy.filters.http.wasm": off });
        }
    };
    for change in [removed, disabled] {
        let stack = Stack::start(Options { change, open: false, ..Options::default() }).await?;
        let payer = stack.payer().await?;
        for headers in [vec![], paying(&payer, PRICE), vec![("x-uraiden-outcome".into(), "paid".into())]] {
            assert_eq!(stack.raw_get("/premium/around", headers).await?.status, 403);
        }
        assert_eq!(stack.upstream().seen("/premium/around"), 0);
        assert_eq!(stack.raw_get("/free", NO_HEADERS).await?.status, 200);
    }
    Ok(())
}

#[tokio::test]
async fn a_service_checks_the_mark_of_a_paid_request() -> Result<()> {
    let change = |config: &mut EnvoyConfig| config.plugin["mark"] = json!({ "secret": SECRET });
    let stack = Stack::start(Options { change, ..Options::default() }).await?;
    let payer = stack.payer().await?;
    let mut headers = paying(&payer, PRICE);
    headers.push(("x-uraiden-mark".to_owned(), "v1;0;0;forged".to_owned()));
    let answer = stack.raw_get("/premium/marked?a=b", headers).await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let seen = answer.json()?["headers"].clone();
    let text =
        |name: &str| seen[name].as_str().map(str::to_owned).with_context(|| format!("no {name} in {seen}"));

    let mark = text("x-uraiden-mark")?;
    let [version, time, attempt, mac] = mark.split(';').collect::<Vec<_>>()[..] else { panic!("{mark}") };
    let (sender, amount, host) = (text("x-uraiden-sender")?, text("x-uraiden-amount")?, text("host")?);
    let message =
        format!("{version}\n{time}\n{attempt}\nGET\n{host}\n/premium/marked?a=b\n{sender}\n{amount}");
    let mut expected = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes())?;
    expected.update(message.as_bytes());
    assert_eq!(mac, hex::encode(expected.finalize().into_bytes()));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
    assert!(now.abs_diff(time.parse()?) < 60, "{time} at {now}");

    let free = stack.raw_get("/free", [("x-uraiden-mark", "v1;0;0;forged")]).await?;
    assert_eq!(free.json()?["headers"]["x-uraiden-mark"], Value::Null);
    Ok(())
}

//! In shadow mode nobody is refused or charged, whatever works and whatever does not.

use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::{Value, json};
use uraiden_client::Payer;
use uraiden_core::header;
use uraiden_harness::{EnvoyConfig, NO_HEADERS, Options, Scrape, Stack};

use crate::fixture::{PRICE, paying, with};

fn watching(config: &mut EnvoyConfig) {
    config.plugin["mode"] = json!("shadow");
    config.plugin["rules"][1]["name"] = json!("premium");
}

#[tokio::test]
async fn in_shadow_mode_all_is_served_nothing_is_charged_and_what_would_be_is_counted() -> Result<()> {
    let options = Options { change: watching, open: false, ..Options::default() };
    let mut stack = Stack::start(options).await?;
    let payer = stack.payer().await?;
    until_ready(&stack).await?;

    let spoofed = vec![("x-uraiden-sender".to_owned(), "0xthief".to_owned())];
    let unpaid = stack.raw_get("/premium/x", spoofed).await?;
    assert_eq!((unpaid.status, unpaid.header(header::PRICE)), (200, None));
    assert_eq!(seen(&unpaid.json()?, "x-uraiden-sender"), None);
    let paid = stack.raw_get("/premium/x", paying(&payer, PRICE)).await?;
    assert_eq!((paid.status, paid.header(header::COST)), (200, None));
    let offered = PRICE.to_string();
    assert_eq!(seen(&paid.json()?, "rdn-sender-balance"), Some(offered.as_str()), "it went on as it was");
    let broken = with(paying(&payer, PRICE), header::BALANCE, "1e3");
    assert_eq!(stack.raw_get("/premium/x", broken).await?.status, 200);
    assert_eq!(stack.raw_get("/free", NO_HEADERS).await?.status, 200);
    for outcome in ["payment-required", "paid", "malformed-payment"] {
        until_foreseen(&stack, outcome).await?;
    }
    assert_eq!(balance(&stack, &payer).await?, 0, "nothing was charged");

    stack.sidecar.part().kill();
    until_served_without_sidecar(&stack, &payer).await?;
    until_foreseen(&stack, "sidecar-unreachable").await?;
    let scrape = Scrape::of_envoy(stack.envoy.admin()).await?;
    let outcomes = |outcome| scrape.sum("uraiden_filter_requests_total", &[("outcome", outcome)]);
    assert!(outcomes("shadow") >= 4.0 && outcomes("free") >= 1.0);
    assert_eq!(outcomes("paid") + outcomes("payment-required"), 0.0);
    assert_eq!(scrape.sum("uraiden_filter_charged_units_total", &[]), 0.0);
    Ok(())
}

/// What the service got under this name.
fn seen<'a>(echo: &'a Value, name: &str) -> Option<&'a str> {
    echo["headers"][name].as_str()
}

/// Each worker has heard from the sidecar: what would be is not a 502 any more.
async fn until_ready(stack: &Stack) -> Result<()> {
    for _ in 0..100 {
        let before = foreseen(stack, "payment-required").await?;
        for _ in 0..16 {
            assert_eq!(stack.raw_get("/premium/x", NO_HEADERS).await?.status, 200);
        }
        if foreseen(stack, "payment-required").await? - before == 16.0 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("the workers did not hear from the sidecar")
}

async fn until_foreseen(stack: &Stack, outcome: &str) -> Result<()> {
    for _ in 0..100 {
        if foreseen(stack, outcome).await? > 0.0 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("{outcome} was not foreseen")
}

async fn foreseen(stack: &Stack, outcome: &str) -> Result<f64> {
    let scrape = Scrape::of_envoy(stack.envoy.admin()).await?;
    let labels = [("route", "premium"), ("outcome", outcome)];
    Ok(scrape.sum("uraiden_filter_shadow_requests_total", &labels))
}

/// Long enough that the filter knows that the sidecar is gone.
async fn until_served_without_sidecar(stack: &Stack, payer: &Payer) -> Result<()> {
    for balance in 2..40 {
        let answer = stack.raw_get("/premium/x", paying(payer, balance * PRICE)).await?;
        assert_eq!(answer.status, 200, "{}", answer.text());
        tokio::time::sleep(Duration::from_millis(125)).await;
    }
    Ok(())
}

/// The balance that the ledger holds.
async fn balance(stack: &Stack, payer: &Payer) -> Result<u64> {
    let channel = payer.channel();
    let path = format!("/api/1/channels/{}/{}", channel.sender, channel.open_block);
    let answer = stack.raw_get(&path, NO_HEADERS).await?.json()?;
    answer["balance"].as_u64().ok_or_else(|| anyhow::anyhow!("{answer}"))
}

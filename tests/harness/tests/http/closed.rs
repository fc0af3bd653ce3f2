//! When something is broken, priced routes are closed, free ones are not, and nothing is charged.

use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::json;
use uraiden_core::header;
use uraiden_harness::{EnvoyConfig, NO_HEADERS, Options, Stack};

use crate::fixture::{PRICE, paying, problem};

#[tokio::test]
async fn row_2_without_the_sidecar_priced_routes_are_502_until_it_is_back() -> Result<()> {
    // So that whoever was served unpaid would show.
    let change = |config: &mut EnvoyConfig| config.plugin["overlap"] = json!("never");
    let mut stack = Stack::start(Options { change, ..Options::default() }).await?;
    let payer = stack.payer().await?;
    assert_eq!(stack.raw_get("/premium/gone", paying(&payer, PRICE)).await?.status, 200);

    stack.sidecar.part().kill();
    let answer = stack.raw_get("/premium/gone", paying(&payer, 2 * PRICE)).await?;
    assert_eq!(answer.status, 502, "{}", answer.text());
    until(&stack, 502).await?;
    assert_eq!(stack.raw_get("/free", NO_HEADERS).await?.status, 200);

    stack.sidecar.restart().await?;
    until(&stack, 402).await?;
    // The payment that the sidecar never saw was not taken: the same proof is good.
    let answer = stack.raw_get("/premium/gone", paying(&payer, 2 * PRICE)).await?;
    assert_eq!((answer.status, answer.header(header::SENDER_BALANCE)), (200, Some("2000")));
    assert_eq!(stack.upstream().seen("/premium/gone"), 2);
    Ok(())
}

#[tokio::test]
async fn a_filter_for_another_chain_closes_its_priced_routes() -> Result<()> {
    let mut stack = misconfigured(|config| config.plugin["chainId"] = json!(1)).await?;
    let answer = stack.raw_get("/premium/x", NO_HEADERS).await?;
    assert_eq!((answer.status, problem(&answer).as_str()), (502, "misconfigured"));
    assert_eq!(stack.raw_get("/free", NO_HEADERS).await?.status, 200);
    let log = stack.envoy.part().log()?;
    assert!(log.contains("chain_id: 1,") && log.contains("chain_id: 31337,"), "{log}");
    Ok(())
}

#[tokio::test]
async fn a_filter_without_the_right_token_closes_its_priced_routes() -> Result<()> {
    let stack = misconfigured(|config| config.plugin["sidecar"]["bearerToken"] = json!("guess")).await?;
    let answer = stack.raw_get("/premium/x", NO_HEADERS).await?;
    assert_eq!((answer.status, problem(&answer).as_str()), (502, "sidecar-unreachable"));
    assert_eq!(stack.raw_get("/free", NO_HEADERS).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn a_cluster_that_is_not_there_closes_priced_routes() -> Result<()> {
    let stack = misconfigured(|config| config.plugin["sidecar"]["cluster"] = json!("nowhere")).await?;
    let answer = stack.raw_get("/premium/x", NO_HEADERS).await?;
    assert_eq!((answer.status, problem(&answer).as_str()), (502, "sidecar-unreachable"));
    Ok(())
}

#[tokio::test]
async fn a_configuration_that_cannot_be_read_is_refused_with_its_path() -> Result<()> {
    let options =
        Options { change: |config| config.plugin["rules"][0]["price"] = json!("1.5"), ..Options::default() };
    let error = format!("{:#}", Stack::start(options).await.expect_err("Envoy does not start"));
    assert!(
        error.contains(r#"rules[0].price: \"1.5\": no decimal digit at position 1"#)
            || error.contains(r#"rules[0].price: "1.5": no decimal digit at position 1"#),
        "{error}"
    );
    Ok(())
}

/// A stack whose paywall stays closed.
async fn misconfigured(change: fn(&mut uraiden_harness::EnvoyConfig)) -> Result<Stack> {
    let stack = Stack::start(Options { change, open: false, ..Options::default() }).await?;
    // Each of Envoy's workers finds out for itself within a tick.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    Ok(stack)
}

/// Waits until the paid path answers so, on every worker.
async fn until(stack: &Stack, status: u16) -> Result<()> {
    let mut in_a_row = 0;
    for _ in 0..400 {
        let found = stack.raw_get("/premium/gone", NO_HEADERS).await?.status;
        in_a_row = if found == status { in_a_row + 1 } else { 0 };
        if in_a_row == 32 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    bail!("the paid path did not come to answer {status}")
}

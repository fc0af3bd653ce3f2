//! A VM that panics: nothing fails into free service, and the paywall comes back by itself.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::json;
use uraiden_core::header;
use uraiden_harness::{EnvoyConfig, NO_HEADERS, Options, Stack};

use crate::fixture::{PRICE, paying};

/// A module with a way to crash it. Streams that are held when it crashes end after a second.
fn crashing() -> Options {
    let change = |config: &mut EnvoyConfig| {
        for route in config.routes() {
            route["route"]["idle_timeout"] = json!("1s");
        }
    };
    Options { crashing_filter: true, change, concurrency: 1, ..Options::default() }
}

#[tokio::test]
async fn a_crash_serves_nobody_unpaid_and_heals() -> Result<()> {
    let stack = Stack::start(crashing()).await?;
    let payer = stack.payer().await?;
    assert_eq!(stack.raw_get("/premium/crash", paying(&payer, PRICE)).await?.status, 200);

    let crashed = stack.raw_get("/premium/crash", [("x-crash-the-paywall", "1")]).await?;
    assert_eq!((crashed.status, crashed.body.len()), (503, 0));
    let down = Instant::now();
    let mut refused = 0;
    loop {
        let answer = stack.raw_get("/premium/crash", NO_HEADERS).await?;
        match answer.status {
            402 => break,
            502 | 503 => refused += 1,
            other => bail!("{other}: {}", answer.text()),
        }
        assert!(down.elapsed() < Duration::from_secs(10), "still closed after {refused} refusals");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // What was paid stays paid, and what follows is taken.
    let answer = stack.raw_get("/premium/crash", paying(&payer, PRICE)).await?;
    assert_eq!((answer.status, answer.header(header::SENDER_BALANCE)), (402, Some("1000")));
    assert_eq!(stack.raw_get("/premium/crash", paying(&payer, 2 * PRICE)).await?.status, 200);
    assert_eq!(stack.upstream().seen("/premium/crash"), 2);
    assert_eq!(stack.raw_get("/free", NO_HEADERS).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn a_response_that_waits_for_a_crashed_vm_is_never_released() -> Result<()> {
    let stack = Stack::start(crashing()).await?;
    let payer = stack.payer().await?;
    let slow = stack.raw_get("/premium/stuck?delayMs=500", paying(&payer, PRICE));
    let crash = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        stack.raw_get("/free", [("x-crash-the-paywall", "1")]).await
    };
    let (slow, crash) = tokio::join!(slow, crash);
    assert_eq!(crash?.status, 503);
    assert_eq!(stack.upstream().seen("/premium/stuck"), 1, "it was at the service when the VM crashed");
    // Envoy ends the stream with an answer of its own, or cuts it; the service's answer is in neither.
    match slow {
        Ok(answer) => {
            assert!(answer.status >= 500, "{}: {}", answer.status, answer.text());
            assert!(!answer.text().contains("\"path\""), "{}", answer.text());
        }
        Err(error) => assert!(format!("{error:#}").contains("/premium/stuck"), "{error:#}"),
    }
    // The payment was durable before the request went to the service; the payer learns of it.
    for _ in 0..200 {
        let answer = stack.raw_get("/premium/stuck", paying(&payer, 0)).await?;
        if answer.status == 402 {
            assert_eq!(answer.header(header::SENDER_BALANCE), Some("1000"));
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("the paywall did not come back")
}

//! Requests that are at the service while their payments are recorded, and payments for what failed.

use std::time::{Duration, Instant};

use anyhow::Result;
use uraiden_core::header;
use uraiden_harness::{NO_HEADERS, Options, Stack};

use crate::fixture::{PRICE, assert_error, paying, problem, stack};

#[tokio::test]
async fn a_safe_request_of_a_known_channel_goes_ahead_of_its_payment_and_no_other_does() -> Result<()> {
    let stack = stack().await?;
    let payer = stack.payer().await?;
    assert_eq!(stack.raw_get("/premium/ahead", paying(&payer, PRICE)).await?.status, 200);
    for (balance, method, durability) in
        [(2, "GET", "pending"), (3, "POST", "durable"), (4, "PUT", "durable")]
    {
        let answer = stack.raw(method, "/premium/ahead", paying(&payer, balance * PRICE), "").await?;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json()?["headers"]["x-uraiden-payment"], durability, "{method}");
        let held = (balance * PRICE).to_string();
        assert_eq!(answer.header(header::SENDER_BALANCE), Some(held.as_str()));
    }
    Ok(())
}

#[tokio::test]
async fn an_answer_waits_for_its_payment_while_the_sidecar_is_frozen() -> Result<()> {
    let mut stack = Stack::start(Options { concurrency: 1, ..Options::default() }).await?;
    let payer = stack.payer().await?;
    assert_eq!(stack.raw_get("/premium/frozen", paying(&payer, PRICE)).await?.status, 200);
    stack.sidecar.part().freeze();
    let asked = Instant::now();
    let answer = stack.raw_get("/premium/frozen", paying(&payer, 2 * PRICE)).await?;
    stack.sidecar.part().thaw();
    assert_eq!((answer.status, problem(&answer).as_str()), (502, "unknown-outcome"), "{}", answer.text());
    assert!(asked.elapsed() < Duration::from_secs(2), "commit and take-back have 500 ms each");
    assert_eq!(stack.upstream().seen("/premium/frozen"), 2, "the service had worked meanwhile");
    Ok(())
}

#[tokio::test]
async fn a_failed_resource_that_a_later_payment_stands_on_is_served_once_from_a_credit() -> Result<()> {
    let stack = stack().await?;
    let payer = stack.payer().await?;
    let slow = tokio::spawn({
        let (stack, headers) = (stack, paying(&payer, PRICE));
        // A POST is at the service only when its payment is durable.
        async move { stack.raw("POST", "/premium/credit?delayMs=1500&status=503", headers, "").await }
    });
    while stack.upstream().seen("/premium/credit") == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(stack.raw_get("/premium/credit", paying(&payer, 2 * PRICE)).await?.status, 200);

    let failed = slow.await??;
    assert_eq!((failed.status, problem(&failed).as_str()), (503, "credited"), "{}", failed.text());
    assert_eq!(failed.header(header::SENDER_BALANCE), Some("2000"));

    let again = stack.raw_get("/premium/credit", paying(&payer, 2 * PRICE)).await?;
    assert_eq!(again.status, 200, "{}", again.text());
    assert_eq!(again.header(header::SENDER_BALANCE), Some("2000"));
    assert_eq!(again.header(header::COST), Some("0"));
    let replay = stack.raw_get("/premium/credit", paying(&payer, 2 * PRICE)).await?;
    assert_eq!((replay.status, problem(&replay).as_str()), (402, "replay"));
    assert_eq!(stack.raw_get("/premium/credit", paying(&payer, 3 * PRICE)).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn a_service_that_fails_too_often_is_paid_once_all_the_same() -> Result<()> {
    let flags = vec![("--take-backs-in-a-row", "2".to_owned())];
    let stack = Stack::start(Options { sidecar_flags: flags, ..Options::default() }).await?;
    let payer = stack.payer().await?;
    for held in ["0", "0", "1000"] {
        let answer = stack.raw_get("/premium/often?status=500", paying(&payer, PRICE)).await?;
        assert_eq!((answer.status, answer.header(header::SENDER_BALANCE)), (500, Some(held)));
    }
    assert_eq!(stack.raw_get("/premium/often", paying(&payer, 2 * PRICE)).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn row_2a_a_channel_at_its_exposure_limit_is_refused_and_charged_nothing() -> Result<()> {
    let flags = vec![("--exposure-limit", (2 * PRICE + PRICE / 2).to_string())];
    let stack = Stack::start(Options { sidecar_flags: flags, ..Options::default() }).await?;
    let payer = stack.payer().await?;
    for payment in [1, 2] {
        assert_eq!(stack.raw_get("/premium/limit", paying(&payer, payment * PRICE)).await?.status, 200);
    }
    for balance in [2, 3] {
        let answer = stack.raw_get("/premium/limit", paying(&payer, balance * PRICE)).await?;
        assert_eq!((answer.status, problem(&answer).as_str()), (503, "exposure-limit"));
        assert_eq!(answer.header("retry-after"), Some("60"));
        assert_error(&answer, None);
    }
    assert_eq!(stack.raw_get("/premium/limit", NO_HEADERS).await?.status, 402);
    let other = stack.payer().await?;
    assert_eq!(stack.raw_get("/premium/limit", paying(&other, PRICE)).await?.status, 200);
    Ok(())
}

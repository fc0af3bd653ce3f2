//! The way between filter and sidecar fails while requests are paid: slow, silent, nonsense, cut off. Whatever was
//! recorded and not served is taken back.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use uraiden_core::header;
use uraiden_harness::{LinkFault, NO_HEADERS, Options, Stack};

use crate::fixture::{PRICE, paying, problem};

#[tokio::test]
async fn whatever_befalls_a_call_to_the_sidecar_nothing_is_charged_unserved() -> Result<()> {
    let options = Options { link: true, concurrency: 1, ..Options::default() };
    let stack = Stack::start(options).await?;
    let link = stack.link();
    let payer = stack.payer().await?;
    let mut held = 0;
    for fault in [LinkFault::Deaf, LinkFault::Cut, LinkFault::Nonsense, LinkFault::Closed] {
        for (method, path) in [("POST", "/premium/link/held"), ("GET", "/premium/link")] {
            link.set(fault);
            let asked = Instant::now();
            let answer = stack.raw(method, path, paying(&payer, held + PRICE), "").await?;
            let what = format!("{fault:?}, {method}");
            assert_eq!(answer.status, 502, "{what}: {}", answer.text());
            let codes = ["unknown-outcome", "sidecar-unreachable"];
            assert!(codes.contains(&problem(&answer).as_str()), "{what}");
            assert!(asked.elapsed() < Duration::from_secs(3), "{what}: held for {:?}", asked.elapsed());
            assert_eq!(stack.raw_get("/free", NO_HEADERS).await?.status, 200, "{what}");

            link.set(LinkFault::None);
            until_open(&stack).await?;
        }
        assert_eq!(stack.upstream().seen("/premium/link/held"), 0, "{fault:?}: served unpaid");
        // The payment that the sidecar may have recorded is taken back by the next tick: the same proof is good.
        held += PRICE;
        until_paid(&stack, paying(&payer, held), held).await.with_context(|| format!("{fault:?}"))?;
    }
    Ok(())
}

async fn until_open(stack: &Stack) -> Result<()> {
    for _ in 0..200 {
        if stack.raw_get("/premium/link", NO_HEADERS).await?.status == 402 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("the paywall did not open within 10 s")
}

async fn until_paid(stack: &Stack, headers: Vec<(String, String)>, balance: u64) -> Result<()> {
    for _ in 0..100 {
        let answer = stack.raw_get("/premium/link", headers.clone()).await?;
        if answer.status == 200 {
            assert_eq!(answer.header(header::SENDER_BALANCE), Some(balance.to_string().as_str()));
            return Ok(());
        }
        assert!(matches!(answer.status, 402 | 502), "{}: {}", answer.status, answer.text());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("the same proof was not taken again within 5 s")
}

//! Reading what happened before: from nodes that limit what one question may ask, with a word on how long it takes.

use std::time::Duration;

use anyhow::Result;
use uraiden_harness::{Fault, Options, Stack};

use crate::fixture::{Customer, log, options, until, until_open};

#[tokio::test]
async fn a_node_that_limits_ranges_is_read_in_smaller_ones_and_the_rest_is_estimated() -> Result<()> {
    let mut stack = Stack::start(Options { rpc_proxy: true, ..options() }).await?;
    let customer = Customer::with_deposit(&stack, 1000).await?;
    stack.chain.mine(5000).await?;
    stack.sidecar.part().stop();
    for file in ["ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm"] {
        let path = stack.logs().join(file);
        if path.exists() {
            std::fs::remove_file(path)?;
        }
    }
    stack.rpc_proxy().set(Fault::LimitRanges { blocks: 10 });
    stack.sidecar.start_again()?;
    let mut estimates = 0;
    until("all is read", &stack, async || {
        // Refused until it listens.
        let Ok(readiness) = stack.sidecar.ask_admin("/readyz").await else { return Ok(false) };
        let reason = readiness.json()?["reason"].as_str().unwrap_or_default().to_owned();
        if reason.starts_with("syncing with the chain: block ") {
            assert_eq!(readiness.status, 503, "{reason}");
            assert!(reason.contains(" %, about ") && reason.ends_with(" left"), "{reason}");
            estimates += 1;
        }
        Ok(readiness.status == 200)
    })
    .await?;
    assert!(estimates > 0, "it never said how long it takes\n{}", log(&stack)?);
    assert_eq!(customer.deposit(&stack).await?, 1000);
    until_open(&stack).await?;
    customer.pay(&stack, 10).await?;

    // Once in step, a poll that finds nothing new is one question.
    let before = stack.rpc_proxy().calls();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let calls = stack.rpc_proxy().calls() - before;
    // Ten polls, with a look or two into the receiver's purse.
    assert!((1..=20).contains(&calls), "{calls} questions in ten polls");
    Ok(())
}

//! A node that is away, lags or talks nonsense, and a receiver who cannot pay for challenges: paid routes close, say
//! why, and open again by themselves.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use serde_json::json;
use uraiden_harness::{Fault, NO_HEADERS, Options, Stack};

use crate::fixture::{Customer, challenges, log, options, set_ether, tokens, until, until_open};

#[tokio::test]
async fn a_node_that_does_not_answer_closes_paid_routes_until_it_does() -> Result<()> {
    let flags = vec![("--node-timeout", "1s".to_owned())];
    let stack = Stack::start(Options { rpc_proxy: true, sidecar_flags: flags, ..options() }).await?;
    let customer = Customer::who_paid(&stack, 1).await?;
    for fault in [Fault::Refuse, Fault::Garbage, Fault::Hang] {
        stack.rpc_proxy().set(fault.clone());
        until("paid routes are closed", &stack, async || {
            let answer = stack.raw_get("/premium/scene", NO_HEADERS).await?;
            Ok(answer.status == 502 && answer.text().contains("Ethereum node is not responding"))
        })
        .await?;
        assert_eq!(stack.raw_get("/free", NO_HEADERS).await?.status, 200, "{fault:?}");
        stack.rpc_proxy().set(Fault::None);
        until_open(&stack).await?;
    }
    customer.pay(&stack, 20).await
}

#[tokio::test]
async fn where_one_node_fails_the_next_is_asked() -> Result<()> {
    let flags = vec![("--node-timeout", "3s".to_owned())];
    let options = Options { rpc_proxy: true, spare_node: true, sidecar_flags: flags, ..options() };
    let stack = Stack::start(options).await?;
    let cheat = Customer::who_paid(&stack, 3).await?;
    let before = stack.rpc_proxy().calls();
    assert!(before > 0, "the first one is asked first");
    stack.rpc_proxy().set(Fault::Garbage);
    cheat.ask_to_close(0).await?;
    stack.chain.mine(1).await?;
    cheat.until_settled(&stack).await?;
    let customer = Customer::new(&stack).await?;
    customer.pay(&stack, 10).await?;
    assert!(!log(&stack)?.contains("is left out"));
    Ok(())
}

#[tokio::test]
async fn a_cheat_during_an_outage_is_challenged_after_it() -> Result<()> {
    let stack = Stack::start(Options { rpc_proxy: true, ..options() }).await?;
    let early = Customer::who_paid(&stack, 3).await?;
    let late = Customer::who_paid(&stack, 4).await?;
    early.ask_to_close(0).await?;
    stack.chain.rpc("evm_setAutomine", json!([false])).await?;
    stack.chain.mine(1).await?;
    until("a challenge is under way", &stack, async || Ok(challenges(&stack).await?.len() == 1)).await?;

    stack.rpc_proxy().set(Fault::Garbage);
    stack.chain.rpc("anvil_dropAllTransactions", json!([])).await?;
    stack.chain.rpc("evm_setAutomine", json!([true])).await?;
    late.ask_to_close(0).await?;
    stack.chain.mine(400).await?;
    until("the alarm says why", &stack, async || {
        Ok(challenges(&stack).await?.iter().any(|alarm| alarm["trouble"].is_string()))
    })
    .await?;
    stack.rpc_proxy().set(Fault::None);
    early.until_settled(&stack).await?;
    late.until_settled(&stack).await?;
    assert_eq!(tokens(&stack, stack.receiver()).await?, 70);
    Ok(())
}

#[tokio::test]
async fn a_head_that_grows_old_closes_paid_routes_until_there_is_a_newer_one() -> Result<()> {
    let flags = vec![("--max-head-age", "3s".to_owned()), ("--node-timeout", "1s".to_owned())];
    let block_time = Some(Duration::from_secs(1));
    let stack = Stack::start(Options { block_time, sidecar_flags: flags, ..options() }).await?;
    stack.chain.rpc("evm_setIntervalMining", json!([0])).await?;
    until_closed(&stack, "Ethereum node is behind").await?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    stack.chain.rpc("evm_setNextBlockTimestamp", json!([now])).await?;
    stack.chain.mine(1).await?;
    until_open(&stack).await
}

#[tokio::test]
async fn a_receiver_without_ether_closes_paid_routes_until_he_has_some() -> Result<()> {
    let stack = Stack::start(options()).await?;
    set_ether(&stack, "0x1").await?;
    until_closed(&stack, "the receiver has too little ETH for challenges").await?;
    set_ether(&stack, "0xde0b6b3a7640000").await?;
    until_open(&stack).await
}

async fn until_closed(stack: &Stack, reason: &str) -> Result<()> {
    until(&format!("paid routes are closed: {reason}"), stack, async || {
        let answer = stack.raw_get("/premium/scene", NO_HEADERS).await?;
        Ok(answer.status == 502 && answer.text().contains(reason))
    })
    .await
}

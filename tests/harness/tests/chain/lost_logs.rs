//! Nodes behind a load balancer lose single log entries. What the contract says counts.

use alloy::primitives::keccak256;
use anyhow::Result;
use uraiden_harness::{Fault, Options, Stack};

use crate::fixture::{Customer, log, options, tokens, until, until_read};

const CLOSE_REQUESTED: &str = "ChannelCloseRequested(address,address,uint32,uint192)";
const TOPPED_UP: &str = "ChannelToppedUp(address,address,uint32,uint192)";
const SETTLED: &str = "ChannelSettled(address,address,uint32,uint192,uint192)";

#[tokio::test]
async fn a_close_request_whose_log_entry_is_lost_is_challenged_in_time() -> Result<()> {
    let stack = Stack::start(Options { rpc_proxy: true, ..options() }).await?;
    let cheat = Customer::who_paid(&stack, 3).await?;
    lose(&stack, CLOSE_REQUESTED);
    cheat.ask_to_close(0).await?;
    stack.chain.mine(1).await?;
    until_read(&stack).await?;
    assert!(cheat.is_on_chain().await?, "nobody has seen it");

    // A fifth of the challenge period.
    stack.chain.mine(100).await?;
    cheat.until_settled(&stack).await?;
    assert_eq!(tokens(&stack, stack.receiver()).await?, 30);
    Ok(())
}

#[tokio::test]
async fn a_top_up_and_a_settlement_whose_log_entries_are_lost_are_noted() -> Result<()> {
    let stack = Stack::start(Options { rpc_proxy: true, ..options() }).await?;
    let customer = Customer::with_deposit(&stack, 20).await?;
    customer.pay(&stack, 10).await?;
    lose(&stack, TOPPED_UP);
    customer.top_up(20).await?;
    stack.chain.mine(101).await?;
    until("the top-up is noted", &stack, async || Ok(customer.deposit(&stack).await? == 40)).await?;
    customer.pay(&stack, 20).await?;
    customer.pay(&stack, 30).await?;

    lose(&stack, SETTLED);
    assert_eq!(stack.sidecar.admin_call("DELETE", &customer.admin_path()).await?.status, 200);
    customer.until_settled(&stack).await?;
    stack.chain.mine(101).await?;
    until("the settlement is noted", &stack, async || {
        let channel = stack.sidecar.admin_call("GET", &customer.admin_path()).await?.json()?;
        Ok(channel["state"] == "settled" && channel["wanted"][0]["done"] == true)
    })
    .await?;
    assert_eq!(log(&stack)?.matches("the node's log entries lack events").count(), 2);
    Ok(())
}

fn lose(stack: &Stack, event: &str) {
    stack.rpc_proxy().set(Fault::LoseLogs { topic: keccak256(event).to_string() });
}

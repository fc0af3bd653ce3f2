//! A sidecar that is killed at any step of a challenge is followed by one that goes on from what stands in the ledger: itself,
//! or another one that shares it.

use anyhow::Result;
use serde_json::json;
use uraiden_harness::{Fault, Options, Stack};

use super::fixture::{
    Customer, another_leads, challenges, leader_dies, log, options, sent_by_receiver, set_ether, tokens,
    under_way, until, until_closed, until_open, until_read, waiting,
};

#[tokio::test]
async fn a_sidecar_that_is_killed_at_any_step_challenges_once() -> Result<()> {
    let mut stack = Stack::start(options()).await?;
    let cheat = Customer::who_paid(&stack, 3).await?;
    // It does not see the request.
    leader_dies(&mut stack).await?;
    cheat.ask_to_close(0).await?;
    stack.chain.rpc("evm_setAutomine", json!([false])).await?;
    stack.chain.mine(1).await?;
    another_leads(&mut stack).await?;
    until("a challenge is under way", &stack, async || Ok(under_way(&stack).await? == 1)).await?;

    // It has sent the transaction, and the node forgets it.
    leader_dies(&mut stack).await?;
    stack.chain.rpc("anvil_dropAllTransactions", json!([])).await?;
    another_leads(&mut stack).await?;
    until("it is sent again", &stack, async || Ok(waiting(&stack).await? == 1)).await?;

    // It is included while nobody looks.
    leader_dies(&mut stack).await?;
    stack.chain.mine(2).await?;
    assert!(!cheat.is_on_chain().await?);
    another_leads(&mut stack).await?;
    until("nothing is at stake", &stack, async || Ok(challenges(&stack).await?.is_empty())).await?;
    stack.chain.mine(5).await?;
    until_read(&stack).await?;
    assert_eq!((sent_by_receiver(&stack).await?, waiting(&stack).await?), (1, 0));
    assert_eq!(tokens(&stack, stack.receiver()).await?, 30);
    Ok(())
}

/// The intent is written, and there is nothing to pay a transaction with.
#[tokio::test]
async fn a_sidecar_that_is_killed_before_it_signs_challenges_once() -> Result<()> {
    let mut stack = Stack::start(options()).await?;
    let cheat = Customer::who_paid(&stack, 3).await?;
    set_ether(&stack, "0x1").await?;
    cheat.ask_to_close(0).await?;
    stack.chain.mine(1).await?;
    until("the alarm says why", &stack, async || Ok(has_trouble(&stack, "has 1 wei").await?)).await?;
    leader_dies(&mut stack).await?;
    set_ether(&stack, "0xde0b6b3a7640000").await?;
    another_leads(&mut stack).await?;
    cheat.until_settled(&stack).await?;
    assert_eq!((sent_by_receiver(&stack).await?, tokens(&stack, stack.receiver()).await?), (1, 30));
    Ok(())
}

/// The transaction is signed and kept, and the node does not take it.
#[tokio::test]
async fn a_sidecar_that_is_killed_before_it_sends_sends_what_it_has_signed() -> Result<()> {
    let mut stack = Stack::start(Options { rpc_proxy: true, ..options() }).await?;
    let cheat = Customer::who_paid(&stack, 3).await?;
    stack.rpc_proxy().set(Fault::RefuseMethod { method: "eth_sendRawTransaction" });
    cheat.ask_to_close(0).await?;
    stack.chain.mine(1).await?;
    let reason = "eth_sendRawTransaction";
    until("the alarm says why", &stack, async || Ok(has_trouble(&stack, reason).await?)).await?;
    assert!(cheat.is_on_chain().await?);
    leader_dies(&mut stack).await?;
    stack.rpc_proxy().set(Fault::None);
    another_leads(&mut stack).await?;
    cheat.until_settled(&stack).await?;
    assert_eq!((sent_by_receiver(&stack).await?, tokens(&stack, stack.receiver()).await?), (1, 30));
    assert_eq!(log(&stack)?.matches("sending").count(), 1, "the same bytes");
    Ok(())
}

/// A deposit that was believed and spent is gone from the chain.
#[tokio::test]
async fn a_reorganisation_that_nobody_saw_is_found_by_who_leads_next() -> Result<()> {
    let mut stack = Stack::start(options()).await?;
    let customer = Customer::who_spent_a_top_up(&stack).await?;
    leader_dies(&mut stack).await?;
    stack.chain.rpc("anvil_reorg", json!([2, []])).await?;
    stack.chain.mine(3).await?;
    another_leads(&mut stack).await?;
    until_closed(&stack).await?;

    customer.top_up(20).await?;
    stack.chain.mine(1).await?;
    until_open(&stack).await?;
    customer.pay(&stack, 40).await
}

async fn has_trouble(stack: &Stack, reason: &str) -> Result<bool> {
    let alarms = challenges(stack).await?;
    Ok(alarms.iter().any(|alarm| alarm["trouble"].as_str().is_some_and(|text| text.contains(reason))))
}

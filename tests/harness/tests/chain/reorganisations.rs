//! What the chain said and took back. What a sender signed stays.

use anyhow::Result;
use serde_json::{Value, json};
use uraiden_harness::{Options, Stack};

use crate::fixture::{Customer, log, newest, options, tokens, until, until_closed, until_open, until_read};

#[tokio::test]
async fn a_close_request_that_vanishes_leaves_the_channel_closed_once_a_challenge_was_signed() -> Result<()> {
    let stack = Stack::start(Options { confirmations: 2, ..options() }).await?;
    let cheat = Customer::who_paid(&stack, 3).await?;
    cheat.ask_to_close(0).await?;
    stack.chain.rpc("evm_setAutomine", json!([false])).await?;
    stack.chain.mine(2).await?;
    until("the challenge is signed", &stack, async || Ok(log(&stack)?.contains("challenging"))).await?;

    // Three blocks are replaced, of which one was believed: the close request's.
    stack.chain.rpc("anvil_dropAllTransactions", json!([])).await?;
    reorganise(&stack, 3).await?;
    stack.chain.rpc("anvil_dropAllTransactions", json!([])).await?;
    stack.chain.mine(1).await?;
    until_read(&stack).await?;
    let refused = cheat.try_to_pay(&stack, 40).await?;
    assert!(matches!(refused, 402 | 502), "{refused}");
    // The agreement may be known to others, so the channel is closed, at what was signed.
    stack.chain.rpc("evm_setAutomine", json!([true])).await?;
    stack.chain.mine(1).await?;
    cheat.until_settled(&stack).await?;
    assert_eq!(tokens(&stack, stack.receiver()).await?, 30);
    Ok(())
}

#[tokio::test]
async fn a_reorganisation_within_the_confirmations_is_no_incident() -> Result<()> {
    let stack = Stack::start(Options { confirmations: 3, ..options() }).await?;
    let customer = Customer::who_paid(&stack, 1).await?;
    stack.chain.mine(5).await?;
    until_read(&stack).await?;
    reorganise(&stack, 3).await?;
    stack.chain.mine(1).await?;
    until_read(&stack).await?;
    assert!(log(&stack)?.contains("reorganisation: blocks"));
    customer.pay(&stack, 20).await?;
    assert!(!log(&stack)?.contains("paid routes are closed"));
    Ok(())
}

#[tokio::test]
async fn a_deep_reorganisation_that_takes_nothing_is_over_by_itself() -> Result<()> {
    let stack = Stack::start(options()).await?;
    let customer = Customer::who_paid(&stack, 1).await?;
    stack.chain.mine(5).await?;
    until_read(&stack).await?;
    reorganise(&stack, 4).await?;
    stack.chain.mine(1).await?;
    until("it was noticed", &stack, async || Ok(log(&stack)?.contains("paid routes are closed: the chain")))
        .await?;
    until("it is over", &stack, async || Ok(log(&stack)?.contains("the reorganisation is over"))).await?;
    until_open(&stack).await?;
    customer.pay(&stack, 20).await
}

#[tokio::test]
async fn an_opening_that_comes_again_with_a_smaller_deposit_closes_paid_routes_until_resumed() -> Result<()> {
    let stack = Stack::start(options()).await?;
    let customer = Customer::new(&stack).await?;
    customer.pay(&stack, 10).await?;
    customer.pay(&stack, 20).await?;
    let opening = customer.channel().open_block.0;
    let block = stack.chain.rpc("eth_getBlockByNumber", json!([format!("{opening:#x}"), true])).await?;
    let transaction = &block["transactions"][0];
    let newest = newest(&stack).await?;

    // The same block, with an opening of 15 in place of 1000.
    let depth = newest - u64::from(opening) + 1;
    let smaller = smaller_deposit(&customer, transaction, 15).await?;
    // anvil_reorg replaces the last `depth` blocks; 0 is the first of them.
    stack.chain.rpc("anvil_reorg", json!([depth, [[smaller, 0]]])).await?;
    stack.chain.mine(2).await?;
    until_closed(&stack).await?;
    assert!(customer.is_on_chain().await?, "included again at the same height");

    assert_eq!(stack.sidecar.ask_admin("/admin/resume").await?.status, 401);
    let resumed = stack.sidecar.admin_call("POST", "/admin/resume").await?.json()?;
    assert_eq!(resumed["overspent"][0]["openBlock"], opening);
    until_open(&stack).await?;
    // What is signed is not forgotten, and not topped by anything.
    assert_eq!(customer.try_to_pay(&stack, 30).await?, 402);
    assert_eq!(customer.try_to_pay(&stack, 10).await?, 402);
    Ok(())
}

#[tokio::test]
async fn a_top_up_that_vanishes_with_money_spent_on_it_closes_paid_routes_until_it_is_back() -> Result<()> {
    let stack = Stack::start(options()).await?;
    let customer = Customer::who_spent_a_top_up(&stack).await?;
    reorganise(&stack, 2).await?;
    stack.chain.mine(3).await?;
    until_closed(&stack).await?;

    customer.top_up(20).await?;
    stack.chain.mine(1).await?;
    until_open(&stack).await?;
    customer.pay(&stack, 40).await?;
    assert_eq!(customer.ask_for_agreement(&stack, 40).await?, 200);
    Ok(())
}

#[tokio::test]
async fn without_the_top_up_a_cheat_is_challenged_with_the_highest_proof_below_the_deposit() -> Result<()> {
    let stack = Stack::start(options()).await?;
    let cheat = Customer::who_spent_a_top_up(&stack).await?;
    reorganise(&stack, 2).await?;
    cheat.ask_to_close(0).await?;
    stack.chain.mine(1).await?;
    cheat.until_settled(&stack).await?;
    assert_eq!(tokens(&stack, stack.receiver()).await?, 20);
    Ok(())
}

/// The transaction that opened the channel, with another deposit.
async fn smaller_deposit(customer: &Customer, opening: &Value, deposit: u64) -> Result<String> {
    let input = opening["input"].as_str().unwrap_or_default();
    // transfer(address,uint256,bytes): 0x, selector, address, amount.
    let (start, end) = (2 + 8 + 64, 2 + 8 + 128);
    let input = format!("{}{deposit:064x}{}", &input[..start], &input[end..]);
    customer.sign_again(opening, &input).await
}

/// Replaces the last blocks by empty ones.
async fn reorganise(stack: &Stack, depth: u64) -> Result<()> {
    stack.chain.rpc("anvil_reorg", json!([depth, []])).await?;
    Ok(())
}

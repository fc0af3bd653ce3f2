//! A sender who asks to close at less than he has paid loses nothing but his time: whatever happens in between, the
//! chain settles at what he has signed.

use anyhow::Result;
use serde_json::json;
use uraiden_harness::{Options, Stack};

use crate::fixture::{
    Customer, challenges, log, options, sent_by_receiver, set_ether, tokens, under_way, until, until_read,
    waiting,
};

#[tokio::test]
async fn a_cheat_is_challenged() -> Result<()> {
    let stack = Stack::start(options()).await?;
    let cheat = Customer::who_paid(&stack, 3).await?;
    cheat.ask_to_close(0).await?;
    stack.chain.mine(1).await?;

    cheat.until_settled(&stack).await?;
    assert_eq!(tokens(&stack, stack.receiver()).await?, 30);
    stack.chain.mine(1).await?;
    until("nothing is at stake", &stack, async || Ok(challenges(&stack).await?.is_empty())).await?;
    assert_eq!(sent_by_receiver(&stack).await?, 1);
    Ok(())
}

/// The original's client does so when the answer to its request to close is lost.
#[tokio::test]
async fn a_close_request_at_0_is_challenged_after_we_have_agreed_to_close() -> Result<()> {
    let stack = Stack::start(options()).await?;
    let customer = Customer::who_paid(&stack, 3).await?;
    assert_eq!(customer.ask_for_agreement(&stack, 30).await?, 200);
    customer.ask_to_close(0).await?;
    stack.chain.mine(1).await?;

    customer.until_settled(&stack).await?;
    assert_eq!(tokens(&stack, stack.receiver()).await?, 30);
    Ok(())
}

/// A payment that was taken after the block of the close request, and before its confirmation.
#[tokio::test]
async fn a_payment_that_the_close_request_does_not_know_is_part_of_the_challenge() -> Result<()> {
    let stack = Stack::start(options()).await?;
    let customer = Customer::who_paid(&stack, 3).await?;
    customer.ask_to_close(30).await?;
    customer.pay(&stack, 40).await?;
    stack.chain.mine(1).await?;

    customer.until_settled(&stack).await?;
    assert_eq!(tokens(&stack, stack.receiver()).await?, 40);
    Ok(())
}

#[tokio::test]
async fn a_fair_close_request_is_left_to_the_sender_and_closed_by_us_when_he_does_not_settle() -> Result<()> {
    let flags = vec![("--settle-grace", "20".to_owned())];
    let stack = Stack::start(Options { sidecar_flags: flags, ..options() }).await?;
    let customer = Customer::who_paid(&stack, 3).await?;
    customer.ask_to_close(30).await?;
    // The period of 500 and the grace of 20 end with this block.
    stack.chain.mine(520).await?;
    until_read(&stack).await?;
    assert_eq!((customer.is_on_chain().await?, sent_by_receiver(&stack).await?), (true, 0));

    stack.chain.mine(1).await?;
    customer.until_settled(&stack).await?;
    assert_eq!(tokens(&stack, stack.receiver()).await?, 30);
    Ok(())
}

#[tokio::test]
async fn less_than_the_operators_minimum_is_not_challenged_for() -> Result<()> {
    let flags = vec![("--min-challenge", "31".to_owned())];
    let stack = Stack::start(Options { sidecar_flags: flags, ..options() }).await?;
    let small = Customer::who_paid(&stack, 3).await?;
    let large = Customer::who_paid(&stack, 4).await?;
    small.ask_to_close(0).await?;
    large.ask_to_close(0).await?;
    stack.chain.mine(1).await?;

    large.until_settled(&stack).await?;
    assert_eq!((small.is_on_chain().await?, tokens(&stack, stack.receiver()).await?), (true, 40));
    Ok(())
}

#[tokio::test]
async fn a_challenge_that_sticks_is_raised_until_it_is_included_once() -> Result<()> {
    let stack = Stack::start(options()).await?;
    let cheat = Customer::who_paid(&stack, 3).await?;
    cheat.ask_to_close(0).await?;
    stack.chain.rpc("evm_setAutomine", json!([false])).await?;
    stack.chain.mine(1).await?;
    until("a challenge is under way", &stack, async || Ok(under_way(&stack).await? == 1)).await?;

    // Every block costs more than was offered; it takes three of them to raise the offer.
    let hundred_gwei = 100_000_000_000_u64;
    for _ in 0..3 {
        let fee = json!([format!("{hundred_gwei:#x}")]);
        stack.chain.rpc("anvil_setNextBlockBaseFeePerGas", fee).await?;
        stack.chain.mine(1).await?;
        until_read(&stack).await?;
    }
    assert!(cheat.is_on_chain().await?);
    until("the offer is raised", &stack, async || Ok(log(&stack)?.matches("sending").count() == 2)).await?;

    stack.chain.mine(1).await?;
    assert!(!cheat.is_on_chain().await?);
    assert_eq!((sent_by_receiver(&stack).await?, tokens(&stack, stack.receiver()).await?), (1, 30));
    Ok(())
}

#[tokio::test]
async fn several_cheats_are_challenged_in_one_block() -> Result<()> {
    let stack = Stack::start(Options { confirmations: 5, ..options() }).await?;
    let mut cheats = Vec::new();
    for payments in 1..=4 {
        cheats.push(Customer::who_paid(&stack, payments).await?);
    }
    for cheat in &cheats {
        cheat.ask_to_close(0).await?;
    }
    stack.chain.rpc("evm_setAutomine", json!([false])).await?;
    // Only now the first of the requests is confirmed.
    stack.chain.mine(5).await?;
    until("the node has four challenges", &stack, async || Ok(waiting(&stack).await? == 4)).await?;
    stack.chain.mine(1).await?;
    for cheat in &cheats {
        assert!(!cheat.is_on_chain().await?);
    }
    assert_eq!((sent_by_receiver(&stack).await?, tokens(&stack, stack.receiver()).await?), (4, 100));
    Ok(())
}

#[tokio::test]
async fn without_ether_an_alarm_counts_down_and_the_challenge_is_sent_when_there_is_some() -> Result<()> {
    let stack = Stack::start(options()).await?;
    let cheat = Customer::who_paid(&stack, 3).await?;
    set_ether(&stack, "0x1").await?;
    cheat.ask_to_close(0).await?;
    stack.chain.mine(1).await?;
    let trouble = async || -> Result<Option<(u64, String)>> {
        let alarms = challenges(&stack).await?;
        let [alarm] = &alarms[..] else { return Ok(None) };
        Ok(alarm["blocksLeft"].as_u64().zip(alarm["trouble"].as_str().map(str::to_owned)))
    };
    until("the alarm says why", &stack, async || {
        Ok(trouble().await?.is_some_and(|(left, text)| left == 499 && text.contains("has 1 wei")))
    })
    .await?;
    stack.chain.mine(100).await?;
    until("100 blocks are gone", &stack, async || Ok(trouble().await?.is_some_and(|(left, _)| left == 399)))
        .await?;

    set_ether(&stack, "0xde0b6b3a7640000").await?;
    cheat.until_settled(&stack).await?;
    assert_eq!(tokens(&stack, stack.receiver()).await?, 30);
    Ok(())
}

#[tokio::test]
async fn a_challenge_that_a_reorganisation_removes_is_sent_again() -> Result<()> {
    let stack = Stack::start(Options { confirmations: 3, ..options() }).await?;
    let cheat = Customer::who_paid(&stack, 3).await?;
    cheat.ask_to_close(0).await?;
    stack.chain.mine(3).await?;
    cheat.until_settled(&stack).await?;

    stack.chain.rpc("evm_setAutomine", json!([false])).await?;
    stack.chain.rpc("anvil_reorg", json!([1, []])).await?;
    stack.chain.rpc("anvil_dropAllTransactions", json!([])).await?;
    assert!(cheat.is_on_chain().await?);
    // It may be back before the next block or after it.
    until("it is sent again", &stack, async || {
        stack.chain.mine(1).await?;
        Ok(!cheat.is_on_chain().await?)
    })
    .await?;
    assert_eq!((sent_by_receiver(&stack).await?, tokens(&stack, stack.receiver()).await?), (1, 30));
    Ok(())
}

#[tokio::test]
async fn a_nonce_that_somebody_else_uses_up_is_replaced() -> Result<()> {
    let stack = Stack::start(options()).await?;
    let cheat = Customer::who_paid(&stack, 3).await?;
    cheat.ask_to_close(0).await?;
    stack.chain.rpc("evm_setAutomine", json!([false])).await?;
    stack.chain.mine(1).await?;
    until("a challenge is under way", &stack, async || Ok(under_way(&stack).await? == 1)).await?;

    // The operator's own wallet, with the receiver's key, which pays more.
    let account = stack.receiver().to_string();
    let more = "0x174876e800";
    let transfer = json!([{
        "from": account, "to": account, "nonce": "0x0", "maxFeePerGas": more, "maxPriorityFeePerGas": more,
    }]);
    stack.chain.rpc("eth_sendTransaction", transfer).await?;
    stack.chain.mine(1).await?;
    assert_eq!((sent_by_receiver(&stack).await?, cheat.is_on_chain().await?), (1, true));

    // Only when that is believed.
    until_read(&stack).await?;
    stack.chain.mine(1).await?;
    until("the challenge is sent with the next nonce", &stack, async || Ok(waiting(&stack).await? == 1))
        .await?;
    stack.chain.mine(1).await?;
    assert_eq!((sent_by_receiver(&stack).await?, cheat.is_on_chain().await?), (2, false));
    assert_eq!(tokens(&stack, stack.receiver()).await?, 30);
    Ok(())
}

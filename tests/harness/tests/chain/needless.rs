//! Challenges that somebody else has made needless: anyone may send what closes a channel. They cost nothing more.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use uraiden_harness::Stack;

use crate::fixture::{
    Customer, challenges, log, options, sent_by_receiver, tokens, under_way, until, until_read, waiting,
};

/// More than the sidecar offers.
const HUNDRED_GWEI: &str = "0x174876e800";

#[tokio::test]
async fn a_challenge_that_has_become_needless_is_not_sent_again() -> Result<()> {
    let stack = Stack::start(options()).await?;
    let cheat = Customer::who_paid(&stack, 3).await?;
    overtake_the_challenge(&stack, &cheat).await?;
    stack.chain.rpc("anvil_dropAllTransactions", json!([])).await?;
    // Longer than the patience after which an offer is raised.
    for _ in 0..6 {
        stack.chain.mine(1).await?;
        until_read(&stack).await?;
    }
    until("nothing is at stake", &stack, async || Ok(challenges(&stack).await?.is_empty())).await?;
    assert_eq!((waiting(&stack).await?, sent_by_receiver(&stack).await?), (0, 0));
    assert_eq!(log(&stack)?.matches("sending").count(), 1);
    assert_eq!(tokens(&stack, stack.receiver()).await?, 30);
    Ok(())
}

#[tokio::test]
async fn a_needless_challenge_in_the_way_of_another_is_replaced_by_a_cheaper_transaction() -> Result<()> {
    let stack = Stack::start(options()).await?;
    let first = Customer::who_paid(&stack, 3).await?;
    let second = Customer::who_paid(&stack, 4).await?;
    overtake_the_challenge(&stack, &first).await?;
    stack.chain.mine(1).await?;
    until_read(&stack).await?;
    // Its transaction waits behind the nonce of the needless one.
    stack.chain.rpc("evm_setAutomine", json!([true])).await?;
    keep_the_fee(&stack).await?;
    second.ask_to_close(0).await?;
    stack.chain.rpc("evm_setAutomine", json!([false])).await?;
    until("the second cheat is challenged", &stack, async || {
        keep_the_fee(&stack).await?;
        stack.chain.mine(1).await?;
        until_read(&stack).await?;
        Ok(!second.is_on_chain().await?)
    })
    .await?;
    assert_eq!((sent_by_receiver(&stack).await?, tokens(&stack, stack.receiver()).await?), (2, 70));
    let [filler, challenge] = &receipts_of_receiver(&stack).await?[..] else {
        anyhow::bail!("not two transactions of the receiver")
    };
    assert_eq!(
        (&filler["status"], &filler["gasUsed"]),
        (&json!("0x1"), &json!("0x5208")),
        "nothing but a transfer"
    );
    assert_eq!(challenge["status"], "0x1");
    Ok(())
}

/// The challenge is sent, and somebody else closes the channel with the same proof before it is included. It stays
/// with the node, for which it offers too little.
async fn overtake_the_challenge(stack: &Stack, cheat: &Customer) -> Result<()> {
    cheat.ask_to_close(0).await?;
    stack.chain.rpc("evm_setAutomine", json!([false])).await?;
    stack.chain.mine(1).await?;
    until("a challenge is under way", stack, async || Ok(under_way(stack).await? == 1)).await?;
    until("the node has it", stack, async || Ok(waiting(stack).await? == 1)).await?;
    let pool = stack.chain.rpc("txpool_content", json!([])).await?;
    let challenge = pool["pending"]
        .as_object()
        .and_then(|accounts| accounts.values().next()?.as_object()?.values().next());
    let challenge = challenge.context("the node has no transaction")?;
    keep_the_fee(stack).await?;
    let transaction = json!([{
        "from": stack.chain.chain().sender().to_string(), "to": challenge["to"], "data": challenge["input"],
        "gas": "0x30d40", "maxFeePerGas": "0xe8d4a51000", "maxPriorityFeePerGas": "0x1",
    }]);
    stack.chain.rpc("eth_sendTransaction", transaction).await?;
    stack.chain.mine(1).await?;
    assert!(!cheat.is_on_chain().await?, "somebody else has closed it");
    assert_eq!(sent_by_receiver(stack).await?, 0, "ours was too cheap");
    Ok(())
}

/// The next block costs as much as the last.
async fn keep_the_fee(stack: &Stack) -> Result<()> {
    stack.chain.rpc("anvil_setNextBlockBaseFeePerGas", json!([HUNDRED_GWEI])).await?;
    Ok(())
}

/// In the order of their blocks.
async fn receipts_of_receiver(stack: &Stack) -> Result<Vec<Value>> {
    let receiver = stack.receiver().to_string().to_lowercase();
    let mut receipts = Vec::new();
    for block in 0..=crate::fixture::newest(stack).await? {
        let all = stack.chain.rpc("eth_getBlockReceipts", json!([format!("{block:#x}")])).await?;
        let ours =
            |receipt: &&Value| receipt["from"].as_str().is_some_and(|from| from.to_lowercase() == receiver);
        receipts.extend(all.as_array().into_iter().flatten().filter(ours).cloned());
    }
    Ok(receipts)
}

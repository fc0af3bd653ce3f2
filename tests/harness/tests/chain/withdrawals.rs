//! Withdrawing without closing: by itself when something is old, and once, whatever the chain does.

use anyhow::Result;
use serde_json::json;
use uraiden_harness::{Options, Stack};

use crate::fixture::{Customer, newest, options, sent_by_receiver, tokens, until, until_read};

#[tokio::test]
async fn what_is_old_is_withdrawn_by_itself() -> Result<()> {
    let flags = vec![("--withdraw-after", "2s".to_owned())];
    let stack = Stack::start(Options { sidecar_flags: flags, ..options() }).await?;
    let customer = Customer::who_paid(&stack, 3).await?;
    // The third payment could still be taken back.
    until("it is withdrawn", &stack, async || Ok(tokens(&stack, stack.receiver()).await? == 20)).await?;
    customer.pay(&stack, 40).await
}

#[tokio::test]
async fn a_withdrawal_that_a_reorganisation_removes_is_sent_again() -> Result<()> {
    let stack = Stack::start(Options { confirmations: 3, ..options() }).await?;
    let customer = Customer::who_paid(&stack, 3).await?;
    let path = format!("{}/withdraw", customer.admin_path());
    assert_eq!(stack.sidecar.admin_call("POST", &path).await?.status, 200);
    until("it is withdrawn", &stack, async || Ok(tokens(&stack, stack.receiver()).await? == 20)).await?;

    stack.chain.rpc("evm_setAutomine", json!([false])).await?;
    stack.chain.rpc("anvil_reorg", json!([1, []])).await?;
    stack.chain.rpc("anvil_dropAllTransactions", json!([])).await?;
    assert_eq!(tokens(&stack, stack.receiver()).await?, 0);
    // It may be back before the next block or after it.
    until("it is withdrawn again", &stack, async || {
        stack.chain.mine(1).await?;
        Ok(tokens(&stack, stack.receiver()).await? == 20)
    })
    .await?;
    stack.chain.mine(3).await?;
    until_read(&stack).await?;
    until("it is believed", &stack, async || {
        let channel = stack.sidecar.admin_call("GET", &customer.admin_path()).await?.json()?;
        Ok(channel["withdrawn"] == "20" && channel["wanted"][0]["done"] == true)
    })
    .await?;
    assert_eq!(sent_by_receiver(&stack).await?, 1, "one transaction up to block {}", newest(&stack).await?);
    customer.pay(&stack, 40).await
}

//! Nodes behind a WebSocket tell of new blocks; where they stop to, they are asked.

use std::time::{Duration, Instant};

use anyhow::Result;
use uraiden_harness::{NO_HEADERS, Options, Stack};

use crate::fixture::{Customer, log, options, tokens, until, until_open, until_read};

#[tokio::test]
async fn a_new_block_is_read_at_once_over_a_websocket() -> Result<()> {
    // By polling alone it would take this long.
    let flags = vec![("--poll-interval", "60s".to_owned()), ("--node-timeout", "120s".to_owned())];
    let stack = Stack::start(Options { websocket: true, sidecar_flags: flags, ..options() }).await?;
    let began = Instant::now();
    let customer = Customer::who_paid(&stack, 2).await?;
    stack.chain.mine(300).await?;
    until_read(&stack).await?;
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    customer.pay(&stack, 30).await
}

#[tokio::test]
async fn a_websocket_that_breaks_closes_paid_routes_until_it_is_there_again() -> Result<()> {
    let flags = vec![("--node-timeout", "1s".to_owned())];
    let stack = Stack::start(Options { websocket: true, sidecar_flags: flags, ..options() }).await?;
    let customer = Customer::who_paid(&stack, 1).await?;
    stack.relay().cut();
    until("paid routes are closed", &stack, async || {
        let answer = stack.raw_get("/premium/scene", NO_HEADERS).await?;
        Ok(answer.status == 502 && answer.text().contains("Ethereum node is not responding"))
    })
    .await?;
    stack.relay().mend();
    until_open(&stack).await?;
    customer.pay(&stack, 20).await
}

#[tokio::test]
async fn where_a_websocket_breaks_the_next_node_is_polled() -> Result<()> {
    let options = Options { websocket: true, spare_node: true, ..options() };
    let stack = Stack::start(options).await?;
    let cheat = Customer::who_paid(&stack, 3).await?;
    stack.relay().cut();
    cheat.ask_to_close(0).await?;
    stack.chain.mine(1).await?;
    cheat.until_settled(&stack).await?;
    assert_eq!(tokens(&stack, stack.receiver()).await?, 30);
    let customer = Customer::new(&stack).await?;
    customer.pay(&stack, 10).await?;
    assert!(log(&stack)?.contains(&format!("connected to {}", stack.chain.rpc_url())), "by the plain URL");
    Ok(())
}

//! Sidecars are killed and put to sleep, above all the one that leads.

use std::time::Duration;

use alloy::providers::Provider;
use anyhow::{Result, ensure};
use uraiden_client::proof_headers;
use uraiden_core::TokenAmount;
use uraiden_harness::audit::Interruptions;
use uraiden_harness::{Options, Stack};

use crate::cluster::{SIDECARS, another_leader, leader, options};
use crate::crowd::Habits;
use crate::scene::{PRICE, play};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_three_sidecars_is_killed_in_turn() -> Result<()> {
    play("sidecars killed in turn", options(), Habits::default(), async |scene| {
        for _ in 0..SIDECARS {
            let killed = leader(&mut scene.stack).await?;
            scene.stack.sidecar_at(killed).part().kill();
            let (_, took) = another_leader(&mut scene.stack, killed).await?;
            println!("take-over after kill -9: {:.1} s", took.as_secs_f64());
            scene.some().await?;
            scene.stack.sidecar_at(killed).restart().await?;
            scene.some().await?;
        }
        Ok(Interruptions::default())
    })
    .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_ends_in_order_leaves_no_gap() -> Result<()> {
    play("leader stopped", options(), Habits::default(), async |scene| {
        let stopped = leader(&mut scene.stack).await?;
        scene.stack.sidecar_at(stopped).part().stop();
        let (_, took) = another_leader(&mut scene.stack, stopped).await?;
        println!("take-over after SIGTERM: {:.1} s", took.as_secs_f64());
        ensure!(took < Duration::from_millis(2500), "it waited for the lease: {took:?}");
        scene.some().await?;
        scene.stack.sidecar_at(stopped).restart().await?;
        scene.some().await?;
        Ok(Interruptions::default())
    })
    .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_was_asleep_leads_no_more() -> Result<()> {
    play("leader asleep", options(), Habits::default(), async |scene| {
        let asleep = leader(&mut scene.stack).await?;
        scene.stack.sidecar_at(asleep).part().freeze();
        let (next, took) = another_leader(&mut scene.stack, asleep).await?;
        println!("take-over after SIGSTOP: {:.1} s", took.as_secs_f64());
        scene.some().await?;
        scene.stack.sidecar_at(asleep).part().thaw();
        scene.some().await?;
        ensure!(scene.stack.sidecar_at(next).leads().await?, "the new leader does not lead any more");
        ensure!(!scene.stack.sidecar_at(asleep).leads().await?, "two lead");
        Ok(Interruptions::default())
    })
    .await?;
    Ok(())
}

/// Put to sleep between the intent and its broadcast, while another one takes over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_is_sent_once_whoever_was_asleep() -> Result<()> {
    let options = Options { rpc_proxy: true, block_time: Some(Duration::from_millis(300)), ..options() };
    let mut stack = Stack::start(options).await?;
    let payer = stack.open_channels(1, TokenAmount::new(PRICE * 100)).await?.remove(0);
    let proof = payer.proof(TokenAmount::new(PRICE));
    ensure!(stack.raw_get("/premium/a", proof_headers(&proof)).await?.status == 200, "not served");
    let before = sent_by_receiver(&stack).await?;

    let asleep = leader(&mut stack).await?;
    stack.rpc_proxy().hold_next("eth_sendRawTransaction");
    let channel = payer.channel();
    let (sender, block) = (channel.sender.to_string(), channel.open_block.0.to_string());
    // Any sidecar takes the order, and whoever leads carries it out.
    let orderer = (asleep + 1) % SIDECARS;
    let arguments = ["close", &sender, &block, "--wait", "0s"];
    let (code, ordered) = stack.sidecar_at(orderer).command(&arguments).await?;
    ensure!(code == 3, "nobody waits for it: {code}, {ordered}");
    while !stack.rpc_proxy().is_holding() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stack.sidecar_at(asleep).part().freeze();
    let (_, took) = another_leader(&mut stack, asleep).await?;
    println!("take-over between intent and broadcast: {:.1} s", took.as_secs_f64());
    // What was under way arrives now as well.
    stack.rpc_proxy().let_go();
    let paid = async |stack: &Stack| -> Result<bool> {
        let tokens = stack.chain.chain().token_balance(stack.token(), stack.receiver()).await?;
        Ok(u64::try_from(tokens)? == PRICE)
    };
    for _ in 0..300 {
        if paid(&stack).await? {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    ensure!(paid(&stack).await?, "the new leader did not close the channel\n{}", stack.log_tails());
    stack.sidecar_at(asleep).part().thaw();
    // Time enough to do it again.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(sent_by_receiver(&stack).await? - before, 1, "{}", stack.log_tails());
    stack.check()
}

/// How many transactions the chain has of the receiver.
async fn sent_by_receiver(stack: &Stack) -> Result<u64> {
    let receiver = stack.receiver().0.into();
    Ok(stack.chain.chain().provider().get_transaction_count(receiver).await?)
}

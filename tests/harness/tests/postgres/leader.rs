//! Sidecars are killed and put to sleep, above all the one that leads.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use uraiden_client::{Payer, proof_headers};
use uraiden_core::TokenAmount;
use uraiden_harness::audit::Interruptions;
use uraiden_harness::{Options, Sidecar, Stack};

use crate::cluster::{SIDECARS, another_leader, leader};
use crate::crowd::Habits;
use crate::scene::{PRICE, options, play};
use crate::takeover::fixture::{sent_by_receiver, until_read};

/// While nobody leads the chain is reorganised deeper than the confirmations, and whoever takes over has to find that out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_three_sidecars_is_killed_in_turn() -> Result<()> {
    play("sidecars killed in turn", options(), Habits::default(), async |scene| {
        for _ in 0..SIDECARS {
            scene.stack.chain.mine(6).await?;
            until_read(&scene.stack).await?;
            let killed = leader(&mut scene.stack).await?;
            scene.stack.sidecar_at(killed).part().kill();
            scene.stack.chain.rpc("anvil_reorg", json!([4, []])).await?;
            scene.stack.chain.mine(1).await?;
            let (next, took) = another_leader(&mut scene.stack, killed).await?;
            println!("take-over after kill -9: {:.1} s", took.as_secs_f64());
            until_read(&scene.stack).await?;
            let log = scene.stack.sidecar_at(next).log()?;
            ensure!(log.contains("reorganisation: blocks"), "not found out:\n{log}");
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
        let before = told_of_leader(scene.stack.sidecar_at(stopped)).await?;
        scene.stack.sidecar_at(stopped).part().stop();
        let (next, took) = another_leader(&mut scene.stack, stopped).await?;
        println!("take-over after SIGTERM: {:.1} s", took.as_secs_f64());
        ensure!(took < Duration::from_millis(2500), "it waited for the lease: {took:?}");
        scene.some().await?;
        scene.stack.sidecar_at(stopped).restart().await?;
        scene.some().await?;

        // All say the same of who leads.
        let after = told_of_leader(scene.stack.sidecar_at(next)).await?;
        for number in 0..SIDECARS {
            let told = told_of_leader(scene.stack.sidecar_at(number)).await?;
            ensure!(told["here"] == (number == next), "sidecar {number}: {told}");
            ensure!(told["name"] == after["name"] && told["epoch"] == after["epoch"], "{told}, {after}");
            ensure!(told["lastBeatMs"].as_u64().is_some_and(|ago| ago < 3000), "{told}");
        }
        ensure!(after["epoch"].as_u64() > before["epoch"].as_u64(), "{before}, {after}");
        Ok(Interruptions::default())
    })
    .await?;
    Ok(())
}

/// What `uraiden check` says of who leads.
async fn told_of_leader(sidecar: &Sidecar) -> Result<Value> {
    let (code, report) = sidecar.command(&["check"]).await?;
    ensure!(code == 0, "{code}: {report}");
    Ok(report["leader"].clone())
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

/// Put to sleep with the order in the ledger and nothing signed, and then between the intent and its broadcast, while
/// another one takes over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_is_sent_once_whoever_was_asleep() -> Result<()> {
    let options = Options { rpc_proxy: true, block_time: Some(Duration::from_millis(300)), ..options() };
    let mut stack = Stack::start(options).await?;
    let payers = stack.open_channels(2, TokenAmount::new(PRICE * 100)).await?;
    for (payer, (asks, signed)) in payers.iter().zip([("eth_estimateGas", 0), ("eth_sendRawTransaction", 1)])
    {
        let proof = payer.proof(TokenAmount::new(PRICE));
        ensure!(stack.raw_get("/premium/a", proof_headers(&proof)).await?.status == 200, "not served");
        let (sent, before) = (sent_by_receiver(&stack).await?, earned(&stack).await?);

        let asleep = leader(&mut stack).await?;
        stack.rpc_proxy().hold_next(asks);
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
        ensure!(signed_for(&mut stack, payer).await? == signed, "asleep at another step than at {asks}");
        ensure!(sent_by_receiver(&stack).await? == sent, "sent before it fell asleep");
        let (_, took) = another_leader(&mut stack, asleep).await?;
        println!("take-over at {asks}: {:.1} s", took.as_secs_f64());
        // What was under way arrives now as well.
        stack.rpc_proxy().let_go();
        for _ in 0..300 {
            if earned(&stack).await? == before + PRICE {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let now = earned(&stack).await?;
        ensure!(now == before + PRICE, "the new leader did not close the channel\n{}", stack.log_tails());
        stack.sidecar_at(asleep).part().thaw();
        // Time enough to do it again.
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(sent_by_receiver(&stack).await? - sent, 1, "{asks}\n{}", stack.log_tails());
    }
    stack.check()
}

/// How many transactions are signed and kept for a channel.
async fn signed_for(stack: &mut Stack, payer: &Payer) -> Result<i64> {
    let mut session = stack.postgres().session("ledger").await?;
    let count = sqlx::query_scalar(
        "SELECT count(*) FROM transactions JOIN intents ON intents.id = transactions.intent WHERE sender = $1",
    );
    Ok(count.bind(payer.channel().sender.0.to_vec()).fetch_one(&mut session).await?)
}

/// What the receiver has of the token.
async fn earned(stack: &Stack) -> Result<u64> {
    let tokens = stack.chain.chain().token_balance(stack.token(), stack.receiver()).await?;
    Ok(u64::try_from(tokens)?)
}

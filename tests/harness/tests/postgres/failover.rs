//! The server is lost, and a standby takes its place.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use uraiden_client::{Payer, proof_headers};
use uraiden_core::TokenAmount;
use uraiden_harness::audit::Interruptions;
use uraiden_harness::{Options, Replication, Stack, Wire, WireFault, send};

use crate::chance::Chance;
use crate::cluster::options;
use crate::crowd::{Crowd, Habits};
use crate::scene::{PRICE, SOME, play};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_synchronous_standby_takes_over_without_a_loss() -> Result<()> {
    play("failover", options(), Habits::default(), async |scene| {
        let standby = scene.stack.postgres().standby(Replication::Synchronous).await?;
        scene.some().await?;
        let start = Instant::now();
        scene.stack.postgres().kill()?;
        standby.promote().await?;
        drop(scene.stack.fail_over(standby));
        scene.some().await?;
        println!("failover: paid again {:.1} s after the server was lost", start.elapsed().as_secs_f64());
        Ok(Interruptions::default())
    })
    .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_that_may_lag_is_not_relied_on_without_a_word() -> Result<()> {
    let mut stack = Stack::start(Options { sidecars: 1, envoys: 1, ..options() }).await?;
    let standby = stack.postgres().standby(Replication::Asynchronous).await?;
    let (code, log) = stack.refused_sidecar(Vec::new()).await?;
    ensure!(code == Some(1) && log.contains("--allow-losing-failover"), "{code:?}: {log}");
    drop(standby);
    stack.postgres().set("synchronous_commit", "off").await?;
    let (code, log) = stack.refused_sidecar(Vec::new()).await?;
    ensure!(code == Some(1) && log.contains("--allow-losing-commits"), "{code:?}: {log}");
    Ok(())
}

/// Commits that were acknowledged are gone after the failover. What was paid last by the channels that there were is not
/// known, so none of them is served until the merchant has decided on it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_that_lost_commits_takes_no_payments() -> Result<()> {
    let mut chance = Chance::of("lossy failover");
    let flags = vec![("--allow-losing-failover", String::new())];
    let mut stack = Stack::start(Options { sidecar_flags: flags, ..options() }).await?;
    let payers = stack.open_channels(4, TokenAmount::new(PRICE * 100)).await?;
    let crowd = Crowd::open(&stack).await?;
    let doors = stack.doors();
    let shopping = crowd.shop(&doors, Habits::default(), &mut chance);
    let stream = Wire::to(stack.postgres().address())?;
    let standby = stack.postgres().standby_by(stream.address()).await?;
    stack.postgres().until_followed(Replication::Asynchronous).await?;
    for payer in &payers {
        ensure!(pay(doors[0], payer, 1).await? == 200, "not served before");
    }
    shopping.served(SOME).await?;
    stream.set(WireFault::Closed);
    shopping.served(SOME).await?;
    stack.postgres().kill()?;
    standby.promote().await?;
    drop(stack.fail_over(standby));

    let start = Instant::now();
    while !stack.sidecar.log()?.contains("the database has lost transactions") {
        ensure!(start.elapsed() < Duration::from_secs(30), "nobody noticed\n{}", stack.log_tails());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!("lossy failover: noticed {:.1} s after the promotion", start.elapsed().as_secs_f64());
    for round in 0..8 {
        for (payer, door) in payers.iter().zip(doors.iter().cycle()) {
            let status = pay(*door, payer, 2).await?;
            ensure!(
                matches!(status, 402 | 502),
                "served although it is not known what was paid: {status}, {round}"
            );
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    Ok(())
}

/// Pays for the request with this number; the answer's status.
async fn pay(door: SocketAddr, payer: &Payer, number: u64) -> Result<u16> {
    let proof = payer.proof(TokenAmount::new(number * PRICE));
    Ok(send(door, "GET", "/premium/failover", proof_headers(&proof), "").await?.status)
}

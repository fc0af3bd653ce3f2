//! The server is lost, and a standby takes its place.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use uraiden_harness::audit::Interruptions;
use uraiden_harness::{NO_HEADERS, Options, Replication, Stack, Wire, WireFault, send};

use crate::chance::Chance;
use crate::cluster::options;
use crate::crowd::{Crowd, Habits};
use crate::scene::{SOME, play};

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

/// Commits that were acknowledged are gone after the failover. Nobody may be served any more: what was paid last is not
/// known.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_that_lost_commits_closes_paid_routes() -> Result<()> {
    let mut chance = Chance::of("lossy failover");
    let flags = vec![("--allow-losing-failover", String::new())];
    let mut stack = Stack::start(Options { sidecar_flags: flags, ..options() }).await?;
    let crowd = Crowd::open(&stack).await?;
    let doors = stack.doors();
    let shopping = crowd.shop(&doors, Habits::default(), &mut chance);
    let stream = Wire::to(stack.postgres().address())?;
    let standby = stack.postgres().standby_by(stream.address()).await?;
    stack.postgres().until_followed(Replication::Asynchronous).await?;
    shopping.served(SOME).await?;
    stream.set(WireFault::Closed);
    shopping.served(SOME).await?;
    stack.postgres().kill()?;
    standby.promote().await?;
    drop(stack.fail_over(standby));
    // Each worker of each Envoy says so, and goes on saying it.
    let start = Instant::now();
    let mut in_a_row = 0;
    while in_a_row < 64 {
        let door = chance.one_of(&doors);
        let path = stack.paid_path().to_owned();
        let closed = send(door, "GET", &path, NO_HEADERS, "").await?.status == 502;
        in_a_row = if closed { in_a_row + 1 } else { 0 };
        ensure!(start.elapsed() < Duration::from_secs(40), "paid routes are open\n{}", stack.log_tails());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!("lossy failover: noticed {:.1} s after the server was lost", start.elapsed().as_secs_f64());
    let overview = stack.sidecar.admin_call("GET", "/admin/overview").await?.json()?;
    println!("lossy failover: {overview}");
    Ok(())
}

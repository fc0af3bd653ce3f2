//! The server is lost, and a standby takes its place.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sqlx::Connection;
use uraiden_client::{Payer, proof_headers};
use uraiden_core::TokenAmount;
use uraiden_harness::audit::Interruptions;
use uraiden_harness::{Options, Replication, Scrape, Stack, Wire, WireFault, send};

use crate::chance::Chance;
use crate::cluster::SIDECARS;
use crate::crowd::{Crowd, Habits};
use crate::scene::{PRICE, SOME, options, play};

/// What the sidecar says that begins a generation for it, whichever sign it saw first: that transactions are missing, or
/// that a standby has taken over for which no commit had waited.
const LOST: &str = "payments may be forgotten. All channels are held back";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_synchronous_standby_takes_over_without_a_loss() -> Result<()> {
    play("failover", options(), Habits::default(), async |scene| {
        let standby = scene.stack.postgres().standby(Replication::Synchronous).await?;
        until_noted(&mut scene.stack).await?;
        scene.some().await?;
        let start = Instant::now();
        scene.stack.postgres().kill()?;
        standby.promote().await?;
        drop(scene.stack.fail_over(standby));
        scene.some().await?;
        println!("failover: paid again {:.1} s after the server was lost", start.elapsed().as_secs_f64());
        ensure!(figure(&scene.stack, "uraiden_ledger_generation").await? == 1.0, "something is held back");
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
/// known, so none of them is served until the merchant has decided on it. Channels that are opened afterwards are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_that_lost_commits_holds_back_what_was_there() -> Result<()> {
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
    while !stack.sidecar_logs()?.contains(LOST) {
        ensure!(start.elapsed() < Duration::from_secs(30), "nobody noticed\n{}", stack.log_tails());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!("lossy failover: noticed {:.1} s after the promotion", start.elapsed().as_secs_f64());
    let before = books(&stack).await?;
    ensure!(before.len() > payers.len() && before.iter().all(|book| book["state"] == "held"), "{before:?}");
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
    // The crowd has tried as well.
    ensure!(books(&stack).await? == before, "a payment was accepted");

    // Three have lost something, and one generation has begun.
    ensure!(stack.sidecar_logs()?.matches(LOST).count() == 1, "{}", stack.sidecar_logs()?);
    let mut lost = 0.0;
    for number in 0..SIDECARS {
        let sidecar = stack.sidecar_at(number);
        let metrics = Scrape::parse(&sidecar.ask_admin("/metrics").await?.text())?;
        lost += metrics.sum("uraiden_commits_lost_total", &[]);
        ensure!(metrics.sum("uraiden_ledger_generation", &[]) == 2.0, "sidecar {number}: another generation");
        let held = metrics.sum("uraiden_channels", &[("state", "held")]);
        ensure!(held == before.len() as f64, "sidecar {number}: {held} are held");
        let readiness = sidecar.ask_admin("/readyz").await?;
        ensure!(readiness.status == 200, "new channels can pay: {}", readiness.text());
        let (code, report) = sidecar.command(&["check"]).await?;
        let named = report["held"].as_array().map_or(0, Vec::len);
        ensure!(code == 1 && named == before.len(), "{code}: {report}");
    }
    ensure!(lost >= 1.0, "nobody counts it");

    until_head(&mut stack).await?;
    let new = stack.open_channels(1, TokenAmount::new(PRICE * 100)).await?.remove(0);
    for (number, door) in (1..).zip(doors.iter().cycle().take(4)) {
        ensure!(pay(*door, &new, number).await? == 200, "a new channel is not served");
    }
    stack.check()
}

/// Waits until the chain was read to its head once more: channels that are opened from then on are not held back.
async fn until_head(stack: &mut Stack) -> Result<()> {
    let mut session = stack.postgres().session("ledger").await?;
    let start = Instant::now();
    loop {
        let below: i64 = sqlx::query_scalar("SELECT held_below FROM ledger").fetch_one(&mut session).await?;
        if below < i64::MAX {
            return Ok(());
        }
        ensure!(start.elapsed() < Duration::from_secs(20), "nobody reaches the head\n{}", stack.log_tails());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// All channels, as the merchant sees them.
async fn books(stack: &Stack) -> Result<Vec<Value>> {
    let all = stack.sidecar.admin_call("GET", "/admin/channels").await?.json()?;
    Ok(all.as_array().context("a list")?.clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_synchronous_standby_takes_over_while_no_sidecar_runs() -> Result<()> {
    let mut stack = Stack::start(Options { sidecars: 1, envoys: 1, ..options() }).await?;
    let payers = stack.open_channels(1, TokenAmount::new(PRICE * 100)).await?;
    let standby = stack.postgres().standby(Replication::Synchronous).await?;
    until_noted(&mut stack).await?;
    ensure!(pay(stack.doors()[0], &payers[0], 1).await? == 200, "not served before");
    stack.sidecar.part().stop();
    stack.postgres().kill()?;
    standby.promote().await?;
    drop(stack.fail_over(standby));
    stack.sidecar.restart().await?;
    ensure!(stack.sidecar.log()?.contains("nothing is lost"), "{}", stack.log_tails());
    ensure!(figure(&stack, "uraiden_commits_lost_total").await? == 0.0);
    ensure!(figure(&stack, "uraiden_ledger_generation").await? == 1.0);
    until_paid(&mut stack, &payers[0], 2).await
}

/// The commits that are lost were made by a sidecar that knows nothing of them when it starts again. That the standby does
/// not keep up was seen before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_that_lost_commits_while_no_sidecar_runs_holds_channels_back() -> Result<()> {
    let mut stack = Stack::start(Options { sidecars: 1, envoys: 1, ..options() }).await?;
    let payers = stack.open_channels(1, TokenAmount::new(PRICE * 100)).await?;
    let stream = Wire::to(stack.postgres().address())?;
    let standby = stack.postgres().standby_by(stream.address()).await?;
    stack.postgres().until_followed(Replication::Asynchronous).await?;
    until(&mut stack, "the standby that lags is seen", async |stack| {
        Ok(figure(stack, "uraiden_database_lagging_standbys").await? == 1.0)
    })
    .await?;
    ensure!(stack.sidecar.log()?.contains("stream asynchronously"), "{}", stack.log_tails());
    ensure!(pay(stack.doors()[0], &payers[0], 1).await? == 200, "not served before");
    stream.set(WireFault::Closed);
    ensure!(pay(stack.doors()[0], &payers[0], 2).await? == 200, "not served before");
    stack.sidecar.part().stop();
    stack.postgres().kill()?;
    standby.promote().await?;
    drop(stack.fail_over(standby));
    stack.sidecar.restart().await?;
    ensure!(stack.sidecar.log()?.contains("payments may be forgotten"), "{}", stack.log_tails());
    ensure!(figure(&stack, "uraiden_commits_lost_total").await? == 1.0);
    ensure!(figure(&stack, "uraiden_ledger_generation").await? == 2.0);
    until(&mut stack, "the payment is refused", async |stack| {
        let status = pay(stack.doors()[0], &payers[0], 2).await?;
        ensure!(matches!(status, 402 | 502), "served although it is not known what was paid: {status}");
        Ok(status == 402)
    })
    .await
}

/// Waits until the ledger says that commits wait for a standby.
async fn until_noted(stack: &mut Stack) -> Result<()> {
    until(stack, "the standby is noted", async |stack| {
        let mut session = stack.postgres().session("ledger").await?;
        let waits: i64 = sqlx::query_scalar("SELECT waits FROM server").fetch_one(&mut session).await?;
        session.close().await?;
        Ok(waits == 1)
    })
    .await
}

async fn until_paid(stack: &mut Stack, payer: &Payer, number: u64) -> Result<()> {
    until(stack, "a payment is taken", async |stack| Ok(pay(stack.doors()[0], payer, number).await? == 200))
        .await
}

/// Waits until something is so.
async fn until(
    stack: &mut Stack,
    what: &str,
    mut holds: impl AsyncFnMut(&mut Stack) -> Result<bool>,
) -> Result<()> {
    let start = Instant::now();
    while !holds(stack).await? {
        ensure!(start.elapsed() < Duration::from_secs(30), "not in 30 s: {what}\n{}", stack.log_tails());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// What the first sidecar tells Prometheus.
async fn figure(stack: &Stack, name: &str) -> Result<f64> {
    let scrape = Scrape::parse(&stack.sidecar.ask_admin("/metrics").await?.text())?;
    Ok(scrape.sum(name, &[]))
}

/// Pays for the request with this number; the answer's status.
async fn pay(door: SocketAddr, payer: &Payer, number: u64) -> Result<u16> {
    let proof = payer.proof(TokenAmount::new(number * PRICE));
    Ok(send(door, "GET", "/premium/failover", proof_headers(&proof), "").await?.status)
}

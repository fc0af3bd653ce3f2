//! The server is started again, cut off, slow, busy and full.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use sqlx::{Connection, Executor};
use uraiden_harness::audit::Interruptions;
use uraiden_harness::{Database, Options, WireFault};

use crate::crowd::Habits;
use crate::scene::{options, play};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_is_stopped_and_killed() -> Result<()> {
    play("server restarted", options(), Habits::default(), async |scene| {
        for orderly in [true, false] {
            let server = scene.stack.postgres();
            if orderly {
                server.stop()?
            } else {
                server.kill()?
            }
            scene.chance.wait(Duration::from_secs(2)).await;
            scene.stack.postgres().resume().await?;
            scene.some().await?;
        }
        Ok(Interruptions::default())
    })
    .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_break_in_the_middle_of_commits() -> Result<()> {
    play("commits cut", options(), Habits::default(), async |scene| {
        for fault in [WireFault::CutAfterCommit, WireFault::CutBeforeCommit, WireFault::CutAfterCommit] {
            let cuts = scene.stack.wire().cuts();
            scene.stack.wire().set(fault);
            while scene.stack.wire().cuts() < cuts + 3 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            scene.stack.wire().set(WireFault::None);
            scene.some().await?;
        }
        for fault in [WireFault::Closed, WireFault::Silent] {
            scene.stack.wire().set(fault);
            scene.chance.wait(Duration::from_millis(2500)).await;
            scene.stack.wire().set(WireFault::None);
            scene.some().await?;
        }
        Ok(Interruptions::default())
    })
    .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_are_slow_or_wait_for_a_lock() -> Result<()> {
    play("slow statements", options(), Habits::default(), async |scene| {
        scene.stack.wire().set(WireFault::Slow(Duration::from_millis(5)));
        scene.some().await?;
        scene.stack.wire().set(WireFault::None);
        for _ in 0..2 {
            let mut session = scene.stack.postgres().session("ledger").await?;
            let mut locked = session.begin().await?;
            locked.execute("LOCK TABLE channels IN EXCLUSIVE MODE").await?;
            scene.chance.wait(Duration::from_secs(2)).await;
            locked.rollback().await?;
            scene.some().await?;
        }
        Ok(Interruptions::default())
    })
    .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_has_no_session_left() -> Result<()> {
    let options = Options { database: Database::Postgres { settings: "max_connections = 45" }, ..options() };
    play("no session left", options, Habits::default(), async |scene| {
        for _ in 0..2 {
            let server = scene.stack.postgres();
            // Other programs take what the sidecars lose.
            let mut taken = Vec::new();
            server.end_sessions().await?;
            while let Ok(session) = server.session("ledger").await {
                taken.push(session);
            }
            ensure!(!taken.is_empty(), "there was no session to take");
            scene.chance.wait(Duration::from_secs(3)).await;
            for session in taken {
                session.close().await?;
            }
            scene.some().await?;
        }
        Ok(Interruptions::default())
    })
    .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_disk_of_the_server_is_full() -> Result<()> {
    play("server's disk full", options(), Habits::default(), async |scene| {
        let server = scene.stack.postgres();
        // Not even a page of its log of changes fits.
        server.limit_files(Some(4096))?;
        let start = Instant::now();
        while server.part().is_running() {
            ensure!(start.elapsed() < Duration::from_secs(20), "the server could write all the same");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        scene.chance.wait(Duration::from_secs(1)).await;
        scene.stack.postgres().resume().await?;
        scene.some().await?;
        Ok(Interruptions::default())
    })
    .await?;
    Ok(())
}

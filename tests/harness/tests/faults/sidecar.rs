//! The sidecar is killed, paused, cut off, and its disk is full.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use uraiden_harness::audit::Interruptions;
use uraiden_harness::{LinkFault, Options};

use crate::crowd::Habits;
use crate::scene::{options, play};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sidecar_is_killed_at_random_moments() -> Result<()> {
    play("sidecar killed", options(), Habits::default(), async |scene| {
        for _ in 0..4 {
            scene.stack.sidecar.part().kill();
            scene.chance.wait(Duration::from_millis(800)).await;
            scene.stack.sidecar.restart().await?;
            scene.some().await?;
        }
        Ok(Interruptions::default())
    })
    .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sidecar_is_paused_for_longer_than_calls_may_take() -> Result<()> {
    play("sidecar paused", options(), Habits::default(), async |scene| {
        for _ in 0..2 {
            scene.stack.sidecar.part().freeze();
            tokio::time::sleep(Duration::from_secs(2)).await;
            scene.stack.sidecar.part().thaw();
            scene.some().await?;
        }
        Ok(Interruptions::default())
    })
    .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_disk_of_the_sidecar_is_full() -> Result<()> {
    play("disk full", options(), Habits::default(), async |scene| {
        for _ in 0..3 {
            // Not even the first page of the log of changes fits.
            scene.stack.sidecar.part().limit_files(Some(4096))?;
            let deadline = Instant::now() + Duration::from_secs(10);
            while scene.stack.sidecar.ask_admin("/readyz").await?.status == 200 {
                if Instant::now() > deadline {
                    bail!("the sidecar could write all the same");
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            scene.chance.wait(Duration::from_millis(1500)).await;
            scene.stack.sidecar.part().limit_files(None)?;
            scene.some().await?;
        }
        Ok(Interruptions::default())
    })
    .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_to_the_sidecar_break_in_the_middle_of_answers() -> Result<()> {
    let options = Options { link: true, ..options() };
    play("link cut", options, Habits::default(), async |scene| {
        for _ in 0..6 {
            let faults =
                [LinkFault::Cut, LinkFault::Cut, LinkFault::Deaf, LinkFault::Closed, LinkFault::Nonsense];
            scene.stack.link().set(scene.chance.one_of(&faults));
            scene.chance.wait(Duration::from_millis(1200)).await;
            scene.stack.link().set(LinkFault::None);
            scene.some().await?;
        }
        Ok(Interruptions::default())
    })
    .await?;
    Ok(())
}

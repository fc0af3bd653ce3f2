//! The service fails at random, and clients leave at random.

use anyhow::Result;
use uraiden_harness::audit::Interruptions;

use crate::crowd::Habits;
use crate::scene::{options, play};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_service_fails_resets_and_hangs_at_random() -> Result<()> {
    let habits = Habits { failures: 35, hangs: 3, ..Habits::default() };
    play("service failing", options(), habits, async |scene| {
        for _ in 0..4 {
            scene.some().await?;
        }
        Ok(Interruptions::default())
    })
    .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_leave_at_every_stage() -> Result<()> {
    let habits = Habits { leaves: 40, ..Habits::default() };
    let report = play("clients leaving", options(), habits, async |scene| {
        for _ in 0..4 {
            scene.some().await?;
        }
        Ok(Interruptions::default())
    })
    .await?;
    // Else nobody would have left in time.
    assert!(report.figures.left > 0, "{report}");
    Ok(())
}

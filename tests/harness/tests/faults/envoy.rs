//! Envoy is killed, its filter is replaced, and a worker's VM panics: each Envoy in turn, where there are several.

use std::time::Duration;

use anyhow::Result;
use uraiden_harness::audit::Interruptions;
use uraiden_harness::{Options, send};

use crate::crowd::Habits;
use crate::scene::{options, play};

const ROUNDS: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn envoy_is_killed_at_random_moments() -> Result<()> {
    play("Envoy killed", options(), Habits::default(), async |scene| {
        let envoys = scene.stack.envoys();
        for round in 0..ROUNDS {
            scene.stack.envoy_at(round % envoys).part().kill();
            scene.chance.wait(Duration::from_millis(300)).await;
            scene.stack.envoy_at(round % envoys).restart().await?;
            scene.some().await?;
        }
        Ok(Interruptions { envoy_exits: ROUNDS.try_into()?, ..Interruptions::default() })
    })
    .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_filter_is_replaced_in_traffic_and_nothing_is_lost() -> Result<()> {
    let options = Options { listener_by_xds: true, ..options() };
    play("filter replaced", options, Habits::default(), async |scene| {
        let envoys = scene.stack.envoys();
        for round in 0..ROUNDS {
            scene.stack.envoy_at(round % envoys).replace_filter().await?;
            scene.some().await?;
        }
        // Held streams finish in the old VM, and nothing takes as long as a drain.
        Ok(Interruptions::default())
    })
    .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vm_panics_while_requests_are_at_the_service_unpaid() -> Result<()> {
    let options = Options { crashing_filter: true, ..options() };
    play("VM panics", options, Habits::default(), async |scene| {
        let doors = scene.stack.doors();
        for round in 0..ROUNDS {
            let door = doors[round % doors.len()];
            let crash = send(door, "GET", "/free", [("x-crash-the-paywall", "1")], "").await?;
            assert_eq!(crash.status, 503, "{}", crash.text());
            scene.some().await?;
        }
        let mut vm_reloads = 0;
        for number in 0..doors.len() {
            let reloads = scene.stack.envoy_at(number).counter("wasm.uraiden.vm_reload_success").await?;
            assert!(reloads >= 1, "no VM of Envoy {number} was replaced");
            vm_reloads += reloads;
        }
        Ok(Interruptions { vm_reloads, ..Interruptions::default() })
    })
    .await?;
    Ok(())
}

//! The Ethereum node is away: that of the sidecar that leads, or that of all.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use uraiden_harness::audit::Interruptions;
use uraiden_harness::{Fault, NO_HEADERS, Options, send};

use crate::cluster::{SIDECARS, another_leader, leader};
use crate::crowd::Habits;
use crate::scene::{options, play};

/// How long sidecars are ready by what was said last of the chain.
const NODE_TIMEOUT: Duration = Duration::from_secs(6);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_leader_loses_its_node_and_then_all_do() -> Result<()> {
    let sidecar_flags = vec![("--node-timeout", format!("{}s", NODE_TIMEOUT.as_secs()))];
    let options = Options { rpc_proxy: true, sidecar_flags, ..options() };
    play("nodes away", options, Habits::default(), async |scene| {
        let alone = leader(&mut scene.stack).await?;
        let name = scene.stack.sidecar_at(alone).name();
        scene.stack.rpc_proxy().set_for(name, Fault::Refuse);
        let (next, took) = another_leader(&mut scene.stack, alone).await?;
        println!("take-over from a leader without a node: {:.1} s", took.as_secs_f64());
        // Nobody notices.
        let until = Instant::now() + NODE_TIMEOUT - took.min(NODE_TIMEOUT);
        while Instant::now() < until {
            for number in 0..SIDECARS {
                let readiness = scene.stack.sidecar_at(number).ask_admin("/readyz").await?;
                ensure!(readiness.status == 200, "sidecar {number}: {}", readiness.text());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        scene.some().await?;
        ensure!(scene.stack.sidecar_at(next).leads().await?, "it leads no longer");

        scene.stack.rpc_proxy().set(Fault::Refuse);
        let doors = scene.stack.doors();
        let deadline = Instant::now() + Duration::from_secs(30);
        for door in doors {
            while send(door, "GET", "/premium/nodes", NO_HEADERS, "").await?.status != 502 {
                ensure!(Instant::now() < deadline, "paid routes stay open without a chain");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        scene.stack.rpc_proxy().set(Fault::None);
        scene.some().await?;
        Ok(Interruptions::default())
    })
    .await?;
    Ok(())
}

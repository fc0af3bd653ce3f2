//! Two Envoys, each with three sidecars in its clusters, and one PostgreSQL.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::json;
use uraiden_harness::{Database, EnvoyConfig, Options, Stack};

pub(crate) const SIDECARS: usize = 3;

/// How long it may take until another sidecar leads: the lease is 3 s, and the machine is busy.
const TAKE_OVER: Duration = Duration::from_secs(15);

/// What the scenes of suite `faults` run on here. Envoy leaves a sidecar alone for a while when it does not answer.
pub(crate) fn parts() -> Options {
    let change = |config: &mut EnvoyConfig| {
        for cluster in config.sidecar_clusters() {
            cluster["outlier_detection"] = json!({
                "split_external_local_origin_errors": true,
                "consecutive_local_origin_failure": 1,
                "interval": "1s",
                "base_ejection_time": "2s",
                "max_ejection_percent": 100,
            });
        }
    };
    Options {
        database: Database::Postgres { settings: "" },
        wire: true,
        sidecars: SIDECARS,
        envoys: 2,
        change,
        ..Options::default()
    }
}

/// The number of the sidecar that leads.
pub(crate) async fn leader(stack: &mut Stack) -> Result<usize> {
    another_leader(stack, SIDECARS).await.map(|(leader, _)| leader)
}

/// Waits until a sidecar leads that is not this one. Says how long that took.
pub(crate) async fn another_leader(stack: &mut Stack, but: usize) -> Result<(usize, Duration)> {
    let start = Instant::now();
    loop {
        for number in (0..SIDECARS).filter(|number| *number != but) {
            if stack.sidecar_at(number).leads().await.with_context(|| format!("sidecar {number}"))? {
                return Ok((number, start.elapsed()));
            }
        }
        if start.elapsed() > TAKE_OVER {
            bail!("nobody leads after {TAKE_OVER:?}\n{}", stack.log_tails());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

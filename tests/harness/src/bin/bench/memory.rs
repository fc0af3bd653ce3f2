//! What one more worker of Envoy costs in memory.

use anyhow::Result;
use uraiden_harness::Database;

use crate::channels;
use crate::report::Report;
use crate::through::Bench;

/// Signers whom every worker knows well.
const SIGNERS: usize = 256;

/// Times that the connections are opened anew: which worker takes one is Envoy's choice, and each worker shall meet each
/// signer often enough to have its table.
const TURNS: usize = 12;

/// Connections at a time.
const CONNECTIONS: usize = 64;

/// The workers of the larger Envoy.
const WORKERS: u32 = 3;

pub(crate) async fn measure(report: &mut Report) -> Result<()> {
    let few = resident(1).await?;
    let many = resident(WORKERS).await?;
    report.figure("one_worker_mb", few, "MB");
    report.at_most("worker_mb", (many - few) / f64::from(WORKERS - 1), "MB", 8.0);
    Ok(())
}

/// What an Envoy with so many workers takes, in megabytes, once all of them know all signers.
async fn resident(workers: u32) -> Result<f64> {
    let mut bench = Bench::start(Database::Sqlite, Vec::new(), SIGNERS, CONNECTIONS, workers).await?;
    let mut channels = channels::open(&bench.stack, 0..SIGNERS).await?;
    for _ in 0..TURNS {
        bench.resize(SIGNERS, CONNECTIONS).await?;
        bench.meet(&mut channels).await?;
    }
    Ok(bench.stack.envoy.part().usage()?.resident as f64 / 1e6)
}

//! The filter is replaced by xDS and the sidecar is started anew while everybody asks, one after the other where there are
//! several: no free request fails, no payment is lost, and paid requests wait no longer than is said.

mod load;
mod table;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::json;
use uraiden_harness::audit::{Interruptions, collect};
use uraiden_harness::{EnvoyConfig, Options, Stack};

use load::Load;
use table::Table;

use crate::scene::options;

/// A module of an earlier state.
const EARLIER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../kept/uraiden-26bfb96.wasm");

/// How long a payer may wait who has the bad luck of a change: what docs/operations.md says, and as much again for a
/// machine that is busy with other tests.
const FILTER: Duration = Duration::from_secs(2 * 2);
const SIDECAR: Duration = Duration::from_secs(2 * 3);
const ONE_OF_SEVERAL: Duration = Duration::from_secs(2 * 2);

/// How long the sidecar is away at least: longer than filters believe that all is well with one that is silent.
const ABSENCE: Duration = Duration::from_secs(4);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filter_and_sidecar_are_upgraded_in_traffic() -> Result<()> {
    let change = |config: &mut EnvoyConfig| {
        (options().change)(config);
        config.http_filters()[0]["typed_config"]["config"]["vm_config"]["code"]["local"]["filename"] =
            json!(EARLIER);
    };
    let mut stack = Stack::start(Options { listener_by_xds: true, change, ..options() }).await?;
    let load = Load::start(&stack).await?;
    let mut table = Table::default();

    load.goes_on().await?;
    table.row("before", &load, &stack).await?;

    let module = PathBuf::from(stack.wasm());
    for number in 0..stack.envoys() {
        stack.envoy_at(number).upgrade_filter(&module).await?;
    }
    load.goes_on().await?;
    let filter = table.row("filter replaced", &load, &stack).await?;

    let wait = match stack.sidecars() {
        1 => {
            let away = start_anew(&mut stack).await?;
            println!("the sidecar was away for {} ms", away.as_millis());
            away + SIDECAR
        }
        sidecars => {
            for number in 0..sidecars {
                stack.sidecar_at(number).restart().await?;
                load.goes_on().await?;
            }
            ONE_OF_SEVERAL
        }
    };
    load.goes_on().await?;
    let sidecar = table.row("sidecar started anew", &load, &stack).await?;

    load.goes_on().await?;
    table.row("after", &load, &stack).await?;
    let books = load.end().await?;
    println!("{table}");

    let report = collect(&stack, books, Interruptions::default()).await?.audit();
    println!("upgrade: {report}");
    assert!(report.passes() && report.figures.lost == 0, "{report}");
    ensure!(table.free_failures() == 0, "free requests failed: {table}");
    ensure!(filter.longest_wait <= FILTER, "{:?} for a filter: {table}", filter.longest_wait);
    ensure!(sidecar.longest_wait <= wait, "{:?} for a sidecar: {table}", sidecar.longest_wait);
    stack.check()
}

/// Stops the only sidecar, and starts it again after a while. Answers for how long it was away.
async fn start_anew(stack: &mut Stack) -> Result<Duration> {
    let went = Instant::now();
    stack.sidecar.part().stop();
    tokio::time::sleep(ABSENCE).await;
    stack.sidecar.restart().await?;
    Ok(went.elapsed())
}

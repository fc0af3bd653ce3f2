//! The sidecar with many channels: reading them from the chain, starting again, looking them up, and what it uses.

mod bare;
mod channels;
mod lookups;

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;
use uraiden_harness::{Options as StackOptions, Stack};

use crate::report::Report;
use crate::rounds::minimum;

/// How long reading all channels may take at most.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// How long polls without news are counted.
const QUIET: Duration = Duration::from_secs(20);

/// The pause between two polls here.
const POLL: Duration = Duration::from_secs(2);

/// Rounds of what is repeated; the best counts.
const ROUNDS: usize = 3;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How many channels there are
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    channels: u32,
    /// How many of them each block opens
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100))]
    per_block: u32,
}

pub(crate) fn measure(options: &Options) -> Result<Report> {
    tokio::runtime::Runtime::new()?.block_on(run(options))
}

async fn run(options: &Options) -> Result<Report> {
    let mut report = Report::new("sync");
    let flags = vec![("--poll-interval", format!("{}s", POLL.as_secs()))];
    // The state of a block with all channels takes tens of megabytes.
    let options_of_stack = StackOptions { sidecar_flags: flags, kept_states: 8, ..StackOptions::default() };
    let mut stack = Stack::start(options_of_stack).await?;
    stack.sidecar.part().stop();
    let channels = channels::open(&stack, options.channels, options.per_block).await?;
    report.figure("channels", f64::from(options.channels), "");

    let (mut alone, mut synced, mut inserted) = (Vec::new(), Vec::new(), Vec::new());
    let mut cpu = Vec::new();
    for _ in 0..ROUNDS {
        alone.push(channels::ask_for_all(&stack).await?.as_secs_f64());
        forget(&mut stack)?;
        synced.push(start(&mut stack).await?.as_secs_f64());
        cpu.push(stack.sidecar.part().usage()?.cpu.as_secs_f64());
        inserted.push(bare::insert(&stack.logs().join("ledger.sqlite"))?.as_secs_f64());
    }
    let usage = stack.sidecar.part().usage()?;
    let (alone, synced) = (minimum(&alone)?, minimum(&synced)?);
    report.figure("sync_s", synced, "s");
    report.figure("node_alone_s", alone, "s");
    report.figure("bare_insert_s", minimum(&inserted)?, "s");
    report.at_most("our_share", ((synced - alone) / synced).max(0.0), "", 0.3);
    report.figure("sync_cpu_s", minimum(&cpu)?, "s");
    report.at_most("sync_peak_mb", megabytes(usage.peak), "MB", 250.0);

    let mut ready = Vec::new();
    for _ in 0..ROUNDS {
        stack.sidecar.part().stop();
        ready.push(start(&mut stack).await?.as_secs_f64());
    }
    report.at_most("restart_s", minimum(&ready)?, "s", 3.0);
    let lookups = lookups::measure(&stack, &channels).await?;
    report.at_most("lookup_us", lookups.each_us, "µs", 50.0);
    report.figure("lookup_call_us", lookups.call_us, "µs");
    report.figure("empty_call_us", lookups.empty_us, "µs");
    report.at_most("resident_mb", megabytes(stack.sidecar.part().usage()?.resident), "MB", 250.0);
    report.at_most("calls_per_poll", calls_per_poll(&stack).await?, "", 2.0);
    Ok(report)
}

/// Removes the ledger of a sidecar that is stopped first.
fn forget(stack: &mut Stack) -> Result<()> {
    stack.sidecar.part().stop();
    for file in ["ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm"] {
        let path = stack.logs().join(file);
        if path.exists() {
            fs::remove_file(&path).with_context(|| path.display().to_string())?;
        }
    }
    Ok(())
}

/// Starts the sidecar and waits until it is ready.
async fn start(stack: &mut Stack) -> Result<Duration> {
    let began = Instant::now();
    stack.sidecar.start_again()?;
    let mut said = Instant::now();
    loop {
        // Refused until it listens.
        if let Ok(answer) = stack.sidecar.ask_admin("/readyz").await {
            if answer.status == 200 {
                return Ok(began.elapsed());
            }
            if said.elapsed() > Duration::from_secs(5) {
                eprintln!("  {}", answer.json()?["reason"].as_str().unwrap_or_default());
                said = Instant::now();
            }
        }
        stack.check()?;
        if began.elapsed() > PATIENCE {
            bail!("not ready after {PATIENCE:?}\n{}", stack.log_tails());
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// The node writes a line for each question. Nobody else asks it meanwhile.
async fn calls_per_poll(stack: &Stack) -> Result<f64> {
    eprintln!("counting the questions of {QUIET:?} without news");
    let log = || fs::read_to_string(stack.logs().join("anvil.log")).context("anvil.log");
    let count = |text: &str| text.lines().filter(|line| line.starts_with("eth_")).count();
    let before = count(&log()?);
    tokio::time::sleep(QUIET).await;
    let calls = count(&log()?) - before;
    ensure!(calls > 0, "the sidecar has asked nothing in {QUIET:?}");
    Ok(f64::from(u32::try_from(calls)?) / (QUIET.as_secs_f64() / POLL.as_secs_f64()))
}

fn megabytes(bytes: u64) -> f64 {
    json!(bytes).as_f64().unwrap_or(f64::INFINITY) / 1e6
}

//! Many minutes of payments at a steady rate: whether memory grows, and whether anything fails.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use uraiden_harness::{Options as StackOptions, Stack, Usage};

use crate::channels::{self, Channel};
use crate::load::Load;
use crate::report::Report;
use crate::service;

const PATH: &str = "/premium/soak";

/// The part of the highest rate that is kept up.
const PART: f64 = 0.8;

/// How long the highest rate is measured.
const TRIAL: Duration = Duration::from_secs(10);

/// Until when memory may grow: caches fill.
const BEGINNING: Duration = Duration::from_secs(60);

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How long, in minutes
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(2..))]
    minutes: u64,
    /// Connections at a time
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1000))]
    connections: u32,
    /// Channels that pay in turns
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    channels: u32,
}

pub(crate) async fn measure(options: &Options) -> Result<Report> {
    let mut report = Report::new("soak");
    let connections = options.connections as usize;
    let upstream = Some(service::start()?);
    let mut stack =
        Stack::start(StackOptions { upstream, concurrency: 1, ..StackOptions::default() }).await?;
    let channels = channels::open(&stack, 0..(options.channels as usize).max(connections)).await?;
    let payers = share(channels, connections);
    let mut load = Load::connect(stack.envoy.address(), connections).await?;
    let highest = load.steady(sources(&payers), Duration::ZERO, TRIAL).await?.rate();
    report.figure("highest_rps", highest, "1/s");
    report.figure("start_envoy_mb", megabytes(&stack.envoy.part().usage()?), "MB");
    report.figure("start_sidecar_mb", megabytes(&stack.sidecar.part().usage()?), "MB");

    let every = Duration::from_secs_f64(connections as f64 / (highest * PART));
    let whole = Duration::from_secs(options.minutes * 60);
    let parts = [
        ("minute", BEGINNING),
        ("middle", (whole / 2).saturating_sub(BEGINNING)),
        ("end", whole.saturating_sub(whole / 2)),
    ];
    let (mut sent, mut errors, mut time) = (0, 0, Duration::ZERO);
    let mut used = Vec::new();
    for (name, lasting) in parts {
        let run = load.steady(sources(&payers), every, lasting).await?;
        eprintln!("{name}: {} requests, {} errors", run.latencies.len(), run.errors);
        (sent, errors, time) = (sent + run.latencies.len(), errors + run.errors, time + run.time);
        let now = [megabytes(&stack.envoy.part().usage()?), megabytes(&stack.sidecar.part().usage()?)];
        report.figure(format!("{name}_envoy_mb"), now[0], "MB");
        report.figure(format!("{name}_sidecar_mb"), now[1], "MB");
        report.figure(format!("{name}_p99"), run.quantile(0.99), "ms");
        used.push(now);
    }
    let (first, last) = (used.first().context("a first minute")?, used.last().context("an end")?);
    report.figure("rps", sent as f64 / time.as_secs_f64(), "1/s");
    report.at_most("envoy_growth", last[0] / first[0], "", 1.05);
    report.at_most("sidecar_growth", last[1] / first[1], "", 1.05);
    report.at_most("errors", errors as f64, "", 0.0);
    stack.check()?;
    Ok(report)
}

/// The channels of one connection, and whose turn it is.
type Payers = Arc<Mutex<(Vec<Channel>, usize)>>;

fn share(mut channels: Vec<Channel>, connections: usize) -> Vec<Payers> {
    let mut shares = Vec::with_capacity(connections);
    for left in (1..=connections).rev() {
        let own = channels.split_off(channels.len() - channels.len() / left);
        shares.push(Arc::new(Mutex::new((own, 0))));
    }
    shares
}

/// Payments that are signed when they are sent: all of them beforehand would be more than memory holds.
fn sources(payers: &[Payers]) -> Vec<impl FnMut() -> Result<Vec<u8>> + Send + 'static> {
    let source = |payers: &Payers| {
        let payers = payers.clone();
        move || {
            let mut payers = payers.lock().unwrap_or_else(PoisonError::into_inner);
            let (own, turn) = &mut *payers;
            *turn = (*turn + 1) % own.len();
            own[*turn].pay(PATH)
        }
    };
    payers.iter().map(source).collect()
}

fn megabytes(usage: &Usage) -> f64 {
    usage.resident as f64 / 1e6
}

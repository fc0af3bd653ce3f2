//! Several sidecars on one PostgreSQL, with few channels and with very many.

mod fill;
mod pay;

use anyhow::{Context, Result, ensure};
use uraiden_harness::{Database, Options as StackOptions, Stack};

use crate::channels;
use crate::report::Report;
use crate::rounds::median;
use fill::Tables;
use pay::{IN_FLIGHT, Payers, Sample};

/// A server that keeps a part of its data in memory, leaves the rest to the system's cache, and starts no checkpoint in
/// the middle of a measurement.
const SETTINGS: &str = "shared_buffers = 256MB\nmax_wal_size = 8GB\ncheckpoint_timeout = 1h";

/// A stack has no more of them.
const MOST_SIDECARS: i64 = 4;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Rounds, in each of which every number of sidecars is measured once
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Measure 1 to this many sidecars
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=MOST_SIDECARS))]
    sidecars: u32,
    /// Numbers of channels in the database
    #[arg(long, value_delimiter = ',', default_value = "1000,10000,100000,1000000")]
    channels: Vec<usize>,
    /// Channels that pay, at most: the first ones of each number
    #[arg(long, default_value_t = 10_000)]
    payers: usize,
    /// Payments in each measurement
    #[arg(long, default_value_t = 20_000)]
    payments: usize,
}

pub(crate) async fn measure(options: &Options) -> Result<Report> {
    let mut report = Report::new("scaling");
    let mut sizes = options.channels.clone();
    sizes.sort_unstable();
    let fewest = sizes.first().copied().context("no number of channels")?.min(options.payers);
    ensure!(
        fewest >= IN_FLIGHT && options.payments >= IN_FLIGHT,
        "{IN_FLIGHT} payments are in flight, each by a channel of its own: so many channels, payers and payments at least"
    );
    let mut stack = Stack::start(StackOptions {
        database: Database::Postgres { settings: SETTINGS },
        sidecars: options.sidecars as usize,
        // The state of a block with very many channels takes tens of megabytes.
        kept_states: 8,
        ..StackOptions::default()
    })
    .await?;
    let mut tables = Tables::of(&stack).await?;
    let mut payers = Payers::new();
    for size in sizes {
        eprintln!("{size} channels");
        let known = payers.count();
        payers.add(channels::open(&stack, payers.count()..size.min(options.payers)).await?);
        tables.fill(size).await?;
        report.column(format!("{size} channels"), format!("channels_{size}_"));
        let before = tables.sizes().await?;
        report.figure("channel_bytes", before.channels / size as f64, "B");
        // So that the sidecars, like ones that have run for a while, know who pays, and the server where they stand.
        let meetings = if payers.count() > known { channels::MEETINGS } else { 1 };
        let payments = curve(&mut report, &mut stack, &mut payers, meetings, options).await?;
        let after = tables.sizes().await?;
        report.figure("payment_bytes", (after.attempts - before.attempts) / payments, "B");
        report.figure("payment_log_bytes", (after.log - before.log) / payments, "B");
    }
    Ok(report)
}

/// Measures each number of sidecars with the channels that there are now, after so many payments by each payer, and
/// answers how many payments that were.
async fn curve(
    report: &mut Report,
    stack: &mut Stack,
    payers: &mut Payers,
    meetings: usize,
    options: &Options,
) -> Result<f64> {
    let mut found: Vec<Vec<Sample>> = (0..options.sidecars).map(|_| Vec::new()).collect();
    let mut payments = 0;
    for sidecars in 1..=found.len() {
        payments += payers.pay(stack, sidecars, meetings * payers.count()).await?.payments;
    }
    for _ in 0..options.rounds {
        for (samples, sidecars) in found.iter_mut().zip(1..) {
            let sample = payers.pay(stack, sidecars, options.payments).await?;
            payments += sample.payments;
            samples.push(sample);
        }
    }
    let one = found.first().context("no sidecar")?;
    for (samples, sidecars) in found.iter().zip(1..) {
        let mut figure = |name: &str, unit, of: fn(&Sample) -> f64| {
            report.figure(format!("sidecars_{sidecars}_{name}"), median(samples, of), unit);
        };
        figure("payments_per_s", "1/s", Sample::rate);
        figure("p50_ms", "ms", |sample| sample.quantile(0.5));
        figure("p99_ms", "ms", |sample| sample.quantile(0.99));
        figure("payments_per_transaction", "", |sample| sample.per_transaction);
        figure("server_cpu_us", "µs", |sample| sample.each_us(sample.server_cpu));
        figure("sidecar_cpu_us", "µs", |sample| sample.each_us(sample.sidecar_cpu));
        if sidecars > 1 {
            let ratios: Vec<f64> =
                samples.iter().zip(one).map(|(many, one)| many.rate() / one.rate()).collect();
            report.figure(format!("sidecars_{sidecars}_ratio"), median(&ratios, |ratio| *ratio), "");
        }
    }
    Ok(payments as f64)
}

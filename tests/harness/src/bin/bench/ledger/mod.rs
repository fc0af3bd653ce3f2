//! The ledger: how many payments it makes durable beside a bare loop on the same disk, how long one takes, and what
//! batching saves.

mod bare;
mod direct;
mod histogram;

use anyhow::Result;

use crate::channels::{self, Channel};
use crate::report::Report;
use crate::rounds::median;
use crate::service;
use crate::through::{Bench, Sample};
use histogram::Histogram;

/// Connections through Envoy.
const CONNECTIONS: usize = 64;

/// A histogram of the sidecar: the entries of each call of a filter.
const BATCH_ENTRIES: &str = "uraiden_batch_entries";

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Rounds, in each of which everything is measured once
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Requests of each kind through Envoy in a round
    #[arg(long, default_value_t = 6400, value_parser = clap::value_parser!(u32).range(640..))]
    requests: u32,
}

pub(crate) async fn measure(options: &Options) -> Result<Report> {
    let mut report = Report::new("ledger");
    let requests = options.requests as usize;
    let mut bench = Bench::start(requests, CONNECTIONS, 1).await?;
    let mut channels = channels::open(&bench.stack, direct::IN_FLIGHT).await?;
    direct::measure(&mut report, &bench.stack, &mut channels, options.rounds).await?;

    let payers = &mut channels[..CONNECTIONS];
    let many = compare(&mut bench, payers, options.rounds, true).await?;
    bench.resize(requests / 10, 1).await?;
    let one = compare(&mut bench, &mut payers[..1], options.rounds, false).await?;
    let entries = &many.entries;
    report.at_least("payments_per_call", entries.quantile(0.5), "", 8.0);
    report.figure("mean_payments_per_call", entries.mean(), "");
    report.figure("call_each_cpu_us", one.costs(), "µs");
    report.figure("batched_cpu_us", many.costs(), "µs");
    let plain = median(&many.plain, Sample::cpu);
    report.figure("plain_cpu_us", plain, "µs");
    report.at_least("saved_by_batching", (one.costs() - many.costs()) / plain, "", 0.8);

    overlap(&mut report, &mut bench, &mut payers[..1], options.rounds).await?;
    Ok(report)
}

/// Requests without the paywall and paid ones, in turns.
struct Compared {
    plain: Vec<Sample>,
    paid: Vec<Sample>,
    /// Of the calls for the paid ones.
    entries: Histogram,
}

impl Compared {
    /// What Envoy does more for a paid request, in microseconds of its processor time.
    fn costs(&self) -> f64 {
        median(&self.paid, Sample::cpu) - median(&self.plain, Sample::cpu)
    }
}

async fn compare(bench: &mut Bench, payers: &mut [Channel], rounds: u32, meet: bool) -> Result<Compared> {
    if meet {
        bench.meet(payers).await?;
    }
    let before = Histogram::read(&bench.stack, BATCH_ENTRIES).await?;
    let (mut plain, mut paid) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        plain.push(bench.plain("/free").await?);
        let scripts = bench.paid(payers, "/premium/a")?;
        paid.push(bench.through(scripts).await?);
    }
    let entries = Histogram::read(&bench.stack, BATCH_ENTRIES).await?.since(&before);
    Ok(Compared { plain, paid, entries })
}

/// What a paid GET takes longer than a free one, where the service works for ten milliseconds meanwhile.
async fn overlap(report: &mut Report, bench: &mut Bench, payers: &mut [Channel], rounds: u32) -> Result<()> {
    bench.resize(REQUESTS, 1).await?;
    let (mut free, mut paid) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        free.push(bench.through(bench.unpaid(&format!("/{}", service::SLOW))).await?);
        let scripts = bench.paid(payers, &format!("/premium/{}", service::SLOW))?;
        paid.push(bench.through(scripts).await?);
    }
    let p50 = |samples: &[Sample]| median(samples, |sample| sample.run.quantile(0.5));
    report.figure("free_10ms_p50", p50(&free), "ms");
    report.figure("paid_10ms_p50", p50(&paid), "ms");
    report.at_most("added_p50", p50(&paid) - p50(&free), "ms", 0.5);
    Ok(())
}

/// Requests of each kind against the slow service in a round.
const REQUESTS: usize = 100;

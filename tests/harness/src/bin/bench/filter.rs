//! The filter in the way of requests: without it, through it for free, and paid.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use uraiden_harness::Database;

use crate::channels;
use crate::load::Load;
use crate::memory;
use crate::report::Report;
use crate::rounds::median;
use crate::service;
use crate::through::{Bench, Sample};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Rounds, in each of which everything is measured once
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Requests of each kind in a round
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1000..))]
    requests: u32,
    /// Connections at a time
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1000))]
    connections: u32,
    /// Numbers of channels to compare, after the first with one for each connection
    #[arg(long, value_delimiter = ',', default_value = "1000", value_parser = clap::value_parser!(u32).range(1..))]
    channels: Vec<u32>,
    /// The filter's `signerMemory`, such as 256MiB, instead of its default: very many busy channels want more
    #[arg(long, value_name = "MEMORY")]
    signer_memory: Option<String>,
}

pub(crate) async fn measure(options: &Options) -> Result<Report> {
    let mut report = Report::new("filter");
    let connections = options.connections as usize;
    let filter_keys: Vec<_> =
        options.signer_memory.iter().map(|memory| ("signerMemory", json!(memory))).collect();
    let start =
        || Bench::start(Database::Sqlite, filter_keys.clone(), options.requests as usize, connections, 1);
    let mut bench = start().await?;

    let mut alone = Load::connect(bench.service, connections).await?;
    let ceiling = alone.run(bench.unpaid("/"), Duration::ZERO).await?;
    report.figure("ceiling_rps", ceiling.rate(), "1/s");

    let mut channels = channels::open(&bench.stack, 0..connections).await?;
    bench.meet(&mut channels).await?;
    let mut few = Series::default();
    for _ in 0..options.rounds {
        few.plain.push(bench.plain("/free").await?);
        few.free.push(bench.through(bench.unpaid("/free")).await?);
        let scripts = bench.paid(&mut channels, "/premium/a")?;
        few.paid.push(bench.through(scripts).await?);
    }
    few.report(&mut report);

    let mut slow = Series::default();
    let path = format!("/{}", service::SLOW);
    let paid_path = format!("/premium/{}", service::SLOW);
    slow.plain.push(bench.plain(&path).await?);
    slow.free.push(bench.through(bench.unpaid(&path)).await?);
    let scripts = bench.paid(&mut channels, &paid_path)?;
    slow.paid.push(bench.through(scripts).await?);
    for (name, samples) in slow.named() {
        report.figure(format!("{name}_10ms_p50"), median(samples, |sample| sample.run.quantile(0.5)), "ms");
        report.figure(format!("{name}_10ms_p99"), median(samples, |sample| sample.run.quantile(0.99)), "ms");
    }

    for &number in &options.channels {
        // An Envoy of their own: where many have paid, a few have to share the memory with them.
        let mut crowd = start().await?;
        let mut payers = channels::open(&crowd.stack, 0..number as usize).await?;
        crowd.meet(&mut payers).await?;
        let (mut base, mut paid) = (Vec::new(), Vec::new());
        for _ in 0..options.rounds {
            let scripts = bench.paid(&mut channels, "/premium/a")?;
            base.push(bench.through(scripts).await?);
            let scripts = crowd.paid(&mut payers, "/premium/a")?;
            paid.push(crowd.through(scripts).await?);
        }
        let (base, paid) = (median(&base, Sample::cpu), median(&paid, Sample::cpu));
        report.figure(format!("paid_{number}_channels_cpu_us"), paid, "µs");
        report.at_most(format!("paid_{number}_channels_cpu_ratio"), paid / base, "", 1.15);
    }
    drop(bench);
    memory::measure(&mut report).await?;
    Ok(report)
}

/// The samples of each kind.
#[derive(Default)]
struct Series {
    plain: Vec<Sample>,
    free: Vec<Sample>,
    paid: Vec<Sample>,
}

impl Series {
    fn named(&self) -> [(&'static str, &[Sample]); 3] {
        [("plain", &self.plain), ("free", &self.free), ("paid", &self.paid)]
    }

    fn report(&self, report: &mut Report) {
        for (name, samples) in self.named() {
            report.figure(format!("{name}_rps"), median(samples, |sample| sample.run.rate()), "1/s");
            report.figure(format!("{name}_cpu_us"), median(samples, Sample::cpu), "µs");
            report.figure(format!("{name}_p50"), median(samples, |sample| sample.run.quantile(0.5)), "ms");
            report.figure(format!("{name}_p99"), median(samples, |sample| sample.run.quantile(0.99)), "ms");
        }
        let ratio = |of: &[Sample], figure: fn(&Sample) -> f64| {
            let ratios: Vec<f64> =
                of.iter().zip(&self.plain).map(|(one, plain)| figure(one) / figure(plain)).collect();
            median(&ratios, |ratio| *ratio)
        };
        report.at_least("free_ratio", ratio(&self.free, |sample| sample.run.rate()), "", 0.85);
        report.at_least("paid_ratio", ratio(&self.paid, |sample| sample.run.rate()), "", 0.30);
        report.at_most("paid_cpu_ratio", ratio(&self.paid, Sample::cpu), "", 2.8);
    }
}

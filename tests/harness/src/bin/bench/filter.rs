//! The filter in the way of requests: without it, through it for free, and paid.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use uraiden_harness::{EnvoyConfig, Options as StackOptions, Stack};

use crate::channels::{self, Channel};
use crate::load::{Load, Run, Script, get};
use crate::report::Report;
use crate::rounds::median;
use crate::service;

/// How often a signer has to sign before the filter has its table, and once more.
const MEETINGS: usize = 5;

/// The listener without the paywall, in the same Envoy.
const PLAIN: &str = "plain";

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
    #[arg(long, value_delimiter = ',', default_value = "1000")]
    channels: Vec<usize>,
}

pub(crate) async fn measure(options: &Options) -> Result<Report> {
    let mut report = Report::new("filter");
    let connections = options.connections as usize;
    let mut bench = Bench::start(options).await?;

    let mut alone = Load::connect(bench.service, connections).await?;
    let ceiling = alone.run(bench.unpaid("/"), Duration::ZERO).await?;
    report.figure("ceiling_rps", ceiling.rate(), "1/s");

    let most = options.channels.iter().copied().max().unwrap_or(0).max(connections);
    let mut channels = channels::open(&bench.stack, most).await?;
    bench.meet(&mut channels[..connections]).await?;
    let mut few = Series::default();
    for _ in 0..options.rounds {
        few.plain.push(bench.plain("/free").await?);
        few.free.push(bench.through(bench.unpaid("/free")).await?);
        let scripts = bench.paid(&mut channels[..connections], "/premium/a")?;
        few.paid.push(bench.through(scripts).await?);
    }
    few.report(&mut report);

    let mut slow = Series::default();
    let path = format!("/{}", service::SLOW);
    let paid_path = format!("/premium/{}", service::SLOW);
    slow.plain.push(bench.plain(&path).await?);
    slow.free.push(bench.through(bench.unpaid(&path)).await?);
    let scripts = bench.paid(&mut channels[..connections], &paid_path)?;
    slow.paid.push(bench.through(scripts).await?);
    for (name, samples) in slow.named() {
        report.figure(format!("{name}_10ms_p50"), median(samples, |sample| sample.run.quantile(0.5)), "ms");
        report.figure(format!("{name}_10ms_p99"), median(samples, |sample| sample.run.quantile(0.99)), "ms");
    }

    for &number in &options.channels {
        let (mut base, mut paid) = (Vec::new(), Vec::new());
        bench.meet(&mut channels[..number]).await?;
        for _ in 0..options.rounds {
            let scripts = bench.paid(&mut channels[..connections], "/premium/a")?;
            base.push(bench.through(scripts).await?);
            let scripts = bench.paid(&mut channels[..number], "/premium/a")?;
            paid.push(bench.through(scripts).await?);
        }
        let (base, paid) = (median(&base, Sample::cpu), median(&paid, Sample::cpu));
        report.figure(format!("paid_{number}_channels_cpu_us"), paid, "µs");
        report.at_most(format!("paid_{number}_channels_cpu_ratio"), paid / base, "", 1.15);
    }
    Ok(report)
}

/// What is measured.
struct Bench {
    stack: Stack,
    service: SocketAddr,
    plain: Load,
    through: Load,
    requests: usize,
    connections: usize,
}

/// One run, and the processor time that Envoy took for it.
struct Sample {
    run: Run,
    cpu: Duration,
}

impl Sample {
    /// Envoy's processor time per request, in microseconds.
    fn cpu(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.run.latencies.len() as f64
    }
}

impl Bench {
    async fn start(options: &Options) -> Result<Self> {
        let service = service::start()?;
        let stack = StackOptions {
            upstream: Some(service),
            concurrency: 1,
            change: add_plain,
            ..StackOptions::default()
        };
        let stack = Stack::start(stack).await?;
        let connections = options.connections as usize;
        let plain = Load::connect(stack.envoy.listener(PLAIN).await?, connections).await?;
        let through = Load::connect(stack.envoy.address(), connections).await?;
        Ok(Self { stack, service, plain, through, requests: options.requests as usize, connections })
    }

    async fn plain(&mut self, path: &str) -> Result<Sample> {
        let scripts = self.unpaid(path);
        let before = self.stack.envoy.part().usage()?.cpu;
        let run = self.plain.run(scripts, Duration::ZERO).await?;
        self.sample(run, before)
    }

    async fn through(&mut self, scripts: Vec<Script>) -> Result<Sample> {
        let before = self.stack.envoy.part().usage()?.cpu;
        let run = self.through.run(scripts, Duration::ZERO).await?;
        self.sample(run, before)
    }

    /// Lets each channel pay some times, so that the worker knows all signers before anything is measured.
    async fn meet(&mut self, channels: &mut [Channel]) -> Result<()> {
        for _ in 0..MEETINGS {
            let scripts = self.paid_once(channels, "/premium/a")?;
            self.through(scripts).await?;
        }
        Ok(())
    }

    fn sample(&mut self, run: Run, before: Duration) -> Result<Sample> {
        ensure!(run.errors == 0, "{} answers were not 200\n{}", run.errors, self.stack.log_tails());
        let cpu = self.stack.envoy.part().usage()?.cpu.saturating_sub(before);
        Ok(Sample { run, cpu })
    }

    fn each(&self) -> usize {
        self.requests / self.connections
    }

    fn unpaid(&self, path: &str) -> Vec<Script> {
        vec![vec![get(path, &[]); self.each()]; self.connections]
    }

    /// Payments by these channels in turn. A channel belongs to one connection, since its payments have an order.
    fn paid(&self, channels: &mut [Channel], path: &str) -> Result<Vec<Script>> {
        self.scripts(channels, path, |_| self.each())
    }

    /// One payment by each of these channels.
    fn paid_once(&self, channels: &mut [Channel], path: &str) -> Result<Vec<Script>> {
        self.scripts(channels, path, |own| own)
    }

    fn scripts(
        &self,
        channels: &mut [Channel],
        path: &str,
        length: impl Fn(usize) -> usize,
    ) -> Result<Vec<Script>> {
        let each = channels.len().div_ceil(self.connections);
        let script = |own: &mut [Channel]| {
            let length = length(own.len());
            (0..length)
                .map(|turn| {
                    let at = turn % own.len();
                    own[at].pay(path)
                })
                .collect::<Result<Script>>()
        };
        let mut scripts = channels.chunks_mut(each).map(script).collect::<Result<Vec<_>>>()?;
        // With few channels some connections have nothing to say.
        scripts.resize(self.connections, Script::new());
        Ok(scripts)
    }
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

/// Adds a listener that is like the public one, without the paywall.
fn add_plain(config: &mut EnvoyConfig) {
    let listeners = config.envoy.pointer_mut("/static_resources/listeners").and_then(Value::as_array_mut);
    let Some(listeners) = listeners else { return };
    let mut plain = listeners[0].clone();
    plain["name"] = json!(PLAIN);
    let filters = plain.pointer_mut("/filter_chains/0/filters/0/typed_config/http_filters");
    if let Some(filters) = filters.and_then(Value::as_array_mut) {
        filters.retain(|filter| filter["name"] != "envoy.filters.http.wasm");
    }
    listeners.push(plain);
}

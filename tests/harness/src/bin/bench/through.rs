//! Requests through Envoy: past the paywall, through it for free, and paid.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use uraiden_harness::{Database, EnvoyConfig, Options as StackOptions, Stack};

use crate::channels::{Channel, MEETINGS};
use crate::load::{Load, Run, Script, get};
use crate::service;

/// The listener without the paywall, in the same Envoy.
const PLAIN: &str = "plain";

/// What is measured.
pub(crate) struct Bench {
    pub(crate) stack: Stack,
    pub(crate) service: SocketAddr,
    plain: Load,
    through: Load,
    requests: usize,
    connections: usize,
}

/// One run, and the processor time that Envoy took for it.
pub(crate) struct Sample {
    pub(crate) run: Run,
    cpu: Duration,
}

impl Sample {
    /// Envoy's processor time per request, in microseconds.
    pub(crate) fn cpu(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.run.latencies.len() as f64
    }
}

impl Bench {
    /// With the ledger in this database and these keys of the filter's configuration, for so many requests over so many
    /// connections through so many workers.
    pub(crate) async fn start(
        database: Database,
        filter_keys: Vec<(&'static str, Value)>,
        requests: usize,
        connections: usize,
        workers: u32,
    ) -> Result<Self> {
        let service = service::start()?;
        let stack = StackOptions {
            database,
            upstream: Some(service),
            concurrency: workers,
            // The state of a block with very many channels takes tens of megabytes.
            kept_states: 8,
            filter_keys,
            change: add_plain,
            ..StackOptions::default()
        };
        let stack = Stack::start(stack).await?;
        let plain = Load::connect(stack.envoy.listener(PLAIN).await?, connections).await?;
        let through = Load::connect(stack.envoy.address(), connections).await?;
        Ok(Self { stack, service, plain, through, requests, connections })
    }

    /// Goes on with so many requests over so many connections.
    pub(crate) async fn resize(&mut self, requests: usize, connections: usize) -> Result<()> {
        self.plain = Load::connect(self.stack.envoy.listener(PLAIN).await?, connections).await?;
        self.through = Load::connect(self.stack.envoy.address(), connections).await?;
        (self.requests, self.connections) = (requests, connections);
        Ok(())
    }

    pub(crate) async fn plain(&mut self, path: &str) -> Result<Sample> {
        let scripts = self.unpaid(path);
        let before = self.stack.envoy.part().usage()?.cpu;
        let run = self.plain.run(scripts, Duration::ZERO).await?;
        self.sample(run, before)
    }

    pub(crate) async fn through(&mut self, scripts: Vec<Script>) -> Result<Sample> {
        let before = self.stack.envoy.part().usage()?.cpu;
        let run = self.through.run(scripts, Duration::ZERO).await?;
        self.sample(run, before)
    }

    /// Lets each channel pay some times, so that the worker knows all signers before anything is measured.
    pub(crate) async fn meet(&mut self, channels: &mut [Channel]) -> Result<()> {
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

    pub(crate) fn unpaid(&self, path: &str) -> Vec<Script> {
        vec![vec![get(path, &[]); self.each()]; self.connections]
    }

    /// Payments by these channels in turn, at least one by each. A channel belongs to one connection, since its payments
    /// have an order.
    pub(crate) fn paid(&self, channels: &mut [Channel], path: &str) -> Result<Vec<Script>> {
        self.scripts(channels, path, |own| own.max(self.each()))
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

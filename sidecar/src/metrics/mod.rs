//! Figures for Prometheus. Each is named and described once, in [`names`]; floating-point numbers begin here.
//!
//! Counters are counted where the thing happens, gauges of the whole are read when somebody asks.

mod gauges;
mod names;

use std::time::Duration;

use metrics::{counter, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

pub use gauges::Gauges;
pub use names::{Kind, METRICS, Metric};

/// How often samples of histograms are put into their buckets, so that they do not pile up while nobody asks.
const UPKEEP: Duration = Duration::from_secs(5);

/// Upper bounds of a commit's latency, in seconds.
const SECONDS: [f64; 12] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0];

/// Upper bounds of the number of entries.
const ENTRIES: [f64; 13] = [0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 4096.0];

/// What Prometheus is told.
#[derive(Clone, Debug)]
pub struct Metrics(PrometheusHandle);

/// The figures cannot be kept.
#[derive(Debug, thiserror::Error)]
#[error("the metrics cannot be set up: {0}")]
pub struct MetricsError(String);

impl Metrics {
    /// Begins to count, for this whole process, so once. Every figure is there from the beginning, at 0, so that
    /// nobody takes one that is missing for one that is fine. `nodes` are the names of the Ethereum nodes.
    ///
    /// # Errors
    ///
    /// [`MetricsError`] where something counts already.
    pub fn install(nodes: &[String]) -> Result<Self, MetricsError> {
        let handle = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
            .and_then(|builder| {
                builder.set_buckets_for_metric(Matcher::Suffix("_entries".to_owned()), &ENTRIES)
            })
            .and_then(PrometheusBuilder::install_recorder)
            .map_err(|error| MetricsError(error.to_string()))?;
        for metric in METRICS {
            metric.describe();
        }
        for node in nodes {
            counter!(names::RPC_CALLS, "node" => node.clone()).absolute(0);
            counter!(names::RPC_ERRORS, "node" => node.clone()).absolute(0);
        }
        Ok(Self(handle))
    }

    /// Everything in the text format of Prometheus.
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Keeps the memory of the histograms bounded, for ever.
    pub async fn upkeep(self) -> core::convert::Infallible {
        loop {
            tokio::time::sleep(UPKEEP).await;
            self.0.run_upkeep();
        }
    }
}

/// What was decided in a transaction that is durable now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A payment was accepted.
    Accepted,
    /// A replay of the latest proof was served from the channel's credit.
    Spent,
    /// A payment was refused, for the reason with this code.
    Refused(&'static str),
    /// A message came again, and was answered as before.
    Repeated,
    /// An attempt was taken back.
    TakenBack,
    /// An attempt was taken back of which nothing was known: its commit never arrived, or comes too late.
    Cancelled,
    /// A payment was to be taken back, was final, and became a credit.
    Credited,
    /// A payment was to be taken back, and stays: too many were in a row.
    Kept,
    /// An attempt id came with other contents.
    Conflict,
}

pub(crate) fn decided(decision: Decision) {
    match decision {
        Decision::Accepted => counter!(names::ACCEPTED).increment(1),
        Decision::Spent => counter!(names::SPENT).increment(1),
        Decision::Refused(reason) => counter!(names::REFUSED, "reason" => reason).increment(1),
        Decision::Repeated => counter!(names::REPEATED).increment(1),
        Decision::TakenBack => counter!(names::TAKEN_BACK).increment(1),
        Decision::Cancelled => {
            counter!(names::TAKEN_BACK).increment(1);
            counter!(names::UNKNOWN).increment(1);
        }
        Decision::Credited => counter!(names::CREDITED).increment(1),
        Decision::Kept => counter!(names::KEPT).increment(1),
        Decision::Conflict => counter!(names::CONFLICTS).increment(1),
    }
}

/// A transaction with so many entries became durable after so long.
pub(crate) fn committed(entries: usize, took: Duration) {
    histogram!(names::TRANSACTION_ENTRIES).record(entries as f64);
    histogram!(names::COMMIT_SECONDS).record(took);
}

/// This process leads from now on.
pub(crate) fn lease_taken() {
    counter!(names::LEASE_TAKEN).increment(1);
}

/// The ledger could not be written.
pub(crate) fn store_failed() {
    counter!(names::STORE_FAILURES).increment(1);
}

/// The database has forgotten transactions that it said are durable.
pub(crate) fn commits_lost() {
    counter!(names::COMMITS_LOST).increment(1);
}

/// A failover of the database can lose payments by so many standbys.
pub(crate) fn standbys_lag(standbys: u64) {
    gauge!(names::LAGGING_STANDBYS).set(standbys as f64);
}

/// A filter sent so many questions at once.
pub(crate) fn batch(entries: usize) {
    histogram!(names::BATCH_ENTRIES).record(entries as f64);
}

/// A node was asked, and answered or not.
pub(crate) fn node_asked(node: String, answered: bool) {
    if !answered {
        counter!(names::RPC_ERRORS, "node" => node.clone()).increment(1);
    }
    counter!(names::RPC_CALLS, "node" => node).increment(1);
}

/// The newest block that the node has, and its time in seconds since 1970.
pub(crate) fn node_head(number: u64, timestamp: u64) {
    gauge!(names::NODE_BLOCK).set(number as f64);
    gauge!(names::NODE_BLOCK_TIMESTAMP).set(timestamp as f64);
}

/// What the receiver has for transactions, in wei.
pub(crate) fn receiver_has(wei: alloy::primitives::U256) {
    gauge!(names::RECEIVER_ETHER).set(f64::from(wei) / 1e18);
}

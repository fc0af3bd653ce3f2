//! Histograms that a sidecar keeps.

use anyhow::{Context, Result, ensure};
use uraiden_harness::Sidecar;

/// The entries of each transaction.
pub(crate) const TRANSACTION_ENTRIES: &str = "uraiden_transaction_entries";

/// The seconds from a question to the ledger until its answer is durable.
pub(crate) const COMMIT_SECONDS: &str = "uraiden_commit_seconds";

/// The entries of each call of a filter.
pub(crate) const BATCH_ENTRIES: &str = "uraiden_batch_entries";

/// What was counted so far: up to each bound, how many samples.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Histogram {
    buckets: Vec<(f64, f64)>,
    sum: f64,
}

impl Histogram {
    /// Reads the histogram with this name.
    pub(crate) async fn read(sidecar: &Sidecar, name: &str) -> Result<Self> {
        let answer = sidecar.ask_admin("/metrics").await?;
        ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
        Self::parse(&answer.text(), name).with_context(|| format!("there is no histogram {name}"))
    }

    fn parse(text: &str, name: &str) -> Option<Self> {
        let mut buckets = Vec::new();
        let mut sum = None;
        for line in text.lines() {
            let Some(rest) = line.strip_prefix(name) else { continue };
            if let Some(rest) = rest.strip_prefix("_bucket{le=\"") {
                let (bound, count) = rest.split_once("\"} ")?;
                buckets.push((bound.parse().ok()?, count.parse().ok()?));
            } else if let Some(rest) = rest.strip_prefix("_sum ") {
                sum = rest.parse().ok();
            }
        }
        Some(Self { buckets, sum: sum? })
    }

    /// What was counted since then.
    pub(crate) fn since(&self, before: &Self) -> Self {
        let counts = self.buckets.iter().zip(&before.buckets);
        let buckets = counts.map(|((bound, now), (_, then))| (*bound, now - then)).collect();
        Self { buckets, sum: self.sum - before.sum }
    }

    /// How many samples.
    pub(crate) fn count(&self) -> f64 {
        self.buckets.last().map_or(0.0, |(_, count)| *count)
    }

    pub(crate) fn mean(&self) -> f64 {
        self.sum / self.count()
    }

    /// The value below which this part of the samples is, as if those of a bucket were spread evenly over it.
    pub(crate) fn quantile(&self, part: f64) -> f64 {
        let wanted = self.count() * part;
        let (mut low, mut below) = (0.0, 0.0);
        for &(bound, count) in &self.buckets {
            if count >= wanted && bound.is_finite() {
                let share = if count > below { (wanted - below) / (count - below) } else { 1.0 };
                return low + (bound - low) * share;
            }
            (low, below) = (bound, count);
        }
        f64::INFINITY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# HELP calls that
calls_bucket{le=\"0\"} 10
calls_bucket{le=\"8\"} 10
calls_bucket{le=\"16\"} 30
calls_bucket{le=\"+Inf\"} 30
calls_sum 240
calls_count 30
calls_else_sum 1
";

    #[test]
    fn quantiles_lie_within_their_buckets() {
        let all = Histogram::parse(TEXT, "calls").unwrap();
        assert_eq!((all.count(), all.mean()), (30.0, 8.0));
        assert_eq!(all.quantile(0.5), 10.0);
        assert_eq!(all.quantile(0.1), 0.0);
        let before = Histogram {
            buckets: vec![(0.0, 10.0), (8.0, 10.0), (16.0, 10.0), (f64::INFINITY, 10.0)],
            sum: 0.0,
        };
        let since = all.since(&before);
        assert_eq!((since.count(), since.quantile(0.5)), (20.0, 12.0));
        assert_eq!(Histogram::parse(TEXT, "other"), None);
    }
}

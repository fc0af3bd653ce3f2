//! What became of the requests in each step of an upgrade.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use uraiden_harness::Stack;

use super::load::{Counts, Load};
use crate::scene::PRICE;

/// One step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    step: &'static str,
    free: u64,
    free_failed: u64,
    served: u64,
    /// Refused or broken: a payer then tries again.
    not_served: u64,
    pub(super) longest_wait: Duration,
    /// All payments in the ledger at the end of the step.
    payments: u64,
}

/// All steps.
#[derive(Debug, Default)]
pub(super) struct Table(Vec<Row>);

impl Table {
    /// Ends a step: what was counted since the last one.
    pub(super) async fn row(&mut self, step: &'static str, load: &Load, stack: &Stack) -> Result<Row> {
        let Counts { free, free_failed, served, not_served, longest_wait } = &*load.counts;
        let take = |count: &AtomicU64| count.swap(0, Ordering::Relaxed);
        let row = Row {
            step,
            free: take(free),
            free_failed: take(free_failed),
            served: take(served),
            not_served: take(not_served),
            longest_wait: Duration::from_millis(take(longest_wait)),
            payments: payments(stack).await?,
        };
        self.0.push(row);
        Ok(row)
    }

    pub(super) fn free_failures(&self) -> u64 {
        self.0.iter().map(|row| row.free_failed).sum()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "step                   free  failed   paid  not served at once  longest wait  payments held"
        )?;
        for Row { step, free, free_failed, served, not_served, longest_wait, payments } in &self.0 {
            let wait = format!("{} ms", longest_wait.as_millis());
            writeln!(
                f,
                "{step:20} {free:6} {free_failed:7} {served:6} {not_served:19} {wait:>13} {payments:14}"
            )?;
        }
        Ok(())
    }
}

/// The payments that the ledger holds, by what was earned.
async fn payments(stack: &Stack) -> Result<u64> {
    let overview = stack.sidecar.admin_call("GET", "/admin/overview").await?.json()?;
    let earned: u64 = overview["earned"].as_str().context("no earnings")?.parse()?;
    Ok(earned / PRICE)
}

//! Payments straight to the sidecar, in calls as the filter makes them.

use std::time::Duration;

use anyhow::Result;
use hyper::body::Bytes;
use uraiden_core::wire::{Attempt, Entry};
use uraiden_harness::{Database, Stack};

use super::bare::Bare;
use crate::calls::{CALL, Filter, Ids, flood};
use crate::channels::Channel;
use crate::histogram::{COMMIT_SECONDS, Histogram, TRANSACTION_ENTRIES};
use crate::report::Report;
use crate::rounds::median;

/// Payments in flight.
pub(super) const IN_FLIGHT: usize = 256;

/// Calls on each connection in a round.
const CALLS: usize = 40;

/// Payments one at a time in a round.
const ALONE: usize = 100;

/// Many payments in flight, and one, beside a bare loop.
pub(super) struct Direct {
    filters: Vec<Filter>,
    bare: Bare,
    /// The bare loop's own payments.
    copied: Vec<Channel>,
    ids: Ids,
    found: Vec<Round>,
}

/// What a round finds.
struct Round {
    bare_rate: f64,
    rate: f64,
    bare_one_us: f64,
    one_us: f64,
    /// The part of it that the ledger takes, from the question until it is durable.
    ledger_us: f64,
    per_transaction: f64,
}

impl Direct {
    pub(super) async fn prepare(stack: &Stack, database: Database, channels: &mut [Channel]) -> Result<Self> {
        let mut filters = Vec::new();
        for _ in 0..IN_FLIGHT / CALL {
            filters.push(Filter::connect(stack, &stack.sidecar).await?);
        }
        let mut ids = Ids::default();
        // So that the sidecar, like one that has run for a while, knows who pays.
        for _ in 0..4 {
            let questions = questions(&filters, channels, 1, &mut ids)?;
            flood(&mut filters, questions).await?;
        }
        let bare = Bare::beside(stack, database).await?;
        Ok(Self { filters, bare, copied: channels.to_vec(), ids, found: Vec::new() })
    }

    /// Measures everything once.
    pub(super) async fn round(&mut self, stack: &Stack, channels: &mut [Channel]) -> Result<()> {
        let Self { filters, bare, copied, ids, found } = self;
        let paid = attempts(copied, CALLS, ids)?;
        let bare_rate = rate(paid.len(), bare.pay(&paid, IN_FLIGHT).await?);
        let questions = questions(filters, channels, CALLS, ids)?;
        let before = Histogram::read(&stack.sidecar, TRANSACTION_ENTRIES).await?;
        let took = flood(filters, questions).await?.time;
        let transactions = Histogram::read(&stack.sidecar, TRANSACTION_ENTRIES).await?.since(&before);
        let (mut bare_one, mut one) = (Vec::new(), Vec::new());
        let before = Histogram::read(&stack.sidecar, COMMIT_SECONDS).await?;
        for _ in 0..ALONE {
            let attempt = [copied[0].attempt(ids.next(0))?];
            bare_one.push(bare.pay(&attempt, 1).await?);
            let attempt = channels[0].attempt(ids.next(0))?;
            let question = filters[0].question(vec![Entry::Commit(attempt)])?;
            one.push(filters[0].pay(question).await?);
        }
        let ledger = Histogram::read(&stack.sidecar, COMMIT_SECONDS).await?.since(&before);
        let mean = |samples: &[Duration]| samples.iter().sum::<Duration>().as_secs_f64() * 1e6 / ALONE as f64;
        found.push(Round {
            bare_rate,
            rate: rate(paid.len(), took),
            bare_one_us: mean(&bare_one),
            one_us: mean(&one),
            ledger_us: ledger.mean() * 1e6,
            per_transaction: transactions.mean(),
        });
        Ok(())
    }

    /// `verify_us` is what libsecp256k1 takes to check a signature, in microseconds.
    pub(super) fn report(&self, report: &mut Report, verify_us: f64) {
        let found = &self.found;
        let checked = |round: &Round| 1e6 / (1e6 / round.bare_rate + verify_us);
        report.figure("bare_payments_per_s", median(found, |round| round.bare_rate), "1/s");
        report.figure("bare_checked_payments_per_s", median(found, checked), "1/s");
        report.figure("payments_per_s", median(found, |round| round.rate), "1/s");
        report.figure("bare_ratio", median(found, |round| round.rate / round.bare_rate), "");
        report.at_least("payments_ratio", median(found, |round| round.rate / checked(round)), "", 0.6);
        report.at_least("payments_per_fsync", median(found, |round| round.per_transaction), "", 100.0);
        report.figure("bare_commit_us", median(found, |round| round.bare_one_us), "µs");
        report.figure("commit_us", median(found, |round| round.ledger_us), "µs");
        let ratio = median(found, |round| round.ledger_us / round.bare_one_us);
        report.at_most("commit_ratio", ratio, "", 1.5);
        report.figure("commit_call_us", median(found, |round| round.one_us), "µs");
    }
}

fn rate(payments: usize, took: Duration) -> f64 {
    payments as f64 / took.as_secs_f64()
}

/// So many payments by each channel, in turns.
fn attempts(channels: &mut [Channel], turns: usize, ids: &mut Ids) -> Result<Vec<Attempt>> {
    let mut attempts = Vec::with_capacity(turns * channels.len());
    for _ in 0..turns {
        for (at, channel) in channels.iter_mut().enumerate() {
            attempts.push(channel.attempt(ids.next(at / CALL))?);
        }
    }
    Ok(attempts)
}

/// The same as calls, for each connection its own channels.
fn questions(
    filters: &[Filter],
    channels: &mut [Channel],
    turns: usize,
    ids: &mut Ids,
) -> Result<Vec<Vec<Bytes>>> {
    let mut questions = vec![Vec::with_capacity(turns); filters.len()];
    for turn in attempts(channels, turns, ids)?.chunks(channels.len()) {
        for ((filter, questions), call) in filters.iter().zip(&mut questions).zip(turn.chunks(CALL)) {
            questions.push(filter.question(call.iter().copied().map(Entry::Commit).collect())?);
        }
    }
    Ok(questions)
}

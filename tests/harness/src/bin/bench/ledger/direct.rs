//! Payments straight to the sidecar, in calls as the filter makes them.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hyper::body::Bytes;
use tokio::task::JoinSet;
use uraiden_core::wire::{Answer, Attempt, AttemptId, Entry};
use uraiden_harness::Stack;

use super::bare::Bare;
use super::histogram::Histogram;
use crate::calls::Filter;
use crate::channels::Channel;
use crate::report::Report;
use crate::rounds::median;
use crate::signature;

/// Payments in one call of a filter.
const CALL: usize = 32;

/// Payments in flight.
pub(super) const IN_FLIGHT: usize = 256;

/// Calls on each connection in a round.
const CALLS: usize = 40;

/// Payments one at a time in a round.
const ALONE: usize = 100;

/// A histogram of the sidecar: the entries of each transaction.
const TRANSACTION_ENTRIES: &str = "uraiden_transaction_entries";

/// Another: the seconds from a question to the ledger until its answer is durable.
const COMMIT_SECONDS: &str = "uraiden_commit_seconds";

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

/// Many payments in flight, and one, beside a bare loop.
pub(super) async fn measure(
    report: &mut Report,
    stack: &Stack,
    channels: &mut [Channel],
    rounds: u32,
) -> Result<()> {
    let mut filters = Vec::new();
    for _ in 0..IN_FLIGHT / CALL {
        filters.push(Filter::connect(stack).await?);
    }
    let mut ids = Ids { counted: 0 };
    // So that the sidecar, like one that has run for a while, knows who pays.
    for _ in 0..4 {
        let questions = questions(&filters, channels, 1, &mut ids)?;
        flood(&mut filters, questions).await?;
    }
    let mut bare = Bare::beside(&stack.ledger_file())?;
    // The copy's own payments.
    let mut copied = channels.to_vec();
    let mut found = Vec::new();
    for _ in 0..rounds {
        let attempts = attempts(&mut copied, CALLS, &mut ids)?;
        let bare_rate = rate(attempts.len(), bare.pay(&attempts, IN_FLIGHT)?);
        let questions = questions(&filters, channels, CALLS, &mut ids)?;
        let before = Histogram::read(stack, TRANSACTION_ENTRIES).await?;
        let took = flood(&mut filters, questions).await?;
        let transactions = Histogram::read(stack, TRANSACTION_ENTRIES).await?.since(&before);
        let (mut bare_one, mut one) = (Vec::new(), Vec::new());
        let before = Histogram::read(stack, COMMIT_SECONDS).await?;
        for _ in 0..ALONE {
            let attempt = [copied[0].attempt(ids.next(0))?];
            bare_one.push(bare.pay(&attempt, 1)?);
            let attempt = channels[0].attempt(ids.next(0))?;
            let question = filters[0].question(vec![Entry::Commit(attempt)])?;
            one.push(call(&mut filters[0], question).await?);
        }
        let ledger = Histogram::read(stack, COMMIT_SECONDS).await?.since(&before);
        let mean = |samples: &[Duration]| samples.iter().sum::<Duration>().as_secs_f64() * 1e6 / ALONE as f64;
        found.push(Round {
            bare_rate,
            rate: rate(attempts.len(), took),
            bare_one_us: mean(&bare_one),
            one_us: mean(&one),
            ledger_us: ledger.mean() * 1e6,
            per_transaction: transactions.mean(),
        });
    }
    let verify_us = signature::native_verify_us()?;
    let checked = |round: &Round| 1e6 / (1e6 / round.bare_rate + verify_us);
    report.figure("bare_payments_per_s", median(&found, |round| round.bare_rate), "1/s");
    report.figure("bare_checked_payments_per_s", median(&found, checked), "1/s");
    report.figure("payments_per_s", median(&found, |round| round.rate), "1/s");
    report.figure("bare_ratio", median(&found, |round| round.rate / round.bare_rate), "");
    report.at_least("payments_ratio", median(&found, |round| round.rate / checked(round)), "", 0.6);
    report.at_least("payments_per_fsync", median(&found, |round| round.per_transaction), "", 100.0);
    report.figure("bare_commit_us", median(&found, |round| round.bare_one_us), "µs");
    report.figure("commit_us", median(&found, |round| round.ledger_us), "µs");
    report.at_most("commit_ratio", median(&found, |round| round.ledger_us / round.bare_one_us), "", 1.5);
    report.figure("commit_call_us", median(&found, |round| round.one_us), "µs");
    Ok(())
}

fn rate(payments: usize, took: Duration) -> f64 {
    payments as f64 / took.as_secs_f64()
}

/// Ids as the filter's workers give them: one beginning each, then counted.
struct Ids {
    counted: u64,
}

impl Ids {
    fn next(&mut self, worker: usize) -> AttemptId {
        self.counted += 1;
        AttemptId((worker as u128 + 1) << 64 | u128::from(self.counted))
    }
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

/// Sends each connection its calls, one after the other, and says how long all of them took.
async fn flood(filters: &mut Vec<Filter>, questions: Vec<Vec<Bytes>>) -> Result<Duration> {
    let mut tasks = JoinSet::new();
    let start = Instant::now();
    for (mut filter, questions) in filters.drain(..).zip(questions) {
        tasks.spawn(async move {
            for question in questions {
                call(&mut filter, question).await?;
            }
            anyhow::Ok(filter)
        });
    }
    while let Some(done) = tasks.join_next().await {
        filters.push(done??);
    }
    Ok(start.elapsed())
}

async fn call(filter: &mut Filter, question: Bytes) -> Result<Duration> {
    let (answers, took) = filter.call(question).await?;
    let refused = answers.iter().find(|answer| !matches!(answer, Answer::Accepted { .. }));
    ensure!(refused.is_none(), "a good payment was not accepted: {refused:?}");
    Ok(took)
}

//! Batches of questions that share a transaction: deciding and answering them, whatever the database.

use core::mem;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use uraiden_core::wire::Answer;

use super::draft::Draft;
use super::verify::Checked;
use super::{ATTEMPT_TTL, Commits};
use crate::metrics;

/// After how many entries, or after how long, old attempts are forgotten: not in every transaction, since many are about
/// one payment only.
const PRUNE_ENTRIES: usize = 256;
const PRUNE_AFTER: Duration = Duration::from_secs(1);

/// Questions of a filter.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) entries: Vec<Checked>,
    pub(super) commits: Commits,
    /// When they were asked.
    pub(super) asked: Instant,
    /// An asker that has gone away is no matter: what it asked for is done, and a repeated message will find it.
    pub(super) reply: oneshot::Sender<Vec<Answer>>,
}

/// The entries of all these batches, in their order.
pub(super) fn entries(batches: &[Batch]) -> impl Iterator<Item = &Checked> {
    batches.iter().flat_map(|batch| &batch.entries)
}

/// Decides these batches, one entry after the other, and says what each is to be answered.
pub(super) fn decide(draft: &mut Draft<'_>, batches: &[Batch]) -> Vec<Vec<Answer>> {
    let decide = |Batch { entries, commits, .. }: &Batch| {
        entries.iter().map(|entry| draft.decide(entry, *commits)).collect()
    };
    batches.iter().map(decide).collect()
}

/// Gives the answers, once what they say is durable.
pub(super) fn answer(draft: Draft<'_>, batches: Vec<Batch>, answers: Vec<Vec<Answer>>) {
    draft.into_decisions().into_iter().for_each(metrics::decided);
    if let Some(asked) = batches.iter().map(|batch| batch.asked).min() {
        metrics::committed(entries(&batches).count(), asked.elapsed());
    }
    for (batch, answers) in batches.into_iter().zip(answers) {
        drop(batch.reply.send(answers));
    }
}

/// When old attempts are forgotten, and how many of them.
#[derive(Debug)]
pub(super) struct Pruning {
    /// Entries since old attempts were forgotten, and when that was.
    unpruned: usize,
    pruned: Instant,
}

/// What a transaction is to forget.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prune {
    /// Attempts from before this, in milliseconds since 1970.
    pub(super) before: u64,
    /// At most so many.
    pub(super) limit: u32,
}

impl Pruning {
    pub(super) fn new() -> Self {
        Self { unpruned: 0, pruned: Instant::now() }
    }

    /// How much a transaction with so many entries shall forget: more than was added since the last time, so that the
    /// table does not grow for ever. `None` where it is too early.
    pub(super) fn due(&mut self, entries: usize, now: u64) -> Option<Prune> {
        self.unpruned += entries;
        if self.unpruned < PRUNE_ENTRIES && self.pruned.elapsed() < PRUNE_AFTER {
            return None;
        }
        self.pruned = Instant::now();
        let limit = 2 * mem::take(&mut self.unpruned).max(PRUNE_ENTRIES);
        let ttl = u64::try_from(ATTEMPT_TTL.as_millis()).unwrap_or(u64::MAX);
        Some(Prune { before: now.saturating_sub(ttl), limit: u32::try_from(limit).unwrap_or(u32::MAX) })
    }
}

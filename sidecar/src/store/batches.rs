//! The writing of what filters ask: many batches in one transaction.
//!
//! This is the way of every payment, so it calls SQLite directly: through sqlx each statement would be a way to another
//! thread and back, which takes as long as a dozen statements.

use core::mem;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;
use uraiden_core::wire::Answer;

use super::columns::failed;
use super::draft::Draft;
use super::index::Index;
use super::verify::Checked;
use super::{ATTEMPT_TTL, Commits, Scope, attempts, income, open};
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

/// The connection that batches are written by.
#[derive(Debug)]
pub(super) struct Batches {
    connection: Connection,
    /// Entries since old attempts were forgotten, and when that was.
    unpruned: usize,
    pruned: Instant,
}

impl Batches {
    pub(super) fn open(path: &Path) -> Result<Self, sqlx::Error> {
        let connection = open::connect_directly(path).map_err(failed)?;
        Ok(Self { connection, unpruned: 0, pruned: Instant::now() })
    }

    /// Decides these batches, one entry after the other, and answers them once all of it is durable. `now` is in
    /// milliseconds since 1970.
    ///
    /// # Errors
    ///
    /// Nothing is decided, or nobody knows. The askers learn that from their replies being dropped.
    pub(super) fn write(
        &mut self,
        scope: &Scope,
        index: &Index,
        batches: Vec<Batch>,
        now: u64,
    ) -> Result<(), sqlx::Error> {
        let count = batches.iter().map(|batch| batch.entries.len()).sum();
        let asked = batches.iter().map(|batch| batch.asked).min();
        let limit = self.due(count);
        // Takes the write lock at once, so that nothing is found locked half-way.
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let entries = batches.iter().flat_map(|batch| &batch.entries);
        let mut draft = Draft::read(&transaction, scope, entries, now)?;
        let answer = |Batch { entries, commits, reply, .. }: Batch| {
            let answers: Vec<_> = entries.iter().map(|entry| draft.decide(entry, commits)).collect();
            (reply, answers)
        };
        let answers: Vec<_> = batches.into_iter().map(answer).collect();
        draft.write(&transaction)?;
        if let Some(limit) = limit {
            let ttl = u64::try_from(ATTEMPT_TTL.as_millis()).unwrap_or(u64::MAX);
            attempts::prune(&transaction, now.saturating_sub(ttl), limit)?;
            income::prune(&transaction, now)?;
        }
        transaction.commit().map_err(failed)?;

        index.wrote(draft.changed());
        draft.into_decisions().into_iter().for_each(metrics::decided);
        if let Some(asked) = asked {
            metrics::committed(count, asked.elapsed());
        }
        for (reply, answers) in answers {
            drop(reply.send(answers));
        }
        Ok(())
    }

    /// How many old attempts a transaction with so many entries shall forget: more than were added since the last time,
    /// so that the table does not grow for ever. `None` where it is too early.
    fn due(&mut self, entries: usize) -> Option<u32> {
        self.unpruned += entries;
        if self.unpruned < PRUNE_ENTRIES && self.pruned.elapsed() < PRUNE_AFTER {
            return None;
        }
        self.pruned = Instant::now();
        let limit = 2 * mem::take(&mut self.unpruned).max(PRUNE_ENTRIES);
        Some(u32::try_from(limit).unwrap_or(u32::MAX))
    }
}

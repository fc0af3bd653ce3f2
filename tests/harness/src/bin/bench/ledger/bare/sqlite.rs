//! What the disk and SQLite can do: the writes of a payment and nothing else, statement by statement, by the C library.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rusqlite::{Connection, params};
use uraiden_core::wire::Attempt;

use super::HOUR;

/// A copy of the ledger, which nobody else uses.
pub(in super::super) struct Sqlite(Connection);

impl Sqlite {
    /// Copies the ledger to a file beside it, so that both are on one disk and have the same rows.
    pub(super) fn beside(ledger: &Path) -> Result<Self> {
        let copy = ledger.with_extension("bare");
        let from = Connection::open(ledger).with_context(|| ledger.display().to_string())?;
        from.execute("VACUUM INTO ?1", [copy.to_str().context("a path that is no text")?])?;
        let connection = Connection::open(&copy)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        Ok(Self(connection))
    }

    /// Makes these payments durable, so many in each transaction, and says how long that took.
    pub(super) fn pay(&mut self, attempts: &[Attempt], group: usize) -> Result<Duration> {
        let start = Instant::now();
        for attempts in attempts.chunks(group) {
            let transaction = self.0.transaction()?;
            for attempt in attempts {
                let changed = transaction
                    .prepare_cached(
                        "UPDATE channels SET undo_attempt = ?1, undo_balance = balance, undo_signature = signature, \
                         balance = ?2, signature = ?3, updated_at = ?4 \
                         WHERE sender = ?5 AND open_block = ?6 AND balance < ?2 AND chain_state = 'open'",
                    )?
                    .execute(params![
                        attempt.id.0.to_be_bytes(),
                        attempt.balance.to_be_bytes(),
                        attempt.signature.to_bytes(),
                        HOUR,
                        attempt.channel.sender.0,
                        attempt.channel.open_block.0,
                    ])?;
                ensure!(changed == 1, "the copy of the ledger does not have {:?}", attempt.channel);
                transaction
                    .prepare_cached(
                        "INSERT INTO attempts (id, contents, outcome, at) VALUES (?1, ?2, 'accepted', ?3)",
                    )?
                    .execute(params![attempt.id.0.to_be_bytes(), [7_u8; 32], HOUR])?;
            }
            transaction.commit()?;
        }
        Ok(start.elapsed())
    }
}

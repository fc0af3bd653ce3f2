//! The way of every payment. It calls SQLite directly: through sqlx each statement would be a way to another thread and
//! back, which takes as long as a dozen statements.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::super::batches::{self, Batch, Pruning};
use super::super::columns::failed;
use super::super::{Scope, attempts, income};
use super::index::Index;
use super::{file, read, write};

/// The connection that batches are written by.
#[derive(Debug)]
pub(super) struct Batches {
    connection: Connection,
    pruning: Pruning,
}

impl Batches {
    pub(super) fn open(path: &Path) -> Result<Self, sqlx::Error> {
        Ok(Self { connection: file::connect_directly(path).map_err(failed)?, pruning: Pruning::new() })
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
        let prune = self.pruning.due(batches::entries(&batches).count(), now);
        // Takes the write lock at once, so that nothing is found locked half-way.
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let mut draft = read::read(&transaction, scope, batches::entries(&batches), now)?;
        let answers = batches::decide(&mut draft, &batches);
        write::write(&draft, &transaction)?;
        if let Some(prune) = prune {
            attempts::prune(&transaction, prune.before, prune.limit)?;
            income::prune(&transaction, now)?;
        }
        transaction.commit().map_err(failed)?;

        index.wrote(draft.changed().map(|account| &account.row));
        batches::answer(draft, batches, answers);
        Ok(())
    }
}

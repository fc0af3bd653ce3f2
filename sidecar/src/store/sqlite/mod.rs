//! The ledger in a SQLite file, which this process has for itself.

mod batches;
mod copy;
mod file;
mod filesystem;
mod index;
mod moved;
mod read;
mod write;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::any::AnyPoolOptions;
use sqlx::{AnyConnection, AnyPool, Connection};

use super::batches::Batch;
use super::step::Step;
use super::{OpenError, Scope};
use batches::Batches;

pub use copy::{Copied, CopyError, copy, restore};
#[cfg(test)]
pub(super) use file::in_memory;
pub(super) use file::{Access, connect, connect_directly, connect_in_memory, lock, migrate, private_file};
pub use filesystem::refuse_network;
pub(super) use index::Index;
pub(super) use moved::refuse_moved;

/// How many connections read at a time.
const READERS: u32 = 4;

/// The one who writes the file.
pub(super) struct Sqlite {
    path: PathBuf,
    steps: AnyConnection,
    batches: Batches,
    index: Arc<Index>,
    scope: Scope,
    /// Held as long as a connection is open.
    _lock: File,
}

/// Takes a file for this process, and brings its tables up to date. One whose ledger is elsewhere is refused.
pub(super) async fn prepare(path: &Path) -> Result<(File, AnyConnection), OpenError> {
    let lock = lock(path)?;
    private_file(path)?;
    let connect = connect(path, Access::Write).await;
    let mut connection = connect.map_err(|source| OpenError::Sqlite { path: path.to_owned(), source })?;
    migrate(&mut connection, path).await?;
    refuse_moved(&mut connection, path).await?;
    Ok((lock, connection))
}

/// Connections that only read a file.
pub(super) fn readers(path: &Path) -> Result<AnyPool, sqlx::Error> {
    let options = file::options(path, Access::Read)?;
    Ok(AnyPoolOptions::new().max_connections(READERS).connect_lazy_with(options))
}

impl Sqlite {
    pub(super) async fn new(
        path: &Path,
        lock: File,
        mut steps: AnyConnection,
        scope: Scope,
    ) -> Result<Self, sqlx::Error> {
        let index = Arc::new(Index::load(&mut steps, scope).await?);
        Ok(Self { path: path.to_owned(), steps, batches: Batches::open(path)?, index, scope, _lock: lock })
    }

    pub(super) fn index(&self) -> Arc<Index> {
        self.index.clone()
    }

    /// Decides these batches, and answers them once that is durable. `now` is in milliseconds since 1970.
    pub(super) fn decide(&mut self, batches: Vec<Batch>, now: u64) -> Result<(), sqlx::Error> {
        self.batches.write(&self.scope, &self.index, batches, now)
    }

    /// Takes these steps, and answers them once that is durable. Without any it writes a page, to see whether that is
    /// possible again.
    pub(super) async fn take(&mut self, mut steps: Vec<Step>, now: u64) -> Result<(), sqlx::Error> {
        // Takes the write lock at once, so that nothing is found locked half-way.
        let mut transaction = self.steps.begin_with("BEGIN IMMEDIATE").await?;
        if steps.is_empty() {
            sqlx::query("UPDATE ledger SET generation = generation").execute(&mut *transaction).await?;
        }
        for step in &mut steps {
            step.take(&mut transaction, now).await?;
        }
        let changes = self.index.changes(&mut transaction).await?;
        transaction.commit().await?;
        self.index.committed(changes);
        steps.into_iter().for_each(Step::tell);
        Ok(())
    }

    /// Replaces the connections. When a write fails, as on a full disk, SQLite rolls back by itself; sqlx does not learn
    /// of it, and would refuse every later transaction as one within that.
    pub(super) async fn reconnect(&mut self) -> Result<(), sqlx::Error> {
        let mut steps = connect(&self.path, Access::Write).await?;
        let batches = Batches::open(&self.path)?;
        self.index.load_again(&mut steps).await?;
        (self.steps, self.batches) = (steps, batches);
        Ok(())
    }

    pub(super) async fn close(self) -> Result<(), sqlx::Error> {
        self.steps.close().await
    }
}

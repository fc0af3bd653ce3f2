//! Why a ledger is not opened.

use std::path::PathBuf;

use sqlx::migrate::MigrateError;

use super::{BindError, Fragile};

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file, or the lock file beside it, cannot be used.
    #[error("cannot open {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another process has it.
    #[error(
        "database {} is in use by another process: one database serves one `uraiden serve` (its lock is {}.lock)",
        path.display(),
        path.display()
    )]
    InUse {
        /// The database.
        path: PathBuf,
    },
    /// Others can read the proofs.
    #[error(
        "database {} has mode {mode:04o}, so that others can use it: `chmod 600` it",
        path.display()
    )]
    Mode {
        /// The database.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A later version wrote it.
    #[error(
        "database {database} is at version {version} of the tables, which this program does not know: use a newer \
         uraiden"
    )]
    TooNew {
        /// The database.
        database: String,
        /// The unknown version.
        version: i64,
    },
    /// The tables could not be made or brought up to date.
    #[error("database {}: {source}", path.display())]
    Migration {
        /// The database.
        path: PathBuf,
        /// Why.
        source: MigrateError,
    },
    /// SQLite refuses.
    #[error("database {}: {source}", path.display())]
    Sqlite {
        /// The database.
        path: PathBuf,
        /// Why.
        source: sqlx::Error,
    },
    /// PostgreSQL refuses, or cannot be reached.
    #[error("database {database}: {source}")]
    Postgres {
        /// The database.
        database: String,
        /// Why.
        source: sqlx::Error,
    },
    /// What PostgreSQL says is durable may be lost.
    #[error("database {database}: {source}")]
    Fragile {
        /// The database.
        database: String,
        /// Why.
        source: Fragile,
    },
    /// The file lies where write-ahead logging does not work.
    #[error(
        "database {} lies on {filesystem}, where the locks and the shared memory of SQLite's write-ahead log cannot be \
         relied on: put it on a local disk, or give --network-database allow if it is used from this machine alone \
         and its locks are known to work",
        path.display()
    )]
    Network {
        /// The database.
        path: PathBuf,
        /// What kind of file system it is.
        filesystem: &'static str,
    },
    /// Its ledger is in PostgreSQL now.
    #[error(
        "the ledger of {} was moved to {target}: give that as --database. What is left here is as good as a backup of that \
         moment, which `uraiden restore` takes into use",
        path.display()
    )]
    Moved {
        /// The file.
        path: PathBuf,
        /// Host, port and name of the database.
        target: String,
    },
    /// Its ledger may be in PostgreSQL now.
    #[error(
        "the ledger of {} was being moved to {target}, and whether it arrived is not known here: run `uraiden migrate` \
         again, which finishes the move or begins it anew, or with --cancel gives the file back if nothing arrived",
        path.display()
    )]
    Moving {
        /// The file.
        path: PathBuf,
        /// Host, port and name of the database.
        target: String,
    },
    /// It belongs to another contract or receiver.
    #[error("database {database}: {source}")]
    Binding {
        /// The database.
        database: String,
        /// What differs.
        source: BindError,
    },
}

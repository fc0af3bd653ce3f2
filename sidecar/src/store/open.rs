//! Opening the SQLite file: one process, readable by us alone, at a version that we know.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{AnyConnection, ConnectOptions, Connection, SqlSafeStr};
use tokio::sync::mpsc;
use url::Url;

use super::batches::Batches;
use super::binding::{self, BindError};
use super::generation;
use super::index::Index;
use super::remembered::Remembered;
use super::verify::{Coming, Verifier};
use super::writer::{QUEUE, Writer};
use super::{Scope, Sharing, Store};
use crate::health::HealthBoard;

/// The tables, by version. A line is added for each change; a line that was released is never changed.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "ledger", include_str!("../../migrations/sqlite/0001_ledger.sql")),
    (2, "claims", include_str!("../../migrations/sqlite/0002_claims.sql")),
    (3, "incident", include_str!("../../migrations/sqlite/0003_incident.sql")),
    (4, "generation", include_str!("../../migrations/sqlite/0004_generation.sql")),
    (5, "credit", include_str!("../../migrations/sqlite/0005_credit.sql")),
    (6, "income", include_str!("../../migrations/sqlite/0006_income.sql")),
    (7, "leader", include_str!("../../migrations/sqlite/0007_leader.sql")),
];

/// How many connections read at a time.
const READERS: u32 = 4;

/// An open ledger.
pub struct Opened {
    /// The handle that everyone gets.
    pub store: Store,
    /// The task that writes; it ends when the last handle is gone.
    pub writer: Writer,
}

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
        "database {} is at version {version} of the tables, which this program does not know: use a newer uraiden",
        path.display()
    )]
    TooNew {
        /// The database.
        path: PathBuf,
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
    /// It belongs to another contract or receiver.
    #[error("database {}: {source}", path.display())]
    Binding {
        /// The database.
        path: PathBuf,
        /// What differs.
        source: BindError,
    },
}

impl Store {
    /// Opens the ledger in this file, and makes it where there is none.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub async fn open(path: &Path, scope: Scope, health: Arc<HealthBoard>) -> Result<Opened, OpenError> {
        let lock = lock(path)?;
        private_file(path)?;

        let sqlite = |source| OpenError::Sqlite { path: path.to_owned(), source };
        let mut connection = connect(path, Access::Write).await.map_err(sqlite)?;
        migrate(&mut connection, path).await?;
        if let Some(generation) = start_if_copied(&mut connection).await.map_err(sqlite)? {
            tracing::warn!(
                generation,
                "the database is a copy that is taken into use: all its channels are held back until they are closed or \
                 released"
            );
        }
        let behind = generation::is_behind(&mut connection).await.map_err(sqlite)?;

        let bound = binding::read(&mut connection).await.map_err(sqlite)?;
        if let Some(row) = &bound {
            row.binding
                .compare_parties(scope.contract, scope.receiver)
                .map_err(|source| OpenError::Binding { path: path.to_owned(), source })?;
        }
        let index = Arc::new(Index::load(&mut connection, scope).await.map_err(sqlite)?);
        let batches = Batches::open(path).map_err(sqlite)?;
        let options = options(path, Access::Read).map_err(sqlite)?;
        let readers = AnyPoolOptions::new().max_connections(READERS).connect_lazy_with(options);
        let (jobs, queue) = mpsc::channel(QUEUE);
        let coming = Coming::default();
        Ok(Opened {
            store: Store {
                scope,
                jobs,
                readers,
                index: index.clone(),
                verifier: Arc::new(Verifier::new()),
                coming: coming.clone(),
                // The lock says so.
                sharing: Sharing::Sole,
                remembered: Arc::new(Remembered::new(bound, behind)),
                totals: Arc::default(),
            },
            writer: Writer::new(
                connection,
                path.to_owned(),
                batches,
                lock,
                scope,
                index,
                queue,
                coming,
                health,
            ),
        })
    }
}

/// How long a lock of another connection is waited for.
const BUSY: Duration = Duration::from_secs(10);

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Only reading.
    Read,
    /// Writing with a log beside the file, made durable with each transaction.
    Write,
    /// Writing what is to be one file in the end, without a log beside it.
    WriteOneFile,
}

impl Access {
    /// How SQLite is told.
    const fn pragmas(self) -> &'static str {
        match self {
            Self::Read => "PRAGMA busy_timeout = 30000",
            Self::Write => {
                "PRAGMA busy_timeout = 10000; PRAGMA foreign_keys = ON; PRAGMA journal_mode = WAL; \
                 PRAGMA synchronous = FULL"
            }
            Self::WriteOneFile => "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL",
        }
    }
}

/// Opens this file for the parts that are the same with every database.
pub(super) async fn connect(path: &Path, access: Access) -> Result<AnyConnection, sqlx::Error> {
    let mut connection = options(path, access)?.connect().await?;
    sqlx::raw_sql(access.pragmas()).execute(&mut connection).await?;
    Ok(connection)
}

/// A ledger that no file holds.
pub(super) async fn connect_in_memory() -> Result<AnyConnection, sqlx::Error> {
    sqlx::any::install_default_drivers();
    AnyConnectOptions::from_url(&url("sqlite::memory:")?)?.connect().await
}

fn options(path: &Path, access: Access) -> Result<AnyConnectOptions, sqlx::Error> {
    sqlx::any::install_default_drivers();
    let file = std::path::absolute(path)?;
    let file = Url::from_file_path(&file)
        .map_err(|()| sqlx::Error::Configuration(format!("{} is no file name", file.display()).into()))?;
    let mode = if access == Access::Read { "ro" } else { "rwc" };
    AnyConnectOptions::from_url(&url(&format!("sqlite://{}?mode={mode}", file.path()))?)
}

fn url(text: &str) -> Result<Url, sqlx::Error> {
    Url::parse(text).map_err(|error| sqlx::Error::Configuration(error.into()))
}

/// The same as [`Access::Write`] by SQLite's own calls, for those whose way to another thread would take longer than
/// what they do.
pub(super) fn connect_directly(path: &Path) -> Result<rusqlite::Connection, rusqlite::Error> {
    let connection = rusqlite::Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.busy_timeout(BUSY)?;
    Ok(connection)
}

/// An empty ledger that no file holds.
#[cfg(test)]
pub(super) fn in_memory() -> rusqlite::Connection {
    let connection = rusqlite::Connection::open_in_memory().unwrap();
    for migration in migrations().iter() {
        connection.execute_batch(migration.sql.as_str()).unwrap();
    }
    connection
}

/// In one transaction, so that a copy starts its generation as a whole or not at all.
async fn start_if_copied(connection: &mut AnyConnection) -> Result<Option<u64>, sqlx::Error> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let generation = generation::start_if_copied(&mut transaction).await?;
    transaction.commit().await?;
    Ok(generation)
}

/// Brings the tables up to date.
pub(super) async fn migrate(connection: &mut AnyConnection, path: &Path) -> Result<(), OpenError> {
    migrations().run(connection).await.map_err(|source| match source {
        MigrateError::VersionMissing(version) => OpenError::TooNew { path: path.to_owned(), version },
        source => OpenError::Migration { path: path.to_owned(), source },
    })
}

pub(super) fn migrations() -> Migrator {
    let migration = |(version, name, sql): (i64, &'static str, &'static str)| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    Migrator::with_migrations(MIGRATIONS.iter().copied().map(migration).collect())
}

/// Takes the lock beside the database. SQLite's own locks admit several processes.
pub(super) fn lock(path: &Path) -> Result<File, OpenError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let lock_path = PathBuf::from(name);
    let file = |source| OpenError::File { path: lock_path.clone(), source };
    let lock = open_private(&lock_path).map_err(file)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(file(source)),
    }
}

/// Makes the file before SQLite does, since SQLite would let the umask choose its mode, and gives its own files the
/// mode of this one.
pub(super) fn private_file(path: &Path) -> Result<(), OpenError> {
    let file = |source| OpenError::File { path: path.to_owned(), source };
    let mode = open_private(path).map_err(file)?.metadata().map_err(file)?.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(OpenError::Mode { path: path.to_owned(), mode });
    }
    Ok(())
}

fn open_private(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

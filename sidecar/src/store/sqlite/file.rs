//! The SQLite file: one process, readable by us alone, at a version that we know.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::any::AnyConnectOptions;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{AnyConnection, ConnectOptions, SqlSafeStr};
use url::Url;

use super::super::OpenError;

/// The tables, by version. A line is added for each change; a line that was released is never changed.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "ledger", include_str!("../../../migrations/sqlite/0001_ledger.sql")),
    (2, "claims", include_str!("../../../migrations/sqlite/0002_claims.sql")),
    (3, "incident", include_str!("../../../migrations/sqlite/0003_incident.sql")),
    (4, "generation", include_str!("../../../migrations/sqlite/0004_generation.sql")),
    (5, "credit", include_str!("../../../migrations/sqlite/0005_credit.sql")),
    (6, "income", include_str!("../../../migrations/sqlite/0006_income.sql")),
    (7, "leader", include_str!("../../../migrations/sqlite/0007_leader.sql")),
    (8, "move", include_str!("../../../migrations/sqlite/0008_move.sql")),
];

/// How long a lock of another connection is waited for.
const BUSY: Duration = Duration::from_secs(10);

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Access {
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
pub(in super::super) async fn connect(path: &Path, access: Access) -> Result<AnyConnection, sqlx::Error> {
    let mut connection = options(path, access)?.connect().await?;
    sqlx::raw_sql(access.pragmas()).execute(&mut connection).await?;
    Ok(connection)
}

/// A ledger that no file holds.
pub(in super::super) async fn connect_in_memory() -> Result<AnyConnection, sqlx::Error> {
    sqlx::any::install_default_drivers();
    AnyConnectOptions::from_url(&url("sqlite::memory:")?)?.connect().await
}

pub(super) fn options(path: &Path, access: Access) -> Result<AnyConnectOptions, sqlx::Error> {
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
pub(in super::super) fn connect_directly(path: &Path) -> Result<rusqlite::Connection, rusqlite::Error> {
    let connection = rusqlite::Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.busy_timeout(BUSY)?;
    Ok(connection)
}

/// An empty ledger that no file holds.
#[cfg(test)]
pub(in super::super) fn in_memory() -> rusqlite::Connection {
    let connection = rusqlite::Connection::open_in_memory().unwrap();
    for migration in migrations().iter() {
        connection.execute_batch(migration.sql.as_str()).unwrap();
    }
    connection
}

/// Brings the tables up to date.
pub(in super::super) async fn migrate(connection: &mut AnyConnection, path: &Path) -> Result<(), OpenError> {
    migrations().run(connection).await.map_err(|source| match source {
        MigrateError::VersionMissing(version) => {
            OpenError::TooNew { database: path.display().to_string(), version }
        }
        source => OpenError::Migration { path: path.to_owned(), source },
    })
}

pub(in super::super) fn migrations() -> Migrator {
    let migration = |(version, name, sql): (i64, &'static str, &'static str)| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    Migrator::with_migrations(MIGRATIONS.iter().copied().map(migration).collect())
}

/// Takes the lock beside the database. SQLite's own locks admit several processes.
pub(in super::super) fn lock(path: &Path) -> Result<File, OpenError> {
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
pub(in super::super) fn private_file(path: &Path) -> Result<(), OpenError> {
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

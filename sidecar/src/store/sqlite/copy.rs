//! Copying a ledger, also while it is in use: for `uraiden backup` and `uraiden restore`.
//!
//! A copy says of itself that it is one, so that whoever takes it into use starts a new generation.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use sqlx::{AnyConnection, Connection, Row};
use uraiden_core::wire::Ledger;

use super::super::columns::{self, signed};
use super::super::{OpenError, binding, read, writer};
use super::{Access, connect, lock, migrate, refuse_moved};

/// What was copied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Copied {
    /// Whose ledger it is.
    pub ledger: Ledger,
    /// The channels in it, settled ones too.
    pub channels: u64,
    /// The newest block that it has read.
    pub block: Option<u64>,
}

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// Nothing is ever overwritten.
    #[error("{} is there already, and nothing is overwritten: give another name, or move it away", .0.display())]
    Exists(PathBuf),
    /// A file cannot be used.
    #[error("cannot use {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no database, or one that SQLite cannot read.
    #[error("{}: {source}", path.display())]
    Sqlite {
        /// The database.
        path: PathBuf,
        /// Why.
        source: sqlx::Error,
    },
    /// It has no ledger in it.
    #[error("{} has nothing to copy: no ledger that was ever bound to a chain", .0.display())]
    Empty(PathBuf),
    /// Its pages contradict each other.
    #[error("{} is damaged: {finding}", path.display())]
    Damaged {
        /// The copy, which is removed.
        path: PathBuf,
        /// What SQLite says of it.
        finding: String,
    },
    /// The copy's tables could not be brought up to date, or the database is in use.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// Copies the ledger in `from` into the new file `to`, whole or not at all. What is committed to `from` when the copy
/// begins is in it, and writers go on meanwhile. Only this account can read the copy.
///
/// # Errors
///
/// [`CopyError`]; also where the ledger was moved, since a backup of yesterday's would be none.
pub async fn copy(from: &Path, to: &Path) -> Result<Copied, CopyError> {
    let sqlite = |source| CopyError::Sqlite { path: from.to_owned(), source };
    let mut source = connect(from, Access::Read).await.map_err(sqlite)?;
    refuse_moved(&mut source, from).await.map_err(|error| match error {
        OpenError::Sqlite { path, source } => CopyError::Sqlite { path, source },
        other => other.into(),
    })?;
    source.close().await.map_err(sqlite)?;
    copy_any(from, to).await
}

async fn copy_any(from: &Path, to: &Path) -> Result<Copied, CopyError> {
    for path in [to.to_owned(), beside(to, "-wal"), beside(to, "-shm")] {
        if path.symlink_metadata().is_ok() {
            return Err(CopyError::Exists(path));
        }
    }
    let partial = beside(to, ".partial");
    let file = |source| CopyError::File { path: partial.clone(), source };
    // Made before SQLite does, which would let the umask choose the mode.
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial) {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            return Err(CopyError::Exists(partial));
        }
        Err(error) => return Err(file(error)),
    }
    let made = match make(from, &partial).await {
        Ok(copied) => finish(&partial, to)
            .map(|()| copied)
            .map_err(|source| CopyError::File { path: to.to_owned(), source }),
        Err(error) => Err(error),
    };
    if made.is_err() {
        for name in ["", "-journal"] {
            // What hinders us here has its reason in `made`.
            let _ = std::fs::remove_file(beside(&partial, name));
        }
    }
    made
}

/// Puts the copy `from` in the place of the database `to`, which must not be there. It may be a file that does not say
/// of itself that it is a copy: the one that is made of it does. One whose ledger was moved is as good as any.
///
/// # Errors
///
/// [`CopyError`].
pub async fn restore(from: &Path, to: &Path) -> Result<Copied, CopyError> {
    // No process begins to use the database meanwhile.
    let _lock = lock(to)?;
    copy_any(from, to).await
}

async fn make(from: &Path, partial: &Path) -> Result<Copied, CopyError> {
    let sqlite = |path: &Path| {
        let path = path.to_owned();
        move |source| CopyError::Sqlite { path, source }
    };
    let target = partial.to_str().ok_or_else(|| CopyError::File {
        path: partial.to_owned(),
        source: std::io::Error::new(std::io::ErrorKind::InvalidInput, "the name is no UTF-8"),
    })?;
    let mut source = connect(from, Access::Read).await.map_err(sqlite(from))?;
    sqlx::query("VACUUM INTO $1").bind(target).execute(&mut source).await.map_err(sqlite(from))?;
    source.close().await.map_err(sqlite(from))?;

    let mut connection = connect(partial, Access::WriteOneFile).await.map_err(sqlite(partial))?;
    migrate(&mut connection, from).await?;
    let Some(copied) = stamp(&mut connection).await.map_err(sqlite(partial))? else {
        return Err(CopyError::Empty(from.to_owned()));
    };
    let finding = integrity(&mut connection).await.map_err(sqlite(partial))?;
    connection.close().await.map_err(sqlite(partial))?;
    match finding.as_str() {
        "ok" => Ok(copied),
        _ => Err(CopyError::Damaged { path: from.to_owned(), finding }),
    }
}

/// Has the copy say that it is one; a copy of a copy keeps its time. `None` where there is no ledger.
async fn stamp(connection: &mut AnyConnection) -> Result<Option<Copied>, sqlx::Error> {
    // The mark of a move is about the file that was copied.
    sqlx::query("DELETE FROM moved").execute(&mut *connection).await?;
    sqlx::query("UPDATE ledger SET copied_at = coalesce(copied_at, $1)")
        .bind(signed(writer::now()))
        .execute(&mut *connection)
        .await?;
    let Some(bound) = binding::read(connection).await? else { return Ok(None) };
    let row = sqlx::query("SELECT count(*) AS channels FROM channels").fetch_one(&mut *connection).await?;
    let position = read::position(connection).await?;
    Ok(Some(Copied {
        ledger: bound.ledger,
        channels: columns::unsigned(&row, "channels")?,
        block: position.and_then(|position| position.next_block.checked_sub(1)),
    }))
}

async fn integrity(connection: &mut AnyConnection) -> Result<String, sqlx::Error> {
    sqlx::query("PRAGMA integrity_check(1)").fetch_one(connection).await?.try_get(0)
}

/// Gives the copy its name once it is on the disk.
fn finish(partial: &Path, to: &Path) -> std::io::Result<()> {
    File::open(partial)?.sync_all()?;
    std::fs::rename(partial, to)?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// The path with something after its end.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

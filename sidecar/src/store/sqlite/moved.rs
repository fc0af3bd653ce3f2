//! A file whose ledger is in PostgreSQL now, or may be: nothing may be sold with it any more, and what it says of the
//! ledger is of yesterday.

use std::path::Path;

use sqlx::{AnyConnection, Row};

use super::super::{OpenError, columns};

/// Refuses a file that is marked so. The tables may be of an earlier version.
pub(in super::super) async fn refuse_moved(
    connection: &mut AnyConnection,
    path: &Path,
) -> Result<(), OpenError> {
    let found = find(connection).await;
    let found = found.map_err(|source| OpenError::Sqlite { path: path.to_owned(), source })?;
    match found {
        None => Ok(()),
        Some((target, true)) => Err(OpenError::Moved { path: path.to_owned(), target }),
        Some((target, false)) => Err(OpenError::Moving { path: path.to_owned(), target }),
    }
}

/// Where to, and whether all of it arrived for sure.
async fn find(connection: &mut AnyConnection) -> Result<Option<(String, bool)>, sqlx::Error> {
    let known = sqlx::query("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'moved'");
    if known.fetch_optional(&mut *connection).await?.is_none() {
        return Ok(None);
    }
    let row = sqlx::query("SELECT target, arrived FROM moved").fetch_optional(connection).await?;
    let read =
        |row: sqlx::any::AnyRow| Ok((row.try_get("target")?, columns::unsigned(&row, "arrived")? == 1));
    row.map(read).transpose()
}

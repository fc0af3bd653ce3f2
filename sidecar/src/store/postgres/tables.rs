//! The tables, and bringing them up to date.

use sqlx::{AnyConnection, Connection};

use super::super::OpenError;
use super::super::columns::{self, signed};
use super::PostgresUrl;
use super::connection::BEGIN;
use super::tries::Tries;

/// The tables, by version, the first one first. A line is added for each change; a line that was released is never
/// changed.
const VERSIONS: &[&str] = &[
    include_str!("../../../migrations/postgres/0001_ledger.sql"),
    include_str!("../../../migrations/postgres/0002_servers.sql"),
];

/// One row, which is locked by whoever brings the tables up to date. A lock of a session, as libraries for this take
/// it, is lost behind connection poolers, and not every database has it.
const VERSION: &str = "CREATE TABLE IF NOT EXISTS uraiden_tables (\
     one INTEGER PRIMARY KEY CHECK (one = 1), version BIGINT NOT NULL)";

/// Makes the tables where there are none, and brings older ones up to date: all of it or nothing.
pub(in super::super) async fn migrate(
    connection: &mut AnyConnection,
    database: &PostgresUrl,
) -> Result<(), OpenError> {
    let failed = |source| OpenError::Postgres { database: database.to_string(), source };
    let mut tries = Tries::default();
    let version = loop {
        match update(connection).await {
            Ok(version) => break version,
            Err(error) => tries.again(error).await.map_err(failed)?,
        }
    };
    match version {
        version if version > newest() => {
            Err(OpenError::TooNew { database: database.to_string(), version: signed(version) })
        }
        _ => Ok(()),
    }
}

fn newest() -> u64 {
    VERSIONS.len() as u64
}

/// Answers the version that the tables had.
async fn update(connection: &mut AnyConnection) -> Result<u64, sqlx::Error> {
    let mut transaction = connection.begin_with(BEGIN).await?;
    sqlx::raw_sql(VERSION).execute(&mut *transaction).await?;
    sqlx::query("INSERT INTO uraiden_tables (one, version) VALUES (1, 0) ON CONFLICT (one) DO NOTHING")
        .execute(&mut *transaction)
        .await?;
    let row = sqlx::query("UPDATE uraiden_tables SET version = version RETURNING version")
        .fetch_one(&mut *transaction)
        .await?;
    let version = columns::unsigned(&row, "version")?;
    for (_, tables) in (0..).zip(VERSIONS).filter(|(number, _)| *number >= version) {
        sqlx::raw_sql(*tables).execute(&mut *transaction).await?;
    }
    if version < newest() {
        sqlx::query("UPDATE uraiden_tables SET version = $1")
            .bind(signed(newest()))
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    Ok(version)
}

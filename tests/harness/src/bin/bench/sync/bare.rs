//! What SQLite itself takes for the rows of a sync: the same tables, one transaction, durable.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rusqlite::Connection;

/// The tables that a sync fills.
const TABLES: [&str; 2] = ["events", "channels"];

/// Writes what a ledger knows of the chain once more, into a copy beside it, and says how long that took.
pub(super) fn insert(ledger: &Path) -> Result<Duration> {
    let copy = ledger.with_extension("bare");
    let from = Connection::open(ledger).with_context(|| ledger.display().to_string())?;
    from.execute("VACUUM INTO ?1", [copy.to_str().context("a path that is no text")?])?;
    let mut connection = Connection::open(&copy)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    for table in TABLES {
        connection.execute_batch(&format!(
            "CREATE TEMP TABLE kept_{table} AS SELECT * FROM {table}; DELETE FROM {table};"
        ))?;
    }
    let start = Instant::now();
    let transaction = connection.transaction()?;
    for table in TABLES {
        transaction.execute_batch(&format!("INSERT INTO {table} SELECT * FROM kept_{table}"))?;
    }
    transaction.commit()?;
    let took = start.elapsed();
    drop(connection);
    std::fs::remove_file(copy)?;
    Ok(took)
}

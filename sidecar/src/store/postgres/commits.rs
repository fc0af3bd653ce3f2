//! Commits that were lost: a server that failed over to a standby which had not heard of them has forgotten payments
//! that were acknowledged.
//!
//! Each process has a row in which every transaction counts. It remembers the highest count that it was told is durable;
//! when the row does not go on from there, transactions are gone.

use sqlx::{AnyConnection, Connection, PgConnection};

use super::super::columns::{self, signed};
use super::super::generation;
use super::connection::BEGIN;
use crate::metrics;

/// Counts a transaction.
const COUNT: &str = "UPDATE writers SET count = count + 1 WHERE id = $1 RETURNING count";

/// Why a transaction is not committed.
#[derive(Debug)]
pub(super) enum Failed {
    /// The database says so, or cannot be reached.
    Database(sqlx::Error),
    /// It was not begun: the connection is gone, as after the server was started again.
    NotBegun(sqlx::Error),
    /// Earlier ones are gone.
    Lost(Lost),
}

impl From<sqlx::Error> for Failed {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

/// How many transactions the database has of those that it said are durable.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lost {
    found: u64,
    acknowledged: u64,
}

/// What this process was told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Commits {
    /// The process's row.
    pub(super) writer: i64,
    /// How many transactions are durable for sure.
    acknowledged: u64,
}

impl Commits {
    /// Takes the row of a process that just started. `now` is in milliseconds since 1970.
    pub(super) async fn begin(connection: &mut AnyConnection, now: u64) -> Result<Self, sqlx::Error> {
        let writer = super::connection::random_id()?;
        sqlx::query("INSERT INTO writers (id, count, started_at) VALUES ($1, 0, $2)")
            .bind(writer)
            .bind(signed(now))
            .execute(connection)
            .await?;
        Ok(Self { writer, acknowledged: 0 })
    }

    /// Counts the transaction under way, and answers what to [acknowledge](Self::acknowledge) once it is durable.
    pub(super) async fn count(&self, connection: &mut AnyConnection) -> Result<u64, Failed> {
        let row = sqlx::query(COUNT).bind(self.writer).fetch_optional(connection).await?;
        self.judge(row.map(|row| columns::unsigned(&row, "count")).transpose()?)
    }

    /// The same over a connection for what is PostgreSQL's own.
    pub(super) async fn count_directly(&self, connection: &mut PgConnection) -> Result<u64, Failed> {
        let row = sqlx::query(COUNT).bind(self.writer).fetch_optional(connection).await?;
        self.judge(row.map(|row| columns::unsigned(&row, "count")).transpose()?)
    }

    /// The database has made this transaction durable.
    pub(super) fn acknowledge(&mut self, count: u64) {
        self.acknowledged = count;
    }

    /// A transaction of unknown outcome may have been counted, so the row may be ahead; never behind.
    fn judge(&self, count: Option<u64>) -> Result<u64, Failed> {
        match count {
            Some(count) if count > self.acknowledged => Ok(count),
            Some(_) | None => Err(Failed::Lost(Lost {
                found: count.unwrap_or(1).saturating_sub(1),
                acknowledged: self.acknowledged,
            })),
        }
    }

    /// Starts the ledger's next generation, in which all channels are held back until an operator has seen them, and
    /// counts anew.
    pub(super) async fn start_generation(
        &mut self,
        connection: &mut AnyConnection,
        lost: Lost,
        now: u64,
    ) -> Result<(), sqlx::Error> {
        let mut transaction = connection.begin_with(BEGIN).await?;
        let generation = generation::start(&mut transaction).await?;
        sqlx::query(
            "INSERT INTO writers (id, count, started_at) VALUES ($1, 0, $2) ON CONFLICT (id) DO UPDATE SET count = 0",
        )
        .bind(self.writer)
        .bind(signed(now))
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        self.acknowledged = 0;
        metrics::commits_lost();
        tracing::error!(
            generation,
            found = lost.found,
            acknowledged = lost.acknowledged,
            "the database has lost transactions that it said are durable, as after a failover to a standby that lagged: \
             payments may be forgotten. All channels are held back until they are closed or released: see \
             docs/operations.md"
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_that_does_not_go_on_is_a_loss() {
        let commits = Commits { writer: 1, acknowledged: 7 };
        for (count, lost) in [
            (Some(8), false),
            // One of unknown outcome was committed.
            (Some(9), false),
            (Some(7), true),
            (Some(1), true),
            (None, true),
        ] {
            assert_eq!(commits.judge(count).is_err(), lost, "{count:?}");
        }
    }
}

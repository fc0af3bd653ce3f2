//! Commits that were lost: a server that failed over to a standby which had not heard of them has forgotten payments
//! that were acknowledged.
//!
//! Each process has a row in which every transaction counts. It remembers the highest count that it was told is durable;
//! when the row does not go on from there, transactions are gone. Then the ledger's next generation has to begin, once,
//! however many processes find out, and whenever they do: of channels that were opened since nothing is lost.
//!
//! A transaction also reads the generation, as its last act, when it has locked all that it changed. A server keeps its
//! transactions in their order and loses the last ones. So where it has lost one that was of generation 1 and has a
//! generation 2, this one began after the loss and holds back all that it should.

use sqlx::{AnyConnection, Connection, PgConnection};

use super::super::columns::{self, Fields, signed};
use super::super::generation;
use super::connection::BEGIN;
use crate::metrics;

/// Counts a transaction. A ledger that is not bound yet is of generation 0.
const COUNT: &str = "UPDATE writers SET count = writers.count + 1 \
     FROM (SELECT coalesce(max(generation), 0) AS generation FROM ledger WHERE one = 1) AS ledgers WHERE writers.id = $1 \
     RETURNING writers.count, ledgers.generation";

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

/// A transaction, as it was counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    count: u64,
    generation: u64,
}

/// What this process was told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Commits {
    /// The process's row.
    pub(super) writer: i64,
    /// The last transaction that is durable for sure.
    acknowledged: Counted,
}

impl Commits {
    /// Takes the row of a process that just started. `now` is in milliseconds since 1970.
    pub(super) async fn begin(connection: &mut AnyConnection, now: u64) -> Result<Self, sqlx::Error> {
        let writer = super::connection::random_id()?;
        sqlx::query("INSERT INTO writers (id, count, started_at) VALUES ($1, 0, $2)")
            .bind(writer)
            .bind(signed(now))
            .execute(&mut *connection)
            .await?;
        let row = sqlx::query("SELECT coalesce(max(generation), 0) AS generation FROM ledger");
        let generation = columns::unsigned(&row.fetch_one(connection).await?, "generation")?;
        Ok(Self { writer, acknowledged: Counted { count: 0, generation } })
    }

    /// Counts the transaction under way, and answers what to [acknowledge](Self::acknowledge) once it is durable. It is
    /// the last that the transaction does.
    pub(super) async fn count(&self, connection: &mut AnyConnection) -> Result<Counted, Failed> {
        let row = sqlx::query(COUNT).bind(self.writer).fetch_optional(connection).await?;
        self.judge(row.as_ref().map(counted).transpose()?)
    }

    /// The same over a connection for what is PostgreSQL's own.
    pub(super) async fn count_directly(&self, connection: &mut PgConnection) -> Result<Counted, Failed> {
        let row = sqlx::query(COUNT).bind(self.writer).fetch_optional(connection).await?;
        self.judge(row.as_ref().map(counted).transpose()?)
    }

    /// The database has made this transaction durable.
    pub(super) fn acknowledge(&mut self, counted: Counted) {
        self.acknowledged = counted;
    }

    /// A transaction of unknown outcome may have been counted, so the row may be ahead; never behind.
    fn judge(&self, found: Option<Counted>) -> Result<Counted, Failed> {
        let acknowledged = self.acknowledged.count;
        match found {
            Some(found) if found.count > acknowledged => Ok(found),
            Some(_) | None => {
                let found = found.map_or(0, |found| found.count.saturating_sub(1));
                Err(Failed::Lost(Lost { found, acknowledged }))
            }
        }
    }

    /// Makes sure that the ledger's next generation has begun, in which all channels are held back until an operator has
    /// seen them, and counts anew.
    pub(super) async fn start_generation(
        &mut self,
        connection: &mut AnyConnection,
        lost: Lost,
        now: u64,
    ) -> Result<(), sqlx::Error> {
        let Lost { found, acknowledged } = lost;
        let mut transaction = connection.begin_with(BEGIN).await?;
        let begun = generation::start_after(&mut transaction, self.acknowledged.generation).await?;
        sqlx::query(
            "INSERT INTO writers (id, count, started_at) VALUES ($1, 0, $2) ON CONFLICT (id) DO UPDATE SET count = 0",
        )
        .bind(self.writer)
        .bind(signed(now))
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        self.acknowledged.count = 0;
        metrics::commits_lost();
        match begun {
            Some(generation) => {
                self.acknowledged.generation = generation;
                tracing::error!(
                    generation,
                    found,
                    acknowledged,
                    "the database has lost transactions that it said are durable, as after a failover to a standby that \
                     lagged: payments may be forgotten. All channels are held back until they are closed or released: \
                     see docs/operations.md"
                );
            }
            None => tracing::warn!(
                found,
                acknowledged,
                "the database has lost transactions of this sidecar, too. All channels that it may have lost payments \
                 of are held back already"
            ),
        }
        Ok(())
    }
}

fn counted(row: &impl Fields) -> Result<Counted, sqlx::Error> {
    Ok(Counted { count: columns::unsigned(row, "count")?, generation: columns::unsigned(row, "generation")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_that_does_not_go_on_is_a_loss() {
        let commits = Commits { writer: 1, acknowledged: Counted { count: 7, generation: 1 } };
        for (count, lost) in [
            (Some(8), false),
            // One of unknown outcome was committed.
            (Some(9), false),
            (Some(7), true),
            (Some(1), true),
            (None, true),
        ] {
            let found = count.map(|count| Counted { count, generation: 1 });
            assert_eq!(commits.judge(found).is_err(), lost, "{count:?}");
        }
    }
}

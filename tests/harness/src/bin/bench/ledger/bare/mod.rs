//! What the disk and the database can do: the writes of a payment and nothing else.

mod postgres;
mod sqlite;

use std::time::Duration;

use anyhow::Result;
use uraiden_core::wire::Attempt;
use uraiden_harness::{Database, Stack};

use postgres::Postgres;
use sqlite::Sqlite;

/// A time, in milliseconds since 1970.
const HOUR: i64 = 60 * 60 * 1000;

/// A copy of the ledger, which nobody else uses.
pub(super) enum Bare {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

impl Bare {
    /// Copies the ledger to beside it, so that both are on one disk and have the same rows.
    pub(super) async fn beside(stack: &Stack, database: Database) -> Result<Self> {
        Ok(match database {
            Database::Sqlite => Self::Sqlite(Sqlite::beside(&stack.ledger_file())?),
            Database::Postgres { .. } => Self::Postgres(Postgres::beside(&stack.ledger_url()).await?),
        })
    }

    /// Makes these payments durable, so many in each transaction, and says how long that took. A channel pays once in
    /// each of them.
    pub(super) async fn pay(&mut self, attempts: &[Attempt], group: usize) -> Result<Duration> {
        match self {
            Self::Sqlite(sqlite) => sqlite.pay(attempts, group),
            Self::Postgres(postgres) => postgres.pay(attempts, group).await,
        }
    }
}

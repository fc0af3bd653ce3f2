//! Connections, and how long is waited for what is done over them.

use std::time::Duration;

use sqlx::any::AnyConnectOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AnyConnection, ConnectOptions, PgConnection, Transaction};
use tokio::time::timeout;

use super::super::random::random;
use super::PostgresUrl;
use super::commits::Failed;

/// How long a connection may take to be made, or a free one to be found.
pub(super) const CONNECT: Duration = Duration::from_secs(5);

/// How long a transaction may take. The server gives up before, unless it cannot be reached.
pub(super) const TRANSACTION: Duration = Duration::from_secs(15);

macro_rules! begin {
    ($more:literal) => {
        concat!(
            "BEGIN; SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '10s'; \
             SET LOCAL idle_in_transaction_session_timeout = '2s'",
            $more
        )
    };
}

/// Begins a transaction. The limits are set in it, and not for the session: behind a connection pooler the session is
/// somebody else's next. A process that falls asleep in the middle of one loses it, and with it the locks that others wait
/// for, before they would take the lead.
pub(in super::super) const BEGIN: &str = begin!("");

/// Begins a transaction for batches, whose statements are about rows with a name. A plan is made once and kept: one that
/// reads the whole table, as is best while the table is small, would still do so minutes and a million rows later. So each
/// statement has to have an index, also for a table with one row: without, its plan counts as dear, and the server compiles
/// it for each transaction, which takes a hundred times as long as the rest.
pub(super) const BEGIN_BATCHES: &str = begin!("; SET LOCAL enable_seqscan = off");

pub(super) fn options(url: &PostgresUrl) -> Result<PgConnectOptions, sqlx::Error> {
    PgConnectOptions::from_url(&url.named())
}

pub(super) fn any_options(url: &PostgresUrl) -> Result<AnyConnectOptions, sqlx::Error> {
    sqlx::any::install_default_drivers();
    AnyConnectOptions::from_url(&url.named())
}

/// A connection for the parts that are the same with every database.
pub(in super::super) async fn connect(url: &PostgresUrl) -> Result<AnyConnection, sqlx::Error> {
    let options = any_options(url)?;
    timeout(CONNECT, options.connect()).await.map_err(late)?
}

/// A connection for what is PostgreSQL's own.
pub(in super::super) async fn connect_directly(url: &PostgresUrl) -> Result<PgConnection, sqlx::Error> {
    let options = options(url)?;
    timeout(CONNECT, options.connect()).await.map_err(late)?
}

/// Commits what was done, or rolls it back now: a transaction that is only dropped keeps its locks until the connection
/// is used again.
pub(super) async fn end<D: sqlx::Database, T>(
    transaction: Transaction<'_, D>,
    done: Result<T, Failed>,
) -> Result<T, Failed> {
    match done {
        Ok(done) => {
            transaction.commit().await?;
            Ok(done)
        }
        Err(failed) => {
            if let Err(error) = transaction.rollback().await {
                tracing::debug!(%error, "a transaction that failed could not be rolled back either");
            }
            Err(failed)
        }
    }
}

/// Waits for a transaction. Of one that takes too long nobody knows what became of it.
pub(super) async fn in_time<T>(transaction: impl Future<Output = Result<T, Failed>>) -> Result<T, Failed> {
    timeout(TRANSACTION, transaction).await.map_err(late)?
}

pub(super) fn late(_: tokio::time::error::Elapsed) -> sqlx::Error {
    sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "PostgreSQL does not answer in time"))
}

/// A number that no other process has.
pub(super) fn random_id() -> Result<i64, sqlx::Error> {
    Ok(i64::from_be_bytes(random()?) & i64::MAX)
}

//! The ledger in PostgreSQL, which several processes write at once: what a transaction decides on, it has locked, and
//! what it writes is under the condition that it is what was read. That is right at READ COMMITTED as at SERIALIZABLE.
//!
//! Statements need no more than PostgreSQL-compatible databases share: no lock of a session, no advisory lock, no
//! notification, no trigger.

mod batches;
mod commits;
mod connection;
mod durability;
mod lookups;
mod read;
mod tables;
mod timeline;
mod tries;
mod url;
mod write;

use sqlx::any::AnyPoolOptions;
use sqlx::postgres::PgPoolOptions;
use sqlx::{AnyConnection, AnyPool, Connection, PgConnection, PgPool};

use super::batches::{Batch, Pruning};
use super::step::Step;
use super::{OpenError, Scope};
use commits::{Commits, Counted, Failed};
use tokio::time::timeout;
use tries::Tries;

pub(super) use lookups::states;
pub use url::{PostgresUrl, PostgresUrlError};

pub(super) use connection::{BEGIN, connect, connect_directly};
pub(super) use durability::lagging;
pub use durability::{Fragile, Risks};
pub(super) use timeline::{look, note, noted, server};

/// How many connections read at a time: for pages and the chain, and as many for lookups.
const READERS: u32 = 4;

/// One of those who write the database.
pub(super) struct Postgres {
    url: PostgresUrl,
    steps: AnyConnection,
    batches: PgConnection,
    pruning: Pruning,
    scope: Scope,
    commits: Commits,
}

/// Connects, and brings the tables up to date.
pub(super) async fn prepare(url: &PostgresUrl) -> Result<AnyConnection, OpenError> {
    let failed = |source| OpenError::Postgres { database: url.to_string(), source };
    let mut connection = connect(url).await.map_err(failed)?;
    tables::migrate(&mut connection, url).await?;
    Ok(connection)
}

/// The same, if what the server says is durable is, but for these risks.
pub(super) async fn prepare_durable(url: &PostgresUrl, risks: Risks) -> Result<AnyConnection, OpenError> {
    let mut connection = prepare(url).await?;
    durability::check(&mut connection, risks)
        .await
        .map_err(|source| OpenError::Postgres { database: url.to_string(), source })?
        .map_err(|source| OpenError::Fragile { database: url.to_string(), source })?;
    Ok(connection)
}

/// Connections that only read.
pub(super) fn readers(url: &PostgresUrl) -> Result<AnyPool, sqlx::Error> {
    let pool = AnyPoolOptions::new().max_connections(READERS).acquire_timeout(connection::CONNECT);
    Ok(pool.connect_lazy_with(connection::any_options(url)?))
}

/// Connections that only answer lookups.
pub(super) fn lookups(url: &PostgresUrl) -> Result<PgPool, sqlx::Error> {
    let pool = PgPoolOptions::new().max_connections(READERS).acquire_timeout(connection::CONNECT);
    Ok(pool.connect_lazy_with(connection::options(url)?))
}

impl Postgres {
    pub(super) async fn new(
        url: &PostgresUrl,
        mut steps: AnyConnection,
        scope: Scope,
        now: u64,
    ) -> Result<Self, sqlx::Error> {
        let commits = Commits::begin(&mut steps, now).await?;
        Ok(Self {
            url: url.clone(),
            steps,
            batches: connection::connect_directly(url).await?,
            pruning: Pruning::new(),
            scope,
            commits,
        })
    }

    /// Decides these batches, and answers them once that is durable. `now` is in milliseconds since 1970.
    pub(super) async fn decide(&mut self, batches: Vec<Batch>, now: u64) -> Result<(), sqlx::Error> {
        let prune = self.pruning.due(super::batches::entries(&batches).count(), now);
        let scope = self.scope;
        let mut tries = Tries::default();
        let decided = loop {
            let tried = batches::decide(&mut self.batches, &scope, &batches, prune, now, &self.commits);
            match connection::in_time(tried).await {
                Ok(decided) => break decided,
                Err(failed) => self.again(&mut tries, failed, now).await?,
            }
        };
        self.commits.acknowledge(decided.counted);
        super::batches::answer(decided.draft, batches, decided.answers);
        Ok(())
    }

    /// Takes these steps, and answers them once that is durable. Without any it counts itself, to see whether that
    /// is possible, and goes on from the last time.
    pub(super) async fn take(&mut self, mut steps: Vec<Step>, now: u64) -> Result<(), sqlx::Error> {
        let mut tries = Tries::default();
        let counted = loop {
            match connection::in_time(take(&mut self.steps, &mut steps, &self.commits, now)).await {
                Ok(counted) => break counted,
                Err(failed) => self.again(&mut tries, failed, now).await?,
            }
        };
        self.commits.acknowledge(counted);
        steps.into_iter().for_each(Step::tell);
        Ok(())
    }

    /// Makes ready for the next try of a transaction.
    async fn again(&mut self, tries: &mut Tries, failed: Failed, now: u64) -> Result<(), sqlx::Error> {
        match failed {
            Failed::Database(error) => tries.again(error).await,
            Failed::NotBegun(error) => {
                tries.only_once(error)?;
                self.reconnect().await
            }
            Failed::Lost(lost) => {
                let begun = self.commits.start_generation(&mut self.steps, lost, now);
                match timeout(connection::TRANSACTION, begun).await.map_err(connection::late)? {
                    Ok(()) => Ok(()),
                    // Another process does the same: the transaction is tried again, and so is this.
                    Err(error) => tries.again(error).await,
                }
            }
        }
    }

    pub(super) async fn reconnect(&mut self) -> Result<(), sqlx::Error> {
        let mut steps = connect(&self.url).await?;
        // Whoever lost a connection may have found another server.
        timeline::look(&mut steps).await?;
        let batches = connection::connect_directly(&self.url).await?;
        (self.steps, self.batches) = (steps, batches);
        Ok(())
    }

    pub(super) async fn close(self) -> Result<(), sqlx::Error> {
        self.steps.close().await?;
        self.batches.close().await
    }
}

/// Takes steps, and answers what to acknowledge.
async fn take(
    connection: &mut AnyConnection,
    steps: &mut [Step],
    commits: &Commits,
    now: u64,
) -> Result<Counted, Failed> {
    let mut transaction = connection.begin_with(connection::BEGIN).await.map_err(Failed::NotBegun)?;
    let taken = async {
        for step in steps {
            step.take(&mut transaction, now).await?;
        }
        commits.count(&mut transaction).await
    };
    let taken = taken.await;
    connection::end(transaction, taken).await
}

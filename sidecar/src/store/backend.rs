//! The databases that a ledger can be in.

use std::sync::Arc;

use sqlx::PgPool;
use uraiden_core::wire::ChannelKey;

use super::batches::Batch;
use super::postgres::{self, Postgres};
use super::sqlite::{Index, Sqlite};
use super::step::Step;
use super::{Scope, Store, StoreError, read};
use uraiden_core::channel::ChannelState;

/// Whoever writes the ledger.
pub(super) enum Backend {
    Sqlite(Box<Sqlite>),
    Postgres(Box<Postgres>),
}

impl Backend {
    /// Decides these batches, one entry after the other, and answers them once all of it is durable. `now` is in
    /// milliseconds since 1970.
    ///
    /// # Errors
    ///
    /// Nothing is decided, or nobody knows. The askers learn that from their replies being dropped.
    pub(super) async fn decide(&mut self, batches: Vec<Batch>, now: u64) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(sqlite) => sqlite.decide(batches, now),
            Self::Postgres(postgres) => postgres.decide(batches, now).await,
        }
    }

    /// Whether another server, with less in it, may take the place of the one that was written.
    pub(super) fn may_forget(&self) -> bool {
        match self {
            Self::Sqlite(_) => false,
            Self::Postgres(_) => true,
        }
    }

    /// Takes these steps in one transaction, and answers them once it is durable. Without any it writes something, to
    /// see whether that is possible, and whether it is still what was written before.
    pub(super) async fn take(&mut self, steps: Vec<Step>, now: u64) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(sqlite) => sqlite.take(steps, now).await,
            Self::Postgres(postgres) => postgres.take(steps, now).await,
        }
    }

    /// Replaces the connections, after one of which nobody knows what it did.
    pub(super) async fn reconnect(&mut self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(sqlite) => sqlite.reconnect().await,
            Self::Postgres(postgres) => postgres.reconnect().await,
        }
    }

    pub(super) async fn close(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(sqlite) => sqlite.close().await,
            Self::Postgres(postgres) => postgres.close().await,
        }
    }
}

/// Where lookups are answered from.
#[derive(Clone, Debug)]
pub(super) enum Lookups {
    /// Memory, where no other process changes the ledger.
    Index(Arc<Index>),
    /// The database.
    Postgres(PgPool),
}

impl Store {
    /// The states of these channels, in this order.
    pub(super) async fn states(&self, keys: &[ChannelKey]) -> Result<Vec<ChannelState>, StoreError> {
        match &self.lookups {
            Lookups::Index(index) => self.indexed(index, &self.scope, keys).await,
            Lookups::Postgres(pool) => Ok(postgres::states(pool, &self.scope, keys).await?),
        }
    }

    async fn indexed(
        &self,
        index: &Index,
        scope: &Scope,
        keys: &[ChannelKey],
    ) -> Result<Vec<ChannelState>, StoreError> {
        let mut states = Vec::with_capacity(keys.len());
        for key in keys {
            states.push(match index.state(key) {
                Some(state) => state,
                None => read::state(&mut *self.readers.acquire().await?, scope, *key).await?,
            });
        }
        Ok(states)
    }
}

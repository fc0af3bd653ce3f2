//! What filters are told of each channel, in memory: the answer to a lookup, without a question to SQLite.
//!
//! It never says more than what is durable. Only the writer changes the database, since its lock keeps every other
//! process out; SQLite itself tells which rows a transaction changed; they are read in that transaction, and come
//! here once it is committed and before anybody is answered.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use futures_util::TryStreamExt;
use sqlx::SqliteConnection;
use uraiden_core::channel::ChannelState;
use uraiden_core::wire::ChannelKey;

use super::Scope;
use super::row::ChannelRow;

/// The table whose changes matter.
const TABLE: &str = "channels";

/// The states of all channels that were ever heard of.
#[derive(Debug)]
pub(super) struct Index {
    scope: Scope,
    states: RwLock<HashMap<ChannelKey, Kept>>,
    /// The rows that the transaction under way has changed, by SQLite's own number.
    changed: Arc<Mutex<Vec<i64>>>,
}

/// What is kept of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    /// The answer.
    State(ChannelState),
    /// It changes with every block: SQLite has to be asked.
    Changing,
}

/// What a transaction changes, once it is committed.
#[derive(Debug)]
pub(super) struct Changes(Vec<(ChannelKey, Kept)>);

impl Index {
    /// Reads all channels, and hears from now on of changes that this connection makes.
    pub(super) async fn load(connection: &mut SqliteConnection, scope: Scope) -> Result<Self, sqlx::Error> {
        let index = Self { scope, states: RwLock::default(), changed: Arc::default() };
        index.load_again(connection).await?;
        Ok(index)
    }

    /// The same with another connection, after one of which nobody knows what it made durable.
    pub(super) async fn load_again(&self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        let heard = self.changed.clone();
        connection.lock_handle().await?.set_update_hook(move |change| {
            if change.table == TABLE {
                heard.lock().unwrap_or_else(PoisonError::into_inner).push(change.rowid);
            }
        });
        let mut states = HashMap::new();
        let mut rows = sqlx::query("SELECT * FROM channels").fetch(connection);
        while let Some(row) = rows.try_next().await? {
            let row = ChannelRow::read(&row)?;
            states.insert(row.key, Kept::of(&row, &self.scope));
        }
        drop(rows);
        *self.states.write().unwrap_or_else(PoisonError::into_inner) = states;
        Ok(())
    }

    /// The state of a channel; `None` where SQLite has to be asked.
    pub(super) fn state(&self, key: &ChannelKey) -> Option<ChannelState> {
        let states = self.states.read().unwrap_or_else(PoisonError::into_inner);
        match states.get(key) {
            Some(Kept::State(state)) => Some(*state),
            Some(Kept::Changing) => None,
            // All that were ever heard of are here.
            None => Some(ChannelState::Absent),
        }
    }

    /// Forgets what an earlier transaction has changed, since it came to nothing.
    pub(super) fn begin(&self) {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Takes over rows that are durable now.
    pub(super) fn wrote<'a>(&self, rows: impl Iterator<Item = &'a ChannelRow>) {
        let rows = rows.map(|row| (row.key, Kept::of(row, &self.scope)));
        self.states.write().unwrap_or_else(PoisonError::into_inner).extend(rows);
    }

    /// What the transaction under way has changed so far.
    pub(super) async fn changes(&self, connection: &mut SqliteConnection) -> Result<Changes, sqlx::Error> {
        let mut changed = std::mem::take(&mut *self.changed.lock().unwrap_or_else(PoisonError::into_inner));
        changed.sort_unstable();
        changed.dedup();
        let mut changes = Vec::with_capacity(changed.len());
        if changed.is_empty() {
            return Ok(Changes(changes));
        }
        let list = serde_json::to_string(&changed).map_err(|error| sqlx::Error::Encode(error.into()))?;
        let mut rows = sqlx::query("SELECT * FROM channels WHERE rowid IN (SELECT value FROM json_each($1))")
            .bind(list)
            .fetch(connection);
        while let Some(row) = rows.try_next().await? {
            let row = ChannelRow::read(&row)?;
            changes.push((row.key, Kept::of(&row, &self.scope)));
        }
        Ok(Changes(changes))
    }

    /// Takes over what is durable now.
    pub(super) fn committed(&self, changes: Changes) {
        self.states.write().unwrap_or_else(PoisonError::into_inner).extend(changes.0);
    }
}

impl Kept {
    fn of(row: &ChannelRow, scope: &Scope) -> Self {
        // Which block is the newest matters to unconfirmed channels only.
        match row.state(0, scope) {
            ChannelState::Unconfirmed { .. } => Self::Changing,
            state => Self::State(state),
        }
    }
}

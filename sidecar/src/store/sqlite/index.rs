//! What filters are told of each channel, in memory: the answer to a lookup, without a question to SQLite.
//!
//! It never says more than what is durable. Only the writer changes the database, since its lock keeps every other
//! process out; triggers of its connection note which rows a transaction changed; they are read in that transaction,
//! and come here once it is committed and before anybody is answered.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use futures_util::TryStreamExt;
use sqlx::AnyConnection;
use uraiden_core::channel::ChannelState;
use uraiden_core::wire::ChannelKey;

use super::super::Scope;
use super::super::row::ChannelRow;

/// What notes the rows that a connection changes. Temporary, so that no other connection knows of it. Not INSERT OR
/// IGNORE: within a trigger the statement that fired it decides what a conflict leads to.
const NOTES: &str = "
CREATE TEMP TABLE changed (sender BLOB NOT NULL, open_block BIGINT NOT NULL, PRIMARY KEY (sender, open_block));
CREATE TEMP TRIGGER channels_inserted AFTER INSERT ON main.channels
BEGIN INSERT INTO changed SELECT NEW.sender, NEW.open_block WHERE NOT EXISTS
    (SELECT 1 FROM changed WHERE sender = NEW.sender AND open_block = NEW.open_block); END;
CREATE TEMP TRIGGER channels_updated AFTER UPDATE ON main.channels
BEGIN INSERT INTO changed SELECT NEW.sender, NEW.open_block WHERE NOT EXISTS
    (SELECT 1 FROM changed WHERE sender = NEW.sender AND open_block = NEW.open_block); END;
";

/// The states of all channels that were ever heard of.
#[derive(Debug)]
pub(in super::super) struct Index {
    scope: Scope,
    states: RwLock<HashMap<ChannelKey, Kept>>,
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
    pub(super) async fn load(connection: &mut AnyConnection, scope: Scope) -> Result<Self, sqlx::Error> {
        let index = Self { scope, states: RwLock::default() };
        index.load_again(connection).await?;
        Ok(index)
    }

    /// The same with another connection, after one of which nobody knows what it made durable.
    pub(super) async fn load_again(&self, connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(NOTES).execute(&mut *connection).await?;
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
    pub(in super::super) fn state(&self, key: &ChannelKey) -> Option<ChannelState> {
        let states = self.states.read().unwrap_or_else(PoisonError::into_inner);
        match states.get(key) {
            Some(Kept::State(state)) => Some(*state),
            Some(Kept::Changing) => None,
            // All that were ever heard of are here.
            None => Some(ChannelState::Absent),
        }
    }

    /// Takes over rows that are durable now.
    pub(super) fn wrote<'a>(&self, rows: impl Iterator<Item = &'a ChannelRow>) {
        let rows = rows.map(|row| (row.key, Kept::of(row, &self.scope)));
        self.states.write().unwrap_or_else(PoisonError::into_inner).extend(rows);
    }

    /// What the transaction under way has changed so far.
    pub(super) async fn changes(&self, connection: &mut AnyConnection) -> Result<Changes, sqlx::Error> {
        let mut changes = Vec::new();
        let mut rows = sqlx::query(
            "SELECT channels.* FROM changed JOIN channels ON channels.sender = changed.sender \
             AND channels.open_block = changed.open_block",
        )
        .fetch(&mut *connection);
        while let Some(row) = rows.try_next().await? {
            let row = ChannelRow::read(&row)?;
            changes.push((row.key, Kept::of(&row, &self.scope)));
        }
        drop(rows);
        sqlx::query("DELETE FROM changed").execute(connection).await?;
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

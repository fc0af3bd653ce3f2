//! Reading what is to be decided on, and keeping it as it is until the transaction ends.

use std::collections::{BTreeSet, HashMap};

use sqlx::PgConnection;
use uraiden_core::TokenAmount;
use uraiden_core::wire::{AttemptId, ChannelKey, Entry};

use super::super::attempts::Noted;
use super::super::columns::{self, Fields};
use super::super::draft::{Account, Draft};
use super::super::row::ChannelRow;
use super::super::verify::Checked;
use super::super::{Scope, levels};

/// Channels as two arrays.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys {
    pub(super) senders: Vec<[u8; 20]>,
    pub(super) open_blocks: Vec<i64>,
}

impl FromIterator<ChannelKey> for Keys {
    fn from_iter<I: IntoIterator<Item = ChannelKey>>(keys: I) -> Self {
        let (senders, open_blocks) =
            keys.into_iter().map(|key| (key.sender.0, i64::from(key.open_block.0))).unzip();
        Self { senders, open_blocks }
    }
}

/// Reads what these entries name. `now` is in milliseconds since 1970.
///
/// Everybody locks channels in the same order, so that nobody waits for one who waits for him. What is not in the locked
/// row is read after it was locked: whoever changed it before has committed by then.
pub(super) async fn read<'a, 'e>(
    connection: &mut PgConnection,
    scope: &'a Scope,
    entries: impl Iterator<Item = &'e Checked>,
    now: u64,
) -> Result<Draft<'a>, sqlx::Error> {
    let (mut keys, mut ids) = (BTreeSet::new(), Vec::new());
    for checked in entries {
        match &checked.entry {
            Entry::Lookup(key) => drop(keys.insert(*key)),
            Entry::Commit(attempt) | Entry::TakeBack(attempt) => {
                keys.insert(attempt.channel);
                ids.push(attempt.id.0.to_be_bytes());
            }
        }
    }
    let keys: Keys = keys.into_iter().collect();
    let (rows, next_block) = lock(connection, &keys).await?;
    let mut draft = Draft::new(scope, now, next_block);
    let mut deposits = deposits(connection, keys).await?;
    for row in rows {
        let deposits = deposits.remove(&row.key).unwrap_or_default();
        draft.accounts.insert(row.key, Account::new(row, deposits));
    }
    draft.attempts = attempts(connection, ids).await?;
    Ok(draft)
}

/// Locks the rows of these channels, and says up to where the chain was read.
async fn lock(connection: &mut PgConnection, keys: &Keys) -> Result<(Vec<ChannelRow>, u64), sqlx::Error> {
    let rows = sqlx::query(
        "SELECT channels.*, (SELECT next_block FROM position WHERE one = 1) AS next_block FROM channels \
         WHERE (sender, open_block) IN (SELECT * FROM unnest($1::bytea[], $2::bigint[])) \
         ORDER BY sender, open_block FOR UPDATE OF channels",
    )
    .bind(&keys.senders)
    .bind(&keys.open_blocks)
    .fetch_all(connection)
    .await?;
    let next_block = match rows.first() {
        Some(row) => columns::optional_unsigned(row, "next_block")?.unwrap_or(0),
        None => 0,
    };
    let rows = rows.iter().map(ChannelRow::read).collect::<Result<_, _>>()?;
    Ok((rows, next_block))
}

/// The deposits that those of these channels have had which were topped up, in their order.
async fn deposits(
    connection: &mut PgConnection,
    keys: Keys,
) -> Result<HashMap<ChannelKey, Vec<TokenAmount>>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT sender, open_block, amount FROM events \
         WHERE (sender, open_block) IN (SELECT sender, open_block FROM events WHERE kind = 'topped_up' \
         AND (sender, open_block) IN (SELECT * FROM unnest($1::bytea[], $2::bigint[]))) \
         AND kind IN ('opened', 'topped_up') ORDER BY block_number, log_index",
    )
    .bind(keys.senders)
    .bind(keys.open_blocks)
    .fetch_all(connection)
    .await?;
    let mut added: HashMap<ChannelKey, Vec<TokenAmount>> = HashMap::new();
    for row in &rows {
        added.entry(columns::key(row)?).or_default().push(columns::amount(row, "amount")?);
    }
    Ok(added.into_iter().map(|(key, added)| (key, levels::running_sums(added))).collect())
}

async fn attempts(
    connection: &mut PgConnection,
    ids: Vec<[u8; 16]>,
) -> Result<HashMap<AttemptId, Noted>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query(
        "SELECT id, contents, outcome, at, CAST(CASE WHEN EXISTS (SELECT 1 FROM income WHERE hour = at / 3600000) \
         THEN 1 ELSE 0 END AS BIGINT) AS tallied FROM attempts WHERE id = ANY($1)",
    )
    .bind(ids)
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| Ok((id(row)?, Noted::read(row)?))).collect()
}

fn id(row: &impl Fields) -> Result<AttemptId, sqlx::Error> {
    columns::bytes(row, "id").map(|id| AttemptId(u128::from_be_bytes(id)))
}

//! Answering lookups: one question to the database, whatever their number, since other processes change the rows.

use std::collections::HashMap;

use sqlx::PgPool;
use uraiden_core::channel::ChannelState;
use uraiden_core::wire::ChannelKey;

use super::super::row::ChannelRow;
use super::super::{Scope, columns};
use super::read::Keys;

/// The states of these channels, in this order.
pub(in super::super) async fn states(
    pool: &PgPool,
    scope: &Scope,
    keys: &[ChannelKey],
) -> Result<Vec<ChannelState>, sqlx::Error> {
    let Keys { senders, open_blocks } = keys.iter().copied().collect();
    let rows = sqlx::query(
        "SELECT channels.*, (SELECT next_block FROM position) AS next_block FROM channels \
         WHERE (sender, open_block) IN (SELECT * FROM unnest($1::bytea[], $2::bigint[]))",
    )
    .bind(senders)
    .bind(open_blocks)
    .fetch_all(pool)
    .await?;
    let mut states = HashMap::with_capacity(rows.len());
    for row in &rows {
        let next_block = columns::optional_unsigned(row, "next_block")?.unwrap_or(0);
        let row = ChannelRow::read(row)?;
        states.insert(row.key, row.state(next_block, scope));
    }
    Ok(keys.iter().map(|key| states.get(key).copied().unwrap_or(ChannelState::Absent)).collect())
}

//! Writing what the chain says of many channels at once. A first sync brings them by the hundred thousand, and a
//! statement a row would take longer than the node takes to find them.

use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use uraiden_core::TokenAmount;
use uraiden_core::wire::ChannelKey;

use super::advance::ChainEvent;
use super::columns::{Blob, signed};
use super::fold::Folded;

/// Rows in one statement. SQLite takes 32,766 values in one, and a row has ten at most.
const ROWS: usize = 200;

pub(super) async fn insert_events(
    connection: &mut SqliteConnection,
    events: &[ChainEvent],
) -> Result<(), sqlx::Error> {
    for events in events.chunks(ROWS) {
        let mut sql: QueryBuilder<Sqlite> = QueryBuilder::new(
            "INSERT INTO events (block_number, log_index, block_hash, tx_hash, kind, sender, open_block, amount) ",
        );
        sql.push_values(events, |mut row, event| {
            row.push_bind(signed(event.block))
                .push_bind(signed(event.log_index))
                .push_bind(event.block_hash.to_vec())
                .push_bind(event.tx_hash.to_vec())
                .push_bind(event.kind.as_str())
                .push_bind(event.channel.sender.blob())
                .push_bind(i64::from(event.channel.open_block.0))
                .push_bind(event.amount.blob());
        });
        sql.build().execute(&mut *connection).await?;
    }
    Ok(())
}

/// Writes what only the chain decides. What the sender signed and the closing mark stay.
pub(super) async fn write_channels(
    connection: &mut SqliteConnection,
    channels: &[(ChannelKey, Folded)],
    now: u64,
) -> Result<(), sqlx::Error> {
    for channels in channels.chunks(ROWS) {
        let mut sql: QueryBuilder<Sqlite> = QueryBuilder::new(
            "INSERT INTO channels (sender, open_block, chain_state, deposit, withdrawn, settle_block, asked_balance, \
             balance, created_at, updated_at) ",
        );
        sql.push_values(channels, |mut row, (key, folded)| {
            row.push_bind(key.sender.blob())
                .push_bind(i64::from(key.open_block.0))
                .push_bind(folded.on_chain.as_str())
                .push_bind(folded.deposit.blob())
                .push_bind(folded.withdrawn.blob())
                .push_bind(folded.settle_block.map(signed))
                .push_bind(folded.asked_balance.map(|balance| balance.blob()))
                .push_bind(TokenAmount::ZERO.blob())
                .push_bind(signed(now))
                .push_bind(signed(now));
        });
        sql.push(
            " ON CONFLICT (sender, open_block) DO UPDATE SET chain_state = excluded.chain_state, \
             deposit = excluded.deposit, withdrawn = excluded.withdrawn, settle_block = excluded.settle_block, \
             asked_balance = excluded.asked_balance, updated_at = excluded.updated_at",
        );
        sql.build().execute(&mut *connection).await?;
    }
    Ok(())
}

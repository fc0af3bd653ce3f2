//! Writing what the chain says of many channels at once. A first sync brings them by the hundred thousand, and a
//! statement a row would take longer than the node takes to find them.

use sqlx::any::AnyArguments;
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, AssertSqlSafe};
use uraiden_core::TokenAmount;
use uraiden_core::wire::ChannelKey;

use super::advance::ChainEvent;
use super::columns::{Blob, signed};
use super::fold::Folded;

/// Rows in one statement. SQLite takes 32,766 values in one and PostgreSQL 65,535, and a row has ten at most.
const ROWS: usize = 200;

/// The generation since which a channel with the open block `$2` is held back, if it is.
pub(super) const HELD: &str = "(SELECT generation FROM ledger WHERE held_below > $2)";

type Values = Query<'static, Any, AnyArguments>;

pub(super) async fn insert_events(
    connection: &mut AnyConnection,
    events: &[ChainEvent],
) -> Result<(), sqlx::Error> {
    for events in events.chunks(ROWS) {
        let sql = format!(
            "INSERT INTO events (block_number, log_index, block_hash, tx_hash, kind, sender, open_block, amount) \
             VALUES {}",
            places(events.len(), 8, "")
        );
        let bind = |query: Values, event: &ChainEvent| {
            query
                .bind(signed(event.block))
                .bind(signed(event.log_index))
                .bind(event.block_hash.to_vec())
                .bind(event.tx_hash.to_vec())
                .bind(event.kind.as_str())
                .bind(event.channel.sender.blob())
                .bind(i64::from(event.channel.open_block.0))
                .bind(event.amount.blob())
        };
        let query = events.iter().fold(sqlx::query(AssertSqlSafe(sql)), bind);
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

/// Writes what only the chain decides. What the sender signed and the closing mark stay.
pub(super) async fn write_channels(
    connection: &mut AnyConnection,
    channels: &[(ChannelKey, Folded)],
    now: u64,
) -> Result<(), sqlx::Error> {
    for channels in channels.chunks(ROWS) {
        let sql = format!(
            "INSERT INTO channels (sender, open_block, chain_state, deposit, withdrawn, settle_block, asked_balance, \
             balance, created_at, updated_at, held_generation) VALUES {} \
             ON CONFLICT (sender, open_block) DO UPDATE SET chain_state = excluded.chain_state, \
             deposit = excluded.deposit, withdrawn = excluded.withdrawn, settle_block = excluded.settle_block, \
             asked_balance = excluded.asked_balance, updated_at = excluded.updated_at",
            places(channels.len(), 10, HELD)
        );
        let bind = |query: Values, (key, folded): &(ChannelKey, Folded)| {
            query
                .bind(key.sender.blob())
                .bind(i64::from(key.open_block.0))
                .bind(folded.on_chain.as_str())
                .bind(folded.deposit.blob())
                .bind(folded.withdrawn.blob())
                .bind(folded.settle_block.map(signed))
                .bind(folded.asked_balance.map(|balance| balance.blob()))
                .bind(TokenAmount::ZERO.blob())
                .bind(signed(now))
                .bind(signed(now))
        };
        let query = channels.iter().fold(sqlx::query(AssertSqlSafe(sql)), bind);
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

/// The places of so many rows of values: `($1, $2), ($3, $4)`. `last` comes behind each row's, with the place of its
/// second value for `$2`.
fn places(rows: usize, columns: usize, last: &str) -> String {
    let row = |row: usize| {
        let place = |column: usize| format!("${}", row * columns + column);
        let mut places: Vec<_> = (1..=columns).map(place).collect();
        if !last.is_empty() {
            places.push(last.replace("$2", &place(2)));
        }
        format!("({})", places.join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

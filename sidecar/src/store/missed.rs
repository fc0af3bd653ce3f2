//! Events that the node's log entries lacked, and that the contract itself shows.

use std::sync::Arc;

use sqlx::AnyConnection;
use uraiden_core::TokenAmount;

use super::advance::{self, ChainEvent, EventKind};
use super::columns::{self, signed};
use super::row::ChannelRow;
use super::{Epoch, Store, StoreError, bulk, read};

/// Log entries have lower places in their block, by far.
const FIRST_PLACE: u64 = 1 << 32;

/// An event without a log entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missed {
    /// What happened.
    pub kind: EventKind,
    /// In this block at the latest.
    pub block: u64,
    /// How much, as in [`ChainEvent`].
    pub amount: TokenAmount,
}

impl Store {
    /// The channels with unclaimed money that the chain has not settled.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotRead`].
    pub async fn with_unclaimed(&self) -> Result<Vec<ChannelRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM channels WHERE chain_state IN ('open', 'closing') AND balance > withdrawn",
        )
        .fetch_all(self.readers())
        .await?;
        rows.iter().map(ChannelRow::read).collect::<Result<_, _>>().map_err(StoreError::from)
    }

    /// Takes note of events of a channel that were missed, as of the block `believed`. `false`, and nothing is noted,
    /// where the chain was read further or the channel is not as it was compared. They go when the blocks that they
    /// stand in are read again.
    ///
    /// # Errors
    ///
    /// [`StoreError::LeaseLost`], [`StoreError::NotWritten`].
    pub async fn note_missed(
        &self,
        epoch: Epoch,
        compared: ChannelRow,
        believed: u64,
        missed: Vec<Missed>,
    ) -> Result<bool, StoreError> {
        let confirmed_below = believed + 1;
        let missed = Arc::new(missed);
        self.led(epoch, move |connection, now| {
            let missed = Arc::clone(&missed);
            Box::pin(async move {
                let Some(row) = read::lock(connection, compared.key).await? else { return Ok(false) };
                let chain = |row: &ChannelRow| (row.on_chain, row.deposit, row.withdrawn, row.settle_block);
                let position = read::position(connection).await?;
                let as_compared = chain(&row) == chain(&compared)
                    && position.is_some_and(|position| position.confirmed_below >= confirmed_below);
                if !as_compared {
                    return Ok(false);
                }
                for event in missed.iter() {
                    let log_index = free_place(connection, event.block).await?;
                    let event = ChainEvent {
                        block: event.block,
                        block_hash: [0; 32],
                        log_index,
                        tx_hash: [0; 32],
                        channel: compared.key,
                        kind: event.kind,
                        amount: event.amount,
                    };
                    bulk::insert_events(connection, &[event]).await?;
                }
                advance::refold(connection, compared.key, now).await?;
                Ok(true)
            })
        })
        .await
    }
}

async fn free_place(connection: &mut AnyConnection, block: u64) -> Result<u64, sqlx::Error> {
    let row = sqlx::query(
        "SELECT coalesce(max(log_index) + 1, $1) AS place FROM events WHERE block_number = $2 AND log_index >= $1",
    )
    .bind(signed(FIRST_PLACE))
    .bind(signed(block))
    .fetch_one(connection)
    .await?;
    columns::unsigned(&row, "place")
}

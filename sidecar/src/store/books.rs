//! The merchant's books: what all channels that ever were add up to.

use alloy::primitives::U256;
use futures_util::TryStreamExt;
use uraiden_core::TokenAmount;

use super::columns::{self, wide};
use super::row::{ChannelRow, OnChain};
use super::{Store, StoreError};

/// Sums over all channels. Sums of 192-bit amounts need more than 192 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Books {
    /// Channels that take payments.
    pub open: u64,
    /// Channels that are being closed, be it by agreement or by the sender.
    pub closing: u64,
    /// Channels that are over.
    pub settled: u64,
    /// Deposits of the channels that are not over.
    pub locked: U256,
    /// All that was ever accepted and not taken back.
    pub earned: U256,
    /// What the contract has paid out, by withdrawals and settlements.
    pub paid_out: U256,
    /// What was accepted in channels that are not over, and is still with the contract.
    pub claimable: U256,
}

impl Books {
    /// Adds a channel, of which `settled` was paid out in all if it is over.
    fn add(&mut self, row: &ChannelRow, settled: Option<TokenAmount>) {
        self.earned += wide(row.balance);
        if row.on_chain == OnChain::Settled {
            self.settled += 1;
            self.paid_out += wide(settled.unwrap_or(row.withdrawn));
            return;
        }
        self.paid_out += wide(row.withdrawn);
        self.claimable += wide(row.balance).saturating_sub(wide(row.withdrawn));
        match row.on_chain {
            OnChain::Open | OnChain::Closing => {
                self.locked += wide(row.deposit).saturating_sub(wide(row.withdrawn));
                if row.is_open() {
                    self.open += 1;
                } else {
                    self.closing += 1;
                }
            }
            OnChain::Absent | OnChain::Unconfirmed | OnChain::Settled => {}
        }
    }
}

impl Store {
    /// What all channels add up to.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotRead`].
    pub async fn books(&self) -> Result<Books, StoreError> {
        let mut rows = sqlx::query(
            "SELECT channels.*, (SELECT amount FROM events WHERE events.sender = channels.sender \
             AND events.open_block = channels.open_block AND kind = 'settled' LIMIT 1) AS settled FROM channels",
        )
        .fetch(self.readers());
        let mut books = Books::default();
        while let Some(row) = rows.try_next().await? {
            books.add(&ChannelRow::read(&row)?, columns::optional_amount(&row, "settled")?);
        }
        Ok(books)
    }
}

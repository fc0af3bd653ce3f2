//! Figures over all channels. They cost a walk over all of them, so they are made once a block, and when a generation
//! begins, however many ask.

use alloy::primitives::U256;
use futures_util::TryStreamExt;
use sqlx::any::AnyRow;
use uraiden_core::TokenAmount;

use super::columns::wide;
use super::row::ChannelRow;
use super::{Store, StoreError, columns, levels};

/// Up to where the chain was read, and in which generation: figures are made anew when that changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tip {
    /// The first block that was not read yet.
    pub next_block: u64,
    /// The hash of the one before it.
    hash: Option<[u8; 32]>,
    /// That of the ledger; 0 before it was bound.
    generation: u64,
}

/// Sums over the channels that are not settled. Sums of 192-bit amounts need more than 192 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Channels that take payments.
    pub open_channels: u64,
    /// Channels that are being closed, or held back.
    pub pending_channels: u64,
    /// Of these, those that are held back, since a restore or since payments were lost.
    pub held_channels: u64,
    /// Different senders.
    pub unique_senders: u64,
    /// Confirmed deposits.
    pub deposit_sum: U256,
    /// Balances that senders have signed over.
    pub balance_sum: U256,
    /// Balances that were not withdrawn yet.
    pub unclaimed_sum: U256,
    /// What of that the contract would pay out now.
    pub claimable_sum: U256,
}

impl Store {
    /// Up to where the chain was read.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotRead`].
    pub async fn tip(&self) -> Result<Tip, StoreError> {
        let row = sqlx::query(
            "SELECT next_block, (SELECT hash FROM blocks WHERE number = next_block - 1) AS hash, \
             (SELECT generation FROM ledger) AS generation FROM position",
        )
        .fetch_optional(self.readers())
        .await?;
        let read = |row: &AnyRow| -> Result<Tip, sqlx::Error> {
            Ok(Tip {
                next_block: columns::unsigned(row, "next_block")?,
                hash: columns::optional_bytes(row, "hash")?,
                generation: columns::optional_unsigned(row, "generation")?.unwrap_or_default(),
            })
        };
        Ok(row.as_ref().map(read).transpose()?.unwrap_or_default())
    }

    /// The figures as they were when the newest block was first asked about.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotRead`].
    pub async fn totals(&self) -> Result<(Tip, Totals), StoreError> {
        let tip = self.tip().await?;
        // Held while they are made, so that those who ask meanwhile wait for these.
        let mut cached = self.totals.lock().await;
        if let Some((of, totals)) = *cached
            && of == tip
        {
            return Ok((tip, totals));
        }
        let totals = self.add_up().await?;
        *cached = Some((tip, totals));
        Ok((tip, totals))
    }

    async fn add_up(&self) -> Result<Totals, StoreError> {
        let mut totals = Totals::default();
        let mut last_sender = None;
        // Few, and only after a reorganisation took deposit away.
        let mut overspent = Vec::new();
        let mut rows = sqlx::query(
            "SELECT * FROM channels WHERE chain_state IN ('open', 'closing') ORDER BY sender, open_block",
        )
        .fetch(self.readers());
        while let Some(row) = rows.try_next().await? {
            let row = ChannelRow::read(&row)?;
            if last_sender.replace(row.key.sender) != Some(row.key.sender) {
                totals.unique_senders += 1;
            }
            match row.is_open() {
                true => totals.open_channels += 1,
                false => totals.pending_channels += 1,
            }
            totals.held_channels += u64::from(row.held_generation.is_some());
            let unclaimed = above(row.balance, row.withdrawn);
            // 2^64 amounts of 192 bits would be needed to overflow 256.
            totals.deposit_sum += wide(row.deposit);
            totals.balance_sum += wide(row.balance);
            totals.unclaimed_sum += unclaimed;
            match row.balance <= row.deposit {
                true => totals.claimable_sum += unclaimed,
                false => overspent.push(row),
            }
        }
        drop(rows);
        for row in overspent {
            let mut connection = self.readers().acquire().await?;
            if let Some(proof) = levels::claimable(&mut connection, &row).await? {
                totals.claimable_sum += above(proof.balance, row.withdrawn);
            }
        }
        Ok(totals)
    }
}

fn above(balance: TokenAmount, withdrawn: TokenAmount) -> U256 {
    wide(balance.checked_sub(withdrawn).unwrap_or_default())
}

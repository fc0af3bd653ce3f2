//! Reading the ledger. What a reader sees is durable.

use sqlx::AnyConnection;
use sqlx::any::AnyRow;
use uraiden_core::channel::ChannelState;
use uraiden_core::wire::{Answer, ChannelKey};
use uraiden_core::{Address, TokenAmount};

use super::columns::{self, Blob, signed};
use super::row::{ChannelRow, OnChain};
use super::{Scope, Store, StoreError};

/// How far the chain was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Where reading began.
    pub start_block: u64,
    /// The first block that was not read yet.
    pub next_block: u64,
    /// The first block whose events are not believed yet.
    pub confirmed_below: u64,
}

/// Which channels a list shows. Unconfirmed ones are in none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    /// Those that take payments.
    Open,
    /// Those that do not any more.
    Closed,
    /// Both.
    All,
}

/// A line of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedChannel {
    /// Sender and open block.
    pub key: ChannelKey,
    /// The confirmed deposit.
    pub deposit: TokenAmount,
    /// What the sender has signed over.
    pub balance: TokenAmount,
    /// Whether it takes payments.
    pub open: bool,
}

/// A top-up that is not confirmed yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingTopUp {
    /// Its transaction.
    pub tx_hash: [u8; 32],
    /// What it adds to the deposit.
    pub added: TokenAmount,
}

pub(super) async fn position(connection: &mut AnyConnection) -> Result<Option<Position>, sqlx::Error> {
    let row = sqlx::query("SELECT * FROM position").fetch_optional(connection).await?;
    row.map(|row| {
        Ok(Position {
            start_block: columns::unsigned(&row, "start_block")?,
            next_block: columns::unsigned(&row, "next_block")?,
            confirmed_below: columns::unsigned(&row, "confirmed_below")?,
        })
    })
    .transpose()
}

async fn fetch(connection: &mut AnyConnection, key: ChannelKey) -> Result<Option<AnyRow>, sqlx::Error> {
    sqlx::query(
        "SELECT channels.*, (SELECT next_block FROM position) AS next_block FROM channels \
         WHERE sender = $1 AND open_block = $2",
    )
    .bind(key.sender.blob())
    .bind(i64::from(key.open_block.0))
    .fetch_optional(connection)
    .await
}

pub(super) async fn row(
    connection: &mut AnyConnection,
    key: ChannelKey,
) -> Result<Option<ChannelRow>, sqlx::Error> {
    fetch(connection, key).await?.as_ref().map(ChannelRow::read).transpose()
}

/// The same, kept as it is by everybody else until the end of the transaction: for whoever changes it next.
pub(super) async fn lock(
    connection: &mut AnyConnection,
    key: ChannelKey,
) -> Result<Option<ChannelRow>, sqlx::Error> {
    let row = sqlx::query(
        "UPDATE channels SET updated_at = updated_at WHERE sender = $1 AND open_block = $2 RETURNING *",
    )
    .bind(key.sender.blob())
    .bind(i64::from(key.open_block.0))
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(ChannelRow::read).transpose()
}

pub(super) async fn state(
    connection: &mut AnyConnection,
    scope: &Scope,
    key: ChannelKey,
) -> Result<ChannelState, sqlx::Error> {
    let Some(row) = fetch(connection, key).await? else { return Ok(ChannelState::Absent) };
    let next_block = columns::unsigned(&row, "next_block")?;
    Ok(ChannelRow::read(&row)?.state(next_block, scope))
}

impl Store {
    /// What lookups of these channels are answered.
    pub(super) async fn look_up(&self, keys: &[ChannelKey]) -> Result<Vec<Answer>, StoreError> {
        let states = self.states(keys).await?;
        Ok(states.into_iter().map(|channel| Answer::Channel { channel }).collect())
    }

    /// Everything about one channel; `None` where it was never heard of.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotRead`].
    pub async fn channel(&self, key: ChannelKey) -> Result<Option<ChannelRow>, StoreError> {
        let mut connection = self.readers.acquire().await?;
        Ok(row(&mut connection, key).await?)
    }

    /// The top-ups of a channel that are not confirmed yet.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotRead`].
    pub async fn pending_top_ups(&self, key: ChannelKey) -> Result<Vec<PendingTopUp>, StoreError> {
        let rows = sqlx::query(
            "SELECT tx_hash, amount FROM events WHERE sender = $1 AND open_block = $2 AND kind = 'topped_up' \
             AND block_number >= (SELECT confirmed_below FROM position) ORDER BY block_number, log_index",
        )
        .bind(key.sender.blob())
        .bind(i64::from(key.open_block.0))
        .fetch_all(&self.readers)
        .await?;
        let read = |row: &AnyRow| {
            Ok(PendingTopUp {
                tx_hash: columns::bytes(row, "tx_hash")?,
                added: columns::amount(row, "amount")?,
            })
        };
        rows.iter().map(read).collect::<Result<_, sqlx::Error>>().map_err(StoreError::from)
    }

    /// A page of the list of channels, in the order of sender and open block; of one sender, or of all.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotRead`].
    pub async fn list(
        &self,
        sender: Option<Address>,
        listing: Listing,
        limit: u32,
        offset: u32,
    ) -> Result<Vec<ListedChannel>, StoreError> {
        macro_rules! select {
            ($filter:literal) => {
                concat!(
                    "SELECT sender, open_block, deposit, balance, chain_state, closing_balance, held_generation FROM channels \
                     WHERE sender >= $1 AND sender <= $2 AND ",
                    $filter,
                    " ORDER BY sender, open_block LIMIT $3 OFFSET $4"
                )
            };
        }
        let sql = match listing {
            Listing::Open => {
                select!("chain_state = 'open' AND closing_balance IS NULL AND held_generation IS NULL")
            }
            Listing::Closed => select!(
                "(chain_state IN ('closing', 'settled') OR (chain_state = 'open' \
                 AND (closing_balance IS NOT NULL OR held_generation IS NOT NULL)))"
            ),
            Listing::All => select!("chain_state IN ('open', 'closing', 'settled')"),
        };
        let (first, last) = sender.map_or((Address([0; 20]), Address([0xff; 20])), |sender| (sender, sender));
        let rows = sqlx::query(sql)
            .bind(first.blob())
            .bind(last.blob())
            .bind(i64::from(limit))
            .bind(i64::from(offset))
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(listed).collect::<Result<_, _>>().map_err(StoreError::from)
    }

    /// A page of all channels that were ever heard of, in the order of sender and open block; with or without those
    /// that are settled.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotRead`].
    pub async fn rows(
        &self,
        with_settled: bool,
        limit: u32,
        offset: u32,
    ) -> Result<Vec<ChannelRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM channels WHERE chain_state <> 'settled' OR $1 ORDER BY sender, open_block \
             LIMIT $2 OFFSET $3",
        )
        .bind(with_settled)
        .bind(i64::from(limit))
        .bind(i64::from(offset))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(ChannelRow::read).collect::<Result<_, _>>().map_err(StoreError::from)
    }

    /// How far the chain was read; `None` before the first block.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotRead`].
    pub async fn position(&self) -> Result<Option<Position>, StoreError> {
        let mut connection = self.readers.acquire().await?;
        Ok(position(&mut connection).await?)
    }

    /// The blocks that are remembered by their hash, the highest first.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotRead`].
    pub async fn remembered_blocks(&self, up_to: u64) -> Result<Vec<(u64, [u8; 32])>, StoreError> {
        let rows = sqlx::query("SELECT number, hash FROM blocks WHERE number <= $1 ORDER BY number DESC")
            .bind(signed(up_to))
            .fetch_all(&self.readers)
            .await?;
        rows.iter()
            .map(|row| Ok((columns::unsigned(row, "number")?, columns::bytes(row, "hash")?)))
            .collect::<Result<_, sqlx::Error>>()
            .map_err(StoreError::from)
    }
}

fn listed(row: &AnyRow) -> Result<ListedChannel, sqlx::Error> {
    let on_chain = columns::word(row, "chain_state", OnChain::read)?;
    Ok(ListedChannel {
        key: columns::key(row)?,
        deposit: columns::amount(row, "deposit")?,
        balance: columns::amount(row, "balance")?,
        open: on_chain == OnChain::Open
            && columns::optional_amount(row, "closing_balance")?.is_none()
            && columns::optional_unsigned(row, "held_generation")?.is_none(),
    })
}

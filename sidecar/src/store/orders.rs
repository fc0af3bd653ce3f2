//! What the merchant orders: closing a channel from our side, withdrawing without closing.

use sqlx::AnyConnection;
use sqlx::any::AnyRow;
use uraiden_core::TokenAmount;
use uraiden_core::wire::ChannelKey;

use super::columns::{self, Blob, signed};
use super::intents::{self, Purpose};
use super::lease::Epoch;
use super::levels::{self, HeldProof};
use super::row::{ChannelRow, OnChain};
use super::{Store, StoreError, read};

/// A payment this old, in milliseconds, is not taken back by a filter any more.
const FINAL_AFTER: u64 = 60_000;

/// Whether an order is only tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Says what would happen.
    DryRun,
    /// Makes it happen.
    Order,
}

/// An open channel with something to withdraw, and no withdrawal under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unclaimed {
    /// Which channel.
    pub key: ChannelKey,
    /// What was paid and not withdrawn.
    pub amount: TokenAmount,
    /// When it was withdrawn from last, or else first heard of, in milliseconds since 1970.
    pub since: u64,
}

/// Why an order is not possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such channel.
    #[error("there is no such channel")]
    Absent,
    /// Its opening is not confirmed.
    #[error("the channel is not confirmed yet")]
    Unconfirmed,
    /// Without a balance proof the contract pays nothing.
    #[error("nothing was paid through this channel")]
    NothingPaid,
    /// No proof that is held and may be claimed is within the deposit.
    #[error("the balance {balance} is above the deposit {deposit} that the chain shows now")]
    AboveDeposit {
        /// What was agreed on, or else what we hold.
        balance: TokenAmount,
        /// The confirmed deposit.
        deposit: TokenAmount,
    },
    /// It is over.
    #[error("the channel is settled")]
    Settled,
    /// The contract pays out a channel that is being closed when it is settled.
    #[error("the channel is being closed, which pays everything out")]
    Closing,
    /// All that is final was withdrawn.
    #[error("nothing that is final is left to withdraw: {withdrawn} were withdrawn")]
    NothingLeft {
        /// What was withdrawn.
        withdrawn: TokenAmount,
    },
    /// One at a time.
    #[error("a withdrawal of this channel is under way")]
    Underway,
}

impl Store {
    /// Marks a channel as closing and writes the intent to close it. That makes its topmost payment final. Ordering it
    /// again is the same order.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotWritten`].
    pub async fn order_closing(
        &self,
        key: ChannelKey,
        mode: Mode,
    ) -> Result<Result<HeldProof, Refusal>, StoreError> {
        self.step(move |connection, now| {
            Box::pin(async move {
                let proof = match closable(connection, key).await? {
                    Ok(proof) => proof,
                    Err(refusal) => return Ok(Err(refusal)),
                };
                if mode == Mode::Order {
                    intents::mark(connection, key, proof.balance, now).await?;
                    intents::insert(connection, Purpose::Close, key, &proof, now).await?;
                }
                Ok(Ok(proof))
            })
        })
        .await
    }

    /// Writes the intent to withdraw all that is final. Like every order it can be given to any process; the one that
    /// leads carries it out.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotWritten`].
    pub async fn order_withdrawal(
        &self,
        key: ChannelKey,
        mode: Mode,
    ) -> Result<Result<HeldProof, Refusal>, StoreError> {
        self.step(move |connection, now| Box::pin(withdraw(connection, key, mode, now))).await
    }

    /// The same as a leader's own decision.
    ///
    /// # Errors
    ///
    /// [`StoreError::LeaseLost`], [`StoreError::NotWritten`].
    pub async fn withdraw_due(
        &self,
        epoch: Epoch,
        key: ChannelKey,
    ) -> Result<Result<HeldProof, Refusal>, StoreError> {
        self.led(epoch, move |connection, now| Box::pin(withdraw(connection, key, Mode::Order, now))).await
    }
}

async fn withdraw(
    connection: &mut AnyConnection,
    key: ChannelKey,
    mode: Mode,
    now: u64,
) -> Result<Result<HeldProof, Refusal>, sqlx::Error> {
    let proof = match withdrawable(connection, key, now).await? {
        Ok(proof) => proof,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if mode == Mode::Order {
        if !intents::insert(connection, Purpose::Withdraw, key, &proof, now).await? {
            return Ok(Err(Refusal::Underway));
        }
        finalise(connection, key, proof.balance).await?;
    }
    Ok(Ok(proof))
}

async fn closable(
    connection: &mut AnyConnection,
    key: ChannelKey,
) -> Result<Result<HeldProof, Refusal>, sqlx::Error> {
    let Some(row) = read::lock(connection, key).await? else { return Ok(Err(Refusal::Absent)) };
    match row.on_chain {
        OnChain::Absent => return Ok(Err(Refusal::Absent)),
        OnChain::Unconfirmed => return Ok(Err(Refusal::Unconfirmed)),
        OnChain::Settled => return Ok(Err(Refusal::Settled)),
        OnChain::Open | OnChain::Closing => {}
    }
    if row.signature.is_none() {
        return Ok(Err(Refusal::NothingPaid));
    }
    let balance = row.closing_balance.unwrap_or(row.balance);
    let proof = levels::claimable(connection, &row).await?;
    Ok(proof.ok_or(Refusal::AboveDeposit { balance, deposit: row.deposit }))
}

async fn withdrawable(
    connection: &mut AnyConnection,
    key: ChannelKey,
    now: u64,
) -> Result<Result<HeldProof, Refusal>, sqlx::Error> {
    let Some(row) = read::lock(connection, key).await? else { return Ok(Err(Refusal::Absent)) };
    match row.on_chain {
        OnChain::Absent => return Ok(Err(Refusal::Absent)),
        OnChain::Unconfirmed => return Ok(Err(Refusal::Unconfirmed)),
        OnChain::Settled => return Ok(Err(Refusal::Settled)),
        OnChain::Closing => return Ok(Err(Refusal::Closing)),
        OnChain::Open if row.closing_balance.is_some() => return Ok(Err(Refusal::Closing)),
        OnChain::Open => {}
    }
    if row.signature.is_none() {
        return Ok(Err(Refusal::NothingPaid));
    }
    let last = final_part(&row, now);
    let Some(proof) = levels::best(connection, &last, row.deposit).await? else {
        return Ok(Err(if last.signature.is_none() {
            Refusal::NothingLeft { withdrawn: row.withdrawn }
        } else {
            Refusal::AboveDeposit { balance: last.balance, deposit: row.deposit }
        }));
    };
    if proof.balance <= row.withdrawn {
        return Ok(Err(Refusal::NothingLeft { withdrawn: row.withdrawn }));
    }
    Ok(Ok(proof))
}

/// The channel without a topmost payment that may still be taken back.
fn final_part(row: &ChannelRow, now: u64) -> ChannelRow {
    match row.undo {
        Some(undo) if now.saturating_sub(row.updated_at) < FINAL_AFTER => {
            ChannelRow { balance: undo.balance, signature: undo.signature, undo: None, ..*row }
        }
        Some(_) | None => *row,
    }
}

/// A payment whose proof goes into a transaction is not taken back any more.
async fn finalise(
    connection: &mut AnyConnection,
    key: ChannelKey,
    balance: TokenAmount,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE channels SET take_backs = CASE WHEN undo_attempt IS NULL THEN take_backs ELSE 0 END, \
         undo_attempt = NULL, undo_balance = NULL, undo_signature = NULL \
         WHERE sender = $1 AND open_block = $2 AND balance = $3",
    )
    .bind(key.sender.blob())
    .bind(i64::from(key.open_block.0))
    .bind(balance.blob())
    .execute(connection)
    .await?;
    Ok(())
}

impl Store {
    /// The open channels with something to withdraw, and no withdrawal under way.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotRead`].
    pub async fn unclaimed(&self) -> Result<Vec<Unclaimed>, StoreError> {
        let rows = sqlx::query(
            "SELECT channels.sender, channels.open_block, channels.balance, channels.withdrawn, \
             coalesce(intents.done_at, channels.created_at) AS since FROM channels LEFT JOIN intents \
             ON intents.sender = channels.sender AND intents.open_block = channels.open_block \
             AND intents.purpose = 'withdraw' \
             WHERE channels.chain_state = 'open' AND channels.closing_balance IS NULL \
             AND channels.balance > channels.withdrawn AND (intents.id IS NULL OR intents.done_at IS NOT NULL)",
        )
        .fetch_all(self.readers())
        .await?;
        let read = |row: &AnyRow| {
            let (balance, withdrawn) = (columns::amount(row, "balance")?, columns::amount(row, "withdrawn")?);
            Ok(Unclaimed {
                key: columns::key(row)?,
                amount: balance.checked_sub(withdrawn).unwrap_or_default(),
                since: columns::unsigned(row, "since")?,
            })
        };
        rows.iter().map(read).collect::<Result<_, sqlx::Error>>().map_err(StoreError::from)
    }

    /// Takes note that the chain has done a withdrawal, so that another one can be ordered.
    ///
    /// # Errors
    ///
    /// [`StoreError::LeaseLost`], [`StoreError::NotWritten`].
    pub async fn finish_withdrawal(&self, epoch: Epoch, intent: i64) -> Result<(), StoreError> {
        self.led(epoch, move |connection, now| {
            Box::pin(async move {
                sqlx::query("UPDATE intents SET done_at = $1 WHERE id = $2 AND purpose = 'withdraw'")
                    .bind(signed(now))
                    .bind(intent)
                    .execute(connection)
                    .await?;
                Ok(())
            })
        })
        .await
    }
}

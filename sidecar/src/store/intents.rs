//! What we want the chain to do, and the transactions that were signed for it.
//!
//! An intent is written before anything is signed, a transaction before it is sent. All transactions of an intent that
//! can still be included have one nonce, so that at most one of them costs gas.

use std::sync::Arc;

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};
use uraiden_core::TokenAmount;
use uraiden_core::wire::ChannelKey;

use super::columns::{self, Blob, signed};
use super::lease::Epoch;
use super::levels::{self, HeldProof};
use super::row::{ChannelRow, OnChain};
use super::{Store, StoreError, read};

/// What an intent is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// `cooperativeClose` with our own agreement.
    Close,
    /// `withdraw`, which leaves the channel open.
    Withdraw,
}

impl Purpose {
    const ALL: [Self; 2] = [Self::Close, Self::Withdraw];

    /// As it is written in the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Close => "close",
            Self::Withdraw => "withdraw",
        }
    }

    fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == text)
    }
}

/// What we want the chain to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// Names it.
    pub id: i64,
    /// What it is for.
    pub purpose: Purpose,
    /// What is claimed.
    pub proof: HeldProof,
    /// The nonce of the transactions below.
    pub nonce: Option<u64>,
    /// The channel as it is now.
    pub channel: ChannelRow,
    /// What was signed with this nonce, the newest last.
    pub transactions: Vec<Transaction>,
}

impl Intent {
    /// Whether the confirmed chain has not done it yet.
    pub fn is_wanted(&self) -> bool {
        match (self.purpose, self.channel.on_chain) {
            (Purpose::Close, on_chain) => on_chain != OnChain::Settled,
            // A channel that is being closed pays everything out when it is settled.
            (Purpose::Withdraw, OnChain::Open) => {
                self.channel.closing_balance.is_none() && self.channel.withdrawn < self.proof.balance
            }
            (Purpose::Withdraw, _) => false,
        }
    }
}

/// A signed transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Its hash.
    pub hash: [u8; 32],
    /// The account's nonce.
    pub nonce: u64,
    /// The most that is paid, in wei per gas.
    pub max_fee: u128,
    /// The part of it for whoever includes it.
    pub priority_fee: u128,
    /// What is sent.
    pub raw: Vec<u8>,
    /// The newest block when it was signed.
    pub head: u64,
}

impl Store {
    /// The channels that their senders have asked to close and that we do not close ourselves yet.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotRead`].
    pub async fn closing_by_sender(&self) -> Result<Vec<ChannelRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT channels.* FROM channels LEFT JOIN intents ON intents.sender = channels.sender \
             AND intents.open_block = channels.open_block AND intents.purpose = 'close' \
             WHERE channels.chain_state = 'closing' AND intents.id IS NULL",
        )
        .fetch_all(self.readers())
        .await?;
        rows.iter().map(ChannelRow::read).collect::<Result<_, _>>().map_err(StoreError::from)
    }

    /// The proof to close a channel with: of the balance that was agreed on before, or else the highest one that the
    /// contract takes with the confirmed deposit.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotRead`].
    pub async fn claimable(&self, row: &ChannelRow) -> Result<Option<HeldProof>, StoreError> {
        let mut connection = self.readers().acquire().await?;
        Ok(levels::claimable(&mut connection, row).await?)
    }

    /// Marks a channel as closing at the balance of [`Store::claimable`] and writes the intent to close it: all in one
    /// transaction, and only if `wanted` says yes in it. Answers what is claimed.
    ///
    /// # Errors
    ///
    /// [`StoreError::LeaseLost`], [`StoreError::NotWritten`].
    pub async fn claim_closing(
        &self,
        epoch: Epoch,
        key: ChannelKey,
        wanted: impl Fn(&ChannelRow, &HeldProof) -> bool + Send + Sync + 'static,
    ) -> Result<Option<HeldProof>, StoreError> {
        let wanted = Arc::new(wanted);
        self.led(epoch, move |connection, now| {
            let wanted = Arc::clone(&wanted);
            Box::pin(async move {
                let Some(row) = read::lock(connection, key).await? else { return Ok(None) };
                let Some(proof) = levels::claimable(connection, &row).await? else { return Ok(None) };
                if row.on_chain == OnChain::Settled || !wanted(&row, &proof) {
                    return Ok(None);
                }
                mark(connection, key, proof.balance, now).await?;
                insert(connection, Purpose::Close, key, &proof, now).await?;
                Ok(Some(proof))
            })
        })
        .await
    }

    /// The intents that the chain has not fulfilled, and those that hold a nonce from `first_open_nonce` on: others
    /// may wait behind it. In the order of their nonces, those without one last.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotRead`].
    pub async fn intents(&self, first_open_nonce: u64) -> Result<Vec<Intent>, StoreError> {
        let mut connection = self.readers().acquire().await?;
        let rows = sqlx::query(
            "SELECT * FROM (SELECT intents.* FROM channels JOIN intents ON intents.sender = channels.sender \
             AND intents.open_block = channels.open_block AND intents.purpose = 'close' \
             WHERE channels.closing_balance IS NOT NULL AND channels.chain_state <> 'settled' \
             UNION SELECT * FROM intents WHERE purpose = 'withdraw' AND done_at IS NULL \
             UNION SELECT * FROM intents WHERE nonce >= $1) AS wanted \
             ORDER BY nonce IS NULL, nonce, id",
        )
        .bind(signed(first_open_nonce))
        .fetch_all(&mut *connection)
        .await?;
        let mut intents = Vec::with_capacity(rows.len());
        for row in &rows {
            intents.push(intent(&mut connection, row).await?);
        }
        Ok(intents)
    }

    /// What is wanted of one channel, or was.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotRead`].
    pub async fn intents_of(&self, key: ChannelKey) -> Result<Vec<Intent>, StoreError> {
        let mut connection = self.readers().acquire().await?;
        let rows = sqlx::query("SELECT * FROM intents WHERE sender = $1 AND open_block = $2 ORDER BY id")
            .bind(key.sender.blob())
            .bind(i64::from(key.open_block.0))
            .fetch_all(&mut *connection)
            .await?;
        let mut intents = Vec::with_capacity(rows.len());
        for row in &rows {
            intents.push(intent(&mut connection, row).await?);
        }
        Ok(intents)
    }

    /// Gives an intent its nonce: the next one of the account, of which the chain has counted `first_open_nonce`.
    /// `None` where it has one.
    ///
    /// # Errors
    ///
    /// [`StoreError::LeaseLost`], [`StoreError::NotWritten`].
    pub async fn assign_nonce(
        &self,
        epoch: Epoch,
        intent: i64,
        first_open_nonce: u64,
    ) -> Result<Option<u64>, StoreError> {
        self.led(epoch, move |connection, _| {
            Box::pin(async move {
                let row = sqlx::query(
                    "UPDATE intents SET epoch = $1, \
                     nonce = (SELECT CASE WHEN max(nonce) >= $2 THEN max(nonce) + 1 ELSE $2 END FROM intents) \
                     WHERE id = $3 AND nonce IS NULL RETURNING nonce",
                )
                .bind(signed(epoch.number()))
                .bind(signed(first_open_nonce))
                .bind(intent)
                .fetch_optional(connection)
                .await?;
                row.map(|row| columns::unsigned(&row, "nonce")).transpose()
            })
        })
        .await
    }

    /// Takes an intent's nonce from it, when the confirmed chain has used it for something else. `false` where the
    /// intent has another one.
    ///
    /// # Errors
    ///
    /// [`StoreError::LeaseLost`], [`StoreError::NotWritten`].
    pub async fn release_nonce(&self, epoch: Epoch, intent: i64, nonce: u64) -> Result<bool, StoreError> {
        self.led(epoch, move |connection, _| {
            Box::pin(async move {
                let result =
                    sqlx::query("UPDATE intents SET epoch = $1, nonce = NULL WHERE id = $2 AND nonce = $3")
                        .bind(signed(epoch.number()))
                        .bind(intent)
                        .bind(signed(nonce))
                        .execute(connection)
                        .await?;
                Ok(result.rows_affected() == 1)
            })
        })
        .await
    }

    /// Keeps a signed transaction. Only after this it may be sent. `false` where the intent has another nonce.
    ///
    /// # Errors
    ///
    /// [`StoreError::LeaseLost`], [`StoreError::NotWritten`].
    pub async fn keep_transaction(
        &self,
        epoch: Epoch,
        intent: i64,
        transaction: Transaction,
    ) -> Result<bool, StoreError> {
        let transaction = Arc::new(transaction);
        self.led(epoch, move |connection, _| {
            let transaction = Arc::clone(&transaction);
            Box::pin(async move {
                let result = sqlx::query(
                    "INSERT INTO transactions (hash, intent, nonce, max_fee, priority_fee, raw, head) \
                     SELECT $1, id, nonce, $2, $3, $4, $5 FROM intents \
                     WHERE id = $6 AND nonce = $7",
                )
                .bind(transaction.hash.to_vec())
                .bind(wei(transaction.max_fee))
                .bind(wei(transaction.priority_fee))
                .bind(transaction.raw.clone())
                .bind(signed(transaction.head))
                .bind(intent)
                .bind(signed(transaction.nonce))
                .execute(connection)
                .await?;
                Ok(result.rows_affected() == 1)
            })
        })
        .await
    }
}

/// The sticky step to closing. A channel that is marked already keeps its mark.
pub(super) async fn mark(
    connection: &mut AnyConnection,
    key: ChannelKey,
    balance: TokenAmount,
    now: u64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE channels SET closing_balance = $1, undo_attempt = NULL, undo_balance = NULL, \
         undo_signature = NULL, updated_at = $2 WHERE sender = $3 AND open_block = $4 AND closing_balance IS NULL",
    )
    .bind(balance.blob())
    .bind(signed(now))
    .bind(key.sender.blob())
    .bind(i64::from(key.open_block.0))
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes an intent. `false` where one of the same purpose is under way.
pub(super) async fn insert(
    connection: &mut AnyConnection,
    purpose: Purpose,
    key: ChannelKey,
    proof: &HeldProof,
    now: u64,
) -> Result<bool, sqlx::Error> {
    let result = sqlx::query(
        "INSERT INTO intents (purpose, sender, open_block, balance, signature, epoch, created_at) \
         VALUES ($1, $2, $3, $4, $5, (SELECT epoch FROM lease), $6) ON CONFLICT (sender, open_block, purpose) \
         DO UPDATE SET balance = excluded.balance, signature = excluded.signature, epoch = excluded.epoch, \
         created_at = excluded.created_at, done_at = NULL WHERE intents.done_at IS NOT NULL",
    )
    .bind(purpose.as_str())
    .bind(key.sender.blob())
    .bind(i64::from(key.open_block.0))
    .bind(proof.balance.blob())
    .bind(proof.signature.blob())
    .bind(signed(now))
    .execute(connection)
    .await?;
    Ok(result.rows_affected() == 1)
}

async fn intent(connection: &mut AnyConnection, row: &AnyRow) -> Result<Intent, sqlx::Error> {
    let id: i64 = row.try_get("id")?;
    let key = columns::key(row)?;
    let nonce = columns::optional_unsigned(row, "nonce")?;
    let signature = columns::optional_signature(row, "signature")?;
    let rows =
        sqlx::query("SELECT * FROM transactions WHERE intent = $1 AND nonce = $2 ORDER BY max_fee, head")
            .bind(id)
            .bind(nonce.map(signed))
            .fetch_all(&mut *connection)
            .await?;
    Ok(Intent {
        id,
        purpose: columns::word(row, "purpose", Purpose::read)?,
        proof: HeldProof {
            balance: columns::amount(row, "balance")?,
            signature: signature.ok_or(sqlx::Error::RowNotFound)?,
        },
        nonce,
        // Channels are never deleted.
        channel: read::row(connection, key).await?.ok_or(sqlx::Error::RowNotFound)?,
        transactions: rows.iter().map(transaction).collect::<Result<_, _>>()?,
    })
}

fn transaction(row: &AnyRow) -> Result<Transaction, sqlx::Error> {
    Ok(Transaction {
        hash: columns::bytes(row, "hash")?,
        nonce: columns::unsigned(row, "nonce")?,
        max_fee: columns::unsigned(row, "max_fee")?.into(),
        priority_fee: columns::unsigned(row, "priority_fee")?.into(),
        raw: row.try_get("raw")?,
        head: columns::unsigned(row, "head")?,
    })
}

/// Nobody has 2^63 wei for a single gas.
fn wei(per_gas: u128) -> i64 {
    i64::try_from(per_gas).unwrap_or(i64::MAX)
}

//! Generations of a ledger. A copy that is taken into use does not know what happened after it was made: which
//! payments were accepted, and above all at which balances we have agreed to close since. Such an agreement is the one
//! thing that bypasses the challenge period, and none for another balance may follow it. So the channels of a copy are
//! held back until they are closed from our side, or until an operator, who knows more, releases them.

use sqlx::{AnyConnection, Row};
use uraiden_core::wire::ChannelKey;

use super::columns::{self, Blob, signed};
use super::{Epoch, Mode, Store, StoreError, read};

/// Above every block: the head of the chain was not reached yet since the generation began.
const UNTIL_THE_HEAD: i64 = i64::MAX;

/// Why a channel cannot be released.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReleased {
    /// There is no such channel.
    #[error("there is no such channel")]
    Absent,
    /// Nothing holds it back.
    #[error("the channel is not held back")]
    NotHeld,
}

/// Starts the next generation where the ledger is a copy, and answers its number.
pub(super) async fn start_if_copied(connection: &mut AnyConnection) -> Result<Option<u64>, sqlx::Error> {
    // Of several processes that find a copy, one starts it.
    let copied = sqlx::query("UPDATE ledger SET copied_at = copied_at WHERE copied_at IS NOT NULL")
        .execute(&mut *connection)
        .await?;
    match copied.rows_affected() {
        0 => Ok(None),
        _ => start(connection).await.map(Some),
    }
}

/// Starts the next generation: holds back all channels that are known, and those to come until the head of the chain
/// is reached.
pub(super) async fn start(connection: &mut AnyConnection) -> Result<u64, sqlx::Error> {
    keep_channels(connection).await?;
    let row = sqlx::query(
        "UPDATE ledger SET generation = generation + 1, held_below = $1, copied_at = NULL RETURNING generation",
    )
    .bind(UNTIL_THE_HEAD)
    .fetch_one(&mut *connection)
    .await?;
    hold_back(connection, columns::unsigned(&row, "generation")?).await
}

/// The same where no later generation than `known` has begun; then its number is above that, also where the server
/// went back to an earlier one. `None` where one has.
pub(super) async fn start_after(
    connection: &mut AnyConnection,
    known: u64,
) -> Result<Option<u64>, sqlx::Error> {
    keep_channels(connection).await?;
    let next = known + 1;
    let begun = sqlx::query(
        "UPDATE ledger SET generation = $1, held_below = $2, copied_at = NULL WHERE generation < $1",
    )
    .bind(signed(next))
    .bind(UNTIL_THE_HEAD)
    .execute(&mut *connection)
    .await?;
    match begun.rows_affected() {
        0 => Ok(None),
        _ => hold_back(connection, next).await.map(Some),
    }
}

/// Nobody who leads adds a channel, which would not be held back, until the transaction ends.
async fn keep_channels(connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE lease SET epoch = epoch").execute(connection).await?;
    Ok(())
}

async fn hold_back(connection: &mut AnyConnection, generation: u64) -> Result<u64, sqlx::Error> {
    sqlx::query("UPDATE channels SET held_generation = $1")
        .bind(signed(generation))
        .execute(connection)
        .await?;
    Ok(generation)
}

/// Whether the head of the chain was not reached yet since the generation began.
pub(super) async fn is_behind(connection: &mut AnyConnection) -> Result<bool, sqlx::Error> {
    let row = sqlx::query("SELECT held_below FROM ledger").fetch_optional(connection).await?;
    row.map_or(Ok(false), |row| Ok(row.try_get::<i64, _>("held_below")? == UNTIL_THE_HEAD))
}

impl Store {
    /// Takes note that everything was read up to the newest block, `head`. Channels that are opened later were not
    /// known to any ledger that this one may be a copy of. Costs nothing after the first time.
    ///
    /// # Errors
    ///
    /// [`StoreError::LeaseLost`], [`StoreError::NotWritten`].
    pub async fn reach_head(&self, epoch: Epoch, head: u64) -> Result<(), StoreError> {
        if !self.remembered.is_behind() {
            return Ok(());
        }
        self.led(epoch, move |connection, _| {
            Box::pin(async move {
                sqlx::query("UPDATE ledger SET held_below = $1 WHERE held_below = $2")
                    .bind(signed(head + 1))
                    .bind(UNTIL_THE_HEAD)
                    .execute(connection)
                    .await?;
                Ok(())
            })
        })
        .await?;
        self.remembered.set_behind(false);
        Ok(())
    }

    /// Lets a channel that is held back take payments again. It is for whoever knows that no agreement to close it is
    /// out.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotWritten`].
    pub async fn release(&self, key: ChannelKey, mode: Mode) -> Result<Result<(), NotReleased>, StoreError> {
        self.step(move |connection, now| {
            Box::pin(async move {
                match read::lock(connection, key).await? {
                    None => return Ok(Err(NotReleased::Absent)),
                    Some(row) if row.held_generation.is_none() => return Ok(Err(NotReleased::NotHeld)),
                    Some(_) => {}
                }
                if mode == Mode::Order {
                    sqlx::query(
                        "UPDATE channels SET held_generation = NULL, updated_at = $1 \
                         WHERE sender = $2 AND open_block = $3",
                    )
                    .bind(signed(now))
                    .bind(key.sender.blob())
                    .bind(i64::from(key.open_block.0))
                    .execute(connection)
                    .await?;
                }
                Ok(Ok(()))
            })
        })
        .await
    }
}

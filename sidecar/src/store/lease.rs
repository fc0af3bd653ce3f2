//! The lease: which of the processes that share a ledger leads, that is follows the chain and sends transactions.
//!
//! A row and no lock of a session, which connection poolers and failovers lose. Nobody compares a clock with another
//! one's: whoever leads counts the row's `beat` up, and whoever has seen the same beat for as long as a lease lasts, by
//! a clock of its own, takes it on the condition that it is still that beat. Taking it counts the epoch up. All that a
//! leader writes is under the condition of its epoch, so one that was asleep changes nothing any more.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::columns::{self, signed};
use super::random::random;
use super::{Store, StoreError};

/// Under which lease something is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch {
    number: u64,
    /// Drawn when it was taken: a database that was replaced by one that had not everything may have two of a number.
    draw: u64,
}

impl Epoch {
    /// How many have led, with this one.
    pub fn number(self) -> u64 {
        self.number
    }

    fn read(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self { number: columns::unsigned(row, "epoch")?, draw: columns::unsigned(row, "draw")? })
    }
}

/// The lease as it stood when it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Under which its holder writes.
    pub epoch: Epoch,
    /// Changes with everything that its holder writes.
    pub beat: u64,
    /// Who has it; `None` where it was given back, or never taken.
    pub holder: Option<String>,
    /// What its holder said last, and the beat when that was said.
    pub word: Option<(u64, String)>,
}

/// Another process leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("another process leads")]
pub struct LeaseLost;

impl Store {
    /// The lease as it stands.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotRead`].
    pub async fn lease(&self) -> Result<Lease, StoreError> {
        let row = sqlx::query("SELECT epoch, draw, beat, holder, word, word_beat FROM lease")
            .fetch_one(self.readers())
            .await?;
        let word: Option<String> = row.try_get("word")?;
        let word_beat = columns::unsigned(&row, "word_beat")?;
        Ok(Lease {
            epoch: Epoch::read(&row)?,
            beat: columns::unsigned(&row, "beat")?,
            holder: row.try_get("holder")?,
            word: word.map(|word| (word_beat, word)),
        })
    }

    /// Becomes the one process that leads, where nothing has happened to the lease since it was `seen`; `None` where
    /// something has.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotWritten`].
    pub async fn take_lease(&self, holder: &str, seen: &Lease) -> Result<Option<Epoch>, StoreError> {
        let (holder, seen) = (holder.to_owned(), (seen.epoch, seen.beat));
        self.step(move |connection, _| {
            let holder = holder.clone();
            Box::pin(take(connection, holder, Some(seen)))
        })
        .await
    }

    /// Becomes the one process that leads, whoever did before: for one that knows that there is no other.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotWritten`].
    pub async fn seize_lease(&self, holder: &str) -> Result<Epoch, StoreError> {
        let holder = holder.to_owned();
        self.step(move |connection, _| {
            let holder = holder.clone();
            Box::pin(async move {
                // There always is the one row.
                take(connection, holder, None).await?.ok_or(sqlx::Error::RowNotFound)
            })
        })
        .await
    }

    /// Leads on, and tells the others what `word` says the moment when it is written.
    ///
    /// # Errors
    ///
    /// [`StoreError::LeaseLost`], [`StoreError::NotWritten`].
    pub async fn renew_lease(
        &self,
        epoch: Epoch,
        word: impl Fn() -> String + Send + Sync + 'static,
    ) -> Result<(), StoreError> {
        self.led(epoch, move |connection, _| {
            let word = word();
            Box::pin(async move {
                sqlx::query("UPDATE lease SET word = $1, word_beat = beat")
                    .bind(word)
                    .execute(connection)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    /// Leads no longer, so that another process need not wait until the lease runs out.
    ///
    /// # Errors
    ///
    /// [`StoreError::LeaseLost`], [`StoreError::NotWritten`].
    pub async fn give_lease_back(&self, epoch: Epoch) -> Result<(), StoreError> {
        self.led(epoch, |connection, _| {
            Box::pin(async move {
                sqlx::query("UPDATE lease SET holder = NULL").execute(connection).await?;
                Ok(())
            })
        })
        .await
    }

    /// Has the writer take this step of a leader's. From its beginning until it is durable nobody else takes the lease.
    ///
    /// # Errors
    ///
    /// [`StoreError::LeaseLost`], and then nothing was changed; [`StoreError::NotWritten`].
    pub(super) async fn led<T, F>(&self, epoch: Epoch, step: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> Fn(&'c mut AnyConnection, u64) -> BoxFuture<'c, Result<T, sqlx::Error>>
            + Send
            + Sync
            + 'static,
    {
        let step = Arc::new(step);
        let led = self.step(move |connection, now| {
            let step = Arc::clone(&step);
            Box::pin(async move {
                match hold(connection, epoch).await? {
                    true => step(connection, now).await.map(Ok),
                    false => Ok(Err(LeaseLost)),
                }
            })
        });
        Ok(led.await??)
    }
}

/// Counts the epoch up, where epoch and beat are as they were `seen`.
async fn take(
    connection: &mut AnyConnection,
    holder: String,
    seen: Option<(Epoch, u64)>,
) -> Result<Option<Epoch>, sqlx::Error> {
    // A word of an earlier holder is none of this one.
    let row = sqlx::query(
        "UPDATE lease SET epoch = epoch + 1, draw = $1, beat = beat + 1, holder = $2, word = NULL \
         WHERE epoch = coalesce($3, epoch) AND beat = coalesce($4, beat) RETURNING epoch, draw",
    )
    .bind(i64::from(u32::from_be_bytes(random()?)))
    .bind(holder)
    .bind(seen.map(|(epoch, _)| signed(epoch.number)))
    .bind(seen.map(|(_, beat)| signed(beat)))
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(Epoch::read).transpose()
}

/// Whether this is still the lease's epoch. If it is, the row is locked until the transaction ends, and whoever wanted
/// to take the lease meanwhile finds another beat.
async fn hold(connection: &mut AnyConnection, epoch: Epoch) -> Result<bool, sqlx::Error> {
    let result = sqlx::query("UPDATE lease SET beat = beat + 1 WHERE epoch = $1 AND draw = $2")
        .bind(signed(epoch.number))
        .bind(signed(epoch.draw))
        .execute(connection)
        .await?;
    Ok(result.rows_affected() == 1)
}

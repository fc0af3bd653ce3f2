//! The ledger: who signed what, durably. One task writes; everything that changes a channel goes through it.

mod advance;
mod attempts;
mod backend;
mod batches;
mod binding;
mod books;
mod bulk;
mod closing;
mod columns;
mod database;
mod draft;
mod export;
mod fold;
mod generation;
mod import;
mod incident;
mod income;
mod intents;
mod lease;
mod levels;
mod missed;
mod moving;
mod open;
mod open_error;
mod orders;
mod portable;
mod postgres;
mod random;
mod read;
mod remembered;
mod renew;
mod row;
mod server;
mod sqlite;
mod step;
mod totals;
mod verify;
mod writer;

use std::sync::Arc;
use std::time::Instant;

use sqlx::AnyPool;
use tokio::sync::{mpsc, oneshot};
use uraiden_core::wire::{Answer, ChannelKey, Entry, Identity, Ledger};
use uraiden_core::{Address, TokenAmount};

pub use advance::{Advance, ChainEvent, EventKind, REMEMBERED};
pub use binding::{BindError, Binding, Chain};
pub use books::Books;
pub use closing::Closing;
pub use database::Database;
pub use export::{ExportError, export};
pub use generation::NotReleased;
pub use import::{ImportError, Imported, import};
pub use incident::Incident;
pub use income::{HOURS, Income};
pub use intents::{Intent, Purpose, Transaction};
pub use lease::{Epoch, Lease, LeaseLost};
pub use levels::HeldProof;
pub use missed::Missed;
pub use moving::{Difference, Going, MoveError, MoveOrder, Moved, move_ledger};
pub use open::Opened;
pub use open_error::OpenError;
pub use orders::{Mode, Refusal, Unclaimed};
pub use portable::LineFault;
pub use postgres::{Fragile, PostgresUrl, PostgresUrlError, Risks};
pub use read::{ListedChannel, Listing, PendingTopUp, Position};
pub use renew::renew;
pub use row::{ChannelRow, OnChain, Undo};
pub use sqlite::{Copied, CopyError, copy, refuse_network, restore};
pub use totals::{Tip, Totals};
pub use writer::{ATTEMPT_TTL, Writer};

use backend::Lookups;
use batches::Batch;
use remembered::Remembered;
use verify::{Coming, Verifier};
use writer::Job;
pub(crate) use writer::now;

/// Whose channels these are, and when an event of the chain is believed.
#[derive(Clone, Copy, Debug)]
pub struct Scope {
    /// The contract that holds the deposits.
    pub contract: Address,
    /// The merchant.
    pub receiver: Address,
    /// Blocks on top of an event's block before it is believed.
    pub confirmations: u32,
    /// How much of a channel's balance may be neither withdrawn nor claimed; `None` where only the deposit bounds it.
    pub exposure_limit: Option<TokenAmount>,
    /// How many payments of a channel are taken back before one has to be final.
    pub take_backs_in_a_row: u32,
}

/// What a ledger was bound to when the node was first reached.
#[derive(Clone, Debug)]
pub struct Bound {
    /// Chain, contract, receiver and token.
    pub identity: Identity,
    /// Id and generation.
    pub ledger: Ledger,
    /// All of it, with the hashes.
    pub binding: Binding,
}

/// What to do with new payments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commits {
    /// Accept those that are good.
    Judge {
        /// In milliseconds since 1970. A commit that is decided later is refused: its filter may have stopped taking
        /// it back.
        until: u64,
    },
    /// Accept none: the sidecar is not ready. What was accepted before is still answered as accepted.
    Refuse,
}

/// Whether other processes use the ledger too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// None can.
    Sole,
    /// Any number may, and one of them leads.
    Shared,
}

/// A handle on the ledger. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    scope: Scope,
    jobs: mpsc::Sender<Job>,
    readers: AnyPool,
    lookups: Lookups,
    verifier: Arc<Verifier>,
    coming: Coming,
    sharing: Sharing,
    remembered: Arc<Remembered>,
    totals: Arc<tokio::sync::Mutex<Option<(Tip, Totals)>>>,
}

/// The ledger did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The transaction failed, or its outcome is not known. The log says why.
    #[error("the ledger could not be written")]
    NotWritten,
    /// A read failed.
    #[error("the ledger could not be read: {0}")]
    NotRead(#[from] sqlx::Error),
    /// The step was a leader's, and another process leads. Nothing was changed.
    #[error(transparent)]
    LeaseLost(#[from] LeaseLost),
}

impl Store {
    /// Whose channels these are.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// Whether other processes use the ledger too.
    pub fn sharing(&self) -> Sharing {
        self.sharing
    }

    /// Decides a filter's questions, one after the other. What it answers is durable.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; then nothing is known of the outcome.
    pub async fn batch(&self, entries: Vec<Entry>, commits: Commits) -> Result<Vec<Answer>, StoreError> {
        let lookups: Option<Vec<ChannelKey>> = entries
            .iter()
            .map(|entry| match entry {
                Entry::Lookup(key) => Some(*key),
                Entry::Commit(_) | Entry::TakeBack(_) => None,
            })
            .collect();
        match lookups {
            // Does not wait for the disk behind other people's payments.
            Some(keys) => self.look_up(&keys).await,
            None => {
                let asked = Instant::now();
                let announced = self.coming.announce();
                let entries = self.verifier.check(&self.scope, entries).await;
                let (reply, answer) = oneshot::channel();
                let job = Job::Batch(Batch { entries, commits, asked, reply });
                self.jobs.send(job).await.map_err(|_| StoreError::NotWritten)?;
                drop(announced);
                answer.await.map_err(|_| StoreError::NotWritten)
            }
        }
    }

    /// Marks a channel as closing at this balance, if it is the one that we hold. For good: see [`Closing`].
    ///
    /// # Errors
    ///
    /// [`StoreError::NotWritten`].
    pub async fn close(&self, key: ChannelKey, balance: TokenAmount) -> Result<Closing, StoreError> {
        self.step(move |connection, now| Box::pin(closing::close(connection, key, balance, now))).await
    }

    /// Takes note of what the chain says.
    ///
    /// # Errors
    ///
    /// [`StoreError::LeaseLost`], [`StoreError::NotWritten`].
    pub async fn advance(&self, epoch: Epoch, advance: Advance) -> Result<(), StoreError> {
        let (scope, advance) = (self.scope, Arc::new(advance));
        self.led(epoch, move |connection, now| {
            let advance = Arc::clone(&advance);
            Box::pin(async move { advance::advance(connection, &scope, &advance, now).await })
        })
        .await
    }

    /// Connections that only read.
    fn readers(&self) -> &AnyPool {
        &self.readers
    }

    async fn ask<T>(&self, job: impl FnOnce(oneshot::Sender<T>) -> Job) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.jobs.send(job(reply)).await.map_err(|_| StoreError::NotWritten)?;
        answer.await.map_err(|_| StoreError::NotWritten)
    }
}

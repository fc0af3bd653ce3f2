//! The one thread that writes. It gathers what is queued into few transactions, and answers when they are durable.

use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use uraiden_core::TokenAmount;
use uraiden_core::wire::ChannelKey;

use super::batches::{Batch, Batches};
use super::index::Index;
use super::step::{Step, Tell};
use super::verify::Coming;
use super::{Advance, Binding, Bound, Closing, Scope, advance, binding, closing};
use crate::health::HealthBoard;
use crate::metrics;

/// How long an attempt is remembered. Filters stop repeating one long before.
pub const ATTEMPT_TTL: Duration = Duration::from_secs(15 * 60);

/// Jobs that can wait. Whoever finds no place waits for one.
pub(super) const QUEUE: usize = 256;

/// A transaction takes no further job once it has this many entries.
const MAX_GROUP: usize = 4096;

/// How long a transaction waits for batches whose signatures are being checked.
const LINGER: Duration = Duration::from_millis(1);

/// How often a ledger that could not be written is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// What the writer can be asked.
#[derive(Debug)]
pub(super) enum Job {
    Batch(Batch),
    Change(Change),
}

/// Everything else that changes the ledger.
#[derive(Debug)]
pub(super) enum Change {
    Close { key: ChannelKey, balance: TokenAmount, reply: oneshot::Sender<Closing> },
    Advance { advance: Advance, reply: oneshot::Sender<()> },
    Bind { binding: Binding, reply: oneshot::Sender<Box<Bound>> },
    Step(Step),
}

impl Job {
    fn weight(&self) -> usize {
        match self {
            Self::Batch(batch) => batch.entries.len(),
            Self::Change(_) => 1,
        }
    }
}

/// Jobs that share a transaction.
enum Group {
    Batches(Vec<Batch>),
    Changes(Vec<Change>),
}

/// An answer that waits for its transaction. Dropped unsent, it tells the asker that nothing is known.
enum Reply {
    Close(oneshot::Sender<Closing>, Closing),
    Advance(oneshot::Sender<()>),
    Bind(oneshot::Sender<Box<Bound>>, Box<Bound>),
    Step(Tell),
}

impl Reply {
    /// An asker that has gone away is no matter: what it asked for is done.
    fn send(self) {
        match self {
            Self::Close(reply, closing) => drop(reply.send(closing)),
            Self::Advance(reply) => drop(reply.send(())),
            Self::Bind(reply, bound) => drop(reply.send(bound)),
            Self::Step(tell) => tell(),
        }
    }
}

/// The ledger's only writer.
pub struct Writer {
    connection: SqliteConnection,
    batches: Batches,
    /// How the connections were opened, and are again after a failure.
    options: SqliteConnectOptions,
    /// Held as long as a connection is open.
    _lock: File,
    scope: Scope,
    index: Arc<Index>,
    queue: mpsc::Receiver<Job>,
    coming: Coming,
    health: Arc<HealthBoard>,
}

impl Writer {
    #[expect(clippy::too_many_arguments, reason = "all that it has, each once")]
    pub(super) fn new(
        connection: SqliteConnection,
        options: SqliteConnectOptions,
        batches: Batches,
        lock: File,
        scope: Scope,
        index: Arc<Index>,
        queue: mpsc::Receiver<Job>,
        coming: Coming,
        health: Arc<HealthBoard>,
    ) -> Self {
        Self { connection, batches, options, _lock: lock, scope, index, queue, coming, health }
    }

    /// Writes, on a thread of its own, until the last [`Store`](super::Store) is gone, and everything that was queued is
    /// done.
    ///
    /// # Errors
    ///
    /// Where the file cannot be closed. Nothing that was answered is lost by it.
    pub async fn run(self) -> Result<(), sqlx::Error> {
        let runtime = Handle::current();
        let writing = tokio::task::spawn_blocking(move || runtime.block_on(self.write_all()));
        writing.await.map_err(|_| sqlx::Error::WorkerCrashed)?
    }

    async fn write_all(mut self) -> Result<(), sqlx::Error> {
        while let Some(jobs) = self.gather().await {
            match self.write(jobs).await {
                Ok(()) => self.health.store_works(),
                Err(error) => {
                    tracing::error!(%error, "the ledger could not be written");
                    metrics::store_failed();
                    self.health.store_fails("the ledger cannot be written".to_owned());
                    self.reconnect().await;
                }
            }
        }
        self.connection.close().await
    }

    /// Replaces the connections. When a write fails, as on a full disk, SQLite rolls back by itself; sqlx does not learn
    /// of it, and would refuse every later transaction as one within that.
    async fn reconnect(&mut self) {
        let opened = async {
            let mut connection = self.options.connect().await?;
            let batches = Batches::open(self.options.get_filename())?;
            self.index.load_again(&mut connection).await?;
            Ok::<_, sqlx::Error>((connection, batches))
        };
        match opened.await {
            Ok((connection, batches)) => (self.connection, self.batches) = (connection, batches),
            Err(error) => tracing::error!(%error, "the ledger could not be opened again"),
        }
    }

    /// Waits for a job, and takes those that are queued behind it or about to be. `None` when there will be no more.
    async fn gather(&mut self) -> Option<Vec<Job>> {
        let first = if self.health.is_store_failing() {
            match tokio::time::timeout(RETRY, self.queue.recv()).await {
                Ok(job) => job?,
                Err(_) => return Some(Vec::new()),
            }
        } else {
            self.queue.recv().await?
        };
        let mut weight = first.weight();
        let mut jobs = vec![first];
        let until = Instant::now() + LINGER;
        while weight < MAX_GROUP {
            let job = match self.queue.try_recv() {
                Ok(job) => job,
                Err(_) if self.coming.any() => {
                    match tokio::time::timeout_at(until, self.queue.recv()).await {
                        Ok(Some(job)) => job,
                        Ok(None) | Err(_) => break,
                    }
                }
                Err(_) => break,
            };
            weight += job.weight();
            jobs.push(job);
        }
        Some(jobs)
    }

    /// Writes and answers these jobs in their order. Those that are left when one fails are dropped.
    async fn write(&mut self, jobs: Vec<Job>) -> Result<(), sqlx::Error> {
        if jobs.is_empty() {
            return self.change(Vec::new()).await;
        }
        for group in groups(jobs) {
            match group {
                Group::Batches(batches) => self.batches.write(&self.scope, &self.index, batches, now())?,
                Group::Changes(changes) => self.change(changes).await?,
            }
        }
        Ok(())
    }

    /// Without changes it writes a page, to see whether that is possible again.
    async fn change(&mut self, changes: Vec<Change>) -> Result<(), sqlx::Error> {
        let now = now();
        self.index.begin();
        // Takes the write lock at once, so that nothing is found locked half-way.
        let mut transaction = self.connection.begin_with("BEGIN IMMEDIATE").await?;
        if changes.is_empty() {
            sqlx::query("UPDATE ledger SET generation = generation").execute(&mut *transaction).await?;
        }
        let mut replies = Vec::with_capacity(changes.len());
        for change in changes {
            replies.push(apply(&mut transaction, &self.scope, change, now).await?);
        }
        let changes = self.index.changes(&mut transaction).await?;
        transaction.commit().await?;
        self.index.committed(changes);
        replies.into_iter().for_each(Reply::send);
        Ok(())
    }
}

/// Neighbours of one kind go together.
fn groups(jobs: Vec<Job>) -> Vec<Group> {
    let mut groups = Vec::new();
    for job in jobs {
        match (job, groups.last_mut()) {
            (Job::Batch(batch), Some(Group::Batches(batches))) => batches.push(batch),
            (Job::Batch(batch), _) => groups.push(Group::Batches(vec![batch])),
            (Job::Change(change), Some(Group::Changes(changes))) => changes.push(change),
            (Job::Change(change), _) => groups.push(Group::Changes(vec![change])),
        }
    }
    groups
}

async fn apply(
    connection: &mut SqliteConnection,
    scope: &Scope,
    change: Change,
    now: u64,
) -> Result<Reply, sqlx::Error> {
    Ok(match change {
        Change::Close { key, balance, reply } => {
            Reply::Close(reply, closing::close(connection, key, balance, now).await?)
        }
        Change::Advance { advance, reply } => {
            advance::advance(connection, scope, &advance, now).await?;
            Reply::Advance(reply)
        }
        Change::Bind { binding, reply } => {
            Reply::Bind(reply, Box::new(binding::write(connection, &binding).await?))
        }
        Change::Step(step) => Reply::Step(step.run(connection, now).await?),
    })
}

/// Milliseconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

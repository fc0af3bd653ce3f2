//! The one task that writes. It gathers what is queued into one transaction, and answers when that is durable.

use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::sync::{mpsc, oneshot};
use uraiden_core::TokenAmount;
use uraiden_core::wire::{Answer, ChannelKey, Entry};

use super::index::Index;
use super::step::{Step, Tell};
use super::{
    Advance, Binding, Bound, Closing, Commits, Scope, advance, attempts, binding, closing, commit, income,
    read, take_back, tally,
};
use crate::health::HealthBoard;
use crate::metrics;

/// How long an attempt is remembered. Filters stop repeating one long before.
pub const ATTEMPT_TTL: Duration = Duration::from_secs(15 * 60);

/// Jobs that can wait. Whoever finds no place waits for one.
pub(super) const QUEUE: usize = 256;

/// A transaction takes no further job once it has this many entries.
const MAX_GROUP: usize = 4096;

/// How many old attempts one transaction forgets: more than it can add, so that the table does not grow for ever.
const MAX_PRUNED: u32 = 8192;

/// How often a ledger that could not be written is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// What the writer can be asked.
#[derive(Debug)]
pub(super) enum Job {
    Batch { entries: Vec<Entry>, commits: Commits, asked: Instant, reply: oneshot::Sender<Vec<Answer>> },
    Close { key: ChannelKey, balance: TokenAmount, reply: oneshot::Sender<Closing> },
    Advance { advance: Advance, reply: oneshot::Sender<()> },
    Bind { binding: Binding, reply: oneshot::Sender<Box<Bound>> },
    Step(Step),
}

impl Job {
    fn weight(&self) -> usize {
        match self {
            Self::Batch { entries, .. } => entries.len(),
            Self::Close { .. } | Self::Advance { .. } | Self::Bind { .. } | Self::Step(_) => 1,
        }
    }
}

/// An answer that waits for its transaction. Dropped unsent, it tells the asker that nothing is known.
enum Reply {
    Batch(oneshot::Sender<Vec<Answer>>, Vec<Answer>),
    Close(oneshot::Sender<Closing>, Closing),
    Advance(oneshot::Sender<()>),
    Bind(oneshot::Sender<Box<Bound>>, Box<Bound>),
    Step(Tell),
}

impl Reply {
    /// An asker that has gone away is no matter: what it asked for is done, and a repeated message will find it.
    fn send(self) {
        match self {
            Self::Batch(reply, answers) => drop(reply.send(answers)),
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
    /// How it was opened, and is again after a failure.
    options: SqliteConnectOptions,
    /// Held as long as the connection is open.
    _lock: File,
    scope: Scope,
    index: Arc<Index>,
    queue: mpsc::Receiver<Job>,
    health: Arc<HealthBoard>,
}

impl Writer {
    pub(super) fn new(
        connection: SqliteConnection,
        options: SqliteConnectOptions,
        lock: File,
        scope: Scope,
        index: Arc<Index>,
        queue: mpsc::Receiver<Job>,
        health: Arc<HealthBoard>,
    ) -> Self {
        Self { connection, options, _lock: lock, scope, index, queue, health }
    }

    /// Writes until the last [`Store`](super::Store) is gone, and everything that was queued is done.
    ///
    /// # Errors
    ///
    /// Where the file cannot be closed. Nothing that was answered is lost by it.
    pub async fn run(mut self) -> Result<(), sqlx::Error> {
        while let Some(jobs) = self.gather().await {
            let (entries, oldest) = entries(&jobs);
            match tally::count(self.write(jobs)).await {
                Ok(replies) => {
                    if let Some(oldest) = oldest {
                        metrics::committed(entries, oldest.elapsed());
                    }
                    self.health.store_works();
                    replies.into_iter().for_each(Reply::send);
                }
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

    /// Replaces the connection. When a write fails, as on a full disk, SQLite rolls back by itself; sqlx does not learn of
    /// it, and would refuse every later transaction as one within that.
    async fn reconnect(&mut self) {
        let opened = async {
            let mut connection = self.options.connect().await?;
            self.index.load_again(&mut connection).await?;
            Ok::<_, sqlx::Error>(connection)
        };
        match opened.await {
            Ok(connection) => self.connection = connection,
            Err(error) => tracing::error!(%error, "the ledger could not be opened again"),
        }
    }

    /// Waits for a job, and takes those that are queued behind it. `None` when there will be no more.
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
        while weight < MAX_GROUP
            && let Ok(job) = self.queue.try_recv()
        {
            weight += job.weight();
            jobs.push(job);
        }
        Some(jobs)
    }

    async fn write(&mut self, jobs: Vec<Job>) -> Result<Vec<Reply>, sqlx::Error> {
        let now = now();
        self.index.begin();
        // Takes the write lock at once, so that nothing is found locked half-way.
        let mut transaction = self.connection.begin_with("BEGIN IMMEDIATE").await?;
        if jobs.is_empty() {
            // Writes a page, to see whether that is possible again.
            sqlx::query("UPDATE ledger SET generation = generation").execute(&mut *transaction).await?;
        }
        let mut replies = Vec::with_capacity(jobs.len());
        for job in jobs {
            replies.push(apply(&mut transaction, &self.scope, job, now).await?);
        }
        let before = now.saturating_sub(u64::try_from(ATTEMPT_TTL.as_millis()).unwrap_or(u64::MAX));
        attempts::prune(&mut transaction, before, MAX_PRUNED).await?;
        income::prune(&mut transaction, now).await?;
        let changes = self.index.changes(&mut transaction).await?;
        transaction.commit().await?;
        self.index.committed(changes);
        Ok(replies)
    }
}

/// How many questions of filters these jobs have, and since when the oldest has waited.
fn entries(jobs: &[Job]) -> (usize, Option<Instant>) {
    let batches = jobs.iter().filter_map(|job| match job {
        Job::Batch { entries, asked, .. } => Some((entries.len(), *asked)),
        Job::Close { .. } | Job::Advance { .. } | Job::Bind { .. } | Job::Step(_) => None,
    });
    batches.fold((0, None), |(sum, oldest), (entries, asked)| {
        (sum + entries, Some(oldest.map_or(asked, |oldest: Instant| oldest.min(asked))))
    })
}

async fn apply(
    connection: &mut SqliteConnection,
    scope: &Scope,
    job: Job,
    now: u64,
) -> Result<Reply, sqlx::Error> {
    Ok(match job {
        Job::Batch { entries, commits, reply, .. } => {
            let mut answers = Vec::with_capacity(entries.len());
            for entry in &entries {
                answers.push(match entry {
                    Entry::Lookup(key) => {
                        Answer::Channel { channel: read::state(connection, scope, *key).await? }
                    }
                    Entry::Commit(attempt) => {
                        commit::commit(connection, scope, attempt, commits, now).await?
                    }
                    Entry::TakeBack(attempt) => take_back::take_back(connection, scope, attempt, now).await?,
                });
            }
            Reply::Batch(reply, answers)
        }
        Job::Close { key, balance, reply } => {
            Reply::Close(reply, closing::close(connection, key, balance, now).await?)
        }
        Job::Advance { advance, reply } => {
            advance::advance(connection, scope, &advance, now).await?;
            Reply::Advance(reply)
        }
        Job::Bind { binding, reply } => {
            Reply::Bind(reply, Box::new(binding::write(connection, &binding).await?))
        }
        Job::Step(step) => Reply::Step(step.run(connection, now).await?),
    })
}

/// Milliseconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

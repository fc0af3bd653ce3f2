//! The one thread that writes. It gathers what is queued into few transactions, and answers when they are durable.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::backend::Backend;
use super::batches::Batch;
use super::step::Step;
use super::verify::Coming;
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

/// How often a ledger that could not be written is tried again, and one that may change behind our back is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// What the writer can be asked.
#[derive(Debug)]
pub(super) enum Job {
    Batch(Batch),
    Step(Step),
}

impl Job {
    fn weight(&self) -> usize {
        match self {
            Self::Batch(batch) => batch.entries.len(),
            Self::Step(_) => 1,
        }
    }
}

/// Jobs that share a transaction.
enum Group {
    Batches(Vec<Batch>),
    Steps(Vec<Step>),
}

/// The one in this process who writes the ledger.
pub struct Writer {
    backend: Backend,
    queue: mpsc::Receiver<Job>,
    coming: Coming,
    health: Arc<HealthBoard>,
}

impl Writer {
    pub(super) fn new(
        backend: Backend,
        queue: mpsc::Receiver<Job>,
        coming: Coming,
        health: Arc<HealthBoard>,
    ) -> Self {
        Self { backend, queue, coming, health }
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
                    if let Err(error) = self.backend.reconnect().await {
                        tracing::error!(%error, "the ledger could not be opened again");
                    }
                }
            }
        }
        self.backend.close().await
    }

    /// Waits for a job, and takes those that are queued behind it or about to be. `None` when there will be no more.
    async fn gather(&mut self) -> Option<Vec<Job>> {
        // A server may have lost what others rely on, too, so that is found out without being asked anything.
        let first = if self.health.is_store_failing() || self.backend.may_forget() {
            match tokio::time::timeout(LOOK, self.queue.recv()).await {
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
            return self.backend.take(Vec::new(), now()).await;
        }
        for group in groups(jobs) {
            match group {
                Group::Batches(batches) => self.backend.decide(batches, now()).await?,
                Group::Steps(steps) => self.backend.take(steps, now()).await?,
            }
        }
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
            (Job::Step(step), Some(Group::Steps(steps))) => steps.push(step),
            (Job::Step(step), _) => groups.push(Group::Steps(vec![step])),
        }
    }
    groups
}

/// Milliseconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

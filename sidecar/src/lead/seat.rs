//! Getting the lease, keeping it, and giving it back.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::times::Times;
use super::word::Word;
use crate::collect::Alarms;
use crate::health::{HealthBoard, Leader};
use crate::metrics;
use crate::store::{Epoch, Lease, LeaseLost, Sharing, Store, StoreError};

/// While the ledger cannot be read, the log says so this often.
const REMINDER: Duration = Duration::from_secs(30);

/// How long an ending process tries to give the lease back.
const GIVE_BACK: Duration = Duration::from_secs(2);

/// A process's place among those that may lead.
pub struct Seat {
    name: String,
    store: Store,
    health: Arc<HealthBoard>,
    alarms: Arc<Alarms>,
    sharing: Sharing,
    times: Times,
    /// While this process leads.
    term: Option<Term>,
    /// Others go first until then.
    aside: Option<Instant>,
}

/// From when and under which epoch a process leads.
#[derive(Clone, Copy, Debug)]
pub struct Term {
    /// What it writes is under the condition of this epoch.
    pub epoch: Epoch,
    /// No later than the lease was taken.
    since: Instant,
}

/// A lease, since when it has not changed.
struct Seen {
    lease: Lease,
    at: Instant,
    /// Whether a holder was seen at work: the lease changed while it was looked at.
    alive: bool,
}

impl Seat {
    /// For the process with this name, of which no other has the same.
    pub fn new(
        name: String,
        store: Store,
        sharing: Sharing,
        times: Times,
        health: Arc<HealthBoard>,
        alarms: Arc<Alarms>,
    ) -> Self {
        Self { store, health, alarms, name, sharing, times, term: None, aside: None }
    }

    /// Waits until nobody leads, takes the lease, and leads from then on. Meanwhile it believes what the leader
    /// says.
    pub async fn wait(&mut self) -> Term {
        let mut seen: Option<Seen> = None;
        let mut complained: Option<Instant> = None;
        loop {
            match self.look(&mut seen).await {
                Ok(Some(term)) => return term,
                Ok(None) => {}
                Err(error) if complained.is_none_or(|at| at.elapsed() >= REMINDER) => {
                    tracing::warn!(%error, "who leads cannot be found out");
                    complained = Some(Instant::now());
                }
                Err(_) => {}
            }
            sleep(self.times.look).await;
        }
    }

    async fn look(&mut self, seen: &mut Option<Seen>) -> Result<Option<Term>, StoreError> {
        if self.sharing == Sharing::Sole {
            let since = Instant::now();
            let epoch = self.store.seize_lease(&self.name).await?;
            tracing::debug!(epoch = epoch.number(), "leading");
            return Ok(Some(self.lead(Term { epoch, since })));
        }
        let lease = self.store.lease().await?;
        let now = Instant::now();
        let before = seen.take();
        let seen = seen.insert(match before {
            Some(before) if (before.lease.epoch, before.lease.beat) == (lease.epoch, lease.beat) => before,
            // What is found at first may be old: only what comes after it is news.
            before => {
                let news = before.as_ref().is_some_and(|before| before.lease.word != lease.word);
                if let Some((_, word)) = lease.word.as_ref().filter(|_| news) {
                    self.heed(word);
                }
                Seen { lease, at: now, alive: before.is_some() }
            }
        });
        self.health.follows(seen.lease.holder.clone().map(|name| Leader {
            name,
            epoch: seen.lease.epoch.number(),
            here: false,
            last_beat: Some(seen.at.into_std()),
        }));
        let unchanged = now.saturating_duration_since(seen.at);
        let free = match &seen.lease.holder {
            None => true,
            // Ours, which we do not know of: a write whose outcome was unknown.
            Some(holder) if *holder == self.name => true,
            Some(_) => unchanged >= self.times.lease,
        };
        if !free || self.aside.is_some_and(|until| now < until) {
            return Ok(None);
        }
        let since = Instant::now();
        let Some(epoch) = self.store.take_lease(&self.name, &seen.lease).await? else { return Ok(None) };
        let from = seen.lease.holder.as_deref().unwrap_or("nobody");
        match seen.alive {
            true => {
                let without = seen.at.elapsed().as_secs_f64();
                tracing::info!(
                    epoch = epoch.number(),
                    from,
                    "took over after {without:.1} s without a leader"
                );
            }
            false => tracing::info!(epoch = epoch.number(), from, "nobody leads: leading"),
        }
        Ok(Some(self.lead(Term { epoch, since })))
    }

    fn heed(&self, word: &str) {
        match serde_json::from_str::<Word>(word) {
            Ok(word) => word.heed(&self.health, &self.alarms),
            Err(error) => tracing::debug!(%error, "what the leader says is not understood"),
        }
    }

    fn lead(&mut self, term: Term) -> Term {
        self.term = Some(term);
        let leader = Leader {
            name: self.name.clone(),
            epoch: term.epoch.number(),
            here: true,
            last_beat: (self.sharing == Sharing::Shared).then_some(term.since.into_std()),
        };
        self.health.takes_over(leader);
        metrics::lease_taken();
        term
    }

    /// Keeps the lease, and says in it how things are, until another process has it, or might.
    pub async fn hold(&self, Term { epoch, since }: Term) -> LeaseLost {
        if self.sharing == Sharing::Sole {
            return std::future::pending().await;
        }
        let mut renewed = since;
        loop {
            let begun = Instant::now();
            let pause = match timeout_at(self.times.deadline(renewed), self.renew(epoch)).await {
                Ok(Ok(())) => {
                    renewed = begun;
                    self.health.has_renewed(begun.into_std());
                    self.times.renew
                }
                Ok(Err(StoreError::LeaseLost(lost))) => {
                    tracing::warn!(epoch = epoch.number(), "another sidecar leads: leading no longer");
                    return lost;
                }
                Ok(Err(StoreError::NotWritten | StoreError::NotRead(_))) => self.times.look,
                Err(_) => {
                    tracing::warn!(
                        epoch = epoch.number(),
                        "the lease could not be renewed for {:.1} s: leading no longer",
                        renewed.elapsed().as_secs_f64()
                    );
                    return LeaseLost;
                }
            };
            sleep(pause).await;
        }
    }

    async fn renew(&self, epoch: Epoch) -> Result<(), StoreError> {
        let (health, alarms) = (self.health.clone(), self.alarms.clone());
        let word = move || {
            serde_json::to_string(&Word::of(&health, &alarms))
                .expect("text and whole numbers can be written as JSON")
        };
        self.store.renew_lease(epoch, word).await
    }

    /// Waits for another turn.
    pub fn stand_back(&mut self) {
        self.term = None;
        self.health.follows(None);
    }

    /// Lets others go first, for as long as a lease, and believes what they say meanwhile.
    pub(super) fn stand_aside(&mut self) {
        self.stand_back();
        self.aside = Some(Instant::now() + self.times.lease);
    }

    /// Gives the lease back, where this process has it, so that no other need wait until it runs out.
    pub async fn give_back(&mut self) {
        let held = self.term.take().filter(|_| self.sharing == Sharing::Shared);
        let Some(Term { epoch, .. }) = held else { return };
        match timeout(GIVE_BACK, self.store.give_lease_back(epoch)).await {
            Ok(Ok(())) => tracing::info!(epoch = epoch.number(), "gave the lead back"),
            Ok(Err(error)) => tracing::warn!(%error, "the lead was not given back"),
            Err(_) => tracing::warn!("the lead was not given back: the ledger does not answer"),
        }
    }
}

//! The loop that keeps the ledger in step with the chain.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::examine::{Fatal, Unfit, is_development};
use super::heads::Heads;
use super::node::{Header, Node};
use super::reading::{PollError, Reader};
use crate::health::HealthBoard;
use crate::store::{Epoch, LeaseLost, Scope, Store, StoreError};

/// While the node is away, the log says so this often.
const REMINDER: Duration = Duration::from_secs(30);

/// Below this many confirmations a warning is due where reorganisations happen.
const FEW_CONFIRMATIONS: u32 = 12;

/// How old the newest block of a chain may be that real money is on.
const MAX_HEAD_AGE: Duration = Duration::from_secs(5 * 60);

/// How to follow.
#[derive(Clone, Copy, Debug)]
pub struct Following {
    /// The first block that can hold an event of the contract.
    pub start_block: u64,
    /// Time between two questions for the head.
    pub poll_interval: Duration,
    /// How old the newest block may be; `None` asks for [`MAX_HEAD_AGE`] except on development chains.
    pub max_head_age: Option<Duration>,
    /// How long the node may be away before another process should follow; `None` where there is no other.
    pub give_up_after: Option<Duration>,
}

/// Follows the chain of one node into the ledger.
#[derive(Debug)]
pub struct Follower {
    reader: Reader,
    following: Following,
    /// What wakes it before the next poll.
    heads: Heads,
    /// When the log last said that the node is away.
    complained: Option<Instant>,
    /// Since when it is.
    away: Option<Instant>,
}

/// Why following ended.
#[derive(Debug)]
pub enum Ended {
    /// It must not go on.
    Fatal(Fatal),
    /// It is another process's turn.
    LeaseLost,
    /// The node is away, and another process may have one that is not.
    NodeAway,
}

impl From<LeaseLost> for Ended {
    fn from(_: LeaseLost) -> Self {
        Self::LeaseLost
    }
}

impl Follower {
    /// Of this node, into this ledger, under the lease of `epoch`.
    pub fn new(
        node: &Node,
        store: Store,
        epoch: Epoch,
        health: Arc<HealthBoard>,
        following: Following,
    ) -> Self {
        let reader = Reader::new(node.unchecked(), store, epoch, health, following.start_block);
        Self { reader, following, heads: Heads::default(), complained: None, away: None }
    }

    /// Follows as long as this process leads. A node that is away is waited for, as long as nobody else may have one.
    pub async fn run(mut self) -> Ended {
        let mut connected = false;
        loop {
            if !connected {
                connected = match self.connect().await {
                    Ok(()) => true,
                    Err(Unfit::Later(PollError::Store(StoreError::LeaseLost(_)))) => return Ended::LeaseLost,
                    Err(Unfit::Later(error)) => {
                        self.complain(&error);
                        self.reader.node.change();
                        false
                    }
                    Err(Unfit::Fatal(fatal)) => match self.reader.node.leave_out(fatal) {
                        Ok(()) => false,
                        Err(fatal) => return Ended::Fatal(fatal),
                    },
                };
            }
            if connected {
                connected = match self.poll().await {
                    Ok(connected) => connected,
                    Err(LeaseLost) => return Ended::LeaseLost,
                };
            }
            let patience = self.following.give_up_after;
            if self.away.zip(patience).is_some_and(|(since, patience)| since.elapsed() > patience) {
                return Ended::NodeAway;
            }
            tokio::select! {
                () = tokio::time::sleep(self.following.poll_interval) => {}
                () = self.heads.next() => {}
            }
        }
    }

    /// Reads what is new. `false` where the node has to be checked anew before it is asked again: another one may stand
    /// behind the same address by the time that it answers, or it is the next one's turn.
    async fn poll(&mut self) -> Result<bool, LeaseLost> {
        let error = match self.reader.poll().await {
            Ok(latest) => match self.check_head(latest).await {
                Ok(()) => {
                    self.caught_up();
                    return Ok(true);
                }
                Err(error) => error,
            },
            Err(error) => error,
        };
        if let PollError::Store(StoreError::LeaseLost(lost)) = error {
            return Err(lost);
        }
        self.complain(&error);
        Ok(match error {
            PollError::Node(_) | PollError::OtherChain => {
                self.reader.node.distrust();
                self.reader.node.change();
                false
            }
            PollError::Behind { .. } | PollError::OldHead { .. } => !self.reader.node.change(),
            PollError::Store(_) | PollError::Moved => true,
        })
    }

    /// Makes sure that the node's chain and contract are those of the ledger.
    async fn connect(&mut self) -> Result<(), Unfit> {
        let Reader { node, store, epoch, .. } = &self.reader;
        let Scope { receiver, confirmations, .. } = store.scope();
        let binding = node.examine(store).await?;
        let (chain_id, contract, token) = (binding.chain.id, binding.contract, binding.token);
        store.bind(*epoch, binding).await?;
        node.trust();
        self.heads = node.heads().await?;
        tracing::info!(chain_id, %contract, %token, %receiver, "connected to {}", node.url());
        if confirmations < FEW_CONFIRMATIONS && !is_development(chain_id) {
            tracing::warn!(
                "confirmations is {confirmations}: on chain {chain_id} less than {FEW_CONFIRMATIONS} may believe \
                 deposits that a reorganisation takes away"
            );
        }
        self.reader.resume().await?;
        Ok(())
    }

    fn caught_up(&mut self) {
        self.away = None;
        if self.complained.take().is_some() {
            tracing::info!("in step with {} again", self.reader.node.url());
        }
        self.reader.health.in_step();
    }

    /// Everything was read up to this block.
    async fn check_head(&self, latest: Header) -> Result<(), PollError> {
        self.check_age(latest)?;
        Ok(self.reader.store.reach_head(self.reader.epoch, latest.number).await?)
    }

    /// A node that has lost its peers goes on to answer, with an old block.
    fn check_age(&self, latest: Header) -> Result<(), PollError> {
        let development =
            self.reader.store.bound().is_some_and(|bound| is_development(bound.identity.chain_id));
        let Some(max) = self.following.max_head_age.or((!development).then_some(MAX_HEAD_AGE)) else {
            return Ok(());
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let age = now.saturating_sub(Duration::from_secs(latest.timestamp));
        if age <= max {
            return Ok(());
        }
        Err(PollError::OldHead { block: latest.number, age: age.as_secs(), max: max.as_secs() })
    }

    fn complain(&mut self, error: &PollError) {
        self.reader.health.out_of_step(error.reason());
        if !matches!(error, PollError::Store(_)) {
            self.away.get_or_insert_with(Instant::now);
        }
        if self.complained.is_none_or(|at| at.elapsed() >= REMINDER) {
            tracing::warn!(%error, "waiting for the Ethereum node at {}", self.reader.node.url());
            self.complained = Some(Instant::now());
        }
    }
}

//! The loop that keeps the ledger in step with the chain.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::error::NodeError;
use super::heads::Heads;
use super::node::{Header, Node};
use super::reading::{PollError, Reader};
use crate::health::HealthBoard;
use crate::key::{DEVELOPMENT_CHAINS, is_well_known};
use crate::store::{BindError, Scope, Store};

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
}

/// Why following must not go on.
#[derive(Debug, thiserror::Error)]
pub enum Fatal {
    /// The ledger belongs to something else.
    #[error(transparent)]
    Bind(BindError),
    /// It is not our contract.
    #[error(transparent)]
    Contract(NodeError),
    /// Everyone has the receiver's key.
    #[error(
        "the receiver {receiver} is an account of the well-known development mnemonic: everyone has its key. It is \
         refused on chain {chain_id}, and allowed on the chains {DEVELOPMENT_CHAINS:?} only"
    )]
    WellKnownKey {
        /// The receiver.
        receiver: uraiden_core::Address,
        /// The chain.
        chain_id: u64,
    },
}

impl Follower {
    /// Of this node, into this ledger.
    pub fn new(node: &Node, store: Store, health: Arc<HealthBoard>, following: Following) -> Self {
        let reader = Reader::new(node.unchecked(), store, health, following.start_block);
        Self { reader, following, heads: Heads::default(), complained: None }
    }

    /// Follows for ever. A node that is away is waited for.
    pub async fn run(mut self) -> Fatal {
        let mut connected = false;
        loop {
            connected = match connected {
                true => self.poll().await,
                false => match self.connect().await {
                    Ok(()) => self.poll().await,
                    Err(Connect::Later(error)) => {
                        self.complain(&error);
                        self.reader.node.change();
                        false
                    }
                    Err(Connect::Fatal(fatal)) => {
                        let url = self.reader.node.url().to_string();
                        if !self.reader.node.change() {
                            return fatal;
                        }
                        tracing::error!("{url} is left out: {fatal}");
                        false
                    }
                },
            };
            tokio::select! {
                () = tokio::time::sleep(self.following.poll_interval) => {}
                () = self.heads.next() => {}
            }
        }
    }

    /// Reads what is new. `false` where the node has to be checked anew before it is asked again: another one may stand
    /// behind the same address by the time that it answers, or it is the next one's turn.
    async fn poll(&mut self) -> bool {
        let error = match self.reader.poll().await {
            Ok(latest) => match self.check_head(latest).await {
                Ok(()) => {
                    self.caught_up();
                    return true;
                }
                Err(error) => error,
            },
            Err(error) => error,
        };
        self.complain(&error);
        match error {
            PollError::Node(_) | PollError::OtherChain => {
                self.reader.node.distrust();
                self.reader.node.change();
                false
            }
            PollError::Behind { .. } | PollError::OldHead { .. } => !self.reader.node.change(),
            PollError::Store(_) | PollError::Moved => true,
        }
    }

    /// Makes sure that the node's chain and contract are those of the ledger.
    async fn connect(&mut self) -> Result<(), Connect> {
        let Reader { node, store, .. } = &self.reader;
        node.connect().await?;
        let chain = node.chain().await?;
        store.check_chain(chain)?;
        let Scope { receiver, confirmations, .. } = store.scope();
        let development = is_development(chain.id);
        if is_well_known(receiver) && !development {
            return Err(Connect::Fatal(Fatal::WellKnownKey { receiver, chain_id: chain.id }));
        }
        let binding = node.binding(chain).await?;
        let (contract, token) = (binding.contract, binding.token);
        store.bind(binding).await?;
        node.trust();
        self.heads = node.heads().await?;
        tracing::info!(chain_id = chain.id, %contract, %token, %receiver, "connected to {}", node.url());
        if confirmations < FEW_CONFIRMATIONS && !development {
            tracing::warn!(
                "confirmations is {confirmations}: on chain {} less than {FEW_CONFIRMATIONS} may believe deposits \
                 that a reorganisation takes away",
                chain.id
            );
        }
        self.reader.resume().await?;
        Ok(())
    }

    fn caught_up(&mut self) {
        if self.complained.take().is_some() {
            tracing::info!("in step with {} again", self.reader.node.url());
        }
        self.reader.health.in_step();
    }

    /// Everything was read up to this block.
    async fn check_head(&self, latest: Header) -> Result<(), PollError> {
        self.check_age(latest)?;
        Ok(self.reader.store.reach_head(latest.number).await?)
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
        if self.complained.is_none_or(|at| at.elapsed() >= REMINDER) {
            tracing::warn!(%error, "waiting for the Ethereum node at {}", self.reader.node.url());
            self.complained = Some(Instant::now());
        }
    }
}

fn is_development(chain_id: u64) -> bool {
    DEVELOPMENT_CHAINS.contains(&chain_id)
}

/// Why the node cannot be followed.
enum Connect {
    Later(PollError),
    Fatal(Fatal),
}

impl From<PollError> for Connect {
    fn from(error: PollError) -> Self {
        Self::Later(error)
    }
}

impl From<NodeError> for Connect {
    fn from(error: NodeError) -> Self {
        match error {
            NodeError::OtherVersion { .. } => Self::Fatal(Fatal::Contract(error)),
            NodeError::NotConnected
            | NodeError::Silent { .. }
            | NodeError::Failed { .. }
            | NodeError::Reverted { .. }
            | NodeError::NoBlock(_)
            | NodeError::NoHead
            | NodeError::NoContract(_)
            | NodeError::Log(_) => Self::Later(error.into()),
        }
    }
}

impl From<BindError> for Connect {
    fn from(error: BindError) -> Self {
        match error {
            BindError::Other { .. } => Self::Fatal(Fatal::Bind(error)),
            BindError::Store(error) => Self::Later(error.into()),
        }
    }
}

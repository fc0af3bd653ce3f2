//! The loop that keeps the ledger in step with the chain.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::node::{Node, NodeError};
use super::reading::{PollError, Reader};
use crate::health::HealthBoard;
use crate::key::{DEVELOPMENT_CHAINS, is_well_known};
use crate::store::{BindError, Scope, Store};

/// While the node is away, the log says so this often.
const REMINDER: Duration = Duration::from_secs(30);

/// Below this many confirmations a warning is due where reorganisations happen.
const FEW_CONFIRMATIONS: u32 = 12;

/// How to follow.
#[derive(Clone, Copy, Debug)]
pub struct Following {
    /// The first block that can hold an event of the contract.
    pub start_block: u64,
    /// Time between two questions for the head.
    pub poll_interval: Duration,
}

/// Follows the chain of one node into the ledger.
#[derive(Debug)]
pub struct Follower {
    reader: Reader,
    poll_interval: Duration,
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
    pub fn new(node: Node, store: Store, health: Arc<HealthBoard>, following: Following) -> Self {
        let reader = Reader::new(node, store, health, following.start_block);
        Self { reader, poll_interval: following.poll_interval, complained: None }
    }

    /// Follows for ever. A node that is away is waited for.
    pub async fn run(mut self) -> Fatal {
        let mut connected = false;
        loop {
            if !connected {
                match self.connect().await {
                    Ok(()) => connected = true,
                    Err(Connect::Fatal(fatal)) => return fatal,
                    Err(Connect::Later(error)) => self.complain(&error),
                }
            }
            if connected {
                match self.reader.poll().await {
                    Ok(()) => self.caught_up(),
                    // Another node may stand behind the same address by the time that it answers again.
                    Err(error) => {
                        connected = !matches!(error, PollError::Node(_) | PollError::OtherChain);
                        self.complain(&error);
                    }
                }
            }
            tokio::time::sleep(self.poll_interval).await;
        }
    }

    /// Makes sure that the node's chain and contract are those of the ledger.
    async fn connect(&mut self) -> Result<(), Connect> {
        let Reader { node, store, .. } = &self.reader;
        let chain = node.chain().await?;
        store.check_chain(chain)?;
        let Scope { receiver, confirmations, .. } = store.scope();
        let development = DEVELOPMENT_CHAINS.contains(&chain.id);
        if is_well_known(receiver) && !development {
            return Err(Connect::Fatal(Fatal::WellKnownKey { receiver, chain_id: chain.id }));
        }
        let binding = node.binding(chain).await?;
        let (contract, token) = (binding.contract, binding.token);
        store.bind(binding).await?;
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

    fn complain(&mut self, error: &PollError) {
        self.reader.health.out_of_step(error.reason());
        if self.complained.is_none_or(|at| at.elapsed() >= REMINDER) {
            tracing::warn!(%error, "waiting for the Ethereum node at {}", self.reader.node.url());
            self.complained = Some(Instant::now());
        }
    }
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
            NodeError::Silent { .. }
            | NodeError::Failed { .. }
            | NodeError::NoBlock(_)
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

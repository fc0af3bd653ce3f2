//! Whether a node's chain and contract are those of the ledger, before anybody believes it.

use super::error::NodeError;
use super::node::Node;
use super::reading::PollError;
use crate::key::{DEVELOPMENT_CHAINS, is_well_known};
use crate::store::{BindError, Binding, Store, StoreError};

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

/// Why a node cannot be followed.
#[derive(Debug)]
pub(super) enum Unfit {
    /// It may be fit later.
    Later(PollError),
    /// It never will be.
    Fatal(Fatal),
}

pub(super) fn is_development(chain_id: u64) -> bool {
    DEVELOPMENT_CHAINS.contains(&chain_id)
}

impl Node {
    /// Connects, and answers what this node says of chain and contract: it may be what the ledger is bound to.
    pub(super) async fn examine(&self, store: &Store) -> Result<Binding, Unfit> {
        self.connect().await?;
        let chain = self.chain().await?;
        store.check_chain(chain)?;
        let receiver = store.scope().receiver;
        if is_well_known(receiver) && !is_development(chain.id) {
            return Err(Unfit::Fatal(Fatal::WellKnownKey { receiver, chain_id: chain.id }));
        }
        Ok(self.binding(chain).await?)
    }

    /// What is left to do about a node that will never be fit: asking the next one, if there is one.
    pub(super) fn leave_out(&self, fatal: Fatal) -> Result<(), Fatal> {
        let url = self.url().to_string();
        if !self.change() {
            return Err(fatal);
        }
        tracing::error!("{url} is left out: {fatal}");
        Ok(())
    }
}

impl From<PollError> for Unfit {
    fn from(error: PollError) -> Self {
        Self::Later(error)
    }
}

impl From<NodeError> for Unfit {
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

impl From<BindError> for Unfit {
    fn from(error: BindError) -> Self {
        match error {
            BindError::Other { .. } => Self::Fatal(Fatal::Bind(error)),
            BindError::Store(error) => Self::from(error),
        }
    }
}

impl From<StoreError> for Unfit {
    fn from(error: StoreError) -> Self {
        Self::Later(error.into())
    }
}

//! Why a node was of no use, and what alloy's errors mean for us.

use std::time::Duration;

use alloy::transports::{RpcError, TransportError, TransportErrorKind};
use uraiden_core::Address;

use super::event::BadLog;

/// Why the node was of no use.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// None is connected whose chain and contract were checked.
    #[error("no Ethereum node is connected")]
    NotConnected,
    /// It did not answer in time.
    #[error("{call} was not answered within {} ms", after.as_millis())]
    Silent {
        /// The question.
        call: &'static str,
        /// The limit.
        after: Duration,
    },
    /// It cannot be reached, or answered with an error.
    #[error("{call}: {reason}")]
    Failed {
        /// The question.
        call: &'static str,
        /// What went wrong.
        reason: String,
        /// Whether a question about fewer blocks may be answered.
        too_much: bool,
    },
    /// The contract refuses.
    #[error("{call}: the contract refuses: {reason}")]
    Reverted {
        /// The question.
        call: &'static str,
        /// What the node says of it.
        reason: String,
    },
    /// It has no such block, though it must.
    #[error("the node has no block {0}")]
    NoBlock(u64),
    /// It does not even have a newest block.
    #[error("the node has no newest block")]
    NoHead,
    /// There is no contract at the address: a wrong address, a wrong chain, or a node that is far behind.
    #[error("there is no contract at {0} on this node's chain")]
    NoContract(Address),
    /// It is another contract.
    #[error("the contract at {contract} says that its version is {found:?}, where 0.2.x is expected")]
    OtherVersion {
        /// Its address.
        contract: Address,
        /// What it says.
        found: String,
    },
    /// Its log entries are not what was asked for.
    #[error("eth_getLogs: {0}")]
    Log(#[from] BadLog),
}

impl NodeError {
    /// Whether a question about fewer blocks may be answered.
    pub(super) fn is_too_much(&self) -> bool {
        matches!(self, Self::Silent { .. } | Self::Failed { too_much: true, .. })
    }
}

/// What alloy's several errors tell us.
pub(super) struct CallError {
    pub(super) reason: String,
    pub(super) too_much: bool,
    pub(super) reverted: bool,
}

impl From<TransportError> for CallError {
    fn from(error: TransportError) -> Self {
        let too_much = match &error {
            // Nodes say "too many results" and the like in the words and numbers of their own.
            RpcError::ErrorResp(_) | RpcError::DeserError { .. } | RpcError::NullResp => true,
            RpcError::Transport(TransportErrorKind::HttpError(error)) => {
                matches!(error.status, 400 | 413 | 422)
            }
            RpcError::Transport(_)
            | RpcError::UnsupportedFeature(_)
            | RpcError::LocalUsageError(_)
            | RpcError::SerError(_) => false,
        };
        Self { reason: whole(&error), too_much, reverted: is_revert(&error) }
    }
}

impl From<alloy::contract::Error> for CallError {
    fn from(error: alloy::contract::Error) -> Self {
        let reverted = match &error {
            alloy::contract::Error::TransportError(error) => is_revert(error),
            _ => false,
        };
        Self { reason: whole(&error), too_much: false, reverted }
    }
}

/// Whether the node says that the contract refused. Nodes agree on code 3 for it, or else on the word.
pub(super) fn is_revert(error: &TransportError) -> bool {
    error.as_error_resp().is_some_and(|refusal| refusal.code == 3 || refusal.message.contains("revert"))
}

/// An error with the errors behind it, cut where a node sends a novel.
fn whole(error: &dyn std::error::Error) -> String {
    const MAX_CHARACTERS: usize = 300;
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = error.source();
    }
    match text.char_indices().nth(MAX_CHARACTERS) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

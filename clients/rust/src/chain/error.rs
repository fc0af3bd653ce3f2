//! What can go wrong on the chain.

use std::time::Duration;

use alloy::primitives::{TxHash, U256};
use alloy::transports::{RpcError, TransportError};
use uraiden_core::{Address, TokenAmount};

use super::contracts::RaidenMicroTransferChannels::RaidenMicroTransferChannelsErrors;
use super::contracts::TestToken::TestTokenErrors;

/// Why something could not be done on the chain.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// The text is no URL of a node.
    #[error("{url:?} is no http(s) URL of a node: {why}")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// The node does not answer, or not what was asked.
    #[error("{call}: {source}; check the node")]
    Node {
        /// What was asked.
        call: &'static str,
        /// What came back.
        source: Box<alloy::contract::Error>,
    },
    /// The contract refuses.
    #[error("{call} is refused by the contract: {why}")]
    Reverted {
        /// What was asked.
        call: &'static str,
        /// The contract's error with its figures.
        why: String,
    },
    /// The transaction was mined, and failed.
    #[error("{call}: transaction {transaction} failed; it may have come too late")]
    Failed {
        /// What was asked.
        call: &'static str,
        /// The transaction.
        transaction: TxHash,
    },
    /// The transaction is not in a block yet.
    #[error("{call}: transaction {transaction} is not mined after {waited:?}; it may still be")]
    NotMined {
        /// What was asked.
        call: &'static str,
        /// The transaction.
        transaction: TxHash,
        /// How long we waited.
        waited: Duration,
    },
    /// A mined transaction lacks the event that it is for.
    #[error("transaction {transaction} has no {event}; is {contract} a RaidenMicroTransferChannels?")]
    NoEvent {
        /// The transaction.
        transaction: TxHash,
        /// The event.
        event: &'static str,
        /// The contract.
        contract: Address,
    },
    /// The server names another token than the contract.
    #[error("the server says the token is {found}, its contract says {expected}; do not trust it")]
    OtherToken {
        /// What the server says.
        found: Address,
        /// What the contract says.
        expected: Address,
    },
    /// The account cannot pay the deposit.
    #[error("{account} has {has} of token {token}, and {needs} are needed")]
    TooFewTokens {
        /// The account.
        account: Address,
        /// The token.
        token: Address,
        /// What it has.
        has: U256,
        /// What it needs.
        needs: TokenAmount,
    },
    /// A figure of the chain is out of the contract's own range.
    #[error("{what} is {found}, above {bound}")]
    OutOfRange {
        /// Which figure.
        what: &'static str,
        /// Its value.
        found: String,
        /// The highest value.
        bound: &'static str,
    },
}

/// Tells a refusal by the contract from a failure of the node.
pub(super) fn node(call: &'static str, error: alloy::contract::Error) -> ChainError {
    if !is_revert(&error) {
        return ChainError::Node { call, source: Box::new(error) };
    }
    let by_channels = error.as_decoded_interface_error::<RaidenMicroTransferChannelsErrors>();
    let by_token = error.as_decoded_interface_error::<TestTokenErrors>();
    let why = match (by_channels, by_token) {
        (Some(why), _) => format!("{why:?}"),
        (None, Some(why)) => format!("{why:?}"),
        (None, None) => error.to_string(),
    };
    ChainError::Reverted { call, why }
}

/// Whether the node ran the call and the contract refused it. Contracts of version 0.2.0 give no data with it.
pub(super) fn is_revert(error: &alloy::contract::Error) -> bool {
    let alloy::contract::Error::TransportError(error) = error else { return false };
    let error: &TransportError = error;
    matches!(error, RpcError::ErrorResp(payload) if payload.message.contains("revert"))
}

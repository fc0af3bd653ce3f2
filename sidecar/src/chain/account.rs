//! What sending transactions needs of the node.

use std::future::IntoFuture;

use alloy::eips::BlockNumberOrTag;
use alloy::primitives::U256;
use alloy::providers::Provider;
use alloy::providers::utils::{
    EIP1559_FEE_ESTIMATION_PAST_BLOCKS, EIP1559_FEE_ESTIMATION_REWARD_PERCENTILE, eip1559_default_estimator,
};
use alloy::rpc::types::TransactionRequest;
use uraiden_core::Address;

use super::error::NodeError;
use super::node::Node;

/// What including a transaction costs now, in wei per gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Market {
    /// What the next block burns.
    pub base_fee: u128,
    /// The part for whoever includes it, so that it is soon.
    pub priority_fee: u128,
}

impl Node {
    /// What an account holds, in wei.
    ///
    /// # Errors
    ///
    /// [`NodeError`].
    pub async fn ether(&self, account: Address) -> Result<U256, NodeError> {
        self.ask("eth_getBalance", self.provider()?.get_balance(account.0.into())).await
    }

    /// The first nonce of an account that the chain has not used; up to and with a block, or up to the newest.
    ///
    /// # Errors
    ///
    /// [`NodeError`].
    pub async fn nonce(&self, account: Address, block: Option<u64>) -> Result<u64, NodeError> {
        let block = block.map_or(BlockNumberOrTag::Latest, BlockNumberOrTag::Number);
        let question = self.provider()?.get_transaction_count(account.0.into()).block_id(block.into());
        self.ask("eth_getTransactionCount", question).await
    }

    /// What including a transaction costs now.
    ///
    /// # Errors
    ///
    /// [`NodeError`].
    pub async fn market(&self) -> Result<Market, NodeError> {
        let percentiles = [EIP1559_FEE_ESTIMATION_REWARD_PERCENTILE];
        let provider = self.provider()?;
        let question = provider.get_fee_history(
            EIP1559_FEE_ESTIMATION_PAST_BLOCKS,
            BlockNumberOrTag::Latest,
            &percentiles,
        );
        let history = self.ask("eth_feeHistory", question).await?;
        let base_fee = history.next_block_base_fee().unwrap_or_default();
        let estimate = eip1559_default_estimator(base_fee, &history.reward.unwrap_or_default());
        Ok(Market { base_fee, priority_fee: estimate.max_priority_fee_per_gas })
    }

    /// The gas that a transaction would use now.
    ///
    /// # Errors
    ///
    /// [`NodeError::Reverted`] where the contract would refuse it.
    pub async fn gas(&self, transaction: TransactionRequest) -> Result<u64, NodeError> {
        self.ask("eth_estimateGas", self.provider()?.estimate_gas(transaction).into_future()).await
    }

    /// Whether the node has a transaction, in a block or waiting for one.
    ///
    /// # Errors
    ///
    /// [`NodeError`].
    pub async fn has_transaction(&self, hash: [u8; 32]) -> Result<bool, NodeError> {
        let question = self.provider()?.get_transaction_by_hash(hash.into());
        Ok(self.ask("eth_getTransactionByHash", question).await?.is_some())
    }

    /// Hands a signed transaction to the node, which answers also where it has it already.
    ///
    /// # Errors
    ///
    /// [`NodeError`].
    pub async fn send(&self, raw: &[u8]) -> Result<(), NodeError> {
        self.ask("eth_sendRawTransaction", self.provider()?.send_raw_transaction(raw)).await.map(drop)
    }
}

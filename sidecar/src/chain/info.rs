//! What the contract says of many channels, in one question.

use alloy::eips::BlockNumberOrTag;
use alloy::primitives::Bytes;
use alloy::providers::Provider;
use alloy::rpc::client::BatchRequest;
use alloy::rpc::types::TransactionRequest;
use alloy::sol_types::SolCall;
use uraiden_core::TokenAmount;
use uraiden_core::wire::ChannelKey;

use super::contract::RaidenMicroTransferChannels::getChannelInfoCall;
use super::error::{NodeError, is_revert};
use super::event;
use super::node::Node;

/// How many channels one question is about. Nodes limit batches.
pub(super) const BATCH: usize = 50;

const CALL: &str = "getChannelInfo()";

/// What the contract says of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ChannelInfo {
    /// All that was ever locked in it.
    pub(super) deposit: TokenAmount,
    /// The last block of the challenge period, and what the sender asked to close at.
    pub(super) closing: Option<(u64, TokenAmount)>,
    /// What was withdrawn.
    pub(super) withdrawn: TokenAmount,
}

impl Node {
    /// What the contract says of these channels as of a block, in their order. `None` where there is no such channel,
    /// or no more.
    pub(super) async fn channel_infos(
        &self,
        keys: &[ChannelKey],
        block: u64,
    ) -> Result<Vec<Option<ChannelInfo>>, NodeError> {
        let provider = self.provider()?;
        let mut batch = BatchRequest::new(provider.client());
        let mut waiters = Vec::with_capacity(keys.len());
        for key in keys {
            let call = getChannelInfoCall {
                _sender_address: key.sender.0.into(),
                _receiver_address: self.receiver().0.into(),
                _open_block_number: key.open_block.0,
            };
            let request = TransactionRequest::default()
                .to(self.contract().0.into())
                .input(Bytes::from(call.abi_encode()).into());
            let parameters = (request, BlockNumberOrTag::Number(block));
            let waiter = batch.add_call::<_, Bytes>("eth_call", &parameters);
            waiters.push(waiter.map_err(|error| self.failed(CALL, error))?);
        }
        self.ask(CALL, batch).await?;
        let mut infos = Vec::with_capacity(waiters.len());
        for waiter in waiters {
            infos.push(match waiter.await {
                Ok(bytes) => Some(self.read_info(&bytes)?),
                Err(error) if is_revert(&error) => None,
                Err(error) => return Err(self.failed(CALL, error)),
            });
        }
        Ok(infos)
    }

    fn read_info(&self, bytes: &Bytes) -> Result<ChannelInfo, NodeError> {
        let info = getChannelInfoCall::abi_decode_returns(bytes).map_err(|error| NodeError::Failed {
            call: CALL,
            reason: error.to_string(),
            too_much: false,
        })?;
        Ok(ChannelInfo {
            deposit: event::amount(info._1),
            closing: (info._2 != 0).then(|| (u64::from(info._2), event::amount(info._3))),
            withdrawn: event::amount(info._4),
        })
    }
}

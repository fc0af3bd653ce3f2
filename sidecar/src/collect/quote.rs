//! What an order would cost, before it is given.

use alloy::primitives::U256;
use uraiden_core::Address;
use uraiden_core::wire::ChannelKey;

use super::errand;
use super::fees::Fees;
use super::purse::GAS_OF_A_CHALLENGE;
use crate::chain::{Node, NodeError};
use crate::store::{HeldProof, Purpose};

/// What a transaction would cost now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// The gas it uses; of a closing, the most that it can use.
    pub gas: u64,
    /// What that costs in a block of now, in wei.
    pub likely: U256,
    /// The most that is offered for it at first, in wei.
    pub most: U256,
}

/// Asks the node. A closing is not tried there: the agreement in it must not leave this process before the channel is
/// marked.
///
/// # Errors
///
/// [`NodeError::Reverted`] where the contract would refuse it.
pub async fn quote(
    node: &Node,
    receiver: Address,
    purpose: Purpose,
    key: ChannelKey,
    proof: &HeldProof,
) -> Result<Quote, NodeError> {
    let gas = match purpose {
        Purpose::Close => GAS_OF_A_CHALLENGE,
        Purpose::Withdraw => {
            let input = errand::withdrawal(key.open_block, proof);
            node.gas(errand::request(receiver, node.contract(), input)).await?
        }
    };
    let market = node.market().await?;
    let fees = Fees::of(market);
    let price = market.base_fee.saturating_add(fees.priority);
    let times = |per_gas: u128| U256::from(gas).saturating_mul(U256::from(per_gas));
    Ok(Quote { gas, likely: times(price), most: times(fees.max) })
}

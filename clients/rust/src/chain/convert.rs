//! Between our types and the chain library's.

use alloy::primitives::aliases::U192;
use alloy::primitives::{Address as ChainAddress, U256};
use uraiden_core::{Address, BlockNumber, TokenAmount};

use crate::ChainError;

pub(super) fn block_number(number: u64) -> Result<BlockNumber, ChainError> {
    u32::try_from(number).map(BlockNumber).map_err(|_| ChainError::OutOfRange {
        what: "the block number",
        found: number.to_string(),
        bound: "4294967295",
    })
}

pub(super) fn to_chain(address: Address) -> ChainAddress {
    ChainAddress::from(address.0)
}

pub(super) fn from_chain(address: ChainAddress) -> Address {
    Address(address.into_array())
}

pub(super) fn to_uint192(amount: TokenAmount) -> U192 {
    U192::from_be_bytes(amount.to_be_bytes())
}

pub(super) fn to_uint256(amount: TokenAmount) -> U256 {
    U256::from_be_slice(&amount.to_be_bytes())
}

pub(super) fn amount(value: U192) -> TokenAmount {
    TokenAmount::from_be_bytes(value.to_be_bytes())
}

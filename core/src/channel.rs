//! What names a channel, and what is known of it.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Address, Signature, TokenAmount};

/// The number of a block, a `uint32` as in the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BlockNumber(pub u32);

impl fmt::Display for BlockNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Reads a decimal number: digits only, no sign, no space, no leading zero.
impl FromStr for BlockNumber {
    type Err = BlockNumberError;

    fn from_str(text: &str) -> Result<Self, BlockNumberError> {
        let plain =
            text.bytes().all(|byte| byte.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'));
        plain.then(|| text.parse().ok()).flatten().map(Self).ok_or(BlockNumberError)
    }
}

/// A text is no [`BlockNumber`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockNumberError;

impl fmt::Display for BlockNumberError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a block number, 0 to {}", u32::MAX)
    }
}

impl core::error::Error for BlockNumberError {}

/// What names a channel: the contract's key of it, and the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelId {
    /// The `RaidenMicroTransferChannels` that holds the deposit.
    pub contract: Address,
    /// Who is paid.
    pub receiver: Address,
    /// Who pays.
    pub sender: Address,
    /// The block that holds the channel's `ChannelCreated` event.
    pub open_block: BlockNumber,
}

impl fmt::Display for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.sender, self.open_block)
    }
}

/// What the ledger says of a channel id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "camelCase")]
pub enum ChannelState {
    /// The chain knows no such channel.
    Absent,
    /// Its opening is on the chain, but not deep enough to be believed.
    Unconfirmed {
        /// Blocks still missing, at least 1.
        missing: u32,
    },
    /// Closing was agreed or asked for, or it is settled. It never takes a payment again.
    Closed,
    /// It takes payments.
    Open(OpenChannel),
}

/// An open, confirmed channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenChannel {
    /// What the sender has locked on chain, confirmed.
    pub deposit: TokenAmount,
    /// What the sender has signed over so far, as far as we accepted it.
    pub balance: TokenAmount,
    /// The proof of that balance; `None` before the first payment.
    pub signature: Option<Signature>,
    /// What was paid for resources that then failed, after their payments had become final. Part of the balance.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub credit: TokenAmount,
    /// The highest balance that the merchant accepts before a withdrawal; `None` where only the deposit bounds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<TokenAmount>,
}

impl OpenChannel {
    /// A channel of this deposit on which nothing was paid, with no bound but the deposit.
    pub fn new(deposit: TokenAmount) -> Self {
        Self {
            deposit,
            balance: TokenAmount::ZERO,
            signature: None,
            credit: TokenAmount::ZERO,
            ceiling: None,
        }
    }
}

/// serde's `skip_serializing_if` gives a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(amount: &TokenAmount) -> bool {
    amount.is_zero()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_number_is_a_plain_decimal_uint32() {
        assert_eq!("0".parse(), Ok(BlockNumber(0)));
        assert_eq!("4294967295".parse(), Ok(BlockNumber(u32::MAX)));
        for text in ["", "4294967296", "+1", "-1", " 1", "1 ", "01", "00", "1e3", "0x1", "12x"] {
            assert_eq!(text.parse::<BlockNumber>(), Err(BlockNumberError), "{text:?}");
        }
    }
}

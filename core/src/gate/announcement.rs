//! What the workers of one Envoy tell each other: how far a channel was used to send requests upstream.
//!
//! It is a hint. Whoever misses one sends at most one request upstream for a proof that was used already; its response
//! is not released.

use crate::TokenAmount;
use crate::wire::ChannelKey;

/// How many channels are remembered between all workers: what Envoy shares is never freed, so there is a bound.
const SLOTS: u32 = 16_384;

/// The highest balance by which a request of a channel went upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// Where it is kept, below 16,384. Channels that share a place forget each other.
    pub slot: u32,
    /// Its 48 bytes: sender, open block, balance.
    pub bytes: Vec<u8>,
}

impl Announcement {
    pub(super) fn new(channel: &ChannelKey, balance: TokenAmount) -> Self {
        let bytes =
            [&channel.sender.0[..], &channel.open_block.0.to_be_bytes(), &balance.to_be_bytes()].concat();
        Self { slot: slot(channel), bytes }
    }
}

/// Where the announcements of a channel are kept.
pub(super) fn slot(channel: &ChannelKey) -> u32 {
    let [.., a, b, c, d] = channel.sender.0;
    (u32::from_be_bytes([a, b, c, d]) ^ channel.open_block.0) % SLOTS
}

/// The balance that was announced for this channel, if these bytes are of this channel.
pub(super) fn balance(bytes: &[u8], channel: &ChannelKey) -> Option<TokenAmount> {
    let rest = bytes.strip_prefix(&channel.sender.0)?.strip_prefix(&channel.open_block.0.to_be_bytes())?;
    rest.try_into().ok().map(TokenAmount::from_be_bytes)
}

//! What a session remembers of a channel.

use serde::{Deserialize, Serialize};
use uraiden_core::{Address, BlockNumber, ChannelId, TokenAmount};

/// A channel of ours, as far as we know it. With this and the key alone a session can go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Channel {
    /// The contract that holds the deposit.
    pub contract: Address,
    /// Who is paid.
    pub receiver: Address,
    /// Who pays: the session's key.
    pub sender: Address,
    /// The block in which the channel was opened.
    pub open_block: BlockNumber,
    /// What is locked on chain, unconfirmed top-ups included. Nothing above it is ever signed.
    pub deposit: TokenAmount,
    /// The last balance that the server is known to hold; `None` where it has to be asked first.
    pub balance: Option<TokenAmount>,
    /// A higher balance that was sent without a clear answer. It is sent again before any other.
    pub pending: Option<TokenAmount>,
    /// Its end was asked for, so that it pays no more.
    pub closing: bool,
}

impl Channel {
    /// A channel that was just opened with this deposit.
    pub fn opened(id: ChannelId, deposit: TokenAmount) -> Self {
        let ChannelId { contract, receiver, sender, open_block } = id;
        let balance = Some(TokenAmount::ZERO);
        Self { contract, receiver, sender, open_block, deposit, balance, pending: None, closing: false }
    }

    /// A channel that was found on chain: what was paid through it has to be asked.
    pub fn found(id: ChannelId, deposit: TokenAmount) -> Self {
        Self { balance: None, ..Self::opened(id, deposit) }
    }

    /// What names the channel.
    pub fn id(&self) -> ChannelId {
        let Self { contract, receiver, sender, open_block, .. } = *self;
        ChannelId { contract, receiver, sender, open_block }
    }
}

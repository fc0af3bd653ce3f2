//! The two signed statements of a channel.

use crate::digest::{self, Digest};
use crate::{Address, ChannelId, Signature, TokenAmount};

/// The sender's signature over a running total. A newer one replaces all older ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BalanceProof {
    /// The channel it is for.
    pub channel: ChannelId,
    /// The running total, this payment included.
    pub balance: TokenAmount,
    /// The sender's signature, as far as it says so itself.
    pub signature: Signature,
}

impl BalanceProof {
    /// What the sender signed.
    pub fn digest(&self) -> Digest {
        let ChannelId { contract, receiver, open_block, .. } = self.channel;
        digest::balance_proof(receiver, open_block, self.balance, contract)
    }

    /// Whether the channel's sender signed it.
    pub fn is_by_sender(&self) -> bool {
        self.signer() == Some(self.channel.sender)
    }

    /// Who really signed it; `None` where nobody did.
    pub fn signer(&self) -> Option<Address> {
        self.signature.signer(&self.digest())
    }
}

/// The receiver's signature that lets a channel be settled at once, at exactly this balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClosingAgreement {
    /// The channel that ends.
    pub channel: ChannelId,
    /// What the receiver gets of the deposit.
    pub balance: TokenAmount,
    /// The receiver's signature, as far as it says so itself.
    pub signature: Signature,
}

impl ClosingAgreement {
    /// What the receiver signs for this channel and balance.
    pub fn digest(channel: &ChannelId, balance: TokenAmount) -> Digest {
        let ChannelId { contract, sender, open_block, .. } = *channel;
        digest::closing_agreement(sender, open_block, balance, contract)
    }

    /// Whether the receiver of the channel signed it.
    pub fn is_by_receiver(&self) -> bool {
        self.signature.signer(&Self::digest(&self.channel, self.balance)) == Some(self.channel.receiver)
    }
}

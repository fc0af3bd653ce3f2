//! Making payments, without I/O.

use alloy::primitives::B256;
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use uraiden_core::{Address, BalanceProof, BlockNumber, ChannelId, Signature, TokenAmount, digest, header};

/// Signs balances of one channel.
///
/// It signs whatever balance it is given: deposit, price and what was signed before are the caller's business.
#[derive(Clone, Debug)]
pub struct Payer {
    signer: PrivateKeySigner,
    channel: ChannelId,
}

impl Payer {
    /// The payer of the channel that `signer` opened towards `receiver` in `open_block`.
    pub fn new(
        signer: PrivateKeySigner,
        contract: Address,
        receiver: Address,
        open_block: BlockNumber,
    ) -> Self {
        let sender = Address(signer.address().into_array());
        Self { signer, channel: ChannelId { contract, receiver, sender, open_block } }
    }

    /// The channel that pays.
    pub fn channel(&self) -> &ChannelId {
        &self.channel
    }

    /// The proof of this balance.
    pub fn proof(&self, balance: TokenAmount) -> BalanceProof {
        let ChannelId { contract, receiver, open_block, .. } = self.channel;
        let digest = digest::balance_proof(receiver, open_block, balance, contract);
        BalanceProof { channel: self.channel, balance, signature: sign(&self.signer, digest) }
    }

    /// The headers of a payment that brings the running total to `balance`.
    pub fn headers(&self, balance: TokenAmount) -> [(&'static str, String); 6] {
        proof_headers(&self.proof(balance))
    }
}

/// The six headers that carry a balance proof.
pub fn proof_headers(proof: &BalanceProof) -> [(&'static str, String); 6] {
    let ChannelId { contract, receiver, sender, open_block } = proof.channel;
    [
        (header::CONTRACT_ADDRESS, contract.to_string()),
        (header::RECEIVER_ADDRESS, receiver.to_string()),
        (header::SENDER_ADDRESS, sender.to_string()),
        (header::OPEN_BLOCK, open_block.to_string()),
        (header::SENDER_BALANCE, proof.balance.to_string()),
        (header::BALANCE_SIGNATURE, proof.signature.to_string()),
    ]
}

fn sign(signer: &PrivateKeySigner, digest: digest::Digest) -> Signature {
    let signature = signer.sign_hash_sync(&B256::from(digest)).expect("a key in memory signs any digest");
    Signature::from_bytes(&signature.as_bytes()).expect("as_bytes() gives 65 bytes with v 27 or 28")
}

#[cfg(test)]
mod tests {
    use super::*;
    use uraiden_core::offer::Offer;
    use uraiden_core::request::Request;

    /// Anvil's third account, and figures made by the original µRaiden 0.2.0 code.
    fn payer() -> Payer {
        Payer::new(
            "5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a".parse().unwrap(),
            "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512".parse().unwrap(),
            "0x70997970C51812dc3A010C7d01b50e0d17dc79C8".parse().unwrap(),
            BlockNumber(9),
        )
    }

    #[test]
    fn a_proof_is_that_of_the_original_code() {
        let proof = payer().proof(TokenAmount::new(60));
        assert_eq!(proof.signer(), Some(payer().channel().sender));
        assert_eq!(
            proof.signature.to_string(),
            "0xf0a50b2a6d6eba119a909c9ae9ffbb6af49a721389c310c707e862a67d83332d\
             33176a63e182cc8acba9771dc57d4ec78b06314f7e15af86e2ead40bf1fe4b3d1c"
        );
    }

    #[test]
    fn the_headers_are_read_back_as_the_same_proof() {
        let proof = payer().proof(TokenAmount::MAX);
        let sent = proof_headers(&proof).map(|(name, value)| (name.to_lowercase(), value.into_bytes()));
        let offer = Offer::read(Request::new(&sent)).unwrap();
        let read = offer.proof.unwrap();
        assert_eq!(offer.contract, Some(proof.channel.contract));
        assert_eq!(offer.receiver, Some(proof.channel.receiver));
        assert_eq!((read.sender, read.open_block), (proof.channel.sender, proof.channel.open_block));
        assert_eq!((read.balance, read.signature), (proof.balance, proof.signature));
    }
}

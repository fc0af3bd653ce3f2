//! What is signed: the two digests of the contract, version 0.2.x.
//!
//! Each is legacy (pre-EIP-712) typed data: the keccak-256 of the hash of a schema text and the hash of the packed
//! values. Neither names the chain, so one receiver key serves one contract on one chain only.

use tiny_keccak::{Hasher, Keccak};

use crate::{Address, BlockNumber, TokenAmount};

/// A 32-byte digest, ready to be signed.
pub type Digest = [u8; 32];

/// keccak-256 of `"string message_id" "address receiver" "uint32 block_created" "uint192 balance" "address contract"`,
/// joined without separators.
const BALANCE_PROOF_SCHEMA: Digest = [
    0x58, 0x60, 0x9b, 0xfe, 0x78, 0x97, 0x00, 0x60, 0x66, 0x85, 0x32, 0x97, 0x2d, 0x17, 0xb7, 0xde, 0xad,
    0x82, 0xd8, 0x8a, 0xa6, 0x29, 0x66, 0x11, 0x00, 0x94, 0xcd, 0x80, 0x6a, 0x42, 0x1d, 0x9c,
];

/// The same with `"address sender"` in place of `"address receiver"`.
const CLOSING_AGREEMENT_SCHEMA: Digest = [
    0x9d, 0x31, 0x22, 0xa6, 0x19, 0x3f, 0x33, 0x7a, 0xbb, 0x0b, 0x13, 0xa1, 0xe6, 0xd5, 0x7b, 0x16, 0x4a,
    0x6a, 0xcb, 0x15, 0xd8, 0x25, 0xb3, 0x8a, 0x5b, 0xd2, 0xe6, 0x6a, 0xf5, 0x12, 0xf0, 0x9f,
];

/// The digest under a balance proof, which the sender signs.
pub fn balance_proof(
    receiver: Address,
    open_block: BlockNumber,
    balance: TokenAmount,
    contract: Address,
) -> Digest {
    typed(&BALANCE_PROOF_SCHEMA, b"Sender balance proof signature", receiver, open_block, balance, contract)
}

/// The digest under a closing agreement, which the receiver signs.
pub fn closing_agreement(
    sender: Address,
    open_block: BlockNumber,
    balance: TokenAmount,
    contract: Address,
) -> Digest {
    typed(&CLOSING_AGREEMENT_SCHEMA, b"Receiver closing signature", sender, open_block, balance, contract)
}

fn typed(
    schema: &Digest,
    message_id: &[u8],
    party: Address,
    open_block: BlockNumber,
    balance: TokenAmount,
    contract: Address,
) -> Digest {
    let values =
        keccak256(&[message_id, &party.0, &open_block.0.to_be_bytes(), &balance.to_be_bytes(), &contract.0]);
    keccak256(&[schema, &values])
}

/// keccak-256 of the parts, one after the other.
pub fn keccak256(parts: &[&[u8]]) -> Digest {
    let mut keccak = Keccak::v256();
    parts.iter().for_each(|part| keccak.update(part));
    let mut digest = [0; 32];
    keccak.finalize(&mut digest);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_hashes_are_those_of_their_texts() {
        for (party, hash) in [("receiver", BALANCE_PROOF_SCHEMA), ("sender", CLOSING_AGREEMENT_SCHEMA)] {
            let schema = format!(
                "string message_idaddress {party}uint32 block_createduint192 balanceaddress contract"
            );
            assert_eq!(keccak256(&[schema.as_bytes()]), hash, "{party}");
        }
    }

    /// Figures printed by the original µRaiden 0.2.0 code.
    #[test]
    fn the_digests_are_those_of_the_original_code() {
        let sender = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC".parse().unwrap();
        let receiver = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8".parse().unwrap();
        let contract = "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512".parse().unwrap();
        let (block, balance) = (BlockNumber(9), TokenAmount::new(60));
        assert_eq!(
            hex::encode(balance_proof(receiver, block, balance, contract)),
            "846a7b3c20c822e28d5cabde214c7ab589cbf49402a78f153f5027c9a642347f"
        );
        assert_eq!(
            hex::encode(closing_agreement(sender, block, balance, contract)),
            "3200cb217d15523daab64a8f3132fa2e21f1823470adc90a7e89479919a47bd2"
        );
    }
}

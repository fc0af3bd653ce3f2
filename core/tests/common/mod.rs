//! A payer with a key, and what it sends.

use k256::ecdsa::SigningKey;
use uraiden_core::{Address, BlockNumber, Signature, TokenAmount, digest};

pub(crate) const OPEN_BLOCK: BlockNumber = BlockNumber(14);

pub(crate) fn contract() -> Address {
    address(1)
}

pub(crate) fn receiver() -> Address {
    address(2)
}

pub(crate) fn address(byte: u8) -> Address {
    Address([byte; 20])
}

pub(crate) fn amount(units: u64) -> TokenAmount {
    TokenAmount::new(units)
}

/// The payer's proof of a balance in the one channel of these tests.
pub(crate) fn sign(balance: TokenAmount) -> Signature {
    let digest = digest::balance_proof(receiver(), OPEN_BLOCK, balance, contract());
    let (signature, recovery_id) = key().sign_prehash_recoverable(&digest);
    Signature::from_bytes(&[&signature.to_bytes()[..], &[recovery_id.to_byte()]].concat()).unwrap()
}

pub(crate) fn sender() -> Address {
    let point = key().verifying_key().to_sec1_point(false);
    Address(*digest::keccak256(&[&point.as_bytes()[1..]]).last_chunk().unwrap())
}

fn key() -> SigningKey {
    SigningKey::from_slice(&[7; 32]).unwrap()
}

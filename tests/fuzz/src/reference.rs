//! Who signed what, as libsecp256k1 finds it.

use std::sync::LazyLock;

use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use secp256k1::{Message, Secp256k1, VerifyOnly};
use uraiden_core::digest::{Digest, keccak256};
use uraiden_core::{Address, Signature};

static REFERENCE: LazyLock<Secp256k1<VerifyOnly>> = LazyLock::new(Secp256k1::verification_only);

/// The signer of a digest; `None` where there is none.
pub fn recovered(digest: &Digest, signature: &Signature) -> Option<Address> {
    let [r_s @ .., v] = signature.to_bytes();
    let id = if v == 28 { RecoveryId::One } else { RecoveryId::Zero };
    let signature = RecoverableSignature::from_compact(&r_s, id).ok()?;
    let key = REFERENCE.recover_ecdsa(Message::from_digest(*digest), &signature).ok()?;
    let [_, point @ ..] = key.serialize_uncompressed();
    Some(Address(*keccak256(&[&point]).last_chunk()?))
}

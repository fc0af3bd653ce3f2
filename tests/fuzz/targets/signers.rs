//! What a worker remembers of signers changes how long a check takes, never its answer: that is always libsecp256k1's.
//!
//! The first byte says how much room there is; after it four bytes are one check: whose, of what kind, of which digest,
//! and what is wrong with it.
#![no_main]

use k256::ecdsa::{self, SigningKey};
use libfuzzer_sys::fuzz_target;
use uraiden_core::digest::{Digest, keccak256};
use uraiden_core::{Signature, Signers};
use uraiden_fuzz::{recovered, sender};

/// From room for a single key up to tables for several signers, in bytes.
const ROOM: [usize; 5] = [0, 1 << 11, 1 << 14, 1 << 16, 1 << 18];

/// More would not change what is remembered of so few signers.
const MOST_CHECKS: usize = 64;

fuzz_target!(|data: &[u8]| {
    let Some((size, checks)) = data.split_first() else { return };
    let mut signers = Signers::new(ROOM[usize::from(*size) % ROOM.len()]);
    let keys = [1, 2, 3, 4, 5]
        .map(|seed: u8| SigningKey::from_slice(&keccak256(&[&[seed]])).expect("below the group's order"));
    for [who, kind, what, wrong] in checks.as_chunks().0.iter().take(MOST_CHECKS) {
        let key = &keys[usize::from(*who) % keys.len()];
        let digest = keccak256(&[&[*what]]);
        let (mut claimed, mut shown) = (sender(key), digest);
        let mut bytes = signed(key, &digest, kind & 1 == 1);
        match kind >> 1 & 7 {
            // Most are good, so that there is something to remember.
            0..=3 => {}
            4 => bytes[usize::from(*wrong) % 64] ^= 1 << (wrong % 8),
            // 27 and 28 change places.
            5 => bytes[64] ^= 27 ^ 28,
            6 => claimed = sender(&keys[usize::from(*wrong) % keys.len()]),
            _ => shown = keccak256(&[&[*wrong]]),
        }
        let signature = Signature::from_bytes(&bytes).expect("65 bytes, v 27 or 28");
        let by = recovered(&shown, &signature);
        assert_eq!(signers.signed(claimed, &signature, &shown), by == Some(claimed));
    }
});

/// A key's signature of a digest, or its twin with the other `s`.
fn signed(key: &SigningKey, digest: &Digest, twin: bool) -> [u8; 65] {
    let (signature, recovery_id) = key.sign_prehash_recoverable(digest);
    let (r, s) = (signature.r(), signature.s());
    let s = if twin { -*s } else { *s };
    let signature = ecdsa::Signature::from_scalars(*r, s).expect("both are in range");
    let mut bytes = [0; 65];
    bytes[..64].copy_from_slice(&signature.to_bytes());
    bytes[64] = 27 + u8::from(recovery_id.is_y_odd() != twin);
    bytes
}

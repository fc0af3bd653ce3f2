//! Signatures: read strictly, and their signers found as libsecp256k1 finds them.
#![no_main]

use k256::ecdsa::{self, SigningKey};
use libfuzzer_sys::fuzz_target;
use uraiden_core::Signature;
use uraiden_core::digest::{Digest, keccak256};
use uraiden_fuzz::{recovered, sender};

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = core::str::from_utf8(data) {
        read(text);
    }
    let Some((digest, rest)) = data.split_first_chunk::<32>() else { return };
    if let Some((bytes, _)) = rest.split_first_chunk::<65>() {
        foreign(digest, bytes);
    }
    own(digest, rest);
});

fn read(text: &str) {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let hex = digits.len() == 130 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let known = ["00", "01", "1b", "1c", "1B", "1C"].iter().any(|v| digits.ends_with(v));
    match text.parse::<Signature>() {
        Ok(signature) => {
            assert!(hex && known);
            let own = signature.to_string();
            assert_eq!(own.parse(), Ok(signature));
            assert_eq!(own[2..130], digits.to_ascii_lowercase()[..128]);
            assert!(own.ends_with("1b") || own.ends_with("1c"));
            assert_eq!(Signature::from_bytes(&signature.to_bytes()), Ok(signature));
        }
        Err(error) => {
            assert!(!(hex && known));
            assert!(error.to_string().len() < 100);
        }
    }
}

/// Any 65 bytes have the signer that libsecp256k1 recovers, or none where it finds none.
fn foreign(digest: &Digest, bytes: &[u8; 65]) {
    let [r_s @ .., v] = bytes;
    let signature = Signature::from_bytes(&[r_s, &[v & 1][..]].concat()).expect("65 bytes, v 0 or 1");
    assert_eq!(signature.signer(digest), recovered(digest, &signature));
}

/// A signature by a key has this key's signer, also as its twin with the other `s`; and no other digest has.
fn own(digest: &Digest, seed: &[u8]) {
    let Ok(key) = SigningKey::from_slice(&keccak256(&[seed])) else { return };
    let (signature, recovery_id) = key.sign_prehash_recoverable(digest);
    let odd_y = recovery_id.is_y_odd();
    let of = |signature: &ecdsa::Signature, odd_y: bool| {
        let bytes = [&signature.to_bytes()[..], &[27 + u8::from(odd_y)]].concat();
        Signature::from_bytes(&bytes).expect("65 bytes, v 27 or 28")
    };
    let by = Some(sender(&key));
    assert_eq!(of(&signature, odd_y).signer(digest), by);
    let (r, s) = (signature.r(), -*signature.s());
    let twin = ecdsa::Signature::from_scalars(*r, s).expect("both are in range");
    assert_eq!(of(&twin, !odd_y).signer(digest), by);
    assert_ne!(of(&signature, !odd_y).signer(digest), by);
    let other = keccak256(&[digest]);
    assert_ne!(of(&signature, odd_y).signer(&other), by);
}

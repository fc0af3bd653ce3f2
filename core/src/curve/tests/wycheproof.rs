//! Project Wycheproof's signatures; tests/vectors/wycheproof says where they are from.

use k256::ecdsa::signature::hazmat::PrehashVerifier;
use k256::ecdsa::{RecoveryId, VerifyingKey};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::*;

const FILE: &str = include_str!("../../../../tests/vectors/wycheproof/ecdsa_secp256k1_sha256_bitcoin.json");

#[test]
fn wycheproofs_signatures_are_judged_as_they_should_be() {
    let file: Value = serde_json::from_str(FILE).unwrap();
    let (mut good, mut bad) = (0, 0);
    for group in file["groups"].as_array().unwrap() {
        let key = [&[4][..], &hex_of(&group["key"])].concat();
        let key = VerifyingKey::from_sec1_bytes(&key).unwrap();
        let checks = Checks::new(&key.as_affine().into());
        for test in group["tests"].as_array().unwrap() {
            let digest: Digest = Sha256::digest(hex_of(&test["msg"])).into();
            let r_s: [u8; 64] = hex_of(&test["rs"]).try_into().unwrap();
            let (r, s) = (r_s[..32].try_into().unwrap(), r_s[32..].try_into().unwrap());
            let held = [false, true].map(|odd_y| checks.agree(&signature(r, s, odd_y), &digest).0);
            // The contract takes a high s too. A point whose x was reduced has no `v` there.
            let valid =
                test["result"] == "valid" || test["comment"].as_str().unwrap().contains("malleability");
            let expected = valid && !is_reduced(&key, &r_s, &digest);
            assert_eq!(held[0] || held[1], expected, "{test}");
            assert!(!(held[0] && held[1]), "{test}");
            let plain = k256::ecdsa::Signature::from_slice(&r_s)
                .is_ok_and(|pair| key.verify_prehash(&digest, &pair.normalize_s()).is_ok());
            assert_eq!(plain, valid, "{test}");
            if expected { good += 1 } else { bad += 1 }
        }
    }
    assert_eq!((good, bad), (163, 68));
}

/// Whether the signature's point has an x from the group's order up.
fn is_reduced(key: &VerifyingKey, r_s: &[u8; 64], digest: &Digest) -> bool {
    let Ok(pair) = k256::ecdsa::Signature::from_slice(r_s) else { return false };
    [false, true].into_iter().any(|odd_y| {
        let found = VerifyingKey::recover_from_prehash(digest, &pair, RecoveryId::new(odd_y, true));
        found.is_ok_and(|found| found == *key)
    })
}

fn hex_of(text: &Value) -> Vec<u8> {
    hex::decode(text.as_str().unwrap()).unwrap()
}

//! Random keys and messages, good signatures and what may become of them on the way.

use super::*;

/// Magnitudes are checked in debug builds, which takes its time.
const KEYS: usize = if cfg!(debug_assertions) { 24 } else { 250 };

/// Messages a key.
const MESSAGES: usize = 10;

#[test]
fn random_signatures_and_corrupted_ones_are_judged_as_k256_judges_them() {
    let mut random = Random(0);
    let (mut good, mut bad) = (0, 0);
    for _ in 0..KEYS {
        let key = random.key();
        let checks = Checks::new(&key.verifying_key().as_affine().into());
        for _ in 0..MESSAGES {
            let digest = random.bytes();
            for (signature, digest) in variants(&mut random, &key, digest) {
                let (holds, incomplete) = checks.agree(&signature, &digest);
                assert_eq!(incomplete, 0, "{signature} over {}", hex::encode(digest));
                if holds { good += 1 } else { bad += 1 }
            }
        }
    }
    // The signature itself and its twin with a high s.
    assert_eq!(good, 2 * KEYS * MESSAGES);
    assert_eq!(bad, 12 * KEYS * MESSAGES);
}

/// A good signature, its twin, and twelve bad ones.
fn variants(random: &mut Random, key: &SigningKey, digest: Digest) -> Vec<(Signature, Digest)> {
    let good = signed(key, &digest);
    let (r, s) = (half(&good, 0), half(&good, 32));
    let twin = signature(r, bytes(&-scalar(&s)), !good.odd_y);
    let mut flip = |number: &[u8; 32]| {
        let (mut flipped, bit) = (*number, random.below(256));
        flipped[bit / 8] ^= 1 << (bit % 8);
        flipped
    };
    let (other_r, other_s, other_digest) = (flip(&r), flip(&s), flip(&digest));
    let one_more = |number: &[u8; 32]| bytes(&(scalar(number) + Scalar::ONE));
    let stranger = signed(&random.key(), &digest);
    let mut all: Vec<_> = [
        good,
        twin,
        signature(r, s, !good.odd_y),
        signature(r, bytes(&-scalar(&s)), good.odd_y),
        signature(other_r, s, good.odd_y),
        signature(r, other_s, good.odd_y),
        signature(s, r, good.odd_y),
        signature(one_more(&r), s, good.odd_y),
        signature(r, one_more(&s), good.odd_y),
        signature(random.bytes(), random.bytes(), good.odd_y),
        signature(r, random.bytes(), good.odd_y),
        stranger,
    ]
    .into_iter()
    .map(|signature| (signature, digest))
    .collect();
    all.push((good, other_digest));
    all.push((good, random.bytes()));
    all
}

/// 32 bytes of a signature.
fn half(signature: &Signature, from: usize) -> [u8; 32] {
    signature.r_s[from..from + 32].try_into().expect("32 bytes")
}

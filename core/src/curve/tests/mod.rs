//! Every way to check a signature says what `k256` says.

mod random;
mod signers;
mod special;
mod wycheproof;

use k256::ecdsa::SigningKey;
use k256::elliptic_curve::PrimeField;
use k256::{ProjectivePoint, Scalar};

use super::comb::Comb;
use super::equation::{Incomplete, holds_for_comb, holds_for_key};
use super::numbers::Numbers;
use super::point::Affine;
use super::{recover, table};
use crate::digest::{Digest, keccak256};
use crate::{Address, Signature};

/// A key in every form in which it can check signatures.
struct Checks {
    address: Address,
    key: Affine,
    combs: Vec<Comb>,
}

impl Checks {
    fn new(point: &ProjectivePoint) -> Self {
        let key = Affine::of(&point.to_affine());
        let combs = table::SIGNER.map(|shape| Comb::new(key, shape).expect("no point fails"));
        Self { address: recover::address(&key), key, combs: combs.into() }
    }

    /// Asserts that all ways give the answer of `k256`, and says that answer, and how often the formulas did not cover
    /// the input.
    fn agree(&self, signature: &Signature, digest: &Digest) -> (bool, usize) {
        let judge = signature.signer_by_k256(digest).filter(|address| *address != Address::ZERO);
        assert_eq!(signature.signer(digest), judge, "{signature} over {}", hex::encode(digest));
        let expected = judge == Some(self.address);
        let Some(numbers) = Numbers::read(&signature.r_s, signature.odd_y, digest) else {
            assert_eq!(judge, None);
            return (false, 0);
        };
        let generator = table::generator().expect("the generator has a table");
        let mut incomplete = 0;
        let mut compare = |way: &str, answer: Result<bool, Incomplete>| match answer {
            Ok(answer) => {
                assert_eq!(answer, expected, "{way}: {signature} over {}", hex::encode(digest));
            }
            Err(Incomplete) => incomplete += 1,
        };
        compare("by recovery", recover::signer(&numbers).map(|found| found == Some(self.address)));
        compare("by the key", holds_for_key(&numbers, generator, &self.key));
        for comb in &self.combs {
            compare(&format!("by {:?}", comb.shape()), holds_for_comb(&numbers, generator, comb));
        }
        (expected, incomplete)
    }
}

/// Numbers as good as random, and always the same.
struct Random(u64);

impl Random {
    fn bytes(&mut self) -> [u8; 32] {
        self.0 += 1;
        keccak256(&[&self.0.to_be_bytes()])
    }

    /// Below the bound.
    fn below(&mut self, bound: usize) -> usize {
        self.bytes()[..4].iter().fold(0, |number, byte| number << 8 | usize::from(*byte)) % bound
    }

    fn scalar(&mut self) -> Scalar {
        scalar(&self.bytes())
    }

    fn key(&mut self) -> SigningKey {
        SigningKey::from_slice(&self.bytes()).expect("a hash is a key, but for one in 2^127")
    }
}

/// A number modulo the group's order.
fn scalar(bytes: &[u8; 32]) -> Scalar {
    use k256::elliptic_curve::ops::Reduce;
    Scalar::reduce(&k256::FieldBytes::from(*bytes))
}

fn bytes(scalar: &Scalar) -> [u8; 32] {
    scalar.to_repr().into()
}

/// `r || s || v`, whatever they are.
fn signature(r: [u8; 32], s: [u8; 32], odd_y: bool) -> Signature {
    let (mut whole, v) = ([0; 65], u8::from(odd_y));
    whole[..32].copy_from_slice(&r);
    whole[32..64].copy_from_slice(&s);
    whole[64] = v;
    Signature::from_bytes(&whole).expect("v is 0 or 1")
}

fn signed(key: &SigningKey, digest: &Digest) -> Signature {
    let (pair, id) = key.sign_prehash_recoverable(digest);
    let (r, s) = pair.split_bytes();
    signature(r.into(), s.into(), id.is_y_odd())
}

/// The group's order minus one, in big-endian bytes.
fn order_minus_one() -> [u8; 32] {
    bytes(&-Scalar::ONE)
}

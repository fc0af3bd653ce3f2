//! The numbers of one signature.

use k256::Scalar;
use k256::elliptic_curve::PrimeField;
use k256::elliptic_curve::ops::Reduce;

use super::inverse::Modulus;
use crate::digest::Digest;

/// The order of the group, a prime a little below 2^256.
pub(super) const ORDER: Modulus = Modulus::new(&[
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xba,
    0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
]);

/// A signature whose numbers are in range, and the digest it is over.
///
/// `s` may be high: `(r, s, v)` and `(r, -s, not v)` are signatures by the same key, and the contract takes both. The
/// equation does too, as long as it looks at `v`.
pub(crate) struct Numbers {
    pub(super) r: Scalar,
    pub(super) s: Scalar,
    pub(super) z: Scalar,
    /// Whether the point that `r` comes from has an odd `y`.
    pub(super) odd_y: bool,
}

impl Numbers {
    /// Reads `r || s`. `None` where one of them is zero or not below the group's order.
    pub(crate) fn read(r_s: &[u8; 64], odd_y: bool, digest: &Digest) -> Option<Self> {
        let (r, s) = k256::ecdsa::Signature::from_slice(r_s).ok()?.split_scalars();
        let z = Scalar::reduce(&k256::FieldBytes::from(*digest));
        Some(Self { r: *r, s: *s, z, odd_y })
    }
}

/// `1 / 2k`. Zero for zero.
pub(super) fn inverse_of_double(k: &Scalar) -> Scalar {
    let inverse = ORDER.invert(&(k + k).to_bytes().into());
    // Every number below the order is a scalar.
    Option::from(Scalar::from_repr(inverse.into())).unwrap_or(Scalar::ZERO)
}

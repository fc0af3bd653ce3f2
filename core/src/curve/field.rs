//! Elements of the curve's base field, and their inverses.

use k256::Secp256k1;
use k256::elliptic_curve::PrimeField;
use k256::elliptic_curve::hazmat::FieldArithmetic;

use super::inverse::Modulus;

/// An element of the curve's base field.
///
/// It reduces itself lazily. Its *magnitude* is how many times the modulus it may exceed: products take operands of
/// at most 8 and have 1, sums add magnitudes, `negate(m)` of a magnitude up to m has m + 1. Debug builds check that.
pub(super) type Fe = <Secp256k1 as FieldArithmetic>::FieldElement;

/// The prime of the coordinates, 2^256 - 2^32 - 977.
pub(super) const FIELD: Modulus = Modulus::new(&{
    let mut prime = [0xff; 32];
    prime[27] = 0xfe;
    prime[30] = 0xfc;
    prime[31] = 0x2f;
    prime
});

/// A number below the prime as an element.
pub(super) fn element(bytes: [u8; 32]) -> Option<Fe> {
    Fe::from_repr(bytes.into()).into()
}

/// The inverse; that of zero is zero.
pub(super) fn invert(element: &Fe) -> Fe {
    let inverse = FIELD.invert(&element.to_bytes().into());
    // Every number below the prime is an element.
    Option::from(Fe::from_repr(inverse.into())).unwrap_or(Fe::ZERO)
}

/// The inverses of all these elements with a single inversion (Montgomery's trick). `None` where one of them is zero.
pub(super) fn invert_all(
    elements: impl DoubleEndedIterator<Item = Fe> + ExactSizeIterator + Clone,
) -> Option<Vec<Fe>> {
    let mut product = Fe::ONE;
    let mut inverses = Vec::with_capacity(elements.len());
    for element in elements.clone() {
        inverses.push(product);
        product = product.mul(&element);
    }
    if product.normalizes_to_zero().into() {
        return None;
    }
    let mut rest = invert(&product);
    for (element, inverse) in elements.rev().zip(inverses.iter_mut().rev()) {
        *inverse = inverse.mul(&rest);
        rest = rest.mul(&element);
    }
    Some(inverses)
}

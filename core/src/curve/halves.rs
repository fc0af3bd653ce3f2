//! A point's product with a number, as two products with numbers of half the length.
//!
//! The curve has a map that costs one product: `(x, y)` to `(βx, y)` is the multiplication by λ. Any number is
//! `k1 + λ·k2` with both parts below 2^128 (Gallant, Lambert and Vanstone, "Faster Point Multiplication on Elliptic
//! Curves with Efficient Endomorphisms", 2001). Each part is then written with digits that are zero or odd, in
//! "window non-adjacent form": among five in a row at most one is not zero.

use k256::Scalar;
use k256::elliptic_curve::bigint::U256;
use k256::elliptic_curve::ops::Reduce;
use k256::elliptic_curve::scalar::IsHigh;

use super::field::element;
use super::point::{Affine, Jacobian, to_affine};

/// A digit below the odd number 2^(WINDOW - 1).
const WINDOW: u32 = 5;

/// How many multiples of a point its digits need: 1, 3, 5 … 15.
const ODD: usize = 1 << (WINDOW - 2);

/// How many digits a part has: one more than bits.
pub(super) const STEPS: usize = 129;

/// A cube root of one modulo the group's order.
const LAMBDA: U256 = U256::from_be_hex("5363ad4cc05c30e0a5261c028812645a122e22ea20816678df02967c1b23bd72");

/// The cube root of one modulo the field's prime that belongs to λ.
const BETA: U256 = U256::from_be_hex("7ae96a2b657c07106e64479eac3434e99cf0497512f58995c1396c28719501ee");

/// `(B2, -B1)` and `(B1 + B2, B2)` are short vectors `(a, b)` with `a + b·λ = 0`, found by the extended Euclidean algorithm
/// on the group's order and λ.
const B1: U256 = U256::from_be_hex("00000000000000000000000000000000e4437ed6010e88286f547fa90abfe4c3");
const B2: U256 = U256::from_be_hex("000000000000000000000000000000003086d221a7d46bcde86c90e49284eb15");

/// B2 and B1 times 2^384, divided by the group's order and rounded.
const G1: U256 = U256::from_be_hex("3086d221a7d46bcde86c90e49284eb153daa8a1471e8ca7fe893209a45dbb031");
const G2: U256 = U256::from_be_hex("e4437ed6010e88286f547fa90abfe4c4221208ac9df506c61571b4ae8ac47f71");

/// A point and its image under the map, in odd multiples, and the digits of the factor's two parts.
pub(super) struct Halves {
    parts: [([Affine; ODD], [i8; STEPS]); 2],
}

impl Halves {
    /// Prepares the product `k·P`. `None` where the formulas fail for the point.
    pub(super) fn new(point: &Affine, k: &Scalar) -> Option<Self> {
        let multiples = odd_multiples(point)?;
        let beta = element(BETA.to_be_bytes().into())?;
        let images = multiples.map(|Affine { x, y }| Affine { x: x.mul(&beta), y });
        let (k1, k2) = split(k);
        Some(Self { parts: [(multiples, digits(&k1)), (images, digits(&k2))] })
    }

    /// The points to add at this step, counted from the lowest digit.
    pub(super) fn step(&self, step: usize) -> impl Iterator<Item = Affine> + '_ {
        self.parts.iter().filter_map(move |(multiples, digits)| {
            let digit = digits[step];
            let point = multiples[usize::from(digit.unsigned_abs()) / 2];
            match digit {
                0 => None,
                1.. => Some(point),
                _ => Some(Affine { x: point.x, y: point.y.negate(2) }),
            }
        })
    }
}

/// `P, 3P, 5P, … 15P`.
fn odd_multiples(point: &Affine) -> Option<[Affine; ODD]> {
    let mut twice = Jacobian::from(*point);
    twice.double();
    // On the curve with coordinates scaled by the Z of 2P, which has the same formulas, 2P is (X, Y) itself.
    let Jacobian { x, y, z } = twice;
    let zz = z.square();
    let step = Affine { x: x.normalize_weak(), y: y.normalize_weak() };
    let first = Affine { x: point.x.mul(&zz), y: point.y.mul(&zz.mul(&z)) };
    let mut multiple = Jacobian::from(first);
    let mut multiples = Vec::with_capacity(ODD);
    multiples.push(multiple);
    while multiples.len() < ODD {
        multiple.add(&step);
        multiples.push(multiple);
    }
    multiples.iter_mut().for_each(|multiple| multiple.z = multiple.z.mul(&z));
    to_affine(&multiples)?.try_into().ok()
}

/// `k1` and `k2`, each less than 2^128 away from zero modulo the group's order.
fn split(k: &Scalar) -> (Scalar, Scalar) {
    let number = U256::from(k);
    // k·g / 2^384, rounded: the product's topmost 128 bits, and the bit below them.
    let quotient = |g: &U256| {
        let (_, high) = number.widening_mul(g);
        let rounded = high.shr_vartime(127).wrapping_add(&U256::ONE).shr_vartime(1);
        Scalar::reduce(&rounded)
    };
    let (b1, b2, lambda) = (Scalar::reduce(&B1), Scalar::reduce(&B2), Scalar::reduce(&LAMBDA));
    let k2 = quotient(&G1) * b1 - quotient(&G2) * b2;
    (*k - k2 * lambda, k2)
}

/// The digits of a number that is less than 2^128 away from zero.
fn digits(k: &Scalar) -> [i8; STEPS] {
    let negative = bool::from(k.is_high());
    let bytes = if negative { -k } else { *k }.to_bytes();
    let mut rest = bytes[16..].iter().fold(0, |number: u128, byte| number << 8 | u128::from(*byte));
    let mut digits = [0; STEPS];
    let mut step = 0;
    while rest != 0 {
        let zeros = rest.trailing_zeros();
        rest >>= zeros;
        step += zeros as usize;
        // The window's bits as a number from -15 to 15; a negative one carries into the rest.
        let window = (rest & ((1 << WINDOW) - 1)) as i8;
        let digit = if window < 1 << (WINDOW - 1) { window } else { window - (1 << WINDOW) };
        digits[step] = if negative { -digit } else { digit };
        rest = (rest >> WINDOW) + u128::from(digit < 0);
        step += WINDOW as usize;
    }
    digits
}

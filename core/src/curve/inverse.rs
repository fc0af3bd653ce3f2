//! Inverses modulo the field's and the group's prime, in variable time.
//!
//! The method is "safegcd" (Bernstein and Yang, "Fast constant-time gcd computation and modular inversion", 2019):
//! a greatest common divisor by *division steps*, of which 30 at a time need only the lowest 30 bits of both numbers.
//! Numbers are kept in 9 signed limbs of 30 bits.

use core::array;

const LIMBS: usize = 9;
const BITS: u32 = 30;
const MASK: i32 = (1 << BITS) - 1;

type Limbs = [i32; LIMBS];

/// An odd prime below 2^256, and what its inverses need of it.
pub(super) struct Modulus {
    limbs: Limbs,
    /// `modulus^-1 mod 2^30`.
    inverse: u32,
}

impl Modulus {
    /// The prime in big-endian bytes.
    pub(super) const fn new(bytes: &[u8; 32]) -> Self {
        let limbs = split(bytes);
        // Each step doubles the number of right bits: 3, 6, 12, 24, 48.
        let m = limbs[0] as u32;
        let mut inverse = m;
        let mut step = 0;
        while step < 4 {
            inverse = inverse.wrapping_mul(2u32.wrapping_sub(m.wrapping_mul(inverse)));
            step += 1;
        }
        Self { limbs, inverse: inverse & MASK as u32 }
    }

    /// The inverse of a number below the modulus, both in big-endian bytes. The inverse of zero is zero.
    pub(super) fn invert(&self, number: &[u8; 32]) -> [u8; 32] {
        let (mut d, mut e) = ([0; LIMBS], array::from_fn(|at| i32::from(at == 0)));
        let (mut f, mut g) = (self.limbs, split(number));
        let mut eta = -1;
        // Both numbers shrink, and with them the limbs that are worth looking at.
        let mut length = LIMBS;
        while g[..length].iter().any(|&limb| limb != 0) {
            let steps;
            (eta, steps) = division_steps(eta, f[0] as u32, g[0] as u32);
            (d, e) = self.apply_mod(&steps, &d, &e);
            apply(&steps, &mut f, &mut g, length);
            length = shortened(&mut f, &mut g, length);
        }
        join(&self.normal(d, f[length - 1] < 0))
    }

    /// Applies 30 division steps to two numbers modulo the modulus: both stay within -2 to 1 times the modulus.
    fn apply_mod(&self, steps: &Steps, d: &Limbs, e: &Limbs) -> (Limbs, Limbs) {
        let Steps { u, v, q, r } = *steps;
        let (below_d, below_e) = (d[LIMBS - 1] >> 31, e[LIMBS - 1] >> 31);
        // Multiples of the modulus that make the lowest 30 bits zero, so that they can be shifted out.
        let start = |a: i32, b: i32| (a & below_d) + (b & below_e);
        let multiple = |start: i32, low: i64| {
            let surplus = self.inverse.wrapping_mul(low as u32).wrapping_add(start as u32) & MASK as u32;
            i64::from(start) - i64::from(surplus)
        };
        let (u, v, q, r) = (i64::from(u), i64::from(v), i64::from(q), i64::from(r));
        let at = |a: i64, b: i64, limb: usize| a * i64::from(d[limb]) + b * i64::from(e[limb]);
        let (m_d, m_e) =
            (multiple(start(steps.u, steps.v), at(u, v, 0)), multiple(start(steps.q, steps.r), at(q, r, 0)));
        let (mut next_d, mut next_e) = ([0; LIMBS], [0; LIMBS]);
        let (mut carry_d, mut carry_e) = (0, 0);
        for limb in 0..LIMBS {
            let modulus = i64::from(self.limbs[limb]);
            carry_d += at(u, v, limb) + m_d * modulus;
            carry_e += at(q, r, limb) + m_e * modulus;
            if limb > 0 {
                next_d[limb - 1] = carry_d as i32 & MASK;
                next_e[limb - 1] = carry_e as i32 & MASK;
            }
            carry_d >>= BITS;
            carry_e >>= BITS;
        }
        next_d[LIMBS - 1] = carry_d as i32;
        next_e[LIMBS - 1] = carry_e as i32;
        (next_d, next_e)
    }

    /// `d`, or `-d`, as the number from 0 to the modulus that it equals.
    fn normal(&self, mut d: Limbs, negate: bool) -> Limbs {
        let add_if_negative = |d: Limbs| {
            if d[LIMBS - 1] < 0 { array::from_fn(|at| d[at] + self.limbs[at]) } else { d }
        };
        d = carried(add_if_negative(d));
        if negate {
            d = carried(d.map(|limb| -limb));
        }
        carried(add_if_negative(d))
    }
}

/// What 30 division steps do to a pair of numbers, times 2^30: `(u·f + v·g, q·f + r·g)`.
struct Steps {
    u: i32,
    v: i32,
    q: i32,
    r: i32,
}

/// 30 division steps by the lowest bits of `f`, which is odd, and `g`. Runs of zeros of `g` go in one step, and up to
/// 8 bits of it are cancelled at once.
fn division_steps(mut eta: i32, mut f: u32, mut g: u32) -> (i32, Steps) {
    let (mut u, mut v, mut q, mut r) = (1u32, 0u32, 0u32, 1u32);
    let mut left = BITS;
    loop {
        let zeros = (g | (u32::MAX << left)).trailing_zeros();
        g >>= zeros;
        u <<= zeros;
        v <<= zeros;
        eta -= zeros as i32;
        left -= zeros;
        if left == 0 {
            break;
        }
        if eta < 0 {
            eta = -eta;
            (f, g) = (g, f.wrapping_neg());
            (u, q) = (q, u.wrapping_neg());
            (v, r) = (r, v.wrapping_neg());
        }
        // Adding f·w clears the low bits of g: as many as eta and the steps that are left allow.
        let bits = (eta as u32 + 1).min(left).min(8);
        let w = g.wrapping_mul(MINUS_INVERSE[(f as usize >> 1) & 0x7f]) & (0xff >> (8 - bits));
        g = g.wrapping_add(f.wrapping_mul(w));
        q = q.wrapping_add(u.wrapping_mul(w));
        r = r.wrapping_add(v.wrapping_mul(w));
    }
    (eta, Steps { u: u as i32, v: v as i32, q: q as i32, r: r as i32 })
}

/// `-f^-1 mod 256` for the odd numbers `f` below 256.
const MINUS_INVERSE: [u32; 128] = {
    let mut table = [0; 128];
    let mut at = 0;
    while at < 128 {
        let f = 2 * at as u32 + 1;
        // Right to 3, 6 and 12 bits.
        let mut inverse = f;
        inverse = inverse.wrapping_mul(2u32.wrapping_sub(f.wrapping_mul(inverse)));
        inverse = inverse.wrapping_mul(2u32.wrapping_sub(f.wrapping_mul(inverse)));
        table[at] = inverse.wrapping_neg() & 0xff;
        at += 1;
    }
    table
};

/// Applies 30 division steps to the lowest `length` limbs of two numbers; the division by 2^30 is exact.
fn apply(steps: &Steps, f: &mut Limbs, g: &mut Limbs, length: usize) {
    let (u, v) = (i64::from(steps.u), i64::from(steps.v));
    let (q, r) = (i64::from(steps.q), i64::from(steps.r));
    let (mut carry_f, mut carry_g) = (0, 0);
    for limb in 0..length {
        let (low_f, low_g) = (i64::from(f[limb]), i64::from(g[limb]));
        carry_f += u * low_f + v * low_g;
        carry_g += q * low_f + r * low_g;
        if limb > 0 {
            f[limb - 1] = carry_f as i32 & MASK;
            g[limb - 1] = carry_g as i32 & MASK;
        }
        carry_f >>= BITS;
        carry_g >>= BITS;
    }
    f[length - 1] = carry_f as i32;
    g[length - 1] = carry_g as i32;
}

/// Takes a limb away where the topmost is only a sign in both numbers, and lets the one below carry it.
fn shortened(f: &mut Limbs, g: &mut Limbs, length: usize) -> usize {
    let only_a_sign = |limb: i32| limb == 0 || limb == -1;
    if length > 1 && only_a_sign(f[length - 1]) && only_a_sign(g[length - 1]) {
        f[length - 2] |= f[length - 1] << BITS;
        g[length - 2] |= g[length - 1] << BITS;
        return length - 1;
    }
    length
}

/// All limbs but the topmost within 0 to 2^30 - 1.
fn carried(mut limbs: Limbs) -> Limbs {
    for at in 0..LIMBS - 1 {
        limbs[at + 1] += limbs[at] >> BITS;
        limbs[at] &= MASK;
    }
    limbs
}

const fn split(bytes: &[u8; 32]) -> Limbs {
    let mut limbs = [0; LIMBS];
    let (mut pending, mut bits, mut limb, mut at) = (0u64, 0, 0, 32);
    while at > 0 {
        at -= 1;
        pending |= (bytes[at] as u64) << bits;
        bits += 8;
        if bits >= BITS {
            limbs[limb] = pending as i32 & MASK;
            pending >>= BITS;
            bits -= BITS;
            limb += 1;
        }
    }
    limbs[limb] = pending as i32;
    limbs
}

fn join(limbs: &Limbs) -> [u8; 32] {
    let mut bytes = [0; 32];
    let (mut pending, mut bits, mut at) = (0u64, 0, 0);
    for byte in bytes.iter_mut().rev() {
        if bits < 8 {
            pending |= (limbs[at] as u64) << bits;
            bits += BITS;
            at += 1;
        }
        *byte = pending as u8;
        pending >>= 8;
        bits -= 8;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use k256::elliptic_curve::PrimeField;
    use k256::elliptic_curve::ff::Field;
    use proptest::prelude::*;

    use super::super::field::{FIELD, Fe};
    use super::super::numbers::ORDER;
    use super::*;

    fn by_k256<T: PrimeField<Repr = k256::FieldBytes>>(number: [u8; 32]) -> Option<[u8; 32]> {
        let number = Option::<T>::from(T::from_repr(number.into()))?;
        let inverse = Option::<T>::from(Field::invert(&number)).unwrap_or(T::ZERO);
        Some(inverse.to_repr().into())
    }

    fn check(number: [u8; 32]) {
        for (modulus, expected) in
            [(&FIELD, by_k256::<Fe>(number)), (&ORDER, by_k256::<k256::Scalar>(number))]
        {
            if let Some(expected) = expected {
                assert_eq!(modulus.invert(&number), expected, "{number:02x?}");
            }
        }
    }

    #[test]
    fn numbers_at_the_ends_of_the_range_have_the_inverse_that_k256_finds() {
        for bit in 0..256 {
            let mut power = [0; 32];
            power[31 - bit / 8] = 1 << (bit % 8);
            check(power);
            check(power.map(|byte| !byte));
            let mut ones = [0; 32];
            (0..=bit).for_each(|bit| ones[31 - bit / 8] |= 1 << (bit % 8));
            check(ones);
        }
        check([0; 32]);
        for small in 0..=u8::MAX {
            let mut number = [0; 32];
            number[31] = small;
            check(number);
        }
        for modulus in [&FIELD, &ORDER] {
            for below in 1..200 {
                let mut limbs = modulus.limbs;
                limbs[0] -= below;
                check(join(&carried(limbs)));
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn any_number_has_the_inverse_that_k256_finds(number in prop::array::uniform32(any::<u8>())) {
            check(number);
        }
    }
}

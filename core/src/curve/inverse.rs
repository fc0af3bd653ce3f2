//! Inverses modulo the field's and the group's prime, in variable time.
//!
//! The method is the "optimized binary GCD" (Pornin, "Optimized Binary GCD for Modular Inversion", 2020): of two
//! numbers the larger becomes their difference, which is even and halved, until one is zero. 30 halvings at a time look
//! only at the first 33 and the last 30 bits of both numbers. The factors 2^30 that this leaves in the inverse are
//! divided out at the end (Montgomery, "Modular Multiplication Without Trial Division", 1985).

use core::{array, iter};

const LIMBS: usize = 9;
const BITS: u32 = 30;
const MASK: i32 = (1 << BITS) - 1;

/// How many rounds of 30 halvings there are at most. Each halving takes a bit from one of two numbers of 256, so 512 are
/// enough where the larger one is known, and 28 are left for where the first bits mislead. Were that too few, the inverse
/// would be wrong, and the signature that it is for would be refused.
const ROUNDS: usize = 18;

/// A number in limbs of 30 bits, from the lowest.
type Limbs = [i32; LIMBS];

/// The limbs of two numbers at one place.
type Pair = [i32; 2];

/// An odd prime below 2^256, and what its inverses need of it.
pub(super) struct Modulus {
    limbs: Limbs,
    /// `-modulus^-1 mod 2^30`.
    minus_inverse: i32,
}

impl Modulus {
    /// The prime in big-endian bytes.
    pub(super) const fn new(bytes: &[u8; 32]) -> Self {
        let limbs = split(bytes);
        // Each step doubles the number of right bits: 3, 6, 12, 24, 48.
        let m = limbs[0];
        let mut inverse = m;
        let mut step = 0;
        while step < 4 {
            inverse = inverse.wrapping_mul(2i32.wrapping_sub(m.wrapping_mul(inverse)));
            step += 1;
        }
        Self { limbs, minus_inverse: inverse.wrapping_neg() }
    }

    /// The inverse of a number below the modulus, both in big-endian bytes. The inverse of zero is zero.
    pub(super) fn invert(&self, number: &[u8; 32]) -> [u8; 32] {
        // Two numbers a and b. Instead of shifting them down, their lowest limb moves up with each round.
        let mut numbers = [[0; 2]; LIMBS + ROUNDS];
        for (pair, both) in numbers.iter_mut().zip(iter::zip(split(number), self.limbs)) {
            *pair = both.into();
        }
        // What the number has to be multiplied with to become each of them, times 2^30 for each round.
        let mut factors = [[0; 2]; ROUNDS + 1];
        factors[0] = [1, 0];
        let (mut round, mut end) = (0, LIMBS);
        // A prime has no divisor in common with the number but 1, which is b at the end.
        while round < ROUNDS && numbers[round..end] != [[0, 1]] {
            let mut steps = Steps::of(&numbers[round..end]);
            numbers[end] = steps.apply(&mut numbers[round..end]);
            // The first bits may not tell which of two numbers is the larger.
            for (which, row) in steps.0.iter_mut().enumerate() {
                if numbers[end][which] < 0 {
                    negate(&mut numbers[round + 1..=end], which);
                    *row = row.map(|factor| -factor);
                }
            }
            factors[round + 1] = steps.apply(&mut factors[..=round]);
            round += 1;
            while numbers[end] == [0, 0] {
                end -= 1;
            }
            end += 1;
        }
        join(&self.without_powers(factors.iter().map(|[_, of_b]| *of_b), round))
    }

    /// A number of at most `2^(30 · rounds)`, divided by that modulo the modulus.
    fn without_powers(&self, number: impl Iterator<Item = i32>, rounds: usize) -> Limbs {
        let mut limbs = [0; ROUNDS + LIMBS];
        limbs.iter_mut().zip(number).for_each(|(limb, number)| *limb = i64::from(number));
        for round in 0..rounds {
            // The multiple of the modulus that makes the lowest limb zero. It is within 2^29, so that nine products fit.
            let multiple = self.minus_inverse.wrapping_mul(limbs[round] as i32) << 2 >> 2;
            for (limb, modulus) in limbs[round..round + LIMBS].iter_mut().zip(self.limbs) {
                *limb += i64::from(multiple) * i64::from(modulus);
            }
            limbs[round + 1] += limbs[round] >> BITS;
        }
        let rest = carried(limbs[rounds..].iter().copied());
        // Within half of the modulus, and one.
        if rest[LIMBS - 1] < 0 {
            return carried(
                iter::zip(rest, self.limbs).map(|(limb, modulus)| i64::from(limb) + i64::from(modulus)),
            );
        }
        rest
    }
}

/// What 30 halvings make of a and b, times 2^30: `u·a + v·b` for each row `[u, v]`. The sizes of both add up to at most 2^30.
struct Steps([[i64; 2]; 2]);

impl Steps {
    /// The next ones for two numbers, of which the second is odd.
    fn of(numbers: &[Pair]) -> Self {
        // The first number is the last difference, and a row is u + v·2^32.
        let [mut difference, mut b] = ends(numbers);
        let (mut row, mut row_b) = (1i64, 1i64 << 32);
        let mut left = BITS;
        loop {
            let zeros = (difference | 1 << left).trailing_zeros();
            // Below zero, b was the larger: it becomes the other number, and the difference changes its sign. There is
            // no branch, since it would be guessed wrong half of the time.
            let swap = difference >> 63;
            b += difference & swap;
            row_b = (row_b + (row & swap)) << zeros;
            let a = ((difference ^ swap) - swap) >> zeros;
            let row_a = (row ^ swap) - swap;
            left -= zeros;
            if left == 0 {
                return Self([row_a, row_b].map(|row| {
                    let u = i64::from(row as i32);
                    [u, (row - u) >> 32]
                }));
            }
            (difference, row) = (a - b, row_a - row_b);
        }
    }

    /// Applies them to two numbers, of which the topmost limb is returned: there is one more.
    fn apply(&self, numbers: &mut [Pair]) -> Pair {
        let Self([[u, v], [q, r]]) = *self;
        let (mut carry_a, mut carry_b) = (0, 0);
        for pair in numbers {
            let [a, b] = pair.map(i64::from);
            carry_a += u * a + v * b;
            carry_b += q * a + r * b;
            *pair = [carry_a as i32 & MASK, carry_b as i32 & MASK];
            carry_a >>= BITS;
            carry_b >>= BITS;
        }
        [carry_a as i32, carry_b as i32]
    }
}

/// Two numbers in 63 bits: themselves where they fit, or else the first 33 bits from the first of the larger one on, and
/// the last 30.
fn ends(numbers: &[Pair]) -> [i64; 2] {
    array::from_fn(|which| {
        let limb = |pair: &Pair| i64::from(pair[which]);
        match numbers {
            [.., third, second, first] => {
                let zeros = (first[0] | first[1]).leading_zeros() - (i32::BITS - BITS);
                let bits = (limb(first) << BITS | limb(second)) << zeros | limb(third) >> (BITS - zeros);
                bits >> (2 * BITS - 33) << BITS | limb(&numbers[0])
            }
            few => few.iter().rev().fold(0, |number, pair| number << BITS | limb(pair)),
        }
    })
}

/// Negates one of two numbers that are below zero only by the topmost limb.
fn negate(numbers: &mut [Pair], which: usize) {
    let mut carry = 0;
    for pair in numbers {
        carry -= pair[which];
        pair[which] = carry & MASK;
        carry >>= BITS;
    }
}

/// The number with all limbs but the topmost within 0 to 2^30 - 1.
fn carried(limbs: impl Iterator<Item = i64>) -> Limbs {
    let mut carried = [0; LIMBS];
    let mut carry = 0;
    for (to, limb) in carried.iter_mut().zip(limbs) {
        carry += limb;
        *to = carry as i32 & MASK;
        carry >>= BITS;
    }
    carried[LIMBS - 1] |= (carry as i32) << BITS;
    carried
}

const fn split(bytes: &[u8; 32]) -> Limbs {
    let (words, _) = bytes.as_chunks();
    let mut limbs = [0; LIMBS];
    let mut at = 0;
    while at < LIMBS {
        let (word, bit) = (at * BITS as usize / 32, at * BITS as usize % 32);
        let low = u32::from_be_bytes(words[7 - word]) as u64;
        let high = if word < 7 { u32::from_be_bytes(words[6 - word]) as u64 } else { 0 };
        limbs[at] = ((high << 32 | low) >> bit) as i32 & MASK;
        at += 1;
    }
    limbs
}

fn join(limbs: &Limbs) -> [u8; 32] {
    let mut bytes = [0; 32];
    let (words, _) = bytes.as_chunks_mut();
    for (at, word) in words.iter_mut().rev().enumerate() {
        // Of 30 bits, the word has 32 from this one on.
        let (limb, bit) = (at * 32 / BITS as usize, at * 32 % BITS as usize);
        let number = limbs[limb] as u64 >> bit | (limbs[limb + 1] as u64) << (BITS as usize - bit);
        *word = (number as u32).to_be_bytes();
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
                check(join(&limbs));
            }
        }
    }

    /// Such as half of the modulus: the larger of both numbers is nearly a multiple of the other.
    #[test]
    fn parts_of_a_modulus_have_the_inverse_that_k256_finds() {
        for modulus in [&FIELD, &ORDER] {
            let powers = (1..256).map(|power| vec![2; power]);
            let several = (2..300).flat_map(|divisor| (1..9).map(move |times| vec![divisor; times]));
            for divisors in powers.chain(several) {
                let part = divisors.into_iter().fold(modulus.limbs, divided);
                for more in -3..=3 {
                    let next = carried(
                        part.iter()
                            .enumerate()
                            .map(|(at, limb)| i64::from(*limb) + if at == 0 { more } else { 0 }),
                    );
                    if next[LIMBS - 1] >= 0 {
                        check(join(&next));
                    }
                }
            }
        }
    }

    fn divided(mut limbs: Limbs, divisor: i32) -> Limbs {
        let mut rest = 0;
        for limb in limbs.iter_mut().rev() {
            let number = rest << BITS | i64::from(*limb);
            *limb = (number / i64::from(divisor)) as i32;
            rest = number % i64::from(divisor);
        }
        limbs
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn any_number_has_the_inverse_that_k256_finds(number in prop::array::uniform32(any::<u8>())) {
            check(number);
        }
    }
}

//! Amounts of the channel's token, and prices, which are never zero.

use core::fmt;
use core::num::NonZero;
use core::str::FromStr;

/// An amount of the channel's token, in base units (never "whole tokens").
///
/// Range `0..=2^192 - 1`, the width of `Channel.deposit` in the contract. There is no `+` and no `-`: arithmetic
/// that could leave the range answers `None`, and the caller names what that means.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenAmount {
    /// Most significant limb first, so that the derived order is the order of the numbers.
    limbs: [u64; 3],
}

impl TokenAmount {
    /// The largest amount, 2^192 - 1.
    pub const MAX: Self = Self { limbs: [u64::MAX; 3] };
    /// Nothing.
    pub const ZERO: Self = Self { limbs: [0; 3] };

    /// The amount of `units` base units.
    pub const fn new(units: u64) -> Self {
        Self { limbs: [0, 0, units] }
    }

    /// Whether this is no token at all.
    pub fn is_zero(self) -> bool {
        self == Self::ZERO
    }

    /// `self + other`, or `None` above [`TokenAmount::MAX`].
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let ([a2, a1, a0], [b2, b1, b0]) = (self.limbs, other.limbs);
        let (c0, carry) = a0.carrying_add(b0, false);
        let (c1, carry) = a1.carrying_add(b1, carry);
        let (c2, carry) = a2.carrying_add(b2, carry);
        (!carry).then_some(Self { limbs: [c2, c1, c0] })
    }

    /// `self - other`, or `None` where `other` is the larger one.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        let ([a2, a1, a0], [b2, b1, b0]) = (self.limbs, other.limbs);
        let (c0, borrow) = a0.borrowing_sub(b0, false);
        let (c1, borrow) = a1.borrowing_sub(b1, borrow);
        let (c2, borrow) = a2.borrowing_sub(b2, borrow);
        (!borrow).then_some(Self { limbs: [c2, c1, c0] })
    }

    /// `self * factor`, or `None` above [`TokenAmount::MAX`].
    pub fn checked_mul(self, factor: u64) -> Option<Self> {
        self.mul_add(factor, 0)
    }

    /// The 24 bytes of a Solidity `uint192`, big-endian. Their order is the order of the amounts.
    pub fn to_be_bytes(self) -> [u8; 24] {
        let [a, b, c] = self.limbs;
        let mut bytes = [0; 24];
        let limbs = [a.to_be_bytes(), b.to_be_bytes(), c.to_be_bytes()];
        for (to, from) in bytes.iter_mut().zip(limbs.as_flattened()) {
            *to = *from;
        }
        bytes
    }

    /// Reads the 24 bytes of a Solidity `uint192`, big-endian.
    pub fn from_be_bytes(bytes: [u8; 24]) -> Self {
        let (limbs, _) = bytes.as_chunks::<8>();
        let mut amount = Self::ZERO;
        for (to, from) in amount.limbs.iter_mut().zip(limbs) {
            *to = u64::from_be_bytes(*from);
        }
        amount
    }

    fn mul_add(self, factor: u64, carry: u64) -> Option<Self> {
        let [a2, a1, a0] = self.limbs;
        let (c0, carry) = a0.carrying_mul(factor, carry);
        let (c1, carry) = a1.carrying_mul(factor, carry);
        let (c2, carry) = a2.carrying_mul(factor, carry);
        (carry == 0).then_some(Self { limbs: [c2, c1, c0] })
    }

    /// The quotient and the remainder of a division.
    pub(crate) fn div_rem(self, divisor: NonZero<u64>) -> (Self, u64) {
        let divisor = NonZero::<u128>::from(divisor);
        let mut quotient = Self::ZERO;
        let mut remainder: u128 = 0;
        for (to, limb) in quotient.limbs.iter_mut().zip(self.limbs) {
            let part = (remainder << 64) | u128::from(limb);
            // `remainder < divisor < 2^64`, so the quotient of each step fits a limb.
            *to = u64::try_from(part / divisor).unwrap_or(u64::MAX);
            remainder = part % divisor;
        }
        (quotient, u64::try_from(remainder).unwrap_or(u64::MAX))
    }

    /// The number of base units, if it fits.
    pub(crate) fn to_u64(self) -> Option<u64> {
        let [high, middle, low] = self.limbs;
        (high == 0 && middle == 0).then_some(low)
    }
}

impl From<u64> for TokenAmount {
    fn from(units: u64) -> Self {
        Self::new(units)
    }
}

/// The largest power of ten in a limb.
const LARGEST_POWER: NonZero<u64> = NonZero::new(10_000_000_000_000_000_000).expect("more than zero");

impl fmt::Display for TokenAmount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(units) = self.to_u64() {
            return fmt::Display::fmt(&units, f);
        }
        let (high, low) = self.div_rem(LARGEST_POWER);
        write!(f, "{high}{low:019}")
    }
}

impl fmt::Debug for TokenAmount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Reads a decimal number: digits only, no sign, no space, no leading zero.
impl FromStr for TokenAmount {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        if text.is_empty() {
            return Err(AmountError::Empty);
        }
        if text.len() > 1 && text.starts_with('0') {
            return Err(AmountError::LeadingZero);
        }
        if let Some(at) = text.bytes().position(|byte| !byte.is_ascii_digit()) {
            return Err(AmountError::NotADigit { at });
        }
        let mut amount = Self::ZERO;
        // So many digits at a time as a limb has room for.
        for digits in text.as_bytes().chunks(19) {
            let (mut power, mut units) = (1_u64, 0_u64);
            for digit in digits {
                power = power.wrapping_mul(10);
                units = units.wrapping_mul(10).wrapping_add(u64::from(digit & 0xf));
            }
            amount = amount.mul_add(power, units).ok_or(AmountError::TooLarge)?;
        }
        Ok(amount)
    }
}

crate::serde_as_text!(TokenAmount);

/// Why a text is no [`TokenAmount`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AmountError {
    /// There is no digit.
    Empty,
    /// The number starts with a zero and goes on.
    LeadingZero,
    /// The byte at this position, counted from 0, is no decimal digit.
    NotADigit {
        /// Position of the byte.
        at: usize,
    },
    /// The number is above 2^192 - 1.
    TooLarge,
}

impl fmt::Display for AmountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("empty, where a decimal number is expected"),
            Self::LeadingZero => f.write_str("a leading zero, where a plain decimal number is expected"),
            Self::NotADigit { at } => write!(f, "no decimal digit at position {at}"),
            Self::TooLarge => write!(f, "above 2^192 - 1, the largest amount a channel can hold"),
        }
    }
}

impl core::error::Error for AmountError {}

/// What a request costs, in base units of the token. Never zero: what is free has no price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Price(TokenAmount);

impl Price {
    /// A price of this amount, or `None` for zero.
    pub fn new(amount: TokenAmount) -> Option<Self> {
        (!amount.is_zero()).then_some(Self(amount))
    }

    /// The amount to pay.
    pub fn amount(self) -> TokenAmount {
        self.0
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MAX_TEXT: &str = "6277101735386680763835789423207666416102355444464034512895";

    #[test]
    fn the_largest_amount_is_2_to_the_192_minus_1() {
        assert_eq!(MAX_TEXT.parse(), Ok(TokenAmount::MAX));
        assert_eq!(TokenAmount::MAX.to_string(), MAX_TEXT);
    }

    #[test]
    fn what_is_no_plain_decimal_number_is_refused_with_its_reason() {
        use AmountError::*;
        for (text, error) in [
            ("", Empty),
            ("00", LeadingZero),
            ("01", LeadingZero),
            ("+1", NotADigit { at: 0 }),
            ("-1", NotADigit { at: 0 }),
            (" 1", NotADigit { at: 0 }),
            ("1 ", NotADigit { at: 1 }),
            ("1_000", NotADigit { at: 1 }),
            ("1e3", NotADigit { at: 1 }),
            ("0x1", LeadingZero),
            ("1.0", NotADigit { at: 1 }),
            ("١", NotADigit { at: 0 }),
            ("6277101735386680763835789423207666416102355444464034512896", TooLarge),
            (&"9".repeat(80), TooLarge),
        ] {
            assert_eq!(text.parse::<TokenAmount>(), Err(error), "{text:?}");
        }
    }

    #[test]
    fn a_sum_beyond_the_range_is_none() {
        assert_eq!(TokenAmount::MAX.checked_add(TokenAmount::new(1)), None);
        assert_eq!(TokenAmount::ZERO.checked_sub(TokenAmount::new(1)), None);
        assert_eq!(TokenAmount::MAX.checked_mul(2), None);
    }

    #[test]
    fn a_price_is_never_zero() {
        assert_eq!(Price::new(TokenAmount::ZERO), None);
        assert_eq!(Price::new(TokenAmount::new(1)).map(Price::amount), Some(TokenAmount::new(1)));
    }

    fn amounts() -> impl Strategy<Value = TokenAmount> {
        // Each limb is often at an end of its range, where carries are made.
        let limb = prop_oneof![Just(0), Just(1), Just(u64::MAX), any::<u64>()];
        prop::array::uniform3(limb).prop_map(|limbs| TokenAmount { limbs })
    }

    proptest! {
        #[test]
        fn text_and_bytes_say_the_same_number(a in amounts()) {
            prop_assert_eq!(a.to_string().parse(), Ok(a));
            prop_assert_eq!(TokenAmount::from_be_bytes(a.to_be_bytes()), a);
        }

        #[test]
        fn the_order_of_amounts_is_the_order_of_their_bytes(a in amounts(), b in amounts()) {
            prop_assert_eq!(a.cmp(&b), a.to_be_bytes().cmp(&b.to_be_bytes()));
        }

        #[test]
        fn a_difference_added_back_is_the_whole(a in amounts(), b in amounts()) {
            match a.checked_sub(b) {
                Some(difference) => prop_assert_eq!(difference.checked_add(b), Some(a)),
                None => prop_assert!(a < b),
            }
        }

        #[test]
        fn a_small_sum_and_product_are_those_of_the_integers(a in any::<u64>(), b in any::<u64>()) {
            let wide = |n: u128| n.to_string().parse().unwrap();
            let (x, y) = (TokenAmount::new(a), TokenAmount::new(b));
            prop_assert_eq!(x.checked_add(y), Some(wide(u128::from(a) + u128::from(b))));
            prop_assert_eq!(x.checked_mul(b), Some(wide(u128::from(a) * u128::from(b))));
        }
    }
}

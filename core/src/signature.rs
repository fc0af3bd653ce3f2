//! Signatures as the contract reads them, and who made them.

use core::fmt;
use core::str::{self, FromStr};

use k256::ecdsa::{RecoveryId, VerifyingKey};

use crate::Address;
use crate::curve::{self, Incomplete, Numbers};
use crate::digest::{Digest, keccak256};
use crate::hex_digits::{self, DigitsError};

/// How wide the machine words of the curve's arithmetic are, in bytes. 4 is twice as fast as 8 in Envoy.
pub const FIELD_WORD_BYTES: usize = size_of::<k256::elliptic_curve::bigint::Word>();

/// A recoverable secp256k1 signature: 65 bytes `r || s || v`, with `v` one of 0, 1, 27 and 28.
///
/// `r` and `s` may still be out of range; then there is no signer.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signature {
    pub(crate) r_s: [u8; 64],
    pub(crate) odd_y: bool,
}

impl Signature {
    /// Reads `r || s || v`.
    ///
    /// # Errors
    ///
    /// [`SignatureError::Length`] and [`SignatureError::RecoveryId`]. The contract knows no other `v` than these
    /// four, so that a proof with another one would be worthless on chain.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SignatureError> {
        let length = SignatureError::Length { bytes: bytes.len() };
        let bytes: [u8; 65] = bytes.try_into().map_err(|_| length)?;
        let [r_s @ .., v] = bytes;
        let odd_y = match v {
            0 | 27 => false,
            1 | 28 => true,
            other => return Err(SignatureError::RecoveryId { v: other }),
        };
        Ok(Self { r_s, odd_y })
    }

    /// `r || s || v` with `v` 27 or 28, the form that every ecrecover takes.
    pub fn to_bytes(self) -> [u8; 65] {
        let mut bytes = [if self.odd_y { 28 } else { 27 }; 65];
        for (to, from) in bytes.iter_mut().zip(self.r_s) {
            *to = from;
        }
        bytes
    }

    /// Exactly what `ecrecover` answers in the contract, which takes signatures with a high `s`. `None` where there
    /// is no signer.
    pub fn signer(&self, digest: &Digest) -> Option<Address> {
        let signer = curve::signer(&self.numbers(digest)?);
        let signer = signer.unwrap_or_else(|Incomplete| self.signer_by_k256(digest));
        signer.filter(|address| *address != Address::ZERO)
    }

    /// The numbers of the signature; `None` where one is out of range.
    pub(crate) fn numbers(&self, digest: &Digest) -> Option<Numbers> {
        Numbers::read(&self.r_s, self.odd_y, digest)
    }

    /// The same by the library's own formulas, which hold for every input and are slower.
    pub(crate) fn signer_by_k256(&self, digest: &Digest) -> Option<Address> {
        let signature = k256::ecdsa::Signature::from_slice(&self.r_s).ok()?;
        let recovery_id = RecoveryId::new(self.odd_y, false);
        let key = VerifyingKey::recover_from_prehash(digest, &signature, recovery_id).ok()?;
        let point = key.to_sec1_point(false);
        // The first byte says that both coordinates follow.
        let (_, coordinates) = point.as_bytes().split_first()?;
        Some(Address(*keccak256(&[coordinates]).last_chunk()?))
    }
}

/// `0x` and 130 lower-case hex digits, `v` as 27 or 28.
impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text: [u8; 132] = hex_digits::text(&self.to_bytes());
        f.write_str(str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

/// Enough to tell two signatures apart in a log, too little to use one.
impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start: String = self.to_string().chars().take(10).collect();
        write!(f, "Signature({start}…)")
    }
}

/// Reads 130 hex digits, `0x` optional, in any case.
impl FromStr for Signature {
    type Err = SignatureError;

    fn from_str(text: &str) -> Result<Self, SignatureError> {
        let digits = text.strip_prefix("0x").unwrap_or(text).as_bytes();
        let bytes: [u8; 65] = hex_digits::bytes(digits).map_err(|error| match error {
            DigitsError::NotHex { at } => SignatureError::NotHex { at },
            DigitsError::Number { digits } if digits.is_multiple_of(2) => {
                SignatureError::Length { bytes: digits / 2 }
            }
            DigitsError::Number { digits } => SignatureError::OddLength { digits },
        })?;
        Self::from_bytes(&bytes)
    }
}

crate::serde_as_text!(Signature);

/// Why something is no [`Signature`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureError {
    /// Not 65 bytes.
    Length {
        /// How many there are.
        bytes: usize,
    },
    /// Half a byte is missing.
    OddLength {
        /// How many digits there are.
        digits: usize,
    },
    /// A character is no hex digit.
    NotHex {
        /// Its position after the `0x`, counted from 0.
        at: usize,
    },
    /// The last byte is none of 0, 1, 27 and 28.
    RecoveryId {
        /// The byte that was found.
        v: u8,
    },
}

impl fmt::Display for SignatureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { bytes } => write!(f, "{bytes} bytes, where a signature has 65"),
            Self::OddLength { digits } => write!(f, "{digits} hex digits, where a signature has 130"),
            Self::NotHex { at } => write!(f, "no hex digit at position {at}"),
            Self::RecoveryId { v } => write!(f, "a last byte (v) of {v}, where 0, 1, 27 or 28 is expected"),
        }
    }
}

impl core::error::Error for SignatureError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v_is_0_1_27_or_28_and_nothing_else() {
        for v in 0..=255 {
            let mut bytes = [7; 65];
            bytes[64] = v;
            let read = Signature::from_bytes(&bytes);
            match v {
                0 | 27 => assert_eq!(read.unwrap().to_bytes()[64], 27),
                1 | 28 => assert_eq!(read.unwrap().to_bytes()[64], 28),
                v => assert_eq!(read, Err(SignatureError::RecoveryId { v })),
            }
        }
    }

    #[test]
    fn every_other_length_is_refused() {
        for bytes in (0..200).filter(|&n| n != 65) {
            let text = format!("0x{}", "1b".repeat(bytes));
            assert_eq!(text.parse::<Signature>(), Err(SignatureError::Length { bytes }));
        }
        assert_eq!("0x123".parse::<Signature>(), Err(SignatureError::OddLength { digits: 3 }));
        assert_eq!("zz".parse::<Signature>(), Err(SignatureError::NotHex { at: 0 }));
    }

    #[test]
    fn debug_does_not_show_a_signature() {
        let signature = Signature::from_bytes(&[27; 65]).unwrap();
        assert_eq!(format!("{signature:?}"), "Signature(0x1b1b1b1b…)");
    }
}

//! Ethereum addresses, written with the checksum of EIP-55.

use core::cell::RefCell;
use core::fmt;
use core::str::{self, FromStr};

use crate::digest::keccak256;
use crate::hex_digits;

/// The 20 bytes of an Ethereum account or contract. Written in EIP-55's mixed case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(pub [u8; 20]);

/// `0x` and the 40 digits of an address in EIP-55's mixed case.
type Text = [u8; 42];

/// How many checksums are remembered: 60 KB.
const REMEMBERED: usize = 1024;

thread_local! {
    /// The texts that were last asked for at each place. A paid request writes and reads seven addresses, mostly the
    /// same ones, and without this most of what it hashes would be their checksums.
    static CHECKSUMS: RefCell<Vec<(Address, Text)>> = RefCell::new(vec![(Address::ZERO, Address::ZERO.checksum()); REMEMBERED]);
}

impl Address {
    /// The address of nobody. `ecrecover` answers it for what cannot be recovered, so it is never a signer.
    pub const ZERO: Self = Self([0; 20]);

    fn checksummed(&self) -> Text {
        let [.., high, low] = self.0;
        let place = usize::from(u16::from_be_bytes([high, low])) % REMEMBERED;
        CHECKSUMS.with_borrow_mut(|checksums| match checksums.get_mut(place) {
            Some((address, text)) if address == self => *text,
            Some(other) => {
                *other = (*self, self.checksum());
                other.1
            }
            None => self.checksum(),
        })
    }

    /// A letter is upper case where the digit at its place of the keccak-256 of the lower-case text is 8 or more.
    fn checksum(&self) -> Text {
        let mut text: Text = hex_digits::text(&self.0);
        let [_, _, digits @ ..] = &mut text;
        let hash = keccak256(&[digits]);
        let nibbles = hash.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
        for (digit, nibble) in digits.iter_mut().zip(nibbles) {
            if nibble >= 8 {
                digit.make_ascii_uppercase();
            }
        }
        text
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.checksummed()).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Reads 40 hex digits, `0x` optional: all lower case, all upper case, or mixed with the right checksum.
impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let digits = text.strip_prefix("0x").unwrap_or(text);
        if digits.len() != 40 {
            return Err(AddressError::Length { digits: digits.chars().count() });
        }
        let address = Self(hex_digits::bytes(digits.as_bytes()).map_err(|_| AddressError::NotHex)?);
        let [_, _, checksummed @ ..] = address.checksummed();
        let mixed = || {
            digits.bytes().any(|b| b.is_ascii_lowercase()) && digits.bytes().any(|b| b.is_ascii_uppercase())
        };
        if digits.as_bytes() != checksummed && mixed() {
            return Err(AddressError::Checksum { expected: address });
        }
        Ok(address)
    }
}

crate::serde_as_text!(Address);

/// Why a text is no [`Address`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressError {
    /// Not 40 digits after the optional `0x`.
    Length {
        /// How many characters there are.
        digits: usize,
    },
    /// A character is no hex digit.
    NotHex,
    /// The letter cases are mixed, but not as EIP-55 says: most likely a typing error.
    Checksum {
        /// The address of these digits, which shows the right cases.
        expected: Address,
    },
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { digits } => write!(f, "{digits} digits, where an address has 40"),
            Self::NotHex => f.write_str("a character that is no hex digit"),
            Self::Checksum { expected } => write!(f, "a wrong EIP-55 checksum, these digits are {expected}"),
        }
    }
}

impl core::error::Error for AddressError {}

#[cfg(test)]
mod tests {
    use super::*;

    /// EIP-55's own examples.
    const CHECKSUMMED: [&str; 4] = [
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
        "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    ];

    #[test]
    fn an_address_is_written_with_its_checksum() {
        for text in CHECKSUMMED {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn addresses_that_are_remembered_at_one_place_keep_their_own_checksums() {
        let lower = |digit: char| digit.to_string().repeat(36) + "beef";
        let texts: Vec<_> = "0123456789abcdef".chars().map(lower).collect();
        let addresses: Vec<Address> = texts.iter().map(|text| text.parse().unwrap()).collect();
        for address in addresses.iter().chain(&addresses) {
            assert_eq!(address.checksummed(), address.checksum());
            assert_eq!(address.checksummed(), address.checksum(), "remembered");
        }
        assert_eq!(Address::ZERO.checksummed(), Address::ZERO.checksum());
    }

    #[test]
    fn any_single_case_is_read_with_and_without_prefix() {
        for text in CHECKSUMMED {
            let address = text.parse::<Address>().unwrap();
            let digits = &text[2..];
            for form in [digits.to_lowercase(), digits.to_uppercase(), digits.to_owned()] {
                assert_eq!(form.parse(), Ok(address), "{form}");
                assert_eq!(format!("0x{form}").parse(), Ok(address), "{form}");
            }
        }
    }

    #[test]
    fn a_wrong_checksum_length_or_digit_is_refused() {
        let right = CHECKSUMMED[0].parse::<Address>().unwrap();
        let flipped = CHECKSUMMED[0].replace("aA", "Aa");
        assert_eq!(flipped.parse::<Address>(), Err(AddressError::Checksum { expected: right }));
        assert_eq!("0x12".parse::<Address>(), Err(AddressError::Length { digits: 2 }));
        assert_eq!("".parse::<Address>(), Err(AddressError::Length { digits: 0 }));
        assert_eq!("g".repeat(40).parse::<Address>(), Err(AddressError::NotHex));
        assert_eq!("0X".to_owned().parse::<Address>(), Err(AddressError::Length { digits: 2 }));
        assert_eq!("é".repeat(20).parse::<Address>(), Err(AddressError::NotHex));
    }
}

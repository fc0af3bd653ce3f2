//! Hex digits of addresses and signatures. They are read by a table: those of signatures are as good as random, and a
//! processor that has to guess whether the next one is a letter guesses wrong half of the time.

/// What each character stands for.
#[expect(clippy::as_conversions, clippy::indexing_slicing, reason = "constant")]
const VALUES: [u8; 256] = {
    let mut values = [NONE; 256];
    let mut value = 0;
    while value < 16 {
        values[b"0123456789abcdef"[value] as usize] = value as u8;
        values[b"0123456789ABCDEF"[value] as usize] = value as u8;
        value += 1;
    }
    values
};

/// What is no hex digit has bits that no digit has.
const NONE: u8 = 0xf0;

/// Why a text is not so many bytes in hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DigitsError {
    /// A character is no hex digit.
    NotHex {
        /// The position of the first such character, counted from 0.
        at: usize,
    },
    /// There are more or fewer digits than two for each byte.
    Number {
        /// How many there are.
        digits: usize,
    },
}

/// Reads two hex digits for each byte, in any case.
pub(crate) fn bytes<const N: usize>(digits: &[u8]) -> Result<[u8; N], DigitsError> {
    let (pairs, odd) = digits.as_chunks();
    let mut bytes = [0; N];
    let mut seen = 0;
    for (byte, &[high, low]) in bytes.iter_mut().zip(pairs) {
        let (high, low) = (value(high), value(low));
        seen |= high | low;
        *byte = high << 4 | low & 0xf;
    }
    if pairs.len() == N && odd.is_empty() && seen & NONE == 0 {
        return Ok(bytes);
    }
    let no_digit = digits.iter().position(|&digit| value(digit) == NONE);
    Err(no_digit.map_or(DigitsError::Number { digits: digits.len() }, |at| DigitsError::NotHex { at }))
}

/// `0x` and two lower-case digits for each byte. The text is two longer than twice the bytes.
pub(crate) fn text<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut text = [b'0'; N];
    if let Some((prefix, digits)) = text.split_first_chunk_mut() {
        *prefix = *b"0x";
        let written = hex::encode_to_slice(bytes, digits);
        debug_assert_eq!(written, Ok(()), "{N} characters for {} bytes", bytes.len());
    }
    text
}

fn value(digit: u8) -> u8 {
    VALUES.get(usize::from(digit)).copied().unwrap_or(NONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_read_in_any_case_and_no_other_character_is_a_digit() {
        for byte in 0..=255_u8 {
            for written in [format!("{byte:02x}"), format!("{byte:02X}")] {
                assert_eq!(bytes(written.as_bytes()), Ok([byte]));
            }
            assert_eq!(&text::<4>(&[byte]), format!("0x{byte:02x}").as_bytes());
            let digit = byte.is_ascii_hexdigit();
            for (pair, at) in [([byte, b'0'], 0), ([b'0', byte], 1)] {
                assert_eq!(bytes::<1>(&pair).err(), (!digit).then_some(DigitsError::NotHex { at }));
            }
        }
    }

    #[test]
    fn any_other_number_of_digits_is_refused() {
        for digits in (0..10).filter(|&digits| digits != 4) {
            assert_eq!(bytes::<2>(&vec![b'a'; digits]), Err(DigitsError::Number { digits }));
        }
        assert_eq!(bytes::<2>(b"012x4"), Err(DigitsError::NotHex { at: 3 }));
    }
}

//! Addresses: 40 hex digits, and mixed case only with the checksum of EIP-55.
#![no_main]

use libfuzzer_sys::fuzz_target;
use uraiden_core::Address;
use uraiden_core::address::AddressError;
use uraiden_core::digest::keccak256;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = core::str::from_utf8(data) else { return };
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let hex = digits.len() == 40 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let single = digits == digits.to_ascii_lowercase() || digits == digits.to_ascii_uppercase();
    let right = hex && (single || digits == checksummed(digits));

    match text.parse::<Address>() {
        Ok(address) => {
            assert!(right);
            let own = address.to_string();
            assert_eq!(own.to_ascii_lowercase(), format!("0x{}", digits.to_ascii_lowercase()));
            assert_eq!(own.parse(), Ok(address));
            assert_eq!(&own[2..], checksummed(digits));
        }
        Err(error) => {
            assert!(!right);
            assert_eq!(hex, matches!(error, AddressError::Checksum { .. }));
            assert!(error.to_string().len() < 150);
        }
    }
});

/// EIP-55 once more, digit by digit.
fn checksummed(digits: &str) -> String {
    let lower = digits.to_ascii_lowercase();
    let hash = hex::encode(keccak256(&[lower.as_bytes()]));
    let cased = lower
        .chars()
        .zip(hash.chars())
        .map(|(digit, nibble)| if nibble >= '8' { digit.to_ascii_uppercase() } else { digit });
    cased.collect()
}

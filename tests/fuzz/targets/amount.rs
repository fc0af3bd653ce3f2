//! Numbers of clients: amounts and block numbers. Only their one normal form is read, and it is read right.
#![no_main]

use libfuzzer_sys::fuzz_target;
use uraiden_core::{BlockNumber, TokenAmount};

/// 2^192 - 1.
const LARGEST: &str = "6277101735386680763835789423207666416102355444464034512895";

fuzz_target!(|data: &[u8]| {
    let Ok(text) = core::str::from_utf8(data) else { return };
    read(text);
    let (one, other) = text.split_once(' ').unwrap_or((text, ""));
    if let (Some(one), Some(other)) = (read(one), read(other)) {
        calculate(one, other);
    }
});

fn read(text: &str) -> Option<TokenAmount> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let plain = digits && (text == "0" || !text.starts_with('0'));
    let fits = (text.len(), text) <= (LARGEST.len(), LARGEST);

    let block = text.parse::<BlockNumber>();
    assert_eq!(block.is_ok(), plain && text.parse::<u32>().is_ok());
    if let Ok(block) = block {
        assert_eq!(block.to_string(), text);
    }
    match text.parse::<TokenAmount>() {
        Ok(amount) => {
            assert!(plain && fits);
            assert_eq!(amount.to_string(), text);
            assert_eq!(TokenAmount::from_be_bytes(amount.to_be_bytes()), amount);
            let [high @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = amount.to_be_bytes();
            let low = *amount.to_be_bytes().last_chunk().expect("24 bytes hold 16");
            assert_eq!(text.parse().ok(), (high == [0; 8]).then(|| u128::from_be_bytes(low)));
            Some(amount)
        }
        Err(error) => {
            assert!(!(plain && fits));
            assert!(error.to_string().len() < 100);
            None
        }
    }
}

fn calculate(one: TokenAmount, other: TokenAmount) {
    let key = |amount: TokenAmount| (amount.to_string().len(), amount.to_string());
    assert_eq!(one.cmp(&other), key(one).cmp(&key(other)));
    match one.checked_add(other) {
        Some(sum) => {
            assert!(sum >= one && sum >= other);
            assert_eq!(sum.checked_sub(other), Some(one));
        }
        // Then it is less than `other` that is left above `one`.
        None => assert!(TokenAmount::MAX.checked_sub(one).is_some_and(|room| room < other)),
    }
    assert_eq!(one.checked_sub(other).is_some(), one >= other);
    let doubled = one.checked_mul(2);
    assert_eq!(doubled, one.checked_add(one));
}

//! JSON integers of any size, in both directions. A JSON library's own numbers would round them.

use alloy::primitives::U256;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use uraiden_core::TokenAmount;

/// An integer that goes out with all its digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Integer(String);

impl From<TokenAmount> for Integer {
    fn from(amount: TokenAmount) -> Self {
        Self(amount.to_string())
    }
}

impl From<U256> for Integer {
    fn from(number: U256) -> Self {
        Self(number.to_string())
    }
}

impl Serialize for Integer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.0.clone()).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

/// Reads an amount as JavaScript writes numbers: `9`, `"9"`, `9.0`, `1e+21`. `None` where it is no whole number from 0
/// to 2^192 - 1.
pub(super) fn amount(json: &str) -> Option<TokenAmount> {
    let text = json.trim();
    let text = match text.strip_prefix('"') {
        Some(quoted) => quoted.strip_suffix('"')?,
        None => text,
    };
    decimal(text)
}

fn decimal(text: &str) -> Option<TokenAmount> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits_only = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits_only(whole) || !digits_only(fraction) || mantissa.ends_with('.') {
        return None;
    }
    let exponent: i32 = exponent.strip_prefix('+').unwrap_or(exponent).parse().ok()?;

    let all = format!("{whole}{fraction}");
    let significant = all.trim_start_matches('0');
    if significant.is_empty() {
        return Some(TokenAmount::ZERO);
    }
    // The point stands this many digits after the last one; before it, all must be zeros.
    let shift = exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let digits = match usize::try_from(shift) {
        // 2^192 has 58 digits.
        Ok(zeros) if zeros <= 58 => format!("{significant}{}", "0".repeat(zeros)),
        Ok(_) => return None,
        Err(_) => {
            let cut = usize::try_from(shift.unsigned_abs()).ok()?;
            let (kept, dropped) = significant.split_at_checked(significant.len().checked_sub(cut)?)?;
            (dropped.bytes().all(|byte| byte == b'0')).then(|| kept.to_owned())?
        }
    };
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_read_in_every_form_that_javascript_writes() {
        let two_to_70 = "1180591620717411303424";
        for (json, expected) in [
            ("9", "9"),
            ("\"9\"", "9"),
            (" 9 ", "9"),
            ("0", "0"),
            ("0.0", "0"),
            ("0e5", "0"),
            ("9.0", "9"),
            ("1e+21", "1000000000000000000000"),
            ("1E21", "1000000000000000000000"),
            ("1.180591620717411303424e+21", two_to_70),
            ("1.2e1", "12"),
            ("1200e-2", "12"),
            (
                "6277101735386680763835789423207666416102355444464034512895",
                "6277101735386680763835789423207666416102355444464034512895",
            ),
        ] {
            assert_eq!(amount(json).map(|amount| amount.to_string()).as_deref(), Some(expected), "{json}");
        }
    }

    #[test]
    fn what_is_no_whole_number_in_range_is_refused() {
        for json in [
            "",
            "\"\"",
            "\"9",
            "-1",
            "+1",
            "1.5",
            "1e-1",
            "12e-2",
            "0.1",
            "1.",
            ".5",
            "1e",
            "1e58",
            "1e999999999",
            "1e99999999999",
            "1e-999999999",
            "6277101735386680763835789423207666416102355444464034512896",
            "nine",
            "null",
            "true",
            "[9]",
            "0x9",
            "1_000",
        ] {
            assert_eq!(amount(json), None, "{json}");
        }
    }

    #[test]
    fn an_integer_goes_out_with_all_its_digits() {
        let json = serde_json::to_string(&Integer::from(TokenAmount::MAX)).unwrap();
        assert_eq!(json, TokenAmount::MAX.to_string());
    }
}

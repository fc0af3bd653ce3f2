//! JSON as it comes: bytes that may be anything.

use serde::de::DeserializeOwned;

/// Reads a JSON text. The bytes are checked for UTF-8 once, where `serde_json` would check each string in them by itself.
///
/// # Errors
///
/// What is wrong with it, and where.
pub(crate) fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, String> {
    let text = core::str::from_utf8(json).map_err(|error| error.to_string())?;
    serde_json::from_str(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_named_with_its_place() {
        assert_eq!(read::<u8>(b" 7 "), Ok(7));
        assert_eq!(read::<u8>(b"7 7"), Err("trailing characters at line 1 column 3".to_owned()));
        let error = read::<String>(b"\"\xff\"").unwrap_err();
        assert!(error.contains("utf-8") && error.contains("index 1"), "{error}");
    }
}

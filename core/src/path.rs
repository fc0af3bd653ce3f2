//! The path that a price is found by, read so that no other spelling of it is cheaper.
//!
//! A path is decoded exactly once. What servers are known to read in different ways (`//`, dot segments, `%2F`,
//! `%5C`, `\`, control characters, percent-encoded letters, a second layer of encoding) is refused. A path whose
//! parameters (`;…`), encoded `?` or encoded `#` some servers cut off has two readings, and both must cost the same.

use core::fmt;

/// A request's path without its query, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    literal: String,
    cut: Option<String>,
}

impl Path {
    /// Reads a request target in origin form, such as `/a/b%20c?d=e`.
    ///
    /// # Errors
    ///
    /// What is found that servers do not agree on.
    pub fn read(target: &[u8]) -> Result<Self, PathError> {
        let path = target.split(|byte| matches!(byte, b'?' | b'#')).next().unwrap_or_default();
        let inner = path.strip_prefix(b"/").ok_or(PathError::NotAbsolute)?;
        let literal = String::from_utf8(decode(path)?).map_err(|_| PathError::NotUtf8)?;
        let cut = without_parameters(&literal);
        // Only the last segment may be empty: the path of a folder.
        let empty = inner.windows(2).any(|pair| pair == b"//") || inner.starts_with(b"/");
        let reading = cut.as_deref().unwrap_or(&literal);
        if empty || reading.contains("//") {
            return Err(PathError::EmptySegment);
        }
        if [literal.as_str(), reading]
            .iter()
            .any(|path| path.split('/').any(|segment| matches!(segment, "." | "..")))
        {
            return Err(PathError::DotSegment);
        }
        Ok(Self { literal, cut })
    }

    /// The path as it stands and, where some servers cut something off, the path without it.
    pub fn readings(&self) -> impl Iterator<Item = &str> {
        core::iter::once(self.literal.as_str()).chain(self.cut.as_deref())
    }
}

/// What is left where a server cuts off `;…` from each segment and everything after a decoded `?` or `#`; `None`
/// where that is the whole path.
fn without_parameters(path: &str) -> Option<String> {
    if !path.contains([';', '?', '#']) {
        return None;
    }
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let bare = path.split('/').map(|segment| segment.split(';').next().unwrap_or_default());
    Some(bare.collect::<Vec<_>>().join("/"))
}

fn decode(path: &[u8]) -> Result<Vec<u8>, PathError> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            b'\\' => return Err(PathError::Backslash),
            0..0x20 | 0x7f => return Err(PathError::Control),
            b'%' => {
                let (value, tail) = escape(tail).ok_or(PathError::BadEscape)?;
                rest = tail;
                match value {
                    b'/' | b'\\' => return Err(PathError::EncodedSlash),
                    0..0x20 | 0x7f => return Err(PathError::Control),
                    b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                        return Err(PathError::EncodedLetter { letter: char::from(value) });
                    }
                    b'%' if tail.iter().take(2).all(u8::is_ascii_hexdigit) && tail.len() >= 2 => {
                        return Err(PathError::EncodedTwice);
                    }
                    value => decoded.push(value),
                }
            }
            byte => decoded.push(byte),
        }
    }
    Ok(decoded)
}

/// The byte that two hex digits name, and what follows them.
fn escape(rest: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, tail) = rest.split_first_chunk::<2>()?;
    let mut byte = [0];
    hex::decode_to_slice(digits, &mut byte).ok()?;
    let [byte] = byte;
    Some((byte, tail))
}

/// Why a path has no single meaning. Answered with 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathError {
    /// It does not start with `/`.
    NotAbsolute,
    /// `//`, which some servers merge.
    EmptySegment,
    /// `.` or `..`, which some servers resolve.
    DotSegment,
    /// `\`, which some servers take for `/`.
    Backslash,
    /// `%2F` or `%5C`, which some servers take for `/`.
    EncodedSlash,
    /// A control character.
    Control,
    /// A letter, digit, `-`, `.`, `_` or `~` that was encoded although it need not be.
    EncodedLetter {
        /// What it encodes.
        letter: char,
    },
    /// An encoded `%` with two hex digits behind it.
    EncodedTwice,
    /// `%` without two hex digits behind it.
    BadEscape,
    /// The decoded bytes are no text.
    NotUtf8,
    /// The readings of the request do not cost the same.
    TwoPrices,
    /// Longer than a regular expression may look at.
    TooLong,
}

impl PathError {
    /// What was found, and the way out.
    fn text(self) -> &'static str {
        match self {
            Self::NotAbsolute => "it does not start with /",
            Self::EmptySegment => "it has //, send one /",
            Self::DotSegment => "it has a . or .. segment, resolve it first",
            Self::Backslash => "it has a \\, send /",
            Self::EncodedSlash => "it has an encoded slash (%2F or %5C)",
            Self::Control => "it has a control character",
            Self::EncodedLetter { .. } => "it encodes a character that needs no encoding",
            Self::EncodedTwice => "it is percent-encoded twice",
            Self::BadEscape => "it has a % without two hex digits behind it",
            Self::NotUtf8 => "its percent-encoded bytes are not UTF-8 text",
            Self::TwoPrices => "its price depends on what ; ? # or an overriding header is taken for",
            Self::TooLong => "it is longer than 4096 bytes",
        }
    }
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the path has no certain price: {}", self.text())
    }
}

impl core::error::Error for PathError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn readings(target: &str) -> Vec<String> {
        Path::read(target.as_bytes()).unwrap().readings().map(str::to_owned).collect()
    }

    #[test]
    fn a_plain_path_has_one_reading_without_its_query() {
        for (target, path) in [
            ("/", "/"),
            ("/premium", "/premium"),
            ("/premium/", "/premium/"),
            ("/premium?a=//..;%2f", "/premium"),
            ("/a%20b", "/a b"),
            ("/caf%C3%A9", "/café"),
            ("/caf%c3%a9", "/café"),
            ("/café", "/café"),
            ("/50%25", "/50%"),
            ("/...", "/..."),
            ("/.well-known/x", "/.well-known/x"),
        ] {
            assert_eq!(readings(target), [path], "{target}");
        }
    }

    #[test]
    fn what_a_server_may_cut_off_makes_a_second_reading() {
        for (target, cut) in [
            ("/premium;a", "/premium"),
            ("/premium;a=1/b;c", "/premium/b"),
            ("/premium%3Ba", "/premium"),
            ("/premium%3fa", "/premium"),
            ("/premium%23a", "/premium"),
        ] {
            assert_eq!(readings(target).last().unwrap(), cut, "{target}");
            assert_eq!(readings(target).len(), 2, "{target}");
        }
    }

    #[test]
    fn what_servers_do_not_agree_on_is_refused() {
        use PathError::*;
        for (target, error) in [
            ("", NotAbsolute),
            ("*", NotAbsolute),
            ("premium", NotAbsolute),
            ("http://host/premium", NotAbsolute),
            ("//premium", EmptySegment),
            ("/a//premium", EmptySegment),
            ("/a//", EmptySegment),
            ("/;a/premium", EmptySegment),
            ("/./premium", DotSegment),
            ("/x/../premium", DotSegment),
            ("/premium/..", DotSegment),
            ("/x/..;/premium", DotSegment),
            ("/x/.;a/premium", DotSegment),
            ("/x\\premium", Backslash),
            ("/x%2Fpremium", EncodedSlash),
            ("/x%2fpremium", EncodedSlash),
            ("/x%5cpremium", EncodedSlash),
            ("/premium%00", Control),
            ("/premium%0a", Control),
            ("/pre\tmium", Control),
            ("/%70remium", EncodedLetter { letter: 'p' }),
            ("/%2e/premium", EncodedLetter { letter: '.' }),
            ("/premium%7e", EncodedLetter { letter: '~' }),
            ("/%2570remium", EncodedTwice),
            ("/%zz", BadEscape),
            ("/premium%", BadEscape),
            ("/premium%7", BadEscape),
            ("/x%c0%afpremium", NotUtf8),
            ("/caf%e9", NotUtf8),
        ] {
            assert_eq!(Path::read(target.as_bytes()), Err(error), "{target}");
        }
    }
}

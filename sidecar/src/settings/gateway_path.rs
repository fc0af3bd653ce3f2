//! The path root of the channel API.

use core::fmt;
use core::str::FromStr;

use serde::Deserialize;

/// A path such as `/api/1`: one or more segments of letters, digits, `-`, `_`, `.` and `~`, no slash at the end.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct GatewayPath(String);

impl GatewayPath {
    /// The path as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for GatewayPath {
    fn default() -> Self {
        Self("/api/1".to_owned())
    }
}

impl fmt::Display for GatewayPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for GatewayPath {
    type Err = GatewayPathError;

    fn from_str(text: &str) -> Result<Self, GatewayPathError> {
        let plain = |segment: &str| {
            let dots = segment == "." || segment == "..";
            let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
            !segment.is_empty() && !dots && segment.bytes().all(known)
        };
        match text.strip_prefix('/') {
            Some(segments) if segments.split('/').all(plain) => Ok(Self(text.to_owned())),
            _ => Err(GatewayPathError { text: text.to_owned() }),
        }
    }
}

impl TryFrom<String> for GatewayPath {
    type Error = GatewayPathError;

    fn try_from(text: String) -> Result<Self, GatewayPathError> {
        text.parse()
    }
}

/// A text is no [`GatewayPath`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no path root: a path such as /api/1, of letters, digits and -_.~ between single slashes, \
     with one in front and none at the end"
)]
pub struct GatewayPathError {
    text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_path_is_a_plain_path() {
        for text in ["/api/1", "/x", "/a-b_c.d~e/2"] {
            assert_eq!(text.parse::<GatewayPath>().unwrap().as_str(), text);
        }
        for text in
            ["", "/", "api", "/api/", "//api", "/a//b", "/a/../b", "/./a", "/a?b", "/{a}", "/a%20", "/ä"]
        {
            assert_eq!(
                text.parse::<GatewayPath>(),
                Err(GatewayPathError { text: text.to_owned() }),
                "{text:?}"
            );
        }
    }
}

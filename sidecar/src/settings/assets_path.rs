//! Where the payment page's files are.

use core::str::FromStr;

use serde::Deserialize;

use super::{GatewayPath, GatewayPathError};

/// A path such as `/js/`, like a [`GatewayPath`] with a slash at its end or without.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct AssetsPath(GatewayPath);

impl AssetsPath {
    /// The path without a slash at its end.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl Default for AssetsPath {
    fn default() -> Self {
        Self("/js".parse().expect("it is a plain path, as a test shows"))
    }
}

impl FromStr for AssetsPath {
    type Err = GatewayPathError;

    fn from_str(text: &str) -> Result<Self, GatewayPathError> {
        text.strip_suffix('/').unwrap_or(text).parse().map(Self)
    }
}

impl TryFrom<String> for AssetsPath {
    type Error = GatewayPathError;

    fn try_from(text: String) -> Result<Self, GatewayPathError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assets_path_may_end_with_a_slash() {
        for text in ["/js/", "/js"] {
            assert_eq!(text.parse::<AssetsPath>().unwrap(), AssetsPath::default());
        }
        for text in ["/", "//", "js/", "/js//", "/a?b/"] {
            assert!(text.parse::<AssetsPath>().is_err(), "{text}");
        }
    }
}

//! Where the Ethereum node answers.

use core::fmt;
use core::str::FromStr;

use serde::Deserialize;
use url::Url;

/// An `http`, `https`, `ws` or `wss` URL. Providers put credentials into its path or user, so that neither `Display` nor `Debug`
/// shows more than the host.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct RpcUrl(Url);

impl RpcUrl {
    /// The whole URL, credentials included.
    pub fn secret(&self) -> &Url {
        &self.0
    }

    /// Whether the node is asked over a WebSocket, over which it tells of new blocks.
    pub fn is_websocket(&self) -> bool {
        matches!(self.0.scheme(), "ws" | "wss")
    }

    /// `text` without what of it is this URL's, for messages that quote it.
    pub fn redact(&self, text: &str) -> String {
        text.replace(self.0.as_str(), &self.to_string())
    }
}

impl fmt::Display for RpcUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.0.scheme(), self.0.host_str().unwrap_or_default())?;
        self.0.port().map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl fmt::Debug for RpcUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for RpcUrl {
    type Err = RpcUrlError;

    fn from_str(text: &str) -> Result<Self, RpcUrlError> {
        let url = Url::parse(text).map_err(|error| RpcUrlError::NotAUrl { reason: error.to_string() })?;
        match url.scheme() {
            "http" | "https" | "ws" | "wss" => Ok(Self(url)),
            other => Err(RpcUrlError::Scheme { scheme: other.to_owned() }),
        }
    }
}

impl TryFrom<String> for RpcUrl {
    type Error = RpcUrlError;

    fn try_from(text: String) -> Result<Self, RpcUrlError> {
        text.parse()
    }
}

/// One or more nodes, in the order in which they are asked: their URLs with commas between them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct RpcUrls(Vec<RpcUrl>);

impl IntoIterator for RpcUrls {
    type Item = RpcUrl;
    type IntoIter = std::vec::IntoIter<RpcUrl>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl FromStr for RpcUrls {
    type Err = RpcUrlError;

    fn from_str(text: &str) -> Result<Self, RpcUrlError> {
        // There is always a first piece, so at least one URL or an error.
        text.split(',').map(|url| url.trim().parse()).collect::<Result<_, _>>().map(Self)
    }
}

impl TryFrom<String> for RpcUrls {
    type Error = RpcUrlError;

    fn try_from(text: String) -> Result<Self, RpcUrlError> {
        text.parse()
    }
}

/// A text is no [`RpcUrl`]. It is not quoted, since there may be a credential in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RpcUrlError {
    /// It cannot be read.
    #[error("no URL such as http://127.0.0.1:8545: {reason}")]
    NotAUrl {
        /// What the parser says.
        reason: String,
    },
    /// Nodes are not reached so.
    #[error("a URL with the scheme {scheme:?}, where http, https, ws or wss is expected")]
    Scheme {
        /// What stands in place of it.
        scheme: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_host_of_a_url_is_ever_shown() {
        let url: RpcUrl = "https://user:secret@node.example:8545/v3/secret?key=secret".parse().unwrap();
        assert_eq!(url.to_string(), "https://node.example:8545");
        assert_eq!(format!("{url:?}"), "https://node.example:8545");
        let message = format!("error sending request for url ({})", url.secret());
        assert_eq!(url.redact(&message), "error sending request for url (https://node.example:8545)");
    }

    #[test]
    fn several_nodes_are_a_list() {
        let urls: RpcUrls = "http://127.0.0.1:1, https://node.example/key".parse().unwrap();
        let shown: Vec<_> = urls.into_iter().map(|url| url.to_string()).collect();
        assert_eq!(shown, ["http://127.0.0.1:1", "https://node.example"]);
        for text in ["", "http://127.0.0.1:1,", ",http://127.0.0.1:1", "http://127.0.0.1:1,ftp://x"] {
            assert!(text.parse::<RpcUrls>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_url_is_http_or_a_websocket() {
        for (text, websocket) in [
            ("http://127.0.0.1:8545", false),
            ("https://node.example", false),
            ("ws://127.0.0.1:8546", true),
            ("wss://node.example", true),
        ] {
            assert_eq!(text.parse::<RpcUrl>().map(|url| url.is_websocket()), Ok(websocket), "{text}");
        }
        assert_eq!("ftp://x".parse::<RpcUrl>(), Err(RpcUrlError::Scheme { scheme: "ftp".to_owned() }));
        assert!(matches!("127.0.0.1:8545".parse::<RpcUrl>(), Err(RpcUrlError::NotAUrl { .. })));
    }
}

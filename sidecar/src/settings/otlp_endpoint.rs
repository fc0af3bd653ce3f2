//! Where spans are sent.

use core::fmt;
use core::str::FromStr;

use serde::Deserialize;
use url::Url;

/// The base URL of a collector's OTLP/HTTP receiver. Vendors put credentials into it, so that neither `Display` nor `Debug` shows
/// more than the host.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct OtlpEndpoint(Url);

impl OtlpEndpoint {
    /// Where its traces go: `v1/traces` below it.
    pub fn traces(&self) -> String {
        let mut url = self.0.clone();
        let path = format!("{}/v1/traces", self.0.path().trim_end_matches('/'));
        url.set_path(&path);
        url.into()
    }
}

impl fmt::Display for OtlpEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.0.scheme(), self.0.host_str().unwrap_or_default())?;
        self.0.port().map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl fmt::Debug for OtlpEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for OtlpEndpoint {
    type Err = OtlpEndpointError;

    fn from_str(text: &str) -> Result<Self, OtlpEndpointError> {
        let url =
            Url::parse(text).map_err(|error| OtlpEndpointError::NotAUrl { reason: error.to_string() })?;
        match url.scheme() {
            "http" | "https" => Ok(Self(url)),
            other => Err(OtlpEndpointError::Scheme { scheme: other.to_owned() }),
        }
    }
}

impl TryFrom<String> for OtlpEndpoint {
    type Error = OtlpEndpointError;

    fn try_from(text: String) -> Result<Self, OtlpEndpointError> {
        text.parse()
    }
}

/// Why a text is not where spans can be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OtlpEndpointError {
    /// It is no URL.
    #[error("not a URL: {reason}; expected one such as http://127.0.0.1:4318")]
    NotAUrl {
        /// Why.
        reason: String,
    },
    /// It is something else than OTLP over HTTP.
    #[error("the scheme {scheme:?} is not supported, only http and https (OTLP/HTTP, port 4318, not gRPC)")]
    Scheme {
        /// The scheme.
        scheme: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_go_below_the_base_url() {
        for (base, traces) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("https://collector.example/otlp/", "https://collector.example/otlp/v1/traces"),
        ] {
            assert_eq!(base.parse::<OtlpEndpoint>().unwrap().traces(), traces);
        }
    }

    #[test]
    fn neither_credentials_nor_path_are_shown() {
        let endpoint: OtlpEndpoint = "https://user:secret@collector.example:4318/key".parse().unwrap();
        assert_eq!(
            format!("{endpoint} {endpoint:?}"),
            "https://collector.example:4318 https://collector.example:4318"
        );
    }

    #[test]
    fn what_is_no_http_url_is_refused() {
        assert!("127.0.0.1:4318".parse::<OtlpEndpoint>().is_err());
        assert!("grpc://127.0.0.1:4317".parse::<OtlpEndpoint>().is_err());
        assert!("collector".parse::<OtlpEndpoint>().is_err());
    }
}

//! Where a price comes from that is not written down.

use core::time::Duration;

use super::reader::{ConfigError, Node};
use crate::request::Request;

/// A service of the merchant's that is asked for prices.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PriceSource {
    /// Envoy's cluster of it.
    pub cluster: String,
    /// The path that is asked.
    pub path: String,
    /// How long an answer holds: 100 ms to one day.
    pub ttl: Duration,
    /// How long it may take to answer: 10 ms to 30 s.
    pub timeout: Duration,
}

impl PriceSource {
    pub(super) fn read(node: &Node<'_>) -> Result<Self, ConfigError> {
        let mut fields = node.object()?;
        let cluster = fields.required("cluster")?.name()?;
        let path = fields.required("path")?;
        let text = path.text()?.to_owned();
        if !text.starts_with('/') || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(path.unlike("a path as it is sent, such as \"/price\""));
        }
        let duration =
            |node: Option<Node<'_>>, default, range| node.map_or(Ok(default), |node| node.duration(range));
        let ttl = Duration::from_millis(100)..=Duration::from_secs(86_400);
        let ttl = duration(fields.optional("ttl"), Duration::from_secs(10), ttl)?;
        let timeout = Duration::from_millis(10)..=Duration::from_secs(30);
        let timeout = duration(fields.optional("timeout"), Duration::from_millis(500), timeout)?;
        fields.finish()?;
        Ok(Self { cluster, path: text, ttl, timeout })
    }
}

/// What a price service is asked about. Equal questions share an answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// Who is asked.
    pub source: PriceSource,
    /// The request's method.
    pub method: String,
    /// Its host, in lower case and without port.
    pub host: String,
    /// Its path without query, decoded.
    pub path: String,
}

impl Question {
    pub(super) fn new(source: &PriceSource, request: Request<'_>, host: &str, path: &str) -> Self {
        let method = String::from_utf8_lossy(request.method()).into_owned();
        Self { source: source.clone(), method, host: host.to_owned(), path: path.to_owned() }
    }
}

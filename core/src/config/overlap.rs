//! Which requests go upstream while their payments are made durable.

use super::reader::{ConfigError, Node};
use super::{METHOD_OVERRIDES, PATH_OVERRIDES};
use crate::request::Request;

/// Which requests may run before their payments are durable. Their responses wait in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlap {
    /// `GET` and `HEAD`, which have no effect that is worth money.
    SafeMethods,
    /// All, for a service whose requests may run unpaid.
    Always,
    /// None.
    Never,
}

impl Overlap {
    pub(super) fn read(node: &Node<'_>) -> Result<Self, ConfigError> {
        match node.value().as_str() {
            Some("safeMethods") => Ok(Self::SafeMethods),
            Some("always") => Ok(Self::Always),
            Some("never") => Ok(Self::Never),
            _ => Err(node.unlike("\"safeMethods\", \"always\" or \"never\"")),
        }
    }

    /// Whether this request may. An upgrade may not, since its bytes flow before any response, and a request that names
    /// another method or path in a header is not as safe as it looks.
    pub fn allows(self, request: Request<'_>) -> bool {
        let overridden =
            || METHOD_OVERRIDES.iter().chain(&PATH_OVERRIDES).any(|&name| request.first(name).is_some());
        match self {
            Self::Never => false,
            Self::Always => !request.is_upgrade(),
            Self::SafeMethods => {
                matches!(request.method(), b"GET" | b"HEAD") && !request.is_upgrade() && !overridden()
            }
        }
    }
}

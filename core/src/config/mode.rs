//! Whether the paywall acts, or only watches.

use super::reader::{ConfigError, Node};

/// What becomes of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Priced requests are paid for or refused.
    Enforce,
    /// All requests go on as they are. What would have become of them is counted, and nothing is charged.
    Shadow,
}

impl Mode {
    pub(super) fn read(node: &Node<'_>) -> Result<Self, ConfigError> {
        match node.value().as_str() {
            Some("enforce") => Ok(Self::Enforce),
            Some("shadow") => Ok(Self::Shadow),
            Some(_) | None => Err(node.unlike("\"enforce\" or \"shadow\"")),
        }
    }
}

//! Whether paid requests can be served, and if not, why.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use uraiden_core::wire::Health;

/// Gathers what the parts of the sidecar say of themselves.
#[derive(Debug)]
pub struct HealthBoard {
    node_timeout: Duration,
    parts: Mutex<Parts>,
}

#[derive(Debug)]
struct Parts {
    chain: Chain,
    store: Option<String>,
    incident: Option<String>,
    purse: Option<String>,
    /// The newest block that the node has.
    node_block: u64,
}

#[derive(Debug)]
enum Chain {
    /// Not in step with the node, for this reason.
    Away(String),
    /// In step with the node, last at this instant.
    Following(Instant),
}

impl HealthBoard {
    /// Not ready, until the node was reached. A node that is silent for longer than `node_timeout` counts as gone.
    pub fn new(node_timeout: Duration) -> Self {
        let chain = Chain::Away("starting, the Ethereum node was not reached yet".to_owned());
        Self {
            node_timeout,
            parts: Mutex::new(Parts { chain, store: None, incident: None, purse: None, node_block: 0 }),
        }
    }

    /// What filters and operators are told now.
    pub fn health(&self) -> Health {
        let parts = self.parts();
        let chain = match &parts.chain {
            Chain::Away(reason) => Some(reason.as_str()),
            Chain::Following(since) if since.elapsed() > self.node_timeout => {
                Some("Ethereum node is not responding")
            }
            Chain::Following(_) => None,
        };
        let lasting = parts.store.as_deref().or(parts.incident.as_deref());
        match lasting.or(chain).or(parts.purse.as_deref()) {
            Some(reason) => Health::NotReady { reason: reason.to_owned() },
            None => Health::Ready,
        }
    }

    /// Whether paid requests can be served now.
    pub fn is_ready(&self) -> bool {
        self.health() == Health::Ready
    }

    /// Whether the follower has reached the head of the chain and not lost it since.
    pub fn follows_chain(&self) -> bool {
        matches!(self.parts().chain, Chain::Following(_))
    }

    /// The follower is at the head of the chain, as of now.
    pub fn in_step(&self) {
        self.parts().chain = Chain::Following(Instant::now());
    }

    /// The follower is not at the head. One that was there a moment ago stays ready until `node_timeout` is over.
    pub fn out_of_step(&self, reason: String) {
        let mut parts = self.parts();
        match parts.chain {
            Chain::Following(since) if since.elapsed() <= self.node_timeout => {}
            Chain::Following(_) | Chain::Away(_) => parts.chain = Chain::Away(reason),
        }
    }

    /// Blocks that were believed have been replaced, and it is not clear yet what that means; `None` when it is over.
    /// Answers what was said before.
    pub fn incident(&self, reason: Option<String>) -> Option<String> {
        std::mem::replace(&mut self.parts().incident, reason)
    }

    /// Whether a reorganisation of believed blocks is not over.
    pub fn has_incident(&self) -> bool {
        self.parts().incident.is_some()
    }

    /// The node's newest block, as it said last.
    pub fn node_block(&self) -> u64 {
        self.parts().node_block
    }

    /// The node says that this is its newest block.
    pub fn node_is_at(&self, block: u64) {
        self.parts().node_block = block;
    }

    /// The receiver cannot pay for challenges; `None` when he can.
    pub fn purse(&self, reason: Option<String>) {
        self.parts().purse = reason;
    }

    /// The ledger was written.
    pub fn store_works(&self) {
        self.parts().store = None;
    }

    /// The ledger could not be written.
    pub fn store_fails(&self, reason: String) {
        self.parts().store = Some(reason);
    }

    /// Whether the last write of the ledger failed.
    pub fn is_store_failing(&self) -> bool {
        self.parts().store.is_some()
    }

    fn parts(&self) -> MutexGuard<'_, Parts> {
        // Every change is a single assignment, so what a panicking thread left is whole.
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_only_in_step_with_the_node_and_with_a_ledger_that_is_written() {
        let board = HealthBoard::new(Duration::from_secs(60));
        assert!(!board.is_ready());
        board.out_of_step("syncing".to_owned());
        assert_eq!(board.health(), Health::NotReady { reason: "syncing".to_owned() });
        board.in_step();
        assert!(board.is_ready());
        board.store_fails("disk full".to_owned());
        assert_eq!(board.health(), Health::NotReady { reason: "disk full".to_owned() });
        board.store_works();
        assert!(board.is_ready());
        board.incident(Some("reorganised".to_owned()));
        board.purse(Some("no ETH".to_owned()));
        assert_eq!(board.health(), Health::NotReady { reason: "reorganised".to_owned() });
        board.incident(None);
        assert_eq!(board.health(), Health::NotReady { reason: "no ETH".to_owned() });
        board.purse(None);
        assert!(board.is_ready());
    }

    #[test]
    fn a_short_silence_of_the_node_is_borne_and_a_long_one_is_not() {
        let patient = HealthBoard::new(Duration::from_secs(60));
        patient.in_step();
        patient.out_of_step("connection refused".to_owned());
        assert!(patient.is_ready());

        let impatient = HealthBoard::new(Duration::ZERO);
        impatient.in_step();
        let reason = "Ethereum node is not responding".to_owned();
        assert_eq!(impatient.health(), Health::NotReady { reason });
    }
}

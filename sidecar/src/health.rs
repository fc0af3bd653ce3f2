//! Whether paid requests can be served, and if not, why.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Serialize, Serializer};
use uraiden_core::wire::Health;

/// What is said before the chain was reached.
const STARTING: &str = "starting, the Ethereum node was not reached yet";

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
    /// Who follows the chain; `None` where that is not known.
    leader: Option<Leader>,
}

#[derive(Debug)]
enum Chain {
    /// Not in step with the node, for this reason.
    Away(String),
    /// In step with the node, last at this instant.
    Following(Instant),
}

/// Which of the sidecars that share a ledger follows the chain and sends transactions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Leader {
    /// What it calls itself.
    pub name: String,
    /// Counts those who have led.
    pub epoch: u64,
    /// Whether it is this process.
    pub here: bool,
    /// When it was last seen to renew the lease; `None` where nobody else could take it. Shown as how long ago that was, in
    /// milliseconds.
    #[serde(rename = "lastBeatMs", serialize_with = "milliseconds_ago")]
    pub last_beat: Option<Instant>,
}

fn milliseconds_ago<S: Serializer>(at: &Option<Instant>, serializer: S) -> Result<S::Ok, S::Error> {
    at.map(|at| u64::try_from(at.elapsed().as_millis()).unwrap_or(u64::MAX)).serialize(serializer)
}

impl HealthBoard {
    /// Not ready, until the node was reached. A node that is silent for longer than `node_timeout` counts as gone.
    pub fn new(node_timeout: Duration) -> Self {
        let chain = Chain::Away(STARTING.to_owned());
        Self {
            node_timeout,
            parts: Mutex::new(Parts {
                chain,
                store: None,
                incident: None,
                purse: None,
                node_block: 0,
                leader: None,
            }),
        }
    }

    /// What filters and operators are told now.
    pub fn health(&self) -> Health {
        let parts = self.parts();
        let chain = match &parts.chain {
            Chain::Away(reason) => Some(reason.as_str()),
            Chain::Following(since) if since.elapsed() > self.node_timeout => match &parts.leader {
                Some(Leader { here: true, .. }) | None => Some("Ethereum node is not responding"),
                Some(Leader { here: false, .. }) => {
                    Some("the sidecar that follows the chain is not responding")
                }
            },
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

    /// How long ago the follower was at the head; `None` where it was not within `node_timeout`, with the reason.
    pub fn step(&self) -> Result<Duration, String> {
        match &self.parts().chain {
            Chain::Following(since) => match since.elapsed() {
                ago if ago <= self.node_timeout => Ok(ago),
                _ => Err("Ethereum node is not responding".to_owned()),
            },
            Chain::Away(reason) => Err(reason.clone()),
        }
    }

    /// Another process follows the chain, and was at the head this long ago, or is not, for this reason.
    pub fn heard(&self, step: Result<Duration, String>) {
        match step {
            Ok(ago) => {
                // A machine that was started this moment knows no instant before.
                let Some(since) = Instant::now().checked_sub(ago) else { return };
                let mut parts = self.parts();
                match parts.chain {
                    Chain::Following(later) if later >= since => {}
                    Chain::Following(_) | Chain::Away(_) => parts.chain = Chain::Following(since),
                }
            }
            Err(reason) => self.out_of_step(reason),
        }
    }

    /// Who follows the chain, as far as this process knows.
    pub fn leader(&self) -> Option<Leader> {
        self.parts().leader.clone()
    }

    /// Whether this process follows the chain and sends transactions.
    pub fn leads(&self) -> bool {
        self.parts().leader.as_ref().is_some_and(|leader| leader.here)
    }

    /// This process has renewed the lease, at this instant.
    pub fn has_renewed(&self, at: Instant) {
        if let Some(leader @ Leader { here: true, .. }) = &mut self.parts().leader {
            leader.last_beat = Some(at);
        }
    }

    /// Another process follows the chain, or nobody.
    pub fn follows(&self, leader: Option<Leader>) {
        self.parts().leader = leader;
    }

    /// This process follows the chain from now on. What the one before said of it is good for as long as from a follower
    /// of our own.
    pub fn takes_over(&self, leader: Leader) {
        let mut parts = self.parts();
        parts.leader = Some(leader);
        if let Chain::Following(since) = parts.chain
            && since.elapsed() > self.node_timeout
        {
            parts.chain = Chain::Away(STARTING.to_owned());
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

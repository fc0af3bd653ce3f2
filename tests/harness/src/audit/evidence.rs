//! What an audit looks at: the books of all who were there.
//!
//! Amounts are base units of the token. Audited runs are small, so that they fit into 64 bits.

use std::collections::{BTreeMap, HashMap};

use uraiden_core::{Address, ChannelId, Signature};

use super::ledger::{Attempt, LedgerChannel};

/// Everything that is known of one run.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// What each request cost.
    pub price: u64,
    /// The channels that paid.
    pub channels: Vec<ChannelEvidence>,
    /// The service's book: each of its answers by the token that marks it, and the sender that the paywall named.
    pub answers: HashMap<String, Address>,
    /// Attempts in the ledger whose contents no payer has signed.
    pub strangers: Vec<Attempt>,
    /// What befell the parts that hold payments in memory only.
    pub interruptions: Interruptions,
}

/// The books of one channel.
#[derive(Clone, Debug)]
pub struct ChannelEvidence {
    /// The channel.
    pub id: ChannelId,
    /// What its payer has noted.
    pub payer: PayerBook,
    /// What the ledger holds; `None` where it knows no such channel.
    pub ledger: Option<LedgerChannel>,
    /// Whether the contract would pay what the ledger holds, or its reason not to.
    pub contract: Result<(), String>,
}

/// What the connections of one payer have noted.
#[derive(Clone, Debug, Default)]
pub struct PayerBook {
    /// Every balance that was signed, with its proof. Written before the proof is sent.
    pub signed: BTreeMap<u64, Signature>,
    /// Every answer of the service that came with a status that is charged.
    pub served: Vec<Serving>,
    /// The balance of each request that the payer itself abandoned before it had an answer.
    pub left: Vec<u64>,
}

/// One answer of the service that reached its payer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Serving {
    /// The balance by whose proof it was asked for.
    pub balance: u64,
    /// The token by which the service has marked it.
    pub token: String,
}

/// Events that may cost those payments whose requests are in flight at that moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Interruptions {
    /// How often an Envoy was killed.
    pub envoy_exits: u64,
    /// How often a worker's VM panicked and was replaced.
    pub vm_reloads: u64,
    /// How often a drain ended while streams were left, so that they were cut.
    pub drain_cuts: u64,
    /// How many requests can be in flight at a time: the number of paying connections.
    pub in_flight: u64,
}

impl Interruptions {
    /// How many payments may be lost by them.
    pub fn allowed(&self) -> u64 {
        (self.envoy_exits + self.vm_reloads + self.drain_cuts) * self.in_flight
    }
}

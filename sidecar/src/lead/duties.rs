//! What a leader does.

use std::sync::Arc;
use std::time::Duration;

use crate::chain::{Auditor, Ended, Follower, Following, Node};
use crate::collect::{Alarms, Collector, Rules};
use crate::health::HealthBoard;
use crate::key::ReceiverKey;
use crate::store::{Epoch, Store};

/// Everything that is needed to lead, any number of times.
pub struct Duties {
    /// The ledger.
    pub store: Store,
    /// The Ethereum node.
    pub node: Node,
    /// Signs transactions.
    pub key: Arc<ReceiverKey>,
    /// Whether paid requests can be served.
    pub health: Arc<HealthBoard>,
    /// The challenges of the moment.
    pub alarms: Arc<Alarms>,
    /// How to follow the chain.
    pub following: Following,
    /// Which channels are closed from our side.
    pub rules: Rules,
    /// Time between two looks at what is due.
    pub interval: Duration,
}

impl Duties {
    /// Leads under the lease of `epoch`, beginning with what stands in the ledger.
    pub(super) async fn carry_out(&self, epoch: Epoch) -> Ended {
        let Self { store, node, key, health, alarms, following, rules, interval } = self;
        let follower = Follower::new(node, store.clone(), epoch, health.clone(), *following);
        let collector = Collector::new(
            epoch,
            store.clone(),
            node.clone(),
            key.clone(),
            health.clone(),
            alarms.clone(),
            *rules,
            *interval,
        );
        let auditor = Auditor::new(node.clone(), store.clone(), epoch, health.clone(), *interval);
        tokio::select! {
            ended = follower.run() => ended,
            lost = collector.run() => lost.into(),
            lost = auditor.run() => lost.into(),
        }
    }
}

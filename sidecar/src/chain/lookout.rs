//! What a sidecar does with its node while another one follows the chain: it makes sure that it could take over, and
//! that its pages and prices of orders have somebody to ask.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::examine::{Fatal, Unfit};
use super::node::Node;
use super::reading::PollError;
use crate::health::HealthBoard;
use crate::metrics;
use crate::store::Store;

/// How often a node that was found fit is looked at.
const LOOK: Duration = Duration::from_secs(5);

/// While the node is away, the log says so this often.
const REMINDER: Duration = Duration::from_secs(30);

/// Looks at the node, and writes nothing.
#[derive(Debug)]
pub struct Lookout {
    node: Node,
    store: Store,
    health: Arc<HealthBoard>,
    /// How often a node that is not fit is tried again.
    interval: Duration,
    /// When the log last said that the node is away.
    complained: Option<Instant>,
}

impl Lookout {
    /// Of this node, for this ledger. A node that is not fit is tried again after `interval`.
    pub fn new(node: &Node, store: Store, health: Arc<HealthBoard>, interval: Duration) -> Self {
        Self { node: node.unchecked(), store, health, interval, complained: None }
    }

    /// Looks for ever.
    pub async fn run(mut self) -> Fatal {
        let mut fit = false;
        loop {
            // Nobody knows what is fit until one has followed the chain.
            if self.store.bound().is_some() {
                fit = match self.look(fit).await {
                    Ok(()) => true,
                    Err(Unfit::Later(error)) => {
                        self.complain(&error);
                        self.node.distrust();
                        self.node.change();
                        false
                    }
                    Err(Unfit::Fatal(fatal)) => match self.node.leave_out(fatal) {
                        Ok(()) => false,
                        Err(fatal) => return fatal,
                    },
                };
            }
            tokio::time::sleep(if fit { LOOK } else { self.interval }).await;
        }
    }

    async fn look(&mut self, fit: bool) -> Result<(), Unfit> {
        if !fit {
            let found = self.node.examine(&self.store).await?;
            self.store.compare(&found)?;
            self.node.trust();
            self.complained = None;
            tracing::info!("connected to {}, which another sidecar of this ledger follows", self.node.url());
        }
        let latest = self.node.latest().await?;
        self.health.node_is_at(latest.number);
        metrics::node_head(latest.number, latest.timestamp);
        Ok(())
    }

    fn complain(&mut self, error: &PollError) {
        if self.complained.is_none_or(|at| at.elapsed() >= REMINDER) {
            tracing::warn!(%error, "this sidecar could not take over: the Ethereum node at {}", self.node.url());
            self.complained = Some(Instant::now());
        }
    }
}

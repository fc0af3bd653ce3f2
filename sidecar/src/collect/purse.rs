//! Whether the receiver could pay for challenges, before there is one.

use core::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use alloy::primitives::U256;
use uraiden_core::Address;

use super::fees::Fees;
use crate::chain::{Node, NodeError};
use crate::health::HealthBoard;
use crate::metrics;

/// What a `cooperativeClose` uses at most, of the original contract too.
pub(super) const GAS_OF_A_CHALLENGE: u64 = 105_000;

/// How many challenges the receiver must be able to pay for.
const CHALLENGES: u64 = 3;

/// How often to look while there is enough.
const INTERVAL: Duration = Duration::from_secs(10);

/// Watches what the receiver has for transactions.
pub struct Purse {
    node: Node,
    receiver: Address,
    health: Arc<HealthBoard>,
    min_eth: Option<U256>,
    interval: Duration,
}

impl Purse {
    /// Of this receiver. `min_eth` is in wei; `None` asks for what three challenges cost at twice the current fee.
    /// An empty purse, and one of which nothing is known, is looked at every `interval`.
    pub fn new(
        node: Node,
        receiver: Address,
        health: Arc<HealthBoard>,
        min_eth: Option<U256>,
        interval: Duration,
    ) -> Self {
        Self { node, receiver, health, min_eth, interval }
    }

    /// Watches for ever.
    pub async fn run(self) -> Infallible {
        let mut enough = true;
        loop {
            let mut pause = self.interval;
            match self.lacks().await {
                Ok(None) => {
                    if !enough {
                        tracing::info!(receiver = %self.receiver, "there is enough ETH for challenges again");
                    }
                    enough = true;
                    pause = INTERVAL.max(self.interval);
                    self.health.purse(None);
                }
                Ok(Some(Lack { has, needs })) => {
                    if enough {
                        tracing::error!(
                            receiver = %self.receiver, %has, %needs, "paid routes are closed: too little ETH, in wei"
                        );
                    }
                    enough = false;
                    self.health.purse(Some("the receiver has too little ETH for challenges".to_owned()));
                }
                // The follower says that the node is away.
                Err(error) => tracing::debug!(%error, "what the receiver has is not known"),
            }
            tokio::time::sleep(pause).await;
        }
    }

    async fn lacks(&self) -> Result<Option<Lack>, NodeError> {
        let has = self.node.ether(self.receiver).await?;
        metrics::receiver_has(has);
        let needs = match self.min_eth {
            Some(min) => min,
            None => {
                let fee = Fees::of(self.node.market().await?).max;
                U256::from(CHALLENGES * GAS_OF_A_CHALLENGE).saturating_mul(U256::from(fee))
            }
        };
        Ok((has < needs).then_some(Lack { has, needs }))
    }
}

struct Lack {
    has: U256,
    needs: U256,
}

//! Log entries are not trusted alone: nodes behind a load balancer lose some. Every channel with unclaimed money is
//! compared with what the contract itself says, several times in each challenge period.

use std::sync::Arc;
use std::time::Duration;

use super::error::NodeError;
use super::info::{BATCH, ChannelInfo};
use super::node::Node;
use crate::health::HealthBoard;
use crate::store::{ChannelRow, Epoch, EventKind, LeaseLost, Missed, Store, StoreError};

/// How many times in a challenge period.
const TIMES: u64 = 5;

/// Compares the ledger with the contract.
#[derive(Debug)]
pub struct Auditor {
    node: Node,
    store: Store,
    epoch: Epoch,
    health: Arc<HealthBoard>,
    interval: Duration,
    /// The block of the last comparison.
    last: Option<u64>,
}

#[derive(Debug, thiserror::Error)]
enum AuditError {
    #[error(transparent)]
    Node(#[from] NodeError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Auditor {
    /// Of this ledger by this node, under the lease of `epoch`. Whether it is time is looked at every `interval`.
    pub fn new(node: Node, store: Store, epoch: Epoch, health: Arc<HealthBoard>, interval: Duration) -> Self {
        Self { node, store, epoch, health, interval, last: None }
    }

    /// Audits as long as this process leads.
    pub async fn run(mut self) -> LeaseLost {
        loop {
            if self.health.follows_chain() {
                match self.round().await {
                    Ok(()) => {}
                    Err(AuditError::Store(StoreError::LeaseLost(lost))) => return lost,
                    Err(error) => {
                        tracing::warn!(
                            %error,
                            "the channels could not be compared with the contract, trying again"
                        );
                    }
                }
            }
            tokio::time::sleep(self.interval).await;
        }
    }

    async fn round(&mut self) -> Result<(), AuditError> {
        let (Some(position), Some(bound)) = (self.store.position().await?, self.store.bound()) else {
            return Ok(());
        };
        let Some(believed) = position.confirmed_below.checked_sub(1) else { return Ok(()) };
        let period = bound.binding.challenge_period / TIMES;
        if self.last.is_some_and(|last| believed >= last && believed < last.saturating_add(period)) {
            return Ok(());
        }
        let rows = self.store.with_unclaimed().await?;
        for rows in rows.chunks(BATCH) {
            let keys: Vec<_> = rows.iter().map(|row| row.key).collect();
            let infos = self.node.channel_infos(&keys, believed).await?;
            for (row, info) in rows.iter().zip(infos) {
                self.compare(row, info, believed, bound.binding.challenge_period).await?;
            }
        }
        tracing::debug!(channels = rows.len(), block = believed, "compared with the contract");
        self.last = Some(believed);
        Ok(())
    }

    async fn compare(
        &self,
        row: &ChannelRow,
        info: Option<ChannelInfo>,
        believed: u64,
        challenge_period: u64,
    ) -> Result<(), StoreError> {
        let missed = missed(row, info, believed, challenge_period);
        // What was read since the list was made is no difference: then nothing is noted.
        if !missed.is_empty() && self.store.note_missed(self.epoch, *row, believed, missed.clone()).await? {
            tracing::error!(
                channel = format!("{}/{}", row.key.sender, row.key.open_block),
                block = believed,
                ?missed,
                "the node's log entries lack events that the contract shows: noted"
            );
        }
        Ok(())
    }
}

/// The events that must have happened for the contract to say this as of block `believed`.
fn missed(row: &ChannelRow, info: Option<ChannelInfo>, believed: u64, challenge_period: u64) -> Vec<Missed> {
    let at = |kind, block, amount| Missed { kind, block, amount };
    let Some(info) = info else {
        // At which balance is not known, and does not matter any more.
        return vec![at(EventKind::Settled, believed, row.balance)];
    };
    let mut missed = Vec::new();
    if let Some(added) = info.deposit.checked_sub(row.deposit).filter(|added| !added.is_zero()) {
        missed.push(at(EventKind::ToppedUp, believed, added));
    }
    if let Some(more) = info.withdrawn.checked_sub(row.withdrawn).filter(|more| !more.is_zero()) {
        missed.push(at(EventKind::Withdrawn, believed, more));
    }
    if let (Some((settle_block, asked)), None) = (info.closing, row.settle_block) {
        missed.push(at(EventKind::CloseRequested, settle_block.saturating_sub(challenge_period), asked));
    }
    missed
}

#[cfg(test)]
mod tests {
    use uraiden_core::wire::ChannelKey;
    use uraiden_core::{Address, BlockNumber, TokenAmount};

    use super::*;
    use crate::store::OnChain;

    fn row() -> ChannelRow {
        ChannelRow {
            key: ChannelKey { sender: Address([1; 20]), open_block: BlockNumber(10) },
            on_chain: OnChain::Open,
            deposit: TokenAmount::new(100),
            withdrawn: TokenAmount::new(20),
            settle_block: None,
            asked_balance: None,
            balance: TokenAmount::new(60),
            signature: None,
            undo: None,
            credit: TokenAmount::ZERO,
            take_backs: 0,
            closing_balance: None,
            held_generation: None,
            created_at: 0,
            updated_at: 0,
        }
    }

    fn info() -> ChannelInfo {
        ChannelInfo { deposit: TokenAmount::new(100), closing: None, withdrawn: TokenAmount::new(20) }
    }

    fn found(info: Option<ChannelInfo>) -> Vec<(EventKind, u64, u64)> {
        let units = |amount: TokenAmount| amount.to_string().parse().unwrap();
        missed(&row(), info, 99, 500)
            .iter()
            .map(|event| (event.kind, event.block, units(event.amount)))
            .collect()
    }

    #[test]
    fn a_difference_is_an_event_that_was_missed() {
        assert_eq!(found(Some(info())), []);
        assert_eq!(found(None), [(EventKind::Settled, 99, 60)]);
        let more = ChannelInfo { deposit: TokenAmount::new(130), withdrawn: TokenAmount::new(25), ..info() };
        assert_eq!(found(Some(more)), [(EventKind::ToppedUp, 99, 30), (EventKind::Withdrawn, 99, 5)]);
        let closing = ChannelInfo { closing: Some((590, TokenAmount::new(7))), ..info() };
        assert_eq!(found(Some(closing)), [(EventKind::CloseRequested, 90, 7)]);
    }

    #[test]
    fn what_is_known_already_was_not_missed() {
        let closing = ChannelInfo { closing: Some((590, TokenAmount::new(7))), ..info() };
        let known = ChannelRow { on_chain: OnChain::Closing, settle_block: Some(590), ..row() };
        assert_eq!(missed(&known, Some(closing), 99, 500), []);
    }
}

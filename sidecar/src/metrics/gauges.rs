//! Figures of the whole, read when somebody asks. None costs a walk over all channels more than once a block.

use std::sync::Arc;

use alloy::primitives::U256;
use metrics::gauge;
use uraiden_core::wire::Health;

use super::names;
use crate::collect::Alarms;
use crate::health::HealthBoard;
use crate::store::{Store, StoreError};

/// Where the figures come from.
#[derive(Clone, Debug)]
pub struct Gauges {
    /// The ledger.
    pub store: Store,
    /// Whether paid requests can be served.
    pub health: Arc<HealthBoard>,
    /// The challenges of the moment.
    pub alarms: Arc<Alarms>,
}

impl Gauges {
    /// Reads all of them.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotRead`].
    pub async fn read(&self) -> Result<(), StoreError> {
        let truth = |name, holds: bool| gauge!(name).set(f64::from(u8::from(holds)));
        truth(names::READY, self.health.health() == Health::Ready);
        truth(names::IN_SYNC, self.health.follows_chain());
        truth(names::LEADER, self.health.leads());
        truth(names::INCIDENT, self.health.has_incident());

        let alarms = self.alarms.list();
        let troubled = alarms.iter().filter(|alarm| alarm.trouble.is_some()).count();
        gauge!(names::CHALLENGES).set(alarms.len() as f64);
        gauge!(names::CHALLENGES_TROUBLED).set(troubled as f64);
        // The most urgent is the first.
        let blocks_left = alarms.first().map_or(f64::NAN, |alarm| alarm.blocks_left as f64);
        gauge!(names::BLOCKS_LEFT).set(blocks_left);

        let generation = self.store.bound().map_or(0, |bound| bound.ledger.generation);
        gauge!(names::GENERATION).set(generation as f64);
        let (tip, totals) = self.store.totals().await?;
        gauge!(names::READ_BLOCK).set(tip.next_block.saturating_sub(1) as f64);
        gauge!(names::LAG)
            .set(self.health.node_block().saturating_sub(tip.next_block.saturating_sub(1)) as f64);
        let pending = totals.pending_channels.saturating_sub(totals.held_channels);
        for (state, channels) in
            names::STATES.iter().zip([totals.open_channels, pending, totals.held_channels])
        {
            gauge!(names::CHANNELS, "state" => *state).set(channels as f64);
        }
        let base_units = |name, sum: U256| gauge!(name).set(f64::from(sum));
        base_units(names::DEPOSITS, totals.deposit_sum);
        base_units(names::UNCLAIMED, totals.unclaimed_sum);
        base_units(names::CLAIMABLE, totals.claimable_sum);
        Ok(())
    }
}

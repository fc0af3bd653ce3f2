//! Challenges that are not done yet, for operators to see.

use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use uraiden_core::TokenAmount;
use uraiden_core::wire::ChannelKey;

/// A channel whose sender takes less than we hold, until the chain has settled it at what we hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Alarm {
    /// Which channel.
    #[serde(flatten)]
    pub channel: ChannelKey,
    /// What we claim.
    pub balance: TokenAmount,
    /// Blocks until the sender can settle; 0 where he can already.
    pub blocks_left: u64,
    /// Why it is not done yet; `None` where a transaction is on its way.
    pub trouble: Option<String>,
}

/// The challenges of the moment.
#[derive(Debug, Default)]
pub struct Alarms(Mutex<Vec<Alarm>>);

impl Alarms {
    /// All of them, the most urgent first.
    pub fn list(&self) -> Vec<Alarm> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// These, and no others.
    pub fn set(&self, mut alarms: Vec<Alarm>) {
        alarms.sort_by_key(|alarm| alarm.blocks_left);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = alarms;
    }
}

//! What a leader says of itself in the lease's row.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::collect::{Alarm, Alarms};
use crate::health::HealthBoard;

/// The most challenges that are told, so that a word stays short.
const MAX_ALARMS: usize = 100;

/// One word. Fields that are unknown are left out: they are a newer sidecar's.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Word {
    /// How long ago the leader was at the head of the chain, in milliseconds; `None` where it has lost it.
    in_step_ago: Option<u64>,
    /// Why it has.
    reason: Option<String>,
    /// The most urgent challenges.
    challenges: Vec<Alarm>,
}

impl Word {
    /// What there is to say now.
    pub(super) fn of(health: &HealthBoard, alarms: &Alarms) -> Self {
        let mut challenges = alarms.list();
        challenges.truncate(MAX_ALARMS);
        match health.step() {
            Ok(ago) => {
                let ago = u64::try_from(ago.as_millis()).unwrap_or(u64::MAX);
                Self { in_step_ago: Some(ago), reason: None, challenges }
            }
            Err(reason) => Self { in_step_ago: None, reason: Some(reason), challenges },
        }
    }

    /// Believes it.
    pub(super) fn heed(self, health: &HealthBoard, alarms: &Alarms) {
        health.heard(match self.in_step_ago {
            Some(ago) => Ok(Duration::from_millis(ago)),
            None => Err(self.reason.unwrap_or_default()),
        });
        alarms.set(self.challenges);
    }
}

#[cfg(test)]
mod tests {
    use uraiden_core::wire::{ChannelKey, Health};
    use uraiden_core::{Address, BlockNumber, TokenAmount};

    use super::*;

    fn board() -> HealthBoard {
        HealthBoard::new(Duration::from_secs(60))
    }

    /// What stands in the row, and back.
    fn told(word: &Word) -> Word {
        serde_json::from_str(&serde_json::to_string(word).unwrap()).unwrap()
    }

    #[test]
    fn who_hears_a_leader_is_ready_and_sees_the_challenges_as_it_does() {
        let (health, alarms) = (board(), Alarms::default());
        health.in_step();
        let channel = ChannelKey { sender: Address([1; 20]), open_block: BlockNumber(10) };
        let alarm = Alarm { channel, balance: TokenAmount::new(7), blocks_left: 3, trouble: None };
        alarms.set(vec![alarm.clone(); MAX_ALARMS + 1]);

        let (heard_health, heard_alarms) = (board(), Alarms::default());
        told(&Word::of(&health, &alarms)).heed(&heard_health, &heard_alarms);
        assert!(heard_health.is_ready());
        assert_eq!(heard_alarms.list(), vec![alarm; MAX_ALARMS]);
    }

    #[test]
    fn a_leader_without_a_chain_says_why() {
        let health = board();
        health.out_of_step("syncing".to_owned());
        let heard = board();
        told(&Word::of(&health, &Alarms::default())).heed(&heard, &Alarms::default());
        assert_eq!(heard.health(), Health::NotReady { reason: "syncing".to_owned() });
    }

    #[test]
    fn what_was_long_ago_is_no_newer_for_being_told() {
        let health = HealthBoard::new(Duration::from_secs(1));
        Word { in_step_ago: Some(5000), reason: None, challenges: Vec::new() }
            .heed(&health, &Alarms::default());
        assert!(!health.is_ready());
    }
}

//! Wrong balances in requests to close. The balance is all that such a request needs, so it must not be guessed.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use uraiden_core::wire::ChannelKey;

/// Wrong balances that a channel may be asked to close at in an hour.
pub(super) const ALLOWED: u32 = 5;

const PERIOD: Duration = Duration::from_secs(3600);

/// Above this many channels, those whose hour is over are forgotten.
const SWEEP_ABOVE: usize = 1024;

/// Counts guesses by channel and hour.
#[derive(Debug, Default)]
pub(super) struct Guesses(Mutex<HashMap<ChannelKey, Count>>);

#[derive(Clone, Copy, Debug)]
struct Count {
    since: Instant,
    wrong: u32,
}

impl Guesses {
    /// Counts a guess before it is looked at, so that many at once are not looked at together. `false` where this one
    /// must not be looked at.
    pub(super) fn admit(&self, channel: ChannelKey) -> bool {
        let now = Instant::now();
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() > SWEEP_ABOVE {
            counts.retain(|_, count| now.duration_since(count.since) < PERIOD);
        }
        let count = counts.entry(channel).or_insert(Count { since: now, wrong: 0 });
        if now.duration_since(count.since) >= PERIOD {
            *count = Count { since: now, wrong: 0 };
        }
        if count.wrong >= ALLOWED {
            return false;
        }
        count.wrong += 1;
        true
    }

    /// Takes back an admitted guess that was not wrong.
    pub(super) fn forgive(&self, channel: ChannelKey) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&channel) {
            count.wrong = count.wrong.saturating_sub(1);
            if count.wrong == 0 {
                counts.remove(&channel);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uraiden_core::{Address, BlockNumber};

    use super::*;

    #[test]
    fn five_wrong_guesses_are_looked_at_and_right_ones_do_not_count() {
        let guesses = Guesses::default();
        let [a, b] = [1, 2].map(|n| ChannelKey { sender: Address([n; 20]), open_block: BlockNumber(1) });
        for _ in 0..20 {
            assert!(guesses.admit(a));
            guesses.forgive(a);
        }
        for _ in 0..ALLOWED {
            assert!(guesses.admit(a));
        }
        assert!(!guesses.admit(a));
        assert!(guesses.admit(b));
    }
}

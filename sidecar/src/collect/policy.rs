//! Withdrawing without being told to.

use std::time::Duration;

use uraiden_core::TokenAmount;

use crate::store::Unclaimed;

/// When to withdraw from an open channel; nothing said, never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// When more than this is unclaimed, in base units.
    pub above: Option<TokenAmount>,
    /// When something is unclaimed and the last withdrawal, or the opening, is this long ago.
    pub after: Option<Duration>,
}

impl Policy {
    /// Whether there is anything to look for.
    pub(super) fn is_set(&self) -> bool {
        *self != Self::default()
    }

    /// Judges a channel at `now`, in milliseconds since 1970.
    pub(super) fn wants(&self, channel: &Unclaimed, now: u64) -> bool {
        if channel.amount.is_zero() {
            return false;
        }
        let age = Duration::from_millis(now.saturating_sub(channel.since));
        self.above.is_some_and(|above| channel.amount > above) || self.after.is_some_and(|after| age >= after)
    }
}

#[cfg(test)]
mod tests {
    use uraiden_core::wire::ChannelKey;
    use uraiden_core::{Address, BlockNumber};

    use super::*;

    #[test]
    fn what_is_much_or_old_is_withdrawn() {
        let key = ChannelKey { sender: Address([1; 20]), open_block: BlockNumber(10) };
        for (above, after, amount, age, wanted) in [
            (None, None, 100, 100, false),
            (Some(50), None, 50, 100, false), // not more than that
            (Some(50), None, 51, 0, true),
            (None, Some(60), 1, 59, false),
            (None, Some(60), 1, 60, true),
            (None, Some(60), 0, 60, false), // nothing to withdraw
            (Some(50), Some(60), 51, 0, true),
            (Some(50), Some(60), 1, 60, true),
            (Some(50), Some(60), 50, 59, false),
        ] {
            let policy =
                Policy { above: above.map(TokenAmount::new), after: after.map(Duration::from_millis) };
            let channel = Unclaimed { key, amount: TokenAmount::new(amount), since: 1000 };
            let found = policy.wants(&channel, 1000 + age);
            assert_eq!(found, wanted, "above {above:?}, after {after:?}: {amount}, {age} ms old");
        }
    }
}

//! What the confirmed events of a channel add up to.

use uraiden_core::TokenAmount;

use super::EventKind;
use super::row::OnChain;

/// The columns of a channel that only the chain decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Folded {
    pub(super) on_chain: OnChain,
    pub(super) deposit: TokenAmount,
    pub(super) withdrawn: TokenAmount,
    pub(super) settle_block: Option<u64>,
    pub(super) asked_balance: Option<TokenAmount>,
}

/// What the fold needs of an event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) block: u64,
    pub(super) kind: EventKind,
    pub(super) amount: TokenAmount,
}

/// Adds up the events of one channel, in their order on the chain. Those from block `confirmed_below` on are not
/// believed, but an opening among them makes the channel known.
pub(super) fn fold(steps: &[Step], confirmed_below: u64, challenge_period: u64) -> Folded {
    let opened = steps.iter().any(|step| step.kind == EventKind::Opened);
    let mut folded = Folded {
        on_chain: if opened { OnChain::Unconfirmed } else { OnChain::Absent },
        deposit: TokenAmount::ZERO,
        withdrawn: TokenAmount::ZERO,
        settle_block: None,
        asked_balance: None,
    };
    // The contract holds sums below 2^192; a sum above is no sum of its events, and is not believed.
    let sum = |total: TokenAmount, added| total.checked_add(added).unwrap_or(total);
    for step in steps.iter().filter(|step| step.block < confirmed_below) {
        match step.kind {
            EventKind::Opened => {
                folded.on_chain = OnChain::Open;
                folded.deposit = sum(folded.deposit, step.amount);
            }
            EventKind::ToppedUp => folded.deposit = sum(folded.deposit, step.amount),
            EventKind::Withdrawn => folded.withdrawn = sum(folded.withdrawn, step.amount),
            EventKind::CloseRequested => {
                folded.on_chain = OnChain::Closing;
                folded.settle_block = Some(step.block.saturating_add(challenge_period));
                folded.asked_balance = Some(step.amount);
            }
            EventKind::Settled => folded.on_chain = OnChain::Settled,
        }
    }
    // Without its opening nothing of a channel is believed: the events before the start block are not read.
    if !opened {
        folded.on_chain = OnChain::Absent;
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(events: &[(u64, EventKind, u64)]) -> Vec<Step> {
        events
            .iter()
            .map(|&(block, kind, amount)| Step { block, kind, amount: TokenAmount::new(amount) })
            .collect()
    }

    #[test]
    fn only_confirmed_events_count_and_an_unconfirmed_opening_is_known() {
        use EventKind::*;
        let life = steps(&[
            (10, Opened, 100),
            (12, ToppedUp, 50),
            (14, Withdrawn, 20),
            (16, CloseRequested, 7),
            (18, Settled, 7),
        ]);
        for (confirmed_below, on_chain, deposit, withdrawn, settle_block) in [
            (10, OnChain::Unconfirmed, 0, 0, None),
            (11, OnChain::Open, 100, 0, None),
            (13, OnChain::Open, 150, 0, None),
            (15, OnChain::Open, 150, 20, None),
            (17, OnChain::Closing, 150, 20, Some(516)),
            (19, OnChain::Settled, 150, 20, Some(516)),
        ] {
            let expected = Folded {
                on_chain,
                deposit: TokenAmount::new(deposit),
                withdrawn: TokenAmount::new(withdrawn),
                settle_block,
                asked_balance: settle_block.map(|_| TokenAmount::new(7)),
            };
            assert_eq!(fold(&life, confirmed_below, 500), expected, "confirmed below {confirmed_below}");
        }
    }

    #[test]
    fn a_channel_without_its_opening_does_not_exist() {
        use EventKind::*;
        assert_eq!(fold(&[], 99, 500).on_chain, OnChain::Absent);
        let rest = steps(&[(12, ToppedUp, 50), (18, Settled, 7)]);
        assert_eq!(fold(&rest, 99, 500).on_chain, OnChain::Absent);
    }
}

//! Which channels are closed from our side.

use uraiden_core::TokenAmount;

use super::policy::Policy;
use crate::store::{ChannelRow, HeldProof, OnChain};

/// When it is worth it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Below this much that is not withdrawn yet, in base units, a channel is given up.
    pub min_challenge: TokenAmount,
    /// Blocks that a sender has after the challenge period to settle.
    pub settle_grace: u64,
    /// When to withdraw from channels that stay open.
    pub withdraw: Policy,
}

/// Why a channel that its sender asked to close is closed from our side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// The sender asks for less than we hold.
    Challenge,
    /// The sender asks for enough, and does not settle. Nobody else can bring that money home.
    Unsettled,
}

impl Rules {
    /// Judges a channel of which `proof` can be claimed, when the newest block is `head`.
    pub fn judge(&self, row: &ChannelRow, proof: &HeldProof, head: u64) -> Option<Due> {
        let (OnChain::Closing, Some(asked), Some(settle_block)) =
            (row.on_chain, row.asked_balance, row.settle_block)
        else {
            return None;
        };
        let unclaimed = proof.balance.checked_sub(row.withdrawn).unwrap_or_default();
        let worth_it = unclaimed >= self.min_challenge;
        if asked < proof.balance && worth_it {
            return Some(Due::Challenge);
        }
        let late = head > settle_block.saturating_add(self.settle_grace);
        // An original contract settles nothing below what was withdrawn, so that the sender could not if he would.
        let stuck = asked < row.withdrawn;
        (late && (stuck || (worth_it && !unclaimed.is_zero()))).then_some(Due::Unsettled)
    }
}

#[cfg(test)]
mod tests {
    use uraiden_core::wire::ChannelKey;
    use uraiden_core::{Address, BlockNumber, Signature};

    use super::*;

    const SETTLE_BLOCK: u64 = 600;
    const GRACE: u64 = 100;

    fn judge(asked: u64, held: u64, withdrawn: u64, min_challenge: u64, head: u64) -> Option<Due> {
        let signature = Signature::from_bytes(&[27; 65]).unwrap();
        let row = ChannelRow {
            key: ChannelKey { sender: Address([1; 20]), open_block: BlockNumber(10) },
            on_chain: OnChain::Closing,
            deposit: TokenAmount::new(100),
            withdrawn: TokenAmount::new(withdrawn),
            settle_block: Some(SETTLE_BLOCK),
            asked_balance: Some(TokenAmount::new(asked)),
            balance: TokenAmount::new(held),
            signature: Some(signature),
            undo: None,
            credit: TokenAmount::ZERO,
            take_backs: 0,
            closing_balance: None,
            held_generation: None,
            created_at: 0,
            updated_at: 0,
        };
        let rules = Rules {
            min_challenge: TokenAmount::new(min_challenge),
            settle_grace: GRACE,
            withdraw: Policy::default(),
        };
        rules.judge(&row, &HeldProof { balance: row.balance, signature }, head)
    }

    #[test]
    fn a_close_request_is_answered_by_what_it_takes_from_us() {
        use Due::{Challenge, Unsettled};
        let (early, late) = (SETTLE_BLOCK + GRACE, SETTLE_BLOCK + GRACE + 1);
        for (asked, held, withdrawn, min_challenge, head, due) in [
            (0, 60, 0, 0, 101, Some(Challenge)),
            (59, 60, 0, 0, 101, Some(Challenge)), // one unit
            (0, 60, 60, 0, 101, Some(Challenge)), // all of it withdrawn: only minChallenge says otherwise
            (0, 60, 0, 0, late, Some(Challenge)), // until it is settled the challenge still wins
            (0, 60, 0, 60, 101, Some(Challenge)), // exactly worth it
            (0, 60, 1, 60, 101, None),            // one unit short
            (1, 60, 1, 60, late, None),
            (60, 60, 0, 0, 101, None),               // fair
            (61, 60, 0, 0, 101, None),               // generous
            (60, 60, 0, 0, early, None),             // still in the grace
            (60, 60, 0, 0, late, Some(Unsettled)),   // fair, but never settled
            (60, 60, 60, 0, late, None),             // nothing left to bring home
            (10, 60, 20, 60, late, Some(Unsettled)), // below what was withdrawn: nobody else could close it
            (10, 60, 20, 60, early, None),
        ] {
            let found = judge(asked, held, withdrawn, min_challenge, head);
            assert_eq!(
                found, due,
                "{asked} of {held}, {withdrawn} withdrawn, min {min_challenge}, head {head}"
            );
        }
    }
}

//! What to offer for a transaction, in wei per gas.

use crate::chain::Market;

/// An offer, as EIP-1559 has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fees {
    /// The most that is paid.
    pub(super) max: u128,
    /// The part of it for whoever includes the transaction.
    pub(super) priority: u128,
}

/// Nodes take a replacement only if both figures grow by an eighth.
const STEP: u128 = 8;

/// No offer is more than this many times what the market asks: what sticks then does not stick for its price.
const CEILING: u128 = 10;

impl Fees {
    /// Pays twice the current base fee, and for a place in front.
    pub(super) fn of(market: Market) -> Self {
        let priority = market.priority_fee.max(market.base_fee / STEP).max(1);
        Self { max: market.base_fee.saturating_mul(2).saturating_add(priority), priority }
    }

    /// The next offer for a transaction that sticks at this one. `None` where more would not help.
    pub(super) fn raised(self, market: Market) -> Option<Self> {
        let asked = Self::of(market);
        let least = self.least_replacement();
        let raised = Self { max: least.max.max(asked.max), priority: least.priority.max(asked.priority) };
        let raised = Self { max: raised.max.max(raised.priority), ..raised };
        (raised.max <= asked.max.saturating_mul(CEILING)).then_some(raised)
    }

    /// The smallest offer that replaces this one.
    fn least_replacement(self) -> Self {
        let more = |fee: u128| fee.saturating_add(fee / STEP).saturating_add(1);
        Self { max: more(self.max), priority: more(self.priority) }
    }

    /// This offer, or the best that `per_gas` wei pay for, as long as that is included at the current base fee and
    /// replaces `last`.
    pub(super) fn within(self, per_gas: u128, market: Market, last: Option<Self>) -> Option<Self> {
        if self.max <= per_gas {
            return Some(self);
        }
        let least = last.map_or(Self { max: 0, priority: 1 }, Self::least_replacement);
        let spare = per_gas.checked_sub(market.base_fee).filter(|spare| *spare > 0)?;
        let poor = Self { max: per_gas, priority: self.priority.min(spare) };
        (poor.max >= least.max && poor.priority >= least.priority).then_some(poor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKET: Market = Market { base_fee: 800, priority_fee: 7 };

    #[test]
    fn an_offer_bears_a_base_fee_that_doubles() {
        assert_eq!(Fees::of(MARKET), Fees { max: 1700, priority: 100 });
        let busy = Market { priority_fee: 300, ..MARKET };
        assert_eq!(Fees::of(busy), Fees { max: 1900, priority: 300 });
        assert_eq!(Fees::of(Market { base_fee: 0, priority_fee: 0 }), Fees { max: 1, priority: 1 });
    }

    #[test]
    fn a_replacement_is_at_least_an_eighth_higher_and_follows_the_market() {
        let first = Fees::of(MARKET);
        assert_eq!(first.raised(MARKET), Some(Fees { max: 1913, priority: 113 }));
        let spike = Market { base_fee: 8000, priority_fee: 7 };
        assert_eq!(first.raised(spike), Some(Fees { max: 17000, priority: 1000 }));
        for fee in [1, 7, 8, 9, 1_000_000_007] {
            let raised = Fees { max: fee, priority: fee }.least_replacement();
            assert!(raised.max * 8 >= fee * 9, "{fee}: {raised:?}");
        }
    }

    #[test]
    fn raising_ends_where_more_does_not_help() {
        let mut fees = Fees::of(MARKET);
        let mut raises = 0;
        while let Some(raised) = fees.raised(MARKET) {
            fees = raised;
            raises += 1;
        }
        assert_eq!(raises, 19);
        assert!(fees.max <= 17_000, "{fees:?}");
    }

    #[test]
    fn a_small_purse_offers_what_it_has_if_that_is_enough() {
        let offer = Fees::of(MARKET);
        assert_eq!(offer.within(1700, MARKET, None), Some(offer));
        assert_eq!(offer.within(1699, MARKET, None), Some(Fees { max: 1699, priority: 100 }));
        assert_eq!(offer.within(801, MARKET, None), Some(Fees { max: 801, priority: 1 }));
        assert_eq!(offer.within(800, MARKET, None), None);
        let last = Some(Fees { max: 1000, priority: 50 });
        assert_eq!(offer.within(1126, MARKET, last), Some(Fees { max: 1126, priority: 100 }));
        assert_eq!(offer.within(1125, MARKET, last), None);
    }
}

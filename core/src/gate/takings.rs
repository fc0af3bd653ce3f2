//! Sums of money for counters that hold 64 bits.

use core::num::NonZero;

use super::routes::Label;
use crate::TokenAmount;

/// Divides amounts by a unit, and keeps what is left for the next time, so that the sum is right.
pub(super) struct Takings {
    unit: NonZero<u64>,
    /// By label, less than a unit each.
    left: Vec<u64>,
}

impl Takings {
    /// `unit` is in base units of the token.
    pub(super) fn new(unit: NonZero<u64>) -> Self {
        Self { unit, left: Vec::new() }
    }

    /// How many whole units this amount and what was left make.
    pub(super) fn take(&mut self, label: Label, amount: TokenAmount) -> u64 {
        let place = label.place();
        if self.left.len() <= place {
            self.left.resize(place.saturating_add(1), 0);
        }
        let Some(left) = self.left.get_mut(place) else { return 0 };
        let sum = amount.checked_add(TokenAmount::new(*left)).unwrap_or(TokenAmount::MAX);
        let (units, rest) = sum.div_rem(self.unit);
        *left = rest;
        units.to_u64().unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_base_unit_is_lost_by_dividing() {
        let mut takings = Takings::new(NonZero::new(1000).unwrap());
        let counted: u64 = (0..7).map(|_| takings.take(Label::DEFAULT, TokenAmount::new(300))).sum();
        assert_eq!(counted, 2);
        assert_eq!(takings.take(Label::ROUTE, TokenAmount::new(999)), 0, "each label has its own rest");
        assert_eq!(takings.take(Label::DEFAULT, TokenAmount::new(900)), 1);
        assert_eq!(takings.take(Label::DEFAULT, TokenAmount::MAX), u64::MAX);
    }
}

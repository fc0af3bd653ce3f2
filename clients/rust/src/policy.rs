//! What a session may spend, lock up and wait for.

use std::time::Duration;

use uraiden_core::{Address, Price, TokenAmount};

use crate::Error;
use crate::charge::Terms;

/// The limits of a session. What lies beyond them is refused before anything is signed.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The most that one request may cost.
    pub max_price: TokenAmount,
    /// The most that one channel may hold, top-ups included: what a dishonest server could keep at the worst.
    pub max_deposit: TokenAmount,
    /// What a new channel gets, and what a top-up adds. [`Policy::max_deposit`] caps it.
    pub deposit: Deposit,
    /// Only this contract; any where `None`.
    pub contract: Option<Address>,
    /// Only this receiver; any where `None`.
    pub receiver: Option<Address>,
    /// How long one request waits for blocks: transactions mined, openings and top-ups confirmed.
    pub max_wait: Duration,
    /// The pause between two tries while waiting.
    pub poll: Duration,
    /// What to do when a payment was accepted without being served.
    pub on_lost: OnLost,
    /// The block from which channels are searched on the chain: that of the contract's deployment, or earlier.
    pub first_block: u64,
}

/// How much is locked at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deposit {
    /// So many payments of the price at that time.
    Payments(u64),
    /// This amount.
    Amount(TokenAmount),
}

/// What to do when the server holds a payment for which it did not serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnLost {
    /// Answer [`Error::PaymentLost`]; the next request pays anew.
    Stop,
    /// Pay once more for the same request, then stop.
    PayAgain,
}

impl Policy {
    /// These limits, and otherwise: ten payments a deposit, any contract and receiver, a minute of waiting in steps of
    /// half a second, stop at a lost payment, search from block 0.
    pub fn new(max_price: TokenAmount, max_deposit: TokenAmount) -> Self {
        Self {
            max_price,
            max_deposit,
            deposit: Deposit::Payments(10),
            contract: None,
            receiver: None,
            max_wait: Duration::from_secs(60),
            poll: Duration::from_millis(500),
            on_lost: OnLost::Stop,
            first_block: 0,
        }
    }

    /// Whether these terms are within the limits.
    pub(crate) fn check(&self, terms: &Terms) -> Result<(), Error> {
        let price = terms.price.amount();
        if price > self.max_price {
            return Err(Error::PriceAboveLimit { price, limit: self.max_price });
        }
        for (what, found, wanted) in
            [("contract", terms.contract, self.contract), ("receiver", terms.receiver, self.receiver)]
        {
            if let Some(expected) = wanted.filter(|wanted| *wanted != found) {
                return Err(Error::OtherParty { what, found, expected });
            }
        }
        Ok(())
    }

    /// What to add to a deposit so that it covers `balance`: the usual amount, as far as the limit allows.
    pub(crate) fn addition(
        &self,
        deposit: TokenAmount,
        balance: TokenAmount,
        price: Price,
    ) -> Result<TokenAmount, Error> {
        let usual = match self.deposit {
            Deposit::Payments(count) => price.amount().checked_mul(count).unwrap_or(TokenAmount::MAX),
            Deposit::Amount(amount) => amount,
        };
        let too_high = Error::DepositAboveLimit { needed: balance, limit: self.max_deposit };
        let room = self.max_deposit.checked_sub(deposit).ok_or(too_high)?;
        let needed = balance.checked_sub(deposit).unwrap_or(TokenAmount::ZERO);
        if needed > room {
            return Err(Error::DepositAboveLimit { needed: balance, limit: self.max_deposit });
        }
        Ok(usual.max(needed).min(room))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deposit_covers_the_payment_and_never_passes_the_limit() {
        let policy =
            |deposit| Policy { deposit, ..Policy::new(TokenAmount::new(100), TokenAmount::new(100)) };
        let price = Price::new(TokenAmount::new(7)).unwrap();
        for (rule, deposit, balance, added) in [
            (Deposit::Payments(10), 0, 7, Some(70)),
            (Deposit::Payments(10), 70, 77, Some(30)), // up to the limit
            (Deposit::Payments(10), 98, 105, None),    // the limit does not cover it
            (Deposit::Payments(0), 0, 7, Some(7)),     // at least what is needed
            (Deposit::Amount(5.into()), 70, 77, Some(7)),
            (Deposit::Amount(1000.into()), 0, 7, Some(100)),
            (Deposit::Payments(u64::MAX), 0, 7, Some(100)),
            (Deposit::Payments(10), 200, 207, None),
        ] {
            let found = policy(rule).addition(deposit.into(), balance.into(), price);
            assert_eq!(found.ok(), added.map(TokenAmount::new), "{rule:?} {deposit} {balance}");
        }
    }
}

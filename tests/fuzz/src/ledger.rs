//! An honest sidecar in a page: what a gate may rely on.

use std::collections::HashMap;

use uraiden_core::TokenAmount;
use uraiden_core::channel::{ChannelState, OpenChannel};
use uraiden_core::wire::{Answer, Attempt, AttemptId, Entry};

/// The payer's channel, and what became of every attempt to pay by it.
#[derive(Default)]
pub struct Ledger {
    /// What was accepted and not taken back, in this order.
    accepted: Vec<Attempt>,
    /// What the merchant owes for, in payments: they should have been taken back, but later ones stand on them.
    owed: usize,
    attempts: HashMap<AttemptId, Fate>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// The balance moved.
    Accepted,
    /// It was paid from what the merchant owed.
    Spent,
    TakenBack,
    Credited,
}

impl Ledger {
    /// Decides one question.
    pub fn answer(&mut self, entry: &Entry) -> Answer {
        match entry {
            Entry::Lookup(_) => Answer::Channel { channel: self.channel() },
            Entry::Commit(attempt) => self.commit(attempt),
            Entry::TakeBack(attempt) => self.take_back(attempt),
        }
    }

    /// How many payments count: those that were accepted, without those that the merchant owes for.
    pub fn payments(&self) -> usize {
        self.accepted.len() - self.owed
    }

    fn commit(&mut self, attempt: &Attempt) -> Answer {
        let fate = match self.attempts.get(&attempt.id) {
            Some(fate) => *fate,
            None if attempt.balance == self.balance() && self.owed > 0 => {
                self.owed -= 1;
                Fate::Spent
            }
            None if self.balance().checked_add(attempt.price) == Some(attempt.balance) => {
                self.accepted.push(*attempt);
                Fate::Accepted
            }
            None => return Answer::Refused { channel: self.channel() },
        };
        self.attempts.insert(attempt.id, fate);
        let channel = self.channel();
        match fate {
            Fate::Accepted | Fate::Spent => Answer::Accepted { channel },
            Fate::TakenBack => Answer::TakenBack { channel },
            Fate::Credited => Answer::Credited { channel },
        }
    }

    fn take_back(&mut self, attempt: &Attempt) -> Answer {
        let fate = match self.attempts.get(&attempt.id) {
            Some(Fate::Accepted) if self.accepted.last().is_some_and(|last| last.id == attempt.id) => {
                self.accepted.pop();
                Fate::TakenBack
            }
            Some(Fate::Accepted) => {
                self.owed += 1;
                Fate::Credited
            }
            Some(Fate::Spent) => {
                self.owed += 1;
                Fate::TakenBack
            }
            Some(Fate::Credited) => Fate::Credited,
            Some(Fate::TakenBack) | None => Fate::TakenBack,
        };
        self.attempts.insert(attempt.id, fate);
        let channel = self.channel();
        if fate == Fate::Credited { Answer::Credited { channel } } else { Answer::TakenBack { channel } }
    }

    fn balance(&self) -> TokenAmount {
        self.accepted.last().map_or(TokenAmount::ZERO, |attempt| attempt.balance)
    }

    fn channel(&self) -> ChannelState {
        let price = self.accepted.last().map_or(TokenAmount::ZERO, |attempt| attempt.price);
        let owed = u64::try_from(self.owed).ok().and_then(|owed| price.checked_mul(owed));
        ChannelState::Open(OpenChannel {
            balance: self.balance(),
            signature: self.accepted.last().map(|attempt| attempt.signature),
            credit: owed.expect("a few small prices"),
            ..fresh()
        })
    }
}

/// The payer's channel before the first payment.
pub fn fresh() -> OpenChannel {
    OpenChannel::new(TokenAmount::new(1000))
}

//! An honest sidecar in a page: what a gate may rely on.

use std::collections::{HashMap, HashSet};

use uraiden_core::channel::{ChannelState, OpenChannel};
use uraiden_core::wire::{Answer, Attempt, AttemptId, Entry};
use uraiden_core::{Signature, TokenAmount};

/// The payer's channel, and what became of every attempt to pay by it.
#[derive(Default)]
pub struct Ledger {
    /// What was accepted and not taken back, in this order.
    accepted: Vec<Attempt>,
    attempts: HashMap<AttemptId, Fate>,
    /// What should have been taken back, but a later payment stands on it: the merchant owes for it.
    owed: HashSet<AttemptId>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Accepted,
    TakenBack,
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

    /// How many payments count.
    pub fn payments(&self) -> usize {
        self.accepted.len()
    }

    /// How many of them the merchant owes for.
    pub fn owed(&self) -> usize {
        self.owed.len()
    }

    fn counts(&self, attempt: AttemptId) -> bool {
        self.attempts.get(&attempt) == Some(&Fate::Accepted)
    }

    fn commit(&mut self, attempt: &Attempt) -> Answer {
        match self.attempts.get(&attempt.id) {
            Some(Fate::Accepted) => return Answer::Accepted { channel: self.channel() },
            Some(Fate::TakenBack) => return Answer::TakenBack { channel: self.channel() },
            None => {}
        }
        if self.balance().checked_add(attempt.price) != Some(attempt.balance) {
            return Answer::Refused { channel: self.channel() };
        }
        self.accepted.push(*attempt);
        self.attempts.insert(attempt.id, Fate::Accepted);
        Answer::Accepted { channel: self.channel() }
    }

    fn take_back(&mut self, attempt: &Attempt) -> Answer {
        if self.counts(attempt.id) {
            if self.accepted.last().is_none_or(|last| last.id != attempt.id) {
                self.owed.insert(attempt.id);
                return Answer::Final { channel: self.channel() };
            }
            self.accepted.pop();
            self.owed.remove(&attempt.id);
        }
        self.attempts.insert(attempt.id, Fate::TakenBack);
        Answer::TakenBack { channel: self.channel() }
    }

    fn balance(&self) -> TokenAmount {
        self.accepted.last().map_or(TokenAmount::ZERO, |attempt| attempt.balance)
    }

    fn channel(&self) -> ChannelState {
        open(self.balance(), self.accepted.last().map(|attempt| attempt.signature))
    }
}

/// The payer's channel at this balance, with a deposit of a thousand.
pub fn open(balance: TokenAmount, signature: Option<Signature>) -> ChannelState {
    ChannelState::Open(OpenChannel { deposit: TokenAmount::new(1000), balance, signature })
}

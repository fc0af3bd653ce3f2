//! What the ledger should be: the rules of money in the plainest words, without SQL, and slow.

use std::collections::HashMap;

use uraiden_core::channel::{ChannelState, OpenChannel};
use uraiden_core::wire::{Answer, Attempt, AttemptId, ChannelKey, Entry};
use uraiden_core::{Signature, TokenAmount};
use uraiden_sidecar::store::{Closing, EventKind};

use crate::chain::Chain;

/// How many payments of a channel are taken back in a row.
pub(crate) const TAKE_BACKS_IN_A_ROW: u32 = 2;

/// What an attempt led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Accepted,
    Spent,
    TakenBack,
    Credited,
    Kept,
}

impl Outcome {
    /// Whether a request may have been served for it.
    pub(crate) fn pays(self) -> bool {
        matches!(self, Self::Accepted | Self::Spent)
    }
}

/// A payment that was accepted and not taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    attempt: AttemptId,
    pub(crate) balance: u64,
    pub(crate) signature: Signature,
}

#[derive(Debug, Default)]
pub(crate) struct Channel {
    /// Accepted and not taken back, the latest last. What is claimed is the last one's balance.
    pub(crate) steps: Vec<Step>,
    /// Whether the last one may still be taken back.
    undoable: bool,
    pub(crate) credit: u64,
    take_backs: u32,
    pub(crate) closing: Option<u64>,
}

impl Channel {
    pub(crate) fn balance(&self) -> u64 {
        self.steps.last().map_or(0, |step| step.balance)
    }
}

#[derive(Default)]
pub(crate) struct Model {
    pub(crate) channels: HashMap<ChannelKey, Channel>,
    pub(crate) attempts: HashMap<AttemptId, (Attempt, Outcome)>,
}

impl Model {
    /// The right answer to an entry, which takes effect. `proves` says whether a signature is the sender's over this
    /// balance, `judged` whether new payments are accepted at all.
    pub(crate) fn answer(
        &mut self,
        entry: &Entry,
        chain: &Chain,
        judged: bool,
        proves: impl Fn(&Attempt) -> bool,
    ) -> Answer {
        match entry {
            Entry::Lookup(key) => Answer::Channel { channel: self.state(key, chain) },
            Entry::Commit(attempt) => self.commit(attempt, chain, judged && proves(attempt)),
            Entry::TakeBack(attempt) => self.take_back(attempt, chain),
        }
    }

    fn commit(&mut self, attempt: &Attempt, chain: &Chain, may: bool) -> Answer {
        let key = attempt.channel;
        let state = self.state(&key, chain);
        if let Some((known, outcome)) = self.attempts.get(&attempt.id) {
            if known != attempt {
                return Answer::Conflict;
            }
            return match outcome {
                Outcome::Accepted | Outcome::Spent | Outcome::Kept => Answer::Accepted { channel: state },
                Outcome::TakenBack => Answer::TakenBack { channel: state },
                Outcome::Credited => Answer::Credited { channel: state },
            };
        }
        let ChannelState::Open(open) = state else { return Answer::Refused { channel: state } };
        let (price, balance) = (small(attempt.price), small(attempt.balance));
        let channel = self.channels.entry(key).or_default();
        let outcome = if !may || price == 0 {
            None
        } else if balance == channel.balance() && channel.credit >= price {
            channel.credit -= price;
            Some(Outcome::Spent)
        } else if balance == channel.balance() + price && attempt.balance <= open.deposit {
            if channel.undoable {
                channel.take_backs = 0;
            }
            channel.steps.push(Step { attempt: attempt.id, balance, signature: attempt.signature });
            channel.undoable = true;
            Some(Outcome::Accepted)
        } else {
            None
        };
        let Some(outcome) = outcome else { return Answer::Refused { channel: state } };
        self.attempts.insert(attempt.id, (*attempt, outcome));
        Answer::Accepted { channel: self.state(&key, chain) }
    }

    fn take_back(&mut self, attempt: &Attempt, chain: &Chain) -> Answer {
        let key = attempt.channel;
        let outcome = match self.attempts.get(&attempt.id) {
            Some((known, _)) if known != attempt => return Answer::Conflict,
            None => Outcome::TakenBack,
            Some((_, Outcome::Accepted)) => self.undo(attempt),
            Some((_, Outcome::Spent)) => {
                let channel = self.channels.entry(key).or_default();
                if channel.take_backs < TAKE_BACKS_IN_A_ROW {
                    channel.take_backs += 1;
                    channel.credit += small(attempt.price);
                    Outcome::TakenBack
                } else {
                    Outcome::Kept
                }
            }
            Some((_, settled)) => *settled,
        };
        self.attempts.insert(attempt.id, (*attempt, outcome));
        let channel = self.state(&key, chain);
        match outcome {
            Outcome::TakenBack => Answer::TakenBack { channel },
            Outcome::Credited => Answer::Credited { channel },
            Outcome::Kept | Outcome::Accepted | Outcome::Spent => Answer::Final { channel },
        }
    }

    fn undo(&mut self, attempt: &Attempt) -> Outcome {
        let channel = self.channels.entry(attempt.channel).or_default();
        let last = channel.steps.last().is_some_and(|step| step.attempt == attempt.id);
        if !(last && channel.undoable) {
            channel.credit += small(attempt.price);
            return Outcome::Credited;
        }
        if channel.take_backs == TAKE_BACKS_IN_A_ROW {
            return Outcome::Kept;
        }
        channel.steps.pop();
        channel.undoable = false;
        channel.take_backs += 1;
        Outcome::TakenBack
    }

    /// A closing agreement for this balance.
    pub(crate) fn close(&mut self, key: ChannelKey, balance: u64, chain: &Chain) -> Closing {
        let (on_chain, deposit) = chain.confirmed(&key);
        let channel = self.channels.entry(key).or_default();
        match channel.closing {
            Some(marked) if marked == balance => return Closing::Marked,
            Some(_) => return Closing::OtherBalance,
            None => {}
        }
        if !chain.was_ever_seen(&key) || (!chain.is_there(&key)) {
            return Closing::Absent;
        }
        if on_chain == Some(EventKind::Settled) {
            return Closing::Settled;
        }
        if channel.steps.is_empty() {
            return Closing::NothingPaid;
        }
        if channel.balance() != balance {
            return Closing::OtherBalance;
        }
        if deposit < balance {
            return Closing::AboveDeposit { deposit: TokenAmount::new(deposit) };
        }
        channel.closing = Some(balance);
        channel.undoable = false;
        Closing::Marked
    }

    pub(crate) fn state(&self, key: &ChannelKey, chain: &Chain) -> ChannelState {
        let fresh = Channel::default();
        let channel = self.channels.get(key).unwrap_or(&fresh);
        if channel.closing.is_some() {
            return ChannelState::Closed;
        }
        if !chain.is_there(key) {
            return ChannelState::Absent;
        }
        match chain.confirmed(key) {
            (None, _) => ChannelState::Unconfirmed { missing: chain.missing(key) },
            (Some(EventKind::CloseRequested | EventKind::Settled), _) => ChannelState::Closed,
            (Some(_), deposit) => ChannelState::Open(OpenChannel {
                balance: TokenAmount::new(channel.balance()),
                signature: channel.steps.last().map(|step| step.signature),
                credit: TokenAmount::new(channel.credit),
                ..OpenChannel::new(TokenAmount::new(deposit))
            }),
        }
    }
}

/// Amounts of the model are small.
pub(crate) fn small(amount: TokenAmount) -> u64 {
    amount.to_string().parse().expect("below 2^64")
}

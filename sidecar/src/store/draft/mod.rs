//! What a transaction's batches come to: the rows that they name are read at once, every entry is decided in memory in
//! its order, and what has changed is written at once, under the condition that the rows still are as they were read.
//! Reading and writing are the database's; see `sqlite` and `postgres`.

mod commit;
mod take_back;

use std::collections::HashMap;

use uraiden_core::TokenAmount;
use uraiden_core::channel::ChannelState;
use uraiden_core::wire::{Answer, Attempt, AttemptId, ChannelKey, Entry};

use super::attempts::{Noted, Recorded};
use super::income::Earned;
use super::levels::HeldProof;
use super::row::ChannelRow;
use super::verify::Checked;
use super::{Commits, Scope};
use crate::metrics::Decision;

/// The rows of the ledger that some batches name, as they are to become.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    scope: &'a Scope,
    /// Milliseconds since 1970.
    now: u64,
    /// The first block that was not read yet.
    next_block: u64,
    pub(super) accounts: HashMap<ChannelKey, Account>,
    pub(super) attempts: HashMap<AttemptId, Noted>,
    pub(super) earned: Earned,
    /// Proofs to keep, by channel and the deposit that they are for.
    pub(super) levels: HashMap<(ChannelKey, TokenAmount), HeldProof>,
    decisions: Vec<Decision>,
}

/// One channel.
#[derive(Debug)]
pub(super) struct Account {
    /// As it was read.
    pub(super) read: ChannelRow,
    /// As it is to become.
    pub(super) row: ChannelRow,
    /// The deposits it has had, in their order; none where it was never topped up.
    deposits: Vec<TokenAmount>,
}

impl Account {
    pub(super) fn new(row: ChannelRow, deposits: Vec<TokenAmount>) -> Self {
        Self { read: row, row, deposits }
    }
}

impl<'a> Draft<'a> {
    /// Nothing yet. `now` is in milliseconds since 1970, `next_block` the first block that was not read yet.
    pub(super) fn new(scope: &'a Scope, now: u64, next_block: u64) -> Self {
        Self {
            scope,
            now,
            next_block,
            accounts: HashMap::new(),
            attempts: HashMap::new(),
            earned: Earned::default(),
            levels: HashMap::new(),
            decisions: Vec::new(),
        }
    }

    /// Decides one entry.
    pub(super) fn decide(&mut self, checked: &Checked, commits: Commits) -> Answer {
        match &checked.entry {
            Entry::Lookup(key) => Answer::Channel { channel: self.state(key) },
            Entry::Commit(attempt) => self.commit(attempt, checked.signed, commits),
            Entry::TakeBack(attempt) => self.take_back(attempt),
        }
    }

    /// The channels that change.
    pub(super) fn changed(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values().filter(|account| account.read != account.row)
    }

    /// What was decided, to be counted once it is durable: a transaction that fails decided nothing.
    pub(super) fn into_decisions(self) -> Vec<Decision> {
        self.decisions
    }

    fn state(&self, key: &ChannelKey) -> ChannelState {
        match self.accounts.get(key) {
            Some(account) => account.row.state(self.next_block, self.scope),
            None => ChannelState::Absent,
        }
    }

    fn recorded(&self, attempt: &Attempt) -> Recorded {
        self.attempts.get(&attempt.id).map_or(Recorded::Unknown, |noted| noted.compare(attempt))
    }
}

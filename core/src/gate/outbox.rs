//! The questions to the sidecar: one call at a time, everything else gathers for the next one.

use std::collections::VecDeque;

use super::strangers::{Source, Strangers};
use super::{Moment, StreamId};
use crate::wire::{Attempt, ChannelKey, Entry, MAX_ENTRIES};

/// How many questions may wait. A worker that is this far behind should refuse, not remember.
const QUEUE_BOUND: usize = 4 * MAX_ENTRIES;

/// How many take-backs may wait for a sidecar that does not answer.
const RETRY_BOUND: usize = 4 * MAX_ENTRIES;

pub(super) struct Item {
    /// Who waits for the answer, and may be gone when it comes. Several streams may wait for one lookup.
    pub(super) streams: Vec<StreamId>,
    pub(super) entry: Entry,
    /// Until when it is repeated; `None` for what is not.
    pub(super) until: Option<Moment>,
}

impl Item {
    pub(super) fn question(stream: StreamId, entry: Entry) -> Self {
        Self { streams: vec![stream], entry, until: None }
    }

    pub(super) fn take_back(stream: Option<StreamId>, attempt: Attempt, until: Moment) -> Self {
        Self { streams: stream.into_iter().collect(), entry: Entry::TakeBack(attempt), until: Some(until) }
    }

    pub(super) fn channel(&self) -> ChannelKey {
        match &self.entry {
            Entry::Lookup(channel) => *channel,
            Entry::Commit(attempt) | Entry::TakeBack(attempt) => attempt.channel,
        }
    }
}

#[derive(Default)]
pub(super) struct Outbox {
    queue: VecDeque<Item>,
    strangers: Strangers,
    under_way: Option<Vec<Item>>,
    retries: Vec<Item>,
}

impl Outbox {
    pub(super) fn is_full(&self) -> bool {
        self.queue.len() >= QUEUE_BOUND
    }

    pub(super) fn push(&mut self, item: Item) {
        self.queue.push_back(item);
    }

    /// Keeps a question about a channel that was never met. `false` where too many wait already.
    pub(super) fn push_stranger(&mut self, source: Source, item: Item) -> bool {
        self.strangers.push(source, item)
    }

    /// Keeps a take-back for the next tick. `false` where too many wait already.
    pub(super) fn retry_later(&mut self, item: Item) -> bool {
        let room = self.retries.len() < RETRY_BOUND;
        if room {
            self.retries.push(item);
        }
        room
    }

    pub(super) fn retry(&mut self) {
        self.queue.extend(self.retries.drain(..));
    }

    /// Whether something may be asked now and no call is under way.
    pub(super) fn has_work(&self, now: Moment) -> bool {
        self.under_way.is_none() && (!self.queue.is_empty() || self.strangers.has_work(now))
    }

    /// The entries of the next call, which may be none; `None` while a call is under way.
    pub(super) fn send(&mut self, now: Moment) -> Option<Vec<Entry>> {
        if self.under_way.is_some() {
            return None;
        }
        let mut items = self.strangers.take(now);
        let room = MAX_ENTRIES.saturating_sub(items.len()).min(self.queue.len());
        items.extend(self.queue.drain(..room));
        let entries = items.iter().map(|item| item.entry.clone()).collect();
        self.under_way = Some(items);
        Some(entries)
    }

    /// Ends the call that is under way.
    pub(super) fn answered(&mut self) -> Vec<Item> {
        self.under_way.take().unwrap_or_default()
    }

    /// Drops the questions of a stream that were not sent. A take-back stays.
    pub(super) fn forget(&mut self, stream: StreamId) {
        self.queue.retain(|item| !item.streams.contains(&stream) || matches!(item.entry, Entry::TakeBack(_)));
        self.strangers.forget(stream);
    }
}

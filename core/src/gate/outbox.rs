//! The questions to the sidecar: one call at a time, everything else gathers for the next one.

use core::time::Duration;
use std::collections::VecDeque;
use std::rc::Rc;

use super::routes::Label;
use super::strangers::{Source, Strangers};
use super::{Moment, StreamId};
use crate::TokenAmount;
use crate::map::Map;
use crate::trace::TraceContext;
use crate::wire::{Attempt, AttemptId, ChannelKey, Entry, EntryTrace, MAX_ENTRIES, MAX_TRACED};

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
    /// Whether its request went upstream already, so that a client that leaves has been served all the same.
    pub(super) ran: bool,
    /// What a commit charges, or what a take-back gives back of what was counted as charged.
    pub(super) charge: Option<Charge>,
    /// The trace of its request, or of the first of them.
    trace: Option<Rc<TraceContext>>,
}

/// Money that moves, for whoever counts it.
#[derive(Clone, Copy)]
pub(super) struct Charge {
    pub(super) label: Label,
    pub(super) amount: TokenAmount,
}

impl Item {
    pub(super) fn question(stream: StreamId, entry: Entry) -> Self {
        Self { streams: vec![stream], ..Self::unasked(entry) }
    }

    /// A question for which no stream waits.
    pub(super) fn unasked(entry: Entry) -> Self {
        Self { streams: Vec::new(), entry, until: None, ran: false, charge: None, trace: None }
    }

    pub(super) fn commit(stream: StreamId, attempt: Attempt, charge: Charge) -> Self {
        Self { charge: Some(charge), ..Self::question(stream, Entry::Commit(attempt)) }
    }

    pub(super) fn take_back(stream: Option<StreamId>, attempt: Attempt, until: Moment) -> Self {
        let streams = stream.into_iter().collect();
        Self { streams, until: Some(until), ..Self::unasked(Entry::TakeBack(attempt)) }
    }

    /// The same take-back, of what was counted as charged.
    pub(super) fn of(self, charge: Option<Charge>) -> Self {
        Self { charge, ..self }
    }

    /// The same for a request of this trace.
    pub(super) fn in_trace(self, trace: Option<Rc<TraceContext>>) -> Self {
        Self { trace, ..self }
    }

    pub(super) fn channel(&self) -> ChannelKey {
        match &self.entry {
            Entry::Lookup(channel) => *channel,
            Entry::Commit(attempt) | Entry::TakeBack(attempt) => attempt.channel,
        }
    }
}

/// The call that is under way.
struct Flight {
    items: Vec<Item>,
    since: Moment,
    repeat: Repeat,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Repeat {
    Never,
    Now,
    Done,
}

/// What the next call asks, and how long its answer may take.
pub(super) struct Sending {
    pub(super) entries: Vec<Entry>,
    pub(super) traces: Vec<EntryTrace>,
    pub(super) timeout: Duration,
}

pub(super) struct Outbox {
    timeout: Duration,
    queue: VecDeque<Item>,
    strangers: Strangers,
    under_way: Option<Flight>,
    retries: Vec<Item>,
    /// The channels that have a request at the upstream whose payment is not durable yet: one each.
    overlapping: Map<ChannelKey, AttemptId>,
}

impl Outbox {
    /// A call that takes longer than `timeout` has failed.
    pub(super) fn new(timeout: Duration) -> Self {
        Self {
            timeout,
            queue: VecDeque::new(),
            strangers: Strangers::default(),
            under_way: None,
            retries: Vec::new(),
            overlapping: Map::default(),
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.queue.len() >= QUEUE_BOUND
    }

    pub(super) fn push(&mut self, item: Item) {
        self.queue.push_back(item);
    }

    /// Keeps a take-back that somebody waits for: it goes with the very next call.
    pub(super) fn push_first(&mut self, item: Item) {
        self.queue.push_front(item);
    }

    /// Whether a request of this channel is at the upstream whose payment is not durable yet.
    pub(super) fn overlaps(&self, channel: &ChannelKey) -> bool {
        self.overlapping.contains_key(channel)
    }

    /// Keeps the commit of a request that goes upstream meanwhile, the only one of its channel.
    pub(super) fn push_overlapping(&mut self, commit: Item, attempt: &Attempt) {
        self.overlapping.insert(attempt.channel, attempt.id);
        self.queue.push_back(Item { ran: true, ..commit });
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

    /// Whether something may be asked now.
    pub(super) fn has_work(&self, now: impl FnOnce() -> Moment) -> bool {
        match &self.under_way {
            Some(flight) => flight.repeat == Repeat::Now,
            None => !self.queue.is_empty() || self.strangers.has_work(now),
        }
    }

    /// The next call, which may ask nothing; `None` while a call is under way.
    pub(super) fn send(&mut self, now: Moment) -> Option<Sending> {
        if let Some(flight) = &mut self.under_way {
            if flight.repeat != Repeat::Now {
                return None;
            }
            flight.repeat = Repeat::Done;
            let timeout = self.timeout.saturating_sub(now.saturating_sub(flight.since));
            return Some(Sending::of(&flight.items, timeout));
        }
        let mut items = self.strangers.take(now);
        let room = MAX_ENTRIES.saturating_sub(items.len()).min(self.queue.len());
        items.extend(self.queue.drain(..room));
        let sending = Sending::of(&items, self.timeout);
        self.under_way = Some(Flight { items, since: now, repeat: Repeat::Never });
        Some(sending)
    }

    /// Sends the call that is under way once more, with the same attempts in it, if it asked anything and there is
    /// time. `false` where it has failed for good.
    pub(super) fn repeat(&mut self, now: Moment) -> bool {
        let Some(flight) = &mut self.under_way else { return false };
        let in_time = now.saturating_sub(flight.since) < self.timeout;
        let worth_it = flight.repeat == Repeat::Never && in_time && !flight.items.is_empty();
        if worth_it {
            flight.repeat = Repeat::Now;
        }
        worth_it
    }

    /// How many answers the call that is under way should have, and when it was first made.
    pub(super) fn asked(&self) -> Option<(usize, Moment)> {
        self.under_way.as_ref().map(|flight| (flight.items.len(), flight.since))
    }

    /// Ends the call that is under way; whether it was sent twice.
    pub(super) fn answered(&mut self) -> (Vec<Item>, bool) {
        let Some(Flight { items, repeat, .. }) = self.under_way.take() else { return (Vec::new(), false) };
        for item in &items {
            free(&mut self.overlapping, item);
        }
        (items, repeat == Repeat::Done)
    }

    /// Drops the questions of a stream that will not be served. What was sent already is for nobody; take-backs stay.
    pub(super) fn forget(&mut self, stream: StreamId) {
        let overlapping = &mut self.overlapping;
        self.queue.retain(|item| {
            let stays = !item.streams.contains(&stream) || matches!(item.entry, Entry::TakeBack(_));
            if !stays {
                free(overlapping, item);
            }
            stays
        });
        for item in self.under_way.iter_mut().flat_map(|flight| &mut flight.items) {
            item.ran &= !item.streams.contains(&stream);
        }
        self.strangers.forget(stream);
    }
}

impl Sending {
    fn of(items: &[Item], timeout: Duration) -> Self {
        let traced = |(entry, item): (usize, &Item)| {
            item.trace.as_ref().map(|trace| EntryTrace { entry, context: TraceContext::clone(trace) })
        };
        Self {
            entries: items.iter().map(|item| item.entry.clone()).collect(),
            traces: items.iter().enumerate().filter_map(traced).take(MAX_TRACED).collect(),
            timeout,
        }
    }
}

/// The channel may overlap again, if this was its overlapping commit.
fn free(overlapping: &mut Map<ChannelKey, AttemptId>, item: &Item) {
    if let Entry::Commit(attempt) = &item.entry
        && overlapping.get(&attempt.channel) == Some(&attempt.id)
    {
        overlapping.remove(&attempt.channel);
    }
}

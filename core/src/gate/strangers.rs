//! Questions about channels that this worker has never met. Anyone can invent channels, so these questions have a
//! budget, and those who ask take turns by where they ask from: whoever pays is not slowed down, and a flood from one
//! place does not starve a newcomer from another.

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::collections::{HashMap, VecDeque};

use super::outbox::Item;
use super::{Moment, StreamId};

/// How many such questions one worker asks in a second, and at most at once after a silence.
///
/// A worker that starts anew has met nobody: with this many, payers of 100,000 channels are met within 100 seconds.
const PER_SECOND: u32 = 1000;

/// How many go into one call, so that the payments in it do not wait long.
const PER_CALL: usize = 32;

/// How many channels wait from one place.
const PER_SOURCE: usize = 64;

/// From how many places at a time: as many as have their turn within a second.
const SOURCES: usize = 1000;

/// Where a question comes from: an IPv4 address, or the first half of an IPv6 address, which is one customer's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Source(u64);

impl Source {
    /// The place of an address with port, as Envoy writes it. What is no address is one place of its own.
    pub(super) fn of(address: &[u8]) -> Self {
        let address = core::str::from_utf8(address).ok().and_then(|text| text.parse::<SocketAddr>().ok());
        match address.map(|address| address.ip().to_canonical()) {
            Some(IpAddr::V4(address)) => Self(u64::from(address.to_bits())),
            Some(IpAddr::V6(address)) => Self(u64::try_from(address.to_bits() >> 64).unwrap_or(u64::MAX)),
            None => Self(u64::MAX),
        }
    }
}

#[derive(Default)]
pub(super) struct Strangers {
    waiting: HashMap<Source, VecDeque<Item>>,
    /// Everyone who waits, in the order of their turns.
    turns: VecDeque<Source>,
    /// What is left of the budget at `counted`.
    allowance: u32,
    counted: Moment,
}

impl Strangers {
    /// Keeps a question for its turn, together with an equal one that waits. `false` where too many wait already.
    pub(super) fn push(&mut self, source: Source, item: Item) -> bool {
        let Some(queue) = self.waiting.get_mut(&source) else {
            let room = self.waiting.len() < SOURCES;
            if room {
                self.waiting.insert(source, VecDeque::from([item]));
                self.turns.push_back(source);
            }
            return room;
        };
        if let Some(same) = queue.iter_mut().find(|known| known.channel() == item.channel()) {
            same.streams.extend(item.streams);
            return true;
        }
        let room = queue.len() < PER_SOURCE;
        if room {
            queue.push_back(item);
        }
        room
    }

    /// Whether a question may be asked now.
    pub(super) fn has_work(&self, now: impl FnOnce() -> Moment) -> bool {
        !self.turns.is_empty() && self.allowance_at(now()) > 0
    }

    /// The questions for the next call.
    pub(super) fn take(&mut self, now: Moment) -> Vec<Item> {
        self.allowance = self.allowance_at(now);
        self.counted = now;
        let mut items = Vec::new();
        while items.len() < PER_CALL
            && self.allowance > 0
            && let Some(source) = self.turns.pop_front()
        {
            let Some(mut queue) = self.waiting.remove(&source) else { continue };
            items.extend(queue.pop_front());
            self.allowance = self.allowance.saturating_sub(1);
            if !queue.is_empty() {
                self.waiting.insert(source, queue);
                self.turns.push_back(source);
            }
        }
        items
    }

    /// Drops the questions of a stream.
    pub(super) fn forget(&mut self, stream: StreamId) {
        for queue in self.waiting.values_mut() {
            queue.retain_mut(|item| {
                let before = item.streams.len();
                item.streams.retain(|&waiting| waiting != stream);
                // What no stream ever waited for stays.
                item.streams.len() == before || !item.streams.is_empty()
            });
        }
        self.waiting.retain(|_, queue| !queue.is_empty());
        self.turns.retain(|source| self.waiting.contains_key(source));
    }

    fn allowance_at(&self, now: Moment) -> u32 {
        let passed = now.saturating_sub(self.counted).min(Duration::from_secs(1));
        let earned = passed.as_millis().saturating_mul(u128::from(PER_SECOND)).checked_div(1000).unwrap_or(0);
        self.allowance.saturating_add(u32::try_from(earned).unwrap_or(PER_SECOND)).min(PER_SECOND)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{ChannelKey, Entry};
    use crate::{Address, BlockNumber};

    const START: Moment = Duration::from_secs(1_000_000);

    /// A stream's question about a channel of its own.
    fn item(stream: StreamId) -> Item {
        asking(stream, stream)
    }

    fn asking(stream: StreamId, block: u32) -> Item {
        let channel = ChannelKey { sender: Address([1; 20]), open_block: BlockNumber(block) };
        Item::question(stream, Entry::Lookup(channel))
    }

    fn taken(strangers: &mut Strangers, now: Moment) -> Vec<StreamId> {
        strangers.take(now).into_iter().flat_map(|item| item.streams).collect()
    }

    #[test]
    fn streams_that_ask_the_same_share_one_question() {
        let mut strangers = Strangers::default();
        for stream in 0..1000 {
            assert!(strangers.push(Source(1), asking(stream, 7)));
        }
        strangers.forget(0);
        let asked = strangers.take(START);
        assert_eq!(asked.iter().map(|item| item.streams.len()).collect::<Vec<_>>(), [999]);
    }

    #[test]
    fn places_take_turns_whoever_asks_more() {
        let mut strangers = Strangers::default();
        let (flood, newcomer) = (Source::of(b"10.0.0.1:1"), Source::of(b"10.0.0.2:1"));
        let kept = (0..100).filter(|&stream| strangers.push(flood, item(stream))).count();
        assert_eq!(kept, PER_SOURCE);
        assert!(strangers.push(newcomer, item(1000)));
        assert_eq!(taken(&mut strangers, START)[..3], [0, 1000, 1]);
    }

    #[test]
    fn the_budget_is_spent_and_earned_back() {
        let mut strangers = Strangers::default();
        for stream in 0..2000 {
            assert!(strangers.push(Source(u64::from(stream % 900)), item(stream)));
        }
        let mut asked = |now| {
            let mut asked = 0;
            while strangers.has_work(|| now) {
                let call = taken(&mut strangers, now).len();
                assert!(call <= PER_CALL);
                asked += call;
            }
            asked
        };
        assert_eq!(asked(START), 1000);
        assert_eq!(asked(START + Duration::from_millis(50)), 50);
    }

    #[test]
    fn places_are_told_apart_by_address_and_not_by_port() {
        let of = |text: &str| Source::of(text.as_bytes());
        assert_eq!(of("10.0.0.1:1"), of("10.0.0.1:2"));
        assert_ne!(of("10.0.0.1:1"), of("10.0.0.2:1"));
        assert_eq!(of("[2001:db8::1]:1"), of("[2001:db8::2]:9"), "one customer has 2^64 of them");
        assert_ne!(of("[2001:db8::1]:1"), of("[2001:db8:0:1::1]:1"));
        assert_eq!(of("[::ffff:10.0.0.1]:1"), of("10.0.0.1:1"));
        assert_eq!(of("/a/pipe"), of(""));
    }

    #[test]
    fn a_stream_that_is_gone_asks_nothing() {
        let mut strangers = Strangers::default();
        assert!(strangers.push(Source(1), item(1)));
        assert!(strangers.push(Source(1), item(2)));
        assert!(strangers.push(Source(2), item(3)));
        strangers.forget(1);
        strangers.forget(3);
        assert_eq!(taken(&mut strangers, START), [2]);
        assert!(!strangers.has_work(|| START));
    }

    #[test]
    fn what_no_stream_waits_for_is_asked_all_the_same() {
        let mut strangers = Strangers::default();
        let Entry::Lookup(channel) = item(7).entry else { panic!("a lookup") };
        assert!(strangers.push(Source(1), Item::unasked(Entry::Lookup(channel))));
        assert!(strangers.push(Source(1), item(8)));
        strangers.forget(8);
        let asked = strangers.take(START);
        assert_eq!(asked.iter().map(Item::channel).collect::<Vec<_>>(), [channel]);
    }
}

//! The chain, as the sidecar's follower reads it.

use std::collections::HashSet;

use uraiden_core::TokenAmount;
use uraiden_core::wire::ChannelKey;
use uraiden_sidecar::store::{Advance, ChainEvent, EventKind};

/// Blocks on top of an event's block before it is believed.
pub(crate) const CONFIRMATIONS: u64 = 2;

/// The first block that is read.
pub(crate) const START: u64 = 10;

/// Blocks with their events, from [`START`] on.
pub(crate) struct Chain {
    blocks: Vec<Vec<(ChannelKey, EventKind, u64)>>,
    branch: u8,
    seen: HashSet<ChannelKey>,
}

impl Chain {
    pub(crate) fn new() -> Self {
        Self { blocks: Vec::new(), branch: 0, seen: HashSet::new() }
    }

    /// One more block with these events.
    pub(crate) fn mine(&mut self, events: Vec<(ChannelKey, EventKind, u64)>) -> Advance {
        let from = self.next();
        self.append(events);
        self.advance(from, false)
    }

    /// Replaces the last `depth` blocks by as many and one more. Their events come again at the same heights, with the
    /// amounts that `again` says, or not at all.
    pub(crate) fn reorganise(
        &mut self,
        depth: usize,
        mut again: impl FnMut(EventKind, u64) -> Option<u64>,
    ) -> Option<Advance> {
        let kept = self.blocks.len().checked_sub(depth).filter(|&kept| kept > 0 && depth > 0)?;
        let gone = self.blocks.split_off(kept);
        let from = self.next();
        self.branch = self.branch.wrapping_add(1);
        for events in gone {
            let events =
                events.into_iter().filter_map(|(key, kind, amount)| Some((key, kind, again(kind, amount)?)));
            let events = events.collect();
            self.append(events);
        }
        self.append(Vec::new());
        Some(self.advance(from, true))
    }

    fn append(&mut self, events: Vec<(ChannelKey, EventKind, u64)>) {
        let opened = events.iter().filter(|(_, kind, _)| *kind == EventKind::Opened);
        self.seen.extend(opened.map(|(key, _, _)| *key));
        self.blocks.push(events);
    }

    fn advance(&self, from: u64, replaces: bool) -> Advance {
        let first = usize::try_from(from - START).expect("a short chain");
        let mut events = Vec::new();
        for (block, found) in (from..).zip(&self.blocks[first..]) {
            for (log_index, (key, kind, amount)) in (0..).zip(found) {
                events.push(ChainEvent {
                    block,
                    block_hash: [self.branch; 32],
                    log_index,
                    tx_hash: [self.branch; 32],
                    channel: *key,
                    kind: *kind,
                    amount: TokenAmount::new(*amount),
                });
            }
        }
        Advance { start_block: START, from, replaces, next: self.next(), events, blocks: Vec::new() }
    }

    /// The first block that is not there yet.
    pub(crate) fn next(&self) -> u64 {
        START + u64::try_from(self.blocks.len()).expect("a short chain")
    }

    /// The events of a channel, with their blocks.
    fn events(&self, key: &ChannelKey) -> Vec<(u64, EventKind, u64)> {
        let of = |(block, events): (u64, &Vec<(ChannelKey, EventKind, u64)>)| {
            let own = events.iter().filter(|(found, _, _)| found == key);
            own.map(|(_, kind, amount)| (block, *kind, *amount)).collect::<Vec<_>>()
        };
        (START..).zip(&self.blocks).flat_map(of).collect()
    }

    /// Whether its opening is on the chain, confirmed or not.
    pub(crate) fn is_there(&self, key: &ChannelKey) -> bool {
        self.events(key).iter().any(|(_, kind, _)| *kind == EventKind::Opened)
    }

    /// Whether its opening was ever on the chain.
    pub(crate) fn was_ever_seen(&self, key: &ChannelKey) -> bool {
        self.seen.contains(key)
    }

    /// Blocks that its opening still lacks.
    pub(crate) fn missing(&self, key: &ChannelKey) -> u32 {
        let usable_from = u64::from(key.open_block.0) + CONFIRMATIONS + 1;
        u32::try_from(usable_from.saturating_sub(self.next()).max(1)).expect("few")
    }

    /// The last word on the life of a channel, confirmed or not; `None` where it is not there.
    pub(crate) fn life(&self, key: &ChannelKey) -> Option<EventKind> {
        let life = self.events(key).into_iter().map(|(_, kind, _)| kind).rfind(is_life);
        life.filter(|_| self.is_there(key))
    }

    /// The last confirmed word on the life of a channel, and its confirmed deposit.
    pub(crate) fn confirmed(&self, key: &ChannelKey) -> (Option<EventKind>, u64) {
        let below = self.next().saturating_sub(CONFIRMATIONS);
        let mut deposit = 0;
        let mut life = None;
        for (_, kind, amount) in self.events(key).into_iter().filter(|(block, _, _)| *block < below) {
            match kind {
                EventKind::Opened | EventKind::ToppedUp => deposit += amount,
                EventKind::Withdrawn | EventKind::CloseRequested | EventKind::Settled => {}
            }
            life = Some(kind).filter(is_life).or(life);
        }
        (life.filter(|_| self.is_there(key)), deposit)
    }
}

fn is_life(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Opened | EventKind::CloseRequested | EventKind::Settled)
}

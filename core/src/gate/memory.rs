//! What was last heard of channels. It may be dropped at any time without harm.

use crate::channel::ChannelState;
use crate::map::Map;
use crate::wire::{Answer, ChannelKey};

/// How many channels one worker remembers for certain, and up to twice as many: about 25 MB each time.
const CERTAIN: usize = 100_000;

struct Remembered {
    state: ChannelState,
    /// Whether no commit failed since the last one that was accepted: then a request may go upstream before its
    /// payment is durable.
    good: bool,
}

#[derive(Default)]
pub(super) struct Memory {
    recent: Map<ChannelKey, Remembered>,
    /// What was recent before, until so many others are that it goes.
    older: Map<ChannelKey, Remembered>,
}

impl Memory {
    pub(super) fn get(&self, channel: &ChannelKey) -> Option<&ChannelState> {
        self.remembered(channel).map(|remembered| &remembered.state)
    }

    /// Whether the last payments of this channel were what they seemed to be.
    pub(super) fn is_good(&self, channel: &ChannelKey) -> bool {
        self.remembered(channel).is_some_and(|remembered| remembered.good)
    }

    fn remembered(&self, channel: &ChannelKey) -> Option<&Remembered> {
        self.recent.get(channel).or_else(|| self.older.get(channel))
    }

    /// A commit of this channel was refused, or nobody knows what became of it.
    pub(super) fn doubt(&mut self, channel: &ChannelKey) {
        if let Some(remembered) = self.recent.get_mut(channel).or_else(|| self.older.get_mut(channel)) {
            remembered.good = false;
        }
    }

    /// Keeps what an answer says of a channel that takes payments; any other is worth nothing, since it is never
    /// believed.
    pub(super) fn put(&mut self, channel: ChannelKey, answer: &Answer) {
        let Some(&state) = answer.state() else { return };
        let older = self.older.remove(&channel);
        if !matches!(state, ChannelState::Open(_)) {
            self.recent.remove(&channel);
            return;
        }
        let before = self.recent.get(&channel).or(older.as_ref()).is_none_or(|remembered| remembered.good);
        let good = match answer {
            Answer::Accepted { .. } => true,
            Answer::Refused { .. } => false,
            Answer::Channel { .. }
            | Answer::TakenBack { .. }
            | Answer::Credited { .. }
            | Answer::Final { .. }
            | Answer::Conflict => before,
        };
        if self.recent.len() >= CERTAIN && !self.recent.contains_key(&channel) {
            self.older = core::mem::take(&mut self.recent);
        }
        self.recent.insert(channel, Remembered { state, good });
    }

    pub(super) fn clear(&mut self) {
        self.recent.clear();
        self.older.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::OpenChannel;
    use crate::{Address, BlockNumber, TokenAmount};

    fn key(number: usize) -> ChannelKey {
        let block = u32::try_from(number).unwrap();
        ChannelKey { sender: Address([1; 20]), open_block: BlockNumber(block) }
    }

    fn open(balance: u64) -> ChannelState {
        let balance = TokenAmount::new(balance);
        ChannelState::Open(OpenChannel { balance, ..OpenChannel::new(TokenAmount::MAX) })
    }

    fn balance(memory: &Memory, number: usize) -> Option<TokenAmount> {
        match memory.get(&key(number)) {
            Some(ChannelState::Open(open)) => Some(open.balance),
            _ => None,
        }
    }

    #[test]
    fn so_many_channels_in_turn_are_remembered_and_there_is_a_bound() {
        let mut memory = Memory::default();
        for round in 0..2 {
            for number in 0..CERTAIN {
                memory.put(key(number), &Answer::Channel { channel: open(round) });
            }
        }
        assert!((0..CERTAIN).all(|number| balance(&memory, number) == Some(TokenAmount::new(1))));
        for number in CERTAIN..5 * CERTAIN {
            memory.put(key(number), &Answer::Channel { channel: open(2) });
            assert!(balance(&memory, number + 1 - CERTAIN).is_some(), "the last so many stay");
            assert!(memory.recent.len() + memory.older.len() <= 2 * CERTAIN);
        }
        assert_eq!(balance(&memory, 0), None);
    }

    #[test]
    fn what_is_older_counts_until_something_newer_is_heard() {
        let mut memory = Memory::default();
        let state = open(1);
        memory.put(key(0), &Answer::Refused { channel: state });
        memory.put(key(1), &Answer::Accepted { channel: state });
        memory.put(key(2), &Answer::Accepted { channel: state });
        memory.older = core::mem::take(&mut memory.recent);
        assert!(!memory.is_good(&key(0)) && memory.is_good(&key(1)));
        memory.put(key(0), &Answer::Channel { channel: open(2) });
        assert!(!memory.is_good(&key(0)), "a look does not mend a doubt");
        assert_eq!(balance(&memory, 0), Some(TokenAmount::new(2)));
        memory.doubt(&key(1));
        assert!(!memory.is_good(&key(1)));
        memory.put(key(2), &Answer::Accepted { channel: ChannelState::Closed });
        assert_eq!(memory.get(&key(2)), None, "not even what is older");
        memory.clear();
        assert_eq!(memory.get(&key(1)), None);
    }
}

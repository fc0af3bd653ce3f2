//! What was last heard of channels. It may be dropped at any time without harm.

use std::collections::HashMap;

use crate::channel::ChannelState;
use crate::wire::{Answer, ChannelKey};

/// How many channels one worker remembers: about 10 MB.
const CAPACITY: usize = 50_000;

struct Remembered {
    state: ChannelState,
    /// Whether no commit failed since the last one that was accepted: then a request may go upstream before its
    /// payment is durable.
    good: bool,
}

#[derive(Default)]
pub(super) struct Memory {
    channels: HashMap<ChannelKey, Remembered>,
}

impl Memory {
    pub(super) fn get(&self, channel: &ChannelKey) -> Option<&ChannelState> {
        self.channels.get(channel).map(|remembered| &remembered.state)
    }

    /// Whether the last payments of this channel were what they seemed to be.
    pub(super) fn is_good(&self, channel: &ChannelKey) -> bool {
        self.channels.get(channel).is_some_and(|remembered| remembered.good)
    }

    /// A commit of this channel was refused, or nobody knows what became of it.
    pub(super) fn doubt(&mut self, channel: &ChannelKey) {
        if let Some(remembered) = self.channels.get_mut(channel) {
            remembered.good = false;
        }
    }

    /// Keeps what an answer says of a channel that takes payments; any other is worth nothing, since it is never
    /// believed.
    pub(super) fn put(&mut self, channel: ChannelKey, answer: &Answer) {
        let Some(&state) = answer.state() else { return };
        if !matches!(state, ChannelState::Open(_)) {
            self.channels.remove(&channel);
            return;
        }
        let before = self.channels.get(&channel).is_none_or(|remembered| remembered.good);
        let good = match answer {
            Answer::Accepted { .. } => true,
            Answer::Refused { .. } => false,
            Answer::Channel { .. }
            | Answer::TakenBack { .. }
            | Answer::Credited { .. }
            | Answer::Final { .. }
            | Answer::Conflict => before,
        };
        if self.channels.len() >= CAPACITY && !self.channels.contains_key(&channel) {
            self.channels.clear();
        }
        self.channels.insert(channel, Remembered { state, good });
    }

    pub(super) fn clear(&mut self) {
        self.channels.clear();
    }
}

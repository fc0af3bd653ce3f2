//! What was last heard of channels. It may be dropped at any time without harm.

use std::collections::HashMap;

use crate::channel::ChannelState;
use crate::wire::ChannelKey;

/// How many channels one worker remembers: about 10 MB.
const CAPACITY: usize = 50_000;

#[derive(Default)]
pub(super) struct Memory {
    channels: HashMap<ChannelKey, ChannelState>,
}

impl Memory {
    pub(super) fn get(&self, channel: &ChannelKey) -> Option<&ChannelState> {
        self.channels.get(channel)
    }

    /// Keeps the state of a channel that takes payments; any other is worth nothing, since it is never believed.
    pub(super) fn put(&mut self, channel: ChannelKey, state: ChannelState) {
        if !matches!(state, ChannelState::Open(_)) {
            self.channels.remove(&channel);
            return;
        }
        if self.channels.len() >= CAPACITY && !self.channels.contains_key(&channel) {
            self.channels.clear();
        }
        self.channels.insert(channel, state);
    }

    pub(super) fn clear(&mut self) {
        self.channels.clear();
    }
}

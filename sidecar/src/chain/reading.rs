//! Reading what is new on the chain, all of one branch, and finding out where branches part.

use std::collections::HashMap;
use std::sync::Arc;

use super::error::NodeError;
use super::incident::tell_incident;
use super::node::{Header, Node, Stretch};
use super::window::Window;
use crate::health::HealthBoard;
use crate::metrics;
use crate::store::{Advance, ChainEvent, Epoch, EventKind, REMEMBERED, Store, StoreError};

/// Why a poll led to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum PollError {
    #[error(transparent)]
    Node(#[from] NodeError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the chain was reorganised while it was read")]
    Moved,
    #[error("the node has changed to another chain")]
    OtherChain,
    #[error("the node is behind: it is at block {node}, and reading goes on with block {next}")]
    Behind { node: u64, next: u64 },
    #[error("the node's newest block is {block}, {age} s old, where at most {max} s are allowed")]
    OldHead { block: u64, age: u64, max: u64 },
}

impl PollError {
    /// What payers and operators are told.
    pub(super) fn reason(&self) -> String {
        match self {
            Self::Node(NodeError::NoContract(_)) => "Ethereum node does not have the contract".to_owned(),
            Self::Node(_) | Self::OtherChain => "Ethereum node is not responding".to_owned(),
            Self::Store(_) => "the ledger cannot be written".to_owned(),
            Self::Moved => "the chain is being reorganised".to_owned(),
            Self::Behind { .. } | Self::OldHead { .. } => "Ethereum node is behind".to_owned(),
        }
    }
}

/// How the node's chain goes on from what was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Branch {
    /// It does not.
    Same,
    /// With blocks that were not read yet.
    Longer {
        /// The first of them.
        next: u64,
    },
    /// Blocks that were read are no longer there.
    Other {
        /// The first of them.
        first: u64,
    },
}

/// Reads the chain of one node into the ledger.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) node: Node,
    pub(super) store: Store,
    pub(super) epoch: Epoch,
    pub(super) health: Arc<HealthBoard>,
    start_block: u64,
    pub(super) window: Window,
    /// The first block that was not read yet; `None` until the ledger was asked.
    next: Option<u64>,
}

impl Reader {
    pub(super) fn new(
        node: Node,
        store: Store,
        epoch: Epoch,
        health: Arc<HealthBoard>,
        start_block: u64,
    ) -> Self {
        Self { node, store, epoch, health, start_block, window: Window::new(), next: None }
    }

    /// Finds out where reading goes on. Applies a changed number of confirmations to what was read before.
    pub(super) async fn resume(&mut self) -> Result<(), PollError> {
        if self.next.is_some() {
            return Ok(());
        }
        let next = match self.store.position().await? {
            None => self.start_block,
            Some(position) if self.start_block < position.start_block => {
                tracing::warn!(
                    "start-block is {}, and was {} before: reading everything again from there",
                    self.start_block,
                    position.start_block
                );
                self.start_block
            }
            Some(position) => {
                let (start_block, next) = (position.start_block, position.next_block);
                self.store
                    .advance(self.epoch, Advance { start_block, from: next, next, ..Advance::default() })
                    .await?;
                next
            }
        };
        self.next = Some(next);
        Ok(tell_incident(&self.store, &self.health).await?)
    }

    /// Reads what is new, up to the node's newest block, which it answers.
    pub(super) async fn poll(&mut self) -> Result<Header, PollError> {
        loop {
            let latest = self.node.latest().await?;
            self.health.node_is_at(latest.number);
            metrics::node_head(latest.number, latest.timestamp);
            let next = match self.agreed(&latest).await? {
                Branch::Same => return Ok(latest),
                Branch::Longer { next } => next,
                Branch::Other { first } => {
                    self.drop_believed(first).await?;
                    first
                }
            };
            let deep = latest.number.saturating_sub(REMEMBERED - 1);
            if next >= deep {
                let (events, blocks) = self.recent(next, latest).await?;
                self.apply(next, latest.number + 1, events.clone(), blocks).await?;
                events.iter().for_each(announce);
                return Ok(latest);
            }
            self.read_deep(next, deep, latest.number).await?;
        }
    }

    /// Compares the node's chain with what was read.
    async fn agreed(&mut self, latest: &Header) -> Result<Branch, PollError> {
        let next = self.next.unwrap_or(self.start_block);
        let remembered = self.store.remembered_blocks(u64::MAX).await?;
        let behind = PollError::Behind { node: latest.number, next };
        let Some(&(top, top_hash)) = remembered.first().filter(|(top, _)| *top < next) else {
            // Nothing to compare with, or the beginning is to be read again.
            return if next <= latest.number { Ok(Branch::Longer { next }) } else { Err(behind) };
        };
        if (latest.number, latest.hash) == (top, top_hash) {
            return Ok(Branch::Same);
        }
        if (latest.number, latest.parent) == (top + 1, top_hash) {
            return Ok(Branch::Longer { next });
        }
        for &(number, hash) in remembered.iter().filter(|(number, _)| *number <= latest.number) {
            let on_chain =
                if number == latest.number { Some(*latest) } else { self.node.header(number).await? };
            if on_chain.is_some_and(|header| header.hash == hash) {
                return match number {
                    _ if number == top && next <= latest.number => Ok(Branch::Longer { next }),
                    // All that the node has is what we read: it lags, or its chain became shorter for a moment.
                    _ if number == latest.number => Err(behind),
                    _ => {
                        tracing::warn!(
                            "reorganisation: blocks {} to {top} were replaced, reading them again",
                            number + 1
                        );
                        Ok(Branch::Other { first: number + 1 })
                    }
                };
            }
        }
        // Nothing in common: perhaps it is not this chain at all.
        if self.store.check_chain(self.node.chain().await?).is_err() {
            return Err(PollError::OtherChain);
        }
        let lowest = remembered.last().map_or(top, |(number, _)| *number);
        tracing::error!(
            "reorganisation deeper than the blocks that are remembered ({lowest} to {top}): reading everything again \
             from block {}",
            self.start_block
        );
        Ok(Branch::Other { first: self.start_block })
    }

    /// Undoes what blocks said that were believed and are no longer on the chain, and closes paid routes. Blocks that
    /// were not believed are replaced in the transaction that reads the new ones.
    async fn drop_believed(&mut self, first: u64) -> Result<(), PollError> {
        let believed_below = self.next.unwrap_or(0).saturating_sub(self.store.scope().confirmations.into());
        if first >= believed_below {
            return Ok(());
        }
        let start_block = self.start_block;
        let dropped = Advance { start_block, from: first, replaces: true, next: first, ..Advance::default() };
        self.store.advance(self.epoch, dropped).await?;
        self.next = Some(first);
        Ok(tell_incident(&self.store, &self.health).await?)
    }

    /// The events of blocks that may still be reorganised, and these blocks' hashes, all of one branch.
    async fn recent(
        &mut self,
        next: u64,
        latest: Header,
    ) -> Result<(Vec<ChainEvent>, Vec<(u64, [u8; 32])>), PollError> {
        if next == latest.number {
            let events = self.node.events(Stretch::Block(latest)).await?;
            check_parent(&self.store, &latest).await?;
            return Ok((events, vec![(latest.number, latest.hash)]));
        }
        let mut events = Vec::new();
        let mut first = next;
        while first <= latest.number {
            let last = latest.number.min(first + self.window.blocks() - 1);
            let Some(more) = self.try_range(first, last).await? else { continue };
            events.extend(more);
            first = last + 1;
        }
        // Asked for after the events: if these blocks lead to `latest`, the events are of this branch.
        let mut headers = self.node.headers(next, latest.number - 1).await?;
        headers.push(latest);
        let linked = headers.windows(2).all(|pair| pair[0].hash == pair[1].parent);
        let hashes: HashMap<u64, [u8; 32]> =
            headers.iter().map(|header| (header.number, header.hash)).collect();
        let placed = events.iter().all(|event| hashes.get(&event.block) == Some(&event.block_hash));
        if !linked || !placed {
            return Err(PollError::Moved);
        }
        if let Some(first) = headers.first() {
            check_parent(&self.store, first).await?;
        }
        Ok((events, headers.iter().map(|header| (header.number, header.hash)).collect()))
    }

    pub(super) async fn apply(
        &mut self,
        from: u64,
        next: u64,
        events: Vec<ChainEvent>,
        blocks: Vec<(u64, [u8; 32])>,
    ) -> Result<(), PollError> {
        let start_block = self.start_block;
        let advance = Advance { start_block, from, replaces: false, next, events, blocks };
        self.store.advance(self.epoch, advance).await?;
        self.next = Some(next);
        Ok(tell_incident(&self.store, &self.health).await?)
    }
}

/// Makes sure that a block stands on the one that we read before it, where that one is remembered.
async fn check_parent(store: &Store, header: &Header) -> Result<(), PollError> {
    let Some(below) = header.number.checked_sub(1) else { return Ok(()) };
    match store.remembered_blocks(below).await?.first() {
        Some(&(number, hash)) if number == below && hash != header.parent => Err(PollError::Moved),
        Some(_) | None => Ok(()),
    }
}

fn announce(event: &ChainEvent) {
    let channel = format!("{}/{}", event.channel.sender, event.channel.open_block);
    let (amount, block) = (event.amount, event.block);
    match event.kind {
        EventKind::Opened => tracing::info!(channel, deposit = %amount, block, "channel opened"),
        EventKind::ToppedUp => tracing::info!(channel, added = %amount, block, "channel topped up"),
        EventKind::CloseRequested => tracing::info!(channel, balance = %amount, block, "closing asked for"),
        EventKind::Settled => tracing::info!(channel, balance = %amount, block, "channel settled"),
        EventKind::Withdrawn => tracing::info!(channel, amount = %amount, block, "withdrawn from channel"),
    }
}

//! Checking the signatures of payments, before the writer has to wait for it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use uraiden_core::wire::{Attempt, Entry};
use uraiden_core::{BalanceProof, ChannelId, Signers};

use super::Scope;

/// How many signatures may be checked at the same time.
const SHARDS: usize = 16;

/// The most memory for the keys and tables of signers, in bytes. It is taken as signers come.
const MEMORY: usize = 64 * 1024 * 1024;

/// How many signatures are checked before others get their turn.
const AT_A_TIME: usize = 16;

/// How many batches are on their way to the writer. It waits for them a little, so that one transaction takes them all.
#[derive(Clone, Debug, Default)]
pub(super) struct Coming(Arc<AtomicUsize>);

/// One of them, until it is dropped.
#[derive(Debug)]
pub(super) struct Announced<'a>(&'a AtomicUsize);

impl Coming {
    pub(super) fn announce(&self) -> Announced<'_> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Announced(&self.0)
    }

    pub(super) fn any(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

impl Drop for Announced<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A filter's question, with what we know ourselves of its signature.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) entry: Entry,
    /// Whether the sender signed it; meant of commits.
    pub(super) signed: bool,
}

/// Who has signed before, so that they are checked faster. Each sender belongs to one shard.
pub(super) struct Verifier(Vec<Mutex<Signers>>);

impl core::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Verifier")
    }
}

impl Verifier {
    pub(super) fn new() -> Self {
        Self((0..SHARDS).map(|_| Mutex::new(Signers::new(MEMORY / SHARDS))).collect())
    }

    /// Checks the signatures of these entries' commits.
    pub(super) async fn check(&self, scope: &Scope, entries: Vec<Entry>) -> Vec<Checked> {
        let mut checked = Vec::with_capacity(entries.len());
        for (at, entry) in entries.into_iter().enumerate() {
            if at > 0 && at % AT_A_TIME == 0 {
                tokio::task::yield_now().await;
            }
            let signed = matches!(&entry, Entry::Commit(attempt) if self.is_by_sender(scope, attempt));
            checked.push(Checked { entry, signed });
        }
        checked
    }

    fn is_by_sender(&self, scope: &Scope, attempt: &Attempt) -> bool {
        let Attempt { channel, balance, signature, .. } = *attempt;
        let sender = channel.sender;
        let Scope { contract, receiver, .. } = *scope;
        let id = ChannelId { contract, receiver, sender, open_block: channel.open_block };
        let digest = BalanceProof { channel: id, balance, signature }.digest();
        let shard = &self.0[usize::from(sender.0[19]) % self.0.len()];
        // What a panic left behind is a cache: it changes no answer.
        shard.lock().unwrap_or_else(PoisonError::into_inner).signed(sender, &signature, &digest)
    }
}

//! Those who pay, and what they sign.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use uraiden_client::{Payer, PrivateKeySigner};
use uraiden_core::wire::{Attempt, ChannelKey};
use uraiden_core::{Address, BlockNumber, Signature, TokenAmount};

use crate::chain::START;

pub(crate) const CONTRACT: Address = Address([0xcc; 20]);
pub(crate) const RECEIVER: Address = Address([0xbb; 20]);

/// One payer with one channel, which is opened in the block `START + index`.
pub(crate) struct Client {
    pub(crate) key: ChannelKey,
    /// What it believes we hold.
    pub(crate) held: u64,
    /// What it presented last.
    pub(crate) last: u64,
}

impl Client {
    pub(crate) fn new(index: u8) -> Self {
        Self { key: key(index), held: 0, last: 0 }
    }
}

fn signer(index: u8) -> Payer {
    let key = PrivateKeySigner::from_slice(&[index + 1; 32]).expect("a good key");
    let block = u32::try_from(START).expect("small") + u32::from(index);
    Payer::new(key, CONTRACT, RECEIVER, BlockNumber(block))
}

fn key(index: u8) -> ChannelKey {
    let channel = *signer(index).channel();
    ChannelKey { sender: channel.sender, open_block: channel.open_block }
}

/// The proof of payer `index` over a balance. Signing is slow, and balances come again and again.
pub(crate) fn proof(index: u8, balance: u64) -> Signature {
    static SIGNED: LazyLock<Mutex<HashMap<(u8, u64), Signature>>> = LazyLock::new(Mutex::default);
    let mut signed = SIGNED.lock().unwrap_or_else(PoisonError::into_inner);
    *signed
        .entry((index, balance))
        .or_insert_with(|| signer(index).proof(TokenAmount::new(balance)).signature)
}

/// Whether the signature of an attempt is that of the channel's sender over its balance.
pub(crate) fn proves(attempt: &Attempt, payers: u8) -> bool {
    (0..payers).any(|index| {
        let balance = crate::model::small(attempt.balance);
        key(index) == attempt.channel && proof(index, balance) == attempt.signature
    })
}

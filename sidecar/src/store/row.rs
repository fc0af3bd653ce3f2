//! One channel, as the ledger has it.

use uraiden_core::channel::{ChannelState, OpenChannel};
use uraiden_core::wire::{AttemptId, ChannelKey};
use uraiden_core::{Signature, TokenAmount};

use super::columns::Fields;
use super::{Scope, columns};

/// What the confirmed events of a channel add up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnChain {
    /// There is no such channel, or there is none any more since a reorganisation.
    Absent,
    /// Its opening is on the chain, but not confirmed.
    Unconfirmed,
    /// It takes payments.
    Open,
    /// The sender asked to close.
    Closing,
    /// It was closed for good.
    Settled,
}

impl OnChain {
    pub(super) const ALL: [Self; 5] =
        [Self::Absent, Self::Unconfirmed, Self::Open, Self::Closing, Self::Settled];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Unconfirmed => "unconfirmed",
            Self::Open => "open",
            Self::Closing => "closing",
            Self::Settled => "settled",
        }
    }

    pub(super) fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// What a take-back of the topmost payment returns to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undo {
    /// The attempt that made the topmost payment.
    pub attempt: AttemptId,
    /// The balance before it.
    pub balance: TokenAmount,
    /// The proof of that balance; `None` before the first payment.
    pub signature: Option<Signature>,
}

/// One channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelRow {
    /// Sender and open block.
    pub key: ChannelKey,
    /// What the chain says, as far as it is confirmed.
    pub on_chain: OnChain,
    /// The confirmed deposit.
    pub deposit: TokenAmount,
    /// What we have withdrawn, confirmed.
    pub withdrawn: TokenAmount,
    /// The last block of the challenge period, where the sender asked to close.
    pub settle_block: Option<u64>,
    /// The balance at which the sender asked to close, where that is confirmed.
    pub asked_balance: Option<TokenAmount>,
    /// What the sender has signed over so far, as far as we accepted it.
    pub balance: TokenAmount,
    /// The proof of that balance; `None` before the first payment.
    pub signature: Option<Signature>,
    /// How the topmost payment is undone; `None` once it is final.
    pub undo: Option<Undo>,
    /// The part of the balance that was paid for resources which failed, and was not used up since.
    pub credit: TokenAmount,
    /// How many payments were taken back since one became final by a later one.
    pub take_backs: u64,
    /// The balance of the closing agreement, where there is one.
    pub closing_balance: Option<TokenAmount>,
    /// The generation of the ledger since which it is held back; `None` where it is not.
    pub held_generation: Option<u64>,
    /// When we first heard of it, in milliseconds since 1970.
    pub created_at: u64,
    /// When it last changed, in milliseconds since 1970.
    pub updated_at: u64,
}

impl ChannelRow {
    pub(super) fn read(row: &impl Fields) -> Result<Self, sqlx::Error> {
        let undo_balance = columns::optional_amount(row, "undo_balance")?;
        let undo = match (columns::optional_bytes(row, "undo_attempt")?, undo_balance) {
            (Some(attempt), Some(balance)) => Some(Undo {
                attempt: AttemptId(u128::from_be_bytes(attempt)),
                balance,
                signature: columns::optional_signature(row, "undo_signature")?,
            }),
            (None, _) | (_, None) => None,
        };
        Ok(Self {
            key: columns::key(row)?,
            on_chain: columns::word(row, "chain_state", OnChain::read)?,
            deposit: columns::amount(row, "deposit")?,
            withdrawn: columns::amount(row, "withdrawn")?,
            settle_block: columns::optional_unsigned(row, "settle_block")?,
            asked_balance: columns::optional_amount(row, "asked_balance")?,
            balance: columns::amount(row, "balance")?,
            signature: columns::optional_signature(row, "signature")?,
            undo,
            credit: columns::amount(row, "credit")?,
            take_backs: columns::unsigned(row, "take_backs")?,
            closing_balance: columns::optional_amount(row, "closing_balance")?,
            held_generation: columns::optional_unsigned(row, "held_generation")?,
            created_at: columns::unsigned(row, "created_at")?,
            updated_at: columns::unsigned(row, "updated_at")?,
        })
    }

    /// Whether it takes payments.
    pub fn is_open(&self) -> bool {
        self.on_chain == OnChain::Open && self.closing_balance.is_none() && self.held_generation.is_none()
    }

    /// What filters are told. `next_block` is the first block that was not read yet.
    pub fn state(&self, next_block: u64, scope: &Scope) -> ChannelState {
        // The mark is older and stronger than whatever the chain says since.
        if self.closing_balance.is_some() {
            return ChannelState::Closed;
        }
        match self.on_chain {
            OnChain::Absent => ChannelState::Absent,
            OnChain::Unconfirmed => {
                // The head is one below `next_block`; the channel is believed from the head open block +
                // confirmations on.
                let usable_from = u64::from(self.key.open_block.0) + u64::from(scope.confirmations) + 1;
                let missing = usable_from.saturating_sub(next_block).max(1);
                ChannelState::Unconfirmed { missing: u32::try_from(missing).unwrap_or(u32::MAX) }
            }
            OnChain::Closing | OnChain::Settled => ChannelState::Closed,
            OnChain::Open if self.held_generation.is_some() => ChannelState::Closed,
            OnChain::Open => ChannelState::Open(OpenChannel {
                deposit: self.deposit,
                balance: self.balance,
                signature: self.signature,
                credit: self.credit,
                // No ceiling is above the largest amount.
                ceiling: scope
                    .exposure_limit
                    .map(|limit| self.withdrawn.checked_add(limit).unwrap_or(TokenAmount::MAX)),
            }),
        }
    }
}

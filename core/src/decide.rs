//! The judge: one request in, one answer out.
//!
//! The order of the checks is the order of the protocol's table of answers; the first that applies is the answer.

use crate::amount::Price;
use crate::channel::{ChannelState, OpenChannel};
use crate::offer::Offer;
use crate::proof::BalanceProof;
use crate::{Address, ChannelId, Signature, TokenAmount};

/// What is asked for a request, and by whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// What the request costs.
    pub price: Price,
    /// The contract that holds the deposits.
    pub contract: Address,
    /// The merchant.
    pub receiver: Address,
}

/// What we know of the channel that a proof names. Not an `Option`: "not read yet" must never look like "does not
/// exist".
#[derive(Clone, Copy, Debug)]
pub enum Known<'a> {
    /// Nothing yet.
    Unread,
    /// What was true once. Good enough to try a payment, never to refuse one for a reason that may be stale.
    Remembered(&'a ChannelState),
    /// What the ledger says now.
    Fresh(&'a ChannelState),
}

/// The whole answer to one request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// Forward, once this payment is recorded.
    Accept(Payment),
    /// Answer 402: the terms, and what an honest client should mend.
    Charge(Refusal),
    /// Row 2a, answer 503: what the channel owes has reached the most that the merchant lends it.
    Wait,
    /// Cannot judge without this channel's fresh state: look it up, then ask again.
    Fetch(ChannelId),
}

/// What pays for one request. Only [`decide`] makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payment {
    proof: BalanceProof,
    price: Price,
    means: Means,
}

/// Where the price is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// The step from one balance to the next, by exactly the price.
    Balance,
    /// What was paid before for a resource that failed. The balance stays.
    Credit,
}

impl Payment {
    /// The proof that pays, checked to be the sender's.
    pub fn proof(&self) -> &BalanceProof {
        &self.proof
    }

    /// What it pays.
    pub fn price(&self) -> Price {
        self.price
    }

    /// Where that is taken from.
    pub fn means(&self) -> Means {
        self.means
    }

    /// What the sender owes more than before.
    pub fn charged(&self) -> TokenAmount {
        match self.means {
            Means::Balance => self.price.amount(),
            Means::Credit => TokenAmount::ZERO,
        }
    }
}

/// Why a request is answered with 402. Each variant is a row of the protocol's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Row 4: there is no balance proof.
    NoProof,
    /// Row 5: it is meant for another contract or receiver.
    OtherParty,
    /// Row 6: the channel's opening is not confirmed yet.
    Unconfirmed {
        /// Blocks still missing, at least 1.
        missing: u32,
    },
    /// Row 7: there is no such channel.
    NoSuchChannel,
    /// Row 7: closing was agreed or asked for, or it is settled.
    ChannelClosed,
    /// Row 8: the signer is not the sender.
    WrongSigner,
    /// Row 9: the proof we hold already, or a probe for our state.
    Replay(Held),
    /// Row 10: the payment is not exactly the price.
    InvalidAmount(Held),
    /// Row 11: the balance is above the confirmed deposit.
    OverDeposit(Held),
}

/// What we hold for a channel. A stranger must never see it, for it has a signature in it: it is made only after the
/// signer was found to be the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    sender: Address,
    balance: TokenAmount,
    signature: Option<Signature>,
}

impl Held {
    /// Who pays by this channel.
    pub fn sender(&self) -> Address {
        self.sender
    }

    /// The balance that was accepted last.
    pub fn balance(&self) -> TokenAmount {
        self.balance
    }

    /// The proof of that balance; `None` before the first payment.
    pub fn signature(&self) -> Option<Signature> {
        self.signature
    }
}

/// Judges one request that has a price. Pure: recording the payment is the caller's act.
///
/// `signed` says whether the channel's sender made a proof, as [`BalanceProof::is_by_sender`] does. It is asked at most
/// once, and only where the answer depends on it, since it takes longer than all else.
pub fn decide(
    offer: &Offer,
    known: Known<'_>,
    asked: &Asked,
    signed: impl FnOnce(&BalanceProof) -> bool,
) -> Verdict {
    let Some(proof) = offer.proof else { return Verdict::Charge(Refusal::NoProof) };
    let strange = |given: Option<Address>, ours| given.is_some_and(|address| address != ours);
    if strange(offer.contract, asked.contract) || strange(offer.receiver, asked.receiver) {
        return Verdict::Charge(Refusal::OtherParty);
    }

    let channel = ChannelId {
        contract: asked.contract,
        receiver: asked.receiver,
        sender: proof.sender,
        open_block: proof.open_block,
    };
    let (state, fresh) = match known {
        Known::Unread => return Verdict::Fetch(channel),
        Known::Remembered(state) => (state, false),
        Known::Fresh(state) => (state, true),
    };
    let proof = BalanceProof { channel, balance: proof.balance, signature: proof.signature };
    match judge(offer, &proof, state, asked.price, signed) {
        Verdict::Charge(refusal) if !fresh && refusal.may_be_stale() => Verdict::Fetch(channel),
        Verdict::Wait if !fresh => Verdict::Fetch(channel),
        verdict @ (Verdict::Charge(_) | Verdict::Wait | Verdict::Accept(_) | Verdict::Fetch(_)) => verdict,
    }
}

fn judge(
    offer: &Offer,
    proof: &BalanceProof,
    state: &ChannelState,
    price: Price,
    signed: impl FnOnce(&BalanceProof) -> bool,
) -> Verdict {
    let open = match state {
        ChannelState::Unconfirmed { missing } => {
            return Verdict::Charge(Refusal::Unconfirmed { missing: *missing });
        }
        ChannelState::Absent => return Verdict::Charge(Refusal::NoSuchChannel),
        ChannelState::Closed => return Verdict::Charge(Refusal::ChannelClosed),
        ChannelState::Open(open) => open,
    };
    let sender = proof.channel.sender;
    if !signed(proof) {
        return Verdict::Charge(Refusal::WrongSigner);
    }
    let held = Held { sender, balance: open.balance, signature: open.signature };
    let replay = proof.balance == open.balance;
    if replay && open.credit >= price.amount() {
        return Verdict::Accept(Payment { proof: *proof, price, means: Means::Credit });
    }
    if !open.lends(price) {
        return Verdict::Wait;
    }
    if replay {
        return Verdict::Charge(Refusal::Replay(held));
    }
    let amount = proof.balance.checked_sub(open.balance);
    if amount != Some(price.amount()) || offer.amount.is_some_and(|said| Some(said) != amount) {
        return Verdict::Charge(Refusal::InvalidAmount(held));
    }
    if proof.balance > open.deposit {
        return Verdict::Charge(Refusal::OverDeposit(held));
    }
    Verdict::Accept(Payment { proof: *proof, price, means: Means::Balance })
}

impl Refusal {
    /// Whether a later state of the channel could change the answer.
    fn may_be_stale(&self) -> bool {
        match self {
            Self::NoProof | Self::OtherParty | Self::WrongSigner => false,
            Self::Unconfirmed { .. }
            | Self::NoSuchChannel
            | Self::ChannelClosed
            | Self::Replay(_)
            | Self::InvalidAmount(_)
            | Self::OverDeposit(_) => true,
        }
    }
}

impl OpenChannel {
    /// Whether one more payment of this price stays below what the merchant lends.
    fn lends(&self, price: Price) -> bool {
        let next = self.balance.checked_add(price.amount());
        self.ceiling.is_none_or(|ceiling| next.is_some_and(|next| next <= ceiling))
    }

    /// The channel after this payment was accepted.
    #[must_use]
    pub fn after(&self, payment: &Payment) -> Self {
        match payment.means {
            Means::Balance => {
                Self { balance: payment.proof.balance, signature: Some(payment.proof.signature), ..*self }
            }
            Means::Credit => {
                let left = self.credit.checked_sub(payment.price.amount());
                Self { credit: left.unwrap_or(TokenAmount::ZERO), ..*self }
            }
        }
    }
}

//! Why a request was not served.

use std::time::Duration;

use uraiden_core::{Address, ChannelId, TokenAmount};

use crate::ChainError;

/// Why a request was not served, or a channel not closed. Each says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server could not be reached, or the connection broke.
    #[error("no answer: {0}; a payment may have arrived, so the next request repeats it")]
    Transport(#[from] reqwest::Error),
    /// A 402 makes no sense.
    #[error("the server's {header}: {found:?}: {why}; this is no µRaiden server, or a broken one")]
    Unreadable {
        /// Which header.
        header: &'static str,
        /// The start of its value.
        found: String,
        /// What is wrong with it.
        why: String,
    },
    /// The price is above [`Policy::max_price`](crate::Policy::max_price).
    #[error("the price of {price} is above the limit of {limit}; raise max_price if it is worth it")]
    PriceAboveLimit {
        /// What the server asks.
        price: TokenAmount,
        /// The limit.
        limit: TokenAmount,
    },
    /// The channel would have to hold more than [`Policy::max_deposit`](crate::Policy::max_deposit).
    #[error(
        "a deposit of {needed} is needed, above the limit of {limit}; raise max_deposit or close the channel"
    )]
    DepositAboveLimit {
        /// The least deposit that covers the payment.
        needed: TokenAmount,
        /// The limit.
        limit: TokenAmount,
    },
    /// The server names another contract or receiver than the policy allows.
    #[error(
        "the server wants {what} {found}, the policy allows {expected} only; ask the merchant which is right"
    )]
    OtherParty {
        /// `contract` or `receiver`.
        what: &'static str,
        /// What the server says.
        found: Address,
        /// What the policy says.
        expected: Address,
    },
    /// There is no channel, and without a node none can be found, opened or topped up.
    #[error(
        "a channel has to be found, opened or topped up, which needs a node; give the session an RPC URL"
    )]
    NoChain,
    /// The server does not know the channel, or has closed it.
    #[error(
        "the server refuses channel {channel}: it is unknown or closed there; close it to get the rest back"
    )]
    ChannelRefused {
        /// Which channel.
        channel: ChannelId,
    },
    /// The server says that we did not sign the proof that we signed.
    #[error(
        "the server refuses the proof of channel {channel} as not ours; it may judge for another contract"
    )]
    ProofRefused {
        /// Which channel.
        channel: ChannelId,
    },
    /// The chain or the server took too long.
    #[error("the server has not confirmed the {what} after {waited:?}; try again later")]
    NotConfirmed {
        /// `channel` or `deposit`.
        what: &'static str,
        /// How long we waited.
        waited: Duration,
    },
    /// The server claims a balance that we never signed. Nothing was paid for it.
    #[error(
        "the server claims a balance of {claimed} in channel {channel} without our signature; do not trust it"
    )]
    FalseBalance {
        /// What it claims.
        claimed: TokenAmount,
        /// In which channel.
        channel: ChannelId,
    },
    /// The server holds a payment that it did not serve for: an answer was lost, or it cheats.
    #[error("the payment of {amount} was taken and not served; the next request pays anew")]
    PaymentLost {
        /// What was paid for nothing.
        amount: TokenAmount,
    },
    /// A 402 to a payment, with neither a reason nor a balance.
    #[error("the server refuses the balance of {sent} and gives no reason; ask the merchant")]
    Unexplained {
        /// The balance that was sent.
        sent: TokenAmount,
    },
    /// The server asked for one corrected payment after the other.
    #[error("the server asked for {corrections} corrected payments for one request; do not trust it")]
    Endless {
        /// How many were made.
        corrections: u32,
    },
    /// 409: a header of ours cannot be read.
    #[error("the server cannot read our payment: {reason}")]
    Malformed {
        /// The server's words.
        reason: String,
    },
    /// 502: the paywall cannot accept payments.
    #[error("payments cannot be accepted now: {reason}; the next request repeats this one's payment")]
    Unavailable {
        /// The server's words.
        reason: String,
    },
    /// 503: the paywall has too much to do.
    #[error("the paywall is busy: {reason}; try again in {retry_after:?}")]
    Busy {
        /// What the server's `Retry-After` says, 1 s where it says nothing.
        retry_after: Duration,
        /// The server's words.
        reason: String,
    },
    /// The request's body is a stream, which cannot be sent again after the 402.
    #[error("the body is a stream and can be sent once only; give it as bytes")]
    BodyNotRepeatable,
    /// The session does not know this channel.
    #[error("the session has no channel {channel}; its channels() lists those it has")]
    UnknownChannel {
        /// Which channel.
        channel: ChannelId,
    },
    /// The gateway does not sign a closing agreement.
    #[error("the server does not agree to close ({status}): {reason}; use close_uncooperatively()")]
    CloseRefused {
        /// The HTTP status.
        status: u16,
        /// The server's words.
        reason: String,
    },
    /// Nothing was ever paid, so that there is no proof to close with.
    #[error("nothing was paid through channel {channel}; use close_uncooperatively()")]
    NothingPaid {
        /// Which channel.
        channel: ChannelId,
    },
    /// The closing agreement is not the receiver's.
    #[error("the closing agreement is not signed by {receiver}; use close_uncooperatively()")]
    FalseAgreement {
        /// Who should have signed.
        receiver: Address,
    },
    /// The chain, or the node that shows it to us.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The channel's state could not be kept, so nothing was sent.
    #[error("the channel's state could not be saved, so nothing was sent: {0}")]
    Store(#[from] std::io::Error),
}

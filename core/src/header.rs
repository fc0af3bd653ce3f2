//! The names that go over the wire, as the protocol writes them. HTTP compares header names without case; cookie
//! names are compared as they stand.

/// The address of the `RaidenMicroTransferChannels` contract.
pub const CONTRACT_ADDRESS: &str = "RDN-Contract-Address";
/// The address of the merchant.
pub const RECEIVER_ADDRESS: &str = "RDN-Receiver-Address";
/// The address of the token.
pub const TOKEN_ADDRESS: &str = "RDN-Token-Address";
/// The path root of the channel API.
pub const GATEWAY_PATH: &str = "RDN-Gateway-Path";
/// What the resource costs.
pub const PRICE: &str = "RDN-Price";
/// What was charged.
pub const COST: &str = "RDN-Cost";
/// The amount of this payment. Optional.
pub const PAYMENT: &str = "RDN-Payment";
/// The address of the client.
pub const SENDER_ADDRESS: &str = "RDN-Sender-Address";
/// The balance that is signed; in answers, the balance that we hold.
pub const SENDER_BALANCE: &str = "RDN-Sender-Balance";
/// The balance that is signed, under the name that the original Python client sends.
pub const BALANCE: &str = "RDN-Balance";
/// The balance proof.
pub const BALANCE_SIGNATURE: &str = "RDN-Balance-Signature";
/// The block in which the channel was opened.
pub const OPEN_BLOCK: &str = "RDN-Open-Block";
/// How many confirmations are missing.
pub const INSUFFICIENT_CONFIRMATIONS: &str = "RDN-Insufficient-Confirmations";
/// There is no such channel, or it is closed.
pub const NONEXISTING_CHANNEL: &str = "RDN-Nonexisting-Channel";
/// The proof is not the sender's, or above the deposit.
pub const INVALID_BALANCE_PROOF: &str = "RDN-Invalid-Balance-Proof";
/// The payment is not the price.
pub const INVALID_AMOUNT: &str = "RDN-Invalid-Amount";

/// What starts the name of every header of the protocol.
const PREFIX: &str = "rdn-";

/// Headers that only the filter may send to the upstream.
const UPSTREAM_PREFIX: &str = "x-uraiden-";
/// To the upstream: who paid.
pub const UPSTREAM_SENDER: &str = "x-uraiden-sender";
/// To the upstream: how much, in base units of the token.
pub const UPSTREAM_AMOUNT: &str = "x-uraiden-amount";
/// To the upstream: the open block of the channel.
pub const UPSTREAM_CHANNEL: &str = "x-uraiden-channel";
/// To the upstream: `durable`, or `pending` while the payment may still fail.
pub const UPSTREAM_PAYMENT: &str = "x-uraiden-payment";
/// To the upstream: the admission mark, where the operator shares a secret with it.
pub const UPSTREAM_MARK: &str = "x-uraiden-mark";

/// Whether a request header is part of a payment. `name` in any case.
pub fn is_payment(name: &str) -> bool {
    starts_with(name, PREFIX)
}

/// Whether a cookie, name and value, is part of a payment. Its bytes need not be text.
pub(crate) fn starts_a_payment(cookie: &[u8]) -> bool {
    cookie.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX.as_bytes()))
}

/// Whether only the filter may send a request header to the upstream. `name` in any case.
pub fn is_for_upstream(name: &str) -> bool {
    starts_with(name, UPSTREAM_PREFIX)
}

fn starts_with(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

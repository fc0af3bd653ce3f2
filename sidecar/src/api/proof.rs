//! Whether a call to the channel API comes from the channel's sender.

use axum::http::HeaderMap;
use uraiden_core::{BalanceProof, ChannelId, Signature, TokenAmount, header};

/// Whether the header `RDN-Balance-Signature` is a balance proof of this channel's sender: over one of `balances`, or
/// over the balance that the headers name beside it.
pub(super) fn is_by_sender(headers: &HeaderMap, channel: &ChannelId, balances: &[TokenAmount]) -> bool {
    let Some(signature) = only(headers, header::BALANCE_SIGNATURE) else { return false };
    let Ok(signature) = signature.parse::<Signature>() else { return false };
    let named = [header::SENDER_BALANCE, header::BALANCE]
        .into_iter()
        .filter_map(|name| only(headers, name)?.parse().ok());
    balances
        .iter()
        .copied()
        .chain(named)
        .any(|balance| BalanceProof { channel: *channel, balance, signature }.is_by_sender())
}

/// A header's value, where it stands there once.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        (None, _) | (Some(_), Some(_)) => None,
    }
}

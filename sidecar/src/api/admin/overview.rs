//! How things stand, in one answer.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use uraiden_core::Address;
use uraiden_core::wire::Health;

use super::Admin;
use crate::api::error::ApiError;
use crate::collect::Alarm;
use crate::store::Books;

/// Amounts are text: of the token in its base units, of ether in wei.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Overview {
    health: Health,
    /// The newest block that was read.
    block: Option<u64>,
    /// The first block whose events are not believed yet.
    confirmed_below: Option<u64>,
    chain_id: Option<u64>,
    contract: Address,
    receiver: Address,
    /// What the receiver has for transactions; `None` where the node does not say.
    receiver_wei: Option<String>,
    token: Token,
    channels: Channels,
    /// Deposits of the channels that are not over, less what was withdrawn of them.
    locked: String,
    /// All that was ever accepted and not taken back.
    earned: String,
    /// What of it the contract has paid out.
    withdrawn: String,
    /// What of it is with the contract, and would be lost with the proofs.
    claimable: String,
    /// What the receiver holds of the token; `None` where the node does not say.
    holding: Option<String>,
    /// The challenges that are not done yet, the most urgent first.
    challenges: Vec<Alarm>,
}

#[derive(Serialize)]
struct Token {
    address: Option<Address>,
    name: Option<String>,
    symbol: Option<String>,
    decimals: Option<u8>,
}

#[derive(Serialize)]
struct Channels {
    open: u64,
    closing: u64,
    settled: u64,
}

/// `GET /overview`: health, chain, receiver, and what the channels add up to.
pub(super) async fn overview(State(admin): State<Admin>) -> Result<Json<Overview>, ApiError> {
    let Books { open, closing, settled, locked, earned, paid_out, claimable } = admin.store.books().await?;
    let position = admin.store.position().await?;
    let identity = admin.store.bound().map(|bound| bound.identity);
    let token = identity.map(|identity| identity.token);
    let receiver = admin.store.scope().receiver;
    let (ether, names, holding) = tokio::join!(
        admin.node.ether(receiver),
        async { Some(admin.node.token_facts(token?).await) },
        async { Some(admin.node.token_balance(token?, receiver).await) },
    );
    let names = names.and_then(known);
    Ok(Json(Overview {
        health: admin.health.health(),
        block: position.and_then(|position| position.next_block.checked_sub(1)),
        confirmed_below: position.map(|position| position.confirmed_below),
        chain_id: identity.map(|identity| identity.chain_id),
        contract: admin.store.scope().contract,
        receiver,
        receiver_wei: known(ether).map(|wei| wei.to_string()),
        token: Token {
            address: token,
            name: names.as_ref().map(|names| names.name.clone()),
            symbol: names.as_ref().map(|names| names.symbol.clone()),
            decimals: names.as_ref().map(|names| names.decimals),
        },
        channels: Channels { open, closing, settled },
        locked: locked.to_string(),
        earned: earned.to_string(),
        withdrawn: paid_out.to_string(),
        claimable: claimable.to_string(),
        holding: holding.and_then(known).map(|units| units.to_string()),
        challenges: admin.alarms.list(),
    }))
}

/// What a node that is away would have said is not known; its health says why.
fn known<T, E: core::fmt::Display>(answer: Result<T, E>) -> Option<T> {
    answer.inspect_err(|error| tracing::debug!(%error, "a figure of the overview is not known")).ok()
}

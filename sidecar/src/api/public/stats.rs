//! Figures over all channels, made once a block, and what a page needs to talk to the contracts.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::Mutex;
use uraiden_core::Address;

use alloy::primitives::U256;

use super::Api;
use crate::api::error::ApiError;
use crate::api::json::Integer;
use crate::chain::TokenFacts;
use crate::chain::contract::{CHANNELS_ABI, TOKEN_ABI};
use crate::store::Tip;

/// How long it is good for that the node did not say what the receiver holds.
const UNKNOWN: Duration = Duration::from_secs(1);

/// What the receiver holds of the token, as of the newest block. Locked while the node is asked, so that it is asked once.
#[derive(Default)]
pub(super) struct Cache(Mutex<Option<Holding>>);

#[derive(Clone, Copy)]
struct Holding {
    at: Instant,
    tip: Tip,
    /// `None` where the node did not say.
    balance: Option<U256>,
}

#[derive(Serialize)]
pub(super) struct Stats {
    deposit_sum: Integer,
    open_channels: u64,
    pending_channels: u64,
    balance_sum: Integer,
    unique_senders: u64,
    liquid_balance: Option<Integer>,
    token_address: Address,
    contract_address: Address,
    receiver_address: Address,
    /// As the token calls itself; `None` where it or the node does not say.
    token_name: Option<String>,
    token_symbol: Option<String>,
    /// One whole token is 10 to the power of this many base units.
    token_decimals: Option<u8>,
    manager_abi: &'static RawValue,
    token_abi: &'static RawValue,
    /// The first block to look for events of the contract in.
    sync_block: u64,
}

/// `GET /stats`.
pub(super) async fn stats(State(api): State<Arc<Api>>) -> Result<Json<Stats>, ApiError> {
    let Some(bound) = api.public.store.bound() else {
        return Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "The Ethereum node was not reached yet"));
    };
    let (tip, totals) = api.public.store.totals().await?;
    let liquid_balance = holding(&api, bound.identity.token, tip).await;
    let token = token_facts(&api, bound.identity.token).await;
    Ok(Json(Stats {
        deposit_sum: totals.deposit_sum.into(),
        open_channels: totals.open_channels,
        pending_channels: totals.pending_channels,
        balance_sum: totals.balance_sum.into(),
        unique_senders: totals.unique_senders,
        liquid_balance: liquid_balance.map(Integer::from),
        token_address: bound.identity.token,
        contract_address: bound.identity.contract,
        receiver_address: bound.identity.receiver,
        token_name: token.map(|token| token.name.clone()),
        token_symbol: token.map(|token| token.symbol.clone()),
        token_decimals: token.map(|token| token.decimals),
        manager_abi: &CHANNELS_ABI,
        token_abi: &TOKEN_ABI,
        sync_block: api.public.start_block,
    }))
}

async fn token_facts(api: &Api, token: Address) -> Option<&TokenFacts> {
    match api.public.node.token_facts(token).await {
        Ok(facts) => Some(facts),
        Err(error) => {
            tracing::debug!(%error, "how the token is written is not known");
            None
        }
    }
}

async fn holding(api: &Api, token: Address, tip: Tip) -> Option<U256> {
    let mut cached = api.stats.0.lock().await;
    if let Some(Holding { balance, .. }) = cached
        .filter(|holding| holding.tip == tip && (holding.balance.is_some() || holding.at.elapsed() < UNKNOWN))
    {
        return balance;
    }
    let balance = match api.public.node.token_balance(token, api.public.key.address()).await {
        Ok(balance) => Some(balance),
        Err(error) => {
            tracing::debug!(%error, "the receiver's balance is not known");
            None
        }
    };
    *cached = Some(Holding { at: Instant::now(), tip, balance });
    balance
}

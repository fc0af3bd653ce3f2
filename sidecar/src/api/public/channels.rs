//! Lists of channels, and one channel.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use serde::Serialize;
use uraiden_core::channel::ChannelState;
use uraiden_core::{Address, BlockNumber, Signature};

use super::Api;
use crate::api::error::ApiError;
use crate::api::json::Integer;
use crate::api::path::{self, Page};
use crate::api::proof;
use crate::settings::ChannelLists;
use crate::store::OnChain;

#[derive(Serialize)]
pub(super) struct SenderBlocks {
    sender_address: Address,
    blocks: Vec<BlockNumber>,
}

/// `GET /channels/`: who has channels, and which.
pub(super) async fn all(
    State(api): State<Arc<Api>>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Json<Vec<SenderBlocks>>, ApiError> {
    allow_lists(&api)?;
    let Page { listing, limit, offset } = Page::read(&query)?;
    let mut senders: Vec<SenderBlocks> = Vec::new();
    for channel in api.public.store.list(None, listing, limit, offset).await? {
        let key = channel.key;
        match senders.last_mut() {
            Some(last) if last.sender_address == key.sender => last.blocks.push(key.open_block),
            Some(_) | None => {
                senders.push(SenderBlocks { sender_address: key.sender, blocks: vec![key.open_block] });
            }
        }
    }
    Ok(Json(senders))
}

fn allow_lists(api: &Api) -> Result<(), ApiError> {
    match api.public.channel_lists {
        ChannelLists::On => Ok(()),
        ChannelLists::Off => Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "Lists of channels are switched off: ask for one channel",
        )),
    }
}

#[derive(Serialize)]
pub(super) struct SenderChannel {
    sender_address: Address,
    open_block: BlockNumber,
    balance: Integer,
    deposit: Integer,
    state: &'static str,
}

/// `GET /channels/<sender>`: the channels of one sender.
pub(super) async fn of_sender(
    State(api): State<Arc<Api>>,
    Path(sender): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Json<Vec<SenderChannel>>, ApiError> {
    allow_lists(&api)?;
    let Page { listing, limit, offset } = Page::read(&query)?;
    let channels = api.public.store.list(Some(path::sender(&sender)?), listing, limit, offset).await?;
    let line = |channel: &crate::store::ListedChannel| SenderChannel {
        sender_address: channel.key.sender,
        open_block: channel.key.open_block,
        balance: channel.balance.into(),
        deposit: channel.deposit.into(),
        state: if channel.open { "open" } else { "closed" },
    };
    Ok(Json(channels.iter().map(line).collect()))
}

#[derive(Serialize)]
pub(super) struct OneChannel {
    receiver: Address,
    sender: Address,
    deposit: Integer,
    open_block_number: BlockNumber,
    balance: Integer,
    /// 0 open, 1 closed, 2 close pending, or held back.
    state: u8,
    /// Why an open channel takes no payments; none where it does, or is being closed.
    held_back: Option<&'static str>,
    /// Only for the sender: whoever has it and the balance can close the channel.
    last_signature: Option<Signature>,
    /// The block after which the channel can be settled, -1 where nobody asked to close it.
    settle_timeout: i64,
    /// Seconds since 1970.
    ctime: f64,
    /// Seconds since 1970.
    mtime: f64,
    /// 1, or 0 while the opening is not confirmed.
    confirmed: u8,
    /// The blocks until it is, 0 when it is.
    missing_confirmations: u32,
    /// Amounts by transaction.
    unconfirmed_topups: BTreeMap<String, Integer>,
}

/// `GET /channels/<sender>/<open_block>`: one channel.
pub(super) async fn one(
    State(api): State<Arc<Api>>,
    Path((sender, open_block)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Json<OneChannel>, ApiError> {
    let key = path::channel(&sender, &open_block)?;
    let store = &api.public.store;
    let found = store.channel(key).await?.filter(|row| row.on_chain != OnChain::Absent);
    let row = found.ok_or_else(|| ApiError::not_found("Sender address not found"))?;
    // Read after the row: a block that came in between is one that is not missing any more.
    let next_block = store.position().await?.map_or(0, |position| position.next_block);
    let top_ups = store.pending_top_ups(key).await?;
    let by_sender = proof::is_by_sender(&headers, &api.channel_id(key), &[row.balance]);
    Ok(Json(OneChannel {
        receiver: api.public.key.address(),
        sender: key.sender,
        deposit: row.deposit.into(),
        open_block_number: key.open_block,
        balance: row.balance.into(),
        state: match row.on_chain {
            OnChain::Settled => 1,
            OnChain::Closing => 2,
            OnChain::Absent | OnChain::Unconfirmed | OnChain::Open => {
                if row.closing_balance.is_some() || row.held_generation.is_some() { 2 } else { 0 }
            }
        },
        held_back: (row.held_generation.is_some() && row.on_chain != OnChain::Settled)
            .then_some("held back after a restore, until the merchant closes or releases it"),
        last_signature: row.signature.filter(|_| by_sender),
        settle_timeout: row.settle_block.and_then(|block| i64::try_from(block).ok()).unwrap_or(-1),
        ctime: seconds(row.created_at),
        mtime: seconds(row.updated_at),
        confirmed: u8::from(row.on_chain != OnChain::Unconfirmed),
        missing_confirmations: match row.state(next_block, &store.scope()) {
            ChannelState::Unconfirmed { missing } => missing,
            ChannelState::Absent | ChannelState::Closed | ChannelState::Open(_) => 0,
        },
        unconfirmed_topups: top_ups
            .iter()
            .map(|top_up| (format!("0x{}", hex::encode(top_up.tx_hash)), top_up.added.into()))
            .collect(),
    }))
}

/// Milliseconds since 1970 are far below 2^53, so that nothing is rounded.
fn seconds(millis: u64) -> f64 {
    millis as f64 / 1000.0
}

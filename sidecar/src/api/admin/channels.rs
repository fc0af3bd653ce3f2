//! The merchant's view of the channels, and the merchant's orders.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Serialize;
use uraiden_core::TokenAmount;
use uraiden_core::wire::ChannelKey;

use super::Admin;
use crate::api::error::ApiError;
use crate::api::path;
use crate::chain::NodeError;
use crate::collect::{Quote, quote};
use crate::store::{ChannelRow, HeldProof, Intent, Mode, NotReleased, OnChain, Purpose, Refusal};

/// The most lines of a list.
const MAX_LIMIT: u32 = 1000;

/// A channel, as the ledger has it. Amounts are text, in base units of the token.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Line {
    #[serde(flatten)]
    key: ChannelKey,
    /// `unconfirmed`, `open`, `marked` (an agreement to close is out), `held` (back, since a restore), `closing` (the
    /// sender asked), `settled`, or `absent` since a reorganisation.
    state: &'static str,
    deposit: TokenAmount,
    balance: TokenAmount,
    withdrawn: TokenAmount,
    /// What is neither withdrawn nor settled.
    unclaimed: TokenAmount,
    asked_balance: Option<TokenAmount>,
    closing_balance: Option<TokenAmount>,
    /// The last block of the challenge period.
    settle_block: Option<u64>,
    /// Since which generation of the ledger it is held back.
    held_generation: Option<u64>,
}

impl From<&ChannelRow> for Line {
    fn from(row: &ChannelRow) -> Self {
        let settled = row.on_chain == OnChain::Settled;
        let left = row.balance.checked_sub(row.withdrawn).filter(|_| !settled);
        Self {
            key: row.key,
            state: match row.on_chain {
                OnChain::Absent => "absent",
                OnChain::Unconfirmed => "unconfirmed",
                OnChain::Open if row.closing_balance.is_some() => "marked",
                OnChain::Open if row.held_generation.is_some() => "held",
                OnChain::Open => "open",
                OnChain::Closing => "closing",
                OnChain::Settled => "settled",
            },
            deposit: row.deposit,
            balance: row.balance,
            withdrawn: row.withdrawn,
            unclaimed: left.unwrap_or_default(),
            asked_balance: row.asked_balance,
            closing_balance: row.closing_balance,
            settle_block: row.settle_block,
            held_generation: row.held_generation,
        }
    }
}

/// What we want the chain to do with a channel.
#[derive(Serialize)]
pub(super) struct Wanted {
    purpose: &'static str,
    balance: TokenAmount,
    /// Whether the confirmed chain has done it, or it is needless.
    done: bool,
    /// Hashes, the newest last.
    transactions: Vec<String>,
}

impl From<&Intent> for Wanted {
    fn from(intent: &Intent) -> Self {
        let hash = |hash: &[u8; 32]| format!("0x{}", hex::encode(hash));
        Self {
            purpose: intent.purpose.as_str(),
            balance: intent.proof.balance,
            done: !intent.is_wanted(),
            transactions: intent.transactions.iter().map(|transaction| hash(&transaction.hash)).collect(),
        }
    }
}

/// `GET /channels`: a page of all channels; `settled=true` for those too that are over.
pub(super) async fn list(
    State(admin): State<Admin>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Json<Vec<Line>>, ApiError> {
    let with_settled = flag(&query, "settled")?;
    let limit = path::number(&query, "limit", MAX_LIMIT, 1..=MAX_LIMIT)?;
    let offset = path::number(&query, "offset", 0, 0..=u32::MAX)?;
    let rows = admin.store.rows(with_settled, limit, offset).await?;
    Ok(Json(rows.iter().map(Line::from).collect()))
}

#[derive(Serialize)]
pub(super) struct One {
    #[serde(flatten)]
    line: Line,
    wanted: Vec<Wanted>,
}

/// `GET /channels/<sender>/<open_block>`: one channel, and what is under way with it.
pub(super) async fn one(
    State(admin): State<Admin>,
    Path((sender, open_block)): Path<(String, String)>,
) -> Result<Json<One>, ApiError> {
    let key = path::channel(&sender, &open_block)?;
    let row = admin.store.channel(key).await?.ok_or_else(|| refuse(Refusal::Absent))?;
    let wanted = admin.store.intents_of(key).await?;
    Ok(Json(One { line: Line::from(&row), wanted: wanted.iter().map(Wanted::from).collect() }))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ordered {
    #[serde(flatten)]
    key: ChannelKey,
    purpose: &'static str,
    balance: TokenAmount,
    dry_run: bool,
    /// What the transaction would cost; `None` for an order, or where the node does not answer.
    cost: Option<Cost>,
}

/// Amounts are text, in wei.
#[derive(Serialize)]
struct Cost {
    gas: u64,
    likely: String,
    most: String,
}

/// `DELETE /channels/<sender>/<open_block>`: closes from our side with the last proof. `dryRun=true` only says what
/// would be claimed.
pub(super) async fn close(
    State(admin): State<Admin>,
    Path((sender, open_block)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Json<Ordered>, ApiError> {
    let key = path::channel(&sender, &open_block)?;
    let mode = mode(&query)?;
    let proof = admin.store.order_closing(key, mode).await?;
    answer(&admin, key, Purpose::Close, mode, proof).await
}

/// `POST /channels/<sender>/<open_block>/withdraw`: takes out all that is final, and leaves the channel open.
pub(super) async fn withdraw(
    State(admin): State<Admin>,
    Path((sender, open_block)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Json<Ordered>, ApiError> {
    let key = path::channel(&sender, &open_block)?;
    let mode = mode(&query)?;
    let proof = admin.store.order_withdrawal(key, mode).await?;
    answer(&admin, key, Purpose::Withdraw, mode, proof).await
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Released {
    #[serde(flatten)]
    key: ChannelKey,
    dry_run: bool,
}

/// `POST /channels/<sender>/<open_block>/release`: lets a channel that is held back since a restore take payments.
pub(super) async fn release(
    State(admin): State<Admin>,
    Path((sender, open_block)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Json<Released>, ApiError> {
    let key = path::channel(&sender, &open_block)?;
    let mode = mode(&query)?;
    admin.store.release(key, mode).await?.map_err(|refusal| {
        let status = match refusal {
            NotReleased::Absent => StatusCode::NOT_FOUND,
            NotReleased::NotHeld => StatusCode::CONFLICT,
        };
        ApiError::new(status, refusal.to_string())
    })?;
    let dry_run = mode == Mode::DryRun;
    if !dry_run {
        tracing::info!(channel = format!("{}/{}", key.sender, key.open_block), "released by an operator");
    }
    Ok(Json(Released { key, dry_run }))
}

async fn answer(
    admin: &Admin,
    key: ChannelKey,
    purpose: Purpose,
    mode: Mode,
    proof: Result<HeldProof, Refusal>,
) -> Result<Json<Ordered>, ApiError> {
    let proof = proof.map_err(refuse)?;
    let balance = proof.balance;
    let dry_run = mode == Mode::DryRun;
    if !dry_run {
        let channel = format!("{}/{}", key.sender, key.open_block);
        tracing::info!(channel, %balance, "ordered by an operator: {}", purpose.as_str());
    }
    let cost = if dry_run { cost(admin, key, purpose, &proof).await? } else { None };
    Ok(Json(Ordered { key, purpose: purpose.as_str(), balance, dry_run, cost }))
}

/// # Errors
///
/// 409 where the contract would refuse.
async fn cost(
    admin: &Admin,
    key: ChannelKey,
    purpose: Purpose,
    proof: &HeldProof,
) -> Result<Option<Cost>, ApiError> {
    match quote(&admin.node, admin.store.scope().receiver, purpose, key, proof).await {
        Ok(Quote { gas, likely, most }) => {
            Ok(Some(Cost { gas, likely: likely.to_string(), most: most.to_string() }))
        }
        Err(error @ NodeError::Reverted { .. }) => {
            Err(ApiError::new(StatusCode::CONFLICT, error.to_string()))
        }
        Err(error) => {
            tracing::debug!(%error, "what an order would cost is not known");
            Ok(None)
        }
    }
}

fn refuse(refusal: Refusal) -> ApiError {
    let status = match refusal {
        Refusal::Absent => StatusCode::NOT_FOUND,
        Refusal::Unconfirmed
        | Refusal::NothingPaid
        | Refusal::AboveDeposit { .. }
        | Refusal::Settled
        | Refusal::Closing
        | Refusal::NothingLeft { .. }
        | Refusal::Underway => StatusCode::CONFLICT,
    };
    ApiError::new(status, refusal.to_string())
}

fn mode(query: &HashMap<String, String>) -> Result<Mode, ApiError> {
    Ok(if flag(query, "dryRun")? { Mode::DryRun } else { Mode::Order })
}

fn flag(query: &HashMap<String, String>, name: &str) -> Result<bool, ApiError> {
    match query.get(name).map(String::as_str) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => {
            Err(ApiError::bad_request(format!("{name} is {other:?}, where true or false is expected")))
        }
    }
}

//! The closing mark: the step open -> closing at exactly one balance, which no later event takes back.

use sqlx::AnyConnection;
use uraiden_core::TokenAmount;
use uraiden_core::wire::ChannelKey;

use super::columns::{Blob, signed};
use super::read;
use super::row::OnChain;

/// What became of a request to close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// The channel is durably marked as closing at the balance that was asked for, now or already before. Only this
    /// allows to sign a closing agreement, and only for that balance.
    Marked,
    /// There is no such channel.
    Absent,
    /// We hold another balance, or have agreed to close at another.
    OtherBalance,
    /// There was no payment yet: without a balance proof the contract closes nothing.
    NothingPaid,
    /// The deposit that the chain shows now is below the balance: the contract would refuse it.
    AboveDeposit {
        /// The confirmed deposit.
        deposit: TokenAmount,
    },
    /// The channel was settled without an agreement.
    Settled,
    /// It is held back since a restore: an agreement for another balance may be out.
    Held,
}

/// Marks the channel, and makes its topmost payment final.
pub(super) async fn close(
    connection: &mut AnyConnection,
    key: ChannelKey,
    balance: TokenAmount,
    now: u64,
) -> Result<Closing, sqlx::Error> {
    let Some(row) = read::lock(connection, key).await? else { return Ok(Closing::Absent) };
    match (row.closing_balance, row.on_chain) {
        (Some(marked), _) if marked == balance => return Ok(Closing::Marked),
        (Some(_), _) => return Ok(Closing::OtherBalance),
        (None, OnChain::Absent) => return Ok(Closing::Absent),
        (None, OnChain::Settled) => return Ok(Closing::Settled),
        (None, OnChain::Unconfirmed | OnChain::Open | OnChain::Closing) => {}
    }
    if row.held_generation.is_some() {
        return Ok(Closing::Held);
    }
    if row.signature.is_none() {
        return Ok(Closing::NothingPaid);
    }
    if row.balance != balance {
        return Ok(Closing::OtherBalance);
    }
    let result = sqlx::query(
        "UPDATE channels SET closing_balance = balance, undo_attempt = NULL, undo_balance = NULL, \
         undo_signature = NULL, updated_at = $1 \
         WHERE sender = $2 AND open_block = $3 AND balance = $4 AND deposit >= $4 AND signature IS NOT NULL \
         AND closing_balance IS NULL AND held_generation IS NULL AND chain_state IN ('unconfirmed', 'open', 'closing')",
    )
    .bind(signed(now))
    .bind(key.sender.blob())
    .bind(i64::from(key.open_block.0))
    .bind(balance.blob())
    .execute(connection)
    .await?;
    match result.rows_affected() {
        1 => Ok(Closing::Marked),
        _ => Ok(Closing::AboveDeposit { deposit: row.deposit }),
    }
}

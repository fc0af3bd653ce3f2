//! What becomes of a payment whose resource failed.

use sqlx::SqliteConnection;
use uraiden_core::TokenAmount;
use uraiden_core::wire::{Answer, Attempt};

use super::attempts::{self, Outcome, Recorded};
use super::columns::{Blob, signed};
use super::{Scope, income, read, tally};
use crate::metrics::Decision;

/// Undoes an attempt: balance and proof return to the pair before it, or what it used of the credit is credit again.
/// Where a later payment or a closing agreement stands on it, its price becomes a credit. Where as many as allowed were
/// undone in a row, it stays. One that never arrived is noted, so that its late commit is refused.
pub(super) async fn take_back(
    connection: &mut SqliteConnection,
    scope: &Scope,
    attempt: &Attempt,
    now: u64,
) -> Result<Answer, sqlx::Error> {
    let outcome = match attempts::find(connection, attempt).await? {
        Recorded::Conflict => {
            tally::note(Decision::Conflict);
            return Ok(Answer::Conflict);
        }
        Recorded::Unknown => {
            attempts::insert(connection, attempt, Outcome::TakenBack, now).await?;
            tally::note(Decision::TakenBack);
            Outcome::TakenBack
        }
        Recorded::Known(settled @ (Outcome::TakenBack | Outcome::Credited | Outcome::Kept)) => {
            tally::note(Decision::Repeated);
            settled
        }
        Recorded::Known(counting) => {
            let outcome = undo(connection, scope, attempt, counting, now).await?;
            attempts::settle(connection, attempt.id, outcome).await?;
            tally::note(match outcome {
                Outcome::TakenBack => Decision::TakenBack,
                Outcome::Credited => Decision::Credited,
                Outcome::Accepted | Outcome::Spent | Outcome::Kept => Decision::Kept,
            });
            outcome
        }
    };
    let channel = read::state(connection, scope, attempt.channel).await?;
    Ok(match outcome {
        Outcome::TakenBack => Answer::TakenBack { channel },
        Outcome::Credited => Answer::Credited { channel },
        Outcome::Accepted | Outcome::Spent | Outcome::Kept => Answer::Final { channel },
    })
}

/// Undoes a payment that counts, as far as it may be undone, and says what it is now.
async fn undo(
    connection: &mut SqliteConnection,
    scope: &Scope,
    attempt: &Attempt,
    counting: Outcome,
    now: u64,
) -> Result<Outcome, sqlx::Error> {
    // A payment that counts has a row, and rows are never deleted.
    let row = read::row(connection, attempt.channel).await?.ok_or(sqlx::Error::RowNotFound)?;
    // An agreement to close names the balance, or may: what is held back has none that we know of.
    let stays = row.closing_balance.is_some() || row.held_generation.is_some();
    let topmost = !stays && row.undo.is_some_and(|undo| undo.attempt == attempt.id);
    let may = row.take_backs < u64::from(scope.take_backs_in_a_row);
    let (outcome, counted) = match counting {
        Outcome::Spent if may => (Outcome::TakenBack, true),
        Outcome::Accepted if topmost && may => {
            lower(connection, attempt, now).await?;
            return Ok(Outcome::TakenBack);
        }
        Outcome::Accepted if !topmost => (Outcome::Credited, false),
        Outcome::Accepted | Outcome::Spent | Outcome::TakenBack | Outcome::Credited | Outcome::Kept => {
            tracing::info!(
                sender = %attempt.channel.sender,
                open_block = %attempt.channel.open_block,
                limit = scope.take_backs_in_a_row,
                "a payment for a resource that failed stays: too many were taken back in a row",
            );
            return Ok(Outcome::Kept);
        }
    };
    // Credit is a part of the balance, so the sum cannot overflow.
    let credit = row.credit.checked_add(attempt.price).unwrap_or(TokenAmount::MAX);
    sqlx::query(
        "UPDATE channels SET credit = $1, take_backs = take_backs + $2, updated_at = $3 \
         WHERE sender = $4 AND open_block = $5 AND credit = $6",
    )
    .bind(credit.blob())
    .bind(i64::from(counted))
    .bind(signed(now))
    .bind(attempt.channel.sender.blob())
    .bind(i64::from(attempt.channel.open_block.0))
    .bind(row.credit.blob())
    .execute(connection)
    .await?;
    Ok(outcome)
}

/// Returns to what was held before this attempt, which made the topmost payment that is not final.
async fn lower(connection: &mut SqliteConnection, attempt: &Attempt, now: u64) -> Result<(), sqlx::Error> {
    let result = sqlx::query(
        "UPDATE channels SET balance = undo_balance, signature = undo_signature, take_backs = take_backs + 1, \
         undo_attempt = NULL, undo_balance = NULL, undo_signature = NULL, updated_at = $1 \
         WHERE sender = $2 AND open_block = $3 AND undo_attempt = $4 AND closing_balance IS NULL \
         AND held_generation IS NULL",
    )
    .bind(signed(now))
    .bind(attempt.channel.sender.blob())
    .bind(i64::from(attempt.channel.open_block.0))
    .bind(attempt.id.blob())
    .execute(&mut *connection)
    .await?;
    if result.rows_affected() == 1 {
        income::take_back(connection, attempt).await
    } else {
        Err(sqlx::Error::RowNotFound)
    }
}

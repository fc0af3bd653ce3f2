//! Undoing the topmost payment of a channel.

use sqlx::SqliteConnection;
use uraiden_core::wire::{Answer, Attempt};

use super::attempts::{self, Outcome, Recorded};
use super::columns::{Blob, signed};
use super::{Scope, read};

/// Undoes an attempt: balance and proof return to the pair before it. One that never arrived is noted, so that its
/// late commit is refused. One that is final stays.
pub(super) async fn take_back(
    connection: &mut SqliteConnection,
    scope: &Scope,
    attempt: &Attempt,
    now: u64,
) -> Result<Answer, sqlx::Error> {
    let taken_back = match attempts::find(connection, attempt).await? {
        Recorded::Conflict => return Ok(Answer::Conflict),
        Recorded::Known(Outcome::TakenBack) => true,
        Recorded::Known(Outcome::Accepted) => {
            let undone = undo(connection, attempt, now).await?;
            if undone {
                attempts::mark_taken_back(connection, attempt.id).await?;
            }
            undone
        }
        Recorded::Unknown => {
            attempts::insert(connection, attempt, Outcome::TakenBack, now).await?;
            true
        }
    };
    let channel = read::state(connection, scope, attempt.channel).await?;
    Ok(if taken_back { Answer::TakenBack { channel } } else { Answer::Final { channel } })
}

/// Returns to what was held before this attempt, if it made the topmost payment and that is not final.
async fn undo(connection: &mut SqliteConnection, attempt: &Attempt, now: u64) -> Result<bool, sqlx::Error> {
    let result = sqlx::query(
        "UPDATE channels SET balance = undo_balance, signature = undo_signature, \
         undo_attempt = NULL, undo_balance = NULL, undo_signature = NULL, updated_at = $1 \
         WHERE sender = $2 AND open_block = $3 AND undo_attempt = $4 AND closing_balance IS NULL",
    )
    .bind(signed(now))
    .bind(attempt.channel.sender.blob())
    .bind(i64::from(attempt.channel.open_block.0))
    .bind(attempt.id.blob())
    .execute(connection)
    .await?;
    Ok(result.rows_affected() == 1)
}

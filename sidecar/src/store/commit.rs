//! Accepting a payment: the one conditional write that decides.

use sqlx::SqliteConnection;
use uraiden_core::channel::{ChannelState, OpenChannel};
use uraiden_core::decide::{Asked, Known, Means, Payment, Verdict, decide};
use uraiden_core::offer::{Offer, OfferedProof};
use uraiden_core::wire::{Answer, Attempt};
use uraiden_core::{BalanceProof, Price, TokenAmount};

use super::attempts::{self, Outcome, Recorded};
use super::columns::{Blob, signed};
use super::{Commits, Scope, income, levels, read, tally};
use crate::metrics::Decision;

/// Accepts the payment if core's judge does, once. A repeated message is answered with what the first one led to.
pub(super) async fn commit(
    connection: &mut SqliteConnection,
    scope: &Scope,
    attempt: &Attempt,
    commits: Commits,
    now: u64,
) -> Result<Answer, sqlx::Error> {
    let recorded = attempts::find(connection, attempt).await?;
    let channel = read::state(connection, scope, attempt.channel).await?;
    match (recorded, commits) {
        (Recorded::Conflict, _) => {
            tally::note(Decision::Conflict);
            return Ok(Answer::Conflict);
        }
        (Recorded::Known(outcome), _) => {
            tally::note(Decision::Repeated);
            return Ok(match outcome {
                Outcome::Accepted | Outcome::Spent | Outcome::Kept => Answer::Accepted { channel },
                Outcome::TakenBack => Answer::TakenBack { channel },
                Outcome::Credited => Answer::Credited { channel },
            });
        }
        (Recorded::Unknown, Commits::Judge { until }) if now <= until => {}
        (Recorded::Unknown, Commits::Judge { .. }) => {
            tally::note(Decision::Refused("too-late"));
            return Ok(Answer::Refused { channel });
        }
        (Recorded::Unknown, Commits::Refuse) => {
            tally::note(Decision::Refused("not-ready"));
            return Ok(Answer::Refused { channel });
        }
    }
    let Some(payment) = judge(scope, attempt, &channel) else { return Ok(Answer::Refused { channel }) };
    let ChannelState::Open(open) = channel else { return Ok(Answer::Refused { channel }) };

    let (accepted, outcome) = match payment.means() {
        Means::Balance => (accept(connection, attempt, &open, now).await?, Outcome::Accepted),
        Means::Credit => (spend(connection, attempt, &open, &payment, now).await?, Outcome::Spent),
    };
    if !accepted {
        // The row was read in this very transaction, by the only writer.
        tracing::error!(
            channel = %payment.proof().channel,
            held = %open.balance,
            offered = %payment.proof().balance,
            "a payment that was judged good does not fit the ledger's row: refused",
        );
        return Ok(Answer::Refused { channel });
    }
    attempts::insert(connection, attempt, outcome, now).await?;
    tally::note(match payment.means() {
        Means::Balance => Decision::Accepted,
        Means::Credit => Decision::Spent,
    });
    Ok(Answer::Accepted { channel: ChannelState::Open(open.after(&payment)) })
}

/// Core's verdict, with the signature verified here and now.
fn judge(scope: &Scope, attempt: &Attempt, channel: &ChannelState) -> Option<Payment> {
    let Some(price) = Price::new(attempt.price) else {
        tally::note(Decision::Refused("no-price"));
        return None;
    };
    let proof = OfferedProof {
        sender: attempt.channel.sender,
        open_block: attempt.channel.open_block,
        balance: attempt.balance,
        signature: attempt.signature,
    };
    let offer = Offer { proof: Some(proof), ..Offer::default() };
    let asked = Asked { price, contract: scope.contract, receiver: scope.receiver };
    match decide(&offer, Known::Fresh(channel), &asked, BalanceProof::is_by_sender) {
        Verdict::Accept(payment) => Some(payment),
        Verdict::Charge(refusal) => {
            tracing::debug!(?refusal, attempt = %attempt.id, "payment refused");
            tally::note(Decision::Refused(refusal.code()));
            None
        }
        Verdict::Wait => {
            tracing::debug!(attempt = %attempt.id, "payment refused: the channel's exposure limit is reached");
            tally::note(Decision::Refused("exposure-limit"));
            None
        }
        Verdict::Fetch(_) => None,
    }
}

/// Moves the balance to the payment's, if the row still is as it was judged. What was held before is kept for a
/// take-back of this payment; thereby the payment before it becomes final, and as that one was not taken back, the
/// count of those that were begins anew.
async fn accept(
    connection: &mut SqliteConnection,
    attempt: &Attempt,
    held: &OpenChannel,
    now: u64,
) -> Result<bool, sqlx::Error> {
    let result = sqlx::query(
        "UPDATE channels SET take_backs = CASE WHEN undo_attempt IS NULL THEN take_backs ELSE 0 END, \
         undo_attempt = $1, undo_balance = balance, undo_signature = signature, \
         balance = $2, signature = $3, updated_at = $4 \
         WHERE sender = $5 AND open_block = $6 AND balance = $7 AND deposit >= $2 \
         AND chain_state = 'open' AND closing_balance IS NULL AND held_generation IS NULL",
    )
    .bind(attempt.id.blob())
    .bind(attempt.balance.blob())
    .bind(attempt.signature.blob())
    .bind(signed(now))
    .bind(attempt.channel.sender.blob())
    .bind(i64::from(attempt.channel.open_block.0))
    .bind(held.balance.blob())
    .execute(&mut *connection)
    .await?;
    let accepted = result.rows_affected() == 1;
    if accepted {
        levels::record(connection, attempt.channel, held.balance, held.signature, attempt.balance).await?;
        income::accept(connection, attempt, now).await?;
    }
    Ok(accepted)
}

/// Uses up a part of the credit, if the row still is as it was judged.
async fn spend(
    connection: &mut SqliteConnection,
    attempt: &Attempt,
    held: &OpenChannel,
    payment: &Payment,
    now: u64,
) -> Result<bool, sqlx::Error> {
    let left: TokenAmount = held.after(payment).credit;
    let result = sqlx::query(
        "UPDATE channels SET credit = $1, updated_at = $2 \
         WHERE sender = $3 AND open_block = $4 AND balance = $5 AND credit = $6 \
         AND chain_state = 'open' AND closing_balance IS NULL AND held_generation IS NULL",
    )
    .bind(left.blob())
    .bind(signed(now))
    .bind(attempt.channel.sender.blob())
    .bind(i64::from(attempt.channel.open_block.0))
    .bind(attempt.balance.blob())
    .bind(held.credit.blob())
    .execute(connection)
    .await?;
    Ok(result.rows_affected() == 1)
}

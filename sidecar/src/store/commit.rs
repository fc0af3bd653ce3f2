//! Accepting a payment: the one conditional write that decides.

use sqlx::SqliteConnection;
use uraiden_core::channel::ChannelState;
use uraiden_core::decide::{Asked, Known, Payment, Verdict, decide};
use uraiden_core::offer::{Offer, OfferedProof};
use uraiden_core::wire::{Answer, Attempt, AttemptId};
use uraiden_core::{Price, TokenAmount};

use super::attempts::{self, Outcome, Recorded};
use super::columns::{Blob, signed};
use super::{Commits, Scope, levels, read};

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
        (Recorded::Conflict, _) => return Ok(Answer::Conflict),
        (Recorded::Known(Outcome::Accepted), _) => return Ok(Answer::Accepted { channel }),
        (Recorded::Known(Outcome::TakenBack), _) => return Ok(Answer::TakenBack { channel }),
        (Recorded::Unknown, Commits::Refuse) => return Ok(Answer::Refused { channel }),
        (Recorded::Unknown, Commits::Judge) => {}
    }
    let ChannelState::Open(open) = channel else { return Ok(Answer::Refused { channel }) };
    let Some(payment) = judge(scope, attempt, &channel) else { return Ok(Answer::Refused { channel }) };

    if !accept(connection, attempt.id, &payment, open.balance, now).await? {
        // The row was read in this very transaction, by the only writer.
        tracing::error!(
            channel = %payment.proof().channel,
            held = %open.balance,
            offered = %payment.proof().balance,
            "a payment that was judged good does not fit the ledger's row: refused",
        );
        return Ok(Answer::Refused { channel });
    }
    let (held, signature, paid) = (open.balance, open.signature, payment.proof().balance);
    levels::record(connection, attempt.channel, held, signature, paid).await?;
    attempts::insert(connection, attempt, Outcome::Accepted, now).await?;
    Ok(Answer::Accepted { channel: ChannelState::Open(open.after(&payment)) })
}

/// Core's verdict, with the signature verified here and now.
fn judge(scope: &Scope, attempt: &Attempt, channel: &ChannelState) -> Option<Payment> {
    let price = Price::new(attempt.price)?;
    let proof = OfferedProof {
        sender: attempt.channel.sender,
        open_block: attempt.channel.open_block,
        balance: attempt.balance,
        signature: attempt.signature,
    };
    let offer = Offer { proof: Some(proof), ..Offer::default() };
    let asked = Asked { price, contract: scope.contract, receiver: scope.receiver };
    match decide(&offer, Known::Fresh(channel), &asked) {
        Verdict::Accept(payment) => Some(payment),
        Verdict::Charge(refusal) => {
            tracing::debug!(?refusal, attempt = %attempt.id, "payment refused");
            None
        }
        Verdict::Fetch(_) => None,
    }
}

/// Moves the balance from `held` to the payment's, if the row still is as it was judged. What was held before is kept
/// for a take-back of this payment; thereby the payment before it becomes final.
async fn accept(
    connection: &mut SqliteConnection,
    id: AttemptId,
    payment: &Payment,
    held: TokenAmount,
    now: u64,
) -> Result<bool, sqlx::Error> {
    let proof = payment.proof();
    let result = sqlx::query(
        "UPDATE channels SET undo_attempt = $1, undo_balance = balance, undo_signature = signature, \
         balance = $2, signature = $3, updated_at = $4 \
         WHERE sender = $5 AND open_block = $6 AND balance = $7 AND deposit >= $2 \
         AND chain_state = 'open' AND closing_balance IS NULL",
    )
    .bind(id.blob())
    .bind(proof.balance.blob())
    .bind(proof.signature.blob())
    .bind(signed(now))
    .bind(proof.channel.sender.blob())
    .bind(i64::from(proof.channel.open_block.0))
    .bind(held.blob())
    .execute(connection)
    .await?;
    Ok(result.rows_affected() == 1)
}

//! What became of the attempts to pay of the last minutes.

use sqlx::SqliteConnection;
use uraiden_core::digest::{Digest, keccak256};
use uraiden_core::wire::{Attempt, AttemptId};

use super::columns::{self, Blob, signed};

/// What an attempt led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The payment counts: it is the step to a higher balance.
    Accepted,
    /// It counts: it used up a part of the channel's credit.
    Spent,
    /// It does not count, now or ever.
    TakenBack,
    /// It counts, and its price is a credit since the resource failed.
    Credited,
    /// It counts although the resource failed, because too many were taken back in a row.
    Kept,
}

impl Outcome {
    const ALL: [Self; 5] = [Self::Accepted, Self::Spent, Self::TakenBack, Self::Credited, Self::Kept];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Spent => "spent",
            Self::TakenBack => "taken_back",
            Self::Credited => "credited",
            Self::Kept => "kept",
        }
    }

    fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }
}

/// What is known of an attempt that a message names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recorded {
    /// Its id was not seen yet, or long ago.
    Unknown,
    /// It led to this.
    Known(Outcome),
    /// Its id was seen with another channel, price, balance or signature.
    Conflict,
}

/// What an attempt says, in 32 bytes.
fn contents(attempt: &Attempt) -> Digest {
    keccak256(&[
        &attempt.channel.sender.0,
        &attempt.channel.open_block.0.to_be_bytes(),
        &attempt.price.to_be_bytes(),
        &attempt.balance.to_be_bytes(),
        &attempt.signature.to_bytes(),
    ])
}

pub(super) async fn find(
    connection: &mut SqliteConnection,
    attempt: &Attempt,
) -> Result<Recorded, sqlx::Error> {
    let row = sqlx::query("SELECT contents, outcome FROM attempts WHERE id = $1")
        .bind(attempt.id.blob())
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(Recorded::Unknown) };
    if columns::bytes(&row, "contents")? != contents(attempt) {
        tracing::error!(attempt = %attempt.id, "an attempt id came again with other contents: nothing was changed");
        return Ok(Recorded::Conflict);
    }
    columns::word(&row, "outcome", Outcome::read).map(Recorded::Known)
}

pub(super) async fn insert(
    connection: &mut SqliteConnection,
    attempt: &Attempt,
    outcome: Outcome,
    now: u64,
) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO attempts (id, contents, outcome, at) VALUES ($1, $2, $3, $4)")
        .bind(attempt.id.blob())
        .bind(contents(attempt).to_vec())
        .bind(outcome.as_str())
        .bind(signed(now))
        .execute(connection)
        .await?;
    Ok(())
}

/// What became of an attempt later.
pub(super) async fn settle(
    connection: &mut SqliteConnection,
    id: AttemptId,
    outcome: Outcome,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE attempts SET outcome = $1 WHERE id = $2")
        .bind(outcome.as_str())
        .bind(id.blob())
        .execute(connection)
        .await?;
    Ok(())
}

/// Forgets attempts from before `before`, at most `limit` of them.
pub(super) async fn prune(
    connection: &mut SqliteConnection,
    before: u64,
    limit: u32,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "DELETE FROM attempts WHERE id IN (SELECT id FROM attempts WHERE at < $1 ORDER BY at LIMIT $2)",
    )
    .bind(signed(before))
    .bind(i64::from(limit))
    .execute(connection)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use sqlx::Connection;
    use uraiden_core::wire::ChannelKey;
    use uraiden_core::{Address, BlockNumber, Signature, TokenAmount};

    use super::super::open::migrations;
    use super::*;

    fn attempt(id: u128) -> Attempt {
        Attempt {
            id: AttemptId(id),
            channel: ChannelKey { sender: Address([1; 20]), open_block: BlockNumber(1) },
            price: TokenAmount::new(1),
            balance: TokenAmount::new(1),
            signature: Signature::from_bytes(&[27; 65]).unwrap(),
        }
    }

    #[tokio::test]
    async fn old_attempts_are_forgotten_the_oldest_first_and_so_many_at_a_time() {
        let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        migrations().run(&mut connection).await.unwrap();
        for id in 1..=5 {
            let at = 100 * u64::try_from(id).unwrap();
            insert(&mut connection, &attempt(id), Outcome::Accepted, at).await.unwrap();
        }
        prune(&mut connection, 400, 2).await.unwrap();
        for (id, recorded) in [
            (1, Recorded::Unknown),
            (2, Recorded::Unknown),
            (3, Recorded::Known(Outcome::Accepted)),
            (4, Recorded::Known(Outcome::Accepted)),
        ] {
            assert_eq!(find(&mut connection, &attempt(id)).await.unwrap(), recorded, "{id}");
        }
        prune(&mut connection, 400, 2).await.unwrap();
        assert_eq!(find(&mut connection, &attempt(3)).await.unwrap(), Recorded::Unknown);
        assert_eq!(
            find(&mut connection, &attempt(4)).await.unwrap(),
            Recorded::Known(Outcome::Accepted),
            "not older than the limit"
        );
    }
}

//! What was earned when: a tally by the hour, kept in the transactions that accept and take back.

use alloy::primitives::U256;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};
use uraiden_core::TokenAmount;
use uraiden_core::wire::{Attempt, AttemptId};

use super::columns::{self, Blob, signed};
use super::{Store, StoreError};

const HOUR: u64 = 60 * 60 * 1000;

/// How many hours are kept: 400 days, so that a month can be compared with that of the year before.
pub const HOURS: u64 = 400 * 24;

/// The columns of an amount, the lowest first.
const PARTS: [&str; 6] = ["part0", "part1", "part2", "part3", "part4", "part5"];

/// What was accepted in an hour, less what was taken back of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Income {
    /// Hours since 1970.
    pub hour: u64,
    /// How many payments.
    pub payments: u64,
    /// What they add up to, in base units of the token.
    pub amount: U256,
}

/// Counts a payment that is accepted now.
pub(super) async fn accept(
    connection: &mut SqliteConnection,
    attempt: &Attempt,
    now: u64,
) -> Result<(), sqlx::Error> {
    add(connection, now / HOUR, 1, attempt.price).await
}

/// Takes a payment out of the hour in which it was accepted. One from before there was a tally is in none.
pub(super) async fn take_back(
    connection: &mut SqliteConnection,
    attempt: &Attempt,
) -> Result<(), sqlx::Error> {
    match accepted_at(connection, attempt.id).await? {
        Some(at) => add(connection, at / HOUR, -1, attempt.price).await,
        None => Ok(()),
    }
}

/// Forgets the hours that are too old to be kept.
pub(super) async fn prune(connection: &mut SqliteConnection, now: u64) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM income WHERE hour <= $1")
        .bind(signed((now / HOUR).saturating_sub(HOURS)))
        .execute(connection)
        .await?;
    Ok(())
}

async fn accepted_at(connection: &mut SqliteConnection, id: AttemptId) -> Result<Option<u64>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT at FROM attempts WHERE id = $1 AND EXISTS (SELECT 1 FROM income WHERE hour = at / 3600000)",
    )
    .bind(id.blob())
    .fetch_optional(connection)
    .await?;
    row.map(|row| columns::unsigned(&row, "at")).transpose()
}

async fn add(
    connection: &mut SqliteConnection,
    hour: u64,
    sign: i64,
    amount: TokenAmount,
) -> Result<(), sqlx::Error> {
    let query = sqlx::query(
        "INSERT INTO income VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (hour) DO UPDATE SET \
         payments = payments + excluded.payments, part0 = part0 + excluded.part0, part1 = part1 + excluded.part1, \
         part2 = part2 + excluded.part2, part3 = part3 + excluded.part3, part4 = part4 + excluded.part4, \
         part5 = part5 + excluded.part5",
    )
    .bind(signed(hour))
    .bind(sign);
    let bytes = amount.to_be_bytes();
    let parts = bytes.as_chunks::<4>().0.iter().rev().map(|part| i64::from(u32::from_be_bytes(*part)));
    parts.fold(query, |query, part| query.bind(sign * part)).execute(connection).await?;
    Ok(())
}

fn read(row: &SqliteRow) -> Result<Income, sqlx::Error> {
    let mut amount = U256::ZERO;
    for part in PARTS.into_iter().rev() {
        let part: i64 = row.try_get(part)?;
        let size = U256::from(part.unsigned_abs());
        // In two's complement, where only the sum of all parts has to be in range.
        amount = (amount << 32_usize).wrapping_add(if part < 0 { size.wrapping_neg() } else { size });
    }
    Ok(Income {
        hour: columns::unsigned(row, "hour")?,
        payments: columns::unsigned(row, "payments")?,
        amount,
    })
}

impl Store {
    /// The income of each hour from `first` on, in hours since 1970; hours without any are left out.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotRead`].
    pub async fn income(&self, first: u64) -> Result<Vec<Income>, StoreError> {
        let rows = sqlx::query("SELECT * FROM income WHERE hour >= $1 AND payments > 0 ORDER BY hour")
            .bind(signed(first))
            .fetch_all(self.readers())
            .await?;
        rows.iter().map(read).collect::<Result<_, _>>().map_err(StoreError::from)
    }
}

#[cfg(test)]
mod tests {
    use sqlx::Connection;

    use super::*;

    const NOW: u64 = 20 * 365 * 24 * HOUR;

    async fn table() -> SqliteConnection {
        let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        let sql = include_str!("../../migrations/sqlite/0006_income.sql");
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        connection
    }

    async fn all(connection: &mut SqliteConnection) -> Vec<Income> {
        let rows = sqlx::query("SELECT * FROM income ORDER BY hour").fetch_all(connection).await.unwrap();
        rows.iter().map(|row| read(row).unwrap()).collect()
    }

    #[tokio::test]
    async fn amounts_of_any_width_add_up_and_can_be_taken_out_again() {
        let mut connection = table().await;
        let two_to_32 = TokenAmount::new(1 << 32);
        for (sign, amount) in [
            (1, TokenAmount::MAX),
            (1, TokenAmount::MAX),
            (1, two_to_32),
            (-1, TokenAmount::new(1)),
            (-1, TokenAmount::MAX),
        ] {
            add(&mut connection, 7, sign, amount).await.unwrap();
        }
        let amount = U256::from_be_slice(&TokenAmount::MAX.to_be_bytes()) + U256::from((1_u64 << 32) - 1);
        assert_eq!(all(&mut connection).await, [Income { hour: 7, payments: 1, amount }]);
    }

    #[tokio::test]
    async fn hours_are_kept_for_four_hundred_days() {
        let mut connection = table().await;
        let hour = NOW / HOUR;
        for age in [0, HOURS - 1, HOURS, HOURS + 1] {
            add(&mut connection, hour - age, 1, TokenAmount::new(1)).await.unwrap();
        }
        prune(&mut connection, NOW).await.unwrap();
        let kept: Vec<_> = all(&mut connection).await.iter().map(|income| hour - income.hour).collect();
        assert_eq!(kept, [HOURS - 1, 0]);
    }
}

//! What was earned when: a tally by the hour, kept in the transactions that accept and take back.

use std::collections::BTreeMap;

use alloy::primitives::U256;
use rusqlite::{Connection, params};
use uraiden_core::TokenAmount;

use super::columns::{self, Fields, failed, signed};
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

/// What a transaction earns, by the hour.
#[derive(Debug, Default)]
pub(super) struct Earned(BTreeMap<u64, Sum>);

/// How many payments, and each part of what they add up to.
#[derive(Debug, Default)]
struct Sum {
    payments: i64,
    parts: [i64; PARTS.len()],
}

impl Earned {
    /// Counts a payment that is accepted at this time, in milliseconds since 1970.
    pub(super) fn add(&mut self, at: u64, amount: TokenAmount) {
        self.count(at, 1, amount);
    }

    /// Takes a payment out of the hour in which it was accepted.
    pub(super) fn take_out(&mut self, at: u64, amount: TokenAmount) {
        self.count(at, -1, amount);
    }

    fn count(&mut self, at: u64, sign: i64, amount: TokenAmount) {
        let sum = self.0.entry(at / HOUR).or_default();
        sum.payments += sign;
        let bytes = amount.to_be_bytes();
        for (part, bytes) in sum.parts.iter_mut().zip(bytes.as_chunks::<4>().0.iter().rev()) {
            *part += sign * i64::from(u32::from_be_bytes(*bytes));
        }
    }

    /// The hours with something earned in them: how many payments, and the parts of what they add up to.
    pub(super) fn hours(&self) -> impl Iterator<Item = (u64, i64, [i64; PARTS.len()])> {
        self.0.iter().map(|(hour, sum)| (*hour, sum.payments, sum.parts))
    }

    /// Adds all of it to the rows of its hours.
    pub(super) fn write(&self, connection: &Connection) -> Result<(), sqlx::Error> {
        for (hour, Sum { payments, parts: [part0, part1, part2, part3, part4, part5] }) in &self.0 {
            connection
                .prepare_cached(
                    "INSERT INTO income VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (hour) DO UPDATE SET \
                     payments = payments + excluded.payments, part0 = part0 + excluded.part0, \
                     part1 = part1 + excluded.part1, part2 = part2 + excluded.part2, part3 = part3 + excluded.part3, \
                     part4 = part4 + excluded.part4, part5 = part5 + excluded.part5",
                )
                .and_then(|mut insert| {
                    insert.execute(params![
                        signed(*hour),
                        payments,
                        part0,
                        part1,
                        part2,
                        part3,
                        part4,
                        part5
                    ])
                })
                .map_err(failed)?;
        }
        Ok(())
    }
}

/// The last hour that is too old to be kept.
pub(super) fn forgotten(now: u64) -> u64 {
    (now / HOUR).saturating_sub(HOURS)
}

/// Forgets the hours that are too old to be kept.
pub(super) fn prune(connection: &Connection, now: u64) -> Result<(), sqlx::Error> {
    connection
        .prepare_cached("DELETE FROM income WHERE hour <= ?1")
        .and_then(|mut delete| delete.execute([signed(forgotten(now))]))
        .map_err(failed)?;
    Ok(())
}

fn read(row: &impl Fields) -> Result<Income, sqlx::Error> {
    let mut amount = U256::ZERO;
    for part in PARTS.into_iter().rev() {
        let part = row.integer(part)?.unwrap_or_default();
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
        let rows = sqlx::query(
            "SELECT hour, CAST(sum(payments) AS BIGINT) AS payments, CAST(sum(part0) AS BIGINT) AS part0, \
             CAST(sum(part1) AS BIGINT) AS part1, CAST(sum(part2) AS BIGINT) AS part2, \
             CAST(sum(part3) AS BIGINT) AS part3, CAST(sum(part4) AS BIGINT) AS part4, \
             CAST(sum(part5) AS BIGINT) AS part5 FROM income WHERE hour >= $1 \
             GROUP BY hour HAVING sum(payments) > 0 ORDER BY hour",
        )
        .bind(signed(first))
        .fetch_all(self.readers())
        .await?;
        rows.iter().map(read).collect::<Result<_, _>>().map_err(StoreError::from)
    }
}

#[cfg(test)]
mod tests {
    use super::super::sqlite::in_memory;
    use super::*;

    const NOW: u64 = 20 * 365 * 24 * HOUR;

    fn all(connection: &Connection) -> Vec<Income> {
        let mut query = connection.prepare("SELECT * FROM income ORDER BY hour").unwrap();
        query.query_map([], |row| Ok(read(row).unwrap())).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn amounts_of_any_width_add_up_and_can_be_taken_out_again() {
        let connection = in_memory();
        let two_to_32 = TokenAmount::new(1 << 32);
        for steps in [
            &[(1, TokenAmount::MAX)][..],
            &[(1, TokenAmount::MAX), (1, two_to_32)],
            &[(-1, TokenAmount::new(1))],
            &[(-1, TokenAmount::MAX)],
        ] {
            let mut earned = Earned::default();
            for &(sign, amount) in steps {
                earned.count(7 * HOUR, sign, amount);
            }
            earned.write(&connection).unwrap();
        }
        let amount = U256::from_be_slice(&TokenAmount::MAX.to_be_bytes()) + U256::from((1_u64 << 32) - 1);
        assert_eq!(all(&connection), [Income { hour: 7, payments: 1, amount }]);
    }

    #[test]
    fn hours_are_kept_for_four_hundred_days() {
        let connection = in_memory();
        let hour = NOW / HOUR;
        for age in [0, HOURS - 1, HOURS, HOURS + 1] {
            let mut earned = Earned::default();
            earned.add(NOW - age * HOUR, TokenAmount::new(1));
            earned.write(&connection).unwrap();
        }
        prune(&connection, NOW).unwrap();
        let kept: Vec<_> = all(&connection).iter().map(|income| hour - income.hour).collect();
        assert_eq!(kept, [HOURS - 1, 0]);
    }
}

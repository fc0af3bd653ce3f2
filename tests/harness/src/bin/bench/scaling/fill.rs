//! Channels by the million, as rows that nobody pays with, and what the tables take.

use anyhow::{Context, Result};
use sqlx::{Connection, PgConnection, Row};
use uraiden_core::TokenAmount;
use uraiden_harness::Stack;

/// How many rows are written at a time.
const ROWS: usize = 50_000;

/// What each of them has spent, and has been claimed of it.
const SPENT: TokenAmount = TokenAmount::new(1000);

/// What stands for the proof of that: a signature by its form.
const PROOF: [u8; 65] = {
    let mut bytes = [7; 65];
    bytes[64] = 27;
    bytes
};

/// The tables of a ledger.
pub(super) struct Tables {
    connection: PgConnection,
    filled: i64,
}

/// Bytes on the disk, indices included, and bytes of the log of changes so far.
pub(super) struct Sizes {
    pub(super) channels: f64,
    pub(super) attempts: f64,
    pub(super) log: f64,
}

impl Tables {
    pub(super) async fn of(stack: &Stack) -> Result<Self> {
        let connection = PgConnection::connect(&stack.ledger_url()).await.context("the ledger's server")?;
        Ok(Self { connection, filled: 0 })
    }

    /// Adds channels until there are so many. They look as if each had paid, and been claimed.
    pub(super) async fn fill(&mut self, number: usize) -> Result<()> {
        let there: i64 = self.number("SELECT count(*) FROM channels").await?;
        let missing = usize::try_from(there).ok().and_then(|there| number.checked_sub(there));
        let mut missing =
            missing.with_context(|| format!("{there} channels, which is more than {number}"))?;
        while missing > 0 {
            let rows = missing.min(ROWS);
            self.insert(i64::try_from(rows)?).await?;
            missing -= rows;
        }
        for table in ["VACUUM (ANALYZE) channels", "VACUUM (ANALYZE) events"] {
            sqlx::query(table).execute(&mut self.connection).await.context(table)?;
        }
        Ok(())
    }

    async fn insert(&mut self, rows: i64) -> Result<()> {
        let numbers = self.filled..self.filled + rows;
        let mut transaction = self.connection.begin().await?;
        // Two hashes of a number, of which the one stands for an address and the other for all else.
        sqlx::query(
            "WITH new AS (SELECT number, substring(sha256(int8send(number)) FOR 20) AS sender, \
             sha256(int8send(-1 - number)) AS hash FROM generate_series($1::bigint, $2::bigint - 1) AS number), \
             opened AS (INSERT INTO events (block_number, log_index, block_hash, tx_hash, kind, sender, open_block, amount) \
             SELECT 1, number, hash, hash, 'opened', sender, 1, $3 FROM new) \
             INSERT INTO channels (sender, open_block, chain_state, deposit, withdrawn, balance, signature, \
             undo_attempt, undo_balance, undo_signature, created_at, updated_at) \
             SELECT sender, 1, 'open', $3, $4, $4, $5, substring(hash FOR 16), $4, $5, 0, 0 FROM new",
        )
        .bind(numbers.start)
        .bind(numbers.end)
        .bind(TokenAmount::MAX.to_be_bytes())
        .bind(SPENT.to_be_bytes())
        .bind(PROOF)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        self.filled = numbers.end;
        Ok(())
    }

    pub(super) async fn sizes(&mut self) -> Result<Sizes> {
        Ok(Sizes {
            channels: self
                .number("SELECT pg_total_relation_size('channels') + pg_total_relation_size('events')")
                .await? as f64,
            attempts: self.number("SELECT pg_total_relation_size('attempts')").await? as f64,
            log: self.number("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint").await? as f64,
        })
    }

    async fn number(&mut self, question: &'static str) -> Result<i64> {
        let row = sqlx::query(question).fetch_one(&mut self.connection).await.context(question)?;
        Ok(row.try_get(0)?)
    }
}

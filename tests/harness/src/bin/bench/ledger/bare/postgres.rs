//! PostgreSQL, over one connection: a statement for the balances and one for the attempts of each transaction, as the
//! ledger writes them.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use sqlx::{Connection, Executor, PgConnection};
use uraiden_core::wire::Attempt;

use super::HOUR;

/// Copies in a schema of their own, with the same columns, indices and constraints.
const COPY: &str = "CREATE SCHEMA bare; \
     CREATE TABLE bare.channels (LIKE public.channels INCLUDING ALL) WITH (fillfactor = 70); \
     CREATE TABLE bare.attempts (LIKE public.attempts INCLUDING ALL); \
     INSERT INTO bare.channels SELECT * FROM public.channels; \
     SET search_path = bare";

/// A copy of the ledger, which nobody else uses.
pub(in super::super) struct Postgres(PgConnection);

impl Postgres {
    pub(super) async fn beside(ledger: &str) -> Result<Self> {
        let mut connection = PgConnection::connect(ledger).await.context("the ledger's server")?;
        connection.execute(COPY).await?;
        Ok(Self(connection))
    }

    pub(super) async fn pay(&mut self, attempts: &[Attempt], group: usize) -> Result<Duration> {
        let start = Instant::now();
        for attempts in attempts.chunks(group) {
            let ids = || attempts.iter().map(|attempt| attempt.id.0.to_be_bytes()).collect::<Vec<_>>();
            let mut transaction = self.0.begin().await?;
            let changed = sqlx::query(
                "UPDATE channels SET undo_attempt = new.attempt, undo_balance = channels.balance, \
                 undo_signature = channels.signature, balance = new.balance, signature = new.signature, \
                 updated_at = $6 FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bigint[]) \
                 AS new (attempt, balance, signature, sender, open_block) \
                 WHERE channels.sender = new.sender AND channels.open_block = new.open_block \
                 AND channels.balance < new.balance AND chain_state = 'open'",
            )
            .bind(ids())
            .bind(attempts.iter().map(|attempt| attempt.balance.to_be_bytes()).collect::<Vec<_>>())
            .bind(attempts.iter().map(|attempt| attempt.signature.to_bytes()).collect::<Vec<_>>())
            .bind(attempts.iter().map(|attempt| attempt.channel.sender.0).collect::<Vec<_>>())
            .bind(
                attempts.iter().map(|attempt| i64::from(attempt.channel.open_block.0)).collect::<Vec<_>>(),
            )
            .bind(HOUR)
            .execute(&mut *transaction)
            .await?
            .rows_affected();
            ensure!(changed == attempts.len() as u64, "{changed} of {} payments counted", attempts.len());
            sqlx::query(
                "INSERT INTO attempts (id, contents, outcome, at) \
                 SELECT id, $2, 'accepted', $3 FROM unnest($1::bytea[]) AS new (id)",
            )
            .bind(ids())
            .bind([7_u8; 32])
            .bind(HOUR)
            .execute(&mut *transaction)
            .await?;
            transaction.commit().await?;
        }
        Ok(start.elapsed())
    }
}

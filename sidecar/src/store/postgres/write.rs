//! Writing what was decided: a statement a table, whatever the number of rows.

use sqlx::PgConnection;

use super::super::attempts::Change;
use super::super::batches::Prune;
use super::super::columns::signed;
use super::super::draft::{Account, Draft};
use super::super::income;
use super::read::Keys;

/// Writes what has changed. `writer` is this process.
///
/// # Errors
///
/// [`sqlx::Error::RowNotFound`] where a row is not any more as it was read; then nothing must be committed.
pub(super) async fn write(
    draft: &Draft<'_>,
    connection: &mut PgConnection,
    writer: i64,
) -> Result<(), sqlx::Error> {
    let changed: Vec<_> = draft.changed().collect();
    if !changed.is_empty() {
        channels(connection, &changed).await?;
    }
    attempts(draft, connection).await?;
    if !draft.levels.is_empty() {
        levels(draft, connection).await?;
    }
    income(draft, connection, writer).await
}

/// The one write that decides: what payments and take-backs change of the rows, if these still are what the decisions
/// were made on.
async fn channels(connection: &mut PgConnection, changed: &[&Account]) -> Result<(), sqlx::Error> {
    let Keys { senders, open_blocks } = changed.iter().map(|account| account.row.key).collect();
    let rows = || changed.iter().map(|account| &account.row);
    let read = || changed.iter().map(|account| &account.read);
    let result = sqlx::query(
        "UPDATE channels SET balance = new.balance, signature = new.signature, undo_attempt = new.undo_attempt, \
         undo_balance = new.undo_balance, undo_signature = new.undo_signature, credit = new.credit, \
         take_backs = new.take_backs, updated_at = new.updated_at \
         FROM unnest($1::bytea[], $2::bigint[], $3::bytea[], $4::bytea[], $5::bytea[], $6::bytea[], $7::bytea[], \
         $8::bytea[], $9::bigint[], $10::bigint[], $11::bytea[], $12::bytea[], $13::bigint[], $14::bytea[], \
         $15::bytea[], $16::text[], $17::bytea[], $18::bigint[]) \
         AS new (sender, open_block, balance, signature, undo_attempt, undo_balance, undo_signature, credit, \
         take_backs, updated_at, old_balance, old_credit, old_take_backs, old_undo_attempt, old_deposit, old_state, \
         old_closing, old_held) \
         WHERE channels.sender = new.sender AND channels.open_block = new.open_block \
         AND channels.balance = new.old_balance AND channels.credit = new.old_credit \
         AND channels.take_backs = new.old_take_backs \
         AND channels.undo_attempt IS NOT DISTINCT FROM new.old_undo_attempt \
         AND channels.deposit = new.old_deposit AND channels.chain_state = new.old_state \
         AND channels.closing_balance IS NOT DISTINCT FROM new.old_closing \
         AND channels.held_generation IS NOT DISTINCT FROM new.old_held",
    )
    .bind(senders)
    .bind(open_blocks)
    .bind(rows().map(|row| row.balance.to_be_bytes()).collect::<Vec<_>>())
    .bind(rows().map(|row| row.signature.map(|signature| signature.to_bytes())).collect::<Vec<_>>())
    .bind(rows().map(|row| row.undo.map(|undo| undo.attempt.0.to_be_bytes())).collect::<Vec<_>>())
    .bind(rows().map(|row| row.undo.map(|undo| undo.balance.to_be_bytes())).collect::<Vec<_>>())
    .bind(
        rows()
            .map(|row| row.undo.and_then(|undo| undo.signature).map(|signature| signature.to_bytes()))
            .collect::<Vec<_>>(),
    )
    .bind(rows().map(|row| row.credit.to_be_bytes()).collect::<Vec<_>>())
    .bind(rows().map(|row| signed(row.take_backs)).collect::<Vec<_>>())
    .bind(rows().map(|row| signed(row.updated_at)).collect::<Vec<_>>())
    .bind(read().map(|row| row.balance.to_be_bytes()).collect::<Vec<_>>())
    .bind(read().map(|row| row.credit.to_be_bytes()).collect::<Vec<_>>())
    .bind(read().map(|row| signed(row.take_backs)).collect::<Vec<_>>())
    .bind(read().map(|row| row.undo.map(|undo| undo.attempt.0.to_be_bytes())).collect::<Vec<_>>())
    .bind(read().map(|row| row.deposit.to_be_bytes()).collect::<Vec<_>>())
    .bind(read().map(|row| row.on_chain.as_str()).collect::<Vec<_>>())
    .bind(read().map(|row| row.closing_balance.map(|balance| balance.to_be_bytes())).collect::<Vec<_>>())
    .bind(read().map(|row| row.held_generation.map(signed)).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    expect(result.rows_affected(), changed.len())
}

/// An error where not all rows were as they were read.
fn expect(written: u64, meant: usize) -> Result<(), sqlx::Error> {
    if written == meant as u64 {
        return Ok(());
    }
    tracing::error!(
        written,
        meant,
        "rows changed while they were locked: nothing of this transaction counts"
    );
    Err(sqlx::Error::RowNotFound)
}

async fn attempts(draft: &Draft<'_>, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let (mut new, mut settled) = (Vec::new(), Vec::new());
    for (id, noted) in &draft.attempts {
        match noted.change() {
            Some(Change::New) => new.push((id.0.to_be_bytes(), noted)),
            Some(Change::From(stored)) => settled.push((id.0.to_be_bytes(), noted, stored)),
            None => {}
        }
    }
    if !new.is_empty() {
        sqlx::query(
            "INSERT INTO attempts (id, contents, outcome, at) \
             SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::text[], $4::bigint[])",
        )
        .bind(new.iter().map(|(id, _)| *id).collect::<Vec<_>>())
        .bind(new.iter().map(|(_, noted)| noted.contents).collect::<Vec<_>>())
        .bind(new.iter().map(|(_, noted)| noted.outcome.as_str()).collect::<Vec<_>>())
        .bind(new.iter().map(|(_, noted)| signed(noted.at)).collect::<Vec<_>>())
        .execute(&mut *connection)
        .await?;
    }
    if !settled.is_empty() {
        let result = sqlx::query(
            "UPDATE attempts SET outcome = new.outcome \
             FROM unnest($1::bytea[], $2::text[], $3::text[]) AS new (id, outcome, old_outcome) \
             WHERE attempts.id = new.id AND attempts.outcome = new.old_outcome",
        )
        .bind(settled.iter().map(|(id, ..)| *id).collect::<Vec<_>>())
        .bind(settled.iter().map(|(_, noted, _)| noted.outcome.as_str()).collect::<Vec<_>>())
        .bind(settled.iter().map(|(.., stored)| stored.as_str()).collect::<Vec<_>>())
        .execute(connection)
        .await?;
        expect(result.rows_affected(), settled.len())?;
    }
    Ok(())
}

async fn levels(draft: &Draft<'_>, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let Keys { senders, open_blocks } = draft.levels.keys().map(|(key, _)| *key).collect();
    sqlx::query(
        "INSERT INTO levels (sender, open_block, deposit, balance, signature) \
         SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::bytea[], $4::bytea[], $5::bytea[]) \
         ON CONFLICT (sender, open_block, deposit) DO UPDATE SET balance = excluded.balance, \
         signature = excluded.signature",
    )
    .bind(senders)
    .bind(open_blocks)
    .bind(draft.levels.keys().map(|(_, deposit)| deposit.to_be_bytes()).collect::<Vec<_>>())
    .bind(draft.levels.values().map(|proof| proof.balance.to_be_bytes()).collect::<Vec<_>>())
    .bind(draft.levels.values().map(|proof| proof.signature.to_bytes()).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

async fn income(draft: &Draft<'_>, connection: &mut PgConnection, writer: i64) -> Result<(), sqlx::Error> {
    for (hour, payments, parts) in draft.earned.hours() {
        let query = sqlx::query(
            "INSERT INTO income (hour, writer, payments, part0, part1, part2, part3, part4, part5) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (hour, writer) DO UPDATE SET \
             payments = income.payments + excluded.payments, part0 = income.part0 + excluded.part0, \
             part1 = income.part1 + excluded.part1, part2 = income.part2 + excluded.part2, \
             part3 = income.part3 + excluded.part3, part4 = income.part4 + excluded.part4, \
             part5 = income.part5 + excluded.part5",
        )
        .bind(signed(hour))
        .bind(writer)
        .bind(payments);
        parts.into_iter().fold(query, |query, part| query.bind(part)).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Forgets old attempts and old income. Those that another process forgets just now are left to it.
pub(super) async fn prune(connection: &mut PgConnection, prune: Prune, now: u64) -> Result<(), sqlx::Error> {
    sqlx::query(
        "DELETE FROM attempts WHERE id IN \
         (SELECT id FROM attempts WHERE at < $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED)",
    )
    .bind(signed(prune.before))
    .bind(i64::from(prune.limit))
    .execute(&mut *connection)
    .await?;
    sqlx::query("DELETE FROM income WHERE hour <= $1")
        .bind(signed(income::forgotten(now)))
        .execute(connection)
        .await?;
    Ok(())
}

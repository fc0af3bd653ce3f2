//! Writing what was decided.

use rusqlite::{Connection, params};

use super::super::columns::{failed, signed};
use super::super::draft::{Account, Draft};
use super::super::{attempts, levels};

/// Writes what has changed.
///
/// # Errors
///
/// [`sqlx::Error::RowNotFound`] where a row is not any more as it was read; then nothing must be committed.
pub(super) fn write(draft: &Draft<'_>, connection: &Connection) -> Result<(), sqlx::Error> {
    for account in draft.changed() {
        write_account(account, connection)?;
    }
    for (id, noted) in &draft.attempts {
        attempts::write(connection, *id, noted)?;
    }
    for ((key, deposit), proof) in &draft.levels {
        levels::keep(connection, *key, *deposit, proof)?;
    }
    draft.earned.write(connection)
}

/// The one write that decides: what a payment or a take-back changes of the row, if that still is what the decision was
/// made on.
fn write_account(account: &Account, connection: &Connection) -> Result<(), sqlx::Error> {
    let Account { read, row, .. } = account;
    let changed = connection
            .prepare_cached(
                "UPDATE channels SET balance = ?1, signature = ?2, undo_attempt = ?3, undo_balance = ?4, \
                 undo_signature = ?5, credit = ?6, take_backs = ?7, updated_at = ?8 \
                 WHERE sender = ?9 AND open_block = ?10 AND balance = ?11 AND credit = ?12 AND take_backs = ?13 \
                 AND undo_attempt IS ?14 AND deposit = ?15 AND chain_state = ?16 AND closing_balance IS ?17 \
                 AND held_generation IS ?18",
            )
            .map_err(failed)?
            .execute(params![
                row.balance.to_be_bytes(),
                row.signature.map(|signature| signature.to_bytes()),
                row.undo.map(|undo| undo.attempt.0.to_be_bytes()),
                row.undo.map(|undo| undo.balance.to_be_bytes()),
                row.undo.and_then(|undo| undo.signature).map(|signature| signature.to_bytes()),
                row.credit.to_be_bytes(),
                signed(row.take_backs),
                signed(row.updated_at),
                row.key.sender.0,
                row.key.open_block.0,
                read.balance.to_be_bytes(),
                read.credit.to_be_bytes(),
                signed(read.take_backs),
                read.undo.map(|undo| undo.attempt.0.to_be_bytes()),
                read.deposit.to_be_bytes(),
                read.on_chain.as_str(),
                read.closing_balance.map(|balance| balance.to_be_bytes()),
                read.held_generation.map(signed),
            ])
            .map_err(failed)?;
    if changed == 1 {
        return Ok(());
    }
    tracing::error!(
        sender = %row.key.sender,
        open_block = %row.key.open_block,
        "a channel changed while its payments were decided: nothing of this transaction counts"
    );
    Err(sqlx::Error::RowNotFound)
}

//! Reading what is to be decided on.

use std::collections::hash_map::Entry::Vacant;

use rusqlite::{Connection, OptionalExtension, params};
use uraiden_core::wire::{AttemptId, ChannelKey, Entry};

use super::super::columns::{self, failed};
use super::super::draft::{Account, Draft};
use super::super::row::ChannelRow;
use super::super::verify::Checked;
use super::super::{Scope, attempts, levels};

/// Reads what these entries name. `now` is in milliseconds since 1970.
pub(super) fn read<'a, 'e>(
    connection: &Connection,
    scope: &'a Scope,
    entries: impl Iterator<Item = &'e Checked>,
    now: u64,
) -> Result<Draft<'a>, sqlx::Error> {
    let mut draft = Draft::new(scope, now, next_block(connection)?);
    for checked in entries {
        match &checked.entry {
            Entry::Lookup(key) => read_account(&mut draft, connection, *key)?,
            Entry::Commit(attempt) | Entry::TakeBack(attempt) => {
                read_account(&mut draft, connection, attempt.channel)?;
                read_attempt(&mut draft, connection, attempt.id)?;
            }
        }
    }
    Ok(draft)
}

fn read_account(draft: &mut Draft<'_>, connection: &Connection, key: ChannelKey) -> Result<(), sqlx::Error> {
    let Vacant(place) = draft.accounts.entry(key) else { return Ok(()) };
    let mut query = connection
        .prepare_cached(
            "SELECT *, EXISTS (SELECT 1 FROM events WHERE sender = ?1 AND open_block = ?2 AND kind = 'topped_up') \
             AS topped_up FROM channels WHERE sender = ?1 AND open_block = ?2",
        )
        .map_err(failed)?;
    let mut rows = query.query(params![key.sender.0, key.open_block.0]).map_err(failed)?;
    let Some(found) = rows.next().map_err(failed)? else { return Ok(()) };
    let row = ChannelRow::read(found)?;
    let deposits = match columns::unsigned(found, "topped_up")? {
        0 => Vec::new(),
        _ => levels::deposits(connection, key)?,
    };
    place.insert(Account::new(row, deposits));
    Ok(())
}

fn read_attempt(draft: &mut Draft<'_>, connection: &Connection, id: AttemptId) -> Result<(), sqlx::Error> {
    let Vacant(place) = draft.attempts.entry(id) else { return Ok(()) };
    if let Some(noted) = attempts::find(connection, id)? {
        place.insert(noted);
    }
    Ok(())
}

/// The first block that was not read yet; 0 in a ledger that never saw a node.
fn next_block(connection: &Connection) -> Result<u64, sqlx::Error> {
    let mut query = connection.prepare_cached("SELECT next_block FROM position").map_err(failed)?;
    let found = query.query_row([], |row| Ok(columns::unsigned(row, "next_block"))).optional();
    found.map_err(failed)?.unwrap_or(Ok(0))
}

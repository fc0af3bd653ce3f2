//! Taking over what `uraiden export` wrote: all of it or nothing, and nothing that its sender did not sign.

use std::collections::HashSet;
use std::io::BufRead;

use sqlx::{AnyConnection, AssertSqlSafe, Connection};
use uraiden_core::TokenAmount;
use uraiden_core::wire::Ledger;

use super::bulk::HELD;
use super::columns::{Blob, signed};
use super::portable::{Header, Level, LineFault, Portable};
use super::row::ChannelRow;
use super::{BindError, Database, Mode, OpenError, binding, generation, postgres, read, sqlite};

/// Lines between two reports of progress.
const REPORT: u64 = 1000;

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The database cannot be opened, or `uraiden serve` uses it.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The export cannot be read.
    #[error("the export cannot be read: {0}")]
    Input(#[from] std::io::Error),
    /// A line is wrong.
    #[error("line {line}: {fault}; nothing was imported")]
    Line {
        /// Which, from 1.
        line: u64,
        /// What is wrong with it.
        fault: LineFault,
    },
    /// Lines are missing at the end, or there are more.
    #[error(
        "the export has {found} channels, and its first line says {said}: it is not whole; nothing was imported"
    )]
    Count {
        /// What the first line says.
        said: u64,
        /// What follows.
        found: u64,
    },
    /// The database belongs to another contract or receiver.
    #[error(transparent)]
    Binding(#[from] BindError),
    /// Its history goes on from the export, and may have taken back what the export has.
    #[error(
        "the database is the ledger {0} that was exported, or one that this export was imported into: it knows all that \
         the export knows, and more. Give another file name for a new one"
    )]
    SameLedger(String),
    /// The database refuses.
    #[error("the ledger cannot be written: {0}")]
    Ledger(#[from] sqlx::Error),
}

/// What was imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// So many channels.
    pub channels: u64,
    /// The ledger that they are in now, at its new generation.
    pub ledger: Ledger,
}

/// Reads an export into a database, which is made where there is none. No process may use a SQLite file meanwhile. What
/// the database holds stays: of two balances the higher one counts, and no mark of a closing is removed. Starts a new
/// generation.
///
/// # Errors
///
/// [`ImportError`]; then nothing was imported.
pub async fn import(
    database: &Database,
    export: impl BufRead,
    mode: Mode,
    mut progress: impl FnMut(u64, u64),
) -> Result<Imported, ImportError> {
    let (_lock, mut connection, begin) = match database {
        // Trying an import makes no file.
        Database::Sqlite(path) if mode == Mode::DryRun && !path.exists() => {
            let connection = sqlite::connect_in_memory().await;
            let failed = |source| OpenError::Sqlite { path: path.clone(), source };
            let mut connection = connection.map_err(failed)?;
            sqlite::migrate(&mut connection, path).await?;
            (None, connection, "BEGIN")
        }
        Database::Sqlite(path) => {
            let (lock, connection) = sqlite::prepare(path).await?;
            (Some(lock), connection, "BEGIN IMMEDIATE")
        }
        Database::Postgres(url) => (None, postgres::prepare(url).await?, postgres::BEGIN),
    };

    let mut transaction = connection.begin_with(begin).await?;
    let channels = read_all(&mut transaction, export, &mut progress).await?;
    generation::start(&mut transaction).await?;
    let bound = binding::read(&mut transaction).await?.ok_or(sqlx::Error::RowNotFound)?;
    match mode {
        Mode::Order => transaction.commit().await?,
        Mode::DryRun => transaction.rollback().await?,
    }
    connection.close().await?;
    Ok(Imported { channels, ledger: bound.ledger })
}

async fn read_all(
    connection: &mut AnyConnection,
    export: impl BufRead,
    progress: &mut impl FnMut(u64, u64),
) -> Result<u64, ImportError> {
    let mut lines = (1..).zip(export.lines());
    let first = lines.next().map_or(Ok(String::new()), |(_, line)| line)?;
    let header = Header::read(&first).map_err(|fault| ImportError::Line { line: 1, fault })?;
    bind(connection, &header).await?;

    let mut seen = HashSet::new();
    let mut found = 0;
    for (line, text) in lines {
        let text = text?;
        let wrong = |fault| ImportError::Line { line, fault };
        let portable = Portable::read(&text, &header).map_err(wrong)?;
        if !seen.insert(portable.key()) {
            return Err(wrong(LineFault::Twice));
        }
        merge(connection, &portable).await?.map_err(wrong)?;
        found += 1;
        if found % REPORT == 0 {
            progress(found, header.channels);
        }
    }
    if found != header.channels {
        return Err(ImportError::Count { said: header.channels, found });
    }
    Ok(found)
}

/// Binds a new ledger to what the export was bound to, under its id, or compares an old one with it.
async fn bind(connection: &mut AnyConnection, header: &Header) -> Result<(), ImportError> {
    if let Some(bound) = binding::read(connection).await? {
        bound.binding.compare(&header.binding())?;
        if bound.ledger.id == header.ledger.id {
            return Err(ImportError::SameLedger(bound.ledger.id));
        }
        return Ok(());
    }
    binding::write(connection, &header.binding()).await?;
    sqlx::query("UPDATE ledger SET id = $1, generation = $2")
        .bind(&header.ledger.id)
        .bind(signed(header.ledger.generation))
        .execute(connection)
        .await?;
    Ok(())
}

/// Adds what a line has to what is held.
async fn merge(
    connection: &mut AnyConnection,
    portable: &Portable,
) -> Result<Result<(), LineFault>, sqlx::Error> {
    let key = portable.key();
    let held = match read::lock(connection, key).await? {
        Some(row) => row,
        None => {
            insert(connection, portable).await?;
            read::row(connection, key).await?.ok_or(sqlx::Error::RowNotFound)?
        }
    };
    if let (Some(imported), Some(held)) = (portable.closing_balance, held.closing_balance)
        && imported != held
    {
        return Ok(Err(LineFault::OtherAgreement { imported, held }));
    }
    for level in &portable.levels {
        keep(connection, portable, level).await?;
    }
    if portable.balance > held.balance {
        raise(connection, portable).await?;
    }
    // The proof that is not the topmost one: an agreement may name its balance.
    if let Some(lower) = lower_proof(portable, &held) {
        keep(connection, portable, &lower).await?;
    }
    if let Some(agreed) = portable.closing_balance {
        sqlx::query(
            "UPDATE channels SET closing_balance = $1, undo_attempt = NULL, undo_balance = NULL, \
             undo_signature = NULL WHERE sender = $2 AND open_block = $3 AND closing_balance IS NULL",
        )
        .bind(agreed.blob())
        .bind(key.sender.blob())
        .bind(i64::from(key.open_block.0))
        .execute(connection)
        .await?;
    }
    Ok(Ok(()))
}

/// The lower one of the topmost proofs of the line and of the ledger, as if the deposit had once been its balance.
fn lower_proof(portable: &Portable, held: &ChannelRow) -> Option<Level> {
    let level = |balance: TokenAmount, signature| Level { deposit: balance, balance, signature };
    if portable.balance < held.balance {
        return Some(level(portable.balance, portable.signature));
    }
    let signature = held.signature.filter(|_| held.balance < portable.balance)?;
    Some(level(held.balance, signature))
}

/// A channel that the chain has not told of yet.
async fn insert(connection: &mut AnyConnection, portable: &Portable) -> Result<(), sqlx::Error> {
    let nothing = TokenAmount::ZERO.blob();
    let sql = format!(
        "INSERT INTO channels (sender, open_block, chain_state, deposit, withdrawn, balance, created_at, updated_at, \
         held_generation) VALUES ($1, $2, 'absent', $3, $3, $3, $4, $5, {HELD})"
    );
    sqlx::query(AssertSqlSafe(sql))
        .bind(portable.sender.blob())
        .bind(i64::from(portable.open_block.0))
        .bind(nothing)
        .bind(signed(portable.created_at))
        .bind(signed(portable.updated_at))
        .execute(connection)
        .await?;
    Ok(())
}

async fn raise(connection: &mut AnyConnection, portable: &Portable) -> Result<(), sqlx::Error> {
    let undo = portable.undo.as_ref();
    sqlx::query(
        "UPDATE channels SET balance = $1, signature = $2, undo_attempt = $3, undo_balance = $4, \
         undo_signature = $5, credit = $6, updated_at = $7 WHERE sender = $8 AND open_block = $9",
    )
    .bind(portable.balance.blob())
    .bind(portable.signature.blob())
    .bind(undo.map(|undo| undo.attempt.blob()))
    .bind(undo.map(|undo| undo.balance.blob()))
    .bind(undo.and_then(|undo| undo.signature).map(|signature| signature.blob()))
    .bind(portable.credit.blob())
    .bind(signed(portable.updated_at))
    .bind(portable.sender.blob())
    .bind(i64::from(portable.open_block.0))
    .execute(connection)
    .await?;
    Ok(())
}

async fn keep(connection: &mut AnyConnection, portable: &Portable, level: &Level) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO levels (sender, open_block, deposit, balance, signature) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (sender, open_block, deposit) DO UPDATE SET balance = excluded.balance, \
         signature = excluded.signature WHERE excluded.balance > levels.balance",
    )
    .bind(portable.sender.blob())
    .bind(i64::from(portable.open_block.0))
    .bind(level.deposit.blob())
    .bind(level.balance.blob())
    .bind(level.signature.blob())
    .execute(connection)
    .await?;
    Ok(())
}

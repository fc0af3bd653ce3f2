//! Writing down what senders signed, also while the ledger is in use.

use std::io::Write;

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Connection};
use uraiden_core::wire::ChannelKey;
use uraiden_core::{Address, BlockNumber};

use super::columns::{self, Blob};
use super::portable::{Header, Level, Portable, PortableUndo};
use super::row::ChannelRow;
use super::sqlite::{self, Access};
use super::{Database, OpenError, binding, columns::unsigned, postgres};

/// Channels that are read at a time.
const PAGE: u32 = 1000;

/// Why an export is not whole.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The ledger cannot be read.
    #[error("the ledger cannot be read: {0}")]
    Ledger(#[from] sqlx::Error),
    /// It is not the ledger any more.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is no ledger in it, or one of an earlier uraiden.
    #[error("the database has no ledger that was ever bound to a chain")]
    Empty,
    /// The lines cannot be written.
    #[error("the export cannot be written: {0}")]
    Output(#[from] std::io::Error),
}

/// Writes a line for each channel with something signed, as of one moment, and says after each page how many of how
/// many are done. Answers how many there are.
///
/// # Errors
///
/// [`ExportError`]; what was written then is of no use.
pub async fn export(
    database: &Database,
    out: &mut impl Write,
    mut progress: impl FnMut(u64, u64),
) -> Result<u64, ExportError> {
    // What is read in one transaction is of one moment.
    let (mut connection, begin) = match database {
        Database::Sqlite(path) => {
            let mut connection = sqlite::connect(path, Access::Read).await?;
            sqlite::refuse_moved(&mut connection, path).await?;
            (connection, "BEGIN")
        }
        Database::Postgres(url) => {
            (postgres::connect(url).await?, "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        }
    };
    let mut transaction = connection.begin_with(begin).await?;
    let bound = binding::read(&mut transaction).await?.ok_or(ExportError::Empty)?;
    let row = sqlx::query("SELECT count(*) AS channels FROM channels WHERE signature IS NOT NULL")
        .fetch_one(&mut *transaction)
        .await?;
    let channels = unsigned(&row, "channels")?;
    write_line(out, &Header::new(bound.ledger, &bound.binding, channels))?;

    let mut done = 0;
    let mut after = ChannelKey { sender: Address([0; 20]), open_block: BlockNumber(0) };
    loop {
        let rows = page(&mut transaction, after).await?;
        let Some(last) = rows.last() else { break };
        after = last.key;
        for row in &rows {
            // Those without a proof are left out by the query.
            let Some(portable) = portable(&mut transaction, row).await? else { continue };
            write_line(out, &portable)?;
            done += 1;
        }
        progress(done, channels);
    }
    out.flush()?;
    Ok(done)
}

async fn page(connection: &mut AnyConnection, after: ChannelKey) -> Result<Vec<ChannelRow>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT * FROM channels WHERE signature IS NOT NULL AND (sender, open_block) > ($1, $2) \
         ORDER BY sender, open_block LIMIT $3",
    )
    .bind(after.sender.blob())
    .bind(i64::from(after.open_block.0))
    .bind(i64::from(PAGE))
    .fetch_all(connection)
    .await?;
    rows.iter().map(ChannelRow::read).collect()
}

async fn portable(connection: &mut AnyConnection, row: &ChannelRow) -> Result<Option<Portable>, sqlx::Error> {
    let Some(signature) = row.signature else { return Ok(None) };
    let levels = sqlx::query("SELECT * FROM levels WHERE sender = $1 AND open_block = $2 ORDER BY deposit")
        .bind(row.key.sender.blob())
        .bind(i64::from(row.key.open_block.0))
        .fetch_all(connection)
        .await?;
    Ok(Some(Portable {
        sender: row.key.sender,
        open_block: row.key.open_block,
        balance: row.balance,
        signature,
        credit: row.credit,
        undo: row.undo.map(|undo| PortableUndo {
            attempt: undo.attempt,
            balance: undo.balance,
            signature: undo.signature,
        }),
        levels: levels.iter().map(level).collect::<Result<_, _>>()?,
        closing_balance: row.closing_balance,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }))
}

fn level(row: &AnyRow) -> Result<Level, sqlx::Error> {
    let signature = columns::optional_signature(row, "signature")?;
    Ok(Level {
        deposit: columns::amount(row, "deposit")?,
        balance: columns::amount(row, "balance")?,
        signature: signature.ok_or(sqlx::Error::RowNotFound)?,
    })
}

fn write_line(out: &mut impl Write, line: &impl serde::Serialize) -> std::io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}

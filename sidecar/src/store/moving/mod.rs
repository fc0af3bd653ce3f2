//! Moving a ledger from a SQLite file to PostgreSQL. It is a move and no copy: at no moment, whatever crashes, can both
//! be sold from, so that what was agreed or paid is known to the one that goes on, and no channel has to be held back.
//!
//! 1. In one transaction of PostgreSQL, all rows are written and read back. The file is locked meanwhile.
//! 2. The file is marked: it is not used any more. That is durable before the next step.
//! 3. The transaction is committed. It has the id of the mark in it.
//! 4. The mark says that all of it arrived.
//!
//! Before the second step a crash leaves an empty database and a file that knows of nothing. After it, only PostgreSQL
//! can say whether the third came to pass, and whoever comes next asks it for the id: under a lock that the transaction
//! holds as well, so that the answer stays true.

mod error;
mod source;
mod table;
mod target;

use std::path::Path;

use sqlx::{Connection, PgConnection};

use super::OpenError;
use super::postgres::{self, PostgresUrl, Risks};
use super::random::random;
use source::{Mark, Source};

pub use error::MoveError;
pub use table::Difference;

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoveOrder {
    /// Move, or finish a move that was interrupted.
    Move,
    /// Write and compare everything, and undo it. Empty tables may be left.
    Try,
    /// Give the file back after a move that was interrupted, if nothing arrived.
    Cancel,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// So many rows were moved.
    Moved(u64),
    /// All had arrived before, and the file says so now.
    Finished,
    /// So many rows could be moved.
    Tried(u64),
    /// Nothing had arrived, and the file can be used again.
    Cancelled,
}

/// How far a move is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Going {
    /// An earlier one was interrupted before anything arrived.
    Anew,
    /// So many rows of so many are written.
    Written(u64, u64),
    /// So many rows of so many were found as they should be.
    Compared(u64, u64),
}

/// Moves the ledger in a file to an empty PostgreSQL database. No process may use the file. `risks` is what PostgreSQL may
/// promise less.
///
/// # Errors
///
/// [`MoveError`]. Then nothing was moved, except where it says that this is not known.
pub async fn move_ledger(
    from: &Path,
    to: &PostgresUrl,
    risks: Risks,
    order: MoveOrder,
    mut progress: impl FnMut(Going),
) -> Result<Moved, MoveError> {
    let source = Source::open(from).await?;
    let mark = source.mark()?;
    match (&mark, order) {
        (Some(mark), _) if mark.arrived => {
            return Err(OpenError::Moved { path: from.to_owned(), target: mark.place.target.clone() }.into());
        }
        (Some(mark), MoveOrder::Try) => {
            return Err(OpenError::Moving { path: from.to_owned(), target: mark.place.target.clone() }.into());
        }
        (None, MoveOrder::Cancel) => return Err(MoveError::NotMoving(from.to_owned())),
        (Some(_), MoveOrder::Move | MoveOrder::Cancel) | (None, MoveOrder::Move | MoveOrder::Try) => {}
    }
    reach(to, risks).await?;
    let mut connection = postgres::connect_directly(to).await.map_err(|source| unreached(to, source))?;
    let place = target::place(&mut connection, to.to_string()).await?;
    if let Some(mark) = mark {
        if mark.place != place {
            return Err(MoveError::Elsewhere {
                went_to: mark.place.target,
                went_schema: mark.place.schema,
                given: place.target,
                given_schema: place.schema,
            });
        }
        if settle(&source, &mark, &mut connection).await? {
            return Ok(Moved::Finished);
        }
        if order == MoveOrder::Cancel {
            return Ok(Moved::Cancelled);
        }
        progress(Going::Anew);
    }
    let rows = source.begin()?;
    let mark = Mark { id: hex::encode(random::<16>()?), place, arrived: false };
    let mut transaction = connection.begin_with(target::BEGIN).await?;
    target::lock(&mut transaction).await?;
    target::empty(&mut transaction, &source.tables, &mark.place.target).await?;
    write(&source, &mut transaction, rows, &mut progress).await?;
    target::finish(&mut transaction, &mark.id).await?;
    compare(&source, &mut transaction, rows, &mut progress).await?;
    if order == MoveOrder::Try {
        transaction.rollback().await?;
        source.stay()?;
        return Ok(Moved::Tried(rows));
    }
    source.leave(&mark)?;
    match transaction.commit().await {
        Ok(()) => source.arrived(&mark)?,
        Err(error) => {
            // Even an error that the server tells may come after it has committed.
            let Ok(arrived) = ask_again(&source, &mark, to).await else {
                return Err(MoveError::Unknown { target: to.to_string(), source: error });
            };
            if !arrived {
                return Err(error.into());
            }
        }
    }
    Ok(Moved::Moved(rows))
}

/// Makes the tables where there are none, and looks whether the server's word is good enough.
async fn reach(to: &PostgresUrl, risks: Risks) -> Result<(), OpenError> {
    let connection = postgres::prepare_durable(to, risks).await?;
    connection.close().await.map_err(|source| unreached(to, source))
}

fn unreached(to: &PostgresUrl, source: sqlx::Error) -> OpenError {
    OpenError::Postgres { database: to.to_string(), source }
}

async fn write(
    source: &Source,
    connection: &mut PgConnection,
    rows: u64,
    progress: &mut impl FnMut(Going),
) -> Result<(), MoveError> {
    let mut written = 0;
    for table in &source.tables {
        let mut page = source.page(table, None)?;
        while page.rows > 0 {
            let next = source.page(table, Some(&page))?;
            written += page.rows as u64;
            target::write(connection, table, page).await?;
            progress(Going::Written(written, rows));
            page = next;
        }
    }
    Ok(())
}

/// Reads all that was written, and compares it row by row and column by column with what it was read from.
async fn compare(
    source: &Source,
    connection: &mut PgConnection,
    rows: u64,
    progress: &mut impl FnMut(Going),
) -> Result<(), MoveError> {
    let mut compared = 0;
    for table in &source.tables {
        let (mut ours, mut theirs) = (None, None);
        loop {
            let expected = source.page(table, ours.as_ref())?;
            let found = target::page(connection, table, theirs.as_ref()).await?;
            if let Some(difference) = expected.difference(&found, table) {
                return Err(MoveError::Differs(difference));
            }
            if expected.rows == 0 {
                break;
            }
            compared += expected.rows as u64;
            progress(Going::Compared(compared, rows));
            (ours, theirs) = (Some(expected), Some(found));
        }
    }
    Ok(())
}

/// Whether a move that was interrupted has arrived. The file says so then, and else it can be used again.
async fn settle(source: &Source, mark: &Mark, connection: &mut PgConnection) -> Result<bool, MoveError> {
    let mut transaction = connection.begin_with(target::BEGIN).await?;
    target::lock(&mut transaction).await?;
    let arrived = target::arrival(&mut transaction).await?.as_ref() == Some(&mark.id);
    transaction.commit().await?;
    match arrived {
        true => source.arrived(mark)?,
        false => source.come_back()?,
    }
    Ok(arrived)
}

/// The same over another connection.
async fn ask_again(source: &Source, mark: &Mark, to: &PostgresUrl) -> Result<bool, MoveError> {
    let mut connection = postgres::connect_directly(to).await.map_err(|source| unreached(to, source))?;
    settle(source, mark, &mut connection).await
}

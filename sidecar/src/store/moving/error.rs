//! Why a ledger was not moved.

use std::path::PathBuf;

use super::super::OpenError;
use super::Difference;

/// Why a ledger was not moved.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// One of the databases cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is nothing to move.
    #[error("{} has no ledger that was ever bound to a chain: there is nothing to move", .0.display())]
    Empty(PathBuf),
    /// Somebody else's database.
    #[error("{} is no database of uraiden: --from names the file that `uraiden serve` uses", .0.display())]
    Foreign(PathBuf),
    /// It does not know what happened after it was made.
    #[error(
        "{} is a copy that was not taken into use yet, and its channels have to be held back first: run \
         `uraiden renew --database` on it, and then move it",
        .0.display()
    )]
    Copy(PathBuf),
    /// There may be a ledger.
    #[error(
        "{target} has rows in the table {table}: a ledger is moved into an empty database only. Give another one"
    )]
    NotEmpty {
        /// Host, port and name of the database.
        target: String,
        /// The first table with rows.
        table: String,
    },
    /// Whether it arrived there is not to be seen here.
    #[error(
        "the move that was interrupted went to {went_to} (schema {went_schema}), and this is {given} (schema \
         {given_schema}): give --to as it was given then"
    )]
    Elsewhere {
        /// Host, port and name of the database that it went to.
        went_to: String,
        /// The schema in it.
        went_schema: String,
        /// The database that was named now.
        given: String,
        /// The schema in it.
        given_schema: String,
    },
    /// What was read back is not what was written.
    #[error("{0} is not in PostgreSQL what it is in the file; nothing was moved")]
    Differs(Difference),
    /// Nothing was interrupted.
    #[error("{} is not being moved: there is nothing to cancel", .0.display())]
    NotMoving(PathBuf),
    /// The answer to the commit was lost.
    #[error(
        "whether the ledger has arrived in {target} is not known ({source}), and the file is not used until it is: run \
         the same command again, which finishes the move or begins it anew"
    )]
    Unknown {
        /// Host, port and name of the database.
        target: String,
        /// What was said in place of an answer.
        source: sqlx::Error,
    },
    /// All is there, and the file does not say so.
    #[error(
        "all of {} has arrived in {target}, but could not be marked as moved ({source}): run the same command again, which \
         finishes the move",
        path.display()
    )]
    Unmarked {
        /// The file.
        path: PathBuf,
        /// Host, port and name of the database.
        target: String,
        /// Why it could not be marked.
        source: sqlx::Error,
    },
    /// One of the databases refuses.
    #[error("nothing was moved: {0}")]
    Database(#[from] sqlx::Error),
}

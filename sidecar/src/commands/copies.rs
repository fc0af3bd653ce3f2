//! `uraiden backup` and `uraiden restore`: copies of the database, made while it is used and taken into use; and
//! `uraiden renew`, for copies that were made by other means.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;

use super::End;
use super::database::DatabaseArg;
use crate::store::{self, Copied, Database};

/// What `uraiden backup` is told.
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// New file for the copy; nothing is overwritten
    file: PathBuf,
    #[command(flatten)]
    database: DatabaseArg,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `uraiden restore` is told.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// Backup, or any other copy of a database
    file: PathBuf,
    #[command(flatten)]
    database: DatabaseArg,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Copies the database of a running sidecar, or of one that is stopped.
///
/// # Errors
///
/// Where there is no whole copy.
pub async fn backup(args: BackupArgs) -> Result<End> {
    let DatabaseArg { database } = &args.database;
    let copied = store::copy(file(database)?, &args.file).await?;
    tell(&copied, args.json)?;
    if !args.json {
        println!("{} is a backup of {}", args.file.display(), database);
    }
    Ok(End::Done)
}

/// Puts a copy in the place of the database.
///
/// # Errors
///
/// Where the database is there, or in use, or the copy cannot be read.
pub async fn restore(args: RestoreArgs) -> Result<End> {
    let DatabaseArg { database } = &args.database;
    let copied = store::restore(&args.file, file(database)?).await?;
    tell(&copied, args.json)?;
    if !args.json {
        println!(
            "{} is restored: from its next start on, `uraiden serve` holds its channels back until they are closed or \
             released",
            database
        );
    }
    Ok(End::Done)
}

/// What `uraiden renew` is told.
#[derive(Debug, Args)]
pub struct RenewArgs {
    #[command(flatten)]
    database: DatabaseArg,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Starts the next generation of a ledger that was restored by other means.
///
/// # Errors
///
/// Where the database cannot be used, or has no ledger.
pub async fn renew(args: RenewArgs) -> Result<End> {
    let DatabaseArg { database } = &args.database;
    let Some(generation) = store::renew(database).await? else {
        bail!("{} has no ledger that was ever bound to a chain", database);
    };
    match args.json {
        true => println!("{}", json!({ "generation": generation })),
        false => println!(
            "{} is at generation {generation}: its channels are held back until they are closed or released",
            database
        ),
    }
    Ok(End::Done)
}

/// The file that can be copied.
fn file(database: &Database) -> Result<&Path> {
    match database {
        Database::Sqlite(path) => Ok(path),
        Database::Postgres(url) => bail!(
            "{url} is PostgreSQL's to copy: use pg_dump or its continuous archiving, and `uraiden renew` on what was \
             restored before a sidecar uses it"
        ),
    }
}

fn tell(copied: &Copied, json: bool) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string(copied)?);
        return Ok(());
    }
    let block =
        copied.block.map_or_else(|| "before the first block".to_owned(), |block| format!("block {block}"));
    println!("{} channels, as of {block}", copied.channels);
    Ok(())
}

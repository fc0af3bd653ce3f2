//! `uraiden backup` and `uraiden restore`: copies of the database, made while it is used and taken into use.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::End;
use crate::store::{self, Copied};

/// What `uraiden backup` is told.
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// New file for the copy; nothing is overwritten
    file: PathBuf,
    /// Database of the sidecar
    #[arg(long, env = "URAIDEN_DATABASE", value_name = "FILE", default_value = "uraiden.db")]
    database: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `uraiden restore` is told.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// Backup, or any other copy of a database
    file: PathBuf,
    /// Database of the sidecar; must not be there
    #[arg(long, env = "URAIDEN_DATABASE", value_name = "FILE", default_value = "uraiden.db")]
    database: PathBuf,
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
    let copied = store::copy(&args.database, &args.file).await?;
    tell(&copied, args.json)?;
    if !args.json {
        println!("{} is a backup of {}", args.file.display(), args.database.display());
    }
    Ok(End::Done)
}

/// Puts a copy in the place of the database.
///
/// # Errors
///
/// Where the database is there, or in use, or the copy cannot be read.
pub async fn restore(args: RestoreArgs) -> Result<End> {
    let copied = store::restore(&args.file, &args.database).await?;
    tell(&copied, args.json)?;
    if !args.json {
        println!(
            "{} is restored: from its next start on, `uraiden serve` holds its channels back until they are closed or \
             released",
            args.database.display()
        );
    }
    Ok(End::Done)
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

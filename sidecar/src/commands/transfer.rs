//! `uraiden export` and `uraiden import`: what senders signed, as JSON lines.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::json;

use super::End;
use super::database::DatabaseArg;
use crate::store::{self, Database, Mode};

/// Channels between two reports of progress.
const REPORT: u64 = 10_000;

/// What `uraiden export` is told.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// New file for the lines; nothing is overwritten [default: standard output]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    database: DatabaseArg,
}

/// What `uraiden import` is told.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// What `uraiden export` wrote; - reads standard input
    file: PathBuf,
    #[command(flatten)]
    database: DatabaseArg,
    /// Check everything, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Writes what senders signed.
///
/// # Errors
///
/// Where not all of it is written; then the file is removed.
pub async fn export(args: ExportArgs) -> Result<End> {
    let DatabaseArg { database } = &args.database;
    let Some(path) = &args.output else {
        let mut out = BufWriter::new(io::stdout());
        store::export(database, &mut out, report).await?;
        return Ok(End::Done);
    };
    let named = || path.display().to_string();
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).with_context(named)?;
    let written = write(database, file).await;
    if written.is_err() {
        std::fs::remove_file(path).with_context(named)?;
    }
    eprintln!("{} channels in {}", written.with_context(named)?, path.display());
    Ok(End::Done)
}

async fn write(database: &Database, file: File) -> Result<u64> {
    let mut out = BufWriter::new(file);
    let channels = store::export(database, &mut out, report).await?;
    out.get_ref().sync_all()?;
    Ok(channels)
}

/// Takes over what senders signed.
///
/// # Errors
///
/// Names the line that is wrong; then nothing was imported.
pub async fn import(args: ImportArgs) -> Result<End> {
    let DatabaseArg { database } = &args.database;
    let lines: Box<dyn BufRead> = match args.file.as_os_str() == "-" {
        true => Box::new(BufReader::new(io::stdin())),
        false => {
            let file = File::open(&args.file).with_context(|| args.file.display().to_string())?;
            Box::new(BufReader::new(file))
        }
    };
    let mode = if args.dry_run { Mode::DryRun } else { Mode::Order };
    let imported = store::import(database, lines, mode, report).await?;
    if args.json {
        let (channels, ledger) = (imported.channels, imported.ledger);
        println!("{}", json!({"channels": channels, "ledger": ledger, "dryRun": args.dry_run}));
    } else {
        let verb = if args.dry_run { "could be imported" } else { "imported" };
        println!(
            "{} channels {verb} into {}; its channels are held back until they are closed or released",
            imported.channels, database
        );
    }
    Ok(End::Done)
}

fn report(done: u64, of: u64) {
    if done.is_multiple_of(REPORT) {
        eprintln!("{done} of {of}");
    }
}

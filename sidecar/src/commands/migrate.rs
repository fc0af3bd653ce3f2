//! `uraiden migrate`: from a SQLite file to PostgreSQL.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;
use tracing_subscriber::filter::LevelFilter;

use super::End;
use crate::store::{Database, Going, MoveOrder, Moved, PostgresUrl, Risks, move_ledger};

/// Rows between two reports of progress.
const REPORT: u64 = 10_000;

/// What `uraiden migrate` is told.
#[derive(Debug, Args)]
pub struct MigrateArgs {
    /// SQLite file that the ledger leaves; no sidecar may use it
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// Empty PostgreSQL database that it comes to, postgres://USER@HOST:PORT/NAME?sslmode=verify-full; a password is
    /// better given by the variable, since other accounts see flags
    #[arg(long, env = "URAIDEN_DATABASE", value_name = "URL", hide_env_values = true)]
    to: Database,
    /// Write and compare everything, and undo it; empty tables are left in PostgreSQL
    #[arg(long, conflicts_with = "cancel")]
    dry_run: bool,
    /// After a move that was interrupted: let the file be used again, if nothing arrived in PostgreSQL
    #[arg(long)]
    cancel: bool,
    /// Use a server that may lose payments in a crash, as with synchronous_commit = off
    #[arg(long, env = "URAIDEN_ALLOW_LOSING_COMMITS")]
    allow_losing_commits: bool,
    /// Use a server whose standbys all lag, so that a failover may lose payments
    #[arg(long, env = "URAIDEN_ALLOW_LOSING_FAILOVER")]
    allow_losing_failover: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Moves a ledger from a SQLite file to PostgreSQL.
///
/// # Errors
///
/// Nothing was moved, or it says that this is not known.
pub async fn run(args: MigrateArgs) -> Result<End> {
    // What is only worth a warning is told where `uraiden serve` tells it.
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::WARN)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    let to = target(&args.to)?;
    let risks =
        Risks { losing_commits: args.allow_losing_commits, losing_failover: args.allow_losing_failover };
    let order = match (args.dry_run, args.cancel) {
        (true, _) => MoveOrder::Try,
        (false, true) => MoveOrder::Cancel,
        (false, false) => MoveOrder::Move,
    };
    let moved = move_ledger(&args.from, to, risks, order, reports()).await?;
    let from = args.from.display();
    let (outcome, rows, text) = match moved {
        Moved::Moved(rows) => (
            "moved",
            Some(rows),
            format!("{rows} rows moved from {from} to {to}, and compared: start `uraiden serve` with that"),
        ),
        Moved::Finished => (
            "finished",
            None,
            format!(
                "all of {from} had arrived in {to} before: the move is finished; start `uraiden serve` with that"
            ),
        ),
        Moved::Tried(rows) => {
            ("tried", Some(rows), format!("{rows} rows could be moved from {from} to {to}"))
        }
        Moved::Cancelled => {
            ("cancelled", None, format!("nothing of {from} had arrived in {to}: the file can be used again"))
        }
    };
    match args.json {
        true => println!("{}", json!({ "outcome": outcome, "rows": rows })),
        false => println!("{text}"),
    }
    // Whoever cancels does not expect that it is too late.
    Ok(match (moved, order) {
        (Moved::Finished, MoveOrder::Cancel) => End::Failed,
        _ => End::Done,
    })
}

/// The database that can be moved to.
fn target(database: &Database) -> Result<&PostgresUrl> {
    match database {
        Database::Postgres(url) => Ok(url),
        Database::Sqlite(path) => bail!(
            "--to is the file {}, and a ledger is moved to PostgreSQL: postgres://USER@HOST:PORT/NAME. Files are copied by \
             `uraiden backup` and `uraiden restore`",
            path.display()
        ),
    }
}

/// Says now and then how far it is.
fn reports() -> impl FnMut(Going) {
    let mut told = 0;
    move |going| {
        let (done, of, verb) = match going {
            Going::Anew => {
                eprintln!("nothing had arrived of the move that was interrupted: beginning anew");
                return;
            }
            Going::Written(done, of) => (done, of, "written"),
            // They are counted from the beginning again.
            Going::Compared(done, of) => (done, of, "compared"),
        };
        let before = std::mem::replace(&mut told, done);
        if done / REPORT != before / REPORT && done > before {
            eprintln!("{done} of {of} rows {verb}");
        }
    }
}

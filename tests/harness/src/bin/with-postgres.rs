//! Runs a command beside a PostgreSQL server of its own, which ends with it.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::Parser;
use uraiden_harness::Postgres;

/// The variable with the URL of an empty database.
const VARIABLE: &str = "URAIDEN_TEST_POSTGRES";

#[derive(Debug, Parser)]
#[command(
    about = "Runs a command beside a PostgreSQL server of its own. It finds the URL of an empty database in \
             URAIDEN_TEST_POSTGRES"
)]
struct Arguments {
    /// One more line of the server's configuration, such as "default_transaction_isolation = serializable"
    #[arg(long)]
    setting: Vec<String>,
    /// What to run, and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let Arguments { setting, command } = Arguments::parse();
    let server = Postgres::start_fast(&setting.join("\n")).await?;
    let url = server.database("tests").await?;
    let (program, arguments) = command.split_first().context("a command")?;
    let status = Command::new(program)
        .args(arguments)
        .env(VARIABLE, url)
        .status()
        .with_context(|| program.to_string_lossy().into_owned())?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

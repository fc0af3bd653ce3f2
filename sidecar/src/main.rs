//! The merchant's program: `uraiden serve`, and the tools around it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use uraiden_sidecar::settings::{Layer, LogFormat, Settings};
use uraiden_sidecar::{commands, deploy, serve};

/// µRaiden payments for Envoy: the service behind the paywall filter
#[derive(Parser)]
#[command(name = "uraiden", version, about, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Follow the chain, keep balances and proofs, answer Envoy's filters and clients
    ///
    /// Every setting can be given as a flag, as a variable URAIDEN_* or, under the flag's name without the dashes in
    /// front, in a TOML file (`--config`). A flag goes before a variable, a variable before the file.
    ///
    /// The receiver's key is read from --receiver-key-file (64 hex digits), or from --receiver-keystore with
    /// --receiver-password-file. Ends with status 0 on SIGTERM or SIGINT, when everything that was accepted is written.
    #[command(after_help = "Example:\n  \
        uraiden serve --rpc-url http://127.0.0.1:8545 --contract 0xe7f1…0512 --receiver-key-file receiver.key")]
    Serve(Box<ServeArgs>),
    /// Put a test token and a channel contract on a development chain
    ///
    /// Works on chains 61, 1337 and 31337 only. The deployer gets the token's whole supply.
    Deploy(deploy::DeployArgs),
    /// List the channels of a running sidecar, or release those that are held back after a restore
    Channels(commands::ChannelsArgs),
    /// Close channels from our side with the last proof, and wait until the chain has done it
    ///
    /// Makes the last payment final, and no payment follows. Needs no agreement of the sender. Ends with status 0 when
    /// all is done, 1 when something was refused, 3 when the time to wait was over.
    Close(commands::CloseArgs),
    /// Withdraw what was paid and leave the channels open, and wait until the chain has done it
    ///
    /// Takes out what can no longer be taken back: a payment of the last minute may be left for the next time. Ends
    /// with a status as `uraiden close` does.
    Withdraw(commands::WithdrawArgs),
    /// Say whether a running sidecar can serve, or what is wrong with the paywall in a configuration of Envoy
    ///
    /// Without --envoy it asks the running sidecar, and names what needs an operator. With it, each finding has its place,
    /// what was found there, why it matters and the way out, and no sidecar is needed. Ends with status 0 when all is well,
    /// 1 when something needs an operator or a file has an error or a warning; hints alone are none.
    #[command(
        mut_arg("admin_token_file", |arg| arg.required(false).required_unless_present("envoy")),
        after_help = "Examples:\n  \
            uraiden check --admin-token-file admin.token\n  \
            uraiden check --envoy envoy.yaml\n  \
            uraiden check --envoy bootstrap.yaml --envoy listeners.yaml --envoy routes.yaml --envoy clusters.yaml"
    )]
    Check(commands::CheckArgs),
    /// Serve paid requests again after a reorganisation of confirmed blocks in which deposits were lost
    Resume(commands::ResumeArgs),
    /// Copy the SQLite database into a new file, also while the sidecar runs
    ///
    /// The copy is whole, and as of one moment. It has the proofs of all senders in it, and only this account can read
    /// it. It knows that it is a copy: whoever takes it into use by `uraiden restore` finds its channels held back.
    Backup(commands::BackupArgs),
    /// Put a backup in the place of a SQLite database that is lost; nothing is overwritten
    ///
    /// The channels take no payments until they are closed from our side (`uraiden close`) or released one by one
    /// (`uraiden channels release`), since agreements to close may be out that the backup does not know.
    Restore(commands::RestoreArgs),
    /// Say that a database was restored by other means than `uraiden restore`, such as pg_restore
    ///
    /// Run it before any sidecar uses the database. It starts the ledger's next generation, in which the channels take no
    /// payments until they are closed from our side or released, as after `uraiden restore`.
    Renew(commands::RenewArgs),
    /// Write what senders signed as JSON lines, also while the sidecar runs
    ///
    /// One line a channel with its balance proofs and the balance at which closing was agreed. The lines are worth the
    /// money that is in the channels.
    Export(commands::ExportArgs),
    /// Take over what `uraiden export` wrote, into a database that no sidecar uses
    ///
    /// Every signature is verified; a line that is wrong is named by its number, and then nothing is imported. The
    /// channels are held back as after `uraiden restore`. The database is made where there is none.
    Import(commands::ImportArgs),
    /// Move the ledger from a SQLite file to PostgreSQL, while no sidecar runs
    ///
    /// Everything is written in one transaction, and read back and compared row by row before it is final. The file is
    /// marked then, and `uraiden serve` refuses it: so nothing is held back, and clients notice nothing. Run the same
    /// command again when it was interrupted: it finishes the move or begins it anew, and says which.
    #[command(after_help = "Example:\n  \
        uraiden migrate --from uraiden.db --to postgres://uraiden@db.example:5432/ledger?sslmode=verify-full")]
    Migrate(commands::MigrateArgs),
}

#[derive(Args)]
struct ServeArgs {
    /// TOML file with settings, by the names of the flags
    #[arg(long, env = "URAIDEN_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    layer: Layer,
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Serve(args) => serve(*args),
        Command::Deploy(args) => block_on(deploy::run(args)).map(|()| ExitCode::SUCCESS),
        Command::Channels(args) => block_on(commands::channels(args)).map(ExitCode::from),
        Command::Close(args) => block_on(commands::close(args)).map(ExitCode::from),
        Command::Withdraw(args) => block_on(commands::withdraw(args)).map(ExitCode::from),
        Command::Check(args) => block_on(commands::check(args)).map(ExitCode::from),
        Command::Backup(args) => block_on(commands::backup(args)).map(ExitCode::from),
        Command::Restore(args) => block_on(commands::restore(args)).map(ExitCode::from),
        Command::Renew(args) => block_on(commands::renew(args)).map(ExitCode::from),
        Command::Export(args) => block_on(commands::export(args)).map(ExitCode::from),
        Command::Import(args) => block_on(commands::import(args)).map(ExitCode::from),
        Command::Migrate(args) => block_on(commands::migrate(args)).map(ExitCode::from),
        Command::Resume(args) => block_on(commands::resume(args)).map(ExitCode::from),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("uraiden: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn serve(ServeArgs { config, layer }: ServeArgs) -> anyhow::Result<ExitCode> {
    let layer = match config {
        Some(path) => layer.over(Layer::from_file(&path)?),
        None => layer,
    };
    let settings = Settings::from_layer(layer)?;
    log_to_stderr(&settings)?;
    // From here on the log is where everything is said.
    Ok(match block_on(serve::run(settings)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("ending: {error:#}");
            ExitCode::FAILURE
        }
    })
}

fn log_to_stderr(settings: &Settings) -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::builder()
        .parse(&settings.log_filter)
        .map_err(|error| anyhow::anyhow!("log-filter is {:?}: {error}", settings.log_filter))?;
    // A line that cannot be written, as on a full disk, is lost. By default that would be reported to stderr too, and a
    // report that fails panics: the log would take the ledger's writer with it.
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .log_internal_errors(false);
    match settings.log_format {
        LogFormat::Text => builder.with_ansi(false).init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
    Ok(())
}

fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}

//! The stack, left running: one JSON line of addresses on stdout, then logs on stderr.

use std::io::{self, IsTerminal};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Parser;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use uraiden_core::{Address, TokenAmount};
use uraiden_harness::{Database, ExistingChain, Options, Stack};

/// Starts chain, contract, sidecar, a sample service and Envoy on free loopback ports, and leaves them running.
///
/// Prints one JSON line of addresses on stdout. Ends on Ctrl-C, SIGTERM or the end of stdin. A line `kill sidecar` on
/// stdin does what it says to the first sidecar, `start sidecar` starts it again on the same database and ports.
#[derive(Parser)]
#[command(name = "stack")]
struct Arguments {
    /// Price of the paid path, in the token's base units
    #[arg(long, value_name = "N", default_value = "1000")]
    price: TokenAmount,
    /// The path that costs the price, with everything below it
    #[arg(long, value_name = "P", default_value = "/premium")]
    paid_path: String,
    /// Chain id of the development chain
    #[arg(long, value_name = "N", default_value_t = 31337)]
    chain_id: u64,
    /// Time between its blocks; 0 mines a block per transaction, so that nothing is ever confirmed by waiting
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    block_time: Duration,
    /// Blocks until the sidecar believes an event
    #[arg(long, value_name = "N", default_value_t = 1)]
    confirmations: u32,
    /// Use this node instead of starting one
    #[arg(long, value_name = "URL", requires = "contract", requires = "receiver_key_file")]
    rpc_url: Option<String>,
    /// The channel contract on its chain
    #[arg(long, value_name = "ADDR", requires = "rpc_url")]
    contract: Option<Address>,
    /// The file with the receiver's key
    #[arg(long, value_name = "F", requires = "rpc_url")]
    receiver_key_file: Option<PathBuf>,
    /// The service to sell instead of the sample
    #[arg(long, value_name = "HOST:PORT", value_parser = resolve)]
    upstream: Option<SocketAddr>,
    /// Another Envoy binary than the pinned one
    #[arg(long, value_name = "PATH")]
    envoy: Option<PathBuf>,
    /// Where the ledger is: a file, or a PostgreSQL server that is started for it
    #[arg(long, value_name = "KIND", value_enum, default_value_t = Database::Sqlite)]
    database: Database,
    /// Sidecars that share the ledger; more than one with --database postgres only
    #[arg(long, value_name = "N", default_value_t = 1)]
    sidecars: usize,
    /// Envoy's worker threads
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    concurrency: u32,
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Arguments::parse().options();
    tracing_subscriber::fmt().with_writer(io::stderr).with_ansi(io::stderr().is_terminal()).init();
    let (lines, orders) = mpsc::channel(1);
    let result = tokio::select! {
        result = run(options, orders) => result,
        end = end(lines) => end,
    };
    if let Err(error) = result {
        eprintln!("stack: {error:#}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Starts the stack, says where it is, watches it, and does what lines on stdin say.
async fn run(options: Options, mut orders: mpsc::Receiver<String>) -> Result<()> {
    let mut stack = Stack::start(options).await?;
    println!("{}", describe(&stack).await?);
    loop {
        tokio::select! {
            Some(order) = orders.recv() => match order.trim() {
                "kill sidecar" => stack.sidecar.part().kill(),
                "start sidecar" => stack.sidecar.restart().await?,
                other => tracing::warn!("stdin: {other:?} is neither \"kill sidecar\" nor \"start sidecar\""),
            },
            () = tokio::time::sleep(Duration::from_secs(1)) => stack.check()?,
        }
    }
}

/// Where everything is.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Description {
    envoy_url: String,
    paid_path: String,
    free_path: String,
    sidecar_url: String,
    admin_url: String,
    /// The password of the merchant's page at that URL, for any user.
    admin_token: String,
    rpc_url: String,
    chain_id: u64,
    contract: Address,
    token: Address,
    receiver: Address,
    /// An integer, as in the channel API, however large.
    price: Box<RawValue>,
    funded: Vec<Funded>,
}

#[derive(Serialize)]
struct Funded {
    address: Address,
    key: String,
}

async fn describe(stack: &Stack) -> Result<String> {
    let funded = stack.funded().await?.into_iter();
    let description = Description {
        envoy_url: format!("http://{}", stack.envoy.address()),
        paid_path: stack.paid_path().to_owned(),
        free_path: stack.free_path().to_owned(),
        sidecar_url: format!("http://{}", stack.sidecar.public()),
        admin_url: format!("http://{}", stack.sidecar.admin()),
        admin_token: stack.sidecar.admin_token().to_owned(),
        rpc_url: stack.chain.rpc_url().to_owned(),
        chain_id: stack.chain.chain_id(),
        contract: stack.contract(),
        token: stack.token(),
        receiver: stack.receiver(),
        price: RawValue::from_string(stack.price().to_string())?,
        funded: funded.map(|account| Funded { address: account.address, key: account.key() }).collect(),
    };
    Ok(serde_json::to_string(&description)?)
}

/// Ctrl-C, SIGTERM, or the end of stdin, whose lines go to `lines`.
async fn end(lines: mpsc::Sender<String>) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let (closed, stdin) = oneshot::channel();
    // A thread of its own: the runtime would wait for a read of its own that never returns.
    std::thread::spawn(move || {
        let read: io::Result<()> = io::stdin().lines().try_for_each(|line| {
            // Nobody takes orders any more where another reason to end came first.
            let _ = lines.blocking_send(line?);
            Ok(())
        });
        let _ = closed.send(read);
    });
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
        read = stdin => { read??; }
    }
    tracing::info!("ending");
    Ok(())
}

impl Arguments {
    fn options(self) -> Options {
        let existing = match (self.rpc_url, self.contract, self.receiver_key_file) {
            (Some(rpc_url), Some(contract), Some(receiver_key_file)) => {
                Some(ExistingChain { rpc_url, contract, receiver_key_file })
            }
            _ => None,
        };
        Options {
            price: self.price,
            paid_path: self.paid_path,
            chain_id: self.chain_id,
            block_time: (!self.block_time.is_zero()).then_some(self.block_time),
            confirmations: self.confirmations,
            existing,
            database: self.database,
            sidecars: self.sidecars,
            upstream: self.upstream,
            envoy: self.envoy,
            concurrency: self.concurrency,
            ..Options::default()
        }
    }
}

/// A number of seconds, such as 1 or 0.5.
fn seconds(text: &str) -> Result<Duration> {
    Ok(Duration::try_from_secs_f64(text.parse()?)?)
}

/// An IPv4 address where there is one: services that listen on loopback mostly do so there only.
fn resolve(text: &str) -> Result<SocketAddr> {
    let mut addresses: Vec<_> = text.to_socket_addrs()?.collect();
    addresses.sort_by_key(SocketAddr::is_ipv6);
    match addresses.first() {
        Some(address) => Ok(*address),
        None => bail!("{text} has no address"),
    }
}

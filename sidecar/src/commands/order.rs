//! `uraiden close` and `uraiden withdraw`: orders to the sidecar, and waiting until the chain has done them.

use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;
use reqwest::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use uraiden_core::wire::ChannelKey;
use uraiden_core::{Address, BlockNumber, TokenAmount};

use super::End;
use super::admin::{Admin, AdminArgs, path_of, read, reason};
use super::channels::list;
use crate::settings::Span;

/// The pause between two looks at what is under way.
const POLL: Duration = Duration::from_millis(500);

/// What `uraiden close` is told.
#[derive(Debug, Args)]
pub struct CloseArgs {
    #[command(flatten)]
    order: OrderArgs,
}

/// What `uraiden withdraw` is told.
#[derive(Debug, Args)]
pub struct WithdrawArgs {
    #[command(flatten)]
    order: OrderArgs,
}

#[derive(Debug, Args)]
struct OrderArgs {
    #[command(flatten)]
    admin: AdminArgs,
    /// Sender of the channel
    #[arg(requires = "open_block", required_unless_present = "all")]
    sender: Option<Address>,
    /// Block in which it was opened
    open_block: Option<BlockNumber>,
    /// All channels with something to claim
    #[arg(long, conflicts_with = "sender")]
    all: bool,
    /// Only say what would be claimed
    #[arg(long)]
    dry_run: bool,
    /// How long to wait until the chain has done it; 0s does not wait
    #[arg(long, value_name = "DURATION", default_value = "10m")]
    wait: Span,
}

#[derive(Clone, Copy)]
enum Purpose {
    Close,
    Withdraw,
}

/// One channel's order, as it is printed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    #[serde(flatten)]
    key: ChannelKey,
    /// What is claimed.
    balance: Option<TokenAmount>,
    /// Why nothing is.
    refusal: Option<String>,
    dry_run: bool,
    done: bool,
    transactions: Vec<String>,
}

#[derive(Deserialize)]
struct Ordered {
    balance: TokenAmount,
}

#[derive(Deserialize)]
struct One {
    wanted: Vec<Wanted>,
}

#[derive(Deserialize)]
struct Wanted {
    purpose: String,
    done: bool,
    transactions: Vec<String>,
}

/// Closes channels from our side.
///
/// # Errors
///
/// Where the sidecar does not answer. What it refuses is printed.
pub async fn close(args: CloseArgs) -> Result<End> {
    run(args.order, Purpose::Close).await
}

/// Takes out what is final, and leaves the channels open.
///
/// # Errors
///
/// As [`close`].
pub async fn withdraw(args: WithdrawArgs) -> Result<End> {
    run(args.order, Purpose::Withdraw).await
}

async fn run(args: OrderArgs, purpose: Purpose) -> Result<End> {
    let admin = Admin::new(&args.admin)?;
    let keys = match (args.sender, args.open_block) {
        (Some(sender), Some(open_block)) => vec![ChannelKey { sender, open_block }],
        _ => claimable(&admin, purpose).await?,
    };
    let mut outcomes = Vec::with_capacity(keys.len());
    for key in keys {
        outcomes.push(order(&admin, purpose, key, args.dry_run).await?);
        if !args.admin.json {
            tell(outcomes.last(), purpose);
        }
    }
    if !args.dry_run {
        wait(&admin, purpose, &mut outcomes, args.wait.0, !args.admin.json).await?;
    }
    if args.admin.json {
        println!("{}", serde_json::to_string(&outcomes)?);
    }
    let refused = outcomes.iter().any(|outcome| outcome.refusal.is_some());
    let open = outcomes.iter().any(Outcome::is_open);
    Ok(match (refused, open) {
        (true, _) => End::Failed,
        (false, true) => End::Underway,
        (false, false) => End::Done,
    })
}

impl Outcome {
    fn is_open(&self) -> bool {
        !self.dry_run && !self.done && self.refusal.is_none()
    }
}

/// The channels that `--all` means.
async fn claimable(admin: &Admin, purpose: Purpose) -> Result<Vec<ChannelKey>> {
    let fits = |state: &str| match purpose {
        Purpose::Close => matches!(state, "open" | "held" | "marked" | "closing"),
        Purpose::Withdraw => matches!(state, "open" | "held"),
    };
    let lines = list(admin, false).await?;
    let wanted = lines.into_iter().filter(|line| fits(&line.state) && !line.unclaimed.is_zero());
    Ok(wanted.map(|line| line.key).collect())
}

async fn order(admin: &Admin, purpose: Purpose, key: ChannelKey, dry_run: bool) -> Result<Outcome> {
    let (method, path) = match purpose {
        Purpose::Close => (Method::DELETE, path_of(&key)),
        Purpose::Withdraw => (Method::POST, format!("{}/withdraw", path_of(&key))),
    };
    let path = format!("{path}?dryRun={dry_run}");
    let (status, body) = admin.call(method, &path).await?;
    let (balance, refusal) = match status {
        StatusCode::NOT_FOUND | StatusCode::CONFLICT => (None, Some(reason(&body))),
        status => (Some(read::<Ordered>(&path, status, &body)?.balance), None),
    };
    Ok(Outcome { key, balance, refusal, dry_run, done: false, transactions: Vec::new() })
}

/// Waits until the chain has done what was ordered, or the time is over.
async fn wait(
    admin: &Admin,
    purpose: Purpose,
    outcomes: &mut [Outcome],
    patience: Duration,
    show: bool,
) -> Result<()> {
    let word = match purpose {
        Purpose::Close => "close",
        Purpose::Withdraw => "withdraw",
    };
    let started = Instant::now();
    while started.elapsed() < patience && outcomes.iter().any(Outcome::is_open) {
        for outcome in outcomes.iter_mut().filter(|outcome| outcome.is_open()) {
            let one: One = admin.get(&path_of(&outcome.key)).await?;
            let Some(wanted) = one.wanted.into_iter().find(|wanted| wanted.purpose == word) else { continue };
            outcome.done = wanted.done;
            outcome.transactions = wanted.transactions;
            if show && outcome.done {
                println!("{}/{} done", outcome.key.sender, outcome.key.open_block);
            }
        }
        let open = outcomes.iter().filter(|outcome| outcome.is_open()).count();
        if open > 0 {
            if show {
                eprintln!("{open} of {} under way, {} s", outcomes.len(), started.elapsed().as_secs());
            }
            tokio::time::sleep(POLL.min(patience)).await;
        }
    }
    Ok(())
}

fn tell(outcome: Option<&Outcome>, purpose: Purpose) {
    let Some(outcome) = outcome else { return };
    let channel = format!("{}/{}", outcome.key.sender, outcome.key.open_block);
    let verb = match (purpose, outcome.dry_run) {
        (Purpose::Close, true) => "would be closed at",
        (Purpose::Close, false) => "is being closed at",
        (Purpose::Withdraw, true) => "would be withdrawn from, up to",
        (Purpose::Withdraw, false) => "is being withdrawn from, up to",
    };
    match (outcome.balance, &outcome.refusal) {
        (Some(balance), _) => println!("{channel} {verb} {balance}"),
        (None, Some(refusal)) => println!("{channel} refused: {refusal}"),
        (None, None) => {}
    }
}

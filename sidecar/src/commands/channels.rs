//! `uraiden channels`: what is open, what was paid, what can be claimed.

use anyhow::Result;
use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};
use uraiden_core::TokenAmount;
use uraiden_core::wire::ChannelKey;

use super::End;
use super::admin::{Admin, AdminArgs};
use super::release::{self, ReleaseArgs};

/// The state of a channel that is held back.
pub(super) const HELD: &str = "held";

/// Lines of one page.
const PAGE: usize = 1000;

/// What `uraiden channels` is told.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct ChannelsArgs {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Let channels that are held back after a restore take payments again
    ///
    /// A restored backup, or an import, does not know at which balances closing was agreed after it was made. Release
    /// a channel only if you know that no agreement to close it is out, or take the loss: its sender can still close it
    /// at the balance of the agreement. Ends with status 1 when something was refused.
    Release(ReleaseArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    #[command(flatten)]
    admin: AdminArgs,
    /// Also those that are settled
    #[arg(long)]
    all: bool,
}

/// A channel, as the sidecar lists it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Line {
    #[serde(flatten)]
    pub(super) key: ChannelKey,
    pub(super) state: String,
    pub(super) deposit: TokenAmount,
    pub(super) balance: TokenAmount,
    pub(super) withdrawn: TokenAmount,
    pub(super) unclaimed: TokenAmount,
    pub(super) asked_balance: Option<TokenAmount>,
    pub(super) closing_balance: Option<TokenAmount>,
    pub(super) settle_block: Option<u64>,
    pub(super) held_generation: Option<u64>,
}

/// Lists the channels, or releases some.
///
/// # Errors
///
/// Where the sidecar does not answer.
pub async fn run(args: ChannelsArgs) -> Result<End> {
    match args.command {
        Some(Command::Release(release)) => release::run(release).await,
        None => show(args.list).await,
    }
}

async fn show(args: ListArgs) -> Result<End> {
    let lines = list(&Admin::new(&args.admin)?, args.all).await?;
    if args.admin.json {
        println!("{}", serde_json::to_string(&lines)?);
        return Ok(End::Done);
    }
    println!(
        "{:<42} {:>10} {:<11} {:>24} {:>24} {:>24}",
        "sender", "open block", "state", "deposit", "balance", "unclaimed"
    );
    for line in &lines {
        let ChannelKey { sender, open_block } = line.key;
        println!(
            "{sender} {:>10} {:<11} {:>24} {:>24} {:>24}",
            open_block.0,
            line.state,
            line.deposit.to_string(),
            line.balance.to_string(),
            line.unclaimed.to_string()
        );
    }
    println!("{} channels", lines.len());
    let held = lines.iter().filter(|line| line.state == HELD).count();
    if held > 0 {
        println!(
            "{held} held back after a restore: `uraiden close` closes them, `uraiden channels release` lets them take \
             payments again"
        );
    }
    Ok(End::Done)
}

pub(super) async fn list(admin: &Admin, with_settled: bool) -> Result<Vec<Line>> {
    let mut lines: Vec<Line> = Vec::new();
    loop {
        let path = format!("/admin/channels?settled={with_settled}&limit={PAGE}&offset={}", lines.len());
        let page: Vec<Line> = admin.get(&path).await?;
        let last = page.len() < PAGE;
        lines.extend(page);
        if last {
            return Ok(lines);
        }
    }
}

//! `uraiden channels`: what is open, what was paid, what can be claimed.

use anyhow::Result;
use clap::Args;
use serde::{Deserialize, Serialize};
use uraiden_core::TokenAmount;
use uraiden_core::wire::ChannelKey;

use super::End;
use super::admin::{Admin, AdminArgs};

/// Lines of one page.
const PAGE: usize = 1000;

/// What `uraiden channels` is told.
#[derive(Debug, Args)]
pub struct ChannelsArgs {
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
}

/// Lists the channels.
///
/// # Errors
///
/// Where the sidecar does not answer.
pub async fn run(args: ChannelsArgs) -> Result<End> {
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

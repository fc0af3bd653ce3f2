//! `uraiden channels release`: channels that are held back after a restore take payments again.

use anyhow::Result;
use clap::Args;
use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde_json::Value;
use uraiden_core::wire::ChannelKey;
use uraiden_core::{Address, BlockNumber};

use super::End;
use super::admin::{Admin, AdminArgs, path_of, read, reason};
use super::channels::{HELD, list};

/// Channels between two reports of progress.
const REPORT: usize = 100;

/// What `uraiden channels release` is told.
#[derive(Debug, Args)]
pub(super) struct ReleaseArgs {
    #[command(flatten)]
    admin: AdminArgs,
    /// Sender of the channel
    #[arg(requires = "open_block", required_unless_present = "all")]
    sender: Option<Address>,
    /// Block in which it was opened
    open_block: Option<BlockNumber>,
    /// All channels that are held back
    #[arg(long, conflicts_with = "sender")]
    all: bool,
    /// Only say what would be released
    #[arg(long)]
    dry_run: bool,
}

/// One channel's release, as it is printed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    #[serde(flatten)]
    key: ChannelKey,
    released: bool,
    /// Why it was not.
    refusal: Option<String>,
    dry_run: bool,
}

pub(super) async fn run(args: ReleaseArgs) -> Result<End> {
    let admin = Admin::new(&args.admin)?;
    let keys = match (args.sender, args.open_block) {
        (Some(sender), Some(open_block)) => vec![ChannelKey { sender, open_block }],
        _ => {
            let held = list(&admin, false).await?.into_iter().filter(|line| line.state == HELD);
            held.map(|line| line.key).collect()
        }
    };
    let mut outcomes = Vec::with_capacity(keys.len());
    for key in &keys {
        outcomes.push(release(&admin, *key, args.dry_run).await?);
        if outcomes.len() % REPORT == 0 {
            eprintln!("{} of {}", outcomes.len(), keys.len());
        }
    }
    match args.admin.json {
        true => println!("{}", serde_json::to_string(&outcomes)?),
        false => outcomes.iter().for_each(tell),
    }
    let refused = outcomes.iter().any(|outcome| outcome.refusal.is_some());
    Ok(if refused { End::Failed } else { End::Done })
}

async fn release(admin: &Admin, key: ChannelKey, dry_run: bool) -> Result<Outcome> {
    let path = format!("{}/release?dryRun={dry_run}", path_of(&key));
    let (status, body) = admin.call(Method::POST, &path).await?;
    let refusal = match status {
        StatusCode::NOT_FOUND | StatusCode::CONFLICT => Some(reason(&body)),
        status => {
            read::<Value>(&path, status, &body)?;
            None
        }
    };
    Ok(Outcome { key, released: refusal.is_none() && !dry_run, refusal, dry_run })
}

fn tell(outcome: &Outcome) {
    let channel = format!("{}/{}", outcome.key.sender, outcome.key.open_block);
    match (&outcome.refusal, outcome.dry_run) {
        (Some(refusal), _) => println!("{channel} refused: {refusal}"),
        (None, true) => println!("{channel} would be released"),
        (None, false) => println!("{channel} released"),
    }
}

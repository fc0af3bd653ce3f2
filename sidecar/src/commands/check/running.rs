//! Whether a running sidecar can serve, and what needs an operator.

use core::fmt;

use anyhow::{Context, Result};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uraiden_core::wire::ChannelKey;

use super::super::End;
use super::super::admin::{Admin, AdminArgs};
use super::super::channels::{HELD, Line, list};

/// A leader that has not renewed its lease for so long, in milliseconds, is gone, and nobody can take over.
const SILENT: u64 = 10_000;

#[derive(Serialize, Deserialize)]
struct Readiness {
    status: String,
    reason: Option<String>,
    block: Option<u64>,
    leader: Option<Leader>,
    challenges: Vec<Value>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Leader {
    name: String,
    epoch: u64,
    here: bool,
    /// `None` where nobody else could lead.
    last_beat_ms: Option<u64>,
}

impl Leader {
    fn is_silent(&self) -> bool {
        self.last_beat_ms.is_some_and(|ago| ago > SILENT)
    }
}

impl fmt::Display for Leader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, epoch, here, last_beat_ms } = self;
        let which = if *here { "this sidecar, " } else { "" };
        write!(f, "{which}{name}, epoch {epoch}")?;
        match last_beat_ms {
            Some(ago) => write!(f, ", last heard of {}.{} s ago", ago / 1000, ago % 1000 / 100),
            None => f.write_str(", alone"),
        }
    }
}

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    readiness: Readiness,
    /// Channels that have spent more than the deposit that is left.
    overspent: Vec<ChannelKey>,
    /// Channels that are held back, since a restore or since the database has lost payments.
    held: Vec<ChannelKey>,
}

/// Asks it, and tells what it says.
pub(super) async fn run(args: &AdminArgs) -> Result<End> {
    let admin = Admin::new(args)?;
    // Without credentials, and with 503 where paid requests cannot be served.
    let (_, body) = admin.call(Method::GET, "/readyz").await?;
    let readiness: Readiness =
        serde_json::from_str(&body).with_context(|| format!("/readyz answered {body:?}"))?;
    let lines = list(&admin, false).await?;
    let keys = |wanted: &dyn Fn(&&Line) -> bool| lines.iter().filter(wanted).map(|line| line.key).collect();
    let (overspent, held) = (keys(&|line| line.balance > line.deposit), keys(&|line| line.state == HELD));
    let report = Report { readiness, overspent, held };
    let fine = report.readiness.reason.is_none()
        && report.overspent.is_empty()
        && report.held.is_empty()
        && !report.readiness.leader.as_ref().is_some_and(Leader::is_silent)
        && report.readiness.challenges.iter().all(|challenge| challenge["trouble"].is_null());
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        tell(&report);
    }
    Ok(if fine { End::Done } else { End::Failed })
}

fn tell(report: &Report) {
    let Readiness { reason, block, leader, challenges, .. } = &report.readiness;
    println!("paid requests  {}", reason.as_deref().unwrap_or("are served"));
    println!(
        "chain          {}",
        block.map_or_else(|| "not read yet".to_owned(), |block| format!("read up to block {block}"))
    );
    let leader = leader.as_ref().map_or_else(|| "nobody that is known".to_owned(), ToString::to_string);
    println!("leader         {leader}");
    println!("challenges     {} not done yet", challenges.len());
    for challenge in challenges {
        println!("  {challenge}");
    }
    for key in &report.overspent {
        println!("  {}/{} has spent more than the deposit that is left", key.sender, key.open_block);
    }
    for key in &report.held {
        println!(
            "  {}/{} is held back, since the ledger was restored or has lost payments: close or release it",
            key.sender, key.open_block
        );
    }
}

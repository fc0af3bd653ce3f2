//! Whether a running sidecar can serve, and what needs an operator.

use anyhow::{Context, Result};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uraiden_core::wire::ChannelKey;

use super::super::End;
use super::super::admin::{Admin, AdminArgs};
use super::super::channels::{HELD, Line, list};

#[derive(Serialize, Deserialize)]
struct Readiness {
    status: String,
    reason: Option<String>,
    block: Option<u64>,
    challenges: Vec<Value>,
}

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    readiness: Readiness,
    /// Channels that have spent more than the deposit that is left.
    overspent: Vec<ChannelKey>,
    /// Channels that are held back after a restore.
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
        && report.readiness.challenges.iter().all(|challenge| challenge["trouble"].is_null());
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        tell(&report);
    }
    Ok(if fine { End::Done } else { End::Failed })
}

fn tell(report: &Report) {
    let Readiness { reason, block, challenges, .. } = &report.readiness;
    println!("paid requests  {}", reason.as_deref().unwrap_or("are served"));
    println!(
        "chain          {}",
        block.map_or_else(|| "not read yet".to_owned(), |block| format!("read up to block {block}"))
    );
    println!("challenges     {} not done yet", challenges.len());
    for challenge in challenges {
        println!("  {challenge}");
    }
    for key in &report.overspent {
        println!("  {}/{} has spent more than the deposit that is left", key.sender, key.open_block);
    }
    for key in &report.held {
        println!("  {}/{} is held back after a restore: close or release it", key.sender, key.open_block);
    }
}

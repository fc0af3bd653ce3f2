//! `uraiden resume`: goes on after a reorganisation of blocks that were confirmed.

use anyhow::Result;
use clap::Args;
use serde_json::Value;

use super::End;
use super::admin::{Admin, AdminArgs};

/// What `uraiden resume` is told.
#[derive(Debug, Args)]
pub struct ResumeArgs {
    #[command(flatten)]
    admin: AdminArgs,
}

/// Opens paid routes again.
///
/// # Errors
///
/// Where the sidecar does not answer.
pub async fn run(args: ResumeArgs) -> Result<End> {
    let resumed: Value = Admin::new(&args.admin)?.post("/admin/resume").await?;
    if args.admin.json {
        println!("{resumed}");
    } else {
        match resumed["incident"].as_str() {
            Some(incident) => println!("not waited for any more: {incident}"),
            None => println!("nothing was waited for"),
        }
    }
    Ok(End::Done)
}

//! `uraiden check`: whether a running sidecar can serve, or what is wrong with the paywall in a configuration of Envoy.

mod files;
mod running;

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::End;
use super::admin::AdminArgs;

/// What `uraiden check` is told.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Check the paywall in this configuration of Envoy instead: YAML or JSON, a bootstrap, a file of resources (xDS), or
    /// what a running Envoy shows at /config_dump; once for each file of one Envoy
    ///
    /// With --admin-token-file it is compared with what the running sidecar serves, too.
    #[arg(long, value_name = "FILE")]
    envoy: Vec<PathBuf>,
    #[command(flatten)]
    admin: AdminArgs,
}

/// Checks a running sidecar, or configurations of Envoy.
///
/// # Errors
///
/// Where the sidecar does not answer, or a file cannot be read.
pub async fn run(args: CheckArgs) -> Result<End> {
    if args.envoy.is_empty() {
        running::run(&args.admin).await
    } else {
        files::run(&args.envoy, &args.admin).await
    }
}

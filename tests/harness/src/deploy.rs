//! Token and contract on the development chain.

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use tokio::process::Command;
use uraiden_core::Address;

use crate::Account;
use crate::folder::Folder;
use crate::tools::Tools;

/// What the deployer holds at first, in base units: a billion tokens of 18 decimals.
const SUPPLY: &str = "1000000000000000000000000000";

/// What stands on the chain.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Deployment {
    /// The `RaidenMicroTransferChannels`.
    pub contract: Address,
    /// Its token.
    pub token: Address,
}

impl Deployment {
    /// Runs `uraiden deploy`; the deployer holds all tokens then.
    pub(crate) async fn make(
        tools: &Tools,
        folder: &Folder,
        rpc_url: &str,
        deployer: &Account,
    ) -> Result<Self> {
        let key = folder.write_secret("deployer.key", &deployer.key())?;
        let output = Command::new(&tools.uraiden)
            .args(["deploy", "--json", "--rpc-url", rpc_url, "--supply", SUPPLY, "--deployer-key-file"])
            .arg(key)
            .kill_on_drop(true)
            .output()
            .await
            .with_context(|| tools.uraiden.display().to_string())?;
        let (stdout, stderr) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if !output.status.success() {
            bail!("uraiden deploy: {}\n{stdout}{stderr}", output.status);
        }
        serde_json::from_str(&stdout).with_context(|| format!("uraiden deploy --json: {stdout:?}"))
    }
}

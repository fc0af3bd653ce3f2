//! What a stack stands on: a chain, a contract, and the receiver's key.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use uraiden_client::PrivateKeySigner;

use crate::folder::Folder;
use crate::options::ExistingChain;
use crate::tools::Tools;
use crate::{Account, Deployment, DevChain, Options, accounts};

pub(crate) struct Ground {
    pub(crate) chain: DevChain,
    pub(crate) deployment: Deployment,
    pub(crate) receiver: Account,
    pub(crate) receiver_key_file: PathBuf,
}

impl Ground {
    /// A chain of our own with a fresh contract, or what is there already.
    pub(crate) async fn prepare(tools: &Tools, folder: &Folder, options: &Options) -> Result<Self> {
        match &options.existing {
            None => Self::lay(tools, folder, options).await,
            Some(existing) => Self::find(existing).await,
        }
    }

    async fn lay(tools: &Tools, folder: &Folder, options: &Options) -> Result<Self> {
        let deployer = accounts::deployer();
        let chain = DevChain::start(tools, folder, options, &deployer).await?;
        let deployment = Deployment::make(tools, folder, chain.rpc_url(), &deployer).await?;
        let receiver = accounts::receiver();
        let receiver_key_file = folder.write_secret("receiver.key", &receiver.key())?;
        Ok(Self { chain, deployment, receiver, receiver_key_file })
    }

    async fn find(existing: &ExistingChain) -> Result<Self> {
        let chain = DevChain::connect(existing.rpc_url.clone(), &accounts::deployer(), None).await?;
        let token = chain.chain().token(existing.contract).await?;
        let deployment = Deployment { contract: existing.contract, token };
        let receiver_key_file = existing.receiver_key_file.clone();
        Ok(Self { chain, deployment, receiver: read_key(&receiver_key_file)?, receiver_key_file })
    }
}

/// Reads a private key in hex. Its text is never shown.
fn read_key(file: &Path) -> Result<Account> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let key = text.trim().parse::<PrivateKeySigner>().ok();
    let key =
        key.with_context(|| format!("{}: no private key, 64 hex digits with or without 0x", file.display()))?;
    Ok(Account::new(key))
}

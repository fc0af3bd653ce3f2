//! The development chain, and the account that funds others.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use alloy::primitives::U256;
use alloy::providers::Provider;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use uraiden_client::Chain;
use uraiden_core::{Address, TokenAmount};

use crate::folder::Folder;
use crate::tools::Tools;
use crate::{Account, Options, Part};

/// A node: one of ours, or one that was there.
#[derive(Debug)]
pub struct DevChain {
    rpc_url: String,
    chain_id: u64,
    chain: Chain,
    /// Transactions of the funding account, one at a time: each takes the next nonce.
    funding: Mutex<()>,
    node: Option<Part>,
}

impl DevChain {
    /// Starts a node whose first development account is `funder`.
    pub(crate) async fn start(
        tools: &Tools,
        folder: &Folder,
        options: &Options,
        funder: &Account,
    ) -> Result<Self> {
        let log = folder.file("anvil.log");
        let mut node = Part::new("anvil", tools, &tools.anvil, log.clone());
        node.flag("--host", "127.0.0.1").flag("--port", "0");
        node.flag("--chain-id", options.chain_id.to_string());
        node.flag("--prune-history", options.kept_states.to_string());
        if let Some(time) = options.block_time {
            node.flag("--block-time", time.as_secs_f64().to_string());
        }
        node.start()?;
        let address: SocketAddr = node
            .ready(async || {
                let log = fs::read_to_string(&log)?;
                let line = log.lines().find_map(|line| line.strip_prefix("Listening on "));
                Ok(line.context("it does not say where it listens")?.trim().parse()?)
            })
            .await?;
        let chain = Self::connect(format!("http://{address}"), funder, Some(node)).await?;
        if chain.chain_id != options.chain_id {
            bail!("the node is on chain {}, not on {}", chain.chain_id, options.chain_id);
        }
        Ok(chain)
    }

    /// Uses the node at this URL.
    pub(crate) async fn connect(rpc_url: String, funder: &Account, node: Option<Part>) -> Result<Self> {
        // A kept connection belongs to the async runtime that opened it, and tests have one each.
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).build()?;
        let chain = Chain::connect_with(&rpc_url, funder.signer.clone(), http)?
            .patience(Duration::from_secs(60), Duration::from_millis(50));
        let chain_id = chain.provider().get_chain_id().await.with_context(|| rpc_url.clone())?;
        Ok(Self { rpc_url, chain_id, chain, funding: Mutex::new(()), node })
    }

    /// Where the node answers.
    pub fn rpc_url(&self) -> &str {
        &self.rpc_url
    }

    /// The same without the scheme.
    pub(crate) fn address(&self) -> Result<SocketAddr> {
        let address = self.rpc_url.strip_prefix("http://").and_then(|address| address.parse().ok());
        address.with_context(|| format!("{} is not http:// and an address", self.rpc_url))
    }

    /// EIP-155's id.
    pub fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// The funding account's view of the chain.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Any call to the node, such as `evm_snapshot` or `anvil_reorg`.
    pub async fn rpc(&self, method: &'static str, parameters: Value) -> Result<Value> {
        let answer = self.chain.provider().raw_request(method.into(), parameters).await;
        answer.with_context(|| method)
    }

    /// Mines `blocks` empty blocks at once.
    pub async fn mine(&self, blocks: u32) -> Result<()> {
        self.rpc("anvil_mine", json!([format!("{blocks:#x}")])).await?;
        Ok(())
    }

    /// What an account holds in wei.
    pub async fn ether(&self, account: Address) -> Result<U256> {
        self.chain.provider().get_balance(account.0.into()).await.context("eth_getBalance")
    }

    /// Gives each account tokens, and one ether for its transactions where it has none.
    pub(crate) async fn fund(&self, token: Address, accounts: &[Address], tokens: TokenAmount) -> Result<()> {
        let one_ether = "0xde0b6b3a7640000";
        let mut sent = Vec::new();
        for account in accounts {
            if self.ether(*account).await?.is_zero() {
                self.rpc("anvil_setBalance", json!([account.to_string(), one_ether])).await?;
            }
            let _turn = self.funding.lock().await;
            sent.push(self.chain.send_tokens(token, *account, tokens).await?);
        }
        for transaction in sent {
            self.chain.wait_for(transaction).await?;
        }
        Ok(())
    }

    /// Fails with the log's tail if the node has ended.
    pub(crate) fn check(&mut self) -> Result<()> {
        self.node.as_mut().map_or(Ok(()), Part::check)
    }
}

//! `uraiden deploy`: a token and a channel contract, on chains where nothing is worth anything.

use std::path::PathBuf;

use alloy::network::EthereumWallet;
use alloy::primitives::U256;
use alloy::providers::{Provider, ProviderBuilder};
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde::Serialize;
use uraiden_core::Address;

use crate::chain::contract::{RaidenMicroTransferChannels, TestToken};
use crate::key::{self, DEVELOPMENT_CHAINS};
use crate::settings::RpcUrl;

/// The shortest challenge period that the contract takes, in blocks.
const MIN_CHALLENGE_PERIOD: u32 = 500;

/// What `uraiden deploy` is told.
#[derive(Debug, Args)]
pub struct DeployArgs {
    /// JSON-RPC of the development node
    #[arg(long, env = "URAIDEN_RPC_URL", value_name = "URL", hide_env_values = true)]
    pub rpc_url: RpcUrl,
    /// Private key that pays for the deployment, 64 hex digits, in a file that nobody else can read
    #[arg(long, value_name = "FILE")]
    pub deployer_key_file: PathBuf,
    /// Tokens to make, in base units (10^18 are one token); all go to the deployer
    #[arg(long, value_name = "N", default_value = "1000000000000000000000000000")]
    pub supply: U256,
    /// Blocks that a receiver has to answer a close request
    #[arg(long, value_name = "BLOCKS", default_value_t = MIN_CHALLENGE_PERIOD)]
    pub challenge_period: u32,
    /// Do nothing where this address holds a contract already, so that a start can be repeated
    #[arg(long, value_name = "ADDRESS")]
    pub unless_at: Option<Address>,
    /// Print one JSON object
    #[arg(long, conflicts_with = "unless_at")]
    pub json: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Deployed {
    chain_id: u64,
    token: Address,
    contract: Address,
    deployer: Address,
    /// The block of the contract: the start block of a sidecar.
    block: u64,
}

/// Deploys, and prints the addresses.
///
/// # Errors
///
/// On other chains, and where the node refuses.
pub async fn run(args: DeployArgs) -> Result<()> {
    ensure!(
        args.challenge_period >= MIN_CHALLENGE_PERIOD,
        "challenge-period is {}, where the contract takes {MIN_CHALLENGE_PERIOD} blocks at least",
        args.challenge_period
    );
    ensure!(!args.supply.is_zero(), "supply is 0, where the contract takes a token that somebody holds");
    let signer = key::signer(args.deployer_key_file.clone()).context("the deployer's key")?;
    let deployer = signer.address();
    let provider = ProviderBuilder::new()
        .wallet(EthereumWallet::from(signer))
        .connect(args.rpc_url.secret().as_str())
        .await
        .map_err(|error| failure(&args, &error))?;

    let chain_id =
        provider.get_chain_id().await.map_err(|error| failure(&args, &error)).context("eth_chainId")?;
    if !DEVELOPMENT_CHAINS.contains(&chain_id) {
        bail!(
            "this is chain {chain_id}: the test contracts are deployed on the chains {DEVELOPMENT_CHAINS:?} only"
        );
    }
    if let Some(address) = args.unless_at {
        let code = provider.get_code_at(address.0.into()).await.map_err(|error| failure(&args, &error))?;
        if !code.is_empty() {
            println!("contract  {address}   is there already");
            return Ok(());
        }
    }
    let token = TestToken::deploy(&provider, args.supply, "uRaiden test token".to_owned(), "URT".to_owned())
        .await
        .map_err(|error| failure(&args, &error))
        .context("deploying the token")?;
    let contract = RaidenMicroTransferChannels::deploy_builder(
        &provider,
        *token.address(),
        args.challenge_period,
        vec![],
    )
    .send()
    .await
    .map_err(|error| failure(&args, &error))
    .context("deploying the contract")?;
    let receipt = contract.get_receipt().await.map_err(|error| failure(&args, &error))?;
    let (Some(address), Some(block), true) =
        (receipt.contract_address, receipt.block_number, receipt.status())
    else {
        bail!("the contract's constructor failed in transaction {}", receipt.transaction_hash);
    };

    let ours = |address: alloy::primitives::Address| Address(address.into_array());
    let deployed = Deployed {
        chain_id,
        token: ours(*token.address()),
        contract: ours(address),
        deployer: ours(deployer),
        block,
    };
    if args.json {
        println!("{}", serde_json::to_string(&deployed)?);
    } else {
        println!("chain     {chain_id}");
        println!("token     {}   all of it held by {}", deployed.token, deployed.deployer);
        println!("contract  {}   in block {block}", deployed.contract);
    }
    Ok(())
}

/// The URL may have a credential in it, and alloy's errors quote it.
fn failure(args: &DeployArgs, error: &dyn std::error::Error) -> anyhow::Error {
    anyhow::anyhow!("{}: {}", args.rpc_url, args.rpc_url.redact(&error.to_string()))
}

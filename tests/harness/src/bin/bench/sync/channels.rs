//! Very many channels in little time: a delegate that the contract trusts opens them for senders who need not exist.

use std::time::{Duration, Instant};

use alloy::primitives::aliases::U192;
use alloy::primitives::{U256, address};
use alloy::sol_types::SolCall;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use uraiden_core::wire::ChannelKey;
use uraiden_core::{Address, BlockNumber};
use uraiden_harness::Stack;

alloy::sol! {
    function addTrustedContracts(address[] accounts);
    function createChannelDelegate(address sender, address receiver, uint192 deposit);
    function transfer(address to, uint256 amount);
    function approve(address spender, uint256 amount);
}

/// Opens the channels. The contract trusts accounts with code only, so it gets some.
const DELEGATE: alloy::primitives::Address = address!("de1e6a7e00000000000000000000000000000001");

/// Each channel's deposit.
const DEPOSIT: u64 = 1000;

/// As many blocks without a channel end the chain, so that all others are old enough to be read in ranges.
const EMPTY_BLOCKS: u32 = 300;

/// More than opening a channel uses.
const GAS: &str = "0x30d40";

/// How many blocks the node is asked about at once, when only its own time counts.
const RANGE: u64 = 1_000;

/// Opens so many channels, `per_block` in each block, and answers their names.
pub(super) async fn open(stack: &Stack, count: u32, per_block: u32) -> Result<Vec<ChannelKey>> {
    let node = Node { http: reqwest::Client::new(), url: stack.chain.rpc_url().to_owned() };
    prepare(stack, &node, count).await?;
    node.ask("evm_setAutomine", json!([false])).await?;
    let nonce = node.ask("eth_getTransactionCount", json!([DELEGATE, "latest"])).await?;
    let (nonce, mut block) = (number(&nonce)?, number(&node.ask("eth_blockNumber", json!([])).await?)?);
    let mut keys: Vec<ChannelKey> = Vec::new();
    let mut said = Instant::now();
    while let Some(rest) =
        u32::try_from(keys.len()).ok().and_then(|done| count.checked_sub(done)).filter(|n| *n > 0)
    {
        block += 1;
        let open_block = BlockNumber(u32::try_from(block)?);
        let first = u64::from(count - rest);
        let senders = (first..first + u64::from(rest.min(per_block))).map(sender);
        let block: Vec<_> = senders.map(|sender| ChannelKey { sender, open_block }).collect();
        node.open_block(stack, &block, nonce + first).await?;
        keys.extend(block);
        if said.elapsed() > Duration::from_secs(5) {
            eprintln!("{} of {count} channels opened", keys.len());
            said = Instant::now();
        }
    }
    node.ask("evm_setAutomine", json!([true])).await?;
    stack.chain.mine(EMPTY_BLOCKS).await?;
    Ok(keys)
}

/// How long the node takes to find all channels, for somebody who does nothing with the answers.
pub(super) async fn ask_for_all(stack: &Stack) -> Result<Duration> {
    let node = Node { http: reqwest::Client::new(), url: stack.chain.rpc_url().to_owned() };
    let head = number(&node.ask("eth_blockNumber", json!([])).await?)?;
    let receiver = format!("0x{:0>64}", hex::encode(stack.receiver().0));
    let began = Instant::now();
    let mut first = 0;
    while first <= head {
        let filter = json!([{
            "fromBlock": format!("{first:#x}"),
            "toBlock": format!("{:#x}", head.min(first + RANGE - 1)),
            "address": stack.contract().to_string(),
            "topics": [null, null, receiver],
        }]);
        node.post(&json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_getLogs", "params": filter })).await?;
        first += RANGE;
    }
    Ok(began.elapsed())
}

/// Gives the delegate code, trust, ether, and tokens that the contract may take.
async fn prepare(stack: &Stack, node: &Node, count: u32) -> Result<()> {
    let (contract, token) = (stack.contract().0.into(), stack.token().0.into());
    let owner = stack.chain.chain().sender().0.into();
    let tokens = U256::from(u64::from(count) * DEPOSIT);
    node.ask("anvil_setCode", json!([DELEGATE, "0x00"])).await?;
    node.ask("anvil_setBalance", json!([DELEGATE, "0xd3c21bcecceda1000000"])).await?;
    node.ask("anvil_impersonateAccount", json!([DELEGATE])).await?;
    let trust = addTrustedContractsCall { accounts: vec![DELEGATE] }.abi_encode();
    let give = transferCall { to: DELEGATE, amount: tokens }.abi_encode();
    let approve = approveCall { spender: contract, amount: tokens }.abi_encode();
    for (from, to, input) in [(owner, contract, trust), (owner, token, give), (DELEGATE, token, approve)] {
        let transaction = json!([{ "from": from, "to": to, "data": format!("0x{}", hex::encode(input)) }]);
        let hash = node.ask("eth_sendTransaction", transaction).await?;
        let mut receipt = Value::Null;
        while receipt.is_null() {
            receipt = node.ask("eth_getTransactionReceipt", json!([hash])).await?;
        }
        ensure!(receipt["status"] == "0x1", "preparing the delegate: {receipt}");
    }
    Ok(())
}

/// Nobody's address, a different one for each number.
fn sender(number: u64) -> Address {
    let hash = uraiden_core::digest::keccak256(&[&number.to_be_bytes()]);
    let mut address = [0; 20];
    address.copy_from_slice(&hash[12..]);
    Address(address)
}

fn number(quantity: &Value) -> Result<u64> {
    let digits = quantity.as_str().and_then(|text| text.strip_prefix("0x"));
    let parsed = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    parsed.with_context(|| format!("no quantity: {quantity}"))
}

/// Asked in batches, and for answers that nobody reads: faster than by a provider.
struct Node {
    http: reqwest::Client,
    url: String,
}

impl Node {
    async fn post(&self, question: &Value) -> Result<Vec<u8>> {
        let answer = self.http.post(&self.url).json(question).send().await?.error_for_status()?;
        Ok(answer.bytes().await?.to_vec())
    }

    async fn ask(&self, method: &'static str, parameters: Value) -> Result<Value> {
        let question = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": parameters });
        let answer: Value = serde_json::from_slice(&self.post(&question).await?)?;
        ensure!(answer.get("error").is_none(), "{method}: {answer}");
        Ok(answer["result"].clone())
    }

    /// Opens these channels in one block. The delegate's next nonce is `nonce`.
    async fn open_block(&self, stack: &Stack, channels: &[ChannelKey], nonce: u64) -> Result<()> {
        let questions: Vec<Value> =
            (nonce..).zip(channels).map(|(nonce, key)| transaction(stack, key, nonce)).collect();
        let answers: Vec<Value> = serde_json::from_slice(&self.post(&json!(questions)).await?)?;
        let refused = answers.iter().find(|answer| answer.get("error").is_some());
        ensure!(refused.is_none(), "opening channels: {refused:?}");
        self.ask("evm_mine", json!([])).await?;
        let Some(last) = channels.last() else { return Ok(()) };
        let block = format!("{:#x}", last.open_block.0);
        let receipts = self.ask("eth_getBlockReceipts", json!([block])).await?;
        let receipts = receipts.as_array().map_or(&[][..], Vec::as_slice);
        ensure!(
            receipts.len() == channels.len() && receipts.iter().all(|receipt| receipt["status"] == "0x1"),
            "block {block} does not hold {} channels that were opened",
            channels.len()
        );
        Ok(())
    }
}

fn transaction(stack: &Stack, key: &ChannelKey, nonce: u64) -> Value {
    let call = createChannelDelegateCall {
        sender: key.sender.0.into(),
        receiver: stack.receiver().0.into(),
        deposit: U192::from(DEPOSIT),
    };
    let transaction = json!([{
        "from": DELEGATE,
        "to": stack.contract().to_string(),
        "gas": GAS,
        "gasPrice": "0x2540be400",
        "nonce": format!("{nonce:#x}"),
        "data": format!("0x{}", hex::encode(call.abi_encode())),
    }]);
    json!({ "jsonrpc": "2.0", "id": nonce, "method": "eth_sendTransaction", "params": transaction })
}

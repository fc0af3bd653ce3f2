//! Many channels at once, and their payments signed beforehand.

use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use k256::ecdsa::SigningKey;
use serde_json::{Value, json};
use uraiden_client::proof_headers;
use uraiden_core::digest::{self, keccak256};
use uraiden_core::wire::{Attempt, AttemptId, ChannelKey};
use uraiden_core::{Address, BalanceProof, BlockNumber, ChannelId, Signature, TokenAmount};
use uraiden_harness::Stack;

use crate::load;

/// How often a signer has to sign until whoever checks has its table, and once more.
pub(crate) const MEETINGS: usize = 5;

/// How many channels are opened in one block. Those of more than half a block's gas raise the price of gas, from block to
/// block, beyond what anybody has.
const PER_BLOCK: usize = 250;

/// How often to say how far it is.
const PROGRESS: Duration = Duration::from_secs(5);

/// What each may spend, in base units: the most that the contract allows.
const DEPOSIT: u128 = 100_000_000_000_000_000_000;

/// The gas that an opening may use.
const GAS: &str = "0x1d4c0";

/// A channel and its sender.
#[derive(Clone)]
pub(crate) struct Channel {
    key: SigningKey,
    id: ChannelId,
    spent: TokenAmount,
    price: TokenAmount,
}

impl Channel {
    /// The next payment, as a request.
    pub(crate) fn pay(&mut self, path: &str) -> Result<Vec<u8>> {
        Ok(load::get(path, &proof_headers(&self.next()?)))
    }

    /// The next payment, as the filter reports it under this id.
    pub(crate) fn attempt(&mut self, id: AttemptId) -> Result<Attempt> {
        let BalanceProof { channel: ChannelId { sender, open_block, .. }, balance, signature } =
            self.next()?;
        Ok(Attempt { id, channel: ChannelKey { sender, open_block }, price: self.price, balance, signature })
    }

    fn next(&mut self) -> Result<BalanceProof> {
        let balance = self.spent.checked_add(self.price).context("a balance beyond all bounds")?;
        let ChannelId { contract, receiver, open_block, .. } = self.id;
        let digest = digest::balance_proof(receiver, open_block, balance, contract);
        let (signature, id) = self.key.sign_prehash_recoverable(&digest);
        let signature = Signature::from_bytes(&[&signature.to_bytes()[..], &[id.to_byte()]].concat())?;
        self.spent = balance;
        Ok(BalanceProof { channel: self.id, balance, signature })
    }
}

/// Opens channels of the senders with these numbers, and waits until the sidecar counts them.
///
/// The node lets us speak for the token, which tells the contract of deposits that nobody made. So it takes one
/// transaction a channel, and no account needs money.
///
/// # Errors
///
/// The node refuses, or the sidecar does not see the last channel in time.
pub(crate) async fn open(stack: &Stack, senders: Range<usize>) -> Result<Vec<Channel>> {
    let token = stack.token().to_string();
    stack.chain.rpc("anvil_impersonateAccount", json!([token])).await?;
    stack.chain.rpc("anvil_setBalance", json!([token, "0xffffffffffffffffffff"])).await?;
    stack.chain.rpc("evm_setAutomine", json!([false])).await?;
    let keys: Vec<SigningKey> = senders.clone().map(key).collect::<Result<_>>()?;
    let http = reqwest::Client::new();
    let mut channels = Vec::with_capacity(senders.len());
    let mut said = Instant::now();
    for block in keys.chunks(PER_BLOCK) {
        let senders: Vec<Address> = block.iter().map(address).collect();
        let next = stack.chain.rpc("eth_getTransactionCount", json!([token, "latest"])).await?;
        let nonces = number_of(&next)?..;
        let calls: Vec<Value> =
            senders.iter().zip(nonces).map(|(&sender, nonce)| opening(stack, sender, nonce)).collect();
        let answers: Value = http.post(stack.chain.rpc_url()).json(&calls).send().await?.json().await?;
        let answers = answers.as_array().context("the node answers a batch by a list")?;
        let refused = answers.iter().find(|answer| answer["result"].is_null());
        ensure!(refused.is_none(), "the node refuses to open a channel: {refused:?}");
        stack.chain.mine(1).await?;
        let open_block = number_of(&stack.chain.rpc("eth_blockNumber", json!([])).await?)?;
        let count = stack.chain.rpc("eth_getBlockTransactionCountByNumber", json!(["latest"])).await?;
        ensure!(
            number_of(&count)? as usize == block.len(),
            "a block has {count} of {} openings",
            block.len()
        );
        channels.extend(block.iter().zip(senders).map(|(key, sender)| Channel {
            key: key.clone(),
            id: ChannelId {
                contract: stack.contract(),
                receiver: stack.receiver(),
                sender,
                open_block: BlockNumber(open_block),
            },
            spent: TokenAmount::ZERO,
            price: stack.price(),
        }));
        if said.elapsed() > PROGRESS {
            eprintln!("{} of {} channels opened", channels.len(), keys.len());
            said = Instant::now();
        }
    }
    stack.chain.rpc("evm_setAutomine", json!([true])).await?;
    stack.chain.mine(2).await?;
    if let Some(last) = channels.last() {
        stack.until_confirmed(&last.id).await?;
    }
    Ok(channels)
}

/// The call to the node that opens a channel: the token's report of a transfer.
fn opening(stack: &Stack, sender: Address, nonce: u32) -> Value {
    let word = |bytes: &[u8]| format!("{:0>64}", hex::encode(bytes));
    let selector = hex::encode(&keccak256(&[b"tokenFallback(address,uint256,bytes)"])[..4]);
    let data = [
        format!("0x{selector}"),
        word(&sender.0),
        word(&DEPOSIT.to_be_bytes()),
        word(&[96]),
        word(&[40]),
        format!("{:0<128}", hex::encode([sender.0, stack.receiver().0].concat())),
    ];
    let transaction = json!({
        "from": stack.token().to_string(),
        "to": stack.contract().to_string(),
        "gas": GAS,
        "nonce": format!("{nonce:#x}"),
        "data": data.concat(),
    });
    json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_sendTransaction", "params": [transaction] })
}

fn key(number: usize) -> Result<SigningKey> {
    let secret = keccak256(&[b"payer", &number.to_be_bytes()]);
    SigningKey::from_slice(&secret).context("a hash that is no key")
}

fn address(key: &SigningKey) -> Address {
    let point = key.verifying_key().to_sec1_point(false);
    let hash = keccak256(&[&point.as_bytes()[1..]]);
    Address(std::array::from_fn(|at| hash[12 + at]))
}

fn number_of(quantity: &Value) -> Result<u32> {
    let digits = quantity.as_str().and_then(|text| text.strip_prefix("0x")).context("no quantity")?;
    u32::from_str_radix(digits, 16).with_context(|| digits.to_owned())
}

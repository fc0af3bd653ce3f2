//! A gate with a payer.

use core::time::Duration;
use std::sync::LazyLock;

use k256::ecdsa::SigningKey;
use uraiden_core::config::Config;
use uraiden_core::digest::{self, balance_proof};
use uraiden_core::gate::{CallOutcome, Gate, Moment};
use uraiden_core::route::Surroundings;
use uraiden_core::wire::{Answer, BatchResponse, Health, Identity, Ledger, VERSION};
use uraiden_core::{Address, BlockNumber, Signature, TokenAmount};

/// When everything happens.
pub const NOW: Moment = Duration::from_secs(1_000_000);

/// What `/paid` costs.
pub const PRICE: u64 = 10;

/// The block in which the payer's channel was opened.
pub const OPEN_BLOCK: BlockNumber = BlockNumber(14);

/// How many balances of the payer are signed beforehand: a signature takes longer than all the rest.
const PROOFS: usize = 16;

const CONTRACT: Address = Address([1; 20]);
const RECEIVER: Address = Address([2; 20]);
const TOKEN: Address = Address([3; 20]);

/// `/paid…` costs [`PRICE`], `/auction/…` what a service says, everything else nothing.
pub fn config() -> Config {
    let json = serde_json::json!({
        "sidecar": { "cluster": "uraiden-internal", "publicCluster": "uraiden-public" },
        "contract": CONTRACT, "receiver": RECEIVER, "token": TOKEN, "chainId": 31337,
        "rules": [
            { "match": { "pathPrefix": "/paid" }, "price": PRICE.to_string() },
            { "match": { "pathPrefix": "/auction/" }, "priceFrom": { "cluster": "prices", "path": "/price" } },
        ],
    });
    Config::from_json(json.to_string().as_bytes()).expect("a good configuration")
}

/// A gate that has heard from a sidecar which can serve.
pub fn ready() -> Gate {
    static CONFIG: LazyLock<Config> = LazyLock::new(config);
    let mut gate = Gate::new(CONFIG.clone(), 0xfeed);
    let hello = gate.tick(NOW).expect("no call is under way");
    assert!(hello.batch.entries.is_empty());
    let body = heard(Vec::new());
    let _ = gate.answered(CallOutcome::Response { status: 200, body: &body }, NOW);
    gate
}

/// The body of a good answer to a call.
pub fn heard(answers: Vec<Answer>) -> Vec<u8> {
    let identity = Identity { chain_id: 31337, contract: CONTRACT, receiver: RECEIVER, token: TOKEN };
    let ledger = Ledger { id: "00112233445566778899aabbccddeeff".to_owned(), generation: 1 };
    let response = BatchResponse { version: VERSION, identity, ledger, health: Health::Ready, answers };
    serde_json::to_vec(&response).expect("a struct of numbers and texts")
}

/// The payer's key.
pub fn key() -> SigningKey {
    SigningKey::from_slice(&[7; 32]).expect("a scalar in range")
}

/// The address of a key.
pub fn sender(key: &SigningKey) -> Address {
    let point = key.verifying_key().to_sec1_point(false);
    Address(*digest::keccak256(&[&point.as_bytes()[1..]]).last_chunk().expect("32 bytes hold 20"))
}

/// The payer's proof of `step` times the price, for the channel of these tests.
///
/// # Panics
///
/// Above 15 steps.
pub fn proof(step: usize) -> Signature {
    static PROOFS_OF: LazyLock<Vec<Signature>> = LazyLock::new(|| (0..PROOFS).map(sign).collect());
    PROOFS_OF[step]
}

fn sign(step: usize) -> Signature {
    let digest = balance_proof(RECEIVER, OPEN_BLOCK, balance(step), CONTRACT);
    let (signature, recovery_id) = key().sign_prehash_recoverable(&digest);
    let bytes = [&signature.to_bytes()[..], &[recovery_id.to_byte()]].concat();
    Signature::from_bytes(&bytes).expect("65 bytes")
}

fn balance(step: usize) -> TokenAmount {
    TokenAmount::new(PRICE).checked_mul(step.try_into().expect("a small number")).expect("in range")
}

/// The head of a request for a path that pays up to `step` times the price.
pub fn paying(path: &str, step: usize) -> Vec<(String, Vec<u8>)> {
    static SENDER: LazyLock<String> = LazyLock::new(|| sender(&key()).to_string());
    [
        (":method", "GET".to_owned()),
        (":path", path.to_owned()),
        (":authority", "host".to_owned()),
        ("rdn-sender-address", SENDER.clone()),
        ("rdn-open-block", OPEN_BLOCK.to_string()),
        ("rdn-sender-balance", balance(step).to_string()),
        ("rdn-balance-signature", proof(step).to_string()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.into_bytes()))
    .collect()
}

/// A client on a route without a price of its own.
pub struct Anywhere;

impl Surroundings for Anywhere {
    fn source(&self) -> Option<Vec<u8>> {
        Some(b"192.0.2.1:4711".to_vec())
    }

    fn cluster(&self) -> Option<Vec<u8>> {
        Some(b"app".to_vec())
    }

    fn metadata(&self) -> Option<Vec<u8>> {
        None
    }

    fn virtual_host_metadata(&self) -> Option<Vec<u8>> {
        None
    }

    fn announced(&self, _slot: u32) -> Option<Vec<u8>> {
        None
    }
}

//! Checks every vector of the files named on the command line against this crate. Runs natively and, compiled for
//! wasm32-wasip1, in the 32-bit arithmetic that Envoy runs. The vectors were made by an independent library.

use std::process::ExitCode;

use serde_json::Value;
use uraiden_core::{Address, Signature, TokenAmount, digest};

fn main() -> ExitCode {
    let files: Vec<String> = std::env::args().skip(1).collect();
    if files.is_empty() {
        eprintln!("usage: vectors FILE…");
        return ExitCode::from(2);
    }
    let (mut passed, mut failed) = (0, 0);
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{file}: {error}"));
        let vectors: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
        for kind in [Kind::BalanceProof, Kind::ClosingAgreement] {
            let cases =
                vectors[kind.list()].as_array().unwrap_or_else(|| panic!("{file}: no {}", kind.list()));
            for (index, case) in cases.iter().enumerate() {
                match check(kind, case) {
                    Ok(()) => passed += 1,
                    Err(problem) => {
                        failed += 1;
                        println!("{file}: {}[{index}] ({}): {problem}", kind.list(), case["note"]);
                    }
                }
            }
        }
    }
    println!("in {}-bit arithmetic:", usize::BITS);
    println!("{passed} passed, {failed} failed");
    if failed == 0 && passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[derive(Clone, Copy)]
enum Kind {
    BalanceProof,
    ClosingAgreement,
}

impl Kind {
    fn list(self) -> &'static str {
        match self {
            Self::BalanceProof => "balance_proofs",
            Self::ClosingAgreement => "closing_agreements",
        }
    }
}

fn check(kind: Kind, case: &Value) -> Result<(), String> {
    let text = |name: &str| case[name].as_str().ok_or(format!("{name} is not a text"));
    let address = |name: &str| text(name)?.parse::<Address>().map_err(|error| format!("{name}: {error}"));
    let open_block = text("open_block")?.parse().map_err(|error| format!("open_block: {error}"))?;
    let balance = text("balance")?.parse::<TokenAmount>().map_err(|error| format!("balance: {error}"))?;
    let contract = address("contract")?;
    let digest = match kind {
        Kind::BalanceProof => digest::balance_proof(address("receiver")?, open_block, balance, contract),
        Kind::ClosingAgreement => {
            digest::closing_agreement(address("sender")?, open_block, balance, contract)
        }
    };
    same("digest", text("digest")?.to_owned(), format!("0x{}", hex::encode(digest)))?;

    let signer = text("signature")?.parse::<Signature>().ok().and_then(|signature| signature.signer(&digest));
    let expected = match &case["signer"] {
        Value::Null => None,
        signer => Some(signer.as_str().ok_or("signer is not a text")?.to_owned()),
    };
    same("signer", expected, signer.map(|signer| signer.to_string()))
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, expected: T, found: T) -> Result<(), String> {
    if expected == found { Ok(()) } else { Err(format!("{what}: expected {expected:?}, found {found:?}")) }
}

//! The contracts, as their compiled artefacts describe them.

#![allow(missing_docs, reason = "made by the macro; the documentation stands in the Solidity sources")]

use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::value::RawValue;

alloy::sol!(
    #[sol(rpc)]
    #[derive(Debug)]
    RaidenMicroTransferChannels,
    "../contracts/artifacts/RaidenMicroTransferChannels.json"
);

alloy::sol!(
    #[sol(rpc)]
    #[derive(Debug)]
    TestToken,
    "../contracts/artifacts/TestToken.json"
);

/// The channels' interface, as JSON.
pub static CHANNELS_ABI: LazyLock<Box<RawValue>> =
    LazyLock::new(|| abi(include_str!("../../../contracts/artifacts/RaidenMicroTransferChannels.json")));

/// The token's interface, as JSON: ERC-20 and ERC-223.
pub static TOKEN_ABI: LazyLock<Box<RawValue>> =
    LazyLock::new(|| abi(include_str!("../../../contracts/artifacts/TestToken.json")));

fn abi(artefact: &str) -> Box<RawValue> {
    #[derive(Deserialize)]
    struct Artefact {
        abi: Box<RawValue>,
    }
    let artefact: Artefact = serde_json::from_str(artefact)
        .expect("the artefacts are part of this program, and a test reads them");
    let compact: serde_json::Value = serde_json::from_str(artefact.abi.get()).expect("raw JSON is JSON");
    serde_json::value::to_raw_value(&compact).expect("a JSON value can be written")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interfaces_are_lists_in_one_line() {
        for abi in [&*CHANNELS_ABI, &*TOKEN_ABI] {
            assert!(abi.get().starts_with("[{"), "{abi}");
            assert!(!abi.get().contains('\n'));
        }
        assert!(CHANNELS_ABI.get().contains("cooperativeClose"));
        assert!(TOKEN_ABI.get().contains("balanceOf"));
    }
}

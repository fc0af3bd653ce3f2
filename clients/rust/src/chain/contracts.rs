//! The contracts, as their compiled artefacts describe them.

#![allow(missing_docs, unreachable_pub, reason = "generated from the contracts' own interface")]

alloy::sol!(
    #[sol(rpc)]
    #[derive(Debug)]
    RaidenMicroTransferChannels,
    "../../contracts/artifacts/RaidenMicroTransferChannels.json"
);

alloy::sol!(
    #[sol(rpc)]
    #[derive(Debug)]
    TestToken,
    "../../contracts/artifacts/TestToken.json"
);

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRaidenMicroTransferChannels as Channels} from "../src/IRaidenMicroTransferChannels.sol";
import {Signature} from "./Signature.sol";

/// The tests are those of `Signature`.
contract ExtractBalanceProofSignatureTest is Signature {
    function extraction(address receiver_, uint32 openBlock, uint192 balance, bytes memory signature)
        internal
        pure
        override
        returns (bytes memory)
    {
        return abi.encodeCall(Channels.extractBalanceProofSignature, (receiver_, openBlock, balance, signature));
    }

    function signatureBy(uint256 key, address receiver_, uint32 openBlock, uint192 balance)
        internal
        view
        override
        returns (bytes memory)
    {
        return proof(key, receiver_, openBlock, balance);
    }

    function allVectors() internal view override returns (Vector[] memory all, uint256 withoutSigner) {
        return (vectors("balance_proofs", "receiver"), 18);
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRaidenMicroTransferChannels as Channels} from "../src/IRaidenMicroTransferChannels.sol";
import {Signature} from "./Signature.sol";

/// The tests are those of `Signature`.
contract ExtractClosingSignatureTest is Signature {
    function extraction(address sender_, uint32 openBlock, uint192 balance, bytes memory signature)
        internal
        pure
        override
        returns (bytes memory)
    {
        return abi.encodeCall(Channels.extractClosingSignature, (sender_, openBlock, balance, signature));
    }

    function signatureBy(uint256 key, address sender_, uint32 openBlock, uint192 balance)
        internal
        view
        override
        returns (bytes memory)
    {
        return closing(key, sender_, openBlock, balance);
    }

    function allVectors() internal view override returns (Vector[] memory all, uint256 withoutSigner) {
        return (vectors("closing_agreements", "sender"), 17);
    }
}

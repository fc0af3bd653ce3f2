// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./Fixture.sol";

/// @title The vectors in tests/vectors/balance_proofs.json, which were made with libsecp256k1
abstract contract Vectors is Fixture {
    struct Vector {
        /// The other party: the receiver of a balance proof, the sender of a closing signature.
        address party;
        uint32 openBlock;
        uint192 balance;
        address contract_;
        bytes32 digest;
        bytes signature;
        /// Zero where no key can have made the signature.
        address signer;
        string note;
    }

    /// All vectors of one list, "balance_proofs" or "closing_agreements".
    function vectors(string memory list, string memory party) internal view returns (Vector[] memory all) {
        string memory json = vm.readFile("../tests/vectors/balance_proofs.json");
        uint256 count = 0;
        while (vm.keyExistsJson(json, path(list, count, ""))) count++;
        all = new Vector[](count);
        for (uint256 i = 0; i < count; i++) {
            all[i] = Vector({
                party: vm.parseJsonAddress(json, path(list, i, string.concat(".", party))),
                openBlock: uint32(vm.parseJsonUint(json, path(list, i, ".open_block"))),
                balance: uint192(vm.parseJsonUint(json, path(list, i, ".balance"))),
                contract_: vm.parseJsonAddress(json, path(list, i, ".contract")),
                digest: vm.parseJsonBytes32(json, path(list, i, ".digest")),
                signature: vm.parseJsonBytes(json, path(list, i, ".signature")),
                // JSON's null becomes a zero word.
                signer: abi.decode(vm.parseJson(json, path(list, i, ".signer")), (address)),
                note: vm.parseJsonString(json, path(list, i, ".note"))
            });
        }
    }

    function path(string memory list, uint256 i, string memory field) private pure returns (string memory) {
        return string.concat(".", list, "[", vm.toString(i), "]", field);
    }

    /// Puts the channels' code where the vector's contract is, as the digest names it.
    function moveTo(address contract_) internal {
        vm.etch(contract_, address(channels).code);
    }
}

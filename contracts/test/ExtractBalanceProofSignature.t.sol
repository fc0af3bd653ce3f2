// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRaidenMicroTransferChannels as Channels} from "../src/IRaidenMicroTransferChannels.sol";
import {Vectors} from "./Vectors.sol";

contract ExtractBalanceProofSignatureTest is Vectors {
    /// The order of secp256k1.
    uint256 internal constant ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    bytes32 internal constant R = bytes32(uint256(1));
    bytes32 internal constant S = bytes32(uint256(2));

    /// What the contract hashes, as its refusal of an impossible signature shows it.
    function digest(address contract_, address party, uint32 openBlock, uint192 balance)
        internal
        view
        returns (bytes32 found)
    {
        (bool done, bytes memory answer) = contract_.staticcall(
            abi.encodeCall(Channels.extractBalanceProofSignature, (party, openBlock, balance, new bytes(65)))
        );
        vm.assertEq(done, false, "a signature of zeros");
        vm.assertEq(answer.length, 36, "length of the refusal");
        assembly ("memory-safe") {
            found := mload(add(answer, 36))
        }
        vm.assertEq(answer, abi.encodeWithSelector(Channels.NoSigner.selector, found), "refusal");
    }

    function test_it_refuses_any_other_length_than_65_bytes(uint8 length) public {
        vm.assume(length != 65);
        vm.expectRevert(abi.encodeWithSelector(Channels.BadSignatureLength.selector, length));
        channels.extractBalanceProofSignature(receiver, 14, 9, new bytes(length));
    }

    function test_it_refuses_any_other_v_than_0_or_1_or_27_or_28(uint8 v) public {
        vm.assume(v != 0 && v != 1 && v != 27 && v != 28);
        vm.expectRevert(abi.encodeWithSelector(Channels.BadSignatureV.selector, v));
        channels.extractBalanceProofSignature(receiver, 14, 9, abi.encodePacked(R, S, v));
    }

    function test_it_refuses_r_and_s_of_zero() public {
        bytes32 hash = digest(address(channels), receiver, 14, 9);
        vm.expectRevert(abi.encodeWithSelector(Channels.NoSigner.selector, hash));
        channels.extractBalanceProofSignature(receiver, 14, 9, abi.encodePacked(uint256(0), uint256(0), uint8(27)));
    }

    function test_it_refuses_r_at_the_order_of_the_curve() public {
        bytes32 hash = digest(address(channels), receiver, 14, 9);
        vm.expectRevert(abi.encodeWithSelector(Channels.NoSigner.selector, hash));
        channels.extractBalanceProofSignature(receiver, 14, 9, abi.encodePacked(ORDER, S, uint8(28)));
    }

    function test_it_takes_v_of_0_and_1_for_27_and_28() public view {
        address low = channels.extractBalanceProofSignature(receiver, 14, 9, abi.encodePacked(R, S, uint8(27)));
        address high = channels.extractBalanceProofSignature(receiver, 14, 9, abi.encodePacked(R, S, uint8(28)));
        vm.assertTrue(low != high, "27 and 28 name two keys");
        vm.assertEq(
            channels.extractBalanceProofSignature(receiver, 14, 9, abi.encodePacked(R, S, uint8(0))), low, "v of 0"
        );
        vm.assertEq(
            channels.extractBalanceProofSignature(receiver, 14, 9, abi.encodePacked(R, S, uint8(1))), high, "v of 1"
        );
    }

    function test_it_takes_a_high_s_for_its_twin() public view {
        address low = channels.extractBalanceProofSignature(receiver, 14, 9, abi.encodePacked(R, S, uint8(27)));
        bytes memory twin = abi.encodePacked(R, ORDER - uint256(S), uint8(28));
        vm.assertEq(channels.extractBalanceProofSignature(receiver, 14, 9, twin), low, "the twin");
    }

    function test_it_names_whoever_signed(uint256 key, address party, uint32 openBlock, uint192 balance) public view {
        key = bound(key, 1, ORDER - 1);
        bytes memory signature = proof(key, party, openBlock, balance);
        vm.assertEq(
            channels.extractBalanceProofSignature(party, openBlock, balance, signature), vm.addr(key), "signer"
        );
    }

    function test_it_hashes_every_vector_as_libsecp256k1_was_given_it() public {
        Vector[] memory all = vectors("balance_proofs", "receiver");
        vm.assertEq(all.length, 60, "vectors");
        for (uint256 i = 0; i < all.length; i++) {
            moveTo(all[i].contract_);
            bytes32 found = digest(all[i].contract_, all[i].party, all[i].openBlock, all[i].balance);
            vm.assertEq(found, all[i].digest, string.concat("digest of ", vm.toString(i), ": ", all[i].note));
        }
    }

    function test_it_finds_the_signer_of_every_vector_and_refuses_those_without() public {
        Vector[] memory all = vectors("balance_proofs", "receiver");
        uint256 refused = 0;
        for (uint256 i = 0; i < all.length; i++) {
            string memory name = string.concat("signer of ", vm.toString(i), ": ", all[i].note);
            moveTo(all[i].contract_);
            (bool done, bytes memory answer) = all[i].contract_.staticcall(
                abi.encodeCall(
                    Channels.extractBalanceProofSignature,
                    (all[i].party, all[i].openBlock, all[i].balance, all[i].signature)
                )
            );
            vm.assertEq(done, all[i].signer != address(0), name);
            if (done) vm.assertEq(abi.decode(answer, (address)), all[i].signer, name);
            else refused++;
        }
        vm.assertEq(refused, 18, "vectors without a signer");
    }
}

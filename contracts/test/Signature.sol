// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRaidenMicroTransferChannels as Channels} from "../src/IRaidenMicroTransferChannels.sol";
import {Vectors} from "./Vectors.sol";

/// @title What is the same of both kinds of signature
abstract contract Signature is Vectors {
    /// The order of secp256k1.
    uint256 internal constant ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    /// Some r and s that are a signature by somebody, of anything.
    bytes32 internal constant R = bytes32(uint256(1));
    bytes32 internal constant S = bytes32(uint256(2));

    /// The call that tells who signed.
    function extraction(address party, uint32 openBlock, uint192 balance, bytes memory signature)
        internal
        pure
        virtual
        returns (bytes memory call);

    /// A signature by `key`.
    function signatureBy(uint256 key, address party, uint32 openBlock, uint192 balance)
        internal
        view
        virtual
        returns (bytes memory);

    /// The vectors of this kind, and how many of them nobody can have signed.
    function allVectors() internal view virtual returns (Vector[] memory all, uint256 withoutSigner);

    /// Who signed for stranger, block 14 and balance 9.
    function signer(bytes memory signature) internal view returns (address) {
        (bool done, bytes memory answer) = address(channels).staticcall(extraction(stranger, 14, 9, signature));
        vm.assertTrue(done, "refused");
        return abi.decode(answer, (address));
    }

    function refuses(bytes memory signature, bytes memory reason) internal view {
        (bool done, bytes memory answer) = address(channels).staticcall(extraction(stranger, 14, 9, signature));
        vm.assertEq(done, false, "accepted");
        vm.assertEq(answer, reason, "reason");
    }

    /// What the contract hashes, as its refusal of an impossible signature shows it.
    function digest(address contract_, address party, uint32 openBlock, uint192 balance)
        internal
        view
        returns (bytes32 found)
    {
        (bool done, bytes memory answer) = contract_.staticcall(extraction(party, openBlock, balance, new bytes(65)));
        vm.assertEq(done, false, "a signature of zeros");
        vm.assertEq(answer.length, 36, "length of the refusal");
        assembly ("memory-safe") {
            found := mload(add(answer, 36))
        }
        vm.assertEq(answer, abi.encodeWithSelector(Channels.NoSigner.selector, found), "refusal");
    }

    function test_it_refuses_any_other_length_than_65_bytes(uint8 length) public view {
        vm.assume(length != 65);
        refuses(new bytes(length), abi.encodeWithSelector(Channels.BadSignatureLength.selector, length));
    }

    function test_it_refuses_any_other_v_than_0_or_1_or_27_or_28(uint8 v) public view {
        vm.assume(v != 0 && v != 1 && v != 27 && v != 28);
        refuses(abi.encodePacked(R, S, v), abi.encodeWithSelector(Channels.BadSignatureV.selector, v));
    }

    function test_it_refuses_r_and_s_of_zero() public view {
        bytes32 hash = digest(address(channels), stranger, 14, 9);
        bytes memory zeros = abi.encodePacked(uint256(0), uint256(0), uint8(27));
        refuses(zeros, abi.encodeWithSelector(Channels.NoSigner.selector, hash));
    }

    function test_it_refuses_r_at_the_order_of_the_curve() public view {
        bytes32 hash = digest(address(channels), stranger, 14, 9);
        bytes memory high = abi.encodePacked(ORDER, S, uint8(28));
        refuses(high, abi.encodeWithSelector(Channels.NoSigner.selector, hash));
    }

    function test_it_takes_v_of_0_and_1_for_27_and_28() public view {
        address one = signer(abi.encodePacked(R, S, uint8(27)));
        address other = signer(abi.encodePacked(R, S, uint8(28)));
        vm.assertTrue(one != other, "27 and 28 name one key");
        vm.assertEq(signer(abi.encodePacked(R, S, uint8(0))), one, "v of 0");
        vm.assertEq(signer(abi.encodePacked(R, S, uint8(1))), other, "v of 1");
    }

    function test_it_takes_a_high_s_for_its_twin() public view {
        address low = signer(abi.encodePacked(R, S, uint8(27)));
        vm.assertEq(signer(abi.encodePacked(R, ORDER - uint256(S), uint8(28))), low, "the twin");
    }

    function test_it_names_whoever_signed(uint256 key, address party, uint32 openBlock, uint192 balance) public view {
        key = bound(key, 1, ORDER - 1);
        bytes memory call = extraction(party, openBlock, balance, signatureBy(key, party, openBlock, balance));
        (, bytes memory answer) = address(channels).staticcall(call);
        vm.assertEq(abi.decode(answer, (address)), vm.addr(key), "signer");
    }

    function test_it_hashes_every_vector_as_libsecp256k1_was_given_it() public {
        (Vector[] memory all,) = allVectors();
        vm.assertEq(all.length, 60, "vectors");
        for (uint256 i = 0; i < all.length; i++) {
            moveTo(all[i].contract_);
            bytes32 found = digest(all[i].contract_, all[i].party, all[i].openBlock, all[i].balance);
            vm.assertEq(found, all[i].digest, string.concat("digest of ", vm.toString(i), ": ", all[i].note));
        }
    }

    function test_it_finds_the_signer_of_every_vector_and_refuses_those_without() public {
        (Vector[] memory all, uint256 withoutSigner) = allVectors();
        uint256 refused = 0;
        for (uint256 i = 0; i < all.length; i++) {
            string memory name = string.concat("signer of ", vm.toString(i), ": ", all[i].note);
            moveTo(all[i].contract_);
            bytes memory call = extraction(all[i].party, all[i].openBlock, all[i].balance, all[i].signature);
            (bool done, bytes memory answer) = all[i].contract_.staticcall(call);
            vm.assertEq(done, all[i].signer != address(0), name);
            if (done) vm.assertEq(abi.decode(answer, (address)), all[i].signer, name);
            else refused++;
        }
        vm.assertEq(refused, withoutSigner, "vectors without a signer");
    }
}

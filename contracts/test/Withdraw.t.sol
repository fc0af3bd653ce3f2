// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRaidenMicroTransferChannels as Channels} from "../src/IRaidenMicroTransferChannels.sol";
import {Fixture} from "./Fixture.sol";

contract WithdrawTest is Fixture {
    /// The order of secp256k1.
    uint256 internal constant ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    /// A proof over something else recovers to an account that has no channel, whoever that is.
    function refusesAsOfAnother(uint32 openBlock, uint192 balance, bytes memory signature) internal {
        address signer = channels.extractBalanceProofSignature(receiver, openBlock, balance, signature);
        vm.assertTrue(signer != sender, "the proof is good");
        vm.prank(receiver);
        vm.expectRevert(noSuchChannel(signer, receiver, openBlock));
        channels.withdraw(openBlock, balance, signature);
    }

    function test_it_refuses_a_proof_of_another_key() public {
        uint32 openBlock = opened(10);
        refusesAsOfAnother(openBlock, 4, proof(STRANGER_KEY, receiver, openBlock, 4));
    }

    function test_it_refuses_a_proof_for_another_balance() public {
        uint32 openBlock = opened(10);
        refusesAsOfAnother(openBlock, 5, proof(SENDER_KEY, receiver, openBlock, 4));
    }

    function test_it_refuses_a_proof_for_another_open_block() public {
        uint32 first = opened(10);
        uint32 second = opened(10);
        refusesAsOfAnother(second, 4, proof(SENDER_KEY, receiver, first, 4));
    }

    function test_it_refuses_a_proof_for_another_receiver() public {
        uint32 openBlock = opened(10);
        refusesAsOfAnother(openBlock, 4, proof(SENDER_KEY, stranger, openBlock, 4));
    }

    function test_it_refuses_a_proof_for_another_contract() public {
        uint32 openBlock = opened(10);
        Channels ours = channels;
        channels = deployChannels(address(token));
        bytes memory signature = proof(SENDER_KEY, receiver, openBlock, 4);
        channels = ours;
        refusesAsOfAnother(openBlock, 4, signature);
    }

    function test_it_refuses_a_closing_signature_in_place_of_the_proof() public {
        uint32 openBlock = opened(10);
        refusesAsOfAnother(openBlock, 4, closing(SENDER_KEY, receiver, openBlock, 4));
    }

    function test_it_refuses_a_proof_that_nobody_can_have_made() public {
        uint32 openBlock = opened(10);
        vm.prank(receiver);
        vm.expectRevert(abi.encodeWithSelector(Channels.BadSignatureLength.selector, 64));
        channels.withdraw(openBlock, 4, new bytes(64));
    }

    function test_it_refuses_a_block_without_one() public {
        uint32 openBlock = opened(10);
        bytes memory signature = proof(SENDER_KEY, receiver, openBlock + 1, 4);
        vm.prank(receiver);
        vm.expectRevert(noSuchChannel(sender, receiver, openBlock + 1));
        channels.withdraw(openBlock + 1, 4, signature);
    }

    function test_it_refuses_a_settled_one() public {
        uint32 openBlock = opened(10);
        closed(openBlock, 4);
        bytes memory signature = proof(SENDER_KEY, receiver, openBlock, 6);
        vm.prank(receiver);
        vm.expectRevert(noSuchChannel(sender, receiver, openBlock));
        channels.withdraw(openBlock, 6, signature);
    }

    function test_it_refuses_while_the_challenge_period_runs() public {
        uint32 openBlock = opened(10);
        closeRequested(openBlock, 4);
        bytes memory signature = proof(SENDER_KEY, receiver, openBlock, 6);
        vm.prank(receiver);
        vm.expectRevert(abi.encodeWithSelector(Channels.ChannelClosing.selector, openBlock + 1 + CHALLENGE_PERIOD));
        channels.withdraw(openBlock, 6, signature);
    }

    function test_it_refuses_after_the_challenge_period() public {
        uint32 openBlock = opened(10);
        closeRequested(openBlock, 4);
        vm.roll(block.number + CHALLENGE_PERIOD + 1);
        bytes memory signature = proof(SENDER_KEY, receiver, openBlock, 6);
        vm.prank(receiver);
        vm.expectRevert(abi.encodeWithSelector(Channels.ChannelClosing.selector, openBlock + 1 + CHALLENGE_PERIOD));
        channels.withdraw(openBlock, 6, signature);
    }

    function test_it_refuses_one_unit_too_much() public {
        uint32 openBlock = opened(10);
        bytes memory signature = proof(SENDER_KEY, receiver, openBlock, 11);
        vm.prank(receiver);
        vm.expectRevert(abi.encodeWithSelector(Channels.BalanceAboveDeposit.selector, 11, 10));
        channels.withdraw(openBlock, 11, signature);
    }

    function test_it_refuses_a_balance_of_zero() public {
        uint32 openBlock = opened(10);
        bytes memory signature = proof(SENDER_KEY, receiver, openBlock, 0);
        vm.prank(receiver);
        vm.expectRevert(abi.encodeWithSelector(Channels.NothingToWithdraw.selector, 0, 0));
        channels.withdraw(openBlock, 0, signature);
    }

    function test_it_refuses_the_same_proof_twice() public {
        uint32 openBlock = opened(10);
        withdrawn(openBlock, 4);
        bytes memory signature = proof(SENDER_KEY, receiver, openBlock, 4);
        vm.prank(receiver);
        vm.expectRevert(abi.encodeWithSelector(Channels.NothingToWithdraw.selector, 4, 4));
        channels.withdraw(openBlock, 4, signature);
    }

    function test_it_refuses_an_older_proof() public {
        uint32 openBlock = opened(10);
        withdrawn(openBlock, 4);
        bytes memory signature = proof(SENDER_KEY, receiver, openBlock, 3);
        vm.prank(receiver);
        vm.expectRevert(abi.encodeWithSelector(Channels.NothingToWithdraw.selector, 3, 4));
        channels.withdraw(openBlock, 3, signature);
    }

    function test_it_pays_the_balance_and_leaves_the_channel_open() public {
        uint32 openBlock = opened(10);
        bytes memory signature = proof(SENDER_KEY, receiver, openBlock, 4);
        countEvents();
        vm.expectEmit(address(channels));
        emit Channels.ChannelWithdraw(sender, receiver, openBlock, 4);
        vm.prank(receiver);
        channels.withdraw(openBlock, 4, signature);

        assertEvents(1);
        assertChannel(openBlock, 10, 4);
        vm.assertEq(channels.withdrawn_balances(channels.getKey(sender, receiver, openBlock)), 4, "withdrawn by key");
        assertHeld(receiver, 4, "paid");
        assertHeld(address(channels), 6, "locked");
    }

    function test_it_pays_only_what_was_not_withdrawn_before() public {
        uint32 openBlock = opened(10);
        withdrawn(openBlock, 4);
        vm.expectEmit(address(channels));
        emit Channels.ChannelWithdraw(sender, receiver, openBlock, 3);
        withdrawn(openBlock, 7);

        assertChannel(openBlock, 10, 7);
        assertHeld(receiver, 7, "paid");
        assertHeld(address(channels), 3, "locked");
    }

    function test_it_pays_the_whole_deposit() public {
        uint32 openBlock = opened(10);
        withdrawn(openBlock, 10);
        assertChannel(openBlock, 10, 10);
        assertHeld(receiver, 10, "paid");
        assertHeld(address(channels), 0, "locked");
    }

    function test_it_pays_in_the_block_of_the_opening() public {
        vm.prank(sender);
        channels.createChannel(receiver, 10);
        withdrawn(FIRST_BLOCK, 4);
        assertHeld(receiver, 4, "paid");
    }

    function test_it_pays_a_proof_that_a_top_up_has_covered() public {
        uint32 openBlock = opened(10);
        vm.prank(sender);
        channels.topUp(receiver, openBlock, 5);
        withdrawn(openBlock, 15);
        assertHeld(receiver, 15, "paid");
    }

    function test_it_accepts_a_proof_with_a_high_s() public {
        uint32 openBlock = opened(10);
        bytes memory low = proof(SENDER_KEY, receiver, openBlock, 4);
        (bytes32 r, uint256 s, uint8 v) = (bytes32(0), 0, uint8(low[64]));
        assembly ("memory-safe") {
            r := mload(add(low, 32))
            s := mload(add(low, 64))
        }
        vm.prank(receiver);
        channels.withdraw(openBlock, 4, abi.encodePacked(r, ORDER - s, uint8(55 - v)));
        assertHeld(receiver, 4, "paid");
    }

    function test_it_pays_in_any_two_steps_what_was_signed(uint256 deposit, uint256 first, uint256 second) public {
        deposit = bound(deposit, 2, LIMIT);
        second = bound(second, 2, deposit);
        first = bound(first, 1, second - 1);
        uint32 openBlock = opened(uint192(deposit));
        withdrawn(openBlock, uint192(first));
        assertHeld(receiver, first, "paid first");
        withdrawn(openBlock, uint192(second));
        assertHeld(receiver, second, "paid in all");
        assertHeld(address(channels), deposit - second, "locked");
    }
}

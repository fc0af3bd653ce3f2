// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRaidenMicroTransferChannels as Channels} from "../src/IRaidenMicroTransferChannels.sol";
import {Fixture} from "./Fixture.sol";

contract CooperativeCloseTest is Fixture {
    function good(uint32 openBlock, uint192 balance) internal view returns (bytes memory, bytes memory) {
        return (proof(SENDER_KEY, receiver, openBlock, balance), closing(RECEIVER_KEY, sender, openBlock, balance));
    }

    /// With a proof over something else the sender is somebody who has no channel, even where the receiver went along.
    function refusesProof(uint32 openBlock, bytes memory signature) internal {
        address signer = channels.extractBalanceProofSignature(receiver, openBlock, 4, signature);
        vm.assertTrue(signer != sender, "the proof is good");
        bytes memory closingSignature = closing(RECEIVER_KEY, signer, openBlock, 4);
        vm.expectRevert(noSuchChannel(signer, receiver, openBlock));
        channels.cooperativeClose(receiver, openBlock, 4, signature, closingSignature);
    }

    function refusesClosing(uint32 openBlock, bytes memory signature) internal {
        bytes memory proof_ = proof(SENDER_KEY, receiver, openBlock, 4);
        address signer = channels.extractClosingSignature(sender, openBlock, 4, signature);
        vm.expectRevert(abi.encodeWithSelector(Channels.NotSignedByReceiver.selector, signer, receiver));
        channels.cooperativeClose(receiver, openBlock, 4, proof_, signature);
    }

    function test_it_refuses_a_proof_of_another_key() public {
        uint32 openBlock = opened(10);
        refusesProof(openBlock, proof(STRANGER_KEY, receiver, openBlock, 4));
    }

    function test_it_refuses_a_proof_for_another_balance() public {
        uint32 openBlock = opened(10);
        refusesProof(openBlock, proof(SENDER_KEY, receiver, openBlock, 3));
    }

    function test_it_refuses_a_proof_for_another_open_block() public {
        uint32 first = opened(10);
        uint32 second = opened(10);
        refusesProof(second, proof(SENDER_KEY, receiver, first, 4));
    }

    function test_it_refuses_a_proof_that_nobody_can_have_made() public {
        uint32 openBlock = opened(10);
        (bytes memory proof_, bytes memory closing_) = good(openBlock, 4);
        proof_[64] = bytes1(uint8(29));
        vm.expectRevert(abi.encodeWithSelector(Channels.BadSignatureV.selector, 29));
        channels.cooperativeClose(receiver, openBlock, 4, proof_, closing_);
    }

    function test_it_refuses_a_closing_signature_of_another_key() public {
        uint32 openBlock = opened(10);
        refusesClosing(openBlock, closing(SENDER_KEY, sender, openBlock, 4));
    }

    function test_it_refuses_a_closing_signature_for_another_balance() public {
        uint32 openBlock = opened(10);
        refusesClosing(openBlock, closing(RECEIVER_KEY, sender, openBlock, 5));
    }

    function test_it_refuses_a_closing_signature_for_another_open_block() public {
        uint32 first = opened(10);
        uint32 second = opened(10);
        refusesClosing(second, closing(RECEIVER_KEY, sender, first, 4));
    }

    function test_it_refuses_a_closing_signature_for_another_sender() public {
        uint32 openBlock = opened(10);
        refusesClosing(openBlock, closing(RECEIVER_KEY, stranger, openBlock, 4));
    }

    function test_it_refuses_a_balance_proof_of_the_receiver_in_its_place() public {
        uint32 openBlock = opened(10);
        refusesClosing(openBlock, proof(RECEIVER_KEY, sender, openBlock, 4));
    }

    function test_it_refuses_a_closing_signature_that_nobody_can_have_made() public {
        uint32 openBlock = opened(10);
        (bytes memory proof_,) = good(openBlock, 4);
        vm.expectRevert(abi.encodeWithSelector(Channels.BadSignatureLength.selector, 0));
        channels.cooperativeClose(receiver, openBlock, 4, proof_, "");
    }

    function test_it_refuses_a_block_without_one() public {
        uint32 openBlock = opened(10);
        (bytes memory proof_, bytes memory closing_) = good(openBlock + 1, 4);
        vm.expectRevert(noSuchChannel(sender, receiver, openBlock + 1));
        channels.cooperativeClose(receiver, openBlock + 1, 4, proof_, closing_);
    }

    function test_it_refuses_to_settle_twice() public {
        uint32 openBlock = opened(10);
        opened(20);
        closed(openBlock, 4);
        (bytes memory proof_, bytes memory closing_) = good(openBlock, 4);
        vm.expectRevert(noSuchChannel(sender, receiver, openBlock));
        channels.cooperativeClose(receiver, openBlock, 4, proof_, closing_);
    }

    function test_it_refuses_one_unit_too_much() public {
        uint32 openBlock = opened(10);
        opened(20);
        (bytes memory proof_, bytes memory closing_) = good(openBlock, 11);
        vm.expectRevert(abi.encodeWithSelector(Channels.BalanceAboveDeposit.selector, 11, 10));
        channels.cooperativeClose(receiver, openBlock, 11, proof_, closing_);
    }

    function test_it_refuses_one_unit_too_little() public {
        uint32 openBlock = opened(10);
        withdrawn(openBlock, 4);
        (bytes memory proof_, bytes memory closing_) = good(openBlock, 3);
        vm.expectRevert(abi.encodeWithSelector(Channels.BalanceBelowWithdrawn.selector, 3, 4));
        channels.cooperativeClose(receiver, openBlock, 3, proof_, closing_);
    }

    // === Given an open channel

    function test_it_pays_both_and_forgets_the_channel() public {
        uint32 openBlock = opened(10);
        (bytes memory proof_, bytes memory closing_) = good(openBlock, 4);
        countEvents();
        vm.expectEmit(address(channels));
        emit Channels.ChannelSettled(sender, receiver, openBlock, 4, 4);
        vm.prank(sender);
        channels.cooperativeClose(receiver, openBlock, 4, proof_, closing_);

        assertEvents(1);
        assertGone(openBlock);
        assertHeld(receiver, 4, "the receiver");
        assertHeld(sender, FUNDS - 4, "the sender");
        assertHeld(address(channels), 0, "locked");
    }

    function test_it_is_open_to_anyone_with_the_signatures() public {
        uint32 openBlock = opened(10);
        (bytes memory proof_, bytes memory closing_) = good(openBlock, 4);
        vm.prank(stranger);
        channels.cooperativeClose(receiver, openBlock, 4, proof_, closing_);
        assertHeld(receiver, 4, "the receiver");
        assertHeld(sender, FUNDS - 4, "the sender");
        assertHeld(stranger, FUNDS, "the stranger");
    }

    function test_it_pays_the_receiver_alone_at_the_whole_deposit() public {
        uint32 openBlock = opened(10);
        closed(openBlock, 10);
        assertHeld(receiver, 10, "the receiver");
        assertHeld(sender, FUNDS - 10, "the sender");
    }

    function test_it_pays_the_sender_alone_at_zero() public {
        uint32 openBlock = opened(10);
        closed(openBlock, 0);
        assertHeld(receiver, 0, "the receiver");
        assertHeld(sender, FUNDS, "the sender");
    }

    function test_it_closes_a_channel_without_a_deposit() public {
        uint32 openBlock = opened(0);
        closed(openBlock, 0);
        assertGone(openBlock);
    }

    function test_it_pays_what_was_not_withdrawn_before() public {
        uint32 openBlock = opened(10);
        withdrawn(openBlock, 4);
        vm.expectEmit(address(channels));
        emit Channels.ChannelSettled(sender, receiver, openBlock, 7, 3);
        closed(openBlock, 7);

        assertHeld(receiver, 7, "the receiver");
        assertHeld(sender, FUNDS - 7, "the sender");
        assertHeld(address(channels), 0, "locked");
        vm.assertEq(channels.withdrawn_balances(channels.getKey(sender, receiver, openBlock)), 4, "still readable");
    }

    function test_it_pays_the_receiver_nothing_more_at_what_was_withdrawn() public {
        uint32 openBlock = opened(10);
        withdrawn(openBlock, 4);
        vm.expectEmit(address(channels));
        emit Channels.ChannelSettled(sender, receiver, openBlock, 4, 0);
        closed(openBlock, 4);
        assertHeld(receiver, 4, "the receiver");
        assertHeld(sender, FUNDS - 4, "the sender");
    }

    function test_it_closes_in_the_block_of_the_opening() public {
        vm.prank(sender);
        channels.createChannel(receiver, 10);
        closed(FIRST_BLOCK, 4);
        assertGone(FIRST_BLOCK);
        assertHeld(receiver, 4, "the receiver");
        assertHeld(sender, FUNDS - 4, "the sender");
    }

    function test_it_leaves_the_other_channel_between_the_two_alone() public {
        uint32 first = opened(10);
        uint32 second = opened(20);
        closed(first, 4);
        assertChannel(second, 20, 0);
        assertHeld(address(channels), 20, "locked");
    }

    function test_it_divides_any_deposit_at_any_balance(uint256 deposit, uint256 withdrawn_, uint256 balance) public {
        deposit = bound(deposit, 0, LIMIT);
        balance = bound(balance, 0, deposit);
        withdrawn_ = bound(withdrawn_, 0, balance);
        uint32 openBlock = opened(uint192(deposit));
        if (withdrawn_ > 0) withdrawn(openBlock, uint192(withdrawn_));
        closed(openBlock, uint192(balance));
        assertHeld(receiver, balance, "the receiver");
        assertHeld(sender, FUNDS - balance, "the sender");
        assertHeld(address(channels), 0, "locked");
    }

    // === Given a close request

    function test_it_overrules_it_while_the_challenge_period_runs() public {
        uint32 openBlock = opened(10);
        closeRequested(openBlock, 1);
        vm.expectEmit(address(channels));
        emit Channels.ChannelSettled(sender, receiver, openBlock, 4, 4);
        closed(openBlock, 4);
        assertGone(openBlock);
        assertHeld(receiver, 4, "the receiver");
        assertHeld(sender, FUNDS - 4, "the sender");
    }

    function test_it_overrules_it_after_the_challenge_period() public {
        uint32 openBlock = opened(10);
        closeRequested(openBlock, 1);
        vm.roll(block.number + CHALLENGE_PERIOD + 1);
        closed(openBlock, 4);
        assertGone(openBlock);
        assertHeld(receiver, 4, "the receiver");
    }

    function test_it_settles_below_it_where_both_agree() public {
        uint32 openBlock = opened(10);
        closeRequested(openBlock, 6);
        closed(openBlock, 4);
        assertGone(openBlock);
        assertHeld(receiver, 4, "the receiver");
        assertHeld(sender, FUNDS - 4, "the sender");
    }
}

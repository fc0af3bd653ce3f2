// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRaidenMicroTransferChannels as Channels} from "../src/IRaidenMicroTransferChannels.sol";
import {Fixture} from "./Fixture.sol";
import {OddToken} from "./OddToken.sol";

contract OddTokensTest is Fixture {
    OddToken internal odd;

    function setUp() public override {
        super.setUp();
        odd = new OddToken();
        channels = deployChannels(address(odd));
        odd.transfer(sender, 100);
        odd.transfer(delegate, 100);
    }

    function refused() internal view returns (bytes memory) {
        return abi.encodeWithSelector(Channels.TokenRefused.selector, odd);
    }

    // === Given a token that answers nothing

    function test_it_carries_a_channel_through_its_life() public {
        odd.answerWith("");
        uint32 openBlock = opened(10);
        vm.prank(sender);
        channels.topUp(receiver, openBlock, 5);
        withdrawn(openBlock, 4);
        closed(openBlock, 7);
        vm.assertEq(odd.balanceOf(receiver), 7, "the receiver");
        vm.assertEq(odd.balanceOf(sender), 93, "the sender");
        vm.assertEq(odd.balanceOf(address(channels)), 0, "locked");
    }

    // === Given a token that answers more than one word

    function test_it_takes_a_first_word_of_one_for_success() public {
        odd.answerWith(abi.encode(true, "and more"));
        assertChannel(opened(10), 10, 0);
    }

    // === Given a token that answers false

    function test_it_refuses_to_open() public {
        odd.answerWith(abi.encode(false));
        vm.prank(sender);
        vm.expectRevert(refused());
        channels.createChannel(receiver, 10);
    }

    function test_it_refuses_to_open_for_another() public {
        odd.answerWith(abi.encode(false));
        vm.prank(delegate);
        vm.expectRevert(refused());
        channels.createChannelDelegate(sender, receiver, 10);
    }

    function test_it_refuses_to_top_up() public {
        uint32 openBlock = opened(10);
        odd.answerWith(abi.encode(false));
        vm.prank(sender);
        vm.expectRevert(refused());
        channels.topUp(receiver, openBlock, 5);
    }

    function test_it_refuses_to_top_up_for_another() public {
        uint32 openBlock = opened(10);
        odd.answerWith(abi.encode(false));
        vm.prank(delegate);
        vm.expectRevert(refused());
        channels.topUpDelegate(sender, receiver, openBlock, 5);
    }

    function test_it_refuses_to_withdraw() public {
        uint32 openBlock = opened(10);
        odd.answerWith(abi.encode(false));
        bytes memory signature = proof(SENDER_KEY, receiver, openBlock, 4);
        vm.prank(receiver);
        vm.expectRevert(refused());
        channels.withdraw(openBlock, 4, signature);
    }

    function test_it_refuses_to_close_in_agreement() public {
        uint32 openBlock = opened(10);
        odd.answerWith(abi.encode(false));
        bytes memory proof_ = proof(SENDER_KEY, receiver, openBlock, 4);
        bytes memory closing_ = closing(RECEIVER_KEY, sender, openBlock, 4);
        vm.expectRevert(refused());
        channels.cooperativeClose(receiver, openBlock, 4, proof_, closing_);
    }

    function test_it_refuses_to_settle() public {
        uint32 openBlock = opened(10);
        closeRequested(openBlock, 4);
        vm.roll(block.number + CHALLENGE_PERIOD + 1);
        odd.answerWith(abi.encode(false));
        vm.prank(sender);
        vm.expectRevert(refused());
        channels.settle(receiver, openBlock);
    }

    // === Given a token that answers neither true nor false

    function test_it_refuses_the_answer_two() public {
        odd.answerWith(abi.encode(2));
        vm.prank(sender);
        vm.expectRevert(refused());
        channels.createChannel(receiver, 10);
    }

    function test_it_refuses_an_answer_of_one_byte() public {
        odd.answerWith(hex"01");
        vm.prank(sender);
        vm.expectRevert(refused());
        channels.createChannel(receiver, 10);
    }

    // === Given a token that reverts

    function test_it_passes_on_the_reason() public {
        bytes memory reason = abi.encodeWithSelector(OddToken.Closed.selector, "on Sundays");
        odd.revertWith(reason);
        vm.prank(sender);
        vm.expectRevert(reason);
        channels.createChannel(receiver, 10);
    }

    function test_it_passes_on_that_there_is_none() public {
        odd.revertWith("");
        vm.prank(sender);
        vm.expectRevert(bytes(""));
        channels.createChannel(receiver, 10);
    }

    // === Given a token that refuses to move nothing

    function test_it_closes_at_zero() public {
        uint32 openBlock = opened(10);
        odd.refuseZero();
        closed(openBlock, 0);
        vm.assertEq(odd.balanceOf(sender), 100, "the sender");
    }

    function test_it_closes_at_the_whole_deposit() public {
        uint32 openBlock = opened(10);
        odd.refuseZero();
        closed(openBlock, 10);
        vm.assertEq(odd.balanceOf(receiver), 10, "the receiver");
    }

    function test_it_settles_at_what_was_withdrawn() public {
        uint32 openBlock = opened(10);
        withdrawn(openBlock, 4);
        closeRequested(openBlock, 4);
        vm.roll(block.number + CHALLENGE_PERIOD + 1);
        odd.refuseZero();
        vm.prank(sender);
        channels.settle(receiver, openBlock);
        vm.assertEq(odd.balanceOf(receiver), 4, "the receiver");
        vm.assertEq(odd.balanceOf(sender), 96, "the sender");
    }
}

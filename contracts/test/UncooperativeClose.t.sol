// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRaidenMicroTransferChannels as Channels} from "../src/IRaidenMicroTransferChannels.sol";
import {Fixture} from "./Fixture.sol";

contract UncooperativeCloseTest is Fixture {
    function test_it_refuses_a_block_without_one() public {
        uint32 openBlock = opened(10);
        vm.prank(sender);
        vm.expectRevert(noSuchChannel(sender, receiver, openBlock + 1));
        channels.uncooperativeClose(receiver, openBlock + 1, 4);
    }

    function test_it_refuses_the_receiver() public {
        uint32 openBlock = opened(10);
        vm.prank(receiver);
        vm.expectRevert(noSuchChannel(receiver, receiver, openBlock));
        channels.uncooperativeClose(receiver, openBlock, 4);
    }

    function test_it_refuses_a_stranger() public {
        uint32 openBlock = opened(10);
        vm.prank(stranger);
        vm.expectRevert(noSuchChannel(stranger, receiver, openBlock));
        channels.uncooperativeClose(receiver, openBlock, 4);
    }

    function test_it_refuses_a_settled_one() public {
        uint32 openBlock = opened(10);
        closed(openBlock, 4);
        vm.prank(sender);
        vm.expectRevert(noSuchChannel(sender, receiver, openBlock));
        channels.uncooperativeClose(receiver, openBlock, 4);
    }

    function test_it_refuses_another_one() public {
        uint32 openBlock = opened(10);
        closeRequested(openBlock, 4);
        vm.prank(sender);
        vm.expectRevert(abi.encodeWithSelector(Channels.ChannelClosing.selector, openBlock + 1 + CHALLENGE_PERIOD));
        channels.uncooperativeClose(receiver, openBlock, 3);
    }

    function test_it_refuses_one_unit_too_much() public {
        uint32 openBlock = opened(10);
        vm.prank(sender);
        vm.expectRevert(abi.encodeWithSelector(Channels.BalanceAboveDeposit.selector, 11, 10));
        channels.uncooperativeClose(receiver, openBlock, 11);
    }

    function test_it_refuses_a_challenge_period_that_ends_after_the_last_block() public {
        uint32 openBlock = opened(10);
        uint256 last = type(uint32).max;
        vm.roll(last - CHALLENGE_PERIOD + 1);
        vm.prank(sender);
        vm.expectRevert(abi.encodeWithSelector(Channels.BlockNumberTooHigh.selector, last + 1, last));
        channels.uncooperativeClose(receiver, openBlock, 4);
    }

    function test_it_starts_the_challenge_period_and_pays_nobody() public {
        uint32 openBlock = opened(10);
        countEvents();
        vm.expectEmit(address(channels));
        emit Channels.ChannelCloseRequested(sender, receiver, openBlock, 4);
        vm.prank(sender);
        channels.uncooperativeClose(receiver, openBlock, 4);

        assertEvents(1);
        assertChannel(openBlock, 10, openBlock + 1 + CHALLENGE_PERIOD, 4, 0);
        (uint192 balance, uint32 settleBlock) = channels.closing_requests(channels.getKey(sender, receiver, openBlock));
        vm.assertEq(balance, 4, "closing balance by key");
        vm.assertEq(settleBlock, openBlock + 1 + CHALLENGE_PERIOD, "settle block by key");
        assertHeld(address(channels), 10, "locked");
        assertHeld(receiver, 0, "the receiver");
        assertHeld(sender, FUNDS - 10, "the sender");
    }

    function test_it_accepts_a_balance_of_zero() public {
        uint32 openBlock = opened(10);
        closeRequested(openBlock, 0);
        assertChannel(openBlock, 10, openBlock + 1 + CHALLENGE_PERIOD, 0, 0);
    }

    function test_it_accepts_a_balance_below_what_was_withdrawn() public {
        uint32 openBlock = opened(10);
        withdrawn(openBlock, 4);
        closeRequested(openBlock, 0);
        assertChannel(openBlock, 10, openBlock + 1 + CHALLENGE_PERIOD, 0, 4);
    }

    function test_it_accepts_the_whole_deposit() public {
        uint32 openBlock = opened(10);
        closeRequested(openBlock, 10);
        assertChannel(openBlock, 10, openBlock + 1 + CHALLENGE_PERIOD, 10, 0);
    }

    function test_it_accepts_a_challenge_period_that_ends_with_the_last_block() public {
        uint32 openBlock = opened(10);
        vm.roll(type(uint32).max - CHALLENGE_PERIOD);
        closeRequested(openBlock, 4);
        assertChannel(openBlock, 10, type(uint32).max, 4, 0);
    }

    function test_it_leaves_the_other_channel_between_the_two_alone() public {
        uint32 first = opened(10);
        uint32 second = opened(20);
        closeRequested(first, 4);
        assertChannel(second, 20, 0);
    }
}

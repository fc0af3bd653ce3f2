// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRaidenMicroTransferChannels as Channels} from "../src/IRaidenMicroTransferChannels.sol";
import {TestToken} from "../src/TestToken.sol";
import {Fixture} from "./Fixture.sol";

contract TopUpTest is Fixture {
    function test_it_refuses_zero() public {
        uint32 openBlock = opened(10);
        vm.prank(sender);
        vm.expectRevert(abi.encodeWithSelector(Channels.NothingAdded.selector));
        channels.topUp(receiver, openBlock, 0);
    }

    function test_it_refuses_a_block_without_one() public {
        uint32 openBlock = opened(10);
        vm.prank(sender);
        vm.expectRevert(noSuchChannel(sender, receiver, openBlock + 1));
        channels.topUp(receiver, openBlock + 1, 5);
    }

    function test_it_refuses_the_channel_of_another_sender() public {
        uint32 openBlock = opened(10);
        vm.prank(stranger);
        vm.expectRevert(noSuchChannel(stranger, receiver, openBlock));
        channels.topUp(receiver, openBlock, 5);
    }

    function test_it_refuses_a_settled_one() public {
        uint32 openBlock = opened(10);
        closed(openBlock, 4);
        vm.prank(sender);
        vm.expectRevert(noSuchChannel(sender, receiver, openBlock));
        channels.topUp(receiver, openBlock, 5);
    }

    function test_it_refuses_while_the_challenge_period_runs() public {
        uint32 openBlock = opened(10);
        closeRequested(openBlock, 4);
        vm.prank(sender);
        vm.expectRevert(abi.encodeWithSelector(Channels.ChannelClosing.selector, openBlock + 1 + CHALLENGE_PERIOD));
        channels.topUp(receiver, openBlock, 5);
    }

    function test_it_refuses_after_the_challenge_period() public {
        uint32 openBlock = opened(10);
        closeRequested(openBlock, 4);
        vm.roll(block.number + CHALLENGE_PERIOD + 1);
        vm.prank(sender);
        vm.expectRevert(abi.encodeWithSelector(Channels.ChannelClosing.selector, openBlock + 1 + CHALLENGE_PERIOD));
        channels.topUp(receiver, openBlock, 5);
    }

    function test_it_refuses_one_unit_above_the_limit() public {
        uint32 openBlock = opened(uint192(LIMIT - 5));
        vm.prank(sender);
        vm.expectRevert(abi.encodeWithSelector(Channels.DepositTooHigh.selector, LIMIT - 5, 6, LIMIT));
        channels.topUp(receiver, openBlock, 6);
    }

    function test_it_refuses_with_the_reason_of_the_token() public {
        uint32 openBlock = opened(10);
        vm.prank(sender);
        token.approve(address(channels), 4);
        vm.prank(sender);
        vm.expectRevert(abi.encodeWithSelector(TestToken.AllowanceTooLow.selector, sender, channels, 4, 5));
        channels.topUp(receiver, openBlock, 5);
    }

    function test_it_adds_to_the_deposit() public {
        uint32 openBlock = opened(10);
        countEvents();
        vm.expectEmit(address(channels));
        emit Channels.ChannelToppedUp(sender, receiver, openBlock, 5);
        vm.prank(sender);
        channels.topUp(receiver, openBlock, 5);

        assertEvents(1);
        assertChannel(openBlock, 15, 0);
        assertHeld(address(channels), 15, "locked");
        assertHeld(sender, FUNDS - 15, "left to the sender");
    }

    function test_it_fills_up_to_the_limit() public {
        uint32 openBlock = opened(uint192(LIMIT - 5));
        vm.prank(sender);
        channels.topUp(receiver, openBlock, 5);
        assertChannel(openBlock, uint192(LIMIT), 0);
    }

    function test_it_adds_to_a_channel_without_a_deposit() public {
        uint32 openBlock = opened(0);
        vm.prank(sender);
        channels.topUp(receiver, openBlock, 5);
        assertChannel(openBlock, 5, 0);
    }

    function test_it_adds_to_one_channel_of_two() public {
        uint32 first = opened(10);
        uint32 second = opened(20);
        vm.prank(sender);
        channels.topUp(receiver, second, 5);
        assertChannel(first, 10, 0);
        assertChannel(second, 25, 0);
    }

    function test_it_adds_after_a_withdrawal() public {
        uint32 openBlock = opened(10);
        withdrawn(openBlock, 10);
        vm.prank(sender);
        channels.topUp(receiver, openBlock, 5);
        assertChannel(openBlock, 15, 10);
        assertHeld(address(channels), 5, "locked");
    }

    function test_it_adds_any_amount_up_to_the_limit(uint256 deposit, uint256 added) public {
        deposit = bound(deposit, 0, LIMIT - 1);
        added = bound(added, 1, LIMIT - deposit);
        uint32 openBlock = opened(uint192(deposit));
        vm.prank(sender);
        channels.topUp(receiver, openBlock, uint192(added));
        assertChannel(openBlock, uint192(deposit + added), 0);
        assertHeld(address(channels), deposit + added, "locked");
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRaidenMicroTransferChannels as Channels} from "../src/IRaidenMicroTransferChannels.sol";
import {Fixture} from "./Fixture.sol";

contract SettleTest is Fixture {
    /// Opens a channel, asks to close it and lets the challenge period pass.
    function closeable(uint192 deposit, uint192 withdrawn_, uint192 balance) internal returns (uint32 openBlock) {
        openBlock = opened(deposit);
        if (withdrawn_ > 0) withdrawn(openBlock, withdrawn_);
        closeRequested(openBlock, balance);
        vm.roll(block.number + CHALLENGE_PERIOD + 1);
    }

    function settled(uint32 openBlock) internal {
        vm.prank(sender);
        channels.settle(receiver, openBlock);
    }

    function test_it_refuses_a_block_without_one() public {
        uint32 openBlock = closeable(10, 0, 4);
        vm.expectRevert(noSuchChannel(sender, receiver, openBlock + 1));
        settled(openBlock + 1);
    }

    function test_it_refuses_the_receiver() public {
        uint32 openBlock = closeable(10, 0, 4);
        vm.prank(receiver);
        vm.expectRevert(noSuchChannel(receiver, receiver, openBlock));
        channels.settle(receiver, openBlock);
    }

    function test_it_refuses_a_stranger() public {
        uint32 openBlock = closeable(10, 0, 4);
        vm.prank(stranger);
        vm.expectRevert(noSuchChannel(stranger, receiver, openBlock));
        channels.settle(receiver, openBlock);
    }

    function test_it_refuses_one_that_was_settled_in_agreement() public {
        uint32 openBlock = closeable(10, 0, 4);
        closed(openBlock, 6);
        vm.expectRevert(noSuchChannel(sender, receiver, openBlock));
        settled(openBlock);
    }

    function test_it_refuses_to_settle_twice() public {
        uint32 openBlock = closeable(10, 0, 4);
        opened(20);
        settled(openBlock);
        vm.expectRevert(noSuchChannel(sender, receiver, openBlock));
        settled(openBlock);
    }

    function test_it_refuses_an_open_channel() public {
        uint32 openBlock = opened(10);
        vm.roll(block.number + CHALLENGE_PERIOD + 1);
        vm.expectRevert(abi.encodeWithSelector(Channels.NotClosing.selector, sender, receiver, openBlock));
        settled(openBlock);
    }

    function test_it_refuses_in_the_block_of_the_request() public {
        uint32 openBlock = opened(10);
        closeRequested(openBlock, 4);
        uint256 settleBlock = block.number + CHALLENGE_PERIOD;
        vm.expectRevert(abi.encodeWithSelector(Channels.ChallengePeriodRunning.selector, block.number, settleBlock));
        settled(openBlock);
    }

    function test_it_refuses_in_the_last_block_of_the_period() public {
        uint32 openBlock = opened(10);
        closeRequested(openBlock, 4);
        uint256 settleBlock = block.number + CHALLENGE_PERIOD;
        vm.roll(settleBlock);
        vm.expectRevert(abi.encodeWithSelector(Channels.ChallengePeriodRunning.selector, settleBlock, settleBlock));
        settled(openBlock);
    }

    function test_it_pays_both_and_forgets_the_channel() public {
        uint32 openBlock = closeable(10, 0, 4);
        countEvents();
        vm.expectEmit(address(channels));
        emit Channels.ChannelSettled(sender, receiver, openBlock, 4, 4);
        settled(openBlock);

        assertEvents(1);
        assertGone(openBlock);
        assertHeld(receiver, 4, "the receiver");
        assertHeld(sender, FUNDS - 4, "the sender");
        assertHeld(address(channels), 0, "locked");
    }

    function test_it_pays_the_receiver_alone_at_the_whole_deposit() public {
        settled(closeable(10, 0, 10));
        assertHeld(receiver, 10, "the receiver");
        assertHeld(sender, FUNDS - 10, "the sender");
    }

    function test_it_pays_the_sender_alone_at_zero() public {
        settled(closeable(10, 0, 0));
        assertHeld(receiver, 0, "the receiver");
        assertHeld(sender, FUNDS, "the sender");
    }

    function test_it_settles_a_channel_without_a_deposit() public {
        uint32 openBlock = closeable(0, 0, 0);
        settled(openBlock);
        assertGone(openBlock);
    }

    function test_it_settles_after_the_last_block_that_a_channel_can_name() public {
        uint32 openBlock = opened(10);
        vm.roll(type(uint32).max - CHALLENGE_PERIOD);
        closeRequested(openBlock, 4);
        vm.roll(uint256(type(uint32).max) + 1);
        settled(openBlock);
        assertGone(openBlock);
        assertHeld(receiver, 4, "the receiver");
    }

    function test_it_pays_what_was_not_withdrawn_before() public {
        uint32 openBlock = closeable(10, 4, 7);
        vm.expectEmit(address(channels));
        emit Channels.ChannelSettled(sender, receiver, openBlock, 7, 3);
        settled(openBlock);
        assertHeld(receiver, 7, "the receiver");
        assertHeld(sender, FUNDS - 7, "the sender");
        assertHeld(address(channels), 0, "locked");
    }

    function test_it_pays_the_receiver_nothing_more_at_what_was_withdrawn() public {
        uint32 openBlock = closeable(10, 4, 4);
        vm.expectEmit(address(channels));
        emit Channels.ChannelSettled(sender, receiver, openBlock, 4, 0);
        settled(openBlock);
        assertHeld(receiver, 4, "the receiver");
        assertHeld(sender, FUNDS - 4, "the sender");
    }

    /// Version 0.2.0 refuses this, and with it any settlement.
    function test_it_pays_the_sender_the_rest_below_what_was_withdrawn() public {
        uint32 openBlock = closeable(10, 4, 0);
        vm.expectEmit(address(channels));
        emit Channels.ChannelSettled(sender, receiver, openBlock, 4, 0);
        settled(openBlock);
        assertGone(openBlock);
        assertHeld(receiver, 4, "the receiver");
        assertHeld(sender, FUNDS - 4, "the sender");
        assertHeld(address(channels), 0, "locked");
    }

    function test_it_divides_any_deposit_at_any_balance(uint256 deposit, uint256 withdrawn_, uint256 balance) public {
        deposit = bound(deposit, 0, LIMIT);
        balance = bound(balance, 0, deposit);
        withdrawn_ = bound(withdrawn_, 0, deposit);
        settled(closeable(uint192(deposit), uint192(withdrawn_), uint192(balance)));
        uint256 paid = balance > withdrawn_ ? balance : withdrawn_;
        assertHeld(receiver, paid, "the receiver");
        assertHeld(sender, FUNDS - paid, "the sender");
        assertHeld(address(channels), 0, "locked");
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRaidenMicroTransferChannels as Channels} from "../src/IRaidenMicroTransferChannels.sol";
import {TestToken} from "../src/TestToken.sol";
import {Fixture} from "./Fixture.sol";

contract CreateChannelTest is Fixture {
    function test_it_refuses_one_unit_above_the_limit() public {
        vm.prank(sender);
        vm.expectRevert(abi.encodeWithSelector(Channels.DepositTooHigh.selector, 0, LIMIT + 1, LIMIT));
        channels.createChannel(receiver, uint192(LIMIT + 1));
    }

    function test_it_refuses_the_zero_address_as_receiver() public {
        vm.prank(sender);
        vm.expectRevert(abi.encodeWithSelector(Channels.BadParty.selector, address(0)));
        channels.createChannel(address(0), 10);
    }

    function test_it_refuses_the_contract_as_receiver() public {
        vm.prank(sender);
        vm.expectRevert(abi.encodeWithSelector(Channels.BadParty.selector, channels));
        channels.createChannel(address(channels), 10);
    }

    function test_it_refuses_the_token_as_receiver() public {
        vm.prank(sender);
        vm.expectRevert(abi.encodeWithSelector(Channels.BadParty.selector, token));
        channels.createChannel(address(token), 10);
    }

    function test_it_refuses_the_token_as_sender() public {
        vm.prank(address(token));
        vm.expectRevert(abi.encodeWithSelector(Channels.BadParty.selector, token));
        channels.createChannel(receiver, 0);
    }

    function test_it_refuses_the_block_after_the_last() public {
        vm.roll(uint256(type(uint32).max) + 1);
        vm.prank(sender);
        vm.expectRevert(
            abi.encodeWithSelector(
                Channels.BlockNumberTooHigh.selector, uint256(type(uint32).max) + 1, type(uint32).max
            )
        );
        channels.createChannel(receiver, 10);
    }

    function test_it_refuses_a_second_one() public {
        vm.prank(sender);
        channels.createChannel(receiver, 0);
        vm.prank(sender);
        vm.expectRevert(abi.encodeWithSelector(Channels.ChannelExists.selector, sender, receiver, FIRST_BLOCK));
        channels.createChannel(receiver, 10);
    }

    function test_it_refuses_to_bring_it_back() public {
        vm.prank(sender);
        channels.createChannel(receiver, 10);
        closed(FIRST_BLOCK, 4);

        vm.prank(sender);
        vm.expectRevert(abi.encodeWithSelector(Channels.ChannelExists.selector, sender, receiver, FIRST_BLOCK));
        channels.createChannel(receiver, 10);
        assertGone(FIRST_BLOCK);
    }

    function test_it_refuses_with_the_reason_of_the_token() public {
        vm.prank(sender);
        token.approve(address(channels), 9);
        vm.prank(sender);
        vm.expectRevert(abi.encodeWithSelector(TestToken.AllowanceTooLow.selector, sender, channels, 9, 10));
        channels.createChannel(receiver, 10);
    }

    function test_it_opens_a_channel() public {
        countEvents();
        vm.expectEmit(address(channels));
        emit Channels.ChannelCreated(sender, receiver, 10);
        vm.prank(sender);
        channels.createChannel(receiver, 10);

        assertEvents(1);
        assertChannel(FIRST_BLOCK, 10, 0);
        (uint192 deposit, uint32 openBlock) = channels.channels(channels.getKey(sender, receiver, FIRST_BLOCK));
        vm.assertEq(deposit, 10, "deposit by key");
        vm.assertEq(openBlock, FIRST_BLOCK, "open block by key");
        assertHeld(address(channels), 10, "locked");
        assertHeld(sender, FUNDS - 10, "left to the sender");
    }

    function test_it_opens_a_channel_with_the_highest_deposit() public {
        vm.prank(sender);
        channels.createChannel(receiver, uint192(LIMIT));
        assertChannel(FIRST_BLOCK, uint192(LIMIT), 0);
    }

    function test_it_opens_a_channel_without_a_deposit() public {
        vm.prank(sender);
        channels.createChannel(receiver, 0);
        assertChannel(FIRST_BLOCK, 0, 0);
    }

    function test_it_opens_a_channel_in_the_last_block() public {
        vm.roll(type(uint32).max);
        vm.prank(sender);
        channels.createChannel(receiver, 10);
        assertChannel(type(uint32).max, 10, 0);
    }

    function test_it_opens_another_channel_between_the_two_in_the_next_block() public {
        uint32 first = opened(10);
        uint32 second = opened(20);
        assertChannel(first, 10, 0);
        assertChannel(second, 20, 0);
    }

    function test_it_opens_a_channel_to_another_receiver_in_the_same_block() public {
        vm.prank(sender);
        channels.createChannel(receiver, 10);
        vm.prank(sender);
        channels.createChannel(stranger, 20);
        assertChannel(FIRST_BLOCK, 10, 0);
        (, uint192 deposit,,,) = channels.getChannelInfo(sender, stranger, FIRST_BLOCK);
        vm.assertEq(deposit, 20, "deposit to the other receiver");
    }

    function test_it_opens_a_channel_the_other_way_in_the_same_block() public {
        vm.prank(sender);
        channels.createChannel(stranger, 10);
        vm.prank(stranger);
        channels.createChannel(sender, 20);
        (, uint192 there,,,) = channels.getChannelInfo(sender, stranger, FIRST_BLOCK);
        (, uint192 back,,,) = channels.getChannelInfo(stranger, sender, FIRST_BLOCK);
        vm.assertEq(there, 10, "there");
        vm.assertEq(back, 20, "back");
    }

    function test_it_locks_any_deposit_up_to_the_limit(uint256 deposit, uint32 openBlock) public {
        deposit = bound(deposit, 0, LIMIT);
        openBlock = uint32(bound(openBlock, 1, type(uint32).max));
        vm.roll(openBlock);
        vm.prank(sender);
        channels.createChannel(receiver, uint192(deposit));
        assertChannel(openBlock, uint192(deposit), 0);
        assertHeld(address(channels), deposit, "locked");
        assertHeld(sender, FUNDS - deposit, "left to the sender");
    }
}

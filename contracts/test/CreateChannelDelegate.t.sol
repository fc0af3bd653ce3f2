// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRaidenMicroTransferChannels as Channels} from "../src/IRaidenMicroTransferChannels.sol";
import {TestToken} from "../src/TestToken.sol";
import {Fixture} from "./Fixture.sol";

contract CreateChannelDelegateTest is Fixture {
    function test_it_refuses_a_stranger() public {
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(Channels.NotTrusted.selector, stranger));
        channels.createChannelDelegate(stranger, receiver, 10);
    }

    function test_it_refuses_a_contract_that_is_trusted_no_more() public {
        channels.removeTrustedContracts(addresses(delegate));
        vm.prank(delegate);
        vm.expectRevert(abi.encodeWithSelector(Channels.NotTrusted.selector, delegate));
        channels.createChannelDelegate(sender, receiver, 10);
    }

    function test_it_refuses_one_unit_above_the_limit() public {
        vm.prank(delegate);
        vm.expectRevert(abi.encodeWithSelector(Channels.DepositTooHigh.selector, 0, LIMIT + 1, LIMIT));
        channels.createChannelDelegate(sender, receiver, uint192(LIMIT + 1));
    }

    function test_it_refuses_the_zero_address_as_sender() public {
        vm.prank(delegate);
        vm.expectRevert(abi.encodeWithSelector(Channels.BadParty.selector, address(0)));
        channels.createChannelDelegate(address(0), receiver, 10);
    }

    function test_it_refuses_the_contract_as_sender() public {
        vm.prank(delegate);
        vm.expectRevert(abi.encodeWithSelector(Channels.BadParty.selector, channels));
        channels.createChannelDelegate(address(channels), receiver, 10);
    }

    function test_it_refuses_the_token_as_sender() public {
        vm.prank(delegate);
        vm.expectRevert(abi.encodeWithSelector(Channels.BadParty.selector, token));
        channels.createChannelDelegate(address(token), receiver, 10);
    }

    function test_it_refuses_the_zero_address_as_receiver() public {
        vm.prank(delegate);
        vm.expectRevert(abi.encodeWithSelector(Channels.BadParty.selector, address(0)));
        channels.createChannelDelegate(sender, address(0), 10);
    }

    function test_it_refuses_the_block_after_the_last() public {
        vm.roll(uint256(type(uint32).max) + 1);
        vm.prank(delegate);
        vm.expectRevert(
            abi.encodeWithSelector(
                Channels.BlockNumberTooHigh.selector, uint256(type(uint32).max) + 1, type(uint32).max
            )
        );
        channels.createChannelDelegate(sender, receiver, 10);
    }

    function test_it_refuses_a_second_one() public {
        vm.prank(sender);
        channels.createChannel(receiver, 10);
        vm.prank(delegate);
        vm.expectRevert(abi.encodeWithSelector(Channels.ChannelExists.selector, sender, receiver, FIRST_BLOCK));
        channels.createChannelDelegate(sender, receiver, 10);
    }

    function test_it_refuses_with_the_reason_of_the_token() public {
        vm.prank(delegate);
        token.approve(address(channels), 9);
        vm.prank(delegate);
        vm.expectRevert(abi.encodeWithSelector(TestToken.AllowanceTooLow.selector, delegate, channels, 9, 10));
        channels.createChannelDelegate(sender, receiver, 10);
    }

    function test_it_opens_a_channel_for_the_sender_with_the_tokens_of_the_caller() public {
        countEvents();
        vm.expectEmit(address(channels));
        emit Channels.ChannelCreated(sender, receiver, 10);
        vm.prank(delegate);
        channels.createChannelDelegate(sender, receiver, 10);

        assertEvents(1);
        assertChannel(FIRST_BLOCK, 10, 0);
        assertHeld(address(channels), 10, "locked");
        assertHeld(delegate, FUNDS - 10, "left to the delegate");
        assertHeld(sender, FUNDS, "untouched");
    }

    function test_it_leaves_the_refund_to_the_sender_and_not_to_the_caller() public {
        vm.prank(delegate);
        channels.createChannelDelegate(sender, receiver, 10);
        vm.roll(block.number + 1);
        closed(FIRST_BLOCK, 4);

        assertHeld(receiver, 4, "the receiver");
        assertHeld(sender, FUNDS + 6, "the sender");
        assertHeld(delegate, FUNDS - 10, "the delegate");
    }
}

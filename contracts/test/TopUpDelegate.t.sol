// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRaidenMicroTransferChannels as Channels} from "../src/IRaidenMicroTransferChannels.sol";
import {TestToken} from "../src/TestToken.sol";
import {Fixture} from "./Fixture.sol";

contract TopUpDelegateTest is Fixture {
    function test_it_refuses_a_stranger() public {
        uint32 openBlock = opened(10);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(Channels.NotTrusted.selector, stranger));
        channels.topUpDelegate(sender, receiver, openBlock, 5);
    }

    function test_it_refuses_a_contract_that_is_trusted_no_more() public {
        uint32 openBlock = opened(10);
        channels.removeTrustedContracts(addresses(delegate));
        vm.prank(delegate);
        vm.expectRevert(abi.encodeWithSelector(Channels.NotTrusted.selector, delegate));
        channels.topUpDelegate(sender, receiver, openBlock, 5);
    }

    function test_it_refuses_zero() public {
        uint32 openBlock = opened(10);
        vm.prank(delegate);
        vm.expectRevert(abi.encodeWithSelector(Channels.NothingAdded.selector));
        channels.topUpDelegate(sender, receiver, openBlock, 0);
    }

    function test_it_refuses_a_block_without_one() public {
        uint32 openBlock = opened(10);
        vm.prank(delegate);
        vm.expectRevert(noSuchChannel(sender, receiver, openBlock - 1));
        channels.topUpDelegate(sender, receiver, openBlock - 1, 5);
    }

    function test_it_refuses_the_caller_as_sender() public {
        uint32 openBlock = opened(10);
        vm.prank(delegate);
        vm.expectRevert(noSuchChannel(delegate, receiver, openBlock));
        channels.topUpDelegate(delegate, receiver, openBlock, 5);
    }

    function test_it_refuses_while_the_challenge_period_runs() public {
        uint32 openBlock = opened(10);
        closeRequested(openBlock, 4);
        vm.prank(delegate);
        vm.expectRevert(abi.encodeWithSelector(Channels.ChannelClosing.selector, openBlock + 1 + CHALLENGE_PERIOD));
        channels.topUpDelegate(sender, receiver, openBlock, 5);
    }

    function test_it_refuses_one_unit_above_the_limit() public {
        uint32 openBlock = opened(uint192(LIMIT));
        vm.prank(delegate);
        vm.expectRevert(abi.encodeWithSelector(Channels.DepositTooHigh.selector, LIMIT, 1, LIMIT));
        channels.topUpDelegate(sender, receiver, openBlock, 1);
    }

    function test_it_refuses_with_the_reason_of_the_token() public {
        uint32 openBlock = opened(10);
        vm.prank(delegate);
        token.approve(address(channels), 4);
        vm.prank(delegate);
        vm.expectRevert(abi.encodeWithSelector(TestToken.AllowanceTooLow.selector, delegate, channels, 4, 5));
        channels.topUpDelegate(sender, receiver, openBlock, 5);
    }

    function test_it_adds_the_tokens_of_the_caller_to_the_deposit_of_the_sender() public {
        uint32 openBlock = opened(10);
        countEvents();
        vm.expectEmit(address(channels));
        emit Channels.ChannelToppedUp(sender, receiver, openBlock, 5);
        vm.prank(delegate);
        channels.topUpDelegate(sender, receiver, openBlock, 5);

        assertEvents(1);
        assertChannel(openBlock, 15, 0);
        assertHeld(address(channels), 15, "locked");
        assertHeld(delegate, FUNDS - 5, "left to the delegate");
        assertHeld(sender, FUNDS - 10, "left to the sender");
    }
}

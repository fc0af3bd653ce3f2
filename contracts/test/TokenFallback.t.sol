// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRaidenMicroTransferChannels as Channels} from "../src/IRaidenMicroTransferChannels.sol";
import {Fixture} from "./Fixture.sol";

contract TokenFallbackTest is Fixture {
    function toOpen() internal view returns (bytes memory) {
        return abi.encodePacked(sender, receiver);
    }

    function toTopUp(uint32 openBlock) internal view returns (bytes memory) {
        return abi.encodePacked(sender, receiver, openBlock);
    }

    function test_it_refuses_tokens_that_nobody_sent() public {
        vm.prank(sender);
        vm.expectRevert(abi.encodeWithSelector(Channels.NotToken.selector, sender, token));
        channels.tokenFallback(sender, 10, toOpen());
    }

    function test_it_refuses_any_other_length(uint8 length) public {
        vm.assume(length != 40 && length != 44);
        bytes memory data = new bytes(length);
        vm.prank(sender);
        vm.expectRevert(abi.encodeWithSelector(Channels.BadDataLength.selector, length));
        token.transfer(address(channels), 10, data);
    }

    function test_it_refuses_a_stranger_who_opens() public {
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(Channels.NotTrusted.selector, stranger));
        token.transfer(address(channels), 10, toOpen());
    }

    function test_it_refuses_a_stranger_who_tops_up() public {
        uint32 openBlock = opened(10);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(Channels.NotTrusted.selector, stranger));
        token.transfer(address(channels), 5, toTopUp(openBlock));
    }

    function test_it_refuses_a_contract_that_is_trusted_no_more() public {
        channels.removeTrustedContracts(addresses(delegate));
        vm.prank(delegate);
        vm.expectRevert(abi.encodeWithSelector(Channels.NotTrusted.selector, delegate));
        token.transfer(address(channels), 10, toOpen());
    }

    // === To open

    function test_it_refuses_one_unit_above_the_limit() public {
        vm.prank(sender);
        vm.expectRevert(abi.encodeWithSelector(Channels.DepositTooHigh.selector, 0, LIMIT + 1, LIMIT));
        token.transfer(address(channels), LIMIT + 1, toOpen());
    }

    /// The low 192 bits are 10: cut off, it would pass.
    function test_it_refuses_an_amount_of_more_than_192_bits() public {
        uint256 amount = (1 << 192) + 10;
        vm.prank(address(token));
        vm.expectRevert(abi.encodeWithSelector(Channels.DepositTooHigh.selector, 0, amount, LIMIT));
        channels.tokenFallback(sender, amount, toOpen());
    }

    function test_it_refuses_the_zero_address_as_receiver() public {
        vm.prank(sender);
        vm.expectRevert(abi.encodeWithSelector(Channels.BadParty.selector, address(0)));
        token.transfer(address(channels), 10, abi.encodePacked(sender, address(0)));
    }

    function test_it_refuses_the_zero_address_as_sender() public {
        vm.prank(delegate);
        vm.expectRevert(abi.encodeWithSelector(Channels.BadParty.selector, address(0)));
        token.transfer(address(channels), 10, abi.encodePacked(address(0), receiver));
    }

    function test_it_refuses_the_block_after_the_last() public {
        vm.roll(uint256(type(uint32).max) + 1);
        vm.prank(sender);
        vm.expectRevert(
            abi.encodeWithSelector(
                Channels.BlockNumberTooHigh.selector, uint256(type(uint32).max) + 1, type(uint32).max
            )
        );
        token.transfer(address(channels), 10, toOpen());
    }

    function test_it_refuses_a_second_one() public {
        vm.prank(sender);
        token.transfer(address(channels), 10, toOpen());
        vm.prank(sender);
        vm.expectRevert(abi.encodeWithSelector(Channels.ChannelExists.selector, sender, receiver, FIRST_BLOCK));
        token.transfer(address(channels), 10, toOpen());
    }

    function test_it_opens_a_channel_of_the_account_that_sent_the_tokens() public {
        countEvents();
        vm.expectEmit(address(channels));
        emit Channels.ChannelCreated(sender, receiver, 10);
        vm.prank(sender);
        token.transfer(address(channels), 10, toOpen());

        assertEvents(1);
        assertChannel(FIRST_BLOCK, 10, 0);
        assertHeld(address(channels), 10, "locked");
        assertHeld(sender, FUNDS - 10, "left to the sender");
    }

    function test_it_opens_a_channel_for_the_sender_with_the_tokens_of_a_trusted_contract() public {
        vm.expectEmit(address(channels));
        emit Channels.ChannelCreated(sender, receiver, 10);
        vm.prank(delegate);
        token.transfer(address(channels), 10, toOpen());

        assertChannel(FIRST_BLOCK, 10, 0);
        assertHeld(delegate, FUNDS - 10, "left to the delegate");
        assertHeld(sender, FUNDS, "untouched");
    }

    function test_it_opens_a_channel_without_a_deposit() public {
        vm.prank(sender);
        token.transfer(address(channels), 0, toOpen());
        assertChannel(FIRST_BLOCK, 0, 0);
    }

    // === To top up

    function test_it_refuses_zero() public {
        uint32 openBlock = opened(10);
        vm.prank(sender);
        vm.expectRevert(abi.encodeWithSelector(Channels.NothingAdded.selector));
        token.transfer(address(channels), 0, toTopUp(openBlock));
    }

    function test_it_refuses_a_block_without_one() public {
        uint32 openBlock = opened(10);
        vm.prank(sender);
        vm.expectRevert(noSuchChannel(sender, receiver, openBlock + 1));
        token.transfer(address(channels), 5, toTopUp(openBlock + 1));
    }

    function test_it_refuses_while_the_challenge_period_runs() public {
        uint32 openBlock = opened(10);
        closeRequested(openBlock, 4);
        vm.prank(sender);
        vm.expectRevert(abi.encodeWithSelector(Channels.ChannelClosing.selector, openBlock + 1 + CHALLENGE_PERIOD));
        token.transfer(address(channels), 5, toTopUp(openBlock));
    }

    function test_it_refuses_to_top_up_one_unit_above_the_limit() public {
        uint32 openBlock = opened(10);
        vm.prank(sender);
        vm.expectRevert(abi.encodeWithSelector(Channels.DepositTooHigh.selector, 10, LIMIT - 9, LIMIT));
        token.transfer(address(channels), LIMIT - 9, toTopUp(openBlock));
    }

    function test_it_refuses_to_top_up_with_the_highest_amount_there_is() public {
        uint32 openBlock = opened(10);
        vm.prank(address(token));
        vm.expectRevert(abi.encodeWithSelector(Channels.DepositTooHigh.selector, 10, type(uint256).max, LIMIT));
        channels.tokenFallback(sender, type(uint256).max, toTopUp(openBlock));
    }

    function test_it_adds_tokens_of_the_sender() public {
        uint32 openBlock = opened(10);
        countEvents();
        vm.expectEmit(address(channels));
        emit Channels.ChannelToppedUp(sender, receiver, openBlock, 5);
        vm.prank(sender);
        token.transfer(address(channels), 5, toTopUp(openBlock));

        assertEvents(1);
        assertChannel(openBlock, 15, 0);
        assertHeld(address(channels), 15, "locked");
        assertHeld(sender, FUNDS - 15, "left to the sender");
    }

    function test_it_adds_tokens_of_a_trusted_contract() public {
        uint32 openBlock = opened(10);
        vm.prank(delegate);
        token.transfer(address(channels), 5, toTopUp(openBlock));

        assertChannel(openBlock, 15, 0);
        assertHeld(delegate, FUNDS - 5, "left to the delegate");
        assertHeld(sender, FUNDS - 10, "left to the sender");
    }

    function test_it_reads_an_open_block_of_four_bytes() public {
        vm.roll(0xf1e2d3c4);
        uint32 openBlock = opened(10);
        vm.prank(sender);
        token.transfer(address(channels), 5, toTopUp(0xf1e2d3c4));
        assertChannel(openBlock, 15, 0);
    }
}

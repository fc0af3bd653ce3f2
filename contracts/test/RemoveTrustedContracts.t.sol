// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRaidenMicroTransferChannels as Channels} from "../src/IRaidenMicroTransferChannels.sol";
import {Delegate, Fixture} from "./Fixture.sol";

contract RemoveTrustedContractsTest is Fixture {
    function test_it_refuses_a_stranger() public {
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(Channels.NotOwner.selector, stranger, this));
        channels.removeTrustedContracts(addresses(delegate));
    }

    function test_it_refuses_a_trusted_contract() public {
        vm.prank(delegate);
        vm.expectRevert(abi.encodeWithSelector(Channels.NotOwner.selector, delegate, this));
        channels.removeTrustedContracts(addresses(delegate));
    }

    function test_it_trusts_the_contracts_of_the_list_no_more() public {
        address other = address(new Delegate());
        channels.addTrustedContracts(addresses(other));
        countEvents();
        vm.expectEmit(address(channels));
        emit Channels.TrustedContract(delegate, false);
        vm.expectEmit(address(channels));
        emit Channels.TrustedContract(other, false);
        channels.removeTrustedContracts(addresses(delegate, other));

        assertEvents(2);
        vm.assertEq(channels.trusted_contracts(delegate), false, "the first");
        vm.assertEq(channels.trusted_contracts(other), false, "the second");
    }

    function test_it_passes_over_those_that_are_not_trusted() public {
        countEvents();
        channels.removeTrustedContracts(addresses(stranger, delegate));
        assertEvents(1);
        vm.assertEq(channels.trusted_contracts(delegate), false, "the delegate");
    }

    function test_it_leaves_the_channels_that_they_opened_alone() public {
        vm.prank(delegate);
        channels.createChannelDelegate(sender, receiver, 10);
        channels.removeTrustedContracts(addresses(delegate));
        assertChannel(FIRST_BLOCK, 10, 0);
        closed(FIRST_BLOCK, 4);
        assertHeld(receiver, 4, "the receiver");
    }
}

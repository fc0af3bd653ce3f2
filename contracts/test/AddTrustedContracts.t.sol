// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRaidenMicroTransferChannels as Channels} from "../src/IRaidenMicroTransferChannels.sol";
import {Delegate, Fixture} from "./Fixture.sol";

contract AddTrustedContractsTest is Fixture {
    function test_it_refuses_a_stranger() public {
        address[] memory list = addresses(address(new Delegate()));
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(Channels.NotOwner.selector, stranger, this));
        channels.addTrustedContracts(list);
    }

    function test_it_refuses_a_trusted_contract() public {
        address[] memory list = addresses(address(new Delegate()));
        vm.prank(delegate);
        vm.expectRevert(abi.encodeWithSelector(Channels.NotOwner.selector, delegate, this));
        channels.addTrustedContracts(list);
    }

    function test_it_trusts_every_contract_of_the_list() public {
        address one = address(new Delegate());
        address two = address(new Delegate());
        countEvents();
        vm.expectEmit(address(channels));
        emit Channels.TrustedContract(one, true);
        vm.expectEmit(address(channels));
        emit Channels.TrustedContract(two, true);
        channels.addTrustedContracts(addresses(one, two));

        assertEvents(2);
        vm.assertTrue(channels.trusted_contracts(one), "the first");
        vm.assertTrue(channels.trusted_contracts(two), "the second");
    }

    function test_it_passes_over_accounts_without_code() public {
        address contract_ = address(new Delegate());
        countEvents();
        channels.addTrustedContracts(addresses(stranger, contract_));
        assertEvents(1);
        vm.assertEq(channels.trusted_contracts(stranger), false, "the account without code");
        vm.assertTrue(channels.trusted_contracts(contract_), "the contract");
    }

    function test_it_does_nothing_for_an_empty_list() public {
        countEvents();
        channels.addTrustedContracts(new address[](0));
        assertEvents(0);
    }

    function test_it_says_again_that_a_trusted_contract_is_trusted() public {
        countEvents();
        channels.addTrustedContracts(addresses(delegate));
        assertEvents(1);
        vm.assertTrue(channels.trusted_contracts(delegate), "the delegate");
    }
}

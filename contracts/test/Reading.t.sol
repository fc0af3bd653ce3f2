// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./Fixture.sol";

contract ReadingTest is Fixture {
    function test_it_tells_version_0_2_0() public view {
        vm.assertEq(channels.version(), "0.2.0", "version");
    }

    function test_it_tells_a_limit_of_100_tokens_of_18_decimals() public view {
        vm.assertEq(channels.channel_deposit_bugbounty_limit(), 100_000_000_000_000_000_000, "limit");
    }

    function test_it_tells_the_token_and_the_period_and_the_owner() public view {
        vm.assertEq(address(channels.token()), address(token), "token");
        vm.assertEq(channels.challenge_period(), CHALLENGE_PERIOD, "period");
        vm.assertEq(channels.owner_address(), address(this), "owner");
    }

    function test_it_tells_whom_it_trusts() public view {
        vm.assertTrue(channels.trusted_contracts(delegate), "the delegate");
        vm.assertEq(channels.trusted_contracts(stranger), false, "the stranger");
    }

    function test_it_tells_zeros_of_a_key_without_a_channel(bytes32 key) public view {
        (uint192 deposit, uint32 openBlock) = channels.channels(key);
        (uint192 closingBalance, uint32 settleBlock) = channels.closing_requests(key);
        vm.assertEq(deposit, 0, "deposit");
        vm.assertEq(openBlock, 0, "open block");
        vm.assertEq(closingBalance, 0, "closing balance");
        vm.assertEq(settleBlock, 0, "settle block");
        vm.assertEq(channels.withdrawn_balances(key), 0, "withdrawn");
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRaidenMicroTransferChannels as Channels} from "../src/IRaidenMicroTransferChannels.sol";
import {Fixture} from "./Fixture.sol";

contract ConstructorTest is Fixture {
    /// From outside, so that a refusal can be expected.
    function construct(address token_, uint32 period, address[] memory trusted) external returns (Channels) {
        return Channels(deploy("RaidenMicroTransferChannels", abi.encode(token_, period, trusted)));
    }

    function test_it_refuses_an_account_without_code() public {
        vm.expectRevert(abi.encodeWithSelector(Channels.TokenHasNoCode.selector, stranger));
        this.construct(stranger, CHALLENGE_PERIOD, new address[](0));
    }

    function test_it_refuses_the_zero_address() public {
        vm.expectRevert(abi.encodeWithSelector(Channels.TokenHasNoCode.selector, address(0)));
        this.construct(address(0), CHALLENGE_PERIOD, new address[](0));
    }

    function test_it_refuses_a_token_without_a_supply() public {
        address empty = deploy("TestToken", abi.encode(0, "Empty", "NIL"));
        vm.expectRevert(abi.encodeWithSelector(Channels.TokenHasNoSupply.selector, empty));
        this.construct(empty, CHALLENGE_PERIOD, new address[](0));
    }

    function test_it_refuses_a_period_of_499_blocks() public {
        vm.expectRevert(abi.encodeWithSelector(Channels.ChallengePeriodTooShort.selector, 499, 500));
        this.construct(address(token), 499, new address[](0));
    }

    function test_it_makes_the_deployer_the_owner() public view {
        vm.assertEq(channels.owner_address(), address(this), "owner");
    }

    function test_it_keeps_the_token_and_the_period() public {
        Channels other = this.construct(address(token), 501, new address[](0));
        vm.assertEq(address(other.token()), address(token), "token");
        vm.assertEq(other.challenge_period(), 501, "period");
    }

    function test_it_trusts_contracts_and_passes_over_accounts_without_code() public {
        vm.recordLogs();
        Channels other = this.construct(address(token), CHALLENGE_PERIOD, addresses(stranger, delegate));
        vm.assertTrue(other.trusted_contracts(delegate), "the contract");
        vm.assertEq(other.trusted_contracts(stranger), false, "the account without code");
        vm.assertEq(vm.getRecordedLogs().length, 1, "events");
    }

    function test_it_accepts_the_longest_period() public {
        Channels other = this.construct(address(token), type(uint32).max, new address[](0));
        vm.assertEq(other.challenge_period(), type(uint32).max, "period");
    }
}

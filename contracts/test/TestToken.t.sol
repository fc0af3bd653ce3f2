// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC223Receiver} from "../src/IERC223Receiver.sol";
import {TestToken} from "../src/TestToken.sol";
import {Fixture} from "./Fixture.sol";

/// Keeps what it was told.
contract Listener is IERC223Receiver {
    address public from;
    uint256 public amount;
    bytes public data;

    function tokenFallback(address from_, uint256 amount_, bytes calldata data_) external {
        (from, amount, data) = (from_, amount_, data_);
    }
}

contract TestTokenTest is Fixture {
    function test_it_refuses_to_send_to_the_zero_address() public {
        vm.prank(sender);
        vm.expectRevert(abi.encodeWithSelector(TestToken.BadRecipient.selector, address(0)));
        token.transfer(address(0), 1);
    }

    function test_it_refuses_to_send_to_the_token() public {
        vm.prank(sender);
        vm.expectRevert(abi.encodeWithSelector(TestToken.BadRecipient.selector, token));
        token.transfer(address(token), 1);
    }

    function test_it_refuses_to_send_one_unit_too_much() public {
        vm.prank(sender);
        vm.expectRevert(abi.encodeWithSelector(TestToken.BalanceTooLow.selector, sender, FUNDS, FUNDS + 1));
        token.transfer(receiver, FUNDS + 1);
    }

    function test_it_refuses_to_move_one_unit_too_much_for_another() public {
        vm.prank(sender);
        token.approve(stranger, 9);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(TestToken.AllowanceTooLow.selector, sender, stranger, 9, 10));
        token.transferFrom(sender, stranger, 10);
    }

    function test_it_undoes_a_transfer_with_data_that_the_contract_does_not_answer() public {
        vm.prank(sender);
        vm.expectRevert(bytes(""));
        token.transfer(delegate, 10, "data");
    }

    function test_it_tells_the_contract_of_a_transfer_with_data() public {
        Listener listener = new Listener();
        vm.prank(sender);
        vm.assertTrue(token.transfer(address(listener), 10, "data"), "answer");
        vm.assertEq(listener.from(), sender, "from");
        vm.assertEq(listener.amount(), 10, "amount");
        vm.assertEq(listener.data(), "data", "data");
        assertHeld(address(listener), 10, "the contract");
    }

    function test_it_gives_the_supply_to_the_deployer() public {
        vm.expectEmit(false, false, false, true);
        emit TestToken.Transfer(address(0), address(this), 7);
        TestToken other = TestToken(deploy("TestToken", abi.encode(7, "Other", "OTH")));
        vm.assertEq(other.totalSupply(), 7, "supply");
        vm.assertEq(other.balanceOf(address(this)), 7, "the deployer");
    }

    function test_it_tells_its_name_and_symbol_and_decimals() public view {
        vm.assertEq(token.name(), "Test", "name");
        vm.assertEq(token.symbol(), "TST", "symbol");
        vm.assertEq(token.decimals(), 18, "decimals");
    }

    function test_it_moves_tokens() public {
        vm.expectEmit(address(token));
        emit TestToken.Transfer(sender, receiver, 10);
        vm.prank(sender);
        vm.assertTrue(token.transfer(receiver, 10), "answer");
        assertHeld(sender, FUNDS - 10, "from");
        assertHeld(receiver, 10, "to");
    }

    function test_it_moves_tokens_with_data_to_an_account_without_code() public {
        vm.prank(sender);
        vm.assertTrue(token.transfer(receiver, 10, "data"), "answer");
        assertHeld(receiver, 10, "to");
    }

    function test_it_does_not_tell_a_contract_of_a_transfer_without_data() public {
        Listener listener = new Listener();
        vm.prank(sender);
        token.transfer(address(listener), 10);
        vm.assertEq(listener.amount(), 0, "told");
        assertHeld(address(listener), 10, "the contract");
    }

    function test_it_moves_tokens_to_where_they_are() public {
        vm.prank(sender);
        token.transfer(sender, 10);
        assertHeld(sender, FUNDS, "the sender");
    }

    function test_it_moves_tokens_for_another_out_of_the_allowance() public {
        vm.prank(sender);
        token.approve(stranger, 10);
        vm.prank(stranger);
        vm.assertTrue(token.transferFrom(sender, receiver, 4), "answer");
        vm.assertEq(token.allowance(sender, stranger), 6, "allowance left");
        assertHeld(sender, FUNDS - 4, "from");
        assertHeld(receiver, 4, "to");
        assertHeld(stranger, FUNDS, "the one who moved them");
    }

    function test_it_moves_the_whole_allowance() public {
        vm.prank(sender);
        token.approve(stranger, 10);
        vm.prank(stranger);
        token.transferFrom(sender, receiver, 10);
        vm.assertEq(token.allowance(sender, stranger), 0, "allowance left");
    }

    function test_it_replaces_an_allowance() public {
        vm.expectEmit(address(token));
        emit TestToken.Approval(sender, stranger, 10);
        vm.prank(sender);
        vm.assertTrue(token.approve(stranger, 10), "answer");
        vm.prank(sender);
        token.approve(stranger, 3);
        vm.assertEq(token.allowance(sender, stranger), 3, "allowance");
    }

    function test_it_conserves_the_supply(uint256 amount, address to) public {
        vm.assume(to != address(0) && to != address(token));
        amount = bound(amount, 0, FUNDS);
        uint256 before = token.balanceOf(sender) + token.balanceOf(to);
        vm.prank(sender);
        token.transfer(to, amount);
        vm.assertEq(token.balanceOf(sender) + token.balanceOf(to), before, "sum of the two");
    }
}

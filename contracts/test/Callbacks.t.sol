// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRaidenMicroTransferChannels as Channels} from "../src/IRaidenMicroTransferChannels.sol";
import {CallbackToken, Party} from "./CallbackToken.sol";
import {Fixture} from "./Fixture.sol";

contract CallbacksTest is Fixture {
    CallbackToken internal caller;

    /// The channel from sender to receiver: 10 deposited, 7 signed.
    uint32 internal openBlock;

    /// A channel of somebody who takes no part: 100 from stranger to delegate.
    uint32 internal othersBlock;

    function setUp() public override {
        super.setUp();
        caller = new CallbackToken();
        channels = deployChannels(address(caller));
        caller.transfer(sender, 100);
        caller.transfer(stranger, 100);
        // Sender and receiver sign, and can also be called back, as the delegate can.
        vm.etch(sender, type(Party).runtimeCode);
        vm.etch(receiver, type(Party).runtimeCode);
        vm.etch(delegate, type(Party).runtimeCode);
        caller.transfer(delegate, 100);

        othersBlock = uint32(block.number);
        vm.prank(stranger);
        channels.createChannel(delegate, 100);
        openBlock = opened(10);
    }

    // === Calls, as data

    function create() internal view returns (bytes memory) {
        return abi.encodeCall(Channels.createChannel, (receiver, 6));
    }

    function topUp() internal view returns (bytes memory) {
        return abi.encodeCall(Channels.topUp, (receiver, openBlock, 5));
    }

    function withdraw(uint192 balance) internal view returns (bytes memory) {
        return abi.encodeCall(Channels.withdraw, (openBlock, balance, proof(SENDER_KEY, receiver, openBlock, balance)));
    }

    function close(uint192 balance) internal view returns (bytes memory) {
        return abi.encodeCall(
            Channels.cooperativeClose,
            (
                receiver,
                openBlock,
                balance,
                proof(SENDER_KEY, receiver, openBlock, balance),
                closing(RECEIVER_KEY, sender, openBlock, balance)
            )
        );
    }

    function requestClose() internal view returns (bytes memory) {
        return abi.encodeCall(Channels.uncooperativeClose, (receiver, openBlock, 1));
    }

    function settle() internal view returns (bytes memory) {
        return abi.encodeCall(Channels.settle, (receiver, openBlock));
    }

    // === Steps

    function act(address party, bytes memory call) internal returns (bool done) {
        (done,) = Party(party).act(address(channels), call);
    }

    function closeable() internal {
        vm.assertTrue(act(sender, requestClose()), "the close request");
        vm.roll(block.number + CHALLENGE_PERIOD + 1);
    }

    /// `party` makes the call `outer`, and in its transfer `insider` makes the call `inner`, which is refused.
    function refuses(address party, bytes memory outer, address insider, bytes memory inner, bytes memory reason)
        internal
    {
        caller.arm(insider, address(channels), inner, true);
        vm.assertTrue(act(party, outer), "the outer call");
        vm.assertEq(caller.done(), false, "the inner call");
        vm.assertEq(caller.answer(), reason, "reason");
    }

    // === In the middle of an opening

    function test_it_refuses_a_second_channel_with_the_same_key() public {
        refuses(
            sender,
            create(),
            sender,
            create(),
            abi.encodeWithSelector(Channels.ChannelExists.selector, sender, receiver, block.number)
        );
    }

    function test_it_refuses_a_second_channel_for_another_with_the_same_key() public {
        bytes memory call = abi.encodeCall(Channels.createChannelDelegate, (sender, receiver, 6));
        refuses(
            delegate,
            call,
            delegate,
            call,
            abi.encodeWithSelector(Channels.ChannelExists.selector, sender, receiver, block.number)
        );
    }

    // === In the middle of a top up

    function test_it_counts_what_is_added_already() public {
        caller.arm(receiver, address(channels), close(12), true);
        vm.assertTrue(act(sender, topUp()), "the top up");
        vm.assertTrue(caller.done(), "the close");
        vm.assertEq(caller.balanceOf(receiver), 12, "the receiver");
        vm.assertEq(caller.balanceOf(sender), 88, "the sender");
    }

    function test_it_counts_what_is_added_for_another_already() public {
        caller.arm(receiver, address(channels), close(12), true);
        bytes memory call = abi.encodeCall(Channels.topUpDelegate, (sender, receiver, openBlock, 5));
        vm.assertTrue(act(delegate, call), "the top up");
        vm.assertTrue(caller.done(), "the close");
        vm.assertEq(caller.balanceOf(receiver), 12, "the receiver");
        vm.assertEq(caller.balanceOf(sender), 93, "the sender");
        vm.assertEq(caller.balanceOf(delegate), 95, "the delegate");
    }

    // === In the middle of a withdrawal

    function test_it_refuses_the_same_proof_again() public {
        refuses(
            receiver,
            withdraw(7),
            receiver,
            withdraw(7),
            abi.encodeWithSelector(Channels.NothingToWithdraw.selector, 7, 7)
        );
        vm.assertEq(caller.balanceOf(receiver), 7, "the receiver");
    }

    function test_it_closes_for_no_more_than_was_signed() public {
        caller.arm(receiver, address(channels), close(7), true);
        vm.assertTrue(act(receiver, withdraw(7)), "the withdrawal");
        vm.assertTrue(caller.done(), "the close");
        vm.assertEq(caller.balanceOf(receiver), 7, "the receiver");
        vm.assertEq(caller.balanceOf(sender), 93, "the sender");
    }

    // === In the middle of a close in agreement

    function test_it_refuses_to_close_again() public {
        refuses(receiver, close(7), receiver, close(7), noSuchChannel(sender, receiver, openBlock));
    }

    function test_it_refuses_to_withdraw_from_the_closed_channel() public {
        refuses(receiver, close(7), receiver, withdraw(7), noSuchChannel(sender, receiver, openBlock));
    }

    function test_it_refuses_to_top_up_the_closed_channel() public {
        refuses(receiver, close(7), sender, topUp(), noSuchChannel(sender, receiver, openBlock));
    }

    // === In the middle of a settlement

    function test_it_refuses_to_settle_again() public {
        closeable();
        refuses(sender, settle(), sender, settle(), noSuchChannel(sender, receiver, openBlock));
    }

    function test_it_refuses_to_close_again_with_a_higher_balance() public {
        closeable();
        refuses(sender, settle(), receiver, close(7), noSuchChannel(sender, receiver, openBlock));
    }

    // === In the middle of anything

    /// Every call inside every other, before and after the tokens move, with and without a close request: whichever
    /// of them succeed, the contract then holds what it owes, and the channel of the others is as it was.
    function test_it_owes_the_same_to_everyone_whatever_is_called_back() public {
        (address[] memory parties, bytes[] memory calls) = everyCall();
        uint256 succeeded = 0;
        for (uint256 outer = 0; outer < calls.length; outer++) {
            for (uint256 inner = 0; inner < calls.length; inner++) {
                for (uint256 variant = 0; variant < 4; variant++) {
                    uint256 snapshot = vm.snapshotState();
                    if (variant & 1 != 0) closeable();
                    caller.arm(parties[inner], address(channels), calls[inner], variant & 2 != 0);
                    bool done = act(parties[outer], calls[outer]);
                    assertOwed();
                    if (done && caller.done()) succeeded++;
                    vm.revertToState(snapshot);
                }
            }
        }
        vm.assertTrue(succeeded > 0, "no call succeeded in the middle of another");
    }

    function everyCall() internal view returns (address[] memory parties, bytes[] memory calls) {
        (parties, calls) = (new address[](6), new bytes[](6));
        (parties[0], calls[0]) = (sender, create());
        (parties[1], calls[1]) = (sender, topUp());
        (parties[2], calls[2]) = (receiver, withdraw(7));
        (parties[3], calls[3]) = (receiver, close(7));
        (parties[4], calls[4]) = (sender, requestClose());
        (parties[5], calls[5]) = (sender, settle());
    }

    function assertOwed() internal view {
        uint256 owed = owedFor(sender, receiver, openBlock) + owedFor(sender, receiver, uint32(block.number));
        vm.assertEq(owedFor(stranger, delegate, othersBlock), 100, "owed to the others");
        vm.assertEq(caller.balanceOf(address(channels)), 100 + owed, "locked");
        vm.assertEq(caller.balanceOf(sender) + caller.balanceOf(receiver) + owed, 100, "of sender and receiver");
        vm.assertLe(caller.balanceOf(receiver), 7, "paid to the receiver");
    }

    function owedFor(address from, address to, uint32 openBlock_) internal view returns (uint256) {
        bytes32 key = channels.getKey(from, to, openBlock_);
        (uint192 deposit, uint32 shown) = channels.channels(key);
        return shown == 0 ? 0 : deposit - channels.withdrawn_balances(key);
    }
}

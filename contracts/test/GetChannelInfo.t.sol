// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./Fixture.sol";

contract GetChannelInfoTest is Fixture {
    function test_it_refuses_a_block_without_one() public {
        uint32 openBlock = opened(10);
        vm.expectRevert(noSuchChannel(sender, receiver, openBlock + 1));
        channels.getChannelInfo(sender, receiver, openBlock + 1);
    }

    function test_it_refuses_sender_and_receiver_the_wrong_way_round() public {
        uint32 openBlock = opened(10);
        vm.expectRevert(noSuchChannel(receiver, sender, openBlock));
        channels.getChannelInfo(receiver, sender, openBlock);
    }

    function test_it_refuses_a_settled_one() public {
        uint32 openBlock = opened(10);
        closed(openBlock, 4);
        vm.expectRevert(noSuchChannel(sender, receiver, openBlock));
        channels.getChannelInfo(sender, receiver, openBlock);
    }

    function test_it_tells_key_and_deposit_and_close_request_and_withdrawals() public {
        uint32 openBlock = opened(10);
        withdrawn(openBlock, 2);
        closeRequested(openBlock, 4);
        (bytes32 key, uint192 deposit, uint32 settleBlock, uint192 closingBalance, uint192 withdrawn_) =
            channels.getChannelInfo(sender, receiver, openBlock);
        vm.assertEq(key, keccak256(abi.encodePacked(sender, receiver, openBlock)), "key");
        vm.assertEq(deposit, 10, "deposit");
        vm.assertEq(settleBlock, openBlock + 1 + CHALLENGE_PERIOD, "settle block");
        vm.assertEq(closingBalance, 4, "closing balance");
        vm.assertEq(withdrawn_, 2, "withdrawn");
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "../src/IERC20.sol";
import {IRaidenMicroTransferChannels as Channels} from "../src/IRaidenMicroTransferChannels.sol";
import {Handler} from "./Handler.sol";
import {Vm} from "./Vm.sol";

/// The numbers are those of docs/contract.md. Invariant 5, that every call is refused exactly when it should be, is
/// asserted by the handler at each call.
contract InvariantsTest {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    Handler private handler;
    Channels private channels;
    IERC20 private token;
    address[] private holders;

    function setUp() public {
        handler = new Handler();
        (address channels_, address token_, address[] memory holders_) = handler.scene();
        (channels, token, holders) = (Channels(channels_), IERC20(token_), holders_);
    }

    /// forge calls only the handler.
    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// What moves channels along is drawn more often.
    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        bytes4[19] memory drawn = [
            handler.open.selector,
            handler.open.selector,
            handler.open.selector,
            handler.topUp.selector,
            handler.topUp.selector,
            handler.sign.selector,
            handler.sign.selector,
            handler.sign.selector,
            handler.withdraw.selector,
            handler.withdraw.selector,
            handler.cooperativeClose.selector,
            handler.uncooperativeClose.selector,
            handler.uncooperativeClose.selector,
            handler.settle.selector,
            handler.settle.selector,
            handler.mine.selector,
            handler.mine.selector,
            handler.trust.selector,
            handler.lose.selector
        ];
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), new bytes4[](drawn.length));
        for (uint256 i = 0; i < drawn.length; i++) {
            targets[0].selectors[i] = drawn[i];
        }
    }

    function invariant_1_the_contract_holds_what_it_owes() public view {
        uint256 owed = handler.stray();
        for (uint256 i = 0; i < handler.count(); i++) {
            Handler.Entry memory entry = handler.at(i);
            bytes32 key = channels.getKey(entry.sender, entry.receiver, entry.openBlock);
            (uint192 deposit, uint32 openBlock) = channels.channels(key);
            if (openBlock != 0) owed += deposit - channels.withdrawn_balances(key);
        }
        vm.assertEq(token.balanceOf(address(channels)), owed, "locked");
    }

    function invariant_2_nobody_gets_more_than_was_signed_or_less_than_is_left() public view {
        for (uint256 i = 0; i < handler.count(); i++) {
            Handler.Entry memory entry = handler.at(i);
            uint256 agreed = entry.signed > entry.asked ? entry.signed : entry.asked;
            vm.assertLe(entry.withdrawn, entry.signed, "withdrawn");
            if (entry.state == Handler.State.Settled) {
                vm.assertLe(entry.receiverGot, agreed, "the receiver got");
                vm.assertLe(entry.withdrawn, entry.receiverGot, "withdrawn before");
                vm.assertEq(entry.senderGot + entry.receiverGot, entry.deposit, "sum of the two");
            }
        }
        for (uint256 i = 0; i < holders.length; i++) {
            vm.assertEq(token.balanceOf(holders[i]), handler.heldBy(holders[i]), "held");
        }
    }

    function invariant_3_withdrawn_is_at_most_the_deposit_which_is_at_most_the_limit() public view {
        for (uint256 i = 0; i < handler.count(); i++) {
            Handler.Entry memory entry = handler.at(i);
            if (entry.state == Handler.State.Settled) continue;
            (, uint192 deposit,, uint192 asked, uint192 withdrawn) =
                channels.getChannelInfo(entry.sender, entry.receiver, entry.openBlock);
            vm.assertLe(withdrawn, deposit, "withdrawn");
            vm.assertLe(asked, deposit, "asked to close at");
            vm.assertLe(deposit, channels.channel_deposit_bugbounty_limit(), "deposit");
        }
    }

    function invariant_4_a_settled_channel_never_comes_back() public view {
        for (uint256 i = 0; i < handler.count(); i++) {
            Handler.Entry memory entry = handler.at(i);
            bytes32 key = channels.getKey(entry.sender, entry.receiver, entry.openBlock);
            (uint192 deposit, uint32 openBlock) = channels.channels(key);
            (uint192 asked, uint32 settleBlock) = channels.closing_requests(key);
            bool live = entry.state != Handler.State.Settled;
            vm.assertEq(openBlock, live ? entry.openBlock : 0, "open block");
            vm.assertEq(deposit, live ? entry.deposit : 0, "deposit");
            vm.assertEq(asked, live ? entry.asked : 0, "asked to close at");
            vm.assertEq(settleBlock, live ? entry.settleBlock : 0, "settle block");
            vm.assertEq(channels.withdrawn_balances(key), entry.withdrawn, "withdrawn");
        }
    }

    /// Invariant 6, at the end of every sequence: no money is locked for good.
    function afterInvariant() public {
        handler.closeEverything();
        vm.assertEq(token.balanceOf(address(channels)), handler.stray(), "locked for good");
        invariant_2_nobody_gets_more_than_was_signed_or_less_than_is_left();
    }
}

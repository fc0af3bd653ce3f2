// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRaidenMicroTransferChannels as Channels} from "../src/IRaidenMicroTransferChannels.sol";
import {TestToken} from "../src/TestToken.sol";
import {Vm} from "./Vm.sol";

/// @title A trusted contract: all that matters of it is that it has code
contract Delegate {}

/// @title The scene of most tests: the committed contracts, a sender, a receiver and a few others
/// @dev Everyone who opens channels holds `FUNDS` and has approved the channels for all of it.
abstract contract Fixture {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    uint32 internal constant CHALLENGE_PERIOD = 500;
    uint256 internal constant LIMIT = 100 * 10 ** 18;
    uint256 internal constant FUNDS = 1000 * 10 ** 18;
    uint32 internal constant FIRST_BLOCK = 1_000_000;

    uint256 internal constant SENDER_KEY = 0x5e4de4;
    uint256 internal constant RECEIVER_KEY = 0x4ece14e4;
    uint256 internal constant STRANGER_KEY = 0x574a46e4;
    address internal immutable sender = vm.addr(SENDER_KEY);
    address internal immutable receiver = vm.addr(RECEIVER_KEY);
    address internal immutable stranger = vm.addr(STRANGER_KEY);

    TestToken internal token;
    Channels internal channels;

    /// A trusted contract with tokens.
    address internal delegate;

    /// The test itself deploys, and so is the owner.
    function setUp() public virtual {
        vm.roll(FIRST_BLOCK);
        token = TestToken(deploy("TestToken", abi.encode(10 * FUNDS, "Test", "TST")));
        delegate = address(new Delegate());
        channels = deployChannels(address(token));
        fund(sender);
        fund(stranger);
        fund(delegate);
    }

    function fund(address account) internal {
        token.transfer(account, FUNDS);
        vm.prank(account);
        token.approve(address(channels), FUNDS);
    }

    /// Channels for `token_`, which trust `delegate`.
    function deployChannels(address token_) internal returns (Channels) {
        return
            Channels(deploy("RaidenMicroTransferChannels", abi.encode(token_, CHALLENGE_PERIOD, addresses(delegate))));
    }

    /// Deploys the bytecode of an artefact; reverts as the constructor does. URAIDEN_ARTIFACTS names another folder
    /// than the committed one, for the artefacts of a contract that was broken on purpose.
    function deploy(string memory name, bytes memory arguments) internal returns (address deployed) {
        string memory folder = vm.envOr("URAIDEN_ARTIFACTS", string("artifacts"));
        string memory artifact = vm.readFile(string.concat(folder, "/", name, ".json"));
        bytes memory creation = bytes.concat(vm.parseJsonBytes(artifact, ".bytecode"), arguments);
        assembly ("memory-safe") {
            deployed := create(0, add(creation, 32), mload(creation))
            if iszero(deployed) {
                let reason := mload(0x40)
                returndatacopy(reason, 0, returndatasize())
                revert(reason, returndatasize())
            }
        }
    }

    // === Signatures

    /// A balance proof, its digest written out once more from the protocol and not taken from the contract's library.
    function proof(uint256 key, address receiver_, uint32 openBlock, uint192 balance)
        internal
        view
        returns (bytes memory)
    {
        return sign(
            key,
            keccak256(
                abi.encodePacked(
                    keccak256("string message_idaddress receiveruint32 block_createduint192 balanceaddress contract"),
                    keccak256(
                        abi.encodePacked("Sender balance proof signature", receiver_, openBlock, balance, channels)
                    )
                )
            )
        );
    }

    /// A closing signature.
    function closing(uint256 key, address sender_, uint32 openBlock, uint192 balance)
        internal
        view
        returns (bytes memory)
    {
        return sign(
            key,
            keccak256(
                abi.encodePacked(
                    keccak256("string message_idaddress senderuint32 block_createduint192 balanceaddress contract"),
                    keccak256(abi.encodePacked("Receiver closing signature", sender_, openBlock, balance, channels))
                )
            )
        );
    }

    function sign(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    // === Steps

    /// Opens a channel from sender to receiver, and moves on to the next block.
    function opened(uint192 deposit) internal returns (uint32 openBlock) {
        openBlock = uint32(block.number);
        vm.prank(sender);
        channels.createChannel(receiver, deposit);
        vm.roll(block.number + 1);
    }

    /// Withdraws for the receiver.
    function withdrawn(uint32 openBlock, uint192 balance) internal {
        bytes memory signature = proof(SENDER_KEY, receiver, openBlock, balance);
        vm.prank(receiver);
        channels.withdraw(openBlock, balance, signature);
    }

    /// Asks to close for the sender.
    function closeRequested(uint32 openBlock, uint192 balance) internal {
        vm.prank(sender);
        channels.uncooperativeClose(receiver, openBlock, balance);
    }

    /// Closes cooperatively, with the signatures of sender and receiver.
    function closed(uint32 openBlock, uint192 balance) internal {
        channels.cooperativeClose(
            receiver,
            openBlock,
            balance,
            proof(SENDER_KEY, receiver, openBlock, balance),
            closing(RECEIVER_KEY, sender, openBlock, balance)
        );
    }

    // === What is true afterwards

    function assertHeld(address account, uint256 amount, string memory message) internal view {
        vm.assertEq(token.balanceOf(account), amount, message);
    }

    /// The channel from sender to receiver, as the contract shows it.
    function assertChannel(uint32 openBlock, uint192 deposit, uint192 withdrawn_) internal view {
        assertChannel(openBlock, deposit, 0, 0, withdrawn_);
    }

    function assertChannel(
        uint32 openBlock,
        uint192 deposit,
        uint32 settleBlock,
        uint192 closingBalance,
        uint192 withdrawn_
    ) internal view {
        (, uint192 shownDeposit, uint32 shownSettleBlock, uint192 shownClosingBalance, uint192 shownWithdrawn) =
            channels.getChannelInfo(sender, receiver, openBlock);
        vm.assertEq(shownDeposit, deposit, "deposit");
        vm.assertEq(shownSettleBlock, settleBlock, "settle block");
        vm.assertEq(shownClosingBalance, closingBalance, "closing balance");
        vm.assertEq(shownWithdrawn, withdrawn_, "withdrawn");
    }

    /// The channel from sender to receiver is not there (any more).
    function assertGone(uint32 openBlock) internal {
        bytes32 key = channels.getKey(sender, receiver, openBlock);
        (uint192 deposit, uint32 shownOpenBlock) = channels.channels(key);
        vm.assertEq(deposit, 0, "deposit");
        vm.assertEq(shownOpenBlock, 0, "open block");
        (uint192 closingBalance, uint32 settleBlock) = channels.closing_requests(key);
        vm.assertEq(closingBalance, 0, "closing balance");
        vm.assertEq(settleBlock, 0, "settle block");
        vm.expectRevert(noSuchChannel(sender, receiver, openBlock));
        channels.getChannelInfo(sender, receiver, openBlock);
    }

    /// From here on the channels' events are counted.
    function countEvents() internal {
        vm.recordLogs();
    }

    function assertEvents(uint256 expected) internal {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        uint256 count = 0;
        for (uint256 i = 0; i < logs.length; i++) {
            if (logs[i].emitter == address(channels)) count++;
        }
        vm.assertEq(count, expected, "events of the channels");
    }

    // === Shorthands

    function noSuchChannel(address sender_, address receiver_, uint32 openBlock) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(Channels.NoSuchChannel.selector, sender_, receiver_, openBlock);
    }

    function addresses(address one) internal pure returns (address[] memory list) {
        list = new address[](1);
        list[0] = one;
    }

    function addresses(address one, address two) internal pure returns (address[] memory list) {
        list = new address[](2);
        (list[0], list[1]) = (one, two);
    }

    /// `x` folded into `low` to `high`, both included.
    function bound(uint256 x, uint256 low, uint256 high) internal pure returns (uint256) {
        return low + x % (high - low + 1);
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRaidenMicroTransferChannels as Channels} from "../src/IRaidenMicroTransferChannels.sol";
import {Delegate, Fixture} from "./Fixture.sol";

/// @title Everyone who has to do with the channels, doing anything at any time
/// @dev forge calls the actions in random order with random arguments. Each says beforehand, from a model that knows
/// nothing of the contract's storage, whether its call will be refused, and fails where that was wrong.
contract Handler is Fixture {
    enum State {
        Open,
        Closing,
        Settled
    }

    /// What the model knows of one channel.
    struct Entry {
        uint256 senderKey;
        uint256 receiverKey;
        address sender;
        address receiver;
        uint32 openBlock;
        State state;
        uint256 deposit;
        /// The highest balance that the sender has signed; there are proofs of all lower ones too.
        uint256 signed;
        uint256 withdrawn;
        /// What the sender asked to close at, and the last block of the challenge period.
        uint256 asked;
        uint256 settleBlock;
        /// What the two got in all, once it is settled.
        uint256 receiverGot;
        uint256 senderGot;
    }

    Entry[] private entries;
    mapping(bytes32 key => bool) private everOpened;

    /// Keys of those who send and of those who receive; one does both.
    uint256[3] private senderKeys = [0x51, 0x52, 0x53];
    uint256[3] private receiverKeys = [0x4e1, 0x4e2, 0x53];

    address[2] private delegates;
    bool[2] private trusted = [true, false];

    /// Everyone with tokens, and what the model says they hold.
    address[] private holders;
    mapping(address => uint256) private held;

    /// Tokens sent to the contract without data, which no call gets out again.
    uint256 public stray;

    constructor() {
        setUp();
        delegates = [delegate, address(new Delegate())];
        for (uint256 i = 0; i < 3; i++) {
            enter(vm.addr(senderKeys[i]), FUNDS);
        }
        for (uint256 i = 0; i < 2; i++) {
            enter(vm.addr(receiverKeys[i]), 0);
        }
        enter(delegates[0], 0);
        enter(delegates[1], FUNDS);
    }

    function enter(address account, uint256 funds) private {
        token.transfer(account, funds);
        vm.prank(account);
        token.approve(address(channels), type(uint256).max);
        held[account] = token.balanceOf(account);
        holders.push(account);
    }

    // === Actions

    function open(uint256 who, uint256 to, uint256 amount, uint256 route) external {
        Entry memory entry;
        entry.senderKey = senderKeys[mixed(who) % 3];
        entry.receiverKey = receiverKeys[mixed(to) % 3];
        (entry.sender, entry.receiver) = (vm.addr(entry.senderKey), vm.addr(entry.receiverKey));
        entry.openBlock = uint32(block.number);
        entry.deposit = anAmount(amount);

        bytes32 id = keccak256(abi.encode(entry.sender, entry.receiver, entry.openBlock));
        bool fine = entry.deposit <= LIMIT && !everOpened[id];
        bytes memory data = abi.encodePacked(entry.sender, entry.receiver);
        bytes memory own = abi.encodeCall(Channels.createChannel, (entry.receiver, uint192(entry.deposit)));
        bytes memory forOther =
            abi.encodeCall(Channels.createChannelDelegate, (entry.sender, entry.receiver, uint192(entry.deposit)));
        if (!deposits(entry.sender, entry.deposit, route, own, forOther, data, fine)) return;

        everOpened[id] = true;
        entries.push(entry);
    }

    function topUp(uint256 which, uint256 amount, uint256 route) external {
        if (entries.length == 0) return;
        Entry storage entry = pick(which, State.Open);
        uint256 added = anAmount(amount);

        bool fine = entry.state == State.Open && added > 0 && entry.deposit + added <= LIMIT;
        bytes memory data = abi.encodePacked(entry.sender, entry.receiver, entry.openBlock);
        bytes memory own = abi.encodeCall(Channels.topUp, (entry.receiver, entry.openBlock, uint192(added)));
        bytes memory forOther =
            abi.encodeCall(Channels.topUpDelegate, (entry.sender, entry.receiver, entry.openBlock, uint192(added)));
        if (deposits(entry.sender, added, route, own, forOther, data, fine)) entry.deposit += added;
    }

    /// The sender pays off chain, now and then more than there is.
    function sign(uint256 which, uint256 balance) external {
        if (entries.length == 0) return;
        Entry storage entry = pick(which, State.Open);
        balance = bound(balance, 0, entry.deposit + 2);
        if (balance > entry.signed) entry.signed = balance;
    }

    function withdraw(uint256 which, uint256 balance) external {
        if (entries.length == 0) return;
        Entry storage entry = pick(which, State.Open);
        balance = bound(balance, 0, entry.signed);

        bool fine = entry.state == State.Open && balance <= entry.deposit && balance > entry.withdrawn;
        bytes memory signature = proof(entry.senderKey, entry.receiver, entry.openBlock, uint192(balance));
        bytes memory call = abi.encodeCall(Channels.withdraw, (entry.openBlock, uint192(balance), signature));
        if (!attempt("withdraw", entry.receiver, address(channels), call, fine)) return;

        held[entry.receiver] += balance - entry.withdrawn;
        entry.withdrawn = balance;
    }

    /// The receiver agrees to anything; a forger signs in its place every fourth time.
    function cooperativeClose(uint256 which, uint256 balance, uint256 forged) external {
        if (entries.length == 0) return;
        Entry storage entry = pick(which, mixed(forged) % 2 == 0 ? State.Closing : State.Open);
        balance = bound(balance, 0, entry.signed);
        uint256 key = onceInFour(forged) ? STRANGER_KEY : entry.receiverKey;

        bool fine = key == entry.receiverKey && entry.state != State.Settled && balance <= entry.deposit
            && balance >= entry.withdrawn;
        bytes memory call = abi.encodeCall(
            Channels.cooperativeClose,
            (
                entry.receiver,
                entry.openBlock,
                uint192(balance),
                proof(entry.senderKey, entry.receiver, entry.openBlock, uint192(balance)),
                closing(key, entry.sender, entry.openBlock, uint192(balance))
            )
        );
        if (attempt("cooperativeClose", stranger, address(channels), call, fine)) settled(entry, balance);
    }

    /// Every fourth time it is not the sender who asks.
    function uncooperativeClose(uint256 which, uint256 balance, uint256 who) external {
        if (entries.length == 0) return;
        Entry storage entry = pick(which, State.Open);
        balance = bound(balance, 0, entry.deposit + 1);
        address caller = onceInFour(who) ? stranger : entry.sender;

        bool fine = caller == entry.sender && entry.state == State.Open && balance <= entry.deposit;
        bytes memory call =
            abi.encodeCall(Channels.uncooperativeClose, (entry.receiver, entry.openBlock, uint192(balance)));
        if (!attempt("uncooperativeClose", caller, address(channels), call, fine)) return;

        entry.state = State.Closing;
        entry.asked = balance;
        entry.settleBlock = block.number + CHALLENGE_PERIOD;
    }

    /// Every fourth time it is not the sender who settles.
    function settle(uint256 which, uint256 who) external {
        if (entries.length == 0) return;
        Entry storage entry = pick(which, State.Closing);
        address caller = onceInFour(who) ? stranger : entry.sender;

        bool fine = caller == entry.sender && entry.state == State.Closing && block.number > entry.settleBlock;
        bytes memory call = abi.encodeCall(Channels.settle, (entry.receiver, entry.openBlock));
        if (!attempt("settle", caller, address(channels), call, fine)) return;

        settled(entry, entry.asked > entry.withdrawn ? entry.asked : entry.withdrawn);
    }

    /// Up to two challenge periods.
    function mine(uint256 blocks) external {
        vm.roll(block.number + bound(mixed(blocks), 1, 2 * CHALLENGE_PERIOD));
    }

    function trust(uint256 which, bool trusted_) external {
        trusted[which % 2] = trusted_;
        if (trusted_) channels.addTrustedContracts(addresses(delegates[which % 2]));
        else channels.removeTrustedContracts(addresses(delegates[which % 2]));
    }

    function lose(uint256 who, uint256 amount) external {
        address loser = vm.addr(senderKeys[mixed(who) % 3]);
        amount = bound(amount, 0, 1000);
        vm.prank(loser);
        token.transfer(address(channels), amount);
        held[loser] -= amount;
        stray += amount;
    }

    /// The sender of every channel that is left closes it alone; nothing can stop that.
    function closeEverything() external {
        for (uint256 i = 0; i < entries.length; i++) {
            Entry storage entry = entries[i];
            if (entry.state != State.Open) continue;
            vm.prank(entry.sender);
            channels.uncooperativeClose(entry.receiver, entry.openBlock, 0);
            entry.state = State.Closing;
        }
        vm.roll(block.number + CHALLENGE_PERIOD + 1);
        for (uint256 i = 0; i < entries.length; i++) {
            Entry storage entry = entries[i];
            if (entry.state != State.Closing) continue;
            vm.prank(entry.sender);
            channels.settle(entry.receiver, entry.openBlock);
            settled(entry, entry.asked > entry.withdrawn ? entry.asked : entry.withdrawn);
        }
    }

    // === What the actions share

    /// Deposits by one of four routes: the sender's or a trusted contract's tokens, by ERC-20 or ERC-223.
    function deposits(
        address owner,
        uint256 amount,
        uint256 route,
        bytes memory own,
        bytes memory forOther,
        bytes memory data,
        bool fine
    ) private returns (bool done) {
        route = mixed(route);
        bool delegated = route % 2 == 1;
        uint256 which = (route / 4) % 2;
        address payer = delegated ? delegates[which] : owner;
        if (delegated) fine = fine && trusted[which];
        fine = fine && amount <= held[payer];

        if (route % 4 < 2) {
            done = attempt("deposit by ERC-20", payer, address(channels), delegated ? forOther : own, fine);
        } else {
            bytes memory call =
                abi.encodeWithSignature("transfer(address,uint256,bytes)", address(channels), amount, data);
            done = attempt("deposit by ERC-223", payer, address(token), call, fine);
        }
        if (done) held[payer] -= amount;
    }

    function attempt(string memory name, address caller, address target, bytes memory call, bool fine)
        private
        returns (bool done)
    {
        vm.prank(caller);
        (done,) = target.call(call);
        vm.assertEq(done, fine, name);
    }

    function settled(Entry storage entry, uint256 balance) private {
        entry.state = State.Settled;
        entry.receiverGot = balance;
        entry.senderGot = entry.deposit - balance;
        held[entry.receiver] += balance - entry.withdrawn;
        held[entry.sender] += entry.deposit - balance;
    }

    /// Any channel, but mostly, where there is one, a channel in the state that the action is for.
    function pick(uint256 which, State wanted) private view returns (Entry storage) {
        uint256 start = mixed(which) % entries.length;
        if (!onceInFour(which)) {
            for (uint256 i = 0; i < entries.length; i++) {
                Entry storage entry = entries[(start + i) % entries.length];
                if (entry.state == wanted) return entry;
            }
        }
        return entries[start];
    }

    /// Mostly small, now and then around the limit.
    function anAmount(uint256 seed) private pure returns (uint256) {
        return mixed(seed) % 8 == 0 ? bound(seed, LIMIT - 2, LIMIT + 2) : bound(seed, 0, 1000);
    }

    function onceInFour(uint256 seed) private pure returns (bool) {
        return mixed(seed) >> 128 < 1 << 126;
    }

    /// forge draws some numbers far more often than others, which is good for amounts only.
    function mixed(uint256 seed) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed)));
    }

    // === For the invariants

    function count() external view returns (uint256) {
        return entries.length;
    }

    function at(uint256 i) external view returns (Entry memory) {
        return entries[i];
    }

    function scene() external view returns (address channels_, address token_, address[] memory holders_) {
        return (address(channels), address(token), holders);
    }

    function heldBy(address account) external view returns (uint256) {
        return held[account];
    }
}

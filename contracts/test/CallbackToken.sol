// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title An account that calls whatever it is asked to
contract Party {
    function act(address target, bytes calldata call) external returns (bool done, bytes memory answer) {
        return target.call(call);
    }
}

/// @title A token that lets a party act in the middle of a transfer, once, before or after the tokens move
contract CallbackToken {
    mapping(address => uint256) public balanceOf;
    uint256 public constant totalSupply = 10 ** 24;

    /// How the party's call went.
    bool public done;
    bytes public answer;

    Party private party;
    address private target;
    bytes private call;
    bool private beforehand;

    constructor() {
        balanceOf[msg.sender] = totalSupply;
    }

    /// In the next transfer `party_` will call `target_`.
    function arm(address party_, address target_, bytes calldata call_, bool beforehand_) external {
        (party, target, call, beforehand) = (Party(party_), target_, call_, beforehand_);
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        return move(msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        return move(from, to, amount);
    }

    function move(address from, address to, uint256 amount) private returns (bool) {
        if (beforehand) callBack();
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
        callBack();
        return true;
    }

    function callBack() private {
        Party acting = party;
        if (address(acting) == address(0)) return;
        party = Party(address(0));
        (done, answer) = acting.act(target, call);
    }
}

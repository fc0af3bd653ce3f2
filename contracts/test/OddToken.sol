// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title A token that moves tokens and then answers, or reverts, as it is told
contract OddToken {
    error Closed(string why);

    mapping(address => uint256) public balanceOf;
    uint256 public constant totalSupply = 10 ** 24;
    bytes private answer = abi.encode(true);
    bool private reverts;
    bool private refusesZero;

    constructor() {
        balanceOf[msg.sender] = totalSupply;
    }

    function answerWith(bytes calldata answer_) external {
        answer = answer_;
    }

    /// From now on every transfer reverts with what would have been the answer.
    function revertWith(bytes calldata reason) external {
        (answer, reverts) = (reason, true);
    }

    function refuseZero() external {
        refusesZero = true;
    }

    function transfer(address to, uint256 amount) external {
        move(msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) external {
        move(from, to, amount);
    }

    function move(address from, address to, uint256 amount) private {
        if (refusesZero && amount == 0) revert Closed("nothing to move");
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
        bytes memory last = answer;
        if (reverts) {
            assembly ("memory-safe") {
                revert(add(last, 32), mload(last))
            }
        }
        assembly ("memory-safe") {
            return(add(last, 32), mload(last))
        }
    }
}

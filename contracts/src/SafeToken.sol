// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "./IERC20.sol";
import {IRaidenMicroTransferChannels as Channels} from "./IRaidenMicroTransferChannels.sol";

/// @title Token transfers that happen or revert
/// @dev ERC-20 tokens report failure in three ways: they revert, they answer false, or they answer nothing at all and
/// only ever revert. A revert is passed on with its reason, false is refused, and no answer counts as success.
library SafeToken {
    /// @notice Takes `amount` from `from`, who has approved this contract.
    function pull(IERC20 token, address from, uint256 amount) internal {
        _call(token, abi.encodeCall(IERC20.transferFrom, (from, address(this), amount)));
    }

    /// @notice Pays `amount` to `to`. Nothing is not paid: some tokens refuse that, and would block a settlement.
    function pay(IERC20 token, address to, uint256 amount) internal {
        if (amount > 0) _call(token, abi.encodeCall(IERC20.transfer, (to, amount)));
    }

    function _call(IERC20 token, bytes memory call) private {
        (bool done, bytes memory answer) = address(token).call(call);
        if (!done) {
            assembly ("memory-safe") {
                revert(add(answer, 32), mload(answer))
            }
        }
        // An answer of less than a word is filled up with zeros behind, and so never taken for true.
        if (answer.length > 0 && uint256(bytes32(answer)) != 1) revert Channels.TokenRefused(address(token));
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title What an ERC-223 token calls on a contract that is sent tokens
interface IERC223Receiver {
    /// @notice Tells the contract that `amount` base units have just arrived from `from`.
    /// @param from The account that sent the tokens.
    /// @param amount The tokens that arrived, in base units.
    /// @param data Whatever the account passed to `transfer(address,uint256,bytes)`.
    function tokenFallback(address from, uint256 amount, bytes calldata data) external;
}

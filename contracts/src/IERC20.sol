// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title The part of ERC-20 that the channels use
/// @dev Amounts are in the token's base units.
interface IERC20 {
    /// @notice Tokens in existence.
    function totalSupply() external view returns (uint256);

    /// @notice Tokens held by `account`.
    function balanceOf(address account) external view returns (uint256);

    /// @notice Moves `amount` from the caller to `to`.
    function transfer(address to, uint256 amount) external returns (bool);

    /// @notice Moves `amount` from `from` to `to`, out of the caller's allowance.
    function transferFrom(address from, address to, uint256 amount) external returns (bool);
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "./IERC20.sol";
import {IERC223Receiver} from "./IERC223Receiver.sol";

/// @title A token for development chains: ERC-20, and ERC-223's transfer with data
/// @notice The whole supply belongs to the deployer at first; nothing is ever minted or burnt later.
/// @dev As in the token of the original contracts, only the three-argument `transfer` calls the recipient.
contract TestToken is IERC20 {
    /// @notice `value` base units went from `from` to `to`; `from` is zero for the initial supply.
    event Transfer(address indexed from, address indexed to, uint256 value);

    /// @notice `spender` may now move up to `value` base units of `owner`.
    event Approval(address indexed owner, address indexed spender, uint256 value);

    /// @notice `account` holds `balance`, which is less than the `needed` base units.
    error BalanceTooLow(address account, uint256 balance, uint256 needed);

    /// @notice `owner` allows `spender` to move `allowance`, which is less than the `needed` base units.
    error AllowanceTooLow(address owner, address spender, uint256 allowance, uint256 needed);

    /// @notice Tokens sent to `to` could never be moved again: it is the zero address or the token itself.
    error BadRecipient(address to);

    /// @notice The token's name, for people.
    string public name;

    /// @notice The token's short name, for people.
    string public symbol;

    /// @notice One whole token is 10^18 base units.
    uint8 public constant decimals = 18;

    /// @inheritdoc IERC20
    uint256 public immutable totalSupply;

    /// @inheritdoc IERC20
    mapping(address account => uint256) public balanceOf;

    /// @notice Base units that a spender may still move out of an owner's balance.
    mapping(address owner => mapping(address spender => uint256)) public allowance;

    /// @param supply Base units that the deployer gets.
    /// @param name_ The token's name.
    /// @param symbol_ The token's short name.
    constructor(uint256 supply, string memory name_, string memory symbol_) {
        name = name_;
        symbol = symbol_;
        totalSupply = supply;
        balanceOf[msg.sender] = supply;
        emit Transfer(address(0), msg.sender, supply);
    }

    /// @inheritdoc IERC20
    function transfer(address to, uint256 amount) external returns (bool) {
        _move(msg.sender, to, amount);
        return true;
    }

    /// @notice ERC-223: moves `amount` from the caller to `to` and, where `to` is a contract, tells it so.
    /// @param to The recipient. A contract must answer `tokenFallback`, else the transfer is undone.
    /// @param amount Base units.
    /// @param data Handed to `tokenFallback` as it is.
    /// @return Always true; a transfer that fails reverts.
    function transfer(address to, uint256 amount, bytes calldata data) external returns (bool) {
        _move(msg.sender, to, amount);
        if (to.code.length > 0) {
            IERC223Receiver(to).tokenFallback(msg.sender, amount, data);
        }
        return true;
    }

    /// @inheritdoc IERC20
    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        uint256 allowed = allowance[from][msg.sender];
        if (allowed < amount) revert AllowanceTooLow(from, msg.sender, allowed, amount);
        allowance[from][msg.sender] = allowed - amount;
        _move(from, to, amount);
        return true;
    }

    /// @notice Lets `spender` move up to `amount` base units of the caller, instead of what was allowed before.
    /// @return Always true.
    function approve(address spender, uint256 amount) external returns (bool) {
        allowance[msg.sender][spender] = amount;
        emit Approval(msg.sender, spender, amount);
        return true;
    }

    function _move(address from, address to, uint256 amount) private {
        if (to == address(0) || to == address(this)) revert BadRecipient(to);
        uint256 balance = balanceOf[from];
        if (balance < amount) revert BalanceTooLow(from, balance, amount);
        // The first cannot underflow (checked above), the second never exceeds the fixed supply.
        unchecked {
            balanceOf[from] = balance - amount;
            balanceOf[to] += amount;
        }
        emit Transfer(from, to, amount);
    }
}

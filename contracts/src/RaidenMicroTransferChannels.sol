// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "./IERC20.sol";
import {IRaidenMicroTransferChannels} from "./IRaidenMicroTransferChannels.sol";
import {SafeToken} from "./SafeToken.sol";
import {Signatures} from "./Signatures.sol";

/// @title One-way payment channels for one token
/// @notice The meaning of every call is told in `IRaidenMicroTransferChannels`.
/// @dev Tokens are called last, when all state is written and all events are out, so a token that calls back finds
/// the contract as it will be. The token itself is trusted to move exactly what it is told to.
contract RaidenMicroTransferChannels is IRaidenMicroTransferChannels {
    using SafeToken for IERC20;

    /// @dev One storage slot. A channel exists while `openBlock` is not zero, and its sender has asked to close it
    /// once `settleBlock` is not zero.
    struct Channel {
        uint192 deposit;
        uint32 openBlock;
        uint32 settleBlock;
    }

    /// @inheritdoc IRaidenMicroTransferChannels
    string public constant version = "0.2.0";

    /// @inheritdoc IRaidenMicroTransferChannels
    uint256 public constant channel_deposit_bugbounty_limit = 100 * 10 ** 18;

    uint32 private constant MIN_CHALLENGE_PERIOD = 500;

    /// @inheritdoc IRaidenMicroTransferChannels
    address public immutable owner_address;

    /// @inheritdoc IRaidenMicroTransferChannels
    uint32 public immutable challenge_period;

    /// @inheritdoc IRaidenMicroTransferChannels
    IERC20 public immutable token;

    mapping(bytes32 key => Channel) private _channels;

    /// @dev What the sender asked to close at. Apart from `Channel`, as it is only needed while a channel closes.
    mapping(bytes32 key => uint192) private _closingBalances;

    /// @dev Keys of channels that were opened and settled in one block, the only block in which they could be
    /// formed again: a second channel would honour the signatures of the first.
    mapping(bytes32 key => bool) private _spentKeys;

    /// @inheritdoc IRaidenMicroTransferChannels
    mapping(bytes32 _key => uint192) public withdrawn_balances;

    /// @inheritdoc IRaidenMicroTransferChannels
    mapping(address _contract => bool) public trusted_contracts;

    /// @notice Makes the caller the owner.
    /// @param _token_address The token of all deposits; it must have a supply.
    /// @param _challenge_period Blocks that a receiver has to answer a close request, at least 500.
    /// @param _trusted_contracts Contracts that may open and top up channels for others; addresses without code
    /// are passed over.
    constructor(address _token_address, uint32 _challenge_period, address[] memory _trusted_contracts) {
        if (_token_address.code.length == 0) revert TokenHasNoCode(_token_address);
        if (IERC20(_token_address).totalSupply() == 0) revert TokenHasNoSupply(_token_address);
        if (_challenge_period < MIN_CHALLENGE_PERIOD) {
            revert ChallengePeriodTooShort(_challenge_period, MIN_CHALLENGE_PERIOD);
        }

        token = IERC20(_token_address);
        challenge_period = _challenge_period;
        owner_address = msg.sender;
        for (uint256 i = 0; i < _trusted_contracts.length; i++) {
            _trust(_trusted_contracts[i]);
        }
    }

    modifier onlyOwner() {
        if (msg.sender != owner_address) revert NotOwner(msg.sender, owner_address);
        _;
    }

    modifier onlyTrusted() {
        if (!trusted_contracts[msg.sender]) revert NotTrusted(msg.sender);
        _;
    }

    // === Opening and topping up

    /// @inheritdoc IRaidenMicroTransferChannels
    function createChannel(address _receiver_address, uint192 _deposit) external {
        _open(msg.sender, _receiver_address, _deposit);
        token.pull(msg.sender, _deposit);
    }

    /// @inheritdoc IRaidenMicroTransferChannels
    function createChannelDelegate(address _sender_address, address _receiver_address, uint192 _deposit)
        external
        onlyTrusted
    {
        _open(_sender_address, _receiver_address, _deposit);
        token.pull(msg.sender, _deposit);
    }

    /// @inheritdoc IRaidenMicroTransferChannels
    function topUp(address _receiver_address, uint32 _open_block_number, uint192 _added_deposit) external {
        _topUp(msg.sender, _receiver_address, _open_block_number, _added_deposit);
        token.pull(msg.sender, _added_deposit);
    }

    /// @inheritdoc IRaidenMicroTransferChannels
    function topUpDelegate(
        address _sender_address,
        address _receiver_address,
        uint32 _open_block_number,
        uint192 _added_deposit
    ) external onlyTrusted {
        _topUp(_sender_address, _receiver_address, _open_block_number, _added_deposit);
        token.pull(msg.sender, _added_deposit);
    }

    /// @inheritdoc IRaidenMicroTransferChannels
    function tokenFallback(address _sender_address, uint256 _deposit, bytes calldata _data) external {
        if (msg.sender != address(token)) revert NotToken(msg.sender, address(token));
        if (_data.length != 40 && _data.length != 44) revert BadDataLength(_data.length);

        address sender = address(bytes20(_data[:20]));
        if (_sender_address != sender && !trusted_contracts[_sender_address]) revert NotTrusted(_sender_address);

        address receiver = address(bytes20(_data[20:40]));
        if (_data.length == 40) {
            _open(sender, receiver, _deposit);
        } else {
            _topUp(sender, receiver, uint32(bytes4(_data[40:44])), _deposit);
        }
    }

    // === Paying out

    /// @inheritdoc IRaidenMicroTransferChannels
    function withdraw(uint32 _open_block_number, uint192 _balance, bytes calldata _balance_msg_sig) external {
        address sender = extractBalanceProofSignature(msg.sender, _open_block_number, _balance, _balance_msg_sig);
        (bytes32 key, uint192 deposit) = _openChannel(sender, msg.sender, _open_block_number);
        if (_balance > deposit) revert BalanceAboveDeposit(_balance, deposit);
        uint192 withdrawn = withdrawn_balances[key];
        if (_balance <= withdrawn) revert NothingToWithdraw(_balance, withdrawn);

        uint192 payout = _balance - withdrawn;
        withdrawn_balances[key] = _balance;
        emit ChannelWithdraw(sender, msg.sender, _open_block_number, payout);
        token.pay(msg.sender, payout);
    }

    /// @inheritdoc IRaidenMicroTransferChannels
    function cooperativeClose(
        address _receiver_address,
        uint32 _open_block_number,
        uint192 _balance,
        bytes calldata _balance_msg_sig,
        bytes calldata _closing_sig
    ) external {
        address sender = extractBalanceProofSignature(_receiver_address, _open_block_number, _balance, _balance_msg_sig);
        address closer = extractClosingSignature(sender, _open_block_number, _balance, _closing_sig);
        if (closer != _receiver_address) revert NotSignedByReceiver(closer, _receiver_address);

        (bytes32 key, uint192 deposit, uint32 settleBlock) = _liveChannel(sender, _receiver_address, _open_block_number);
        if (_balance > deposit) revert BalanceAboveDeposit(_balance, deposit);
        uint192 withdrawn = withdrawn_balances[key];
        if (_balance < withdrawn) revert BalanceBelowWithdrawn(_balance, withdrawn);

        if (settleBlock != 0) delete _closingBalances[key];
        _settle(key, sender, _receiver_address, _open_block_number, deposit, _balance, withdrawn);
    }

    /// @inheritdoc IRaidenMicroTransferChannels
    function uncooperativeClose(address _receiver_address, uint32 _open_block_number, uint192 _balance) external {
        (bytes32 key, uint192 deposit) = _openChannel(msg.sender, _receiver_address, _open_block_number);
        if (_balance > deposit) revert BalanceAboveDeposit(_balance, deposit);

        _channels[key].settleBlock = _uint32(block.number + challenge_period);
        _closingBalances[key] = _balance;
        emit ChannelCloseRequested(msg.sender, _receiver_address, _open_block_number, _balance);
    }

    /// @inheritdoc IRaidenMicroTransferChannels
    function settle(address _receiver_address, uint32 _open_block_number) external {
        (bytes32 key, uint192 deposit, uint32 settleBlock) =
            _liveChannel(msg.sender, _receiver_address, _open_block_number);
        if (settleBlock == 0) revert NotClosing(msg.sender, _receiver_address, _open_block_number);
        if (block.number <= settleBlock) revert ChallengePeriodRunning(block.number, settleBlock);

        uint192 asked = _closingBalances[key];
        uint192 withdrawn = withdrawn_balances[key];
        uint192 balance = asked > withdrawn ? asked : withdrawn;
        delete _closingBalances[key];
        _settle(key, msg.sender, _receiver_address, _open_block_number, deposit, balance, withdrawn);
    }

    // === Trusted contracts

    /// @inheritdoc IRaidenMicroTransferChannels
    function addTrustedContracts(address[] calldata _trusted_contracts) external onlyOwner {
        for (uint256 i = 0; i < _trusted_contracts.length; i++) {
            _trust(_trusted_contracts[i]);
        }
    }

    /// @inheritdoc IRaidenMicroTransferChannels
    function removeTrustedContracts(address[] calldata _trusted_contracts) external onlyOwner {
        for (uint256 i = 0; i < _trusted_contracts.length; i++) {
            if (trusted_contracts[_trusted_contracts[i]]) {
                trusted_contracts[_trusted_contracts[i]] = false;
                emit TrustedContract(_trusted_contracts[i], false);
            }
        }
    }

    // === Reading

    /// @inheritdoc IRaidenMicroTransferChannels
    function channels(bytes32 _key) external view returns (uint192 deposit, uint32 open_block_number) {
        Channel storage channel = _channels[_key];
        return (channel.deposit, channel.openBlock);
    }

    /// @inheritdoc IRaidenMicroTransferChannels
    function closing_requests(bytes32 _key)
        external
        view
        returns (uint192 closing_balance, uint32 settle_block_number)
    {
        return (_closingBalances[_key], _channels[_key].settleBlock);
    }

    /// @inheritdoc IRaidenMicroTransferChannels
    function getChannelInfo(address _sender_address, address _receiver_address, uint32 _open_block_number)
        external
        view
        returns (bytes32, uint192, uint32, uint192, uint192)
    {
        (bytes32 key, uint192 deposit, uint32 settleBlock) =
            _liveChannel(_sender_address, _receiver_address, _open_block_number);
        return (key, deposit, settleBlock, _closingBalances[key], withdrawn_balances[key]);
    }

    /// @inheritdoc IRaidenMicroTransferChannels
    function getKey(address _sender_address, address _receiver_address, uint32 _open_block_number)
        public
        pure
        returns (bytes32 data)
    {
        return keccak256(abi.encodePacked(_sender_address, _receiver_address, _open_block_number));
    }

    /// @inheritdoc IRaidenMicroTransferChannels
    function extractBalanceProofSignature(
        address _receiver_address,
        uint32 _open_block_number,
        uint192 _balance,
        bytes calldata _balance_msg_sig
    ) public view returns (address) {
        return Signatures.signer(
            Signatures.balanceProofDigest(_receiver_address, _open_block_number, _balance), _balance_msg_sig
        );
    }

    /// @inheritdoc IRaidenMicroTransferChannels
    function extractClosingSignature(
        address _sender_address,
        uint32 _open_block_number,
        uint192 _balance,
        bytes calldata _closing_sig
    ) public view returns (address) {
        return Signatures.signer(Signatures.closingDigest(_sender_address, _open_block_number, _balance), _closing_sig);
    }

    // === Steps of a channel's life

    /// @dev The caller sees to the tokens.
    function _open(address sender, address receiver, uint256 deposit) private {
        _checkParty(sender);
        _checkParty(receiver);
        if (deposit > channel_deposit_bugbounty_limit) {
            revert DepositTooHigh(0, deposit, channel_deposit_bugbounty_limit);
        }
        uint32 openBlock = _uint32(block.number);
        bytes32 key = getKey(sender, receiver, openBlock);
        if (_channels[key].openBlock != 0 || _spentKeys[key]) revert ChannelExists(sender, receiver, openBlock);

        // Anything up to the limit, checked above, has fewer than 192 bits.
        _channels[key] = Channel(uint192(deposit), openBlock, 0);
        emit ChannelCreated(sender, receiver, uint192(deposit));
    }

    /// @dev The caller sees to the tokens.
    function _topUp(address sender, address receiver, uint32 openBlock, uint256 added) private {
        if (added == 0) revert NothingAdded();
        (bytes32 key, uint256 deposit) = _openChannel(sender, receiver, openBlock);
        // The subtraction cannot underflow: no deposit is above the limit.
        if (added > channel_deposit_bugbounty_limit - deposit) {
            revert DepositTooHigh(deposit, added, channel_deposit_bugbounty_limit);
        }

        _channels[key].deposit = uint192(deposit + added);
        emit ChannelToppedUp(sender, receiver, openBlock, uint192(added));
    }

    /// @dev That withdrawn <= balance <= deposit is the caller's to check.
    function _settle(
        bytes32 key,
        address sender,
        address receiver,
        uint32 openBlock,
        uint192 deposit,
        uint192 balance,
        uint192 withdrawn
    ) private {
        delete _channels[key];
        if (openBlock == block.number) _spentKeys[key] = true;
        emit ChannelSettled(sender, receiver, openBlock, balance, balance - withdrawn);

        token.pay(receiver, balance - withdrawn);
        token.pay(sender, deposit - balance);
    }

    function _trust(address account) private {
        if (account.code.length > 0) {
            trusted_contracts[account] = true;
            emit TrustedContract(account, true);
        }
    }

    // === Checks

    /// @dev Key and deposit of a channel that nobody has asked to close.
    function _openChannel(address sender, address receiver, uint32 openBlock)
        private
        view
        returns (bytes32 key, uint192 deposit)
    {
        uint32 settleBlock;
        (key, deposit, settleBlock) = _liveChannel(sender, receiver, openBlock);
        if (settleBlock != 0) revert ChannelClosing(settleBlock);
    }

    /// @dev Key, deposit and, where its sender has asked to close it, settle block of a channel that is not settled.
    function _liveChannel(address sender, address receiver, uint32 openBlock)
        private
        view
        returns (bytes32 key, uint192 deposit, uint32 settleBlock)
    {
        key = getKey(sender, receiver, openBlock);
        Channel storage channel = _channels[key];
        if (channel.openBlock == 0) revert NoSuchChannel(sender, receiver, openBlock);
        return (key, channel.deposit, channel.settleBlock);
    }

    /// @dev Money of these three could never leave the contract, or never be used.
    function _checkParty(address account) private view {
        if (account == address(0) || account == address(this) || account == address(token)) revert BadParty(account);
    }

    function _uint32(uint256 blockNumber) private pure returns (uint32) {
        if (blockNumber > type(uint32).max) revert BlockNumberTooHigh(blockNumber, type(uint32).max);
        return uint32(blockNumber);
    }
}

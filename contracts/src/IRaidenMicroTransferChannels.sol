// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "./IERC20.sol";
import {IERC223Receiver} from "./IERC223Receiver.sol";

/// @title One-way payment channels for one token: the interface of version 0.2.0
/// @notice A sender locks a deposit for a receiver, pays by signing ever higher balances off chain, and the
/// receiver turns the last one into tokens here.
///
/// Words used throughout:
/// - *channel*: named by sender, receiver and open block, the block that it was opened in;
/// - *deposit*: the tokens locked for the channel, withdrawn ones included;
/// - *balance*: the running total the sender has signed over to the receiver, never the money left;
/// - *balance proof*: the sender's signature over a balance; *closing signature*: the receiver's.
///
/// @dev All amounts are base units of the token. The names of functions, arguments and events, their types and
/// topics are those of version 0.2.0, whose clients keep working: hence the underscores. `docs/contract.md` has the
/// states, the numbered invariants and the known limits.
interface IRaidenMicroTransferChannels is IERC223Receiver {
    /// @notice A channel was opened in this block.
    event ChannelCreated(address indexed _sender_address, address indexed _receiver_address, uint192 _deposit);

    /// @notice The deposit of a channel grew by `_added_deposit`.
    event ChannelToppedUp(
        address indexed _sender_address,
        address indexed _receiver_address,
        uint32 indexed _open_block_number,
        uint192 _added_deposit
    );

    /// @notice The sender asked to close at `_balance`; the challenge period runs from this block.
    event ChannelCloseRequested(
        address indexed _sender_address,
        address indexed _receiver_address,
        uint32 indexed _open_block_number,
        uint192 _balance
    );

    /// @notice A channel was closed for good.
    /// @param _balance The total that the receiver got over the channel's life; the sender got the rest.
    /// @param _receiver_tokens The part of `_balance` that was paid now, the rest having been withdrawn before.
    event ChannelSettled(
        address indexed _sender_address,
        address indexed _receiver_address,
        uint32 indexed _open_block_number,
        uint192 _balance,
        uint192 _receiver_tokens
    );

    /// @notice The receiver took `_withdrawn_balance` tokens out, on top of earlier withdrawals.
    event ChannelWithdraw(
        address indexed _sender_address,
        address indexed _receiver_address,
        uint32 indexed _open_block_number,
        uint192 _withdrawn_balance
    );

    /// @notice `_trusted_contract_address` may (true) or may no longer (false) open and top up for others.
    event TrustedContract(address indexed _trusted_contract_address, bool _trusted_status);

    /// @notice There is no contract at `token`.
    error TokenHasNoCode(address token);

    /// @notice Nobody can hold `token`: its total supply is zero.
    error TokenHasNoSupply(address token);

    /// @notice A challenge period of `period` blocks is below the `minimum`.
    error ChallengePeriodTooShort(uint32 period, uint32 minimum);

    /// @notice Only the owner may do this.
    error NotOwner(address caller, address owner);

    /// @notice Only a trusted contract may act for another sender.
    error NotTrusted(address caller);

    /// @notice Only the token of this contract may announce deposits.
    error NotToken(address caller, address token);

    /// @notice The data of an ERC-223 deposit has `length` bytes: neither 40 (open) nor 44 (top up).
    error BadDataLength(uint256 length);

    /// @notice `account` can neither sign nor be paid: it is the zero address, this contract or its token.
    error BadParty(address account);

    /// @notice With `added` on top of its `deposit` the channel would hold more than the `limit`.
    error DepositTooHigh(uint256 deposit, uint256 added, uint256 limit);

    /// @notice A top-up must add something.
    error NothingAdded();

    /// @notice A channel between the two was opened in this block already, be it closed by now or not.
    error ChannelExists(address sender, address receiver, uint32 openBlock);

    /// @notice The channel was never opened, or it is settled.
    error NoSuchChannel(address sender, address receiver, uint32 openBlock);

    /// @notice The sender has asked to close the channel; it can be settled after `settleBlock`.
    error ChannelClosing(uint32 settleBlock);

    /// @notice The sender has not asked to close the channel.
    error NotClosing(address sender, address receiver, uint32 openBlock);

    /// @notice The challenge period is not over: in block `blockNumber`, which must be above `settleBlock`.
    error ChallengePeriodRunning(uint256 blockNumber, uint32 settleBlock);

    /// @notice `blockNumber` is above `limit`, the highest that a channel can name.
    error BlockNumberTooHigh(uint256 blockNumber, uint256 limit);

    /// @notice `balance` is above what the channel holds, `deposit`.
    error BalanceAboveDeposit(uint192 balance, uint192 deposit);

    /// @notice `balance` is below `withdrawn`, which the receiver has already.
    error BalanceBelowWithdrawn(uint192 balance, uint192 withdrawn);

    /// @notice `balance` leaves nothing to withdraw: `withdrawn` has been taken out before.
    error NothingToWithdraw(uint192 balance, uint192 withdrawn);

    /// @notice The closing signature was made by `signer`, not by the `receiver`.
    error NotSignedByReceiver(address signer, address receiver);

    /// @notice A signature has `length` bytes instead of 65.
    error BadSignatureLength(uint256 length);

    /// @notice The last byte of a signature is `v`: not 27 or 28, nor 0 or 1.
    error BadSignatureV(uint8 v);

    /// @notice No key can have made the signature of `digest`.
    error NoSigner(bytes32 digest);

    /// @notice The token answered a transfer with false, or with something that is no answer.
    error TokenRefused(address token);

    /// @notice Locks `_deposit` of the caller's tokens in a new channel to `_receiver_address`.
    /// @dev The caller must have approved this contract for `_deposit`. The open block is the block of the event.
    /// @param _receiver_address Who is paid.
    /// @param _deposit Tokens to lock, 0 to `channel_deposit_bugbounty_limit`.
    function createChannel(address _receiver_address, uint192 _deposit) external;

    /// @notice Like `createChannel`, by a trusted contract with its own tokens, for `_sender_address`.
    /// @param _sender_address Who pays and gets back what is left.
    /// @param _receiver_address Who is paid.
    /// @param _deposit Tokens to lock, 0 to `channel_deposit_bugbounty_limit`.
    function createChannelDelegate(address _sender_address, address _receiver_address, uint192 _deposit) external;

    /// @notice Adds `_added_deposit` of the caller's tokens to the caller's open channel.
    /// @dev The caller must have approved this contract for `_added_deposit`.
    /// @param _receiver_address Who is paid.
    /// @param _open_block_number The block that the channel was opened in.
    /// @param _added_deposit Tokens to add, at least 1; the sum is bounded by `channel_deposit_bugbounty_limit`.
    function topUp(address _receiver_address, uint32 _open_block_number, uint192 _added_deposit) external;

    /// @notice Like `topUp`, by a trusted contract with its own tokens, for a channel of `_sender_address`.
    /// @param _sender_address Who pays and gets back what is left.
    /// @param _receiver_address Who is paid.
    /// @param _open_block_number The block that the channel was opened in.
    /// @param _added_deposit Tokens to add, at least 1; the sum is bounded by `channel_deposit_bugbounty_limit`.
    function topUpDelegate(
        address _sender_address,
        address _receiver_address,
        uint32 _open_block_number,
        uint192 _added_deposit
    ) external;

    /// @notice Opens or tops up a channel with tokens that came by the token's own `transfer(address,uint256,bytes)`.
    /// @dev Only the token may call. The tokens must come from the channel's sender or from a trusted contract.
    /// @param _sender_address The account that the tokens came from.
    /// @param _deposit The tokens that came.
    /// @param _data To open: sender[20] receiver[20]. To top up: sender[20] receiver[20] open_block[4], big-endian.
    function tokenFallback(address _sender_address, uint256 _deposit, bytes calldata _data) external;

    /// @notice Pays the caller, who is the receiver, what was signed and not yet withdrawn; the channel stays open.
    /// @param _open_block_number The block that the channel was opened in.
    /// @param _balance The signed total: above all earlier withdrawals, at most the deposit.
    /// @param _balance_msg_sig The sender's balance proof for `_balance`.
    function withdraw(uint32 _open_block_number, uint192 _balance, bytes calldata _balance_msg_sig) external;

    /// @notice Settles a channel at once at a balance that both have signed. Anyone may bring the signatures, also
    /// while the challenge period runs: this is how a receiver answers a close request that is too low.
    /// @param _receiver_address Who is paid.
    /// @param _open_block_number The block that the channel was opened in.
    /// @param _balance The signed total: at least what was withdrawn, at most the deposit.
    /// @param _balance_msg_sig The sender's balance proof for `_balance`.
    /// @param _closing_sig The receiver's closing signature for `_balance`.
    function cooperativeClose(
        address _receiver_address,
        uint32 _open_block_number,
        uint192 _balance,
        bytes calldata _balance_msg_sig,
        bytes calldata _closing_sig
    ) external;

    /// @notice Asks to close the caller's channel at `_balance` without the receiver, and starts the challenge
    /// period. This can be done once, and stops top-ups and withdrawals.
    /// @param _receiver_address Who is paid.
    /// @param _open_block_number The block that the channel was opened in.
    /// @param _balance What the caller says is owed in total, at most the deposit.
    function uncooperativeClose(address _receiver_address, uint32 _open_block_number, uint192 _balance) external;

    /// @notice Settles the caller's channel after its challenge period, at the balance that was asked for.
    /// @dev Version 0.2.0 refuses to settle at a balance below what was withdrawn, and so locks the money for ever.
    /// Here the receiver then gets nothing more, and the sender what is left.
    /// @param _receiver_address Who is paid.
    /// @param _open_block_number The block that the channel was opened in.
    function settle(address _receiver_address, uint32 _open_block_number) external;

    /// @notice Lets contracts open and top up channels for others. Only for the owner.
    /// @param _trusted_contracts Addresses; those without code are passed over.
    function addTrustedContracts(address[] calldata _trusted_contracts) external;

    /// @notice Takes back what `addTrustedContracts` gave. Only for the owner.
    /// @param _trusted_contracts Addresses; those that are not trusted are passed over.
    function removeTrustedContracts(address[] calldata _trusted_contracts) external;

    /// @notice Everything about one channel; reverts where there is none.
    /// @return The channel's key.
    /// @return The deposit.
    /// @return The last block of the challenge period, 0 where nobody asked to close.
    /// @return The balance that the sender asked to close at.
    /// @return What the receiver has withdrawn.
    function getChannelInfo(address _sender_address, address _receiver_address, uint32 _open_block_number)
        external
        view
        returns (bytes32, uint192, uint32, uint192, uint192);

    /// @notice The key of a channel: the hash of sender, receiver and open block, packed.
    function getKey(address _sender_address, address _receiver_address, uint32 _open_block_number)
        external
        pure
        returns (bytes32 data);

    /// @notice Who signed a balance proof for this contract; reverts where no key can have made the signature.
    /// @param _receiver_address Who is paid.
    /// @param _open_block_number The block that the channel was opened in.
    /// @param _balance The signed total.
    /// @param _balance_msg_sig 65 bytes, r s v, with v 27 or 28 (or 0 or 1). The higher of the two possible s is
    /// accepted too.
    function extractBalanceProofSignature(
        address _receiver_address,
        uint32 _open_block_number,
        uint192 _balance,
        bytes calldata _balance_msg_sig
    ) external view returns (address);

    /// @notice Who made a closing signature for this contract; reverts where no key can have made it.
    /// @param _sender_address Who pays.
    /// @param _open_block_number The block that the channel was opened in.
    /// @param _balance The signed total.
    /// @param _closing_sig 65 bytes, r s v, as in `extractBalanceProofSignature`.
    function extractClosingSignature(
        address _sender_address,
        uint32 _open_block_number,
        uint192 _balance,
        bytes calldata _closing_sig
    ) external view returns (address);

    /// @notice The deployer, who may choose the trusted contracts and nothing else.
    function owner_address() external view returns (address);

    /// @notice Blocks that the receiver has to answer a close request, at least 500.
    function challenge_period() external view returns (uint32);

    /// @notice The version whose interface this is.
    function version() external view returns (string memory);

    /// @notice The highest deposit of one channel: 100 tokens of 18 decimals.
    function channel_deposit_bugbounty_limit() external view returns (uint256);

    /// @notice The token that all deposits are in.
    function token() external view returns (IERC20);

    /// @notice Deposit and open block of the channel with this key; zeros where there is none.
    function channels(bytes32 _key) external view returns (uint192 deposit, uint32 open_block_number);

    /// @notice What the sender asked to close at, and the last block of the challenge period; zeros where not asked.
    function closing_requests(bytes32 _key) external view returns (uint192 closing_balance, uint32 settle_block_number);

    /// @notice Whether an address may open and top up channels for others.
    function trusted_contracts(address _contract) external view returns (bool);

    /// @notice What the receiver withdrew from the channel with this key; stays readable after settlement.
    function withdrawn_balances(bytes32 _key) external view returns (uint192);
}

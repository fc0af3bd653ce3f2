/** The parts of the contracts' interfaces that a payer uses, and their errors. */

import { parseAbi } from "viem";

/** `RaidenMicroTransferChannels`, version 0.2.x. */
export const CHANNELS = parseAbi([
  "event ChannelCreated(address indexed _sender_address, address indexed _receiver_address, uint192 _deposit)",
  "event ChannelToppedUp(address indexed _sender_address, address indexed _receiver_address, uint32 indexed _open_block_number, uint192 _added_deposit)",
  "event ChannelSettled(address indexed _sender_address, address indexed _receiver_address, uint32 indexed _open_block_number, uint192 _balance, uint192 _receiver_tokens)",
  "function createChannel(address _receiver_address, uint192 _deposit)",
  "function topUp(address _receiver_address, uint32 _open_block_number, uint192 _added_deposit)",
  "function cooperativeClose(address _receiver_address, uint32 _open_block_number, uint192 _balance, bytes _balance_msg_sig, bytes _closing_sig)",
  "function uncooperativeClose(address _receiver_address, uint32 _open_block_number, uint192 _balance)",
  "function settle(address _receiver_address, uint32 _open_block_number)",
  "function getChannelInfo(address _sender_address, address _receiver_address, uint32 _open_block_number) view returns (bytes32, uint192, uint32, uint192, uint192)",
  "function token() view returns (address)",
  "function challenge_period() view returns (uint32)",
  "function channel_deposit_bugbounty_limit() view returns (uint256)",
  "error BadParty(address account)",
  "error DepositTooHigh(uint256 deposit, uint256 added, uint256 limit)",
  "error NothingAdded()",
  "error ChannelExists(address sender, address receiver, uint32 openBlock)",
  "error NoSuchChannel(address sender, address receiver, uint32 openBlock)",
  "error ChannelClosing(uint32 settleBlock)",
  "error NotClosing(address sender, address receiver, uint32 openBlock)",
  "error ChallengePeriodRunning(uint256 blockNumber, uint32 settleBlock)",
  "error BlockNumberTooHigh(uint256 blockNumber, uint256 limit)",
  "error BalanceAboveDeposit(uint192 balance, uint192 deposit)",
  "error BalanceBelowWithdrawn(uint192 balance, uint192 withdrawn)",
  "error NotSignedByReceiver(address signer, address receiver)",
  "error BadSignatureLength(uint256 length)",
  "error BadSignatureV(uint8 v)",
  "error NoSigner(bytes32 digest)",
  "error TokenRefused(address token)",
]);

/** A token with ERC-20, and where it has it ERC-223's transfer with data. */
export const TOKEN = parseAbi([
  "function name() view returns (string)",
  "function symbol() view returns (string)",
  "function decimals() view returns (uint8)",
  "function balanceOf(address account) view returns (uint256)",
  "function allowance(address owner, address spender) view returns (uint256)",
  "function approve(address spender, uint256 amount) returns (bool)",
  "function transfer(address to, uint256 amount, bytes data) returns (bool)",
  "error BalanceTooLow(address account, uint256 balance, uint256 needed)",
  "error AllowanceTooLow(address owner, address spender, uint256 allowance, uint256 needed)",
]);

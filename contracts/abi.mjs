// The committed ABI has everything that the ABI of version 0.2.0 has, under the same names: its clients find arguments
// of events, and the fields of answers, by their names.

import { readFileSync } from "node:fs";
import path from "node:path";
import { contracts } from "./tools.mjs";

/**
 * The constructor, functions and events of version 0.2.0; an argument with * is indexed. (There the arguments of the
 * getters of mappings have no names.)
 */
const expected = `
constructor(address _token_address, uint32 _challenge_period, address[] _trusted_contracts)
function addTrustedContracts(address[] _trusted_contracts)
function challenge_period() returns (uint32)
function channel_deposit_bugbounty_limit() returns (uint256)
function channels(bytes32 _key) returns (uint192 deposit, uint32 open_block_number)
function closing_requests(bytes32 _key) returns (uint192 closing_balance, uint32 settle_block_number)
function cooperativeClose(address _receiver_address, uint32 _open_block_number, uint192 _balance, bytes _balance_msg_sig, bytes _closing_sig)
function createChannel(address _receiver_address, uint192 _deposit)
function createChannelDelegate(address _sender_address, address _receiver_address, uint192 _deposit)
function extractBalanceProofSignature(address _receiver_address, uint32 _open_block_number, uint192 _balance, bytes _balance_msg_sig) returns (address)
function extractClosingSignature(address _sender_address, uint32 _open_block_number, uint192 _balance, bytes _closing_sig) returns (address)
function getChannelInfo(address _sender_address, address _receiver_address, uint32 _open_block_number) returns (bytes32, uint192, uint32, uint192, uint192)
function getKey(address _sender_address, address _receiver_address, uint32 _open_block_number) returns (bytes32 data)
function owner_address() returns (address)
function removeTrustedContracts(address[] _trusted_contracts)
function settle(address _receiver_address, uint32 _open_block_number)
function token() returns (address)
function tokenFallback(address _sender_address, uint256 _deposit, bytes _data)
function topUp(address _receiver_address, uint32 _open_block_number, uint192 _added_deposit)
function topUpDelegate(address _sender_address, address _receiver_address, uint32 _open_block_number, uint192 _added_deposit)
function trusted_contracts(address _contract) returns (bool)
function uncooperativeClose(address _receiver_address, uint32 _open_block_number, uint192 _balance)
function version() returns (string)
function withdraw(uint32 _open_block_number, uint192 _balance, bytes _balance_msg_sig)
function withdrawn_balances(bytes32 _key) returns (uint192)
event ChannelCloseRequested(address* _sender_address, address* _receiver_address, uint32* _open_block_number, uint192 _balance)
event ChannelCreated(address* _sender_address, address* _receiver_address, uint192 _deposit)
event ChannelSettled(address* _sender_address, address* _receiver_address, uint32* _open_block_number, uint192 _balance, uint192 _receiver_tokens)
event ChannelToppedUp(address* _sender_address, address* _receiver_address, uint32* _open_block_number, uint192 _added_deposit)
event ChannelWithdraw(address* _sender_address, address* _receiver_address, uint32* _open_block_number, uint192 _withdrawn_balance)
event TrustedContract(address* _trusted_contract_address, bool _trusted_status)
`.trim().split("\n");

const args = (list) => `(${list.map(({ type, indexed, name }) => `${type}${indexed ? "*" : ""} ${name}`.trim()).join(", ")})`;

function line({ type, name, inputs, outputs = [] }) {
  const head = type === "constructor" ? type : `${type} ${name}`;
  return `${head}${args(inputs)}${outputs.length > 0 ? ` returns ${args(outputs)}` : ""}`;
}

const artifact = path.join(contracts, "artifacts", "RaidenMicroTransferChannels.json");
const { abi } = JSON.parse(readFileSync(artifact, "utf8"));
const found = abi.filter(({ type }) => type !== "error").map(line);
const missing = expected.filter((wanted) => !found.includes(wanted)).map((wanted) => `missing: ${wanted}`);
const unexpected = found.filter((given) => !expected.includes(given)).map((given) => `not in version 0.2.0: ${given}`);

if (missing.length + unexpected.length > 0) {
  console.error([...missing, ...unexpected].join("\n"));
  process.exitCode = 1;
}

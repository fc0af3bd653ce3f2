/**
 * What is signed: the two messages of the contract, version 0.2.x.
 *
 * Each is legacy (pre-EIP-712) typed data: wallets show its parts and sign the hash of them. Neither names the chain.
 */

import { concat, encodePacked, type Hex, keccak256, stringToHex } from "viem";

import type { TokenAmount } from "./amount.js";
import type { ChannelId } from "./channel.js";

/** One part of a message, as `eth_signTypedData` takes it. Numbers are decimal texts, so that none is rounded. */
export interface TypedValue {
  readonly type: "string" | "address" | "uint32" | "uint192";
  readonly name: string;
  readonly value: string;
}

/** The message under a balance proof, which the sender signs. */
export function balanceProofMessage(channel: ChannelId, balance: TokenAmount): TypedValue[] {
  return message("Sender balance proof signature", "receiver", channel.receiver, channel, balance);
}

/** The message under a closing agreement, which the receiver signs. */
export function closingMessage(channel: ChannelId, balance: TokenAmount): TypedValue[] {
  return message("Receiver closing signature", "sender", channel.sender, channel, balance);
}

/** The keccak-256 of the hash of the parts' types and names, and the hash of their packed values. */
export function digestOf(message: readonly TypedValue[]): Hex {
  const schema = message.map(({ type, name }) => stringToHex(`${type} ${name}`));
  const values = encodePacked(
    message.map(({ type }) => type),
    message.map(({ type, value }) => (type === "uint32" ? Number(value) : type === "uint192" ? BigInt(value) : value)),
  );
  return keccak256(concat([keccak256(concat(schema)), keccak256(values)]));
}

function message(
  id: string,
  role: "receiver" | "sender",
  party: string,
  channel: ChannelId,
  balance: TokenAmount,
): TypedValue[] {
  return [
    { type: "string", name: "message_id", value: id },
    { type: "address", name: role, value: party },
    { type: "uint32", name: "block_created", value: String(channel.openBlock) },
    { type: "uint192", name: "balance", value: String(balance) },
    { type: "address", name: "contract", value: channel.contract },
  ];
}

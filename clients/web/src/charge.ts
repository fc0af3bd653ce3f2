/** What a 402 says: the terms, what is wrong with our payment, and what the server holds. */

import { type Address, parseAddress } from "./address.js";
import { type Price, parseAmount, parsePrice, type TokenAmount } from "./amount.js";
import type { ChannelId } from "./channel.js";
import { FalseBalance, Unreadable, UraidenError } from "./error.js";
import * as header from "./header.js";
import { proofSigner } from "./proof.js";
import { parseSignature, type Signature } from "./signature.js";

/** A 402, read. */
export interface Charge {
  /** What is asked. */
  readonly terms: Terms;
  /** What is wrong with the payment that was sent; `undefined` also where it was a replay. */
  readonly complaint: Complaint | undefined;
  /** What the server says it holds. A claim: see {@link verified}. */
  readonly held: Held | undefined;
}

/** What a server asks for a resource. */
export interface Terms {
  /** What one request costs. */
  readonly price: Price;
  /** The contract that must hold the deposit. */
  readonly contract: Address;
  /** Who must be paid. */
  readonly receiver: Address;
  /** The token that the price is in. */
  readonly token: Address;
  /** The path root of the channel API. */
  readonly gatewayPath: string;
}

/** What is wrong with a payment, in the words of the headers. */
export type Complaint =
  | "nonexisting-channel"
  | "insufficient-confirmations"
  | "invalid-balance-proof"
  | "invalid-amount";

/** The balance that a server says it holds for our channel. */
export interface Held {
  readonly balance: TokenAmount;
  /** The proof of it; absent before the first payment. */
  readonly signature: Signature | undefined;
}

/** Says what stands under one of the protocol's names: a header's value, or the same fact from elsewhere. */
export type Lookup = (name: string) => string | undefined;

/** Only whether a header is there counts, and they are looked for in the order of the original client. */
const COMPLAINTS: readonly [string, Complaint][] = [
  [header.NONEXISTING_CHANNEL, "nonexisting-channel"],
  [header.INSUFFICIENT_CONFIRMATIONS, "insufficient-confirmations"],
  [header.INVALID_BALANCE_PROOF, "invalid-balance-proof"],
  [header.INVALID_AMOUNT, "invalid-amount"],
];

/** Looks up HTTP headers. */
export function inHeaders(headers: Headers): Lookup {
  return (name) => headers.get(name) ?? undefined;
}

/**
 * Reads what a 402 says.
 *
 * @throws {Unreadable} names the header that is missing or makes no sense.
 */
export function readCharge(lookup: Lookup): Charge {
  const balance = optional(lookup, header.SENDER_BALANCE, parseAmount);
  const held =
    balance === undefined
      ? undefined
      : { balance, signature: optional(lookup, header.BALANCE_SIGNATURE, parseSignature) };
  const complaint = COMPLAINTS.find(([name]) => lookup(name) !== undefined)?.[1];
  return { terms: readTerms(lookup), complaint, held };
}

/** The balance that an answer shows, where it shows a readable one. */
export function shownBalance(lookup: Lookup): TokenAmount | undefined {
  try {
    return optional(lookup, header.SENDER_BALANCE, parseAmount);
  } catch {
    return undefined;
  }
}

/**
 * The balance that is held, if it is one that the channel's sender signed, or zero.
 *
 * @throws {FalseBalance}
 */
export async function verified(held: Held, channel: ChannelId): Promise<TokenAmount> {
  const { balance, signature } = held;
  if (balance === 0n) return balance;
  const signer = signature && (await proofSigner(channel, { balance, signature }));
  if (signer !== channel.sender) throw new FalseBalance(balance, channel);
  return balance;
}

function readTerms(lookup: Lookup): Terms {
  return {
    price: required(lookup, header.PRICE, parsePrice),
    contract: required(lookup, header.CONTRACT_ADDRESS, parseAddress),
    receiver: required(lookup, header.RECEIVER_ADDRESS, parseAddress),
    token: required(lookup, header.TOKEN_ADDRESS, parseAddress),
    gatewayPath: required(lookup, header.GATEWAY_PATH, (text) => text),
  };
}

function required<T>(lookup: Lookup, name: string, parse: (text: string) => T): T {
  const value = optional(lookup, name, parse);
  if (value === undefined) throw new Unreadable(name, "it is missing");
  return value;
}

function optional<T>(lookup: Lookup, name: string, parse: (text: string) => T): T | undefined {
  const text = lookup(name);
  if (text === undefined) return undefined;
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof UraidenError) throw new Unreadable(name, error.message);
    throw error;
  }
}

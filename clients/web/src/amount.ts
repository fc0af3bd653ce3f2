/** Amounts of the channel's token, in base units; never "whole tokens", never a float. */

import type { Brand } from "./brand.js";
import { ValueError } from "./error.js";

/** 0 to 2^192 - 1, the width of a deposit in the contract. */
export type TokenAmount = Brand<bigint, "TokenAmount">;

/** An amount above 0. */
export type Price = Brand<TokenAmount, "Price">;

/** Nothing. */
export const ZERO = 0n as TokenAmount;

/** 2^192 - 1. */
export const MAX_AMOUNT = (2n ** 192n - 1n) as TokenAmount;

/**
 * Checks the range.
 *
 * @throws {ValueError}
 */
export function tokenAmount(value: bigint): TokenAmount {
  if (value < 0n || value > MAX_AMOUNT) {
    throw new ValueError("amount", String(value), "0 to 2^192 - 1 are expected");
  }
  return value as TokenAmount;
}

/**
 * Reads decimal digits, without a sign.
 *
 * @throws {ValueError}
 */
export function parseAmount(text: string): TokenAmount {
  if (!/^[0-9]+$/.test(text)) throw new ValueError("amount", text, "only decimal digits are expected");
  return tokenAmount(BigInt(text));
}

/**
 * Reads an amount above 0.
 *
 * @throws {ValueError}
 */
export function parsePrice(text: string): Price {
  const amount = parseAmount(text);
  if (amount === 0n) throw new ValueError("price", text, "a price is above 0");
  return amount as Price;
}

/** The lesser of two amounts. */
export function lesser(a: TokenAmount, b: TokenAmount): TokenAmount {
  return a < b ? a : b;
}

/** The greater of two amounts. */
export function greater(a: TokenAmount, b: TokenAmount): TokenAmount {
  return a > b ? a : b;
}

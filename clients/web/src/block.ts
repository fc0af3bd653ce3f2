/** Block numbers. */

import type { Brand } from "./brand.js";
import { ValueError } from "./error.js";

/** 0 to 2^32 - 1, the width of an open block in the contract. */
export type BlockNumber = Brand<number, "BlockNumber">;

const MAX_BLOCK = 2 ** 32 - 1;

/**
 * Checks the range.
 *
 * @throws {ValueError}
 */
export function blockNumber(value: bigint | number): BlockNumber {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 0 || number > MAX_BLOCK) {
    throw new ValueError("block number", String(value), `0 to ${MAX_BLOCK} are expected`);
  }
  return number as BlockNumber;
}

/**
 * Reads decimal digits, without a sign.
 *
 * @throws {ValueError}
 */
export function parseBlock(text: string): BlockNumber {
  if (!/^[0-9]+$/.test(text)) throw new ValueError("block number", text, "only decimal digits are expected");
  return blockNumber(BigInt(text));
}

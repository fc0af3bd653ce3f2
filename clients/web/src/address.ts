/** Addresses. */

import { getAddress } from "viem";

import type { Brand } from "./brand.js";
import { ValueError } from "./error.js";

/** An Ethereum address in its EIP-55 form. */
export type Address = Brand<`0x${string}`, "Address">;

/**
 * Reads 40 hex digits, `0x` optional, in any single case or in mixed case with the right EIP-55 checksum.
 *
 * @throws {ValueError}
 */
export function parseAddress(text: string): Address {
  const digits = text.replace(/^0x/, "");
  if (!/^[0-9a-fA-F]{40}$/.test(digits)) throw new ValueError("address", text, "40 hex digits are expected");
  const address = getAddress(`0x${digits.toLowerCase()}`);
  const mixed = digits !== digits.toLowerCase() && digits !== digits.toUpperCase();
  if (mixed && address !== `0x${digits}`) throw new ValueError("address", text, "its EIP-55 checksum is wrong");
  return address as Address;
}

/** Signatures as the contract reads them, and who made them. */

import { type Hex, recoverAddress } from "viem";

import type { Address } from "./address.js";
import type { Brand } from "./brand.js";
import { ValueError } from "./error.js";

/** `0x` and 130 lower-case hex digits: r, s, and v as 27 or 28. */
export type Signature = Brand<Hex, "Signature">;

/**
 * Reads 65 bytes in hex, `0x` optional, with `v` one of 0, 1, 27 and 28: the contract knows no other.
 *
 * @throws {ValueError}
 */
export function parseSignature(text: string): Signature {
  const digits = text.replace(/^0x/, "").toLowerCase();
  if (!/^[0-9a-f]*$/.test(digits)) throw new ValueError("signature", text, "only hex digits are expected");
  if (digits.length !== 130) {
    throw new ValueError("signature", text, `it has ${digits.length} hex digits, where 130 are expected`);
  }
  const v = Number.parseInt(digits.slice(128), 16);
  const standard = v < 27 ? v + 27 : v;
  if (standard !== 27 && standard !== 28) {
    throw new ValueError("signature", text, `its last byte (v) is ${v}, where 0, 1, 27 or 28 is expected`);
  }
  return `0x${digits.slice(0, 128)}${standard.toString(16)}` as Signature;
}

/** Exactly what `ecrecover` answers in the contract; `undefined` where there is no signer. */
export async function signerOf(digest: Hex, signature: Signature): Promise<Address | undefined> {
  try {
    return (await recoverAddress({ hash: digest, signature })) as Address;
  } catch {
    // r or s is out of range, or no point of the curve has this r.
    return undefined;
  }
}

import { readFileSync } from "node:fs";

import { describe, expect, test } from "vitest";

import {
  agreementSigner,
  balanceProofMessage,
  type ChannelId,
  closingMessage,
  digestOf,
  parseAddress,
  parseAmount,
  parseBlock,
  parseSignature,
  proofSigner,
  type Signature,
  ValueError,
} from "../src/index.js";
import { signLegacy } from "./fake-wallet.js";

interface Vector {
  receiver?: string;
  sender?: string;
  open_block: string;
  balance: string;
  contract: string;
  digest: `0x${string}`;
  signature: string;
  private_key: `0x${string}`;
  signer: string | null;
  note: string;
}

const vectors = JSON.parse(
  readFileSync(new URL("../../../tests/vectors/balance_proofs.json", import.meta.url), "utf8"),
) as Record<string, Vector[]>;

const NOBODY = parseAddress("0x0000000000000000000000000000000000000000");

function channelOf(vector: Vector): ChannelId {
  return {
    contract: parseAddress(vector.contract),
    receiver: vector.receiver ? parseAddress(vector.receiver) : NOBODY,
    sender: vector.sender ? parseAddress(vector.sender) : NOBODY,
    openBlock: parseBlock(vector.open_block),
  };
}

/** Null where nobody signed, or where the contract would not even read the signature. */
async function signer(vector: Vector, of: typeof proofSigner): Promise<string | null> {
  let signature: Signature;
  try {
    signature = parseSignature(vector.signature);
  } catch (error) {
    expect(error).toBeInstanceOf(ValueError);
    return null;
  }
  return (await of(channelOf(vector), { balance: parseAmount(vector.balance), signature })) ?? null;
}

describe.each([
  ["balance_proofs", balanceProofMessage, proofSigner, 60],
  ["closing_agreements", closingMessage, agreementSigner, 60],
] as const)("%s", (list, message, signerOf, count) => {
  const cases = vectors[list] ?? [];

  test("are all there", () => {
    expect(cases).toHaveLength(count);
    expect(new Set(cases.map(({ signer }) => signer === null))).toEqual(new Set([true, false]));
  });

  test.each(cases.map((vector, at) => [at, vector.note, vector] as const))("%i: %s", async (_at, _note, vector) => {
    expect(digestOf(message(channelOf(vector), parseAmount(vector.balance)))).toBe(vector.digest);
    expect(await signer(vector, signerOf)).toBe(vector.signer);
  });

  test("a wallet signs the same message to the same signature", () => {
    for (const vector of cases.filter(({ note }) => note === "valid, v is 27 or 28")) {
      const data = message(channelOf(vector), parseAmount(vector.balance));
      expect(signLegacy(vector.private_key, data)).toBe(vector.signature);
    }
  });
});

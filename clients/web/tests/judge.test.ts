import { expect, test } from "vitest";

import { type Charge, type Complaint, judge, tokenAmount } from "../src/index.js";
import { fakeWallet } from "./fake-wallet.js";
import { channel, proof, terms } from "./ground.js";

/** The server's answer to the proof of 10: what it complains of, and the balance that it shows with our signature. */
async function judged(complaint: Complaint | undefined, held: bigint | undefined, sent = 10n, young = false): Promise<string> {
  const signed = held === undefined || held === 0n ? undefined : proof(held);
  const charge: Charge = {
    terms,
    complaint,
    held: held === undefined ? undefined : { balance: tokenAmount(held), signature: signed?.signature },
  };
  try {
    const next = await judge(channel, tokenAmount(sent), young, charge);
    switch (next.kind) {
      case "repeat":
        return `repeat: ${next.missing}`;
      case "resume":
        return `resume from ${next.balance}`;
      case "lost":
        return "lost";
    }
  } catch (error) {
    return (error as Error).name;
  }
}

test.each([
  ["nonexisting-channel", undefined, "ChannelRefused"],
  ["insufficient-confirmations", undefined, "repeat: confirmations"],
  ["invalid-balance-proof", undefined, "ProofRefused"],
  ["invalid-balance-proof", 7n, "repeat: deposit"],
  ["invalid-amount", 7n, "resume from 7"],
  ["invalid-amount", 0n, "resume from 0"],
  ["invalid-amount", 10n, "lost"],
  ["invalid-amount", undefined, "Unexplained"],
  [undefined, 10n, "lost"],
  [undefined, 7n, "repeat: deposit"],
  [undefined, 6n, "resume from 6"],
  [undefined, undefined, "Unexplained"],
] as const)("a 402 with %s that shows %s is answered by: %s", async (complaint, held, outcome) => {
  expect(await judged(complaint, held)).toBe(outcome);
});

test("a channel that has not paid yet may be one that the server has not seen", async () => {
  expect(await judged("nonexisting-channel", undefined, 10n, true)).toBe("repeat: opening");
});

test("a balance of 0 is a question, and its own state no loss", async () => {
  expect(await judged(undefined, 0n, 0n)).toBe("resume from 0");
  expect(await judged("invalid-amount", 9n, 0n)).toBe("resume from 9");
});

test.each(["insufficient-confirmations", "invalid-balance-proof", "invalid-amount", undefined] as const)(
  "a balance without our signature is false, whatever else is said: %s",
  async (complaint) => {
    const stranger = proof(50n, fakeWallet().key);
    for (const signature of [undefined, stranger.signature, proof(51n).signature]) {
      const held = { balance: tokenAmount(50n), signature };
      await expect(judge(channel, tokenAmount(10n), false, { terms, complaint, held })).rejects.toMatchObject({
        name: "FalseBalance",
        claimed: 50n,
      });
    }
  },
);

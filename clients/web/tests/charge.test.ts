import { expect, test } from "vitest";

import { inHeaders, readCharge, shownBalance } from "../src/index.js";
import { proof, terms } from "./ground.js";

const ASKED = {
  "RDN-Price": "3",
  "RDN-Contract-Address": terms.contract,
  "RDN-Receiver-Address": terms.receiver.toLowerCase(),
  "RDN-Token-Address": terms.token,
  "RDN-Gateway-Path": "/api/1",
};

function read(more: Record<string, string> = {}) {
  return readCharge(inHeaders(new Headers({ ...ASKED, ...more })));
}

test("a 402 names the terms", () => {
  expect(read()).toEqual({ terms, complaint: undefined, held: undefined });
});

test("what is wrong counts by its header, whatever the value, in the order of the original client", () => {
  for (const [header, complaint] of [
    ["RDN-Invalid-Amount", "invalid-amount"],
    ["RDN-Invalid-Balance-Proof", "invalid-balance-proof"],
    ["RDN-Insufficient-Confirmations", "insufficient-confirmations"],
    ["RDN-Nonexisting-Channel", "nonexisting-channel"],
  ] as const) {
    expect(read({ [header]: "0" }).complaint).toBe(complaint);
    expect(read({ "RDN-Invalid-Amount": "1", [header]: "1" }).complaint).toBe(complaint);
  }
});

test("what the server holds comes with our signature, or without before the first payment", () => {
  const { signature } = proof(7n);
  expect(read({ "RDN-Sender-Balance": "7", "RDN-Balance-Signature": signature }).held).toEqual({ balance: 7n, signature });
  expect(read({ "RDN-Sender-Balance": "0" }).held).toEqual({ balance: 0n, signature: undefined });
});

test.each([
  ["RDN-Price", "0"],
  ["RDN-Price", "1.5"],
  ["RDN-Price", "-3"],
  ["RDN-Price", String(2n ** 192n)],
  ["RDN-Contract-Address", "0x12"],
  ["RDN-Receiver-Address", "0x70997970c51812dc3A010C7d01b50e0d17dc79C8"],
  ["RDN-Sender-Balance", "1e3"],
  ["RDN-Balance-Signature", "0x00"],
])("%s: %s cannot be read, and is named", (name, value) => {
  expect(() => read({ "RDN-Sender-Balance": "1", [name]: value })).toThrow(expect.objectContaining({ name: "Unreadable", message: expect.stringContaining(name) }));
});

test.each(Object.keys(ASKED))("without %s there are no terms", (name) => {
  const headers = new Headers(ASKED);
  headers.delete(name);
  expect(() => readCharge(inHeaders(headers))).toThrow(expect.objectContaining({ name: "Unreadable", message: expect.stringContaining(name) }));
});

test("a balance that an answer shows is taken only where it can be read", () => {
  const shown = (value: string) => shownBalance(inHeaders(new Headers({ "RDN-Sender-Balance": value })));
  expect([shown("12"), shown("x"), shownBalance(inHeaders(new Headers()))]).toEqual([12n, undefined, undefined]);
});

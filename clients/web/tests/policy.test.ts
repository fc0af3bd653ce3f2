import { expect, test } from "vitest";

import { fakeWallet } from "./fake-wallet.js";
import { terms } from "./ground.js";
import { addition, checkTerms } from "../src/policy.js";
import { type Deposit, MAX_AMOUNT, policy, type Price, tokenAmount } from "../src/index.js";

const LIMITS = { maxPrice: tokenAmount(3n), maxDeposit: tokenAmount(100n) };
const PRICE = 3n as Price;

test("a price up to the limit is paid, one above it is not", () => {
  checkTerms(policy(LIMITS), terms);
  const above = { ...terms, price: 4n as Price };
  expect(() => checkTerms(policy(LIMITS), above)).toThrow(expect.objectContaining({ name: "PriceAboveLimit" }));
});

test.each(["contract", "receiver"] as const)("only the %s that is allowed is paid", (what) => {
  checkTerms(policy({ ...LIMITS, [what]: terms[what] }), terms);
  const other = policy({ ...LIMITS, [what]: fakeWallet().address });
  expect(() => checkTerms(other, terms)).toThrow(expect.objectContaining({ name: "OtherParty", what }));
});

test.each([
  // What the channel holds, what it has to cover, what is added by 10 payments of 3, or by 20.
  [0n, 3n, 30n, 20n],
  [0n, 50n, 50n, 50n],
  [40n, 43n, 30n, 20n],
  [80n, 83n, 20n, 20n],
  [85n, 88n, 15n, 15n],
  [97n, 100n, 3n, 3n],
])("with %s locked, a balance of %s adds %s or %s", (deposit, balance, byPayments, byAmount) => {
  const added = (usual: Deposit) => addition(policy({ ...LIMITS, deposit: usual }), tokenAmount(deposit), balance, PRICE);
  expect(added({ payments: 10n })).toBe(byPayments);
  expect(added({ amount: tokenAmount(20n) })).toBe(byAmount);
});

test.each([
  [0n, 101n],
  [98n, 101n],
  [101n, 104n],
])("with %s locked, a balance of %s is beyond the limit", (deposit, balance) => {
  expect(() => addition(policy(LIMITS), tokenAmount(deposit), balance, PRICE)).toThrow(
    expect.objectContaining({ name: "DepositAboveLimit", needed: balance, limit: 100n }),
  );
});

test("as many payments as no deposit can hold are cut at what it can", () => {
  const widest = policy({ ...LIMITS, maxDeposit: MAX_AMOUNT, deposit: { payments: MAX_AMOUNT } });
  expect(addition(widest, tokenAmount(0n), 3n, PRICE)).toBe(MAX_AMOUNT);
});

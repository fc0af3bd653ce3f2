import { expect, test } from "vitest";

import { formatEther } from "../merchant/ether.js";
import { count, formatAmount, formatDecimal, parseDecimal } from "../page/format.js";

const TOKEN = { name: "Token", symbol: "TKN", decimals: 18 };

test.each([
  [0n, 18, "0"],
  [1n, 18, "0.000000000000000001"],
  [5_000_000_000_000_000n, 18, "0.005"],
  [1_234_567n * 10n ** 18n, 18, "1,234,567"],
  [1234n, 0, "1,234"],
  [1234n, 2, "12.34"],
])("%s with %s decimals is %s, in both directions", (amount, decimals, text) => {
  expect(formatDecimal(amount, decimals)).toBe(text);
  expect(parseDecimal(text, decimals)).toBe(amount);
});

test.each(["", " ", ".", "-1", "1e3", "1.234", "1,2", "12,34", "1,0000", "0x1", "١"])("%j is no amount", (text) => {
  expect(parseDecimal(text, 2)).toBeUndefined();
});

test("an amount whose token is not known is in base units", () => {
  expect(formatAmount(1500n, undefined)).toBe("1,500 base units");
  expect(formatAmount(1500n, TOKEN)).toBe("0.0000000000000015 TKN");
});

test("ether is rounded up, so that nothing looks free", () => {
  const texts = [0n, 1n, 10n ** 12n, 10n ** 12n + 1n, 2n * 10n ** 18n].map(formatEther);
  expect(texts).toEqual(["0 ETH", "0.000001 ETH", "0.000001 ETH", "0.000002 ETH", "2 ETH"]);
});

test("one block, two blocks", () => {
  expect([count(1, "block"), count(2n, "block"), count(0, "block")]).toEqual(["1 block", "2 blocks", "0 blocks"]);
});

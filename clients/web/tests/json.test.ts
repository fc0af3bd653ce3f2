import { expect, test } from "vitest";

import { parseJson, parseObject } from "../src/index.js";

const WIDEST = 2n ** 192n - 1n;

test("integers keep all their digits, other numbers and texts are as they are", () => {
  const text = `{"a": ${WIDEST}, "b": [-1, 0, 1.5, 1e3, "12", "say \\"34\\" \\\\"], "c": {"5": null, "d": true}}`;
  expect(parseJson(text)).toEqual({ a: WIDEST, b: [-1n, 0n, 1.5, 1000, "12", 'say "34" \\'], c: { "5": null, d: true } });
});

test.each(["", "{", "01", "1 2", "nine", "{'a': 1}", '{"a": -}', "\u0000"])("%j is no JSON", (text) => {
  expect(() => parseJson(text)).toThrow(expect.objectContaining({ name: "ValueError" }));
});

test.each(["[]", "1", '"x"', "null"])("%s is no object", (text) => {
  expect(() => parseObject(text)).toThrow(expect.objectContaining({ name: "ValueError" }));
});

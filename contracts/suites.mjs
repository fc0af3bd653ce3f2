// The tests in test/, by suite.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { contracts } from "./tools.mjs";

const folder = path.join(contracts, "test");

/** @returns {string[]} The names of the files in test/ that end so, without the ending. */
export function stems(ending) {
  return readdirSync(folder).filter((file) => file.endsWith(ending)).map((file) => file.slice(0, -ending.length));
}

/** @returns {string} A file in test/. */
export function read(file) {
  return readFileSync(path.join(folder, file), "utf8");
}

/** @returns {string[]} The functions of test/X.t.sol and, where its contract is a kind of Y, of test/Y.sol, in order. */
export function functions(suite) {
  const source = read(`${suite}.t.sol`);
  const parent = new RegExp(`contract ${suite}Test is (\\w+)`).exec(source)?.[1];
  const inherited = parent && existsSync(path.join(folder, `${parent}.sol`)) ? read(`${parent}.sol`) : "";
  return [...(source + inherited).matchAll(/function (\w+)\(/g)].map(([, name]) => name);
}

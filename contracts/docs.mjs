// docs/contract.md names no test that does not exist, and leaves out no error of the contract.

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { contracts } from "./tools.mjs";

const page = readFileSync(path.join(contracts, "..", "docs", "contract.md"), "utf8");
const read = (...parts) => readFileSync(path.join(contracts, ...parts), "utf8");

const suites = readdirSync(path.join(contracts, "test")).filter((name) => name.endsWith(".t.sol"));
const tests = suites.flatMap((name) =>
  [...read("test", name).matchAll(/function (\w+)\(/g)].map(([, test]) => `${name.slice(0, -".t.sol".length)}.${test}`),
);
const named = [...page.matchAll(/`(\w+\.(?:test_|invariant_|afterInvariant)\w*)`/g)].map(([, test]) => test);
const { abi } = JSON.parse(read("artifacts", "RaidenMicroTransferChannels.json"));

const faults = [
  ...named.filter((test) => !tests.includes(test)).map((test) => `names ${test}, which does not exist`),
  ...abi
    .filter(({ type, name }) => type === "error" && !page.includes(`\`${name}\``))
    .map(({ name }) => `does not tell of the error ${name}`),
];
if (named.length === 0) faults.push("names no tests");

if (faults.length > 0) {
  console.error(faults.map((fault) => `docs/contract.md ${fault}`).join("\n"));
  process.exitCode = 1;
}

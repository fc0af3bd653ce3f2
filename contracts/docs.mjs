// docs/contract.md names no test that does not exist, and leaves out no error of the contract.

import { readFileSync } from "node:fs";
import path from "node:path";
import { functions, stems } from "./suites.mjs";
import { contracts } from "./tools.mjs";

const page = readFileSync(path.join(contracts, "..", "docs", "contract.md"), "utf8");
const artifact = path.join(contracts, "artifacts", "RaidenMicroTransferChannels.json");
const { abi } = JSON.parse(readFileSync(artifact, "utf8"));

const tests = stems(".t.sol").flatMap((suite) => functions(suite).map((name) => `${suite}.${name}`));
const named = [...page.matchAll(/`(\w+\.(?:test_|invariant_|afterInvariant)\w*)`/g)].map(([, test]) => test);
const errors = abi.filter(({ type }) => type === "error").map(({ name }) => name);

const faults = [
  ...named.filter((test) => !tests.includes(test)).map((test) => `names ${test}, which does not exist`),
  ...errors.filter((error) => !page.includes(`\`${error}\``)).map((error) => `does not tell of the error ${error}`),
];
if (named.length === 0) faults.push("names no test");

if (faults.length > 0) {
  console.error(faults.map((fault) => `docs/contract.md ${fault}`).join("\n"));
  process.exitCode = 1;
}

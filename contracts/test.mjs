// Everything there is to check of the contracts: node contracts/test.mjs
//
// Needs the pinned tools (tools.mjs says where they are looked for), and nothing from the network.

import { spawnSync } from "node:child_process";
import path from "node:path";
import { forgeTest, unformatted } from "./forge.mjs";
import { contracts } from "./tools.mjs";

/** Each check is a name and what gives its results. */
const checks = [
  script("the artefacts are what the sources compile to", "build.mjs", "--check"),
  script("the ABI is that of version 0.2.0", "abi.mjs"),
  script("the trees are what the tests prove", "trees.mjs"),
  script("the documentation names tests that exist, and all errors", "docs.mjs"),
  script("no call uses more gas than it may, nor other than recorded", "gas.mjs"),
  ["the sources are formatted", () => one("the sources are formatted", unformatted())],
  ["forge runs the tests", () => forgeTest()],
];

function script(name, file, ...args) {
  return [name, () => {
    const { status, stderr, error } = spawnSync(process.execPath, [path.join(contracts, file), ...args], {
      encoding: "utf8",
    });
    if (error) throw error;
    return one(name, status === 0 ? "" : stderr.trim() || `${file} ended with ${status}`);
  }];
}

function one(name, reason) {
  return [{ name, passed: reason === "", reason }];
}

function run([name, check]) {
  try {
    return check();
  } catch (error) {
    return one(name, error.message);
  }
}

const results = checks.flatMap(run);
const failed = results.filter(({ passed }) => !passed);

for (const { name, passed } of results) console.log(`${passed ? "ok    " : "FAILED"} ${name}`);
for (const { name, reason } of failed) console.log(`\n${name}:\n${reason}`);
console.log(`${results.length - failed.length} passed, ${failed.length} failed`);
process.exitCode = failed.length > 0 ? 1 : 0;

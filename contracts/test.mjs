// Everything there is to check of the contracts: node contracts/test.mjs
//
// Needs the pinned tools (tools.mjs says where they are looked for), and nothing from the network.

import { spawnSync } from "node:child_process";
import path from "node:path";
import { forgeTest } from "./forge.mjs";
import { contracts } from "./tools.mjs";

const scripts = [
  ["the artefacts are what the sources compile to", "build.mjs", "--check"],
  ["the ABI is that of version 0.2.0", "abi.mjs"],
  ["the trees are what the tests prove", "trees.mjs"],
  ["the documentation names tests that exist, and all errors", "docs.mjs"],
  ["no call uses more gas than it may, nor other than recorded", "gas.mjs"],
];

function runScript([name, script, ...args]) {
  const { status, stderr, error } = spawnSync(process.execPath, [path.join(contracts, script), ...args], {
    encoding: "utf8",
  });
  if (error) throw error;
  return { name, passed: status === 0, reason: stderr.trim() };
}

const results = [...scripts.map(runScript), ...forgeTest()];
const failed = results.filter(({ passed }) => !passed);

for (const { name, passed } of results) console.log(`${passed ? "ok    " : "FAILED"} ${name}`);
for (const { name, reason } of failed) console.log(`\n${name}:\n${reason}`);
console.log(`${results.length - failed.length} passed, ${failed.length} failed`);
process.exitCode = failed.length > 0 ? 1 : 0;

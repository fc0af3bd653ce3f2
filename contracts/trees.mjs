// Each test/X.tree lists, by given and when, what test/X.t.sol proves. This holds the two together: the leaf "it pays
// both" of the tree is the function test_it_pays_both, in the same order, and there is no test without a leaf.

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { contracts } from "./tools.mjs";

const folder = path.join(contracts, "test");
/** Proves what no tree of one entry point can: its tests are the numbered invariants of docs/contract.md. */
const withoutTree = ["Invariants"];

function leaves(name) {
  const lines = readFileSync(path.join(folder, `${name}.tree`), "utf8").split("\n");
  return lines.flatMap((line) => /[├└]── (it .*)$/.exec(line)?.[1].replaceAll(/[ .]/g, "_") ?? []);
}

function tests(name) {
  const source = readFileSync(path.join(folder, `${name}.t.sol`), "utf8");
  return [...source.matchAll(/function test_(\w+)\(/g)].map(([, test]) => test);
}

const stems = (ending) =>
  readdirSync(folder).filter((file) => file.endsWith(ending)).map((file) => file.slice(0, -ending.length));

const faults = stems(".t.sol")
  .filter((name) => !withoutTree.includes(name) && !stems(".tree").includes(name))
  .map((name) => `test/${name}.t.sol has no tree`);

for (const name of stems(".tree")) {
  const [told, proven] = [leaves(name), tests(name)];
  const at = told.findIndex((leaf, i) => leaf !== proven[i]);
  if (at >= 0) faults.push(`test/${name}.tree: "${told[at]}" is where test/${name}.t.sol has "${proven[at]}"`);
  else if (proven.length > told.length) faults.push(`test/${name}.tree has no leaf for "${proven[told.length]}"`);
}

if (faults.length > 0) {
  console.error(faults.join("\n"));
  process.exitCode = 1;
}

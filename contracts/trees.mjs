// Each test/X.tree lists, by given and when, what test/X.t.sol proves. This holds the two together: the leaf "it pays
// both" of the tree is the function test_it_pays_both, in the same order, and there is no test without a leaf.

import { functions, read, stems } from "./suites.mjs";

/** Proves what no tree of one entry point can: its tests are the numbered invariants of docs/contract.md. */
const withoutTree = ["Invariants"];

function leaves(suite) {
  const lines = read(`${suite}.tree`).split("\n");
  return lines.flatMap((line) => /[├└]── (it .*)$/.exec(line)?.[1].replaceAll(/[ .]/g, "_") ?? []);
}

function tests(suite) {
  return functions(suite).filter((name) => name.startsWith("test_")).map((name) => name.slice("test_".length));
}

const faults = stems(".t.sol")
  .filter((suite) => !withoutTree.includes(suite) && !stems(".tree").includes(suite))
  .map((suite) => `test/${suite}.t.sol has no tree`);

for (const suite of stems(".tree")) {
  const [told, proven] = [leaves(suite), tests(suite)];
  const at = told.findIndex((leaf, i) => leaf !== proven[i]);
  if (at >= 0) faults.push(`test/${suite}.tree: "${told[at]}" is where test/${suite}.t.sol has "${proven[at]}"`);
  else if (proven.length > told.length) faults.push(`test/${suite}.tree has no leaf for "${proven[told.length]}"`);
}

if (faults.length > 0) {
  console.error(faults.join("\n"));
  process.exitCode = 1;
}

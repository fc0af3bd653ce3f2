// Breaks the contracts in one place at a time and shows that some test then fails. This takes minutes, so it is run by
// hand: node contracts/mutate.mjs [part of a mutant's name]
//
// A mutant that does not compile, or compiles to what it was before, is reported as such and does not count.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { compile, readSources } from "./compile.mjs";
import { forgeTest } from "./forge.mjs";
import { contracts } from "./tools.mjs";

const mutated = ["RaidenMicroTransferChannels.sol", "SafeToken.sol", "Signatures.sol", "TestToken.sol"];
const output = path.join(contracts, "..", "target", "contracts", "mutant");

/** Mutants that are no worse than the original, and why. */
const harmless = {
  "asked > withdrawn: off by one": "where the two are equal it is no matter which is taken",
  "settleBlock != 0: always": "deletes what is zero already, for more gas",
  "openBlock == block.number: always": "marks keys that cannot be formed again, for more gas",
};

/** What else than conditions is looked for in the code, and what each match becomes. */
const operators = [
  ["off by one", /\S+ (<=|>=|<|>) \w+/g, (found) => found.replace(/ ([<>])(=?) /, (_, sign, equal) => ` ${sign}${equal ? "" : "="} `)],
  ["the other way round", /\S+ (==|!=) \w+/g, (found) => found.replace(/ ([!=])= /, (_, sign) => (sign === "!" ? " == " : " != "))],
  ["the other branch", /(?<=\? )[^?]+ : \w+(\.\w+)?/g, (found) => found.split(" : ").reverse().join(" : ")],
  ["without the modifier", /(?<=external )only\w+(?= \{)|^ +only\w+$/gm, () => ""],
  // From the first change of state to the call of the token, which then comes first.
  ["the token called first", /^ {8}(?:_open|_topUp|withdrawn_balances|delete _channels)[^}]*?;(?:\n+ {8}token\.\w+\(.*\);)+$/gm, tokenFirst],
  ["without the statement", /(?<=^ {8,})(?:emit |delete |_(?!liveChannel)\w+\(|[\w.[\]]+ [-+]?= |token\.\w+\()[^;]*;/gm, () => ""],
];

function tokenFirst(found) {
  const lines = found.split("\n");
  const calls = lines.filter((line) => line.startsWith("        token."));
  return [...calls, ...lines.filter((line) => !calls.includes(line))].join("\n");
}

/** Changes to one source, as `{ index, found, replacement, operator }`. */
function* changes(source) {
  for (const { index, 0: start } of source.matchAll(/\bif \(/g)) {
    const from = index + start.length;
    const found = source.slice(from, closingBracket(source, from));
    const change = (operator, replacement) => ({ index: from, found, replacement, operator });
    yield change("never", "false");
    if (!/^\)\s*\{?\s*revert /.test(source.slice(from + found.length))) yield change("always", "true");
    const sign = found.includes(" || ") ? " || " : " && ";
    const parts = found.split(sign);
    for (const left of parts.length > 1 ? parts : []) {
      yield change(`without ${left}`, parts.filter((part) => part !== left).join(sign));
    }
  }
  for (const [operator, pattern, change] of operators) {
    for (const { index, 0: found } of source.matchAll(pattern)) {
      yield { index, found, replacement: change(found), operator };
    }
  }
}

/** Where the bracket is closed inside of which `from` is. */
function closingBracket(source, from) {
  let depth = 1;
  for (let i = from; ; i++) {
    if (source[i] === "(") depth++;
    if (source[i] === ")" && --depth === 0) return i;
  }
}

/** @returns {{ name: string, sources: Record<string, string> }[]} */
function mutants() {
  const originals = readSources();
  const all = [];
  for (const file of mutated) {
    const source = originals[file];
    for (const { index, found, replacement, operator } of changes(source)) {
      const line = source.slice(0, index).split("\n").length;
      if (source.split("\n")[line - 1].trim().startsWith("//")) continue;
      all.push({
        name: `${file}:${line} ${found.trim().replace(/\s+/g, " ")}: ${operator}`,
        sources: { ...originals, [file]: source.slice(0, index) + replacement + source.slice(index + found.length) },
      });
    }
  }
  return all;
}

/** @returns {string} What became of a mutant: "invalid", "same", "survived", or the test that failed. */
function fate({ sources }) {
  let artifacts;
  try {
    ({ artifacts } = compile(sources));
  } catch {
    return "invalid";
  }
  const committed = (name) => readFileSync(path.join(contracts, "artifacts", name), "utf8");
  if (Object.entries(artifacts).every(([name, text]) => text === committed(name))) return "same";

  mkdirSync(output, { recursive: true });
  for (const [name, text] of Object.entries(artifacts)) writeFileSync(path.join(output, name), text);
  const args = ["--no-match-contract", "Invariants", "--fuzz-runs", "32"];
  const failed = forgeTest(args, { URAIDEN_ARTIFACTS: output }).find(({ passed }) => !passed);
  return failed ? failed.name : "survived";
}

const counts = { killed: 0, harmless: 0, survived: 0, invalid: 0, same: 0 };
for (const mutant of mutants().filter(({ name }) => name.includes(process.argv[2] ?? ""))) {
  const excuse = Object.keys(harmless).find((known) => mutant.name.endsWith(known));
  const result = excuse ? `harmless: ${harmless[excuse]}` : fate(mutant);
  counts[excuse ? "harmless" : result in counts ? result : "killed"]++;
  console.log(`${mutant.name}\n    ${result}`);
}
console.log(Object.entries(counts).map(([what, count]) => `${count} ${what}`).join(", "));
process.exitCode = counts.survived > 0 || counts.killed === 0 ? 1 : 0;

// Keeps the committed artefacts what the sources compile to.
//
//   node contracts/build.mjs           writes contracts/artifacts/*.json
//   node contracts/build.mjs --check   writes nothing, fails where an artefact is not what its source compiles to

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { compile, readSources } from "./compile.mjs";
import { contracts } from "./tools.mjs";

const folder = path.join(contracts, "artifacts");
const args = process.argv.slice(2);

if (args.length > 1 || (args.length === 1 && args[0] !== "--check")) {
  console.error(`usage: node contracts/build.mjs [--check], found "${args.join(" ")}"`);
  process.exit(2);
}

const { artifacts, warnings } = compile(readSources());
const faults = [...warnings];

if (args[0] === "--check") {
  for (const [name, text] of Object.entries(artifacts)) {
    const file = path.join(folder, name);
    if (existsSync(file) && readFileSync(file, "utf8") === text) continue;
    faults.push(`contracts/artifacts/${name} is not what contracts/src compiles to: run node contracts/build.mjs`);
  }
} else {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(artifacts)) writeFileSync(path.join(folder, name), text);
}

if (faults.length > 0) {
  console.error(faults.join("\n"));
  process.exitCode = 1;
}

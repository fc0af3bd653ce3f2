// Compiles the contracts, and keeps the committed artefacts what the sources compile to.
//
//   node contracts/build.mjs           writes contracts/artifacts/*.json
//   node contracts/build.mjs --check   writes nothing, fails where an artefact is not what its source compiles to

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { loadSolc } from "./solc.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const artifacts = path.join(here, "artifacts");

/** The contracts that are deployed; everything else in src/ is a part of them. */
const deployed = ["RaidenMicroTransferChannels", "TestToken"];

/**
 * The same as in foundry.toml, so that the tests run the bytecode that is committed (a test compares the two).
 * Shanghai, not later: Ethereum, its layer twos and Ethereum Classic all run it, and Classic nothing later.
 * No metadata hash: it would change the bytecode with every comment.
 */
const settings = {
  evmVersion: "shanghai",
  optimizer: { enabled: true, runs: 20000 },
  metadata: { bytecodeHash: "none" },
  outputSelection: { "*": { "*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"] } },
};

/**
 * Compiles src/.
 *
 * @returns {Map<string, string>} The text of each artefact by its path.
 * @throws {Error} With the compiler's messages, warnings included: the sources must compile without any.
 */
function compile() {
  const solc = loadSolc();
  const files = readdirSync(path.join(here, "src")).filter((name) => name.endsWith(".sol")).sort();
  const sources = Object.fromEntries(
    files.map((name) => [`src/${name}`, { content: readFileSync(path.join(here, "src", name), "utf8") }]),
  );
  const output = JSON.parse(solc.compile(JSON.stringify({ language: "Solidity", sources, settings })));
  if (output.errors?.length) throw new Error(output.errors.map((error) => error.formattedMessage).join("\n"));

  return new Map(
    deployed.map((contractName) => {
      const { abi, evm } = output.contracts[`src/${contractName}.sol`][contractName];
      const artifact = {
        contractName,
        compiler: solc.version(),
        abi,
        bytecode: `0x${evm.bytecode.object}`,
        deployedBytecode: `0x${evm.deployedBytecode.object}`,
      };
      return [path.join(artifacts, `${contractName}.json`), `${JSON.stringify(artifact, null, 2)}\n`];
    }),
  );
}

function write() {
  mkdirSync(artifacts, { recursive: true });
  for (const [file, text] of compile()) writeFileSync(file, text);
}

function check() {
  const stale = [...compile()].filter(([file, text]) => !existsSync(file) || readFileSync(file, "utf8") !== text);
  for (const [file] of stale) {
    console.error(`${path.relative(process.cwd(), file)} is not what contracts/src compiles to: run node contracts/build.mjs`);
  }
  if (stale.length > 0) process.exitCode = 1;
}

const [mode, ...rest] = process.argv.slice(2);
if (rest.length > 0 || (mode !== undefined && mode !== "--check")) {
  console.error(`usage: node contracts/build.mjs [--check], found "${process.argv.slice(2).join(" ")}"`);
  process.exitCode = 2;
} else if (mode === "--check") {
  check();
} else {
  write();
}

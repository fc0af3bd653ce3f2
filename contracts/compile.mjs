// How the contracts are compiled.

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { loadSolc } from "./solc.mjs";
import { contracts } from "./tools.mjs";

/** The contracts that are deployed; everything else in src/ is a part of them. */
const deployed = ["RaidenMicroTransferChannels", "TestToken"];

/**
 * Shanghai, not later: Ethereum, its layer twos and Ethereum Classic all run it, and Classic nothing later.
 * The IR pipeline: without it the calls use a few hundred gas more, and closing more than version 0.2.0.
 * No metadata hash: it would change the bytecode with every comment.
 */
const settings = {
  evmVersion: "shanghai",
  viaIR: true,
  optimizer: { enabled: true, runs: 20000 },
  metadata: { bytecodeHash: "none" },
  outputSelection: { "*": { "*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"] } },
};

/**
 * Reads src/.
 *
 * @returns {Record<string, string>} The source of each file by its name, such as "TestToken.sol".
 */
export function readSources() {
  const folder = path.join(contracts, "src");
  const names = readdirSync(folder).filter((name) => name.endsWith(".sol"));
  return Object.fromEntries(names.sort().map((name) => [name, readFileSync(path.join(folder, name), "utf8")]));
}

/**
 * Compiles the sources.
 *
 * @param {Record<string, string>} files As `readSources` gives them.
 * @returns {{ artifacts: Record<string, string>, warnings: string[] }} The text of each artefact by its file's name.
 * @throws {Error} With the compiler's messages.
 */
export function compile(files) {
  const solc = loadSolc();
  const sources = Object.fromEntries(Object.entries(files).map(([name, content]) => [`src/${name}`, { content }]));
  const input = { language: "Solidity", sources, settings };
  const { errors: messages = [], contracts: output } = JSON.parse(solc.compile(JSON.stringify(input)));
  const errors = messages.filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new Error(errors.map(({ formattedMessage }) => formattedMessage).join("\n"));

  const artifacts = deployed.map((contractName) => {
    const { abi, evm } = output[`src/${contractName}.sol`][contractName];
    const artifact = {
      contractName,
      compiler: solc.version(),
      abi,
      bytecode: `0x${evm.bytecode.object}`,
      deployedBytecode: `0x${evm.deployedBytecode.object}`,
    };
    return [`${contractName}.json`, `${JSON.stringify(artifact, null, 2)}\n`];
  });
  return {
    artifacts: Object.fromEntries(artifacts),
    warnings: messages.map(({ formattedMessage }) => formattedMessage),
  };
}

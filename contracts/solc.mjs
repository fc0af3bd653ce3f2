#!/usr/bin/env node
// The pinned Solidity compiler: as a module for build.mjs, and as a command that forge can use as its solc.
//
// The compiler is the npm package `solc`, looked for in <tools>/node/node_modules, where <tools> is the environment
// variable URAIDEN_TOOLS or the repository's .tools folder.

import { readFileSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));

/** The folder of npm packages that the tools were installed into. */
export const nodeModules = path.join(
  process.env.URAIDEN_TOOLS ?? path.join(here, "..", ".tools"),
  "node",
  "node_modules",
);

/**
 * Loads the compiler.
 *
 * @returns {{ version(): string, compile(input: string): string }}
 * @throws {Error} Names the folder in which there is no solc.
 */
export function loadSolc() {
  try {
    return createRequire(path.join(nodeModules, "solc", "package.json"))("./index.js");
  } catch (cause) {
    if (cause.code !== "MODULE_NOT_FOUND") throw cause;
    throw new Error(`no Solidity compiler in ${nodeModules}/solc: install the tools, or point URAIDEN_TOOLS at them`);
  }
}

function main(args) {
  const solc = loadSolc();
  if (args.includes("--version")) {
    // forge looks for the line that starts with "Version:".
    console.log(`solc, the Solidity compiler (npm package)\nVersion: ${solc.version()}`);
  } else if (args.includes("--standard-json")) {
    process.stdout.write(solc.compile(readFileSync(0, "utf8")));
  } else {
    throw new Error(`solc.mjs: expected --version or --standard-json, found "${args.join(" ")}"`);
  }
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) main(process.argv.slice(2));

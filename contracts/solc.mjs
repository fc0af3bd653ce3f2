#!/usr/bin/env node
// The pinned Solidity compiler (npm package "solc"): as a module for build.mjs, and as a command that forge takes for
// its solc.

import { readFileSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { tool } from "./tools.mjs";

/**
 * Loads the compiler.
 *
 * @returns {{ version(): string, compile(input: string): string }} `compile` takes and gives standard JSON.
 * @throws {Error} Names the folder in which there is no solc.
 */
export function loadSolc() {
  return createRequire(import.meta.url)(tool("solc/index.js"));
}

function main(args) {
  if (args.includes("--version")) {
    // forge looks for the line that starts with "Version:".
    console.log(`solc, the Solidity compiler (npm package)\nVersion: ${loadSolc().version()}`);
  } else if (args.includes("--standard-json")) {
    process.stdout.write(loadSolc().compile(readFileSync(0, "utf8")));
  } else {
    throw new Error(`solc.mjs: expected --version or --standard-json, found "${args.join(" ")}"`);
  }
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) main(process.argv.slice(2));

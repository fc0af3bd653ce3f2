// Where the pinned tools are: npm packages in <tools>/node/node_modules, <tools> being the environment variable
// URAIDEN_TOOLS or the repository's .tools folder.

import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** This folder. */
export const contracts = path.dirname(fileURLToPath(import.meta.url));

const nodeModules = path.join(
  process.env.URAIDEN_TOOLS ?? path.join(contracts, "..", ".tools"),
  "node",
  "node_modules",
);

/**
 * The path of a file in a tool's package.
 *
 * @param {string} file Such as "solc/index.js".
 * @returns {string}
 * @throws {Error} Names the file that is missing.
 */
export function tool(file) {
  const found = path.join(nodeModules, file);
  if (existsSync(found)) return found;
  throw new Error(`${found} is missing: install xtask/tools/package-lock.json there, or point URAIDEN_TOOLS elsewhere`);
}

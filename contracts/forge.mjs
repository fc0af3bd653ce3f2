// Runs forge: the tests in test/, and its formatter.

import { spawnSync } from "node:child_process";
import { contracts, tool } from "./tools.mjs";

/**
 * Runs `forge test`.
 *
 * @param {string[]} args Further arguments.
 * @param {Record<string, string>} env Further environment.
 * @returns {{ name: string, passed: boolean, reason: string | null }[]} One for each test that was run.
 * @throws {Error} With forge's output, where it gave no results: what it is to run does not compile, for example.
 */
export function forgeTest(args = [], env = {}) {
  const { stdout, stderr } = forge(["test", "--json", ...args], env);
  // Other lines tell of single failures, which are in the results too.
  const line = stdout.split("\n").find((candidate) => candidate.startsWith('{"test/'));
  if (line === undefined) throw new Error(`forge gave no results:\n${stdout}${stderr}`);
  return Object.entries(JSON.parse(line)).flatMap(([suite, { test_results }]) =>
    Object.entries(test_results).map(([test, { status, reason }]) => ({
      name: `${suite.split(":").at(-1)} ${test.split("(")[0]}`,
      passed: status === "Success",
      reason,
    })),
  );
}

/**
 * Runs `forge fmt` on src/ and test/ without writing.
 *
 * @returns {string} What is not formatted, as differences; empty where all is.
 */
export function unformatted() {
  const { stdout, stderr, status } = forge(["fmt", "--check", "src", "test"]);
  return status === 0 ? "" : `${stdout}${stderr}`;
}

function forge(args, env = {}) {
  const result = spawnSync(tool("@foundry-rs/forge-linux-amd64/bin/forge"), args, {
    cwd: contracts,
    encoding: "utf8",
    maxBuffer: 1 << 28,
    env: { ...process.env, ...env },
  });
  if (result.error) throw result.error;
  return result;
}

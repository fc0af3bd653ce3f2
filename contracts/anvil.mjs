// A fresh anvil on a free loopback port, which mines when it is told to.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { tool } from "./tools.mjs";

/**
 * Starts anvil and waits until it listens.
 *
 * @returns {Promise<{ rpc(method: string, ...params: unknown[]): Promise<any>, stop(): void }>} `rpc` throws with the
 * method and the node's message.
 * @throws {Error} With anvil's output, where it ends before it listens.
 */
export async function startAnvil() {
  const child = spawn(tool("@foundry-rs/anvil-linux-amd64/bin/anvil"), ["--host", "127.0.0.1", "--port", "0", "--no-mining"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const address = await listening(child);
  let id = 0;

  return {
    async rpc(method, ...params) {
      const response = await fetch(`http://${address}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ jsonrpc: "2.0", id: ++id, method, params }),
      });
      const { result, error } = await response.json();
      if (error) throw new Error(`${method}: ${error.message}`);
      return result;
    },
    stop() {
      child.kill();
    },
  };
}

function listening(child) {
  const output = [];
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`anvil ended with ${code}:\n${output.join("\n")}`)));
    child.stderr.on("data", (bytes) => output.push(String(bytes)));
    createInterface(child.stdout).on("line", (line) => {
      output.push(line);
      const found = /^Listening on (\S+)$/.exec(line);
      if (found) resolve(found[1]);
    });
  });
}

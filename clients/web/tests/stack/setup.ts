/** Starts the real stack once for all its tests: chain, contract, sidecar, Envoy with the filter, a service behind it. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import type { TestProject } from "vitest/node";

/** The line in which the stack says where everything is. */
export interface Stack {
  readonly envoyUrl: string;
  readonly paidPath: string;
  readonly freePath: string;
  readonly adminUrl: string;
  /** The password of the merchant's page, for any user. */
  readonly adminToken: string;
  readonly rpcUrl: string;
  readonly chainId: number;
  readonly contract: string;
  readonly token: string;
  readonly receiver: string;
  /** Accounts with tokens and ether. */
  readonly funded: readonly { readonly address: string; readonly key: `0x${string}` }[];
  /** The process that everything else belongs to. */
  readonly pid: number;
}

declare module "vitest" {
  interface ProvidedContext {
    stack: Stack;
  }
}

/** 0.005 of the token: a price that reads well, and that the stack's accounts can pay often. */
export const PRICE = 5_000_000_000_000_000n;

const REPO = fileURLToPath(new URL("../../../../", import.meta.url));
const COMMAND = process.env["URAIDEN_STACK_COMMAND"] ?? "cargo xtask stack";
const OPTIONS = ["--price", String(PRICE), "--confirmations", "2"];

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [program = "", ...words] = COMMAND.split(" ");
  const child = spawn(program, [...words, ...OPTIONS], { cwd: REPO, stdio: ["pipe", "pipe", "inherit"] });
  const [line] = (await Promise.race([
    once(createInterface(child.stdout), "line"),
    once(child, "exit").then(([code]) => {
      throw new Error(`the stack ended with ${code} and without its JSON line`);
    }),
  ])) as [string];
  const stack = { ...(JSON.parse(line) as Omit<Stack, "pid">), pid: child.pid ?? 0 };
  // The tests mine, faster than a chain would, and stop when they need to: see ground.ts.
  await ask(stack.rpcUrl, "evm_setAutomine", false);
  await ask(stack.rpcUrl, "evm_setIntervalMining", 0);
  project.provide("stack", stack);
  return () => stop(child);
}

async function ask(rpcUrl: string, method: string, ...params: unknown[]): Promise<void> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const answer = await fetch(rpcUrl, { method: "POST", headers: { "Content-Type": "application/json" }, body });
  const { error } = (await answer.json()) as { error?: unknown };
  if (error) throw new Error(`${method}: ${JSON.stringify(error)}`);
}

/** The end of its stdin asks it to end. */
async function stop(child: ChildProcess): Promise<void> {
  child.stdin?.end();
  if (child.exitCode === null) await once(child, "exit");
  if (child.exitCode !== 0) throw new Error(`the stack ended with ${child.exitCode}`);
}

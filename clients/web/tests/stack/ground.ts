/** What tests against the stack stand on: the chain, and accounts that no other test has. */

import { encodeFunctionData, parseAbi } from "viem";
import { generatePrivateKey } from "viem/accounts";
import { afterAll, inject } from "vitest";

import { type Address, keyWallet, parseAddress, type Wallet } from "../../src/index.js";

const TOKEN = parseAbi(["function transfer(address to, uint256 amount)"]);

/** Where everything is. */
export const stack = inject("stack");

/** What the paid path is reached by; each test has a place of its own. */
export function paidUrl(name: string): string {
  return `${stack.envoyUrl}${stack.paidPath}/${name}`;
}

/** Asks the node. */
export async function rpc(method: string, ...params: unknown[]): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const headers = { "Content-Type": "application/json" };
  const answer = (await (await fetch(stack.rpcUrl, { method: "POST", headers, body })).json()) as {
    result?: unknown;
    error?: { code: number; message: string; data?: unknown };
  };
  if (answer.error) throw Object.assign(new Error(answer.error.message), answer.error);
  return answer.result;
}

/** A new account with ether and so much of the token. */
export async function account(tokens: bigint): Promise<Wallet & { readonly key: `0x${string}` }> {
  const key = generatePrivateKey();
  const wallet = keyWallet(key, stack.rpcUrl);
  await rpc("anvil_setBalance", wallet.address, "0x56bc75e2d63100000");
  if (tokens > 0n) await sendTokens(wallet.address, tokens);
  return { ...wallet, key };
}

/** How often tokens were sent: each time by another of the stack's accounts, for none of them has many. */
let sent = 0;

/** Sends tokens to an account, and waits for them. */
export async function sendTokens(to: Address, tokens: bigint): Promise<void> {
  const bank = stack.funded[sent % stack.funded.length];
  if (!bank) throw new Error("the stack has no funded account");
  sent += 1;
  const data = encodeFunctionData({ abi: TOKEN, functionName: "transfer", args: [to, tokens] });
  const transaction = { from: bank.address, to: stack.token, data };
  const hash = await keyWallet(bank.key, stack.rpcUrl).provider.request({
    method: "eth_sendTransaction",
    params: [transaction],
  });
  await mined(hash);
}

/** Waits until a transaction is in a block. */
export async function mined(hash: unknown): Promise<void> {
  while ((await rpc("eth_getTransactionReceipt", hash)) === null) await sleep(50);
}

/** What an account has of the token. */
export async function tokensOf(holder: Address): Promise<bigint> {
  const data = `0x70a08231${holder.slice(2).toLowerCase().padStart(64, "0")}`;
  return BigInt(String(await rpc("eth_call", { to: stack.token, data }, "latest")));
}

/** Mines empty blocks. */
export async function mine(blocks: number): Promise<void> {
  await rpc("anvil_mine", `0x${blocks.toString(16)}`);
}

/** The time between two blocks, in milliseconds. */
const BLOCK_TIME = 250;

let mining = true;
const ticks = setInterval(() => mining && void mine(1), BLOCK_TIME);
afterAll(() => clearInterval(ticks));

/** No block is mined until the answer is called. */
export function pauseMining(): () => void {
  mining = false;
  return () => void (mining = true);
}

export const contract = parseAddress(stack.contract);
export const receiver = parseAddress(stack.receiver);

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((done) => setTimeout(done, milliseconds));
}

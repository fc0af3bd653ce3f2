/** A wallet behind EIP-1193: an account, and requests to it. */

import { type Address, parseAddress } from "../address.js";
import { NotConnected, OtherChain, UnknownChain, codeOf, walletError } from "./error.js";

/** The part of EIP-1193 that is used. */
export interface Provider {
  request(request: { method: string; params?: unknown }): Promise<unknown>;
  on?(event: string, listener: (value: never) => void): unknown;
  removeListener?(event: string, listener: (value: never) => void): unknown;
}

/** An account in a wallet. */
export interface Wallet {
  readonly provider: Provider;
  readonly address: Address;
}

/**
 * Asks the wallet to share an account. Its user sees a window the first time.
 *
 * @throws {UserRejected}
 * @throws {NotConnected}
 */
export async function connect(provider: Provider): Promise<Wallet> {
  const wallet = first(provider, await call(provider, "eth_requestAccounts"));
  if (!wallet) throw new NotConnected();
  return wallet;
}

/** The account that the wallet shares already, if any. Shows nothing to its user. */
export async function connected(provider: Provider): Promise<Wallet | undefined> {
  return first(provider, await call(provider, "eth_accounts"));
}

/** EIP-155's id of the chain that the wallet is on. */
export async function chainId(provider: Provider): Promise<number> {
  return Number(await call(provider, "eth_chainId"));
}

/**
 * Checks which chain the wallet is on.
 *
 * @throws {OtherChain}
 */
export async function needChain(provider: Provider, expected: number): Promise<void> {
  const found = await chainId(provider);
  if (found !== expected) throw new OtherChain(expected, found);
}

/**
 * Asks the wallet to change the chain. Its user sees a window.
 *
 * @throws {UnknownChain}
 * @throws {UserRejected}
 */
export async function switchChain(provider: Provider, chainId: number): Promise<void> {
  const method = "wallet_switchEthereumChain";
  try {
    await provider.request({ method, params: [{ chainId: `0x${chainId.toString(16)}` }] });
  } catch (error) {
    throw codeOf(error) === 4902 ? new UnknownChain(chainId, error) : walletError(method, error);
  }
}

/** One request, with the wallet's errors told by their meaning. */
export async function call(provider: Provider, method: string, params?: unknown): Promise<unknown> {
  try {
    return await provider.request(params === undefined ? { method } : { method, params });
  } catch (error) {
    throw walletError(method, error);
  }
}

function first(provider: Provider, accounts: unknown): Wallet | undefined {
  const account: unknown = Array.isArray(accounts) ? accounts[0] : undefined;
  return typeof account === "string" ? { provider, address: parseAddress(account) } : undefined;
}

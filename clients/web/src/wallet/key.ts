/** A wallet that is a key in memory, for programs. */

import { createWalletClient, type Hex, http, type TransactionRequest } from "viem";
import { privateKeyToAccount } from "viem/accounts";

import { parseAddress } from "../address.js";
import { digestOf, type TypedValue } from "../digest.js";
import type { Wallet } from "./provider.js";

/**
 * The account of this private key (`0x` and 64 hex digits), with a node at `rpcUrl` that carries out what is not
 * signing.
 */
export function keyWallet(key: Hex, rpcUrl: string): Wallet {
  const account = privateKeyToAccount(key);
  const node = createWalletClient({ account, transport: http(rpcUrl) });

  async function request({ method, params = [] }: { method: string; params?: unknown }): Promise<unknown> {
    const [first] = params as unknown[];
    switch (method) {
      case "eth_accounts":
      case "eth_requestAccounts":
        return [account.address];
      case "eth_signTypedData":
        return account.sign({ hash: digestOf(first as TypedValue[]) });
      case "eth_sendTransaction": {
        const { to, data } = first as Pick<TransactionRequest, "to" | "data">;
        return node.sendTransaction({ chain: null, to, data });
      }
      default:
        return node.request({ method, params } as never);
    }
  }

  return { provider: { request }, address: parseAddress(account.address) };
}

/** A wallet's way to the chain. */

import { type Client, createClient, custom } from "viem";

import type { Address } from "../address.js";
import type { Wallet } from "../wallet/provider.js";

/** A node, and the account that acts through it. */
export interface Chain {
  readonly client: Client;
  readonly sender: Address;
  readonly patience: Patience;
}

/** How long to wait for a transaction to be mined, and between two looks, in milliseconds. */
export interface Patience {
  readonly maxWait: number;
  readonly poll: number;
}

/** Acts as the wallet's account, through its node. Nothing is asked yet. */
export function chainOf(wallet: Wallet, patience: Patience): Chain {
  const { provider } = wallet;
  const client = createClient({ transport: custom(provider as never), pollingInterval: patience.poll });
  return { client, sender: wallet.address, patience };
}

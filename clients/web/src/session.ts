/** A `fetch` that pays. */

import type { Address } from "./address.js";
import type { Channel, ChannelId } from "./channel.js";
import type { Settlement } from "./chain/close.js";
import { settleChannel } from "./chain/close.js";
import { type Chain, chainOf } from "./chain/client.js";
import type { Mined } from "./chain/transact.js";
import type { Terms } from "./charge.js";
import { closeCooperatively, closeUncooperatively } from "./closing.js";
import { type Lock, queueLock } from "./lock.js";
import type { Policy } from "./policy.js";
import { purchase } from "./purchase.js";
import { type ChannelStore, memoryStore } from "./store.js";
import type { Wallet } from "./wallet/provider.js";

/** What a session is made of. */
export interface SessionOptions {
  /** Who pays: see `connect` for a browser's wallet, `keyWallet` for a key. */
  readonly wallet: Wallet;
  /** What may be spent. */
  readonly policy: Policy;
  /** Where channels are kept. Without one, a new session has to ask the chain and the server what there is. */
  readonly store?: ChannelStore;
  /** Needed where several sessions share a store, as tabs do: see `tabsLock`. */
  readonly lock?: Lock;
  /** Sends requests instead of the global `fetch`. */
  readonly fetch?: typeof fetch;
}

/**
 * Pays for requests as their servers ask.
 *
 * One request at a time: the next payment is not signed before the fate of the last one is known, so requests of one
 * session wait for each other.
 */
export interface Session {
  /** The account that pays. */
  readonly sender: Address;
  /**
   * Like the global `fetch`, and pays if asked to. The request may go out several times, until it is paid for; only
   * the paid one reaches the service. Payment goes by headers, never by cookies. Redirects are not followed, because
   * payment headers must not go to another host: in Node the answer is the redirect, browsers hide what it says.
   * {@link paidFor} tells what an answer cost.
   */
  readonly fetch: typeof fetch;
  /** The channels that are kept, closed ones included. */
  channels(): Promise<readonly Channel[]>;
  /**
   * Ends a channel with the receiver's agreement: it is settled at once, at exactly what was paid. `gateway` is the
   * root of the server's channel API, such as `https://example.com/api/1`. The channel pays no more in any case.
   */
  closeCooperatively(gateway: string | URL, id: ChannelId): Promise<Settlement>;
  /** Asks the contract to end a channel at the last balance; {@link Session.settle} is possible after the challenge period. */
  closeUncooperatively(id: ChannelId): Promise<Mined>;
  /** Takes the rest of the deposit back, after the challenge period. */
  settle(id: ChannelId): Promise<Settlement>;
  /** Drops what is kept of a channel. What is locked in it can only be found on the chain again. */
  forget(id: ChannelId): Promise<void>;
}

/** What an answer cost. */
export interface Paid {
  /** Base units of the token; 0 where it was free, or where the server took its payment back. */
  readonly amount: bigint;
  /** How often the request went out. */
  readonly roundTrips: number;
}

/** What the parts of a session share. */
export interface Context {
  readonly wallet: Wallet;
  readonly chain: Chain;
  readonly policy: Policy;
  readonly store: ChannelStore;
  readonly lock: Lock;
  readonly fetch: typeof fetch;
  /** What resources asked for last time, by method and place without query. `free` where nothing was asked. */
  readonly asked: Map<string, Terms | "free">;
}

/** Prepares a session. Nothing is sent yet. */
export function createSession(options: SessionOptions): Session {
  const { wallet, policy } = options;
  const context: Context = {
    wallet,
    policy,
    chain: chainOf(wallet, policy),
    store: options.store ?? memoryStore(),
    lock: options.lock ?? queueLock(),
    fetch: options.fetch ?? ((input, init) => fetch(input, init)),
    asked: new Map(),
  };
  return {
    sender: wallet.address,
    fetch: async (input, init) => {
      const { response, paid } = await purchase(context, new Request(input, init));
      costs.set(response, paid);
      return response;
    },
    channels: () => context.store.load(),
    closeCooperatively: (root, id) => {
      const gateway = { root: new URL(root), fetch: context.fetch };
      return context.lock(() => closeCooperatively(context, gateway, id));
    },
    closeUncooperatively: (id) => context.lock(() => closeUncooperatively(context, id)),
    settle: (id) => settleChannel(context.chain, id),
    forget: (id) => context.lock(() => context.store.forget(id)),
  };
}

/** Kept beside the answers, which are the platform's own. */
const costs = new WeakMap<Response, Paid>();

/** What an answer of a session's `fetch` cost; `undefined` for any other. */
export function paidFor(response: Response): Paid | undefined {
  return costs.get(response);
}

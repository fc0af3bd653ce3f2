/** Where we are and what we work with, fixed for the life of the page. */

import {
  type ChannelId,
  type ChannelStore,
  type Gateway,
  gatewayOf,
  type Lock,
  type Signed,
  tabsLock,
  type Terms,
  webStore,
} from "../src/index.js";

/** The paid resource, and this browser's memory for its chain. */
export interface Shop {
  readonly terms: Terms;
  readonly chainId: number;
  readonly gateway: Gateway;
  readonly store: ChannelStore;
  readonly lock: Lock;
}

/** What is waited for between two looks, in milliseconds. */
export const POLL = 1000;

/** How long a transaction may stay out of blocks before we ask whether to go on waiting, in milliseconds. */
export const MAX_WAIT = 10 * 60_000;

/** The shop that this document belongs to. */
export function openShop(terms: Terms, chainId: number): Shop {
  const name = `uraiden.${chainId}`;
  return {
    terms,
    chainId,
    gateway: gatewayOf(location.href, terms.gatewayPath, (input, init) => fetch(input, init)),
    store: webStore(name, localStorage),
    lock: tabsLock(name, localStorage),
  };
}

/** The parties of a channel from this account. */
export function parties({ terms }: Shop, sender: ChannelId["sender"]): Omit<ChannelId, "openBlock"> {
  return { contract: terms.contract, receiver: terms.receiver, sender };
}

const CHOSEN = "uraiden.wallet";

/** The id of the wallet that was chosen last time. */
export function chosenWallet(): string | null {
  return localStorage.getItem(CHOSEN);
}

/** Remembers the wallet for the next visit. */
export function rememberWallet(id: string): void {
  localStorage.setItem(CHOSEN, id);
}

const ATTEMPT = "uraiden.attempt";

/** How often this tab has offered this payment already. */
export function attempts(proof: Signed | undefined): number {
  const [signature, count] = (sessionStorage.getItem(ATTEMPT) ?? "").split(" ");
  return proof && signature === proof.signature ? Number(count) : 0;
}

/** Notes that this tab offers this payment, for the `count`th time. */
export function noteAttempt(proof: Signed, count: number): void {
  sessionStorage.setItem(ATTEMPT, `${proof.signature} ${count}`);
}

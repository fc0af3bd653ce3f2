/** What the page can show. Plain values, so that what to show can be decided without a browser. */

import type { Channel, TokenFacts, WalletOffer } from "../src/index.js";

/** The page at one moment. */
export type View =
  /** Something is being looked up. */
  | { readonly kind: "looking"; readonly what: string }
  /** Another tab holds the lock. */
  | { readonly kind: "elsewhere" }
  /** A wallet has to be chosen, or got. */
  | { readonly kind: "wallets"; readonly offers: readonly WalletOffer[] }
  /** The wallet is on another chain. */
  | { readonly kind: "network"; readonly found: number; readonly expected: number }
  /** There is no channel yet. */
  | { readonly kind: "open"; readonly purse: Purse }
  /** The channel cannot cover the price. */
  | { readonly kind: "top-up"; readonly purse: Purse; readonly channel: Channel }
  /** The channel can pay. */
  | { readonly kind: "pay"; readonly channel: Channel; readonly note: Note | undefined }
  /** Something is under way. */
  | { readonly kind: "working"; readonly title: string; readonly steps: readonly Step[] }
  /** The payment was accepted, and the browser did not leave this page: it was a download, or takes its time. */
  | { readonly kind: "delivered" }
  /** A channel was settled. */
  | { readonly kind: "settled"; readonly returned: bigint; readonly paid: bigint }
  /** The challenge period has begun. */
  | { readonly kind: "close-asked"; readonly blocks: number }
  /** The receiver does not agree, or was never paid: the slow way is left. */
  | { readonly kind: "slow-close"; readonly channel: Channel; readonly why: "unpaid" | "refused"; readonly blocks: number }
  /** Something went wrong. */
  | { readonly kind: "trouble"; readonly trouble: Trouble };

/** What the account can lock, in base units. */
export interface Purse {
  /** What the account has. */
  readonly has: bigint;
  /** What the channel needs at least. */
  readonly least: bigint;
  /** What it is given if nobody says otherwise. */
  readonly usual: bigint;
  /** What it can be given at most, by the contract and the account. */
  readonly most: bigint;
  /** Whether the account has something to pay the chain's fee with. */
  readonly fee: boolean;
}

/** Why a payment is asked for again. */
export type Note = "used";

/** One step of what is under way. */
export interface Step {
  readonly name: StepName;
  readonly state: "ahead" | "active" | "done";
  /** How far it is, where that is known. */
  readonly progress?: { readonly done: number; readonly total: number } | undefined;
}

/** What can be under way. */
export type StepName = "approve" | "mine" | "sign" | "confirm" | "agree" | "show";

/** An error in plain words, with the way out. */
export interface Trouble {
  readonly title: string;
  readonly text: string;
  /** What the button that tries again says; `undefined` where trying again is no use. */
  readonly retry: string | undefined;
}

/** What stands around the panel: figures that do not depend on the moment. */
export interface Around {
  readonly token: TokenFacts | undefined;
  /** The channel that pays, if any. */
  readonly channel: Channel | undefined;
  /** Channels whose end was asked for, and what can be done about them. */
  readonly ending: readonly Ending[];
}

/** A channel whose end was asked for. */
export interface Ending {
  readonly channel: Channel;
  /** The blocks until it can be settled, 0 when it can; `undefined` where the chain does not know of its end yet. */
  readonly blocksLeft: number | undefined;
}

/** What a person can ask for. */
export interface Actions {
  choose(offer: WalletOffer): void;
  switchNetwork(): void;
  open(deposit: bigint): void;
  topUp(added: bigint): void;
  pay(): void;
  close(channel: Channel): void;
  closeSlowly(channel: Channel): void;
  settle(channel: Channel): void;
  forget(channel: Channel): void;
  retry(): void;
}

/** The same steps with this one active, those before it done. */
export function at(steps: readonly StepName[], name: StepName, progress?: Step["progress"]): Step[] {
  const active = steps.indexOf(name);
  return steps.map((step, index) => ({
    name: step,
    state: index < active ? "done" : index === active ? "active" : "ahead",
    ...(index === active ? { progress } : {}),
  }));
}

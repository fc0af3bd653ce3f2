/** Errors and refusals in plain words, each with the way out. */

import {
  ApiRefused,
  Cancelled,
  FalseBalance,
  NoAnswer,
  NodeFailed,
  NotConnected,
  NotMined,
  NotSaved,
  OtherToken,
  Reverted,
  SignedOtherwise,
  TooFewTokens,
  TransactionFailed,
  UnknownChain,
  Unsupported,
  UraidenError,
  UserRejected,
  WalletBusy,
  WalletFailed,
} from "../src/index.js";
import type { Facts } from "./facts.js";
import { chainName } from "./format.js";
import type { Trouble } from "./view.js";

/** The browser does not keep our cookies. */
export class CookiesRefused extends UraidenError {
  override readonly name = "CookiesRefused";

  constructor() {
    super("the browser does not keep cookies of this site; allow them");
  }
}

/** The same payment was offered several times and not taken. */
export class NotTaken extends UraidenError {
  override readonly name = "NotTaken";

  constructor(
    /** The server's words. */
    readonly reason: string,
  ) {
    super(`the server does not take the payment: ${reason}`);
  }
}

/** The server has closed the channel, or is closing it. */
export class ClosedByServer extends UraidenError {
  override readonly name = "ClosedByServer";

  constructor() {
    super("the server takes no more payments from this channel");
  }
}

const AGAIN = "Try again";

type Words = readonly [
  type: abstract new (...args: never[]) => UraidenError,
  title: string,
  text: string | ((error: never) => string),
  retry?: string,
];

const WORDS: readonly Words[] = [
  [UserRejected, "You said no in the wallet", "Nothing was paid. You can go on whenever you like."],
  [WalletBusy, "Your wallet is waiting for you", "It has a question open already. Open the wallet, answer it, and come back."],
  [NotConnected, "The wallet shares no account with this page", "Unlock it, and allow this page to see an account."],
  [
    Unsupported,
    "This wallet cannot sign such payments",
    (error: Unsupported) => `It does not know ${error.method}. Please use another wallet.`,
    "Choose another wallet",
  ],
  [
    SignedOtherwise,
    "This wallet signs in another way",
    "Its signature does not fit the payment, so nothing was sent. Please use another wallet or account.",
    "Choose another wallet",
  ],
  [
    UnknownChain,
    "Your wallet does not know this network",
    (error: UnknownChain) => `Add ${chainName(error.chainId)} to your wallet, then try again.`,
  ],
  [WalletFailed, "The wallet did not answer as it should", (error: WalletFailed) => sentence(error.message)],
  [TooFewTokens, "Not enough tokens", "The account has fewer tokens than this. Lock less, or get some more."],
  [Reverted, "The contract refuses this", (error: Reverted) => `It says: ${error.why}. Nothing was moved.`],
  [TransactionFailed, "The transaction failed", "It was mined, but the contract refused it. Nothing was moved but the fee."],
  [Cancelled, "The transaction was cancelled", "It was replaced in the wallet. Nothing was locked."],
  [NotMined, "The transaction takes its time", "It is not in a block yet. Nothing is lost: this page goes on where it was.", "Go on waiting"],
  [NodeFailed, "The network does not answer", "Your wallet cannot reach the chain. Check its connection."],
  [OtherToken, "This shop contradicts its contract", "It names another token than its contract does. Do not pay here.", ""],
  [FalseBalance, "This shop claims too much", "It says you have paid more than you ever signed. Do not pay here; you can close the channel.", ""],
  [NotSaved, "This page may not store anything", "It keeps your payments in the browser, so that none is lost. Allow this site to store data."],
  [CookiesRefused, "This page may not set cookies", "The payment travels in a cookie that is gone a moment later. Allow cookies for this site."],
  [NotTaken, "The payment was not taken", (error: NotTaken) => `The server says: ${error.reason} Nothing more was paid.`],
  [
    ClosedByServer,
    "This channel takes no more payments",
    "The other side is closing it. What you did not spend comes back to you; for more content, open a new channel.",
    "Go on",
  ],
  [NoAnswer, "The server does not answer", "Nothing more was paid. Check your connection and try again."],
  [ApiRefused, "The server cannot say how things stand", (error: ApiRefused) => `It answers: ${error.reason}`],
];

/** An error, for a person. */
export function inWords(error: unknown): Trouble {
  const found = WORDS.find(([type]) => error instanceof type);
  if (!found) return { title: "Something went wrong", text: sentence(String((error as Error)?.message ?? error)), retry: AGAIN };
  const [, title, text, retry = AGAIN] = found;
  return {
    title,
    text: typeof text === "string" ? text : text(error as never),
    retry: retry === "" ? undefined : retry,
  };
}

/** A refusal that no payment mends, for a person; `undefined` where paying is the way out. */
export function refusalInWords(facts: Facts): Trouble | undefined {
  switch (facts.status) {
    case 402:
      if (facts.payable) return undefined;
      return {
        title: "This cannot be paid from a page",
        text: "A page can pay for what a link leads to, not for a form that was sent. Go back, or use a program that pays.",
        retry: undefined,
      };
    case 503:
      return { title: "Payments have to wait a moment", text: `Nothing was charged. ${facts.detail}`, retry: AGAIN };
    case 502:
      return { title: "The server cannot take payments now", text: `Nothing was charged. ${facts.detail}`, retry: AGAIN };
    default:
      return { title: "The server does not understand this request", text: `${facts.detail} ${facts.next}`, retry: undefined };
  }
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
}

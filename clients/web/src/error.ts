/** What all errors of this package have in common, and those that a value or a server's answer leads to. */

import type { Address } from "./address.js";
import type { TokenAmount } from "./amount.js";
import { type ChannelId, channelName } from "./channel.js";

/** Why something was not done. Every message ends with what to do about it. */
export abstract class UraidenError extends Error {
  /** The class's name; the same after minification. */
  abstract override readonly name: string;
}

/** A text or number is not what it should be. */
export class ValueError extends UraidenError {
  override readonly name = "ValueError";

  constructor(
    /** What it should be. */
    readonly what: string,
    /** The start of what was found. */
    readonly found: string,
    /** What is wrong with it, with the bound. */
    readonly why: string,
  ) {
    super(`${JSON.stringify(found.slice(0, 48))} is no ${what}: ${why}`);
  }
}

/** A 402 makes no sense. */
export class Unreadable extends UraidenError {
  override readonly name = "Unreadable";

  constructor(
    /** Which header. */
    readonly header: string,
    /** What is wrong with it. */
    readonly why: string,
  ) {
    super(`the server's ${header}: ${why}; this is no µRaiden server, or a broken one`);
  }
}

/** The server could not be reached, or the connection broke. */
export class NoAnswer extends UraidenError {
  override readonly name = "NoAnswer";

  constructor(cause: unknown) {
    super(`no answer: ${text(cause)}; a payment may have arrived, so the next request repeats it`, { cause });
  }
}

/** The price is above `maxPrice`. */
export class PriceAboveLimit extends UraidenError {
  override readonly name = "PriceAboveLimit";

  constructor(
    readonly price: TokenAmount,
    readonly limit: TokenAmount,
  ) {
    super(`the price of ${price} is above the limit of ${limit}; raise maxPrice if it is worth it`);
  }
}

/** The channel would have to hold more than `maxDeposit`. */
export class DepositAboveLimit extends UraidenError {
  override readonly name = "DepositAboveLimit";

  constructor(
    /** The least deposit that covers the payment. */
    readonly needed: bigint,
    readonly limit: TokenAmount,
  ) {
    super(
      `a deposit of ${needed} is needed, above the limit of ${limit}; raise maxDeposit or close the channel`,
    );
  }
}

/** The server names another contract or receiver than the policy allows. */
export class OtherParty extends UraidenError {
  override readonly name = "OtherParty";

  constructor(
    readonly what: "contract" | "receiver",
    readonly found: Address,
    readonly expected: Address,
  ) {
    super(
      `the server wants ${what} ${found}, the policy allows ${expected} only; ask the merchant which is right`,
    );
  }
}

/** The server does not know the channel, or has closed it. */
export class ChannelRefused extends UraidenError {
  override readonly name = "ChannelRefused";

  constructor(readonly channel: ChannelId) {
    super(
      `the server refuses channel ${channelName(channel)}: it is unknown or closed there; ` +
        "close it to get the rest back",
    );
  }
}

/** The server says that we did not sign the proof that we signed. */
export class ProofRefused extends UraidenError {
  override readonly name = "ProofRefused";

  constructor(readonly channel: ChannelId) {
    super(
      `the server refuses the proof of channel ${channelName(channel)} as not ours; ` +
        "it may judge for another contract, so ask the merchant",
    );
  }
}

/** The chain or the server took too long. */
export class NotConfirmed extends UraidenError {
  override readonly name = "NotConfirmed";

  constructor(
    readonly what: "channel" | "deposit",
    /** How long we waited, in milliseconds. */
    readonly waited: number,
  ) {
    super(`the server has not confirmed the ${what} after ${waited} ms; try again later`);
  }
}

/** The server claims a balance that we never signed. Nothing was paid for it. */
export class FalseBalance extends UraidenError {
  override readonly name = "FalseBalance";

  constructor(
    readonly claimed: TokenAmount,
    readonly channel: ChannelId,
  ) {
    super(
      `the server claims a balance of ${claimed} in channel ${channelName(channel)} without our signature; ` +
        "do not trust it",
    );
  }
}

/** The server holds a payment that it did not serve for: an answer was lost, or it cheats. */
export class PaymentLost extends UraidenError {
  override readonly name = "PaymentLost";

  constructor(
    /** What was paid for nothing. */
    readonly amount: bigint,
  ) {
    super(`the payment of ${amount} was taken and not served; the next request pays anew`);
  }
}

/** A 402 to a payment, with neither a reason nor a balance. */
export class Unexplained extends UraidenError {
  override readonly name = "Unexplained";

  constructor(
    /** The balance that was sent. */
    readonly sent: TokenAmount,
  ) {
    super(`the server refuses the balance of ${sent} and gives no reason; ask the merchant`);
  }
}

/** The server asked for one corrected payment after the other. */
export class Endless extends UraidenError {
  override readonly name = "Endless";

  constructor(readonly corrections: number) {
    super(`the server asked for ${corrections} corrected payments for one request; do not trust it`);
  }
}

/** 409: a header of ours cannot be read. */
export class Malformed extends UraidenError {
  override readonly name = "Malformed";

  constructor(
    /** The server's words. */
    readonly reason: string,
  ) {
    super(`the server cannot read our payment: ${reason}; ask the merchant`);
  }
}

/** 502: the paywall cannot accept payments. */
export class Unavailable extends UraidenError {
  override readonly name = "Unavailable";

  constructor(
    /** The server's words. */
    readonly reason: string,
  ) {
    super(`payments cannot be accepted now: ${reason}; the next request repeats this one's payment`);
  }
}

/** 503: the paywall has too much to do. */
export class Busy extends UraidenError {
  override readonly name = "Busy";

  constructor(
    /** What the server's `Retry-After` says, in seconds; 1 where it says nothing. */
    readonly retryAfter: number,
    /** The server's words. */
    readonly reason: string,
  ) {
    super(`the paywall is busy: ${reason}; try again in ${retryAfter} s`);
  }
}

/** The store has no such channel. */
export class UnknownChannel extends UraidenError {
  override readonly name = "UnknownChannel";

  constructor(readonly channel: ChannelId) {
    super(`the store has no channel ${channelName(channel)}; channels() lists those it has`);
  }
}

/** The channel API answers with an error. */
export class ApiRefused extends UraidenError {
  override readonly name = "ApiRefused";

  constructor(
    readonly status: number,
    /** The server's words. */
    readonly reason: string,
  ) {
    super(`the channel API answers ${status}: ${reason}; try again later, or ask the merchant`);
  }
}

/** The server does not sign a closing agreement. */
export class CloseRefused extends UraidenError {
  override readonly name = "CloseRefused";

  constructor(
    readonly status: number,
    /** The server's words. */
    readonly reason: string,
  ) {
    super(`the server does not agree to close (${status}): ${reason}; use closeUncooperatively()`);
  }
}

/** Nothing was ever paid, so that there is no proof to close with. */
export class NothingPaid extends UraidenError {
  override readonly name = "NothingPaid";

  constructor(readonly channel: ChannelId) {
    super(`nothing was paid through channel ${channelName(channel)}; use closeUncooperatively()`);
  }
}

/** The closing agreement is not the receiver's. */
export class FalseAgreement extends UraidenError {
  override readonly name = "FalseAgreement";

  constructor(
    /** Who should have signed. */
    readonly receiver: Address,
  ) {
    super(`the closing agreement is not signed by ${receiver}; use closeUncooperatively()`);
  }
}

/** A channel's state could not be kept, so nothing was sent. */
export class NotSaved extends UraidenError {
  override readonly name = "NotSaved";

  constructor(cause: unknown) {
    super(
      `the channel's state could not be saved, so nothing was sent: ${text(cause)}; ` +
        "allow this site to store data, or make room",
      { cause },
    );
  }
}

/** What an unknown error says. */
export function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

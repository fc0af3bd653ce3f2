/** What to do after a 402 to a payment. Pure: sending, waiting and saving are the caller's acts. */

import type { TokenAmount } from "./amount.js";
import type { ChannelId } from "./channel.js";
import { type Charge, verified } from "./charge.js";
import { ChannelRefused, ProofRefused, Unexplained } from "./error.js";

/** What to do next. */
export type Next =
  /** Send the same proof again after a pause: time mends it. */
  | { readonly kind: "repeat"; readonly missing: Missing }
  /** The server holds this balance, proved by our own signature: go on from it. */
  | { readonly kind: "resume"; readonly balance: TokenAmount }
  /** The server has accepted the payment, but did not serve for it. */
  | { readonly kind: "lost" };

/** What the server is waiting for: the channel's opening, blocks on top of it, a deposit that covers the balance. */
export type Missing = "opening" | "confirmations" | "deposit";

/**
 * Judges a 402 to the proof of `sent`.
 *
 * `young`: as far as we know the channel has not paid yet, so that the server may not have seen it.
 *
 * @throws {ChannelRefused}
 * @throws {ProofRefused}
 * @throws {FalseBalance}
 * @throws {Unexplained}
 */
export async function judge(channel: ChannelId, sent: TokenAmount, young: boolean, charge: Charge): Promise<Next> {
  const held = charge.held && (await verified(charge.held, channel));
  switch (charge.complaint) {
    case "nonexisting-channel":
      if (young) return repeat("opening");
      throw new ChannelRefused(channel);
    case "insufficient-confirmations":
      return repeat("confirmations");
    case "invalid-balance-proof":
      if (held !== undefined) return repeat("deposit");
      throw new ProofRefused(channel);
    case "invalid-amount":
    case undefined:
      if (held === undefined) throw new Unexplained(sent);
      // A balance of 0 is never a payment, only a question for the state.
      if (held === sent && sent > 0n) return { kind: "lost" };
      // The original server says so to a balance above the deposit.
      if (charge.complaint === undefined && held + charge.terms.price === sent) return repeat("deposit");
      return { kind: "resume", balance: held };
  }
}

function repeat(missing: Missing): Next {
  return { kind: "repeat", missing };
}

/** What a session may spend, lock up and wait for. */

import type { Address } from "./address.js";
import { greater, lesser, MAX_AMOUNT, type Price, type TokenAmount, tokenAmount, ZERO } from "./amount.js";
import type { Terms } from "./charge.js";
import { DepositAboveLimit, OtherParty, PriceAboveLimit } from "./error.js";

/** The limits of a session. What lies beyond them is refused before anything is signed. Times are milliseconds. */
export interface Policy {
  /** The most that one request may cost. */
  readonly maxPrice: TokenAmount;
  /** The most that one channel may hold, top-ups included: what a dishonest server could keep at the worst. */
  readonly maxDeposit: TokenAmount;
  /** What a new channel gets, and what a top-up adds. `maxDeposit` caps it. */
  readonly deposit: Deposit;
  /** Only this contract; any where `undefined`. */
  readonly contract: Address | undefined;
  /** Only this receiver; any where `undefined`. */
  readonly receiver: Address | undefined;
  /** How long one request waits for blocks: transactions mined, openings and top-ups confirmed. */
  readonly maxWait: number;
  /** The pause between two tries while waiting. */
  readonly poll: number;
  /** How long the server may take to begin its answer. */
  readonly timeout: number;
  /** What to do when a payment was accepted without being served: fail, or pay once more for the same request. */
  readonly onLost: "stop" | "pay-again";
  /** The block from which channels are searched on the chain: that of the contract's deployment, or earlier. */
  readonly firstBlock: bigint;
}

/** How much is locked at a time: so many payments of the price at that time, or this amount. */
export type Deposit = { readonly payments: bigint } | { readonly amount: TokenAmount };

/** The same limits with defaults: ten payments a deposit, any party, a minute of waiting in steps of half a second. */
export function policy(limits: Pick<Policy, "maxPrice" | "maxDeposit"> & Partial<Policy>): Policy {
  return {
    deposit: { payments: 10n },
    contract: undefined,
    receiver: undefined,
    maxWait: 60_000,
    poll: 500,
    timeout: 60_000,
    onLost: "stop",
    firstBlock: 0n,
    ...limits,
  };
}

/**
 * Whether these terms are within the limits.
 *
 * @throws {PriceAboveLimit}
 * @throws {OtherParty}
 */
export function checkTerms(policy: Policy, terms: Terms): void {
  if (terms.price > policy.maxPrice) throw new PriceAboveLimit(terms.price, policy.maxPrice);
  for (const what of ["contract", "receiver"] as const) {
    const expected = policy[what];
    if (expected !== undefined && expected !== terms[what]) throw new OtherParty(what, terms[what], expected);
  }
}

/**
 * What to add to a deposit so that it covers `balance`: the usual amount, as far as the limit allows.
 *
 * @throws {DepositAboveLimit}
 */
export function addition(policy: Policy, deposit: TokenAmount, balance: bigint, price: Price): TokenAmount {
  const needed = balance > deposit ? balance - deposit : 0n;
  if (deposit + needed > policy.maxDeposit || deposit > policy.maxDeposit) {
    throw new DepositAboveLimit(balance, policy.maxDeposit);
  }
  const room = tokenAmount(policy.maxDeposit - deposit);
  return lesser(greater(usual(policy.deposit, price), tokenAmount(needed)), room);
}

function usual(deposit: Deposit, price: Price): TokenAmount {
  if ("amount" in deposit) return deposit.amount;
  const amount = price * deposit.payments;
  return amount > MAX_AMOUNT ? MAX_AMOUNT : greater(tokenAmount(amount), ZERO);
}

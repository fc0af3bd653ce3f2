/** What can be done now. Whoever calls this holds the shop's lock. */

import { awaitUnmined, chainId, tokenFacts, ZERO } from "../src/index.js";
import type { Customer, Outcome, Tell } from "./customer.js";
import type { Facts } from "./facts.js";
import { pay } from "./paying.js";
import { attempts, noteAttempt } from "./shop.js";
import { countPurse, findChannel, findEnding } from "./survey.js";
import type { Around, Note } from "./view.js";
import { NotTaken } from "./words.js";

/** How often one payment is offered without a click. */
const MAX_ATTEMPTS = 3;

/** Finds out how things stand, and what can be done. */
export async function look(
  customer: Customer,
  facts: Facts,
  note: Note | undefined,
  tell: Tell,
  tellAround: (around: Around) => void,
): Promise<Outcome> {
  const { shop, chain, wallet } = customer;
  const found = await chainId(wallet.provider);
  if (found !== shop.chainId) return { kind: "network", found, expected: shop.chainId };

  await awaitUnmined(chain, shop.store, chain.sender, () => tell("mine"));
  const channel = await findChannel(shop, chain);
  const token = await tokenFacts(chain, shop.terms.token);
  tellAround({ token, channel, ending: await findEnding(shop, chain) });
  if (!channel) return { kind: "open", purse: await countPurse(shop, chain, ZERO, shop.terms.price) };

  // This tab has offered a payment that the server does not hold: it is offered again, within reason.
  const tries = attempts(channel.pending);
  if (channel.pending && tries > 0) {
    if (tries < MAX_ATTEMPTS) return pay(customer, tell);
    noteAttempt(channel.pending, 0);
    throw new NotTaken(facts.detail);
  }
  const next = (channel.balance ?? 0n) + shop.terms.price;
  if (next > channel.deposit) {
    return { kind: "top-up", channel, purse: await countPurse(shop, chain, channel.deposit, next) };
  }
  return { kind: "pay", channel, note };
}

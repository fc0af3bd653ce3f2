/** Signing a payment and opening what it pays for. Whoever calls this holds the shop's lock. */

import { knowBalance, signBalance, tokenAmount } from "../src/index.js";
import type { Customer, Outcome, Tell } from "./customer.js";
import { awaitServer, show } from "./deliver.js";
import { findChannel } from "./survey.js";
import { ClosedByServer } from "./words.js";

/** Signs the next payment, or takes one that is signed already, and goes where it leads to. */
export async function pay({ shop, chain, wallet }: Customer, tell: Tell): Promise<Outcome> {
  const { store, terms, gateway } = shop;
  tell("sign");
  const found = await findChannel(shop, chain);
  if (!found) return "look";
  const channel = await knowBalance(wallet, gateway, { ...found, pending: undefined });
  const balance = tokenAmount((channel.balance ?? 0n) + terms.price);
  if (balance > channel.deposit) return "look";

  // One that is signed and was not accepted is as good as new, if it is over the right balance.
  const signed = found.pending?.balance === balance ? found.pending : undefined;
  const proof = signed ?? (await signBalance(wallet, channel, balance));
  // Before it leaves: after a crash this proof is offered again, and none above it.
  const paying = { ...channel, pending: proof };
  await store.save(paying);

  tell("confirm");
  try {
    await awaitServer(shop, paying, proof, (progress) => tell("confirm", progress));
  } catch (error) {
    // The proof was not offered, and never will be.
    if (error instanceof ClosedByServer) await store.save({ ...channel, closing: true });
    throw error;
  }
  tell("show");
  await show(shop, paying, proof);
  return { kind: "delivered" };
}

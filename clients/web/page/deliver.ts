/** The last steps of a payment: until the server can take it, and then until the browser shows what was paid for. */

import { type Channel, getChannel, NoAnswer, type ServerChannel, type Signed } from "../src/index.js";
import { offerPayment, takeAway } from "./cookies.js";
import { attempts, noteAttempt, POLL, type Shop } from "./shop.js";
import type { Step } from "./view.js";
import { ClosedByServer, CookiesRefused } from "./words.js";

/** How long the browser may take to leave this page, in milliseconds, before we ask what became of the payment. */
const LEAVING = 3000;

/** How often the server is asked then, before it counts as silent. */
const QUESTIONS = 20;

/** Waits until the server knows the channel, its confirmations, and a deposit that covers the proof. */
export async function awaitServer(
  { gateway }: Shop,
  channel: Channel,
  proof: Signed,
  tell: (progress: Step["progress"]) => void,
): Promise<void> {
  let total = 0;
  for (;;) {
    const server = await getChannel(gateway, channel, proof);
    if (server && !server.open) throw new ClosedByServer();
    if (server?.confirmed && server.deposit >= proof.balance) return;
    const missing = server?.missingConfirmations;
    if (missing !== undefined) {
      total = Math.max(total, missing);
      tell({ done: total - missing, total });
    }
    await pause(POLL);
  }
}

/**
 * Pays and opens the content in place of this page. Ends only if the page is still there: the payment was accepted, and
 * the content was a download or takes its time.
 */
export async function show(shop: Shop, channel: Channel, proof: Signed): Promise<void> {
  if (!offerPayment(channel, proof)) {
    takeAway();
    throw new CookiesRefused();
  }
  noteAttempt(proof, attempts(proof) + 1);
  // The answer has come: the request that needed the cookies is over.
  window.addEventListener("pagehide", takeAway, { once: true });
  location.reload();
  await pause(LEAVING);
  for (let question = 0; question < QUESTIONS; question += 1) {
    const server: ServerChannel | undefined = await getChannel(shop.gateway, channel, proof);
    if (server && server.held.balance >= proof.balance) {
      takeAway();
      // Where the answer is on its way, this page is about to go; it was a download if it is still there.
      await pause(LEAVING);
      return;
    }
    await pause(POLL);
  }
  takeAway();
  throw new NoAnswer(new Error("the browser did not get the page"));
}

/** Some time later. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((done) => setTimeout(done, milliseconds));
}

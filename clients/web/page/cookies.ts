/**
 * Paying for a page that the browser opens itself.
 *
 * The page could fetch the content with headers, but could not show it: a document that is written by a script keeps
 * this page's address, policy and history entry, and an image, a film or a download is no document at all. So the proof
 * goes in the four cookies of the protocol, and the browser loads the same address again. The cookies are for this path
 * only, for a minute at most, and are taken away in the moment in which the answer replaces this page.
 */

import { type Channel, header, type Signed } from "../src/index.js";

/** Longer than a browser takes to send a request that was just started. */
const SECONDS = 60;

/** The names of all cookies of the protocol, those that only tell something to scripts included. */
const NAMES = Object.values(header);

/** Puts the proof where the next request for this address finds it. Answers whether the browser keeps cookies. */
export function offerPayment(channel: Channel, proof: Signed): boolean {
  takeAway();
  const path = cookiePath();
  const secure = location.protocol === "https:" ? "; Secure" : "";
  const payment = [
    [header.SENDER_ADDRESS, channel.sender],
    [header.OPEN_BLOCK, String(channel.openBlock)],
    [header.SENDER_BALANCE, String(proof.balance)],
    [header.BALANCE_SIGNATURE, proof.signature],
  ];
  for (const [name, value] of payment) {
    document.cookie = `${name}=${value}; Path=${path}; Max-Age=${SECONDS}; SameSite=Lax${secure}`;
  }
  return payment.every(([name, value]) => document.cookie.split("; ").includes(`${name}=${value}`));
}

/** Takes all cookies of the protocol away, the paywall's own ones too: what they say is in the document. */
export function takeAway(): void {
  for (const path of new Set(["/", cookiePath()])) {
    for (const name of NAMES) document.cookie = `${name}=; Path=${path}; Max-Age=0; SameSite=Lax`;
  }
}

/** A cookie's path cannot have a semicolon in it. */
function cookiePath(): string {
  return location.pathname.includes(";") ? "/" : location.pathname;
}

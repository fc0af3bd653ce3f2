/** The figures on top: health, money, chain. */

import { el, facts } from "../page/dom.js";
import { chainName, count, formatAmount } from "../page/format.js";
import type { Overview } from "./api.js";
import { formatEther } from "./ether.js";

/** Whether paid requests are served, and if not, why. */
export function health({ trouble, challenges }: Overview): HTMLElement[] {
  const state = trouble === undefined ? "Paid requests are served." : `Paid requests are refused: ${trouble}.`;
  const lines = [el("p", { className: trouble === undefined ? "good" : "bad" }, state)];
  if (challenges.length > 0) {
    const what = count(challenges.length, "challenge");
    lines.push(el("p", { className: "bad" }, `${what} under way: senders have asked to close at less than they signed.`));
  }
  return lines;
}

/** The money. */
export function money({ token, earned, claimable, withdrawn, locked, channels, wei }: Overview): HTMLElement {
  const amount = (value: bigint): string => formatAmount(value, token);
  return el(
    "dl",
    { className: "tiles" },
    tile("Earned", amount(earned), "all payments that were accepted"),
    tile("Claimable", amount(claimable), "earned, and still with the contract"),
    tile("Withdrawn", amount(withdrawn), "paid out by the contract"),
    tile("Receiver’s ETH", wei === undefined ? "not known" : formatEther(wei), "for closing and withdrawing"),
    tile("Open channels", String(channels.open), `${amount(locked)} locked`),
    tile("Closing, closed", `${channels.closing}, ${channels.settled}`, "channels"),
  );
}

function tile(term: string, value: string, note: string): HTMLElement {
  const figure = el("dd", {}, el("strong", {}, value), el("span", {}, note));
  return el("div", {}, el("dt", {}, term), figure);
}

/** Where all this is. */
export function place({ chainId, block, confirmedBelow, contract, receiver, token }: Overview): HTMLElement {
  const depth = block !== undefined && confirmedBelow !== undefined ? `, believed below ${confirmedBelow}` : "";
  return facts(
    ["Chain", chainId === undefined ? "not reached yet" : chainName(chainId)],
    ["Newest block", block === undefined ? "none yet" : `${block}${depth}`],
    ["Receiver", el("span", { className: "address" }, receiver)],
    ["Contract", el("span", { className: "address" }, contract)],
    ["Token", token ? `${token.name} (${token.symbol})` : "not known"],
  );
}

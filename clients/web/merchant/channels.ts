/** The channels: what is at stake in each, and what can be ordered. */

import type { Address, TokenFacts } from "../src/index.js";
import { button, el } from "../page/dom.js";
import { formatAddress, formatAmount } from "../page/format.js";
import { type Line, MOST_CHANNELS, type Purpose } from "./api.js";

/** Which channels are shown. */
export type Shown = "open" | "closing" | "closed";

/** What can be chosen, by the ledger's words for a channel's state. */
const STATES: Readonly<Record<Shown, readonly string[]>> = {
  open: ["open", "unconfirmed", "held"],
  closing: ["marked", "closing"],
  closed: ["settled", "absent"],
};

const WORDS: Readonly<Record<string, string>> = {
  open: "open",
  unconfirmed: "not confirmed yet",
  held: "held back since a restore",
  marked: "agreed to close",
  settled: "closed",
  absent: "gone in a reorganisation",
};

/** The whole section. */
export function channels(
  lines: readonly Line[],
  shown: Shown,
  token: TokenFacts | undefined,
  choose: (shown: Shown) => void,
  ask: (purpose: Purpose, line: Line) => void,
): HTMLElement[] {
  const choices = (Object.keys(STATES) as Shown[]).map((one) => {
    const number = lines.filter(({ state }) => STATES[one].includes(state)).length;
    const choice = button(`${one} (${number})`, () => choose(one));
    choice.dataset["key"] = `channels ${one}`;
    choice.setAttribute("aria-pressed", String(one === shown));
    return choice;
  });
  const chosen = lines
    .filter(({ state }) => STATES[shown].includes(state))
    // What is most at stake comes first.
    .sort((a, b) => (a.unclaimed === b.unclaimed ? b.openBlock - a.openBlock : a.unclaimed < b.unclaimed ? 1 : -1));
  const all: HTMLElement[] = [el("h2", {}, "Channels"), el("div", { className: "choices" }, ...choices)];
  if (lines.length === MOST_CHANNELS) {
    all.push(el("p", { className: "quiet" }, `Only ${MOST_CHANNELS} are shown here; “uraiden channels” lists all.`));
  }
  all.push(chosen.length === 0 ? el("p", { className: "quiet" }, "None.") : table(chosen, token, ask));
  return all;
}

const COLUMNS = ["Sender", "Opened in", "State", "Deposit", "Earned", "Withdrawn", "Exposure", "Orders"];

function table(lines: readonly Line[], token: TokenFacts | undefined, ask: (purpose: Purpose, line: Line) => void): HTMLElement {
  const head = el("tr", {}, ...COLUMNS.map((text) => el("th", { scope: "col" }, text)));
  const rows = lines.map((line) => row(line, token, ask));
  const scroll = el("div", { className: "scroll", tabIndex: 0 }, el("table", {}, el("thead", {}, head), el("tbody", {}, ...rows)));
  scroll.setAttribute("role", "region");
  scroll.setAttribute("aria-label", "Channels");
  return scroll;
}

function row(line: Line, token: TokenFacts | undefined, ask: (purpose: Purpose, line: Line) => void): HTMLElement {
  const { sender, openBlock, deposit, balance, withdrawn, unclaimed } = line;
  const amount = (value: bigint): string => formatAmount(value, token);
  const who = el("th", { scope: "row", className: "address", title: sender }, formatAddress(sender as Address));
  const orders = possible(line).map((purpose) => {
    const verb = purpose === "close" ? "Close" : "Withdraw";
    const choice = button(`${verb}…`, () => ask(purpose, line));
    choice.dataset["key"] = `${purpose} ${sender} ${openBlock}`;
    choice.setAttribute("aria-label", `${verb}: channel of ${formatAddress(sender as Address)}, opened in ${openBlock}`);
    return choice;
  });
  const figures = [String(openBlock), stateOf(line), ...[deposit, balance, withdrawn, unclaimed].map(amount)];
  return el("tr", {}, who, ...figures.map((text) => el("td", {}, text)), el("td", { className: "orders" }, ...orders));
}

function stateOf({ state, settleBlock }: Line): string {
  if (state === "closing") return `sender asked to close, until block ${settleBlock ?? "?"}`;
  return WORDS[state] ?? state;
}

/** What the sidecar may do; it decides again when it is asked. */
function possible({ state, balance, unclaimed }: Line): Purpose[] {
  if (balance === 0n) return [];
  if (state === "open") return unclaimed > 0n ? ["withdraw", "close"] : ["close"];
  return ["marked", "closing", "held"].includes(state) ? ["close"] : [];
}

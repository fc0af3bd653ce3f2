/** The account's channels, and how to end them. */

import type { Channel, TokenFacts } from "../src/index.js";
import { button, el, facts } from "./dom.js";
import { count, formatAmount } from "./format.js";
import type { Actions, Around, Ending } from "./view.js";

/** Nothing where there is no channel. */
export function channelsBox({ channel, ending }: Around, token: TokenFacts | undefined, actions: Actions): HTMLElement[] {
  const boxes: HTMLElement[] = [];
  if (channel) boxes.push(openBox(channel, token, actions));
  for (const one of ending) boxes.push(endingBox(one, token, actions));
  return boxes;
}

function openBox(channel: Channel, token: TokenFacts | undefined, actions: Actions): HTMLElement {
  return el(
    "details",
    { className: "channel" },
    el("summary", {}, "Your channel"),
    figures(channel, token),
    el("p", { className: "quiet" }, "Closing it brings back what you did not spend, with one transaction."),
    button("Close the channel", () => actions.close(channel)),
  );
}

function endingBox({ channel, blocksLeft }: Ending, token: TokenFacts | undefined, actions: Actions): HTMLElement {
  const title = el("h2", {}, "A channel that is closing");
  const box = el("section", { className: "channel" }, title, figures(channel, token));
  if (blocksLeft === undefined) {
    box.append(
      el("p", {}, "Its closing is not on the chain yet."),
      button("Close it", () => actions.close(channel)),
      button("Close without the other side", () => actions.closeSlowly(channel)),
    );
  } else if (blocksLeft > 0) {
    box.append(el("p", {}, `You get your deposit back after ${count(blocksLeft, "more block")}.`));
  } else {
    box.append(
      el("p", {}, "The time for objections is over."),
      button("Get the deposit back", () => actions.settle(channel), "primary"),
    );
  }
  box.append(button("Forget it", () => actions.forget(channel), "quiet"));
  return box;
}

function figures({ deposit, balance, openBlock }: Channel, token: TokenFacts | undefined): HTMLElement {
  const left = balance === undefined ? "not known yet" : formatAmount(deposit - balance, token);
  return facts(
    ["Deposit", formatAmount(deposit, token)],
    ["Spent", balance === undefined ? "not known yet" : formatAmount(balance, token)],
    ["Left", left],
    ["Opened in block", String(openBlock)],
  );
}

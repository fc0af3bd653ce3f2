/** Giving an order: first what it would do and cost, then the button. */

import type { Address, TokenFacts } from "../src/index.js";
import { button, el } from "../page/dom.js";
import { formatAddress, formatAmount } from "../page/format.js";
import { ApiError, type Line, order, type Purpose, type Quote, quote } from "./api.js";
import { formatEther } from "./ether.js";

interface Words {
  readonly title: string;
  readonly verb: string;
  readonly effect: string;
}

const WORDS: Readonly<Record<Purpose, Words>> = {
  close: {
    title: "Close this channel?",
    verb: "Close the channel",
    effect: "It takes no more payments from now on. The rest of the deposit goes back to the sender.",
  },
  withdraw: {
    title: "Withdraw from this channel?",
    verb: "Withdraw",
    effect: "The channel stays open.",
  },
};

const YOUNG = " The newest payment waits: for a minute it can still be taken back.";

/** Shows the dialog; it is gone, and resolves, when it is closed. */
export function askFor(purpose: Purpose, line: Line, token: TokenFacts | undefined): Promise<void> {
  const { title, verb, effect } = WORDS[purpose];
  const body = el("div", {}, el("p", { className: "quiet" }, "Asking what it costs…"));
  body.setAttribute("aria-live", "polite");
  const go = button(verb, () => void give(), "primary");
  go.disabled = true;
  const back = button("Not now", () => dialog.close());
  const heading = el("h2", { id: "order" }, title);
  const about = `Channel of ${formatAddress(line.sender as Address)}, opened in block ${line.openBlock}.`;
  const dialog = el("dialog", {}, heading, el("p", {}, about), body, el("div", { className: "choices" }, back, go));
  dialog.setAttribute("aria-labelledby", heading.id);
  document.body.append(dialog);
  dialog.showModal();

  void attempt(async () => {
    const found = await quote(purpose, line);
    body.replaceChildren(...quoted(found), el("p", {}, effect));
    go.disabled = false;
  });

  async function give(): Promise<void> {
    go.disabled = true;
    await attempt(async () => {
      await order(purpose, line);
      body.replaceChildren(el("p", { className: "good" }, "It is ordered. The list shows when the chain has done it."));
      go.remove();
      back.textContent = "Go on";
    });
  }

  async function attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      body.replaceChildren(el("p", { className: "bad" }, `It is not possible: ${error.message}`));
    }
  }

  function quoted({ balance, cost }: Quote): HTMLElement[] {
    const gets = balance > line.withdrawn ? balance - line.withdrawn : 0n;
    const price = cost
      ? `It costs about ${formatEther(cost.likely)}, at first at most ${formatEther(cost.most)} (${cost.gas} gas).`
      : "What it costs is not known: the node does not answer.";
    const young = purpose === "withdraw" && balance < line.balance ? YOUNG : "";
    return [el("p", {}, `The receiver gets ${formatAmount(gets, token)}.${young}`), el("p", {}, price)];
  }

  return new Promise((done) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      done();
    });
  });
}

/** The panel: one view at a time, each with what can be done. */

import type { TokenFacts } from "../src/index.js";
import { amountForm } from "./amount-form.js";
import { button, el } from "./dom.js";
import { chainName, count, formatAmount } from "./format.js";
import type { Actions, Purse, Step, StepName, View } from "./view.js";

/** What the panel needs beside the view. */
export interface Scene {
  readonly actions: Actions;
  readonly price: bigint;
  readonly token: TokenFacts | undefined;
}

/** A view as elements: first its heading. */
export function panel(view: View, scene: Scene): HTMLElement[] {
  const { actions, price, token } = scene;
  const amount = (value: bigint): string => formatAmount(value, token);
  switch (view.kind) {
    case "looking":
      return [heading(view.what), el("p", { className: "busy" }, "One moment…")];
    case "elsewhere":
      return [
        heading("Another tab is paying"),
        el("p", { className: "busy" }, "Finish or close it there; this page goes on by itself then."),
      ];
    case "wallets":
      return wallets(view.offers.map((offer) => [offer.name, offer.icon, () => actions.choose(offer)]), actions);
    case "network":
      return [
        heading("Your wallet is on another network"),
        el("p", {}, `It is on ${chainName(view.found)}; payments here are on ${chainName(view.expected)}.`),
        button(`Switch to ${chainName(view.expected)}`, () => actions.switchNetwork(), "primary"),
      ];
    case "open":
      return deposit(view.purse, scene, {
        title: "Open a channel",
        text: "You lock a deposit once and pay from it with a signature. What you do not spend comes back to you when you close the channel.",
        verb: "Open with",
        act: (value) => actions.open(value),
      });
    case "top-up":
      return deposit(view.purse, scene, {
        title: "Top up your channel",
        text: `${amount(view.channel.deposit - (view.channel.balance ?? 0n))} are left in your channel, less than the price.`,
        verb: "Add",
        act: (value) => actions.topUp(value),
      });
    case "pay":
      return [
        heading("Your channel is ready"),
        el("p", {}, view.note ? "Your last payment has been used. Each view is paid for anew." : readyText()),
        button(`Pay ${amount(price)}`, () => actions.pay(), "primary"),
      ];
    case "working":
      return [heading(view.title), steps(view.steps)];
    case "delivered":
      return [
        heading("Paid"),
        el("p", {}, "The content is on its way. If it is a file, look at your downloads."),
        button("Go on", () => actions.retry()),
      ];
    case "settled":
      return [
        heading("Your channel is closed"),
        el("p", {}, `${amount(view.returned)} came back to you; ${amount(view.paid)} were paid.`),
        button("Go on", () => actions.retry()),
      ];
    case "close-asked":
      return [
        heading("Your channel is closing"),
        el("p", {}, `Come back after ${count(view.blocks, "block")} to get your deposit back: a button will be here then.`),
        button("Go on", () => actions.retry()),
      ];
    case "slow-close":
      return [
        heading("Close without the other side?"),
        el("p", {}, view.why === "unpaid" ? "Nothing was paid through this channel." : "The other side does not agree to close it."),
        el("p", {}, `The contract can close it alone. You get your money after ${count(view.blocks, "block")}.`),
        button("Close anyway", () => actions.closeSlowly(view.channel), "primary"),
        button("Not now", () => actions.retry()),
      ];
    case "trouble": {
      const { title, text, retry } = view.trouble;
      return [heading(title), el("p", {}, text), ...(retry ? [button(retry, () => actions.retry(), "primary")] : [])];
    }
  }

  function readyText(): string {
    return "Your wallet will ask you to sign the payment. It costs no fee.";
  }
}

/** What a screen reader hears of a view. */
export function announcement(view: View): string {
  switch (view.kind) {
    case "looking":
      return `${view.what}…`;
    case "working": {
      const active = view.steps.find(({ state }) => state === "active");
      return active ? stepText(active) : view.title;
    }
    case "trouble":
      return `${view.trouble.title}. ${view.trouble.text}`;
    case "elsewhere":
      return "Another tab is paying. This page waits for it.";
    case "wallets":
    case "network":
    case "open":
    case "top-up":
    case "pay":
    case "delivered":
    case "settled":
    case "close-asked":
    case "slow-close":
      // The heading gets the focus and is read out.
      return "";
  }
}

function heading(text: string): HTMLElement {
  return el("h2", { tabIndex: -1 }, text);
}

function wallets(
  offers: readonly (readonly [name: string, icon: string | undefined, choose: () => void])[],
  actions: Actions,
): HTMLElement[] {
  if (offers.length === 0) {
    return [
      heading("No wallet found"),
      el(
        "p",
        {},
        "To pay here you need an Ethereum wallet in your browser, such as MetaMask or Rabby. " +
          "On a phone, open this page in the browser of your wallet app.",
      ),
      button("Look again", () => actions.retry()),
    ];
  }
  const choices = offers.map(([name, icon, choose]) => {
    const choice = button(`Connect ${name}`, choose, "primary wallet");
    if (icon) choice.prepend(el("img", { src: icon, alt: "", width: 24, height: 24 }));
    return choice;
  });
  return [heading("Connect your wallet"), el("p", {}, "It asks you before anything is paid."), ...choices];
}

interface Depositing {
  readonly title: string;
  readonly text: string;
  readonly verb: string;
  readonly act: (value: bigint) => void;
}

function deposit(purse: Purse, scene: Scene, { title, text, verb, act }: Depositing): HTMLElement[] {
  const { token, price, actions } = scene;
  const holdings = el("p", { className: "quiet" }, `You have ${formatAmount(purse.has, token)}.`);
  if (purse.least > purse.most) {
    const short = purse.has < purse.least;
    return [
      heading(short ? "Not enough tokens" : "The channel is full"),
      el(
        "p",
        {},
        short
          ? `At least ${formatAmount(purse.least, token)} are needed, and the account has ${formatAmount(purse.has, token)}.`
          : "The contract takes no larger deposit. Close this channel and open a new one.",
      ),
      button("Look again", () => actions.retry()),
    ];
  }
  const fee = purse.fee ? undefined : el("p", { className: "warning" }, "The account has nothing to pay the network's fee with.");
  return [heading(title), el("p", {}, text), ...(fee ? [fee] : []), amountForm(purse, price, token, verb, act), holdings];
}

const STEP_TEXTS: Readonly<Record<StepName, string>> = {
  approve: "Confirm the transaction in your wallet",
  mine: "The transaction is put into a block",
  sign: "Sign the payment in your wallet",
  confirm: "The server waits for confirmations",
  agree: "The other side agrees",
  show: "The content opens",
};

function stepText({ name, progress }: Step): string {
  return progress ? `${STEP_TEXTS[name]}: ${progress.done} of ${progress.total}` : STEP_TEXTS[name];
}

function steps(all: readonly Step[]): HTMLElement {
  const items = all.map((step) => {
    const item = el("li", { className: step.state }, stepText(step));
    if (step.state === "active") item.setAttribute("aria-current", "step");
    if (step.progress) {
      const { done, total } = step.progress;
      const bar = el("progress", { value: done, max: total });
      bar.setAttribute("aria-label", STEP_TEXTS[step.name]);
      item.append(bar);
    }
    return item;
  });
  return el("ol", { className: "steps" }, ...items);
}

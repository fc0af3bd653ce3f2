/** The whole page: what is sold and by whom, the panel, the account's channels. */

import type { Terms, TokenFacts } from "../src/index.js";
import { channelsBox } from "./channels-box.js";
import { el, facts } from "./dom.js";
import type { Facts, Operator } from "./facts.js";
import { chainName, formatAddress, formatAmount } from "./format.js";
import { announcement, panel } from "./panel.js";
import type { Actions, Around, View } from "./view.js";
import type { Screen } from "./visit.js";

/** A screen, and where it gets the token's name and the actions from when they are known. */
export interface PageScreen extends Screen {
  name(token: TokenFacts | undefined): void;
  connect(actions: Actions): void;
}

/** Puts the page into the document, in place of the plain text that is there. */
export function pageScreen(main: HTMLElement, { operator, chainId }: Facts, terms: Terms | undefined): PageScreen {
  let token: TokenFacts | undefined;
  let actions: Actions | undefined;
  let shown: View | undefined;
  let around: Around = { token: undefined, channel: undefined, ending: [] };

  const price = el("p", { className: "price" });
  const box = el("section", { className: "panel" });
  const status = el("p", { className: "status" });
  status.setAttribute("role", "status");
  const channels = el("div");
  const offer = terms ? [price, offerFacts(terms, chainId)] : [];
  main.replaceChildren(...header(operator), ...offer, box, status, channels, ...footer());

  function render(): void {
    if (terms) price.textContent = formatAmount(terms.price, token);
    channels.replaceChildren(...(actions ? channelsBox(around, token, actions) : []));
    if (!shown || !actions) return;
    const view = shown;
    const hadFocus = box.contains(document.activeElement) || document.activeElement === document.body;
    const before = box.dataset["kind"];
    box.dataset["kind"] = view.kind;
    box.replaceChildren(...panel(view, { actions, price: terms?.price ?? 0n, token }));
    // The first view does not take the focus from where the browser put it.
    if (hadFocus && before !== undefined && before !== view.kind) box.querySelector("h2")?.focus();
    status.textContent = announcement(view);
  }

  return {
    show(view) {
      shown = view;
      render();
    },
    around(next) {
      around = next;
      token = next.token ?? token;
      render();
    },
    name(next) {
      token ??= next;
      render();
    },
    connect(next) {
      actions = next;
      render();
    },
  };
}

function header({ title = "Payment required", text, logo }: Operator): Node[] {
  document.title = title;
  const image = logo ? [el("img", { src: logo, alt: "", className: "logo" })] : [];
  return [...image, el("h1", {}, title), ...(text ? [el("p", { className: "intro" }, text)] : [])];
}

function offerFacts({ receiver }: Terms, chainId: number): HTMLElement {
  const payee = el("span", { className: "address", title: receiver }, formatAddress(receiver));
  return facts(
    ["For", decodeURI(location.pathname)],
    ["Paid to", payee],
    ["Network", chainName(chainId)],
  );
}

function footer(): Node[] {
  return [el("footer", {}, "Paid by µRaiden: a signature for each view, a transaction only at the beginning and the end.")];
}

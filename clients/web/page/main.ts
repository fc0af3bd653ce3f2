/** The page that a browser gets in place of what it has to pay for. */

import "./style.css";

import { getStats } from "../src/index.js";
import { applyAccent } from "./accent.js";
import { readFacts } from "./facts.js";
import { pageScreen } from "./screen.js";
import { openShop } from "./shop.js";
import type { Actions } from "./view.js";
import { visit } from "./visit.js";
import { inWords, refusalInWords } from "./words.js";

function start(main: HTMLElement): void {
  const facts = readFacts(main);
  const { charge, chainId, operator } = facts;
  if (operator.accent) applyAccent(operator.accent);
  const screen = pageScreen(main, facts, charge?.terms);

  const refusal = refusalInWords(facts);
  if (refusal || !charge) {
    screen.connect({ retry: () => location.reload() } as Actions);
    screen.show({ kind: "trouble", trouble: refusal ?? inWords(facts.detail) });
    return;
  }
  const shop = openShop(charge.terms, chainId);
  // Only for the price's sake, before a wallet can tell; without it the price is in base units until then.
  getStats(shop.gateway).then(({ token }) => screen.name(token), () => undefined);
  screen.connect(visit(facts, shop, screen));
}

const main = document.getElementById("uraiden");
if (main) start(main);

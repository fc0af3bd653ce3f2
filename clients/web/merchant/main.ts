/** The merchant's page: figures, income, channels, and the orders that can be given. */

import "./style.css";

import { el } from "../page/dom.js";
import { ApiError, type Bar, getChannels, getIncome, getOverview, type Line, type Overview, type Purpose } from "./api.js";
import { channels, type Shown } from "./channels.js";
import { chart, type Span, SPANS } from "./chart.js";
import { health, money, place } from "./figures.js";
import { askFor } from "./order.js";

/** How often the page asks, in milliseconds. */
const REFRESH = 5000;

/** All that was asked, of one moment. */
interface News {
  readonly overview: Overview;
  readonly lines: readonly Line[];
  readonly bars: readonly Bar[];
}

function start(main: HTMLElement): void {
  let span: Span = SPANS[0];
  let shown: Shown = "open";
  let news: News | undefined;

  const status = el("div", { className: "health" });
  status.setAttribute("role", "status");
  const [figures, income, list, where] = [el("div"), el("section"), el("section"), el("section")];
  main.replaceChildren(el("h1", {}, "µRaiden: income"), status, figures, income, list, where);

  async function refresh(): Promise<void> {
    try {
      const [overview, lines, bars] = await Promise.all([getOverview(), getChannels(), getIncome(span.by, span.count)]);
      const fresh = { overview, lines, bars };
      // What has not changed is left alone: whoever reads or points at it is not disturbed.
      if (JSON.stringify(fresh, asText) === JSON.stringify(news, asText)) return;
      news = fresh;
      render();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const what = error.status === 401 ? "You are not logged in any more: load this page again." : error.message;
      status.replaceChildren(el("p", { className: "bad" }, what));
      news = undefined;
    }
  }

  function render(): void {
    if (!news) return;
    const { overview, lines, bars } = news;
    const { token } = overview;
    const open = new Set([...main.querySelectorAll("details[open] > summary")].map(keyOf));
    const focused = keyOf(document.activeElement);
    status.replaceChildren(...health(overview));
    figures.replaceChildren(money(overview));
    income.replaceChildren(...chart(bars, span, token, Date.now(), (next) => {
      span = next;
      void refresh().then(render);
    }));
    list.replaceChildren(...channels(lines, shown, token, (next) => {
      shown = next;
      render();
    }, (purpose, line) => void give(purpose, line)));
    where.replaceChildren(el("h2", {}, "Chain"), place(overview));
    for (const summary of main.querySelectorAll("summary")) {
      if (open.has(keyOf(summary))) (summary.parentElement as HTMLDetailsElement).open = true;
    }
    const before = [...main.querySelectorAll<HTMLElement>("[data-key]")].find((one) => keyOf(one) === focused);
    before?.focus();
  }

  async function give(purpose: Purpose, line: Line): Promise<void> {
    await askFor(purpose, line, news?.overview.token);
    await refresh();
  }

  async function follow(): Promise<never> {
    for (;;) {
      if (!document.hidden) await refresh();
      await new Promise((done) => setTimeout(done, REFRESH));
    }
  }
  void follow();
}

/** Names an element through all renderings. */
function keyOf(element: Element | null): string | undefined {
  return element instanceof HTMLElement ? element.dataset["key"] : undefined;
}

function asText(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}

const main = document.getElementById("merchant");
if (main) start(main);

/** Income by hour or day: bars for the eye, a table for everyone. */

import type { TokenFacts } from "../src/index.js";
import { button, el } from "../page/dom.js";
import { count, formatAmount } from "../page/format.js";
import type { Bar } from "./api.js";

/** What a chart shows: so many hours, or days. */
export interface Span {
  readonly by: "hour" | "day";
  readonly count: number;
  readonly name: string;
}

/** What can be chosen. */
export const SPANS: readonly [Span, ...Span[]] = [
  { by: "hour", count: 48, name: "48 hours" },
  { by: "day", count: 30, name: "30 days" },
  { by: "day", count: 365, name: "365 days" },
];

const LENGTH = { hour: 3_600_000, day: 86_400_000 } as const;

const [WIDTH, HEIGHT] = [720, 160];

/** The whole section. */
export function chart(
  bars: readonly Bar[],
  span: Span,
  token: TokenFacts | undefined,
  now: number,
  choose: (span: Span) => void,
): Element[] {
  const total = bars.reduce((sum, { amount }) => sum + amount, 0n);
  const payments = bars.reduce((sum, bar) => sum + bar.payments, 0);
  const summary = `${formatAmount(total, token)} by ${count(payments, "payment")} in the last ${span.name}`;
  const choices = SPANS.map((one) => {
    const choice = button(one.name, () => choose(one));
    choice.dataset["key"] = `span ${one.name}`;
    choice.setAttribute("aria-pressed", String(one.name === span.name));
    return choice;
  });
  return [
    el("h2", {}, "Income"),
    el("div", { className: "choices" }, ...choices),
    el("p", { className: "quiet" }, `${summary}.`),
    drawing(bars, span, now, summary),
    table(bars, span, token),
  ];
}

function drawing(bars: readonly Bar[], span: Span, now: number, summary: string): Element {
  const svg = svgElement("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": summary });
  const highest = bars.reduce((most, { amount }) => (amount > most ? amount : most), 1n);
  const length = LENGTH[span.by];
  const first = (Math.floor(now / length) + 1 - span.count) * length;
  const step = WIDTH / span.count;
  for (const { start, amount } of bars) {
    // In thousandths of the height, so that no amount becomes a float.
    const height = Math.max(1, (Number((amount * 1000n) / highest) / 1000) * (HEIGHT - 4));
    const x = ((start - first) / length) * step;
    svg.append(
      svgElement("rect", {
        x: x + step * 0.1,
        y: HEIGHT - 2 - height,
        width: step * 0.8,
        height,
        rx: Math.min(2, step * 0.2),
      }),
    );
  }
  svg.append(svgElement("line", { x1: 0, x2: WIDTH, y1: HEIGHT - 1, y2: HEIGHT - 1 }));
  return svg;
}

function table(bars: readonly Bar[], { by }: Span, token: TokenFacts | undefined): HTMLElement {
  if (bars.length === 0) return el("p", { className: "quiet" }, "Nothing yet.");
  const rows = [...bars].reverse().map(({ start, payments, amount }) =>
    el("tr", {}, el("td", {}, when(start, by)), el("td", {}, String(payments)), el("td", {}, formatAmount(amount, token))),
  );
  const head = el("tr", {}, ...[by === "hour" ? "Hour (UTC)" : "Day (UTC)", "Payments", "Income"].map((text) => el("th", { scope: "col" }, text)));
  const summary = el("summary", {}, "As a table");
  summary.dataset["key"] = "income table";
  return el("details", {}, summary, el("table", {}, el("thead", {}, head), el("tbody", {}, ...rows)));
}

/** `2026-11-22 16:00` or `2026-11-22`. */
function when(start: number, by: Span["by"]): string {
  const text = new Date(start).toISOString().replace("T", " ");
  return text.slice(0, by === "hour" ? 16 : 10);
}

function svgElement(name: string, attributes: Readonly<Record<string, string | number>>): SVGElement {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}

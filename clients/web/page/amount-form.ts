/** Asking for an amount. */

import type { TokenFacts } from "../src/index.js";
import { el } from "./dom.js";
import { count, formatAmount, formatDecimal, parseDecimal } from "./format.js";
import type { Purse } from "./view.js";

/** A form with one amount, in whole tokens where it is known what that is. */
export function amountForm(
  purse: Purse,
  price: bigint,
  token: TokenFacts | undefined,
  verb: string,
  act: (value: bigint) => void,
): HTMLFormElement {
  const decimals = token?.decimals ?? 0;
  const input = el("input", {
    id: "amount",
    type: "text",
    inputMode: "decimal",
    autocomplete: "off",
    value: formatDecimal(purse.usual, decimals),
  });
  const hint = el("p", { id: "amount-hint", className: "quiet" });
  const submit = el("button", { type: "submit", className: "primary" });
  input.setAttribute("aria-describedby", hint.id);

  const wrong = (value: bigint | undefined): string | undefined => {
    if (value === undefined) return `Write an amount such as ${formatDecimal(purse.usual, decimals)}.`;
    if (value < purse.least) return `At least ${formatAmount(purse.least, token)} are needed.`;
    if (value > purse.most) return `At most ${formatAmount(purse.most, token)} are possible.`;
    return undefined;
  };
  const check = (): bigint | undefined => {
    const value = parseDecimal(input.value, decimals);
    const error = wrong(value);
    // What is locked beyond the least covers further payments; the first one is in the least.
    const payments = value === undefined ? 0n : 1n + (value - purse.least) / price;
    hint.textContent = error ?? `Enough for ${count(payments, "view")}.`;
    hint.classList.toggle("warning", error !== undefined);
    input.setAttribute("aria-invalid", String(error !== undefined));
    submit.textContent = error === undefined && value !== undefined ? `${verb} ${formatAmount(value, token)}` : verb;
    return error === undefined ? value : undefined;
  };
  input.addEventListener("input", check);
  check();

  const label = el("label", { htmlFor: input.id }, "Deposit");
  const unit = el("span", { className: "unit" }, token?.symbol ?? "base units");
  const form = el("form", { noValidate: true }, label, el("div", { className: "amount" }, input, unit), hint, submit);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const value = check();
    if (value === undefined) input.focus();
    else act(value);
  });
  return form;
}

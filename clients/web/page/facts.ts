/** What the paywall wrote into the page's document. */

import { type Charge, type Lookup, parseJson, readCharge } from "../src/index.js";

/** The paywall's answer, and what its operator says. */
export interface Facts {
  /** 402, or the status of another refusal. */
  readonly status: number;
  /** The problem's code, such as `payment-required`. */
  readonly code: string;
  readonly detail: string;
  readonly next: string;
  /** What is asked; `undefined` where the answer is no 402. */
  readonly charge: Charge | undefined;
  /** EIP-155's id of the chain that payments are on. */
  readonly chainId: number;
  /** Whether the request can be paid from a page: a form that was sent cannot. */
  readonly payable: boolean;
  readonly operator: Operator;
}

/** How the operator wants the page to look. All texts are plain. */
export interface Operator {
  readonly title: string | undefined;
  readonly text: string | undefined;
  /** A URL of an image, on this host or `data:`. */
  readonly logo: string | undefined;
  /** A colour as `#rrggbb`. */
  readonly accent: string | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

/** Reads the attributes `data-problem` and `data-page`, each a JSON object. */
export function readFacts(main: HTMLElement): Facts {
  const problem = parseJson(main.dataset["problem"] ?? "{}") as Fields;
  const page = parseJson(main.dataset["page"] ?? "{}") as Fields;
  const status = Number(problem["status"]);
  return {
    status,
    code: word(problem, "type")?.split(":").at(-1) ?? "",
    detail: word(problem, "detail") ?? "",
    next: word(problem, "next") ?? "",
    charge: status === 402 ? readCharge(inProblem(problem)) : undefined,
    chainId: Number(page["chainId"]),
    payable: page["payable"] === true,
    operator: {
      title: word(page, "title"),
      text: word(page, "text"),
      logo: word(page, "logo"),
      accent: word(page, "accent"),
    },
  };
}

/** A problem document calls `RDN-Sender-Balance` `senderBalance`. */
function inProblem(problem: Fields): Lookup {
  return (name) => {
    const [first = "", ...rest] = name.split("-").slice(1);
    return word(problem, first.toLowerCase() + rest.join(""));
  };
}

function word(fields: Fields, key: string): string | undefined {
  const value = fields[key];
  return typeof value === "string" ? value : undefined;
}

/** What the sidecar's admin listener says. Amounts are decimal texts there, and bigint here. */

import type { TokenFacts } from "../src/index.js";

/** How things stand. */
export interface Overview {
  /** Why paid requests are refused; `undefined` where they are served. */
  readonly trouble: string | undefined;
  /** The newest block that was read. */
  readonly block: number | undefined;
  /** The first block whose events are not believed yet. */
  readonly confirmedBelow: number | undefined;
  readonly chainId: number | undefined;
  readonly contract: string;
  readonly receiver: string;
  /** What the receiver has for transactions, in wei. */
  readonly wei: bigint | undefined;
  readonly token: TokenFacts | undefined;
  readonly channels: { readonly open: number; readonly closing: number; readonly settled: number };
  readonly locked: bigint;
  readonly earned: bigint;
  readonly withdrawn: bigint;
  readonly claimable: bigint;
  readonly challenges: readonly Challenge[];
}

/** A sender who closes at less than is held, and must be contradicted. */
export interface Challenge {
  readonly sender: string;
  readonly openBlock: number;
  readonly [more: string]: unknown;
}

/** A channel. */
export interface Line {
  readonly sender: string;
  readonly openBlock: number;
  readonly state: string;
  readonly deposit: bigint;
  readonly balance: bigint;
  readonly withdrawn: bigint;
  /** What is neither withdrawn nor settled: what is at stake in the channel. */
  readonly unclaimed: bigint;
  /** The last block of the challenge period. */
  readonly settleBlock: number | undefined;
}

/** An hour or a day with income. */
export interface Bar {
  /** Milliseconds since 1970. */
  readonly start: number;
  readonly payments: number;
  readonly amount: bigint;
}

/** What can be ordered. */
export type Purpose = "close" | "withdraw";

/** What an order claims and costs. */
export interface Quote {
  readonly balance: bigint;
  /** In wei; `undefined` where the node does not say. */
  readonly cost: { readonly gas: number; readonly likely: bigint; readonly most: bigint } | undefined;
}

/** The sidecar refuses, or does not answer. */
export class ApiError extends Error {
  constructor(
    /** 0 where there was no answer. */
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

type Json = Readonly<Record<string, unknown>>;

/** Asks how things stand. */
export async function getOverview(): Promise<Overview> {
  const found = (await ask("admin/overview")) as Json;
  const { name, symbol, decimals } = found["token"] as Json;
  const health = found["health"] as Json;
  return {
    trouble: typeof health["reason"] === "string" ? health["reason"] : undefined,
    block: optional(found["block"]),
    confirmedBelow: optional(found["confirmedBelow"]),
    chainId: optional(found["chainId"]),
    contract: String(found["contract"]),
    receiver: String(found["receiver"]),
    wei: found["receiverWei"] === null ? undefined : amount(found["receiverWei"]),
    token:
      typeof symbol === "string" ? { name: String(name), symbol, decimals: Number(decimals) } : undefined,
    channels: found["channels"] as Overview["channels"],
    locked: amount(found["locked"]),
    earned: amount(found["earned"]),
    withdrawn: amount(found["withdrawn"]),
    claimable: amount(found["claimable"]),
    challenges: found["challenges"] as Challenge[],
  };
}

/** The most channels that are shown. */
export const MOST_CHANNELS = 1000;

/** Asks for the channels, those that are over included. */
export async function getChannels(): Promise<Line[]> {
  const lines = (await ask(`admin/channels?settled=true&limit=${MOST_CHANNELS}`)) as Json[];
  return lines.map((line) => ({
    sender: String(line["sender"]),
    openBlock: Number(line["openBlock"]),
    state: String(line["state"]),
    deposit: amount(line["deposit"]),
    balance: amount(line["balance"]),
    withdrawn: amount(line["withdrawn"]),
    unclaimed: amount(line["unclaimed"]),
    settleBlock: optional(line["settleBlock"]),
  }));
}

/** Asks for the income of the last hours or days. */
export async function getIncome(by: "hour" | "day", count: number): Promise<Bar[]> {
  const bars = (await ask(`admin/income?by=${by}&count=${count}`)) as Json[];
  return bars.map((bar) => ({
    start: Number(bar["start"]) * 1000,
    payments: Number(bar["payments"]),
    amount: amount(bar["amount"]),
  }));
}

/** Asks what an order would claim and cost. */
export function quote(purpose: Purpose, line: Line): Promise<Quote> {
  return call(purpose, line, "?dryRun=true");
}

/** Orders it. */
export function order(purpose: Purpose, line: Line): Promise<Quote> {
  return call(purpose, line, "");
}

async function call(purpose: Purpose, { sender, openBlock }: Line, query: string): Promise<Quote> {
  const channel = `admin/channels/${sender}/${openBlock}`;
  const answer = (await (purpose === "close"
    ? ask(`${channel}${query}`, "DELETE")
    : ask(`${channel}/withdraw${query}`, "POST"))) as Json;
  const cost = answer["cost"] as Json | null;
  return {
    balance: amount(answer["balance"]),
    cost: cost ? { gas: Number(cost["gas"]), likely: amount(cost["likely"]), most: amount(cost["most"]) } : undefined,
  };
}

async function ask(path: string, method = "GET"): Promise<unknown> {
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(path, { method, cache: "no-store" });
    body = await response.json();
  } catch {
    throw new ApiError(0, "The sidecar does not answer.");
  }
  if (!response.ok) throw new ApiError(response.status, String(body));
  return body;
}

function amount(value: unknown): bigint {
  return BigInt(String(value));
}

function optional(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

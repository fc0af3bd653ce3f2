/** The server's channel API. */

import { type TokenAmount, tokenAmount } from "./amount.js";
import type { ChannelId } from "./channel.js";
import type { Held } from "./charge.js";
import { ApiRefused, CloseRefused, NoAnswer, UraidenError } from "./error.js";
import { parseObject } from "./json.js";
import { proofHeaders, type Signed } from "./proof.js";
import { parseSignature, type Signature } from "./signature.js";

/** Where a channel API is: its root, such as `https://example.com/api/1`, and how to get there. */
export interface Gateway {
  readonly root: URL;
  readonly fetch: typeof fetch;
}

/** What the server says of a channel. */
export interface ServerChannel {
  /** What it holds; the signature is told to the sender only. A claim: see `verified`. */
  readonly held: Held;
  /** The confirmed deposit. */
  readonly deposit: TokenAmount;
  /** Whether the opening is confirmed. */
  readonly confirmed: boolean;
  /** How many blocks are missing until it is; `undefined` where the server does not say. */
  readonly missingConfirmations: number | undefined;
  /** Whether it still takes payments. */
  readonly open: boolean;
}

/** What a page needs to know about the server's side. */
export interface Stats {
  /** The first block that can hold an event of the contract. */
  readonly firstBlock: bigint;
  /** How the token wants to be written; `undefined` where the server does not say. */
  readonly token: { readonly name: string; readonly symbol: string; readonly decimals: number } | undefined;
}

/** The API of the server that a resource is on. */
export function gatewayOf(resource: string | URL, gatewayPath: string, fetcher: typeof fetch): Gateway {
  return { root: new URL(gatewayPath, resource), fetch: fetcher };
}

/**
 * Figures over all channels.
 *
 * @throws {NoAnswer}
 * @throws {ApiRefused}
 */
export async function getStats(gateway: Gateway): Promise<Stats> {
  const stats = await ask(gateway, "stats");
  const { sync_block, token_name: name, token_symbol: symbol, token_decimals: decimals } = stats as {
    readonly [key: string]: unknown;
  } & { sync_block?: unknown; token_name?: unknown; token_symbol?: unknown; token_decimals?: unknown };
  const named = typeof name === "string" && typeof symbol === "string" && typeof decimals === "bigint";
  return {
    firstBlock: typeof sync_block === "bigint" ? sync_block : 0n,
    token: named ? { name, symbol, decimals: Number(decimals) } : undefined,
  };
}

/**
 * One channel; `undefined` where the server does not know it. A proof of any balance, best of the last one, shows
 * that we may see its signature.
 *
 * @throws {NoAnswer}
 * @throws {ApiRefused}
 */
export async function getChannel(
  gateway: Gateway,
  id: ChannelId,
  proof: Signed | undefined,
): Promise<ServerChannel | undefined> {
  let channel: Readonly<Record<string, unknown>>;
  try {
    channel = await ask(gateway, channelPath(id), { headers: proof ? proofHeaders(id, proof) : [] });
  } catch (error) {
    if (error instanceof ApiRefused && error.status === 404) return undefined;
    throw error;
  }
  return read(() => {
    const signature = channel["last_signature"];
    const missing = channel["missing_confirmations"];
    return {
      held: {
        balance: integer(channel, "balance"),
        signature: typeof signature === "string" ? parseSignature(signature) : undefined,
      },
      deposit: integer(channel, "deposit"),
      confirmed: integer(channel, "confirmed") === 1n,
      missingConfirmations: typeof missing === "bigint" ? Number(missing) : undefined,
      open: integer(channel, "state") === 0n,
    };
  });
}

/**
 * Asks the receiver to agree to close at exactly the proof's balance. The channel takes no payment after it. The same
 * request again gets the same answer.
 *
 * @throws {NoAnswer}
 * @throws {CloseRefused}
 */
export async function requestAgreement(gateway: Gateway, id: ChannelId, proof: Signed): Promise<Signature> {
  const headers = [...proofHeaders(id, proof), ["Content-Type", "application/x-www-form-urlencoded"]];
  try {
    const body = `balance=${proof.balance}`;
    const answer = await ask(gateway, channelPath(id), { method: "DELETE", headers: headers as [string, string][], body });
    return read(() => parseSignature(String(answer["close_signature"])));
  } catch (error) {
    if (error instanceof ApiRefused) throw new CloseRefused(error.status, error.reason);
    throw error;
  }
}

function channelPath(id: ChannelId): string {
  return `channels/${id.sender}/${id.openBlock}`;
}

async function ask(
  gateway: Gateway,
  path: string,
  init: RequestInit = {},
): Promise<Readonly<Record<string, unknown>>> {
  const url = new URL(gateway.root);
  url.pathname = `${url.pathname.replace(/\/$/, "")}/${path}`;
  let response: Response;
  let body: string;
  try {
    response = await gateway.fetch(url, { cache: "no-store", credentials: "omit", ...init });
    body = await response.text();
  } catch (error) {
    throw new NoAnswer(error);
  }
  if (response.status !== 200) throw new ApiRefused(response.status, reasonIn(body));
  return read(() => parseObject(body));
}

/** The server's words: the detail of a problem document, a JSON text, else the start of the body. */
export function reasonIn(body: string): string {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === "string") return value;
    if (typeof value === "object" && value !== null && "detail" in value) return String(value.detail);
  } catch {
    // No JSON: the body speaks for itself.
  }
  return body.slice(0, 200);
}

function integer(object: Readonly<Record<string, unknown>>, key: string): TokenAmount {
  const value = object[key];
  if (typeof value !== "bigint") throw new ApiRefused(200, `its ${key} is no integer`);
  return tokenAmount(value);
}

function read<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof UraidenError && !(error instanceof ApiRefused)) throw new ApiRefused(200, error.message);
    throw error;
  }
}

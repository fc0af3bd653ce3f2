/**
 * A server before Envoy, which shows the paywall's refusals as the page: it asks for problem documents and puts them
 * into the page's document. Everything else goes through as it is.
 */

import { createReadStream } from "node:fs";
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";

import { POLICY, type PageFacts, type Problem, render } from "./document.js";

const DIST = fileURLToPath(new URL("../../dist/", import.meta.url));
const ASSETS: Readonly<Record<string, string>> = {
  "/js/paywall.js": "text/javascript; charset=utf-8",
  "/js/paywall.css": "text/css; charset=utf-8",
};

/** A running front. */
export interface Front {
  readonly url: string;
  /** What the operator says; may be changed between requests. */
  operator: Omit<PageFacts, "chainId" | "method">;
  /** The content type and body of paid answers instead of the service's own, by path. */
  readonly content: Map<string, { readonly headers: Readonly<Record<string, string>>; readonly body: string }>;
  close(): Promise<void>;
}

/** Starts it on a free port of the loopback interface. */
export async function startFront(envoyUrl: string, chainId: number): Promise<Front> {
  const content: Front["content"] = new Map();
  const server = createServer((incoming, outgoing) => {
    const path = new URL(incoming.url ?? "/", envoyUrl).pathname;
    const asset = ASSETS[path];
    if (asset) {
      outgoing.writeHead(200, { "content-type": asset, "cache-control": "no-cache", "x-content-type-options": "nosniff" });
      createReadStream(DIST + path.slice("/js/".length)).pipe(outgoing);
      return;
    }
    void forward(envoyUrl, incoming, outgoing, (problem, method) => render(problem, { chainId, method, ...front.operator }), content);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const front: Front = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    operator: {},
    content,
    close: () => close(server),
  };
  return front;
}

async function forward(
  envoyUrl: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  page: (problem: Problem, method: string) => string,
  content: Front["content"],
): Promise<void> {
  const method = incoming.method ?? "GET";
  const browses = (incoming.headers.accept ?? "").startsWith("text/html");
  const headers = { ...incoming.headers, ...(browses ? { accept: "application/problem+json" } : {}) };
  const answer = await new Promise<IncomingMessage>((done, fail) => {
    const passed = request(new URL(incoming.url ?? "/", envoyUrl), { method, headers }, done);
    passed.on("error", fail);
    incoming.pipe(passed);
  });
  const isProblem = answer.headers["content-type"] === "application/problem+json";
  const own = content.get(new URL(incoming.url ?? "/", envoyUrl).pathname);
  if (own && answer.statusCode === 200) {
    answer.resume();
    outgoing.writeHead(200, own.headers).end(own.body);
    return;
  }
  if (!browses || !isProblem) {
    outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
    answer.pipe(outgoing);
    return;
  }
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  const problem = JSON.parse(Buffer.concat(chunks).toString()) as Problem;
  const facts = pairs(answer.rawHeaders).filter(([name]) => name.toLowerCase().startsWith("rdn-"));
  outgoing.writeHead(answer.statusCode ?? 402, [
    ...facts.flat(),
    ...facts.flatMap(([name, value]) => ["set-cookie", `${asWritten(name)}=${value}; Path=/; SameSite=Lax`]),
    ...["content-type", "text/html; charset=utf-8"],
    ...["cache-control", "no-store"],
    ...["content-security-policy", POLICY],
  ]);
  outgoing.end(page(problem, method));
}

function pairs(raw: readonly string[]): [string, string][] {
  return raw.flatMap((name, at) => (at % 2 === 0 ? [[name, raw[at + 1] ?? ""] as [string, string]] : []));
}

/** `rdn-price` is the cookie `RDN-Price`. */
function asWritten(name: string): string {
  const words = name.toLowerCase().split("-");
  return words.map((word, at) => (at === 0 ? word.toUpperCase() : word.charAt(0).toUpperCase() + word.slice(1))).join("-");
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((done, fail) => server.close((error) => (error ? fail(error) : done())));
}

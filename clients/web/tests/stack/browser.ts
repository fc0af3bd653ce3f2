/** Debian's Chromium, and what every page must keep to. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { expect } from "vitest";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SCREENSHOTS = fileURLToPath(new URL("../../../../target/screenshots/", import.meta.url));

/** Starts it; `CHROMIUM` may name another one. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium", args: FLAGS });
}

/** A browser profile of its own, and what went wrong in it. */
export interface Profile {
  readonly context: BrowserContext;
  /** Errors of scripts, of the console, and requests that left the loopback interface. */
  readonly faults: string[];
}

/** Opens a new profile. */
export async function newProfile(browser: Browser, options: BrowserContextOptions = {}): Promise<Profile> {
  // axe is put into the page from outside, which its policy forbids; the policy itself is tested by the server's header.
  const context = await browser.newContext({ ...options });
  context.setDefaultTimeout(30_000);
  const faults: string[] = [];
  context.on("request", (request) => {
    const { protocol, hostname } = new URL(request.url());
    const isLocal = protocol === "data:" || ["127.0.0.1", "localhost"].includes(hostname);
    if (!isLocal) faults.push(`a request to ${request.url()}`);
  });
  context.on("weberror", (error) => faults.push(String(error.error())));
  context.on("console", (message) => {
    // The browser itself notes every answer that is not a success: the 402 of the page, a channel not seen yet, a refusal
    // to close; and every connection that a test has cut.
    const isNote = /^Failed to load resource: (.* status of (402|403|404|409|502)|net::ERR_FAILED)/.test(message.text());
    if (message.type() === "error" && !isNote) faults.push(message.text());
  });
  return { context, faults };
}

/** Keeps a picture of the page as it is. */
export async function picture(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: `${SCREENSHOTS}${name}.png`, fullPage: true, animations: "disabled" });
}

/** One state of a page: kept as a picture, and checked. */
export async function state(page: Page, name: string): Promise<void> {
  await picture(page, name);
  await checkAccess(page);
}

interface Violation {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

/** Checks the page as it is by axe: nothing serious. */
async function checkAccess(page: Page): Promise<void> {
  const violations = await page.evaluate(async (source) => {
    // Not by eval: the page's policy forbids it to the page, and the test's own world has it.
    if (!("axe" in window)) (0, eval)(source);
    const { axe } = window as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } };
    return (await axe.run()).violations;
  }, AXE);
  const serious = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
  expect(serious.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
}

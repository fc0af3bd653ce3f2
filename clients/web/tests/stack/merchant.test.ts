import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";

import { createSession, policy, tokenAmount } from "../../src/index.js";
import { newProfile, picture, startBrowser, state } from "./browser.js";
import { account, paidUrl, receiver, stack, tokensOf } from "./ground.js";
import { PRICE } from "./setup.js";

let browser: Browser;

beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser.close());

/** The page, logged in, in a profile of its own. */
async function open(name: string, options: Parameters<typeof newProfile>[1] = {}): Promise<Page> {
  const credentials = { username: "merchant", password: stack.adminToken };
  const { context, faults } = await newProfile(browser, { httpCredentials: credentials, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  onTestFinished(async ({ task }) => {
    if (task.result?.state === "fail") await picture(page, `merchant-failed-${name}`);
    await context.close();
    expect(faults).toEqual([]);
  });
  await page.goto(stack.adminUrl);
  await page.getByText("Paid requests are served.").waitFor();
  return page;
}

/** A channel that has paid so often. */
async function paidChannel(payments: number) {
  const wallet = await account(PRICE * 10n);
  const limits = { maxPrice: tokenAmount(PRICE), maxDeposit: tokenAmount(PRICE * 10n), poll: 200 };
  const session = createSession({ wallet, policy: policy(limits) });
  for (let payment = 0; payment < payments; payment += 1) {
    expect((await session.fetch(paidUrl("sold"))).status).toBe(200);
  }
  const [channel] = await session.channels();
  if (!channel) throw new Error("no channel");
  return { ...channel, session };
}

function about({ sender, openBlock }: { readonly sender: string; readonly openBlock: number }): string {
  return `channel of ${sender.slice(0, 8)}…${sender.slice(-6)}, opened in ${openBlock}`;
}

async function admin(path: string, init: RequestInit = {}): Promise<Response> {
  const login = `Basic ${Buffer.from(`x:${stack.adminToken}`).toString("base64")}`;
  return fetch(`${stack.adminUrl}/${path}`, { ...init, headers: { Authorization: login, ...init.headers } });
}

interface Overview {
  readonly earned: string;
  readonly claimable: string;
  readonly withdrawn: string;
  readonly channels: { readonly settled: number };
}

async function overview(): Promise<Overview> {
  return (await (await admin("admin/overview")).json()) as Overview;
}

test("the merchant withdraws, then closes, and is told the cost before", async () => {
  const before = await overview();
  const [tokens, channel] = [await tokensOf(receiver), await paidChannel(3)];
  const page = await open("orders");
  await page.getByRole("row").filter({ hasText: "0.015 URT" }).first().waitFor();
  await state(page, "merchant-open");

  await page.getByRole("button", { name: `Withdraw: ${about(channel)}` }).click();
  await page.getByText("The receiver gets 0.01 URT. The newest payment waits").waitFor();
  await page.getByText(/It costs about 0\.0\d+ ETH, at first at most 0\.0\d+ ETH \(\d+ gas\)\./).waitFor();
  await state(page, "merchant-withdraw");
  await page.getByRole("button", { name: "Withdraw", exact: true }).click();
  await page.getByText("It is ordered.").waitFor();
  await page.getByRole("button", { name: "Go on" }).click();
  await expect.poll(() => tokensOf(receiver), { timeout: 20_000 }).toBe(tokens + PRICE * 2n);

  await channel.session.fetch(paidUrl("sold"));
  const row = page.getByRole("row").filter({ hasText: channel.sender.slice(-6) });
  const [earned, withdrawn] = [row.getByRole("cell").nth(3), row.getByRole("cell").nth(4)];
  await earned.filter({ hasText: "0.02 URT" }).waitFor();
  await withdrawn.filter({ hasText: "0.01 URT" }).waitFor();
  await page.getByRole("button", { name: `Close: ${about(channel)}` }).click();
  await page.getByText("It takes no more payments from now on.").waitFor();
  await page.getByText("The receiver gets 0.01 URT.").waitFor();
  await state(page, "merchant-close");
  await page.getByRole("button", { name: "Close the channel" }).click();
  await page.getByText("It is ordered.").waitFor();
  await page.getByRole("button", { name: "Go on" }).click();
  await expect.poll(async () => (await overview()).channels.settled, { timeout: 20_000 }).toBe(before.channels.settled + 1);
  expect(await tokensOf(receiver)).toBe(tokens + PRICE * 4n);

  await page.getByRole("button", { name: /^closed \(/ }).click();
  await row.getByText("closed").waitFor();
  await state(page, "merchant-closed");
  const after = await overview();
  expect(BigInt(after.earned) - BigInt(before.earned)).toBe(PRICE * 4n);
  expect(BigInt(after.withdrawn) - BigInt(before.withdrawn)).toBe(PRICE * 4n);
  expect(after.claimable).toBe(before.claimable);
});

test("an order that is not possible says why", async () => {
  const channel = await paidChannel(1);
  const page = await open("refused");
  const order = page.getByRole("button", { name: `Close: ${about(channel)}` });
  await order.waitFor();
  // In the meantime its sender has closed it, and the list is an old one.
  await page.route("**/admin/overview", (route) => route.abort());
  await channel.session.closeCooperatively(`${stack.envoyUrl}/api/1`, channel);
  const path = `admin/channels/${channel.sender}/${channel.openBlock}`;
  await expect.poll(async () => (await admin(path)).json(), { timeout: 20_000 }).toMatchObject({ state: "settled" });
  await order.click();
  await page.getByText("It is not possible: the channel is settled").waitFor();
  await state(page, "merchant-refused");
});

test("income is shown by hour and day, as bars and as a table", async () => {
  await paidChannel(2);
  const page = await open("income");
  const sum = (await (await admin("admin/income")).json()) as { payments: number }[];
  const payments = sum.reduce((all, bar) => all + bar.payments, 0);
  expect(payments).toBeGreaterThanOrEqual(2);
  await page.getByText(`by ${payments} payments in the last 48 hours.`).waitFor();
  await page.getByText("As a table").click();
  await page.getByRole("columnheader", { name: "Hour (UTC)" }).waitFor();
  await page.getByRole("button", { name: "30 days" }).click();
  await page.getByText(`by ${payments} payments in the last 30 days.`).waitFor();
  await page.getByRole("columnheader", { name: "Day (UTC)" }).waitFor();
  await state(page, "merchant-income");
});

test("a sidecar that does not answer is told, and its figures come back", async () => {
  const page = await open("away");
  await page.route("**/admin/*", (route) => route.abort());
  await page.getByText("The sidecar does not answer.").waitFor();
  await state(page, "merchant-away");
  await page.unroute("**/admin/*");
  await page.getByText("Paid requests are served.").waitFor();
});

test("on a phone, in the dark, by keyboard", async () => {
  await paidChannel(1);
  const page = await open("phone", { viewport: { width: 360, height: 740 }, colorScheme: "dark", isMobile: true, hasTouch: true });
  await page.getByRole("button", { name: /^Close: / }).first().focus();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").getByText(/It costs about/).waitFor();
  await state(page, "merchant-phone-dark");
  await page.keyboard.press("Escape");
  expect(await page.getByRole("dialog").count()).toBe(0);
  const { scroll, width } = await page.evaluate(() => ({
    scroll: document.documentElement.scrollWidth,
    width: document.documentElement.clientWidth,
  }));
  expect(scroll).toBeLessThanOrEqual(width);
});

test("nothing is shown or done without the token, or for a page of somebody else", async () => {
  for (const path of ["", "merchant.js", "merchant.css", "admin/overview", "admin/channels", "admin/income"]) {
    const answer = await fetch(`${stack.adminUrl}/${path}`);
    expect([path, answer.status]).toEqual([path, 401]);
    expect(answer.headers.get("www-authenticate")).toContain('Basic realm="uraiden"');
  }
  const document = await admin("");
  expect(document.headers.get("content-security-policy")).toContain("default-src 'none'; script-src 'self'");
  const channel = await paidChannel(1);
  const path = `admin/channels/${channel.sender}/${channel.openBlock}`;
  for (const headers of [{ Origin: "http://elsewhere.example" }, { "Sec-Fetch-Site": "cross-site" }]) {
    expect((await admin(path, { method: "DELETE", headers })).status).toBe(401);
    expect((await admin(`${path}/withdraw`, { method: "POST", headers })).status).toBe(401);
  }
  expect(await (await admin(path)).json()).toMatchObject({ state: "open", wanted: [] });
});

/**
 * The page of the original µRaiden, as far as a server sees it: what it reads from cookies, what it sets, what it asks.
 * Its own files are on servers of others, so its way is gone here by hand, in a browser.
 */

import type { Browser, BrowserContext } from "playwright-core";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";

import {
  agreementSigner,
  balanceProofMessage,
  chainOf,
  openChannel,
  opened,
  parseAddress,
  parseSignature,
  tokenAmount,
} from "../../src/index.js";
import { signLegacy } from "../fake-wallet.js";
import { newProfile, startBrowser } from "./browser.js";
import { account, contract, paidUrl, receiver, stack } from "./ground.js";
import { PRICE } from "./setup.js";

let browser: Browser;

beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser.close());

/** The page's cookies, by name; it reads them with their names' exact case. */
async function cookies(context: BrowserContext): Promise<Readonly<Record<string, string>>> {
  return Object.fromEntries((await context.cookies()).map(({ name, value }) => [name, value]));
}

test("pays, goes on, finds its state again and closes", async () => {
  const wallet = await account(PRICE * 10n);
  const chain = chainOf(wallet, { maxWait: 10_000, poll: 100 });
  const { id } = await openChannel(chain, { contract, receiver }, tokenAmount(PRICE * 10n), () => {});
  const channel = opened(id, tokenAmount(PRICE * 10n));
  const sign = (balance: bigint): string => signLegacy(wallet.key, balanceProofMessage(channel, tokenAmount(balance)));

  // Without scripts: our own page would take the cookies away.
  const { context, faults } = await newProfile(browser, { javaScriptEnabled: false });
  onTestFinished(async () => {
    await context.close();
    expect(faults).toEqual([]);
  });
  const page = await context.newPage();
  const url = paidUrl("original");
  const load = async (): Promise<number | undefined> => (await page.goto(url))?.status();
  /** Sets the four cookies, as the page does: the sender in lower case, session cookies of the whole host. */
  const offer = (balance: bigint): Promise<void> =>
    context.addCookies(
      [
        ["RDN-Sender-Address", wallet.address.toLowerCase()],
        ["RDN-Open-Block", String(channel.openBlock)],
        ["RDN-Sender-Balance", String(balance)],
        ["RDN-Balance-Signature", sign(balance)],
      ].map(([name = "", value = ""]) => ({ name, value, url: stack.envoyUrl })),
    );

  expect(await load()).toBe(402);
  const { sync_block, manager_abi, token_abi } = (await (await fetch(`${stack.envoyUrl}/api/1/stats`)).json()) as Record<string, unknown>;
  expect([typeof sync_block, Array.isArray(manager_abi), Array.isArray(token_abi)]).toEqual(["number", true, true]);
  expect(await cookies(context)).toMatchObject({
    "RDN-Contract-Address": contract,
    "RDN-Receiver-Address": receiver,
    "RDN-Token-Address": parseAddress(stack.token),
    "RDN-Price": String(PRICE),
  });

  // It waits for the confirmation in its own way: it removes the cookie, waits and loads again.
  await offer(PRICE);
  await expect.poll(load, { timeout: 20_000 }).toBe(200);

  // A reload sends the same proof again. Only by the cookies of its answer does the page learn that it was accepted.
  expect(await load()).toBe(402);
  expect(await cookies(context)).toMatchObject({ "RDN-Sender-Balance": String(PRICE), "RDN-Balance-Signature": sign(PRICE) });
  await offer(PRICE * 2n);
  expect(await load()).toBe(200);

  // Local storage is lost: it finds the channel on the chain and signs a balance of 0.
  await context.clearCookies();
  await offer(0n);
  expect(await load()).toBe(402);
  expect(await cookies(context)).toMatchObject({
    "RDN-Invalid-Amount": "1",
    "RDN-Sender-Balance": String(PRICE * 2n),
    "RDN-Balance-Signature": sign(PRICE * 2n),
  });
  await offer(PRICE * 3n);
  expect(await load()).toBe(200);

  const closing = await fetch(`${stack.envoyUrl}/api/1/channels/${wallet.address.toLowerCase()}/${channel.openBlock}`, {
    method: "DELETE",
    headers: { "Content-Type": "application/json", Accept: "application/json, text/javascript, */*; q=0.01" },
    // JavaScript's own number, as the page writes it.
    body: JSON.stringify({ balance: Number(PRICE * 3n) }),
  });
  expect(closing.status).toBe(200);
  const { close_signature } = (await closing.json()) as { close_signature: string };
  const agreement = { balance: tokenAmount(PRICE * 3n), signature: parseSignature(close_signature) };
  expect(await agreementSigner(channel, agreement)).toBe(receiver);

  expect(await load()).toBe(402);
  expect(await cookies(context)).toMatchObject({ "RDN-Nonexisting-Channel": "1" });
});

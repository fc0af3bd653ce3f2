import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";

import { newProfile, picture, type Profile, startBrowser, state } from "./browser.js";
import { mine, paidUrl, pauseMining, receiver, stack, tokensOf } from "./ground.js";
import { PRICE } from "./setup.js";
import { installWallet, tell, type TestWallet } from "./test-wallet.js";

const DIST = fileURLToPath(new URL("../../dist/", import.meta.url));

let browser: Browser;

beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(async () => {
  await browser.close();
});

interface Scene extends Profile {
  readonly page: Page;
  readonly wallet: TestWallet;
  readonly url: string;
}

interface Wishes {
  /** What the account has, in payments. */
  readonly payments?: bigint;
  /** Whether the wallet is one that only sets `window.ethereum`. */
  readonly legacy?: boolean;
  readonly browser?: Parameters<typeof newProfile>[1];
}

/** A new profile with a wallet, on a paid page of its own. */
async function scene(name: string, { payments = 20n, legacy = false, browser: options }: Wishes = {}): Promise<Scene> {
  const profile = await newProfile(browser, options);
  const wallet = await installWallet(profile.context, PRICE * payments, legacy);
  const page = await profile.context.newPage();
  onTestFinished(async ({ task }) => {
    if (task.result?.state === "fail") await picture(page, `paywall-failed-${name}`);
    await profile.context.close();
    expect(profile.faults).toEqual([]);
  });
  const url = paidUrl(name);
  await page.goto(url);
  return { ...profile, page, wallet, url };
}

/** The same, with a channel that has paid once. */
async function paidScene(name: string, wishes: Wishes = {}): Promise<Scene> {
  const at = await scene(name, wishes);
  await click(at.page, "Connect Test Wallet");
  await click(at.page, "Open with 0.05 URT");
  await content(at.page);
  at.wallet.questions.length = 0;
  return at;
}

function click(page: Page, name: string): Promise<void> {
  return page.getByRole("button", { name, exact: true }).click();
}

function heading(page: Page, name: string): Promise<void> {
  return page.getByRole("heading", { name, exact: true }).waitFor();
}

/** The step that is under way. */
function step(page: Page, text: string): Promise<void> {
  return page.locator("[aria-current=step]").getByText(text).waitFor();
}

/** What the sample service says: the path that it was asked for. */
async function content(page: Page): Promise<string> {
  await page.waitForFunction(() => document.contentType === "application/json");
  return (JSON.parse(await page.innerText("body")) as { path: string }).path;
}

interface ServerChannel {
  readonly balance: number;
  readonly deposit: number;
  readonly state: string;
}

/** What the server holds of the wallet's channels. */
async function channelsOf(wallet: TestWallet): Promise<ServerChannel[]> {
  const answer = await fetch(`${stack.envoyUrl}/api/1/channels/${wallet.address}?status=all`);
  return (await answer.json()) as ServerChannel[];
}

async function paymentsOf(wallet: TestWallet): Promise<number[]> {
  return (await channelsOf(wallet)).map(({ balance }) => balance / Number(PRICE));
}

/** The process of the channel manager, somewhere below the stack's. */
function sidecarPid(): number {
  const processes = readdirSync("/proc").flatMap((pid) => {
    if (!/^[0-9]+$/.test(pid)) return [];
    try {
      const [, name, rest] = /^\d+ \((.*)\) (.*)$/.exec(readFileSync(`/proc/${pid}/stat`, "utf8").trim()) ?? [];
      return [{ pid: Number(pid), name, parent: Number(rest?.split(" ")[1]) }];
    } catch {
      return []; // It has ended in the meantime.
    }
  });
  const below = (parent: number): typeof processes =>
    processes.filter((one) => one.parent === parent).flatMap((one) => [one, ...below(one.pid)]);
  const sidecar = below(stack.pid).find(({ name }) => name === "uraiden");
  if (!sidecar) throw new Error("no process uraiden below the stack");
  return sidecar.pid;
}

test("from the first visit to the content in two clicks", async () => {
  const { page, wallet, context } = await scene("first");
  await heading(page, "Connect your wallet");
  await state(page, "paywall-wallets");
  await click(page, "Connect Test Wallet");
  await heading(page, "Open a channel");
  await state(page, "paywall-open");
  await click(page, "Open with 0.05 URT");
  expect(await content(page)).toBe(`${stack.paidPath}/first`);
  expect(wallet.questions).toEqual(["eth_requestAccounts", "eth_sendTransaction", "eth_signTypedData"]);
  expect(await paymentsOf(wallet)).toEqual([1]);
  expect(await context.cookies()).toEqual([]);
});

test("each step is shown, with the confirmations that are waited for", async () => {
  const { page, wallet } = await scene("steps");
  await click(page, "Connect Test Wallet");
  const send = wallet.hold("eth_sendTransaction");
  const sign = wallet.hold("eth_signTypedData");
  await click(page, "Open with 0.05 URT");
  const status = page.getByRole("status");
  await step(page, "Confirm the transaction in your wallet");
  expect(await status.textContent()).toBe("Confirm the transaction in your wallet");
  await state(page, "paywall-approve");
  const mineAgain = pauseMining();
  onTestFinished(mineAgain);
  send();
  await step(page, "The transaction is put into a block");
  await state(page, "paywall-mine");
  await mine(1);
  await step(page, "Sign the payment in your wallet");
  await state(page, "paywall-sign");
  sign();
  await step(page, "The server waits for confirmations");
  expect(await status.textContent()).toContain("The server waits for confirmations");
  await state(page, "paywall-confirm");
  mineAgain();
  await content(page);
});

test("a reload pays again, with one signature", async () => {
  const { page, wallet } = await paidScene("reload");
  await page.reload();
  await heading(page, "Your channel is ready");
  await state(page, "paywall-pay");
  await click(page, "Pay 0.005 URT");
  await content(page);
  expect(wallet.questions).toEqual(["eth_signTypedData"]);
  expect(await paymentsOf(wallet)).toEqual([2]);
});

test("an empty channel is topped up", async () => {
  const { page, wallet } = await scene("top-up");
  await click(page, "Connect Test Wallet");
  await page.getByLabel("Deposit").fill("0.005");
  await click(page, "Open with 0.005 URT");
  await content(page);
  await page.reload();
  await heading(page, "Top up your channel");
  await state(page, "paywall-top-up");
  await click(page, "Add 0.05 URT");
  await content(page);
  expect(await channelsOf(wallet)).toMatchObject([{ balance: Number(PRICE * 2n), deposit: Number(PRICE * 11n) }]);
});

test("an amount that is too low, too high or none is refused where it is written", async () => {
  const { page, wallet } = await scene("amounts");
  await click(page, "Connect Test Wallet");
  const input = page.getByLabel("Deposit");
  for (const [text, hint] of [
    ["0.004", "At least 0.005 URT are needed."],
    ["0.101", "At most 0.1 URT are possible."],
    ["0.0000000000000000001", "Write an amount such as 0.05."],
    ["ten", "Write an amount such as 0.05."],
  ] as const) {
    await input.fill(text);
    await page.getByText(hint).waitFor();
    await page.keyboard.press("Enter");
    expect(await input.getAttribute("aria-invalid")).toBe("true");
  }
  await state(page, "paywall-amount");
  expect(wallet.questions).toEqual(["eth_requestAccounts"]);
});

test("without local storage the channel is found and the balance adopted from the server", async () => {
  const { page, wallet } = await paidScene("lost");
  await page.evaluate(() => localStorage.clear());
  await page.reload();
  await click(page, "Connect Test Wallet");
  await heading(page, "Your channel is ready");
  await click(page, "Pay 0.005 URT");
  await content(page);
  // A signature of nothing, which shows that the channel is ours, and the payment.
  expect(wallet.questions).toEqual(["eth_requestAccounts", "eth_signTypedData", "eth_signTypedData"]);
  expect(await paymentsOf(wallet)).toEqual([2]);
});

test("a closed channel brings back what was not spent", async () => {
  const { page, wallet } = await paidScene("close");
  const before = await tokensOf(receiver);
  await page.reload();
  await page.getByText("Your channel", { exact: true }).click();
  await state(page, "paywall-channel");
  await click(page, "Close the channel");
  await heading(page, "Your channel is closed");
  await state(page, "paywall-closed");
  await page.getByText("0.045 URT came back to you; 0.005 URT were paid.").waitFor();
  expect(wallet.questions).toEqual(["eth_sendTransaction"]);
  expect(await tokensOf(wallet.address)).toBe(PRICE * 19n);
  expect((await tokensOf(receiver)) - before).toBe(PRICE);
  await click(page, "Go on");
  await heading(page, "Open a channel");
});

test("where the other side does not agree, the contract closes the channel after the challenge period", async () => {
  const { page, wallet } = await paidScene("slow");
  await page.reload();
  await page.route("**/api/1/channels/**", (route) =>
    route.request().method() === "DELETE" ? route.fulfill({ status: 403, body: '"no"' }) : route.continue(),
  );
  await page.getByText("Your channel", { exact: true }).click();
  await click(page, "Close the channel");
  await heading(page, "Close without the other side?");
  await state(page, "paywall-slow-close");
  await click(page, "Close anyway");
  await heading(page, "Your channel is closing");
  await click(page, "Go on");
  await heading(page, "A channel that is closing");
  await state(page, "paywall-closing");
  await mine(501);
  await page.reload();
  await click(page, "Get the deposit back");
  await heading(page, "Your channel is closed");
  expect(await tokensOf(wallet.address)).toBe(PRICE * 19n);
});

test("who says no in the wallet pays nothing and can go on", async () => {
  const { page, wallet } = await scene("reject");
  wallet.reject("eth_requestAccounts");
  await click(page, "Connect Test Wallet");
  await heading(page, "You said no in the wallet");
  await state(page, "paywall-rejected");
  await click(page, "Try again");
  await click(page, "Connect Test Wallet");
  wallet.reject("eth_sendTransaction");
  await click(page, "Open with 0.05 URT");
  await heading(page, "You said no in the wallet");
  await click(page, "Try again");
  wallet.reject("eth_signTypedData");
  await click(page, "Open with 0.05 URT");
  await heading(page, "You said no in the wallet");
  await click(page, "Try again");
  await click(page, "Pay 0.005 URT");
  await content(page);
  expect(await paymentsOf(wallet)).toEqual([1]);
});

test("a signature that is not the payment's is not sent", async () => {
  const { page, wallet } = await paidScene("otherwise");
  await page.reload();
  wallet.signOtherwise = true;
  await click(page, "Pay 0.005 URT");
  await heading(page, "This wallet signs in another way");
  expect(await paymentsOf(wallet)).toEqual([1]);
});

test("a wallet on another network is asked to switch", async () => {
  const { page, wallet } = await scene("network");
  wallet.chainId = 1;
  await click(page, "Connect Test Wallet");
  await heading(page, "Your wallet is on another network");
  await page.getByText("It is on Ethereum; payments here are on a development chain (31337).").waitFor();
  await state(page, "paywall-network");
  await click(page, "Switch to a development chain (31337)");
  await heading(page, "Open a channel");
  wallet.chainId = 1;
  await tell(page, "chainChanged", "0x1");
  await heading(page, "Your wallet is on another network");
});

test("too few tokens", async () => {
  const { page } = await scene("poor", { payments: 0n });
  await click(page, "Connect Test Wallet");
  await heading(page, "Not enough tokens");
  await page.getByText("At least 0.005 URT are needed, and the account has 0 URT.").waitFor();
  await state(page, "paywall-poor");
});

test("without a wallet the page says what is needed", async () => {
  const profile = await newProfile(browser);
  const page = await profile.context.newPage();
  await page.goto(paidUrl("none"));
  await heading(page, "No wallet found");
  await state(page, "paywall-no-wallet");
  await profile.context.close();
  expect(profile.faults).toEqual([]);
});

test("without scripts the page is a text that can be read", async () => {
  const profile = await newProfile(browser, { javaScriptEnabled: false });
  const page = await profile.context.newPage();
  await page.goto(paidUrl("plain"));
  await heading(page, "Payment required");
  const text = await page.locator("main").innerText();
  expect(text).toContain("To pay here by a wallet, allow this page to run its script.");
  expect(text).toContain(String(PRICE));
  await picture(page, "paywall-no-script");
  await profile.context.close();
  expect(profile.faults).toEqual([]);
});

test("a wallet that does not announce itself is found as window.ethereum", async () => {
  const { page } = await scene("legacy", { legacy: true });
  await click(page, "Connect Browser wallet");
  await heading(page, "Open a channel");
});

test("two tabs pay one after the other, and neither is stuck", async () => {
  const { page, wallet, context } = await paidScene("tabs");
  const other = await context.newPage();
  await page.reload();
  await other.goto(paidUrl("tabs-too"));
  const sign = wallet.hold("eth_signTypedData");
  await click(page, "Pay 0.005 URT");
  await step(page, "Sign the payment in your wallet");
  await click(other, "Pay 0.005 URT");
  await heading(other, "Another tab is paying");
  await state(other, "paywall-elsewhere");
  sign();
  expect(await content(page)).toBe(`${stack.paidPath}/tabs`);
  expect(await content(other)).toBe(`${stack.paidPath}/tabs-too`);
  expect(await paymentsOf(wallet)).toEqual([3]);
});

test("two tabs open one channel", async () => {
  const { page, wallet, context } = await scene("opening");
  const other = await context.newPage();
  await other.goto(paidUrl("opening-too"));
  await heading(other, "Connect your wallet");
  await click(page, "Connect Test Wallet");
  await heading(page, "Open a channel");
  // The other one goes on by itself: a site is connected in all its tabs.
  await heading(other, "Open a channel");
  const send = wallet.hold("eth_sendTransaction");
  await click(page, "Open with 0.05 URT");
  await step(page, "Confirm the transaction in your wallet");
  await click(other, "Open with 0.05 URT");
  await heading(other, "Another tab is paying");
  send();
  await content(page);
  await content(other);
  expect(wallet.questions.filter((method) => method === "eth_sendTransaction")).toHaveLength(1);
  expect(await paymentsOf(wallet)).toEqual([2]);
});

test("a tab that closes while it pays holds nobody up", async () => {
  const { page, wallet, context } = await paidScene("leaving");
  const other = await context.newPage();
  await page.reload();
  await other.goto(paidUrl("leaving-too"));
  wallet.hold("eth_signTypedData");
  await click(page, "Pay 0.005 URT");
  await step(page, "Sign the payment in your wallet");
  await click(other, "Pay 0.005 URT");
  await heading(other, "Another tab is paying");
  await page.close();
  await content(other);
  expect(await paymentsOf(wallet)).toEqual([2]);
});

test("a page that is left while its deposit is mined goes on with it", async () => {
  const { page, wallet } = await scene("unmined");
  await click(page, "Connect Test Wallet");
  await heading(page, "Open a channel");
  const mineAgain = pauseMining();
  onTestFinished(mineAgain);
  await click(page, "Open with 0.05 URT");
  await step(page, "The transaction is put into a block");
  await page.reload();
  await step(page, "The transaction is put into a block");
  mineAgain();
  await click(page, "Pay 0.005 URT");
  await content(page);
  expect(wallet.questions.filter((method) => method === "eth_sendTransaction")).toHaveLength(1);
});

test("a payment that did not arrive is sent again, not signed again", async () => {
  const { page, wallet, url } = await paidScene("again");
  await page.reload();
  await heading(page, "Your channel is ready");
  let cut = true;
  await page.route(url, (route) => (cut ? route.abort() : route.continue()));
  await click(page, "Pay 0.005 URT");
  // The browser's own page, which says that it could not get there.
  await expect.poll(() => page.url(), { timeout: 10_000 }).toBe("chrome-error://chromewebdata/");
  cut = false;
  await page.goto(url);
  await content(page);
  expect(wallet.questions).toEqual(["eth_signTypedData"]);
  expect(await paymentsOf(wallet)).toEqual([2]);
});

test("a channel that the server has closed pays no more", async () => {
  const { page, wallet } = await paidScene("closed");
  await page.reload();
  await heading(page, "Your channel is ready");
  const [channel] = JSON.parse(await page.evaluate(() => localStorage.getItem("uraiden.31337.channels") ?? "")) as {
    openBlock: number;
  }[];
  const closing = await fetch(`${stack.envoyUrl}/api/1/channels/${wallet.address}/${channel?.openBlock}`, {
    method: "DELETE",
    body: new URLSearchParams({ balance: String(PRICE) }),
  });
  expect(closing.status).toBe(200);
  await click(page, "Pay 0.005 URT");
  await heading(page, "This channel takes no more payments");
  await state(page, "paywall-closed-by-server");
  await click(page, "Go on");
  await heading(page, "Open a channel");
  await heading(page, "A channel that is closing");
  expect(await paymentsOf(wallet)).toEqual([1]);
});

test("a server that does not answer charges nothing", async () => {
  const { page, wallet, url } = await paidScene("silent");
  await page.reload();
  await heading(page, "Your channel is ready");
  // The page's files come from the sidecar too. A browser that has seen the page needs only to compare them.
  await page.route("**/js/paywall.*", (route) => route.fulfill({ path: `${DIST}${new URL(route.request().url()).pathname.slice(4)}` }));
  const pid = sidecarPid();
  process.kill(pid, "SIGSTOP");
  try {
    await expect.poll(async () => (await page.reload())?.status(), { timeout: 20_000 }).toBe(502);
    await heading(page, "The server cannot take payments now");
    await state(page, "paywall-unavailable");
    } finally {
    process.kill(pid, "SIGCONT");
  }
  await expect.poll(async () => (await fetch(url)).status, { timeout: 20_000 }).toBe(402);
  await click(page, "Try again");
  await heading(page, "Your channel is ready");
  expect(await paymentsOf(wallet)).toEqual([1]);
});

test("an interface that breaks off is told", async () => {
  const { page } = await paidScene("broken");
  await page.reload();
  await heading(page, "Your channel is ready");
  await page.route("**/api/1/**", (route) => route.abort());
  await click(page, "Pay 0.005 URT");
  await heading(page, "The server does not answer");
  await state(page, "paywall-silent");
  await page.unroute("**/api/1/**");
  await click(page, "Try again");
  await click(page, "Pay 0.005 URT");
  await content(page);
});

test("content of any type is shown by the browser itself", async () => {
  const { page } = await paidScene("image");
  const body = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>";
  await page.goto(`${paidUrl("image")}?${new URLSearchParams({ contentType: "image/svg+xml", body })}`);
  await click(page, "Pay 0.005 URT");
  await page.waitForFunction(() => document.contentType === "image/svg+xml");
});

test("a download leaves the page with a word", async () => {
  const { page, wallet, context } = await paidScene("file");
  await page.goto(`${paidUrl("file")}?${new URLSearchParams({ contentType: "application/octet-stream", download: "file.bin" })}`);
  const download = page.waitForEvent("download");
  await click(page, "Pay 0.005 URT");
  expect((await download).suggestedFilename()).toBe("file.bin");
  await heading(page, "Paid");
  await state(page, "paywall-delivered");
  expect(await context.cookies()).toEqual([]);
  await click(page, "Go on");
  await heading(page, "Your channel is ready");
  expect(await paymentsOf(wallet)).toEqual([2]);
});

test("who comes by a link from another site pays as well", async () => {
  const { page, url } = await paidScene("linked");
  const elsewhere = createServer((_request, answer) => {
    answer.writeHead(200, { "content-type": "text/html" }).end(`<title>x</title><a href="${url}">go</a>`);
  });
  await new Promise<void>((done) => elsewhere.listen(0, done));
  onTestFinished(() => void elsewhere.close());
  await page.goto(`http://localhost:${(elsewhere.address() as AddressInfo).port}/`);
  await page.getByText("go").click();
  await click(page, "Pay 0.005 URT");
  await content(page);
});

test("a form that was sent cannot be paid by the page", async () => {
  const { page, url } = await scene("form");
  const body = `<form method=post action="${url}"><button>send</button></form>`;
  await page.goto(`${stack.envoyUrl}${stack.freePath}?${new URLSearchParams({ contentType: "text/html", body })}`);
  await page.getByText("send").click();
  await heading(page, "This cannot be paid from a page");
  await state(page, "paywall-form");
});

test("a browser that keeps no cookies is told so", async () => {
  const { page, wallet } = await paidScene("cookies");
  await page.addInitScript(() => {
    Object.defineProperty(document, "cookie", { get: () => "", set: () => {} });
  });
  await page.reload();
  await click(page, "Pay 0.005 URT");
  await heading(page, "This page may not set cookies");
  expect(await paymentsOf(wallet)).toEqual([1]);
});

test("a phone, in the dark, by keyboard", async () => {
  const { page } = await scene("phone", {
    browser: { viewport: { width: 360, height: 740 }, colorScheme: "dark", isMobile: true, hasTouch: true },
  });
  await heading(page, "Connect your wallet");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await heading(page, "Open a channel");
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Open a channel");
  await state(page, "paywall-phone-dark");
  const { scroll, width } = await page.evaluate(() => ({
    scroll: document.documentElement.scrollWidth,
    width: document.documentElement.clientWidth,
  }));
  expect(scroll).toBeLessThanOrEqual(width);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await content(page);
});

test("the operator's words, logo and colour", async () => {
  const logo = "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' width='120' height='32'><rect width='120' height='32' rx='8' fill='%23b4530a'/></svg>";
  const words = { title: "The Daily Ledger", text: "One article, one payment. No account.", logo, accent: "#f5b301" };
  const { page, url } = await scene("operator");
  // As the filter writes it: its own tests show that.
  await page.route(url, async (route) => {
    const answer = await route.fetch();
    const look = JSON.stringify(words).slice(1, -1).replaceAll('"', "&quot;").replaceAll("<", "&lt;");
    await route.fulfill({ response: answer, body: (await answer.text()).replace("&quot;payable&quot;:true", `$&,${look}`) });
  });
  await page.reload();
  await page.getByRole("heading", { name: "The Daily Ledger" }).waitFor();
  await page.getByText("One article, one payment. No account.").waitFor();
  await click(page, "Connect Test Wallet");
  await heading(page, "Open a channel");
  await state(page, "paywall-operator");
});

/** A browser wallet whose window is the test: it signs by `@metamask/eth-sig-util` and sends by the stack's node. */

import type { BrowserContext, Page } from "playwright-core";
import type { TypedDataV1 } from "@metamask/eth-sig-util";

import type { Address, Wallet } from "../../src/index.js";
import { ProviderError, signLegacy } from "../fake-wallet.js";
import { account, rpc, stack } from "./ground.js";

/** What the wallet's user does with the next question of a kind. */
type Mood = "reject" | Promise<unknown>;

/** A wallet in a browser. */
export interface TestWallet {
  readonly address: Address;
  /** All questions that its user saw, in order. */
  readonly questions: string[];
  /** What the wallet says its chain is. */
  chainId: number;
  /** Says no to the next question for this method. */
  reject(method: string): void;
  /** Signs the next message in another way than asked. */
  signOtherwise: boolean;
  /** Lets the next question for this method wait until the answer is called. */
  hold(method: string): () => void;
}

/** Methods that show a window. */
const QUESTIONS = ["eth_requestAccounts", "eth_sendTransaction", "eth_signTypedData", "wallet_switchEthereumChain"];

/** Gives every page of the context a wallet that announces itself by EIP-6963, with so many tokens. */
export async function installWallet(context: BrowserContext, tokens: bigint, legacy = false): Promise<TestWallet> {
  const owner = await account(tokens);
  const moods = new Map<string, Mood>();
  let connected = false;
  const wallet: TestWallet = {
    address: owner.address,
    questions: [],
    chainId: stack.chainId,
    signOtherwise: false,
    reject: (method) => void moods.set(method, "reject"),
    hold: (method) => {
      let release = (): void => {};
      moods.set(method, new Promise<void>((done) => (release = done)));
      return release;
    },
  };

  async function request(method: string, params: unknown[]): Promise<unknown> {
    if (QUESTIONS.includes(method)) {
      wallet.questions.push(method);
      const mood = moods.get(method);
      moods.delete(method);
      if (mood === "reject") throw new ProviderError(4001, "User rejected the request.");
      await mood;
    }
    switch (method) {
      case "eth_requestAccounts":
        connected = true;
        return [owner.address.toLowerCase()];
      case "eth_accounts":
        return connected ? [owner.address.toLowerCase()] : [];
      case "eth_chainId":
        return `0x${wallet.chainId.toString(16)}`;
      case "wallet_switchEthereumChain":
        wallet.chainId = Number((params as [{ chainId: string }])[0].chainId);
        return null;
      case "eth_signTypedData":
        if (!wallet.signOtherwise) return signLegacy(owner.key, params[0] as TypedDataV1);
        wallet.signOtherwise = false;
        return signLegacy(owner.key, (params[0] as TypedDataV1).slice(1));
      case "eth_sendTransaction":
        return (owner satisfies Wallet).provider.request({ method, params });
      default:
        return rpc(method, ...params);
    }
  }

  await context.exposeFunction("askTestWallet", async (method: string, params: unknown[]) => {
    try {
      return { result: await request(method, params ?? []) };
    } catch (error) {
      const { code, message, data } = error as { code?: number; message: string; data?: unknown };
      return { error: { code: code ?? -32603, message, data } };
    }
  });
  await context.addInitScript(announce, legacy);
  return wallet;
}

/** Runs in the page, before its own scripts. */
function announce(legacy: boolean): void {
  interface Answer {
    result?: unknown;
    error?: { code: number; message: string; data?: unknown };
  }
  const ask = (window as unknown as { askTestWallet(method: string, params: unknown): Promise<Answer> }).askTestWallet;
  const provider = {
    async request({ method, params }: { method: string; params?: unknown }) {
      const { result, error } = await ask(method, params ?? []);
      if (error) throw Object.assign(new Error(error.message), error);
      return result;
    },
    on(event: string, listener: (value: unknown) => void) {
      window.addEventListener(`wallet:${event}`, (happened) => listener((happened as CustomEvent).detail));
    },
    removeListener() {},
  };
  if (legacy) {
    Object.assign(window, { ethereum: provider });
    return;
  }
  const icon = "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 1 1'><rect width='1' height='1'/></svg>";
  const info = { uuid: "7f2c1a54-9a5e-4f0a-8d59-0f2f5f6f7a11", name: "Test Wallet", icon, rdns: "example.test-wallet" };
  const tell = (): void => {
    window.dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail: Object.freeze({ info, provider }) }));
  };
  window.addEventListener("eip6963:requestProvider", tell);
  tell();
}

/** The wallet tells a page that its user has changed something. */
export async function tell(page: Page, event: "chainChanged" | "accountsChanged", value: unknown): Promise<void> {
  const happened = { event, value };
  await page.evaluate(({ event, value }) => {
    window.dispatchEvent(new CustomEvent(`wallet:${event}`, { detail: value }));
  }, happened);
}

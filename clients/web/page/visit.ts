/** The course of a visit: what happens when a person, a wallet or another tab does something. */

import {
  type Channel,
  chainOf,
  connect,
  connected,
  discoverWallets,
  switchChain,
  type Wallet,
  type WalletOffer,
} from "../src/index.js";
import { takeAway } from "./cookies.js";
import type { Customer, Outcome, Tell } from "./customer.js";
import { open, topUp } from "./depositing.js";
import { close, closeSlowly, settle } from "./ending.js";
import type { Facts } from "./facts.js";
import { look } from "./look.js";
import { pay } from "./paying.js";
import { chosenWallet, MAX_WAIT, POLL, rememberWallet, type Shop } from "./shop.js";
import { type Actions, type Around, at, type Note, type StepName, type View } from "./view.js";
import { inWords } from "./words.js";

/** What shows views. */
export interface Screen {
  show(view: View): void;
  around(around: Around): void;
}

/** Something to do at the shop, while no other tab of this site does. */
type Task = (customer: Customer) => Promise<Outcome>;

/** How long the lock may be awaited in silence, in milliseconds. */
const SOON = 400;

/** A deposit that an earlier page has sent. */
const MINE_STEPS: readonly StepName[] = ["mine"];
const PAY_STEPS: readonly StepName[] = ["sign", "confirm", "show"];
const DEPOSIT_STEPS: readonly StepName[] = ["approve", "mine", "sign", "confirm", "show"];
const CLOSE_STEPS: readonly StepName[] = ["agree", "mine"];
const SEND_STEPS: readonly StepName[] = ["approve", "mine"];

/** Begins a visit. What a person can do then is in the answer. */
export function visit(facts: Facts, shop: Shop, screen: Screen): Actions {
  let offers: readonly WalletOffer[] = [];
  let customer: Customer | undefined;
  /** What is on the screen waits for a person, so that news may replace it. */
  let idle = true;
  /** Told once: it is about the payment that led to this document. */
  let note: Note | undefined = facts.code === "replay" ? "used" : undefined;

  discoverWallets((found) => {
    offers = found;
    if (!customer && idle) run(offer);
  });
  const renew = (): void => {
    if (idle) run(customer ? again : offer);
  };
  window.addEventListener("storage", renew);
  window.addEventListener("pageshow", ({ persisted }) => persisted && renew());
  void shop.lock(async () => takeAway());

  return {
    choose: (chosen) => run(() => choose(chosen)),
    switchNetwork: () =>
      run(async () => {
        if (customer) await switchChain(customer.wallet.provider, shop.chainId);
        return again();
      }),
    open: (deposit) => {
      const tell = working("Opening your channel", DEPOSIT_STEPS);
      task(async (customer) => {
        await open(customer, deposit, tell);
        return pay(customer, tell);
      });
    },
    topUp: (added) => {
      const tell = working("Topping up your channel", DEPOSIT_STEPS);
      task(async (customer) => {
        await topUp(customer, added, tell);
        return pay(customer, tell);
      });
    },
    pay: () => task((customer) => pay(customer, working("Paying", PAY_STEPS))),
    close: (channel) => end(channel, close, working("Closing your channel", CLOSE_STEPS)),
    closeSlowly: (channel) => end(channel, closeSlowly, working("Closing your channel", SEND_STEPS)),
    settle: (channel) => end(channel, settle, working("Getting your deposit back", SEND_STEPS)),
    forget: (channel) =>
      task(async () => {
        await shop.store.forget(channel);
        return "look";
      }),
    retry: renew,
  };

  function task(work: Task): void {
    run(() => locked(work));
  }

  function end(channel: Channel, how: typeof close, tell: Tell): void {
    task((customer) => how(customer, channel, tell));
  }

  /** Does something, and shows what it led to. */
  function run(work: () => Promise<Outcome>): void {
    idle = false;
    void (async () => {
      let outcome: Outcome;
      try {
        outcome = await work();
        // Wallets may announce themselves while something is under way.
        while (outcome === "look" || (outcome.kind === "wallets" && outcome.offers !== offers)) {
          outcome = await (outcome === "look" ? again() : offer());
        }
      } catch (error) {
        outcome = { kind: "trouble", trouble: inWords(error) };
      }
      idle = true;
      screen.show(outcome);
    })();
  }

  async function locked(work: Task): Promise<Outcome> {
    const now = customer;
    if (!now) return offer();
    const late = setTimeout(() => screen.show({ kind: "elsewhere" }), SOON);
    try {
      return await shop.lock(() => {
        clearTimeout(late);
        return work(now);
      });
    } finally {
      clearTimeout(late);
    }
  }

  function again(): Promise<Outcome> {
    screen.show({ kind: "looking", what: "Looking for your channel" });
    const told = note;
    const [waiting, paying] = [working("Waiting for your deposit", MINE_STEPS), working("Paying", PAY_STEPS)];
    const tell: Tell = (step, progress) => (step === "mine" ? waiting : paying)(step, progress);
    note = undefined;
    return locked((customer) => look(customer, facts, told, tell, screen.around));
  }

  /** Goes on with the wallet that was chosen last time, or lets one be chosen. */
  async function offer(): Promise<Outcome> {
    const last = offers.find(({ id }) => id === chosenWallet());
    const known = last && (await connected(last.provider));
    return last && known ? use(last, known) : { kind: "wallets", offers };
  }

  async function choose(chosen: WalletOffer): Promise<Outcome> {
    screen.show({ kind: "looking", what: "Waiting for your wallet" });
    const wallet = await connect(chosen.provider);
    rememberWallet(chosen.id);
    return use(chosen, wallet);
  }

  function use(chosen: WalletOffer, wallet: Wallet): Promise<Outcome> {
    if (customer?.wallet.provider !== chosen.provider) {
      chosen.provider.on?.("accountsChanged", () => idle && run(() => changed(chosen)));
      chosen.provider.on?.("chainChanged", () => idle && run(again));
    }
    customer = { shop, wallet, chain: chainOf(wallet, { maxWait: MAX_WAIT, poll: POLL }) };
    return again();
  }

  async function changed(chosen: WalletOffer): Promise<Outcome> {
    const wallet = await connected(chosen.provider);
    if (wallet) return use(chosen, wallet);
    customer = undefined;
    return { kind: "wallets", offers };
  }

  function working(title: string, steps: readonly StepName[]): Tell {
    return (step, progress) => screen.show({ kind: "working", title, steps: at(steps, step, progress) });
  }
}

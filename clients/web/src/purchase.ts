/** One request, until it is served or refused for good. */

import { type TokenAmount, ZERO } from "./amount.js";
import { type Channel, found, holding, opened, paying } from "./channel.js";
import { openChannel, topUpChannel } from "./chain/deposit.js";
import { OtherToken } from "./chain/error.js";
import { channelInfo, findOpen, tokenOf } from "./chain/read.js";
import { type Charge, inHeaders, readCharge, shownBalance, type Terms } from "./charge.js";
import {
  Busy,
  ChannelRefused,
  Endless,
  Malformed,
  NoAnswer,
  NotConfirmed,
  PaymentLost,
  Unavailable,
} from "./error.js";
import { reasonIn } from "./gateway.js";
import { judge, type Missing, type Next } from "./judge.js";
import { addition, checkTerms } from "./policy.js";
import { proofHeaders, type Signed } from "./proof.js";
import type { Context, Paid } from "./session.js";
import { awaitUnmined } from "./unmined.js";
import { signBalance } from "./wallet/sign.js";

/** How many corrected payments one request may make: our balance, the price, and the receiver may each have changed. */
const MAX_CORRECTIONS = 3;

/** The most resources whose terms a session remembers; one more, and it starts to remember anew. */
const MAX_RESOURCES = 1000;

/** An answer, and what it cost. */
export interface Purchased {
  readonly response: Response;
  readonly paid: Paid;
}

/** What is known of one request while it is paid for. */
interface Purchase extends Context {
  readonly request: Request;
  readonly body: ArrayBuffer | undefined;
  readonly resource: string;
  readonly started: number;
  roundTrips: number;
  corrections: number;
}

/** What one round trip led to. */
type Round = { readonly purchased: Purchased } | { readonly charge: Charge };

/** Sends a request, and pays for it if asked to. */
export async function purchase(context: Context, request: Request): Promise<Purchased> {
  // Read now: a body can be read once, and may have to be sent several times.
  const body = request.body ? await request.arrayBuffer() : undefined;
  const { origin, pathname } = new URL(request.url);
  const resource = `${request.method} ${origin}${pathname}`;
  return context.lock(() =>
    run({ ...context, request, body, resource, started: Date.now(), roundTrips: 0, corrections: 0 }),
  );
}

async function run(purchase: Purchase): Promise<Purchased> {
  const { policy, asked, resource } = purchase;
  let terms = asked.get(resource);
  if (terms === undefined || terms === "free") {
    const round = await ask(purchase);
    if ("purchased" in round) return round.purchased;
    terms = round.charge.terms;
  }
  let lost = 0n;
  for (;;) {
    checkTerms(policy, terms);
    let channel = await channelFor(purchase, terms);
    const sending: Sending = await proofToSend(purchase, channel, terms);
    const { proof } = sending;
    ({ channel } = sending);
    const round = await pay(purchase, channel, proof, terms);
    if ("purchased" in round) return round.purchased;

    const { charge } = round;
    const sameParties = charge.terms.contract === terms.contract && charge.terms.receiver === terms.receiver;
    terms = charge.terms;
    learn(purchase, terms);
    if (!sameParties) {
      correct(purchase);
      continue;
    }
    const next = await judged(purchase, channel, proof, charge);
    switch (next.kind) {
      case "over":
        correct(purchase);
        break;
      case "repeat":
        await pause(purchase, next.missing, channel);
        break;
      case "resume":
        correct(purchase);
        await purchase.store.save(holding(channel, next.balance, charge.held?.signature));
        break;
      case "lost": {
        const amount = proof.balance - (channel.balance ?? 0n);
        await purchase.store.save(holding(channel, proof.balance, proof.signature));
        if (policy.onLost === "stop" || lost > 0n) throw new PaymentLost(amount);
        lost = amount;
      }
    }
  }
}

/** Sends the request without a payment, to learn the price. */
async function ask(purchase: Purchase): Promise<Round> {
  const round = await answer(purchase, await send(purchase, []), 0n);
  learn(purchase, "charge" in round ? round.charge.terms : "free");
  return round;
}

/** Sends the request with this proof, and notes what is certain after the answer. */
async function pay(purchase: Purchase, channel: Channel, proof: Signed, terms: Terms): Promise<Round> {
  const response = await send(purchase, proofHeaders(channel, proof));
  const shown = shownBalance(inHeaders(response.headers));
  const takenBack = shown !== undefined && shown === channel.balance;
  const round = await answer(purchase, response, takenBack ? 0n : terms.price);
  // A server error may be followed by a take-back, or by a credit that the same proof uses up: it stays pending.
  if ("purchased" in round && response.status < 500) {
    const held = takenBack ? holding(channel, shown, channel.signature) : holding(channel, proof.balance, proof.signature);
    await purchase.store.save(held);
  }
  return round;
}

async function send(purchase: Purchase, payment: readonly [string, string][]): Promise<Response> {
  const { request, body, policy } = purchase;
  const headers = new Headers(request.headers);
  for (const [name, value] of payment) headers.set(name, value);
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(new Error(`silence for ${policy.timeout} ms`)), policy.timeout);
  purchase.roundTrips += 1;
  try {
    return await purchase.fetch(
      new Request(request, {
        headers,
        body: body ?? null,
        // A cached answer would look like a payment that was accepted.
        cache: "no-store",
        redirect: "manual",
        signal: AbortSignal.any([request.signal, silence.signal]),
      }),
    );
  } catch (error) {
    throw new NoAnswer(error);
  } finally {
    clearTimeout(timer);
  }
}

/** Tells the paywall's own answers from the service's, which show a balance where a payment was judged good. */
async function answer(purchase: Purchase, response: Response, amount: bigint): Promise<Round> {
  const lookup = inHeaders(response.headers);
  if (response.status === 402) return { charge: readCharge(lookup) };
  if (shownBalance(lookup) === undefined) {
    switch (response.status) {
      case 409:
        throw new Malformed(reasonIn(await response.text()));
      case 502:
        throw new Unavailable(reasonIn(await response.text()));
      case 503:
        throw new Busy(Number(response.headers.get("Retry-After")) || 1, reasonIn(await response.text()));
    }
  }
  return { purchased: { response, paid: { amount, roundTrips: purchase.roundTrips } } };
}

/** The channel that pays: one that we know, one that the chain knows, or a new one. */
async function channelFor(purchase: Purchase, terms: Terms): Promise<Channel> {
  const { chain, store, policy, wallet } = purchase;
  const parties = { contract: terms.contract, receiver: terms.receiver, sender: wallet.address };
  const known = paying(await store.load(), parties);
  if (known) return known;

  await awaitUnmined(chain, store, wallet.address);
  const opening = paying(await store.load(), parties);
  if (opening) return opening;
  const token = await tokenOf(chain, terms.contract);
  if (token !== terms.token) throw new OtherToken(terms.token, token);
  const onChain = await findOpen(chain, terms.contract, terms.receiver, policy.firstBlock);
  let channel: Channel;
  if (onChain) {
    channel = found(onChain.id, onChain.deposit);
  } else {
    const deposit = addition(policy, ZERO, terms.price, terms.price);
    const { id } = await openChannel(chain, parties, deposit, (transaction) =>
      store.saveUnmined({ ...parties, openBlock: undefined, transaction }),
    );
    channel = opened(id, deposit);
  }
  await store.save(channel);
  await store.dropUnmined(wallet.address);
  return channel;
}

interface Sending {
  readonly channel: Channel;
  readonly proof: Signed;
}

/**
 * What to send: the pending proof first, then one over the last balance plus the price. Within the deposit, which is
 * topped up for it. A channel whose balance is not known is asked with a proof of 0, which is worth nothing.
 */
async function proofToSend(purchase: Purchase, channel: Channel, terms: Terms): Promise<Sending> {
  if (channel.pending) return { channel, proof: channel.pending };
  if (channel.balance === undefined) return { channel, proof: await signBalance(purchase.wallet, channel, ZERO) };
  const next = channel.balance + terms.price;
  const covered = next > channel.deposit ? await topUp(purchase, channel, next, terms) : channel;
  const proof = await signBalance(purchase.wallet, covered, next as TokenAmount);
  // Before it leaves: after a crash or a lost answer this proof is sent again, and none above it.
  const pending = { ...covered, pending: proof };
  await purchase.store.save(pending);
  return { channel: pending, proof };
}

/** Makes the deposit cover `balance`, if the chain does not say that it does already. */
async function topUp(purchase: Purchase, channel: Channel, balance: bigint, terms: Terms): Promise<Channel> {
  const { chain, store, policy } = purchase;
  await awaitUnmined(chain, store, channel.sender);
  let deposit = (await channelInfo(chain, channel))?.deposit ?? channel.deposit;
  if (balance > deposit) {
    const added = addition(policy, deposit, balance, terms.price);
    await topUpChannel(chain, channel, added, (transaction) => store.saveUnmined({ ...channel, transaction }));
    // Within the policy's limit, so within the range.
    deposit = (deposit + added) as TokenAmount;
  }
  const covered = { ...channel, deposit };
  await store.save(covered);
  await store.dropUnmined(channel.sender);
  return covered;
}

/** Judges a 402. A channel that the server refuses and that the chain says has ended is `over`: it pays no more. */
async function judged(
  { chain, store }: Purchase,
  channel: Channel,
  proof: Signed,
  charge: Charge,
): Promise<Next | { readonly kind: "over" }> {
  try {
    return await judge(channel, proof.balance, !channel.balance, charge);
  } catch (error) {
    if (!(error instanceof ChannelRefused)) throw error;
    const info = await channelInfo(chain, channel);
    if (info && info.settleBlock === undefined) throw error;
    await store.save({ ...channel, closing: true });
    return { kind: "over" };
  }
}

function learn({ asked, resource }: Purchase, terms: Terms | "free"): void {
  if (asked.size >= MAX_RESOURCES) asked.clear();
  asked.set(resource, terms);
}

function correct(purchase: Purchase): void {
  purchase.corrections += 1;
  if (purchase.corrections > MAX_CORRECTIONS) throw new Endless(MAX_CORRECTIONS);
}

async function pause({ started, policy, request }: Purchase, missing: Missing, channel: Channel): Promise<void> {
  const waited = Date.now() - started;
  if (waited > policy.maxWait) {
    switch (missing) {
      case "opening":
        throw new ChannelRefused(channel);
      case "confirmations":
        throw new NotConfirmed("channel", waited);
      case "deposit":
        throw new NotConfirmed("deposit", waited);
    }
  }
  request.signal.throwIfAborted();
  await new Promise((done) => setTimeout(done, policy.poll));
}

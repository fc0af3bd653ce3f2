/** How things stand: what the chain, the server and this browser's memory say, brought together. */

import {
  type Chain,
  type Channel,
  channelInfo,
  depositLimit,
  etherBalance,
  findOpen,
  found,
  getChannel,
  getStats,
  head,
  holding,
  OtherToken,
  paying,
  type TokenAmount,
  tokenBalance,
  tokenOf,
  verified,
  ZERO,
} from "../src/index.js";
import { parties, type Shop } from "./shop.js";
import type { Ending, Purse } from "./view.js";

/** How many payments a deposit is for if nobody says otherwise: ten, as in the original clients. */
const USUAL_PAYMENTS = 10n;

/** The channel that can pay, brought up to date and saved; `undefined` where there is none. */
export async function findChannel(shop: Shop, chain: Chain): Promise<Channel | undefined> {
  const { store, terms, gateway } = shop;
  const token = await tokenOf(chain, terms.contract);
  if (token !== terms.token) throw new OtherToken(terms.token, token);
  for (;;) {
    const known = paying(await store.load(), parties(shop, chain.sender)) ?? (await searchChain());
    if (!known) return undefined;
    const info = await channelInfo(chain, known);
    if (info && info.settleBlock === undefined) {
      const current = await settleBalance(shop, { ...known, deposit: info.deposit });
      await store.save(current);
      return current;
    }
    // It has ended, be it by the receiver: look for another one.
    await store.save({ ...known, closing: true });
  }

  async function searchChain(): Promise<Channel | undefined> {
    const { firstBlock } = await getStats(gateway);
    const onChain = await findOpen(chain, terms.contract, terms.receiver, firstBlock);
    // One whose end we asked for is open on chain until that is mined.
    const isEnding = (await store.load()).some(
      ({ closing, openBlock, sender }) => closing && openBlock === onChain?.id.openBlock && sender === chain.sender,
    );
    return onChain && !isEnding ? found(onChain.id, onChain.deposit) : undefined;
  }
}

/**
 * Finds out what became of a payment that was sent, and what was paid through a channel that we did not know, as far
 * as the wallet need not be asked for it.
 */
async function settleBalance({ gateway }: Shop, channel: Channel): Promise<Channel> {
  const { balance, pending } = channel;
  if (balance !== undefined && !pending) return channel;
  const server = await getChannel(gateway, channel, pending);
  if (!server) return channel;
  if (!pending) return server.held.balance === 0n ? holding(channel, ZERO, undefined) : channel;
  const held = await verified(server.held, channel);
  // Below the pending one it was not accepted, or taken back: it can be sent again.
  const known = held < pending.balance;
  return known ? { ...channel, balance: held, signature: server.held.signature } : holding(channel, held, server.held.signature);
}

/** What the account can lock so that the channel, with what is in it, covers `balance`. */
export async function countPurse(shop: Shop, chain: Chain, deposit: TokenAmount, balance: bigint): Promise<Purse> {
  const { contract, token, price } = shop.terms;
  const [has, limit, ether] = await Promise.all([
    tokenBalance(chain, token, chain.sender),
    depositLimit(chain, contract),
    etherBalance(chain, chain.sender),
  ]);
  const room = limit - deposit;
  const most = has < room ? has : room;
  const least = balance - deposit;
  const wished = price * USUAL_PAYMENTS;
  const capped = wished < most ? wished : most;
  return { has, least, usual: capped > least ? capped : least, most, fee: ether > 0n };
}

/** The channels whose end was asked for; those that have ended are forgotten. */
export async function findEnding(shop: Shop, chain: Chain): Promise<Ending[]> {
  const mine = parties(shop, chain.sender);
  const channels = (await shop.store.load()).filter(
    (channel) => channel.closing && paying([{ ...channel, closing: false }], mine),
  );
  const endings: Ending[] = [];
  for (const channel of channels) {
    const info = await channelInfo(chain, channel);
    if (!info) {
      await shop.store.forget(channel);
      continue;
    }
    // The contract settles in the first block after the settle block.
    const left = info.settleBlock === undefined ? undefined : info.settleBlock - (await head(chain));
    endings.push({ channel, blocksLeft: left === undefined ? undefined : Math.max(0, left) });
  }
  return endings;
}

/** Getting back what was not spent. Whoever calls these holds the shop's lock. */

import {
  challengePeriod,
  type Channel,
  ChannelRefused,
  CloseRefused,
  closeCooperatively,
  closeUncooperatively,
  FalseAgreement,
  NothingPaid,
  settleChannel,
} from "../src/index.js";
import type { Customer, Outcome, Tell } from "./customer.js";

/** What leaves only the slow way. */
const REFUSALS = [CloseRefused, ChannelRefused, FalseAgreement];

/** Closes a channel with the receiver's agreement; where there is none, says what else can be done. */
export async function close(customer: Customer, channel: Channel, tell: Tell): Promise<Outcome> {
  const { shop, chain } = customer;
  tell("agree");
  try {
    const context = { ...customer, store: shop.store };
    const { balance } = await closeCooperatively(context, shop.gateway, channel, () => tell("mine"));
    return settled(customer, channel, balance);
  } catch (error) {
    const blocks = await challengePeriod(chain, channel.contract);
    if (error instanceof NothingPaid) return { kind: "slow-close", channel, why: "unpaid", blocks };
    if (REFUSALS.some((type) => error instanceof type)) {
      return { kind: "slow-close", channel, why: "refused", blocks };
    }
    throw error;
  }
}

/** Asks the contract to close a channel without the receiver. */
export async function closeSlowly(customer: Customer, channel: Channel, tell: Tell): Promise<Outcome> {
  const { shop, chain } = customer;
  tell("approve");
  await closeUncooperatively({ ...customer, store: shop.store }, channel, () => tell("mine"));
  return { kind: "close-asked", blocks: await challengePeriod(chain, channel.contract) };
}

/** Takes the rest of the deposit back, after the challenge period. */
export async function settle(customer: Customer, channel: Channel, tell: Tell): Promise<Outcome> {
  tell("approve");
  const { balance } = await settleChannel(customer.chain, channel, () => tell("mine"));
  return settled(customer, channel, balance);
}

async function settled({ shop }: Customer, channel: Channel, paid: bigint): Promise<Outcome> {
  await shop.store.forget(channel);
  return { kind: "settled", returned: channel.deposit - paid, paid };
}

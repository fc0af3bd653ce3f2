/** Locking tokens. Whoever calls these holds the shop's lock. */

import {
  openChannel,
  opened,
  tokenAmount,
  topUpChannel,
} from "../src/index.js";
import type { Customer, Tell } from "./customer.js";
import { parties } from "./shop.js";
import { findChannel } from "./survey.js";

/** Opens a channel, unless another tab has done so in the meantime. */
export async function open({ shop, chain }: Customer, deposit: bigint, tell: Tell): Promise<void> {
  const { store } = shop;
  tell("approve");
  if (await findChannel(shop, chain)) return;
  const mine = parties(shop, chain.sender);
  const { id } = await openChannel(chain, mine, tokenAmount(deposit), async (transaction) => {
    await store.saveUnmined({ ...mine, openBlock: undefined, transaction });
    tell("mine");
  });
  await store.save(opened(id, tokenAmount(deposit)));
  await store.dropUnmined(chain.sender);
}

/** Tops the channel up, unless another tab has done so in the meantime. */
export async function topUp({ shop, chain }: Customer, added: bigint, tell: Tell): Promise<void> {
  const { store, terms } = shop;
  tell("approve");
  const channel = await findChannel(shop, chain);
  if (!channel || (channel.balance ?? 0n) + terms.price <= channel.deposit) return;
  await topUpChannel(chain, channel, tokenAmount(added), async (transaction) => {
    await store.saveUnmined({ ...channel, transaction });
    tell("mine");
  });
  await store.save({ ...channel, deposit: tokenAmount(channel.deposit + added) });
  await store.dropUnmined(chain.sender);
}

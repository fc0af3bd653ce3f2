/** Deposits that were sent, and whose fate is not known yet. */

import type { Address } from "./address.js";
import { opened } from "./channel.js";
import type { Chain } from "./chain/client.js";
import { awaitOpening } from "./chain/deposit.js";
import { Cancelled, TransactionFailed } from "./chain/error.js";
import { receiptOf } from "./chain/transact.js";
import type { ChannelStore } from "./store.js";

/**
 * Waits for the deposit that was sent last and given up waiting for, if there is one, so that none is made twice. `waits` is
 * called where there is. One that failed or was replaced by something else is forgotten. Fails with the chain's errors.
 */
export async function awaitUnmined(
  chain: Chain,
  store: ChannelStore,
  sender: Address,
  waits?: () => void,
): Promise<void> {
  const unmined = await store.loadUnmined(sender);
  if (!unmined) return;
  waits?.();
  try {
    if (unmined.openBlock === undefined) {
      const { id, deposit } = await awaitOpening(chain, unmined, unmined.transaction);
      await store.save(opened(id, deposit));
    } else {
      await receiptOf(chain, "topping up", unmined.transaction);
    }
  } catch (error) {
    if (!(error instanceof TransactionFailed || error instanceof Cancelled)) throw error;
  }
  await store.dropUnmined(sender);
}

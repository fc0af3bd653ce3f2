/** Getting the rest of a deposit back. */

import { type Hex, parseEventLogs, type TransactionReceipt } from "viem";

import type { Address } from "../address.js";
import { type TokenAmount, tokenAmount } from "../amount.js";
import type { ChannelId } from "../channel.js";
import type { Signed } from "../proof.js";
import type { Signature } from "../signature.js";
import { CHANNELS } from "./abi.js";
import type { Chain } from "./client.js";
import { NoEvent } from "./error.js";
import { type Mined, minedIn, type OnSent, transact, UNHEARD } from "./transact.js";

/** How a channel ended. */
export interface Settlement {
  /** The transaction that ended it. */
  readonly transaction: Hex;
  /** What the receiver got over the channel's life. */
  readonly balance: TokenAmount;
  /** The part of it that was paid out now, the rest having been withdrawn before. */
  readonly receiverTokens: TokenAmount;
}

/**
 * Settles a channel at once, with both signatures.
 *
 * @throws {Reverted}
 * @throws {UserRejected}
 * @throws {NotMined}
 */
export async function closeWithAgreement(
  chain: Chain,
  id: ChannelId,
  proof: Signed,
  agreement: Signature,
  onSent: OnSent = UNHEARD,
): Promise<Settlement> {
  const args = [id.receiver, id.openBlock, proof.balance, proof.signature, agreement] as const;
  const call = { address: id.contract, abi: CHANNELS, functionName: "cooperativeClose", args } as const;
  return settlementIn(await transact(chain, "closing the channel", call, onSent), id.contract);
}

/**
 * Asks to close a channel at `balance`, which starts the challenge period.
 *
 * @throws {Reverted}
 * @throws {UserRejected}
 * @throws {NotMined}
 */
export async function requestClose(
  chain: Chain,
  id: ChannelId,
  balance: TokenAmount,
  onSent: OnSent = UNHEARD,
): Promise<Mined> {
  const args = [id.receiver, id.openBlock, balance] as const;
  const call = { address: id.contract, abi: CHANNELS, functionName: "uncooperativeClose", args } as const;
  return minedIn(await transact(chain, "asking to close the channel", call, onSent));
}

/**
 * Ends a channel after its challenge period.
 *
 * @throws {Reverted} also while the period runs.
 * @throws {UserRejected}
 * @throws {NotMined}
 */
export async function settleChannel(chain: Chain, id: ChannelId, onSent: OnSent = UNHEARD): Promise<Settlement> {
  const args = [id.receiver, id.openBlock] as const;
  const call = { address: id.contract, abi: CHANNELS, functionName: "settle", args } as const;
  return settlementIn(await transact(chain, "settling the channel", call, onSent), id.contract);
}

function settlementIn(receipt: TransactionReceipt, contract: Address): Settlement {
  const transaction = receipt.transactionHash;
  const [settled] = parseEventLogs({ abi: CHANNELS, eventName: "ChannelSettled", logs: receipt.logs });
  if (!settled) throw new NoEvent(transaction, "ChannelSettled", contract);
  const { _balance, _receiver_tokens } = settled.args;
  return { transaction, balance: tokenAmount(_balance), receiverTokens: tokenAmount(_receiver_tokens) };
}

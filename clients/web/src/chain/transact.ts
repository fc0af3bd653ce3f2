/** Sending a transaction and waiting for it. */

import {
  type Abi,
  type ContractFunctionName,
  type ContractFunctionParameters,
  type Hex,
  type TransactionReceipt,
  WaitForTransactionReceiptTimeoutError,
} from "viem";
import { simulateContract, waitForTransactionReceipt, writeContract } from "viem/actions";

import { type BlockNumber, blockNumber } from "../block.js";
import type { Chain } from "./client.js";
import { Cancelled, chainError, NotMined, TransactionFailed } from "./error.js";

/** A transaction that is on the chain. */
export interface Mined {
  readonly transaction: Hex;
  readonly block: BlockNumber;
}

/** Is told a transaction's hash as soon as it is out; waiting for it goes on when this is done. */
export type OnSent = (transaction: Hex) => void | Promise<void>;

/** Nobody wants to know. */
export const UNHEARD: OnSent = () => {};

/**
 * Tries a call, so that a refusal costs nothing and names its reason, then asks the wallet to send it, then waits.
 *
 * @throws {Reverted}
 * @throws {UserRejected}
 * @throws {NotMined}
 */
export async function transact<const TAbi extends Abi, Name extends ContractFunctionName<TAbi, "nonpayable">>(
  chain: Chain,
  what: string,
  call: ContractFunctionParameters<TAbi, "nonpayable", Name>,
  onSent: OnSent,
): Promise<TransactionReceipt> {
  const request = { ...(call as object), account: chain.sender, chain: null } as never;
  let transaction: Hex;
  try {
    await simulateContract(chain.client, request);
    transaction = await writeContract(chain.client, request);
  } catch (error) {
    throw chainError(what, error);
  }
  await onSent(transaction);
  return receiptOf(chain, what, transaction);
}

/**
 * Waits until a transaction, or one that the wallet's user sent in its place to hurry it up, is in a block.
 *
 * @throws {NotMined}
 * @throws {TransactionFailed}
 * @throws {Cancelled}
 */
export async function receiptOf(chain: Chain, what: string, transaction: Hex): Promise<TransactionReceipt> {
  const { maxWait, poll } = chain.patience;
  let cancelled = false;
  let receipt: TransactionReceipt;
  try {
    receipt = await waitForTransactionReceipt(chain.client, {
      hash: transaction,
      pollingInterval: poll,
      timeout: maxWait,
      onReplaced: ({ reason }) => {
        cancelled = reason !== "repriced";
      },
    });
  } catch (error) {
    if (error instanceof WaitForTransactionReceiptTimeoutError) throw new NotMined(what, transaction, maxWait);
    throw chainError(what, error);
  }
  if (cancelled) throw new Cancelled(what, transaction);
  if (receipt.status !== "success") throw new TransactionFailed(what, receipt.transactionHash);
  return receipt;
}

/** Where a transaction is. */
export function minedIn(receipt: TransactionReceipt): Mined {
  return { transaction: receipt.transactionHash, block: blockNumber(receipt.blockNumber) };
}

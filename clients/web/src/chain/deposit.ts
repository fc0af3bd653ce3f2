/** Locking tokens: opening a channel and topping it up. */

import { concat, type Hex, numberToHex, parseEventLogs, type TransactionReceipt } from "viem";
import { readContract, simulateContract } from "viem/actions";

import type { Address } from "../address.js";
import { type TokenAmount, tokenAmount } from "../amount.js";
import type { ChannelId } from "../channel.js";
import { CHANNELS, TOKEN } from "./abi.js";
import type { Chain } from "./client.js";
import { chainError, isUnknownFunction, NoEvent, TooFewTokens } from "./error.js";
import { tokenBalance, tokenOf } from "./read.js";
import { type Mined, minedIn, type OnSent, receiptOf, transact, UNHEARD } from "./transact.js";

/** A channel that was just opened. */
export interface Opening extends Mined {
  readonly id: ChannelId;
  readonly deposit: TokenAmount;
}

type Parties = Pick<ChannelId, "contract" | "receiver">;

/**
 * Opens a channel, with one transaction where the token knows ERC-223, else with an approval before it.
 *
 * `onSent` hears the hash of the transaction that opens it.
 *
 * @throws {TooFewTokens}
 * @throws {Reverted}
 * @throws {UserRejected}
 * @throws {NotMined}
 */
export async function openChannel(
  chain: Chain,
  parties: Parties,
  deposit: TokenAmount,
  onSent: OnSent = UNHEARD,
): Promise<Opening> {
  const { contract, receiver } = parties;
  const what = "opening the channel";
  const receipt = await lock(chain, what, contract, deposit, concat([chain.sender, receiver]), onSent, {
    functionName: "createChannel",
    args: [receiver, deposit],
  });
  return openingIn(chain, receipt, parties);
}

/**
 * Adds to the deposit of an open channel, as {@link openChannel} does.
 *
 * @throws {TooFewTokens}
 * @throws {Reverted}
 * @throws {UserRejected}
 * @throws {NotMined}
 */
export async function topUpChannel(
  chain: Chain,
  id: ChannelId,
  added: TokenAmount,
  onSent: OnSent = UNHEARD,
): Promise<Mined> {
  const { contract, receiver, openBlock } = id;
  const data = concat([chain.sender, receiver, numberToHex(openBlock, { size: 4 })]);
  const receipt = await lock(chain, "topping up", contract, added, data, onSent, {
    functionName: "topUp",
    args: [receiver, openBlock, added],
  });
  return minedIn(receipt);
}

/**
 * Waits for an opening that was sent before.
 *
 * @throws {NotMined}
 * @throws {TransactionFailed}
 */
export async function awaitOpening(chain: Chain, parties: Parties, transaction: Hex): Promise<Opening> {
  return openingIn(chain, await receiptOf(chain, "opening the channel", transaction), parties);
}

type ByApproval =
  | { readonly functionName: "createChannel"; readonly args: readonly [Address, bigint] }
  | { readonly functionName: "topUp"; readonly args: readonly [Address, number, bigint] };

async function lock(
  chain: Chain,
  what: string,
  contract: Address,
  amount: TokenAmount,
  data: Hex,
  onSent: OnSent,
  byApproval: ByApproval,
): Promise<TransactionReceipt> {
  const token = await tokenOf(chain, contract);
  const has = await tokenBalance(chain, token, chain.sender);
  if (has < amount) throw new TooFewTokens(chain.sender, token, has, amount);

  const transfer = { address: token, abi: TOKEN, functionName: "transfer", args: [contract, amount, data] } as const;
  if (await knowsErc223(chain, transfer)) return transact(chain, what, transfer, onSent);
  await approve(chain, token, contract, amount);
  return transact(chain, what, { address: contract, abi: CHANNELS, ...byApproval } as never, onSent);
}

/**
 * Whether the token hands the data on. One that does not know the function may still answer, with nothing: a fallback
 * that takes every call; so only `true` counts.
 */
async function knowsErc223(
  chain: Chain,
  transfer: {
    readonly address: Address;
    readonly abi: typeof TOKEN;
    readonly functionName: "transfer";
    readonly args: readonly [Address, bigint, Hex];
  },
): Promise<boolean> {
  try {
    const { result } = await simulateContract(chain.client, { ...transfer, account: chain.sender });
    return result;
  } catch (error) {
    if (isUnknownFunction(error)) return false;
    throw chainError("transfer", error);
  }
}

async function approve(chain: Chain, token: Address, contract: Address, amount: TokenAmount): Promise<void> {
  const call = { address: token, abi: TOKEN, functionName: "allowance", args: [chain.sender, contract] } as const;
  let allowed: bigint;
  try {
    allowed = await readContract(chain.client, call);
  } catch (error) {
    throw chainError("allowance", error);
  }
  if (allowed >= amount) return;
  // Some tokens refuse to change an allowance that is not zero.
  for (const value of allowed === 0n ? [amount] : [0n, amount]) {
    const approval = { address: token, abi: TOKEN, functionName: "approve", args: [contract, value] } as const;
    await transact(chain, "approving the deposit", approval, UNHEARD);
  }
}

function openingIn(chain: Chain, receipt: TransactionReceipt, { contract, receiver }: Parties): Opening {
  const mined = minedIn(receipt);
  const events = parseEventLogs({ abi: CHANNELS, eventName: "ChannelCreated", logs: receipt.logs });
  const created = events.find(
    ({ address, args }) =>
      same(address, contract) && same(args._sender_address, chain.sender) && same(args._receiver_address, receiver),
  );
  if (!created) throw new NoEvent(mined.transaction, "ChannelCreated", contract);
  const id = { contract, receiver, sender: chain.sender, openBlock: mined.block };
  return { ...mined, id, deposit: tokenAmount(created.args._deposit) };
}

/** Nodes write addresses in any case. */
function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

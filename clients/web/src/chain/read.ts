/** What the chain says. */

import {
  getBalance as getEther,
  getBlockNumber,
  getContractEvents,
  readContract,
} from "viem/actions";

import { type Address, parseAddress } from "../address.js";
import { type TokenAmount, tokenAmount } from "../amount.js";
import { type BlockNumber, blockNumber } from "../block.js";
import type { ChannelId } from "../channel.js";
import { CHANNELS, TOKEN } from "./abi.js";
import type { Chain } from "./client.js";
import { chainError, isRevert, isUnknownFunction } from "./error.js";

/** What the contract says of a channel. */
export interface OnChain {
  /** All that was ever locked in it. */
  readonly deposit: TokenAmount;
  /** The last block of the challenge period, where closing was asked for. */
  readonly settleBlock: BlockNumber | undefined;
}

/** How a token wants to be written. */
export interface TokenFacts {
  readonly name: string;
  readonly symbol: string;
  /** One whole token is 10^decimals base units. */
  readonly decimals: number;
}

/** The token of the contract. */
export async function tokenOf({ client }: Chain, contract: Address): Promise<Address> {
  const token = await asked("token", readContract(client, { address: contract, abi: CHANNELS, functionName: "token" }));
  return parseAddress(token);
}

/** What an account holds of a token, in base units. */
export function tokenBalance({ client }: Chain, token: Address, account: Address): Promise<bigint> {
  const call = { address: token, abi: TOKEN, functionName: "balanceOf", args: [account] } as const;
  return asked("balanceOf", readContract(client, call));
}

/** What an account holds of the chain's own coin, in wei. */
export function etherBalance({ client }: Chain, account: Address): Promise<bigint> {
  return asked("eth_getBalance", getEther(client, { address: account }));
}

/** How a token wants to be written; `undefined` where it does not say. */
export async function tokenFacts({ client }: Chain, token: Address): Promise<TokenFacts | undefined> {
  const read = <Name extends "name" | "symbol" | "decimals">(functionName: Name) =>
    readContract(client, { address: token, abi: TOKEN, functionName });
  try {
    const [name, symbol, decimals] = await Promise.all([read("name"), read("symbol"), read("decimals")]);
    return { name: String(name), symbol: String(symbol), decimals: Number(decimals) };
  } catch (error) {
    if (isUnknownFunction(error)) return undefined;
    throw chainError("name, symbol and decimals", error);
  }
}

/** What the contract says of a channel; `undefined` where there is none, or no more. */
export async function channelInfo({ client }: Chain, id: ChannelId): Promise<OnChain | undefined> {
  const args = [id.sender, id.receiver, id.openBlock] as const;
  const call = { address: id.contract, abi: CHANNELS, functionName: "getChannelInfo", args } as const;
  try {
    const [, deposit, settleBlock] = await readContract(client, call);
    return {
      deposit: tokenAmount(deposit),
      settleBlock: settleBlock === 0 ? undefined : blockNumber(settleBlock),
    };
  } catch (error) {
    if (isRevert(error)) return undefined;
    throw chainError("getChannelInfo", error);
  }
}

/**
 * The newest channel from our account to `receiver` that is neither settled nor closing, with its deposit. Some nodes
 * refuse to search from far back.
 */
export async function findOpen(
  chain: Chain,
  contract: Address,
  receiver: Address,
  firstBlock: bigint,
): Promise<{ readonly id: ChannelId; readonly deposit: TokenAmount } | undefined> {
  const search = getContractEvents(chain.client, {
    address: contract,
    abi: CHANNELS,
    eventName: "ChannelCreated",
    args: { _sender_address: chain.sender, _receiver_address: receiver },
    fromBlock: firstBlock,
    toBlock: "latest",
    strict: true,
  });
  const created = await asked("searching ChannelCreated", search);
  for (const log of created.reverse()) {
    const id = { contract, receiver, sender: chain.sender, openBlock: blockNumber(log.blockNumber) };
    const info = await channelInfo(chain, id);
    if (info && info.settleBlock === undefined) return { id, deposit: info.deposit };
  }
  return undefined;
}

/** The blocks that the receiver has to answer a request to close. */
export function challengePeriod({ client }: Chain, contract: Address): Promise<number> {
  const call = { address: contract, abi: CHANNELS, functionName: "challenge_period" } as const;
  return asked("challenge_period", readContract(client, call));
}

/** The highest deposit that the contract takes for one channel. */
export function depositLimit({ client }: Chain, contract: Address): Promise<bigint> {
  const call = { address: contract, abi: CHANNELS, functionName: "channel_deposit_bugbounty_limit" } as const;
  return asked("channel_deposit_bugbounty_limit", readContract(client, call));
}

/** The newest block. */
export async function head({ client }: Chain): Promise<BlockNumber> {
  return blockNumber(await asked("eth_blockNumber", getBlockNumber(client, { cacheTime: 0 })));
}

async function asked<T>(call: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw chainError(call, error);
  }
}

/** What names a channel, and what we remember of one. */

import type { Address } from "./address.js";
import { type TokenAmount, ZERO } from "./amount.js";
import type { BlockNumber } from "./block.js";
import type { Signed } from "./proof.js";
import type { Signature } from "./signature.js";

/** What names a channel. */
export interface ChannelId {
  /** The contract that holds the deposit. */
  readonly contract: Address;
  /** Who is paid. */
  readonly receiver: Address;
  /** Who pays. */
  readonly sender: Address;
  /** The block in which the channel was opened. */
  readonly openBlock: BlockNumber;
}

/** A channel of ours, as far as we know it. With this and a wallet alone payments can go on. */
export interface Channel extends ChannelId {
  /** What is locked on chain, unconfirmed top-ups included. Nothing above it is ever signed. */
  readonly deposit: TokenAmount;
  /** The last balance that the server is known to hold; `undefined` where it has to be asked first. */
  readonly balance: TokenAmount | undefined;
  /** Our signature of `balance`, so that the wallet need not be asked again. */
  readonly signature: Signature | undefined;
  /** A higher balance that was sent without a clear answer. It is sent again before any other. */
  readonly pending: Signed | undefined;
  /** Its end was asked for, so that it pays no more. */
  readonly closing: boolean;
}

/** A channel that was just opened with this deposit. */
export function opened(id: ChannelId, deposit: TokenAmount): Channel {
  const { contract, receiver, sender, openBlock } = id;
  const nothing = { balance: ZERO, signature: undefined, pending: undefined, closing: false };
  return { contract, receiver, sender, openBlock, deposit, ...nothing };
}

/** A channel that was found on chain: what was paid through it has to be asked. */
export function found(id: ChannelId, deposit: TokenAmount): Channel {
  return { ...opened(id, deposit), balance: undefined };
}

/** The server holds this balance, and nothing is pending any more. */
export function holding(channel: Channel, balance: TokenAmount, signature: Signature | undefined): Channel {
  return { ...channel, balance, signature, pending: undefined };
}

/** For messages. */
export function channelName({ contract, receiver, sender, openBlock }: ChannelId): string {
  return `${sender} -> ${receiver}, opened in block ${openBlock} of ${contract}`;
}

/** Whether two name the same channel. */
export function sameChannel(a: ChannelId, b: ChannelId): boolean {
  return (
    a.contract === b.contract && a.receiver === b.receiver && a.sender === b.sender && a.openBlock === b.openBlock
  );
}

/** The newest channel that can pay this receiver. */
export function paying(channels: readonly Channel[], parties: Omit<ChannelId, "openBlock">): Channel | undefined {
  return channels
    .filter((channel) => !channel.closing)
    .filter((channel) => sameChannel(channel, { ...parties, openBlock: channel.openBlock }))
    .reduce<Channel | undefined>((newest, channel) => (newest && newest.openBlock > channel.openBlock ? newest : channel), undefined);
}

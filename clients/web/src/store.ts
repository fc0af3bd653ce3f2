/** Where channels outlive their session. */

import type { Hex } from "viem";

import { type Address, parseAddress } from "./address.js";
import { parseAmount } from "./amount.js";
import { parseBlock } from "./block.js";
import { type Channel, type ChannelId, sameChannel } from "./channel.js";
import { NotSaved, ValueError } from "./error.js";
import type { Signed } from "./proof.js";
import { parseSignature } from "./signature.js";

/**
 * Keeps the channels of one chain.
 *
 * They are saved before a proof leaves, so that after a crash the next request repeats that proof, and never signs a
 * further payment on top of an unknown one.
 */
export interface ChannelStore {
  /** All channels that were saved. */
  load(): Promise<readonly Channel[]>;
  /** Keeps this state of the channel in place of the last one. Fails with {@link NotSaved}. */
  save(channel: Channel): Promise<void>;
  /** Drops a channel: what is locked in it can only be found on the chain again. */
  forget(id: ChannelId): Promise<void>;
  /** The sender's deposit that was sent and not seen in a block yet, so that none is made twice. */
  loadUnmined(sender: Address): Promise<Unmined | undefined>;
  /** Keeps it in place of the last one. */
  saveUnmined(unmined: Unmined): Promise<void>;
  /** Its fate is known. */
  dropUnmined(sender: Address): Promise<void>;
}

/** A transaction that opens a channel, or tops one up where there is an open block. */
export interface Unmined extends Omit<ChannelId, "openBlock"> {
  readonly openBlock: ChannelId["openBlock"] | undefined;
  readonly transaction: Hex;
}

/** Forgets with the program. */
export function memoryStore(initial: readonly Channel[] = []): ChannelStore {
  let channels: readonly Channel[] = initial;
  const unmined = new Map<Address, Unmined>();
  return {
    load: async () => channels,
    save: async (channel) => {
      channels = replaced(channels, channel);
    },
    forget: async (id) => {
      channels = channels.filter((known) => !sameChannel(known, id));
    },
    loadUnmined: async (sender) => unmined.get(sender),
    saveUnmined: async (deposit) => {
      unmined.set(deposit.sender, deposit);
    },
    dropUnmined: async (sender) => {
      unmined.delete(sender);
    },
  };
}

/** What a store is kept in: the browser's local storage, or what behaves like it. */
export type Items = Pick<Storage, "getItem" | "setItem" | "removeItem">;

/**
 * In the browser's local storage, shared by all tabs of the site. `name` should differ from chain to chain.
 *
 * A tab must hold the lock of the same name from reading a channel to saving it.
 */
export function webStore(name: string, storage: Items): ChannelStore {
  const channelsKey = `${name}.channels`;
  const unminedKey = (sender: Address): string => `${name}.unmined.${sender}`;
  const read = <T>(key: string, parse: (text: string) => T): T | undefined => {
    const text = attempt(() => storage.getItem(key));
    return text === null ? undefined : parse(text);
  };
  const write = (key: string, text: string | undefined): void =>
    attempt(() => (text === undefined ? storage.removeItem(key) : storage.setItem(key, text)));
  const load = (): readonly Channel[] => read(channelsKey, parseChannels) ?? [];

  return {
    load: async () => load(),
    save: async (channel) => write(channelsKey, writeChannels(replaced(load(), channel))),
    forget: async (id) => {
      write(channelsKey, writeChannels(load().filter((known) => !sameChannel(known, id))));
    },
    loadUnmined: async (sender) => read(unminedKey(sender), parseUnmined),
    saveUnmined: async (unmined) => write(unminedKey(unmined.sender), writeUnmined(unmined)),
    dropUnmined: async (sender) => write(unminedKey(sender), undefined),
  };
}

/** The channels with this one in place of its last state. */
export function replaced(channels: readonly Channel[], channel: Channel): readonly Channel[] {
  return [...channels.filter((known) => !sameChannel(known, channel)), channel];
}

/** As JSON; amounts are decimal texts. */
export function writeChannels(channels: readonly Channel[]): string {
  return JSON.stringify(channels, (_key, value: unknown) => (typeof value === "bigint" ? String(value) : value), 1);
}

/**
 * Reads what {@link writeChannels} wrote.
 *
 * @throws {ValueError}
 */
export function parseChannels(text: string): Channel[] {
  const list: unknown = parse(text);
  if (!Array.isArray(list)) throw new ValueError("list of channels", text, "a JSON array is expected");
  return list.map((entry: Record<string, unknown>) => ({
    ...parties(entry),
    openBlock: parseBlock(String(entry["openBlock"])),
    deposit: parseAmount(String(entry["deposit"])),
    balance: optional(entry["balance"], (value) => parseAmount(String(value))),
    signature: optional(entry["signature"], (value) => parseSignature(String(value))),
    pending: optional(entry["pending"], (value) => signed(value as Record<string, unknown>)),
    closing: entry["closing"] === true,
  }));
}

/** Only what names it: whoever calls may give a whole channel. */
function writeUnmined({ contract, receiver, sender, openBlock, transaction }: Unmined): string {
  return JSON.stringify({ contract, receiver, sender, openBlock, transaction });
}

function parseUnmined(text: string): Unmined {
  const entry = parse(text) as Record<string, unknown>;
  const transaction = String(entry["transaction"]);
  if (!/^0x[0-9a-f]{64}$/.test(transaction)) {
    throw new ValueError("transaction", transaction, "0x and 64 hex digits are expected");
  }
  const openBlock = optional(entry["openBlock"], (value) => parseBlock(String(value)));
  return { ...parties(entry), openBlock, transaction: transaction as Hex };
}

function parties(entry: Record<string, unknown>): Omit<ChannelId, "openBlock"> {
  return {
    contract: parseAddress(String(entry["contract"])),
    receiver: parseAddress(String(entry["receiver"])),
    sender: parseAddress(String(entry["sender"])),
  };
}

function signed(entry: Record<string, unknown>): Signed {
  return {
    balance: parseAmount(String(entry["balance"])),
    signature: parseSignature(String(entry["signature"])),
  };
}

function optional<T>(value: unknown, read: (value: unknown) => T): T | undefined {
  return value === undefined || value === null ? undefined : read(value);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ValueError("JSON", text, String(error));
  }
}

function attempt<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new NotSaved(error);
  }
}

import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, describe, expect, test } from "vitest";

import { type ChannelStore, memoryStore, parseBlock, webStore } from "../src/index.js";
import { fileStore } from "../src/node.js";
import { channel, proof, wallet } from "./ground.js";

const folder = mkdtempSync(join(tmpdir(), "uraiden-store-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;

function newPath(): string {
  files += 1;
  return join(folder, `${files}.json`);
}

/** What a browser has. */
function storage(): Storage {
  const items = new Map<string, string>();
  return {
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
    removeItem: (key: string) => void items.delete(key),
  } as Storage;
}

const paid = { ...channel, balance: proof(3n).balance, signature: proof(3n).signature, pending: proof(6n) };
const other = { ...channel, openBlock: parseBlock("15"), closing: true };
const unmined = { ...channel, openBlock: undefined, transaction: `0x${"ab".repeat(32)}` } as const;

describe.each([
  ["memory", () => memoryStore()],
  ["local storage", () => webStore("uraiden.1", storage())],
  ["a file", () => fileStore(newPath())],
] as const)("a store in %s", (_where, open: () => ChannelStore) => {
  test("keeps the last state of each channel", async () => {
    const store = open();
    expect(await store.load()).toEqual([]);
    await store.save(channel);
    await store.save(other);
    await store.save(paid);
    expect(await store.load()).toEqual([other, paid]);
    await store.forget(other);
    expect(await store.load()).toEqual([paid]);
  });

  test("keeps a deposit on its way until its fate is known", async () => {
    const store = open();
    await store.saveUnmined(unmined);
    expect(await store.loadUnmined(wallet.address)).toMatchObject({ openBlock: undefined, transaction: unmined.transaction });
    await store.saveUnmined({ ...unmined, openBlock: parseBlock("14") });
    expect((await store.loadUnmined(wallet.address))?.openBlock).toBe(14);
    await store.dropUnmined(wallet.address);
    expect(await store.loadUnmined(wallet.address)).toBeUndefined();
  });
});

test("chains do not share channels", async () => {
  const items = storage();
  await webStore("uraiden.1", items).save(channel);
  expect(await webStore("uraiden.2", items).load()).toEqual([]);
});

test("what cannot be kept is told before anything is sent", async () => {
  const full = { ...storage(), setItem: () => { throw new DOMException("full", "QuotaExceededError"); } };
  await expect(webStore("uraiden.1", full).save(channel)).rejects.toMatchObject({ name: "NotSaved" });
});

test.each(["{", "{}", '[{"contract": "0x12"}]', '[{"deposit": -1}]'])("%s is no list of channels", async (text) => {
  const items = storage();
  items.setItem("uraiden.1.channels", text);
  await expect(webStore("uraiden.1", items).load()).rejects.toMatchObject({ name: "ValueError" });
});

describe("a file", () => {
  test("outlives its process, for its owner only", async () => {
    const path = newPath();
    const store = fileStore(path);
    await store.save(paid);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(() => fileStore(path)).toThrow(expect.objectContaining({ name: "StoreInUse", pid: process.pid }));
    store.close();
    expect(await fileStore(path).load()).toEqual([paid]);
  });

  test("is taken over from a process that has died", () => {
    const path = newPath();
    // Linux never gives a process this number.
    writeFileSync(`${path}.lock`, String(2 ** 31 - 1));
    fileStore(path).close();
    expect(() => readFileSync(`${path}.lock`)).toThrow("ENOENT");
  });

  test.each(["{", "[1]", "null", '{"a": 1}'])("that holds %s is not overwritten", (content) => {
    const path = newPath();
    writeFileSync(path, content);
    expect(() => fileStore(path)).toThrow(expect.objectContaining({ name: "ValueError", message: expect.stringContaining(path) }));
    expect(readFileSync(path, "utf8")).toBe(content);
  });
});

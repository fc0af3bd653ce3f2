import { expect, test } from "vitest";

import { leaseLock, type Lock, queueLock } from "../src/index.js";

const TIMING = { life: 200, renewal: 20, poll: 10 };

function shared(): Storage {
  const items = new Map<string, string>();
  return {
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
    removeItem: (key: string) => void items.delete(key),
  } as Storage;
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((done) => setTimeout(done, milliseconds));
}

/** How many are at work at once, at most. */
async function crowd(locks: readonly Lock[]): Promise<number> {
  let [now, most] = [0, 0];
  const work = async (): Promise<void> => {
    now += 1;
    most = Math.max(most, now);
    await pause(30);
    now -= 1;
  };
  await Promise.all(locks.map((lock) => lock(work)));
  return most;
}

test("a queue lets one work at a time, also after one that failed", async () => {
  const lock = queueLock();
  await expect(lock(() => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
  expect(await crowd([lock, lock, lock])).toBe(1);
});

test("tabs that share a lease work one at a time", async () => {
  const storage = shared();
  const tab = () => leaseLock("uraiden.1", storage, TIMING);
  const [one, two] = [tab(), tab()];
  expect(await crowd([one, one, two, tab()])).toBe(1);
  expect(storage.getItem("uraiden.1.lease")).toBeNull();
});

test("a lease is renewed as long as its work takes", async () => {
  const storage = shared();
  const order: string[] = [];
  const long = leaseLock("uraiden.1", storage, TIMING)(async () => {
    await pause(3 * TIMING.life);
    order.push("long");
  });
  await pause(5 * TIMING.poll);
  await leaseLock("uraiden.1", storage, TIMING)(async () => void order.push("short"));
  await long;
  expect(order).toEqual(["long", "short"]);
});

test("the lease of a tab that has gone away ends by itself", async () => {
  const storage = shared();
  storage.setItem("uraiden.1.lease", `${Date.now() + TIMING.life} gone`);
  const started = Date.now();
  await leaseLock("uraiden.1", storage, TIMING)(async () => undefined);
  expect(Date.now() - started).toBeGreaterThanOrEqual(TIMING.life);
});

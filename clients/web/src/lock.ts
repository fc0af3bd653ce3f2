/** One at a time, in one program or over all tabs of a site. */

/** Runs work while nobody else does. */
export type Lock = <T>(work: () => Promise<T>) => Promise<T>;

/** A queue within this program. */
export function queueLock(): Lock {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work, work);
    last = mine.catch(() => undefined);
    return mine;
  };
}

/** How long a lease is good for without being renewed, and how often it is, in milliseconds. */
const LEASE = { life: 5000, renewal: 1000, poll: 200 };

/**
 * Over all tabs of this origin. By the Web Locks API, which browsers have under https and on loopback; elsewhere by a
 * lease in the store that the tabs share. A tab that goes away gives its lock back.
 */
export function tabsLock(name: string, storage: Storage): Lock {
  const locks = (globalThis.navigator as Partial<Navigator> | undefined)?.locks;
  return locks ? (work) => locks.request(name, work) as ReturnType<typeof work> : leaseLock(name, storage);
}

/**
 * A lease: who holds it renews it, and one that was not renewed for a while is free. Two tabs that take a free one in
 * the same instant can both get it; the server still accepts each payment once.
 */
export function leaseLock(name: string, storage: Storage, timing = LEASE): Lock {
  const key = `${name}.lease`;
  const me = crypto.getRandomValues(new Uint32Array(2)).join("-");
  const queue = queueLock();
  const write = (): void => storage.setItem(key, `${Date.now() + timing.life} ${me}`);
  const holder = (): string | undefined => {
    const [until, who] = (storage.getItem(key) ?? "").split(" ");
    return Number(until) > Date.now() ? who : undefined;
  };

  async function take(): Promise<void> {
    for (;;) {
      if (holder() === undefined) write();
      // The last of those who write at the same time has it.
      await new Promise((done) => setTimeout(done, timing.poll));
      if (holder() === me) return;
    }
  }

  return (work) =>
    queue(async () => {
      await take();
      const renewal = setInterval(write, timing.renewal);
      try {
        return await work();
      } finally {
        clearInterval(renewal);
        storage.removeItem(key);
      }
    });
}

/** What only Node has: channels in a file. Browsers use `webStore`. */

import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

import { text, UraidenError, ValueError } from "./error.js";
import { type ChannelStore, webStore } from "./store.js";

/** Another process uses the file. */
export class StoreInUse extends UraidenError {
  override readonly name = "StoreInUse";

  constructor(
    readonly path: string,
    /** The other process. */
    readonly pid: number,
  ) {
    super(
      `${path} is used by process ${pid}, and two that sign for one channel would lose payments; ` +
        "wait for it, or give each process a file and a key of its own",
    );
  }
}

/** A store that can be given back before the process ends. */
export interface FileStore extends ChannelStore {
  /** Lets another process use the file. Nothing may be saved after it. */
  close(): void;
}

/**
 * Keeps channels in a file that only its owner can read, made where there is none. What was saved is on the disk. One
 * process at a time: a second one is refused, and the lock of one that has died is taken over.
 *
 * `name` should differ from chain to chain, as it does for `webStore`.
 *
 * @throws {StoreInUse}
 * @throws {ValueError} where the file holds something else.
 */
export function fileStore(path: string, name = "uraiden"): FileStore {
  const lock = `${path}.lock`;
  take(path, lock);
  try {
    const items = read(path);
    const change = (changed: Map<string, string>): void => {
      write(path, changed);
      items.clear();
      for (const [key, value] of changed) items.set(key, value);
    };
    const storage = {
      getItem: (key: string) => items.get(key) ?? null,
      setItem: (key: string, value: string) => change(new Map(items).set(key, value)),
      removeItem: (key: string) => change(new Map([...items].filter(([other]) => other !== key))),
    };
    return { ...webStore(name, storage), close: () => rmSync(lock) };
  } catch (error) {
    rmSync(lock);
    throw error;
  }
}

/** Only its owner may read what signatures are in it. */
const MODE = 0o600;

function take(path: string, lock: string): void {
  try {
    writeFileSync(lock, String(process.pid), { flag: "wx", mode: MODE });
  } catch (error) {
    if (!isCode(error, "EEXIST")) throw error;
    const pid = Number(readFileSync(lock, "utf8"));
    if (pid === process.pid || isAlive(pid)) throw new StoreInUse(path, pid);
    rmSync(lock);
    take(path, lock);
  }
}

function isAlive(pid: number): boolean {
  try {
    return Number.isInteger(pid) && pid > 0 && process.kill(pid, 0);
  } catch (error) {
    // It belongs to somebody else.
    return isCode(error, "EPERM");
  }
}

function read(path: string): Map<string, string> {
  let content: string;
  try {
    content = readFileSync(path, "utf8");
  } catch (error) {
    if (isCode(error, "ENOENT")) return new Map();
    throw error;
  }
  const expected = (why: string): ValueError => new ValueError(`file ${path}`, content, why);
  let items: unknown;
  try {
    items = JSON.parse(content);
  } catch (error) {
    throw expected(text(error));
  }
  if (typeof items !== "object" || items === null || !Object.values(items).every((item) => typeof item === "string")) {
    throw expected("an object of texts is expected");
  }
  return new Map(Object.entries(items as Record<string, string>));
}

/** Whole or not at all, and on the disk when it is done. */
function write(path: string, items: ReadonlyMap<string, string>): void {
  const fresh = `${path}.new`;
  writeFileSync(fresh, JSON.stringify(Object.fromEntries(items), null, 1), { mode: MODE, flush: true });
  renameSync(fresh, path);
  const folder = openSync(dirname(path), "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

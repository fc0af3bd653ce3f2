/** JSON whose integers may be wider than a float can hold. */

import { ValueError } from "./error.js";

/** A string, or a number with its parts. Strings come first, so that digits inside them are left alone. */
const TOKENS = /"(?:[^"\\]|\\.)*"|-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/g;

/** The key of the object that stands for an integer between the two passes. */
const INTEGER = "\u0000integer";

/**
 * Reads JSON; integers come as bigint, other numbers as they do.
 *
 * @throws {ValueError}
 */
export function parseJson(text: string): unknown {
  const marked = text.replace(TOKENS, (token, fraction?: string, exponent?: string) =>
    token.startsWith('"') || fraction || exponent ? token : `{${JSON.stringify(INTEGER)}:"${token}"}`,
  );
  try {
    return JSON.parse(marked, (_key, value: unknown) => {
      if (typeof value !== "object" || value === null || !(INTEGER in value)) return value;
      return BigInt(String(value[INTEGER]));
    });
  } catch (error) {
    throw new ValueError("JSON", text, error instanceof Error ? error.message : String(error));
  }
}

/** Reads a JSON object; the values of its keys have to be checked one by one. */
export function parseObject(text: string): Readonly<Record<string, unknown>> {
  const value = parseJson(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ValueError("JSON object", text, "an object is expected");
  }
  return value as Record<string, unknown>;
}

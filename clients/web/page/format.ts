/** Figures and names, for people. */

import { type Address, type TokenFacts } from "../src/index.js";

/** An amount in whole tokens, exactly; in base units where it is not known what a whole one is. */
export function formatAmount(amount: bigint, token: TokenFacts | undefined): string {
  if (!token) return `${grouped(String(amount))} base units`;
  return `${formatDecimal(amount, token.decimals)} ${token.symbol}`;
}

/** An amount in whole tokens, without the symbol. */
export function formatDecimal(amount: bigint, decimals: number): string {
  const digits = String(amount).padStart(decimals + 1, "0");
  const whole = grouped(digits.slice(0, digits.length - decimals));
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, "");
  return fraction === "" ? whole : `${whole}.${fraction}`;
}

/** Reads an amount in whole tokens; nothing is rounded. `undefined` where it is no such amount. */
export function parseDecimal(text: string, decimals: number): bigint | undefined {
  const match = /^\s*([0-9][0-9,]*)?(?:\.([0-9]*))?\s*$/.exec(text);
  const [whole = "", fraction = ""] = (match ?? []).slice(1);
  if (!match || whole + fraction === "" || fraction.length > decimals) return undefined;
  // Commas only where formatDecimal puts them.
  const digits = whole.replaceAll(",", "");
  if (whole.includes(",") && grouped(digits) !== whole) return undefined;
  return BigInt(digits + fraction.padEnd(decimals, "0"));
}

/** The ends of an address. */
export function formatAddress(address: Address): string {
  return `${address.slice(0, 8)}…${address.slice(-6)}`;
}

/** The names of chains that people know by name. */
const CHAINS: Readonly<Record<number, string>> = {
  1: "Ethereum",
  10: "OP Mainnet",
  61: "Ethereum Classic",
  100: "Gnosis",
  137: "Polygon",
  1337: "a development chain (1337)",
  8453: "Base",
  31337: "a development chain (31337)",
  42161: "Arbitrum One",
  11155111: "Sepolia",
};

/** A chain's name, or its number. */
export function chainName(chainId: number): string {
  return CHAINS[chainId] ?? `chain ${chainId}`;
}

/** `1 block`, `2 blocks`. */
export function count(number: bigint | number, one: string): string {
  return `${grouped(String(number))} ${one}${BigInt(number) === 1n ? "" : "s"}`;
}

function grouped(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+$)/g, ",");
}

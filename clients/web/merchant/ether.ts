/** Ether, to six decimals: what a transaction costs is not worth more of them. */

import { formatDecimal } from "../page/format.js";

/** A millionth of an ether, in wei. */
const UNIT = 10n ** 12n;

/** Rounded up, so that nothing looks free that is not. */
export function formatEther(wei: bigint): string {
  return `${formatDecimal((wei + UNIT - 1n) / UNIT, 6)} ETH`;
}

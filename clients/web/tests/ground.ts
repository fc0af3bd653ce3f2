/** A channel, and what its sender signs, for tests without a chain. */

import {
  balanceProofMessage,
  type Channel,
  opened,
  parseAddress,
  parseBlock,
  parseSignature,
  type Signed,
  type Terms,
  parsePrice,
  tokenAmount,
} from "../src/index.js";
import { fakeWallet, signLegacy } from "./fake-wallet.js";

export const wallet = fakeWallet();
const contract = parseAddress("0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512");
const receiver = parseAddress("0x70997970C51812dc3A010C7d01b50e0d17dc79C8");

/** A channel with a deposit of 100. */
export const channel: Channel = opened(
  { contract, receiver, sender: wallet.address, openBlock: parseBlock("14") },
  tokenAmount(100n),
);

/** The sender's proof of a balance. */
export function proof(balance: bigint, key = wallet.key): Signed {
  const amount = tokenAmount(balance);
  return { balance: amount, signature: parseSignature(signLegacy(key, balanceProofMessage(channel, amount))) };
}

/** What is asked: 3 for a request. */
export const terms: Terms = {
  price: parsePrice("3"),
  contract,
  receiver,
  token: parseAddress("0x5FbDB2315678afecb367f032d93F642f64180aa3"),
  gatewayPath: "/api/1",
};

/** A wallet that signs as wallets do: by `@metamask/eth-sig-util`, not by our own code. */

import { SignTypedDataVersion, signTypedData, type TypedDataV1 } from "@metamask/eth-sig-util";
import { generatePrivateKey, privateKeyToAddress } from "viem/accounts";

import { parseAddress, type Provider, type Wallet } from "../src/index.js";

/** What a provider rejects with. */
export class ProviderError extends Error {
  constructor(
    readonly code: number,
    message = "",
  ) {
    super(message);
  }
}

/** A wallet, and what it was asked. */
export interface FakeWallet extends Wallet {
  readonly key: `0x${string}`;
  /** The methods of the requests, in order. */
  readonly asked: string[];
}

type Answer = (params: unknown) => unknown;

/** `answers` come before the wallet's own; what has neither is an unknown method. */
export function fakeWallet(answers: Record<string, Answer> = {}, key = generatePrivateKey()): FakeWallet {
  const address = parseAddress(privateKeyToAddress(key));
  const asked: string[] = [];
  const own: Record<string, Answer> = {
    eth_requestAccounts: () => [address.toLowerCase()],
    eth_accounts: () => [address.toLowerCase()],
    eth_chainId: () => "0x7a69",
    eth_signTypedData: (params) => signLegacy(key, (params as [TypedDataV1])[0]),
  };
  const provider: Provider = {
    async request({ method, params }) {
      asked.push(method);
      const answer = answers[method] ?? own[method];
      if (!answer) throw new ProviderError(-32601, `no ${method}`);
      return answer(params);
    },
  };
  return { provider, address, key, asked };
}

/** Signs legacy typed data. */
export function signLegacy(key: `0x${string}`, data: TypedDataV1): string {
  return signTypedData({ privateKey: Buffer.from(key.slice(2), "hex"), data, version: SignTypedDataVersion.V1 });
}

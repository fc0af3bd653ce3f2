import { expect, test } from "vitest";

import { connect, connected, needChain, signBalance, switchChain, tokenAmount, walletError } from "../src/index.js";
import { fakeWallet, ProviderError, signLegacy } from "./fake-wallet.js";
import { channel, proof, wallet } from "./ground.js";

test.each([
  [4001, "UserRejected"],
  [4100, "NotConnected"],
  [4200, "Unsupported"],
  [-32601, "Unsupported"],
  [-32004, "Unsupported"],
  [-32002, "WalletBusy"],
  [4900, "WalletFailed"],
  [-32603, "WalletFailed"],
])("a wallet's code %s means %s, however it is wrapped", (code, name) => {
  const error = new ProviderError(code, "no");
  expect(walletError("eth_sign", error).name).toBe(name);
  expect(walletError("eth_sign", new Error("outer", { cause: new Error("inner", { cause: error }) })).name).toBe(name);
});

test.each([undefined, "no", new Error("no"), { code: "4001" }])("an error without a code is the wallet's own: %s", (error) => {
  expect(walletError("eth_sign", error)).toMatchObject({ name: "WalletFailed", method: "eth_sign" });
});

test("a wallet is connected with its first account, or not at all", async () => {
  const fake = fakeWallet();
  expect((await connect(fake.provider)).address).toBe(fake.address);
  expect((await connected(fake.provider))?.address).toBe(fake.address);
  const shy = fakeWallet({ eth_requestAccounts: () => [], eth_accounts: () => [] });
  await expect(connect(shy.provider)).rejects.toMatchObject({ name: "NotConnected" });
  expect(await connected(shy.provider)).toBeUndefined();
});

test("payments are on one chain, and a wallet on another is told so", async () => {
  const { provider, asked } = fakeWallet({
    wallet_switchEthereumChain: () => {
      throw new ProviderError(4902, "unknown chain");
    },
  });
  await needChain(provider, 31337);
  await expect(needChain(provider, 1)).rejects.toMatchObject({ name: "OtherChain", expected: 1, found: 31337 });
  await expect(switchChain(provider, 1)).rejects.toMatchObject({ name: "UnknownChain", chainId: 1 });
  expect(asked).toContain("wallet_switchEthereumChain");
});

test("a balance is signed by the wallet, as legacy typed data", async () => {
  expect(await signBalance(wallet, channel, tokenAmount(7n))).toEqual(proof(7n));
});

test("a signature that is not the account's, or not of the balance, is not taken", async () => {
  const stranger = fakeWallet();
  for (const answer of [
    (params: unknown) => signLegacy(stranger.key, (params as [never])[0]),
    () => proof(8n).signature,
    () => "0x",
    () => null,
  ]) {
    const { provider } = fakeWallet({ eth_signTypedData: answer }, wallet.key);
    await expect(signBalance({ ...wallet, provider }, channel, tokenAmount(7n))).rejects.toMatchObject({
      name: "SignedOtherwise",
      expected: wallet.address,
    });
  }
});

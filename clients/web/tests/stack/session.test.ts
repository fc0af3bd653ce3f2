import { toFunctionSelector } from "viem";
import { expect, test } from "vitest";

import { createSession, memoryStore, paidFor, policy, type SessionOptions, tokenAmount } from "../../src/index.js";
import { account, contract, mine, paidUrl, receiver, stack, tokensOf } from "./ground.js";
import { PRICE } from "./setup.js";

const LIMITS = { maxPrice: tokenAmount(PRICE), maxDeposit: tokenAmount(PRICE * 5n), poll: 200 };

function session(options: Pick<SessionOptions, "wallet"> & Partial<SessionOptions>) {
  const { wallet } = options;
  return createSession({ policy: policy({ ...LIMITS, deposit: { payments: 3n } }), ...options, wallet });
}

test("a new account opens, pays, tops up and closes", async () => {
  const wallet = await account(PRICE * 10n);
  const store = memoryStore();
  const client = session({ wallet, store });

  const first = await client.fetch(paidUrl("session"));
  expect(first.status).toBe(200);
  expect(((await first.json()) as { path: string }).path).toBe(`${stack.paidPath}/session`);
  expect(paidFor(first)?.amount).toBe(PRICE);
  for (const deposit of [3n, 3n, 5n]) {
    const next = await client.fetch(paidUrl("session"));
    expect(next.status).toBe(200);
    expect((await client.channels())[0]?.deposit).toBe(PRICE * deposit);
  }
  const [channel] = await client.channels();
  expect(channel).toMatchObject({ balance: PRICE * 4n, pending: undefined, contract, receiver });
  if (!channel) throw new Error("no channel");

  const before = await tokensOf(receiver);
  const settlement = await client.closeCooperatively(`${stack.envoyUrl}/api/1`, channel);
  expect(settlement).toMatchObject({ balance: PRICE * 4n, receiverTokens: PRICE * 4n });
  expect((await tokensOf(receiver)) - before).toBe(PRICE * 4n);
  expect(await tokensOf(wallet.address)).toBe(PRICE * 6n);
  await client.forget(channel);
  expect(await client.channels()).toEqual([]);
});

test("a session that has lost its store finds the channel on chain and the balance at the server", async () => {
  const wallet = await account(PRICE * 3n);
  await session({ wallet }).fetch(paidUrl("lost"));
  const again = session({ wallet });
  const answer = await again.fetch(paidUrl("lost"));
  expect(answer.status).toBe(200);
  // Asked, asked for the balance by a proof of 0, paid.
  expect(paidFor(answer)).toEqual({ amount: PRICE, roundTrips: 3 });
  expect(await again.channels()).toMatchObject([{ balance: PRICE * 2n, deposit: PRICE * 3n }]);
});

test("a channel is closed without the receiver and settled after the challenge period", async () => {
  const wallet = await account(PRICE * 3n);
  const client = session({ wallet });
  await client.fetch(paidUrl("alone"));
  const [channel] = await client.channels();
  if (!channel) throw new Error("no channel");
  await client.closeUncooperatively(channel);
  await expect(client.settle(channel)).rejects.toMatchObject({ name: "Reverted", why: expect.stringContaining("ChallengePeriodRunning") });
  await mine(501);
  expect(await client.settle(channel)).toMatchObject({ balance: PRICE });
  expect(await tokensOf(wallet.address)).toBe(PRICE * 2n);
});

test("an account without tokens is told what it needs", async () => {
  const wallet = await account(0n);
  await expect(session({ wallet }).fetch(paidUrl("poor"))).rejects.toMatchObject({
    name: "TooFewTokens",
    has: 0n,
    needs: PRICE * 3n,
  });
});

test("a token without ERC-223 is approved first", async () => {
  const wallet = await account(PRICE * 3n);
  const sent: unknown[] = [];
  const provider = {
    async request(request: { method: string; params?: unknown }) {
      const [call] = (request.params ?? []) as [{ data?: string }];
      // transfer(address,uint256,bytes), which plain tokens do not know.
      if (request.method === "eth_call" && call.data?.startsWith("0xbe45fd62")) {
        throw Object.assign(new Error("execution reverted"), { code: 3, data: "0x" });
      }
      if (request.method === "eth_sendTransaction") sent.push(call.data?.slice(0, 10));
      return wallet.provider.request(request);
    },
  };
  const client = session({ wallet: { ...wallet, provider } });
  expect((await client.fetch(paidUrl("plain"))).status).toBe(200);
  expect(sent).toEqual(["approve(address,uint256)", "createChannel(address,uint192)"].map(toFunctionSelector));
  expect(await client.channels()).toMatchObject([{ deposit: PRICE * 3n, balance: PRICE }]);
});

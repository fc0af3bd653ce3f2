/** Ending a channel, with the receiver's agreement or without. */

import { closeWithAgreement, requestClose, type Settlement } from "./chain/close.js";
import type { Mined, OnSent } from "./chain/transact.js";
import { ZERO } from "./amount.js";
import { type Channel, type ChannelId, holding, sameChannel } from "./channel.js";
import { verified } from "./charge.js";
import { ChannelRefused, FalseAgreement, NothingPaid, UnknownChannel } from "./error.js";
import { type Gateway, getChannel, requestAgreement } from "./gateway.js";
import { agreementSigner, type Signed } from "./proof.js";
import type { Signature } from "./signature.js";
import type { Context } from "./session.js";
import type { Wallet } from "./wallet/provider.js";
import { signBalance } from "./wallet/sign.js";

/** What a channel can be closed with at once. */
interface Agreed {
  readonly proof: Signed;
  readonly agreement: Signature;
}

/** What closing needs of a session. The caller holds its lock. */
type Closer = Pick<Context, "wallet" | "chain" | "store">;

/** See `Session.closeCooperatively`. */
export async function closeCooperatively(
  closer: Closer,
  gateway: Gateway,
  id: ChannelId,
  onSent?: OnSent,
): Promise<Settlement> {
  const { chain, wallet, store } = closer;
  const channel = await knowBalance(wallet, gateway, await end(closer, id));
  await store.save(channel);
  const { proof, agreement } = await agree(wallet, gateway, channel);
  return closeWithAgreement(chain, id, proof, agreement, onSent);
}

/** See `Session.closeUncooperatively`. */
export async function closeUncooperatively(closer: Closer, id: ChannelId, onSent?: OnSent): Promise<Mined> {
  const { pending, balance } = await end(closer, id);
  // Where the last payment's fate is unknown the server may hold it, and would challenge anything less.
  return requestClose(closer.chain, id, pending?.balance ?? balance ?? ZERO, onSent);
}

/**
 * The channel with the balance that the server holds: as we know it, or asked for and proved by our own signature.
 * The wallet is asked to sign only where we have no proof at all, and then a balance of 0, which is worth nothing.
 *
 * @throws {FalseBalance}
 * @throws {ChannelRefused} where the server does not know the channel.
 */
export async function knowBalance(wallet: Wallet, gateway: Gateway, channel: Channel): Promise<Channel> {
  const { balance, signature, pending } = channel;
  if (balance !== undefined && !pending) return channel;
  const mine = pending ?? (balance !== undefined && signature ? { balance, signature } : undefined);
  const proof = mine ?? (await signBalance(wallet, channel, ZERO));
  const server = await getChannel(gateway, channel, proof);
  if (!server) throw new ChannelRefused(channel);
  return holding(channel, await verified(server.held, channel), server.held.signature);
}

async function agree(wallet: Wallet, gateway: Gateway, channel: Channel): Promise<Agreed> {
  const balance = channel.balance ?? ZERO;
  if (balance === 0n) throw new NothingPaid(channel);
  const { signature } = channel;
  const proof = signature ? { balance, signature } : await signBalance(wallet, channel, balance);
  const agreement = await requestAgreement(gateway, channel, proof);
  const signer = await agreementSigner(channel, { balance, signature: agreement });
  if (signer !== channel.receiver) throw new FalseAgreement(channel.receiver);
  return { proof, agreement };
}

/** Marks the channel, so that it pays no more, whatever becomes of its closing. */
async function end({ store }: Closer, id: ChannelId): Promise<Channel> {
  const channel = (await store.load()).find((known) => sameChannel(known, id));
  if (!channel) throw new UnknownChannel(id);
  const ending = { ...channel, closing: true };
  await store.save(ending);
  return ending;
}

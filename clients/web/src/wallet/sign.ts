/** Signing balances in a wallet. */

import type { TokenAmount } from "../amount.js";
import type { ChannelId } from "../channel.js";
import { balanceProofMessage } from "../digest.js";
import { ValueError } from "../error.js";
import { proofSigner, type Signed } from "../proof.js";
import { parseSignature } from "../signature.js";
import { SignedOtherwise } from "./error.js";
import { call, type Wallet } from "./provider.js";

/**
 * Asks the wallet for a balance proof, by `eth_signTypedData` in its legacy form, and checks it.
 *
 * It signs whatever balance it is given: deposit, price and what was signed before are the caller's business.
 *
 * @throws {UserRejected}
 * @throws {SignedOtherwise}
 */
export async function signBalance(wallet: Wallet, channel: ChannelId, balance: TokenAmount): Promise<Signed> {
  const params = [balanceProofMessage(channel, balance), wallet.address];
  const answer = String(await call(wallet.provider, "eth_signTypedData", params));
  let proof: Signed;
  try {
    proof = { balance, signature: parseSignature(answer) };
  } catch (error) {
    if (error instanceof ValueError) throw new SignedOtherwise(channel.sender, undefined);
    throw error;
  }
  const signer = await proofSigner(channel, proof);
  if (signer !== channel.sender) throw new SignedOtherwise(channel.sender, signer);
  return proof;
}

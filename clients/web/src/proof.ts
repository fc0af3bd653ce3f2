/** Balance proofs and closing agreements. */

import type { Address } from "./address.js";
import type { TokenAmount } from "./amount.js";
import type { ChannelId } from "./channel.js";
import { balanceProofMessage, closingMessage, digestOf } from "./digest.js";
import * as header from "./header.js";
import { type Signature, signerOf } from "./signature.js";

/** A balance and a signature of it. Whose signature it is has to be asked. */
export interface Signed {
  readonly balance: TokenAmount;
  readonly signature: Signature;
}

/** Who signed a balance proof; `undefined` where no key can have. */
export function proofSigner(channel: ChannelId, proof: Signed): Promise<Address | undefined> {
  return signerOf(digestOf(balanceProofMessage(channel, proof.balance)), proof.signature);
}

/** Who signed a closing agreement; `undefined` where no key can have. */
export function agreementSigner(channel: ChannelId, agreement: Signed): Promise<Address | undefined> {
  return signerOf(digestOf(closingMessage(channel, agreement.balance)), agreement.signature);
}

/** The six headers that carry a balance proof. */
export function proofHeaders(channel: ChannelId, proof: Signed): [name: string, value: string][] {
  return [
    [header.CONTRACT_ADDRESS, channel.contract],
    [header.RECEIVER_ADDRESS, channel.receiver],
    [header.SENDER_ADDRESS, channel.sender],
    [header.OPEN_BLOCK, String(channel.openBlock)],
    [header.SENDER_BALANCE, String(proof.balance)],
    [header.BALANCE_SIGNATURE, proof.signature],
  ];
}

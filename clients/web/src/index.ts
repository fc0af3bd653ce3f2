/**
 * Pays for HTTP requests with µRaiden balance proofs.
 *
 * {@link createSession} is for programs and pages: it is given a wallet and limits, and its `fetch` pays as servers ask.
 * The functions below it are what it is made of, for those who put another course together.
 */

export * from "./address.js";
export * from "./amount.js";
export * from "./block.js";
export * from "./chain/client.js";
export * from "./chain/close.js";
export * from "./chain/deposit.js";
export * from "./chain/error.js";
export * from "./chain/read.js";
export { type Mined, type OnSent, receiptOf } from "./chain/transact.js";
export * from "./channel.js";
export * from "./charge.js";
export { closeCooperatively, closeUncooperatively, knowBalance } from "./closing.js";
export * from "./digest.js";
export * from "./error.js";
export * from "./gateway.js";
export * as header from "./header.js";
export * from "./json.js";
export * from "./judge.js";
export * from "./lock.js";
export { type Deposit, policy, type Policy } from "./policy.js";
export * from "./proof.js";
export { createSession, type Paid, paidFor, type Session, type SessionOptions } from "./session.js";
export * from "./signature.js";
export * from "./store.js";
export * from "./unmined.js";
export * from "./wallet/discover.js";
export * from "./wallet/error.js";
export * from "./wallet/key.js";
export * from "./wallet/provider.js";
export * from "./wallet/sign.js";

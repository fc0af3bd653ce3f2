/** What can go wrong on the chain. */

import {
  BaseError,
  ContractFunctionRevertedError,
  ExecutionRevertedError,
  type Hex,
} from "viem";

import type { Address } from "../address.js";
import { text, UraidenError } from "../error.js";
import { codeOf, walletError, WalletFailed } from "../wallet/error.js";

/** The node does not answer, or not what was asked. */
export class NodeFailed extends UraidenError {
  override readonly name = "NodeFailed";

  constructor(
    /** What was asked. */
    readonly call: string,
    cause: unknown,
  ) {
    super(`${call}: ${firstLine(cause)}; check the wallet's node`, { cause });
  }
}

/** The contract refuses. */
export class Reverted extends UraidenError {
  override readonly name = "Reverted";

  constructor(
    /** What was asked. */
    readonly call: string,
    /** The contract's error with its figures. */
    readonly why: string,
    cause: unknown,
  ) {
    super(`${call} is refused by the contract: ${why}; nothing has changed on the chain`, { cause });
  }
}

/** The transaction was mined, and failed. */
export class TransactionFailed extends UraidenError {
  override readonly name = "TransactionFailed";

  constructor(
    readonly call: string,
    readonly transaction: Hex,
  ) {
    super(`${call}: transaction ${transaction} failed; it may have come too late, try again`);
  }
}

/** The transaction was replaced in the wallet by one that does something else. */
export class Cancelled extends UraidenError {
  override readonly name = "Cancelled";

  constructor(
    readonly call: string,
    readonly transaction: Hex,
  ) {
    super(`${call}: transaction ${transaction} was cancelled in the wallet; nothing was locked, try again`);
  }
}

/** The transaction is not in a block yet. */
export class NotMined extends UraidenError {
  override readonly name = "NotMined";

  constructor(
    readonly call: string,
    readonly transaction: Hex,
    /** How long we waited, in milliseconds. */
    readonly waited: number,
  ) {
    super(`${call}: transaction ${transaction} is not mined after ${waited} ms; it may still be, so wait for it`);
  }
}

/** A mined transaction lacks the event that it is for. */
export class NoEvent extends UraidenError {
  override readonly name = "NoEvent";

  constructor(
    readonly transaction: Hex,
    readonly event: string,
    readonly contract: Address,
  ) {
    super(`transaction ${transaction} has no ${event}; is ${contract} a RaidenMicroTransferChannels?`);
  }
}

/** The server names another token than the contract. */
export class OtherToken extends UraidenError {
  override readonly name = "OtherToken";

  constructor(
    readonly found: Address,
    readonly expected: Address,
  ) {
    super(`the server says the token is ${found}, its contract says ${expected}; do not trust it`);
  }
}

/** The account cannot pay the deposit. */
export class TooFewTokens extends UraidenError {
  override readonly name = "TooFewTokens";

  constructor(
    readonly account: Address,
    readonly token: Address,
    /** What it has, in base units. */
    readonly has: bigint,
    /** What it needs, in base units. */
    readonly needs: bigint,
  ) {
    super(`${account} has ${has} of token ${token}, and ${needs} are needed; get some, or lock less`);
  }
}

/** Tells a refusal by the contract or by the wallet's user from a failure of the node. */
export function chainError(call: string, error: unknown): UraidenError {
  if (error instanceof UraidenError) return error;
  const why = revertReason(error);
  if (why !== undefined) return new Reverted(call, why, error);
  const byWallet = codeOf(error) === undefined ? undefined : walletError(call, error);
  return byWallet && !(byWallet instanceof WalletFailed) ? byWallet : new NodeFailed(call, error);
}

/** Whether the node ran the call and the contract refused it. Contracts of version 0.2.0 give no data with it. */
export function isRevert(error: unknown): boolean {
  return revertReason(error) !== undefined;
}

/** Whether the contract has no such function: it refuses, or answers with nothing or with something else. */
export function isUnknownFunction(error: unknown): boolean {
  const names = ["ContractFunctionZeroDataError", "PositionOutOfBoundsError"];
  const isOther = (at: unknown): boolean =>
    at instanceof Error && (names.includes(at.name) || at.name.startsWith("AbiDecoding"));
  return isRevert(error) || (error instanceof BaseError && error.walk(isOther) !== null);
}

function revertReason(error: unknown): string | undefined {
  if (!(error instanceof BaseError)) return undefined;
  const cause = error.walk(
    (at) => at instanceof ContractFunctionRevertedError || at instanceof ExecutionRevertedError,
  );
  if (cause instanceof ContractFunctionRevertedError) {
    const { data, reason, shortMessage } = cause;
    return data ? `${data.errorName}(${(data.args ?? []).join(", ")})` : (reason ?? shortMessage);
  }
  return cause instanceof ExecutionRevertedError ? cause.shortMessage : undefined;
}

function firstLine(error: unknown): string {
  return (error instanceof BaseError ? error.shortMessage : text(error)).split("\n", 1)[0] ?? "";
}

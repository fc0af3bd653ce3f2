/** What can go wrong in a wallet. */

import type { Address } from "../address.js";
import { text, UraidenError } from "../error.js";

/** The wallet's user said no. */
export class UserRejected extends UraidenError {
  override readonly name = "UserRejected";

  constructor(cause: unknown) {
    super("the request was rejected in the wallet; nothing was paid, ask again", { cause });
  }
}

/** The wallet shows another request already. */
export class WalletBusy extends UraidenError {
  override readonly name = "WalletBusy";

  constructor(cause: unknown) {
    super("the wallet is waiting for an answer already; open it and answer there", { cause });
  }
}

/** The wallet does not let this site see or use the account. */
export class NotConnected extends UraidenError {
  override readonly name = "NotConnected";

  constructor(cause?: unknown) {
    super("the wallet does not share an account with this site; connect it in the wallet", { cause });
  }
}

/** The wallet cannot do what is needed. */
export class Unsupported extends UraidenError {
  override readonly name = "Unsupported";

  constructor(
    /** The method of EIP-1193. */
    readonly method: string,
    cause: unknown,
  ) {
    super(`the wallet does not know ${method}, which µRaiden needs; use another wallet`, { cause });
  }
}

/** The signature is not that of the message and the account that were asked for. */
export class SignedOtherwise extends UraidenError {
  override readonly name = "SignedOtherwise";

  constructor(
    readonly expected: Address,
    /** Who the signature is of, if of anyone. */
    readonly found: Address | undefined,
  ) {
    super(
      `the wallet's signature is of ${found ?? "nobody"} instead of ${expected}: it does not sign legacy typed ` +
        "data as it should; use another wallet",
    );
  }
}

/** The wallet is connected to another chain. */
export class OtherChain extends UraidenError {
  override readonly name = "OtherChain";

  constructor(
    readonly expected: number,
    readonly found: number,
  ) {
    super(`the wallet is on chain ${found}, payments are on chain ${expected}; switch the network in the wallet`);
  }
}

/** The wallet does not know the chain to switch to. */
export class UnknownChain extends UraidenError {
  override readonly name = "UnknownChain";

  constructor(
    readonly chainId: number,
    cause: unknown,
  ) {
    super(`the wallet does not know chain ${chainId}; add the network in the wallet`, { cause });
  }
}

/** The wallet failed in a way of its own, or lost its connection. */
export class WalletFailed extends UraidenError {
  override readonly name = "WalletFailed";

  constructor(
    /** The method of EIP-1193. */
    readonly method: string,
    cause: unknown,
  ) {
    super(`the wallet failed at ${method}: ${text(cause)}; check its connection and try again`, { cause });
  }
}

/** What an error of a provider means, by the codes of EIP-1193, EIP-3085 and JSON-RPC. */
export function walletError(method: string, error: unknown): UraidenError {
  if (error instanceof UraidenError) return error;
  switch (codeOf(error)) {
    case 4001:
      return new UserRejected(error);
    case 4100:
      return new NotConnected(error);
    case 4200:
    case -32601:
    case -32004:
      return new Unsupported(method, error);
    case -32002:
      return new WalletBusy(error);
    default:
      return new WalletFailed(method, error);
  }
}

/** The first code on the way down to the error's cause: libraries wrap what the wallet said. */
export function codeOf(error: unknown): number | undefined {
  let at: unknown = error;
  for (let depth = 0; depth < 8 && typeof at === "object" && at !== null; depth += 1) {
    if ("code" in at && typeof at.code === "number") return at.code;
    at = "cause" in at ? at.cause : undefined;
  }
  return undefined;
}

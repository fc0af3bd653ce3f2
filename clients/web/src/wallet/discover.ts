/** Finding the wallets of a browser, by EIP-6963; one that does not announce itself is `window.ethereum`. */

import type { Provider } from "./provider.js";

/** A wallet that can be chosen. */
export interface WalletOffer {
  /** Its name, for people. */
  readonly name: string;
  /** A `data:` URL of its icon. */
  readonly icon: string | undefined;
  /** What names it from visit to visit: its reverse domain name. */
  readonly id: string;
  readonly provider: Provider;
}

/** The id of `window.ethereum` where it did not announce itself. */
export const UNANNOUNCED = "window.ethereum";

interface Announcement {
  readonly info: { readonly name: string; readonly icon: string; readonly rdns: string };
  readonly provider: Provider;
}

type Host = Window & { readonly ethereum?: Provider };

/**
 * Tells which wallets there are, now and whenever that changes. Wallets may announce themselves late.
 *
 * @returns what stops it.
 */
export function discoverWallets(tell: (offers: readonly WalletOffer[]) => void, host: Host = window): () => void {
  const announced = new Map<string, WalletOffer>();

  const hear = (event: Event): void => {
    const { detail } = event as CustomEvent<Announcement>;
    if (typeof detail?.provider?.request !== "function") return;
    const { name, icon, rdns } = detail.info;
    const isImage = typeof icon === "string" && icon.startsWith("data:image/");
    announced.set(rdns, { name, icon: isImage ? icon : undefined, id: rdns, provider: detail.provider });
    tell([...announced.values()]);
  };
  // Injected late by some wallets, which then say so with this event.
  const injected = (): void => {
    if (announced.size > 0) return;
    const { ethereum } = host;
    tell(ethereum ? [{ name: "Browser wallet", icon: undefined, id: UNANNOUNCED, provider: ethereum }] : []);
  };

  host.addEventListener("eip6963:announceProvider", hear);
  host.addEventListener("ethereum#initialized", injected);
  host.dispatchEvent(new Event("eip6963:requestProvider"));
  injected();
  return () => {
    host.removeEventListener("eip6963:announceProvider", hear);
    host.removeEventListener("ethereum#initialized", injected);
  };
}

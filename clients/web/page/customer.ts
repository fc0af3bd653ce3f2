/** Who is here, and the words in which a task tells how far it is. */

import type { Chain, Wallet } from "../src/index.js";
import type { Shop } from "./shop.js";
import type { Step, StepName, View } from "./view.js";

/** An account at a shop. */
export interface Customer {
  readonly shop: Shop;
  readonly wallet: Wallet;
  readonly chain: Chain;
}

/** Says which step a task is at, and how far within it. */
export type Tell = (step: StepName, progress?: Step["progress"]) => void;

/** What a task leads to: something to show, or that things have changed and have to be looked at anew. */
export type Outcome = View | "look";

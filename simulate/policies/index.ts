/** The policies that can be compared, by name. */
import { dexter } from "./dexter.ts";
import { Dynamic } from "./dynamic.ts";
import { FixedPools } from "./fixed.ts";
import { OnDemand } from "./on-demand.ts";
import type { MakePolicy } from "./policy.ts";

export const policies: Readonly<Record<string, MakePolicy>> = {
  dexter,
  static: (effects, node, functions) => new FixedPools(effects, node, functions),
  "on-demand": (effects, node, functions) => new OnDemand(effects, node, functions),
  dynamic: (effects, node, functions) => new Dynamic(effects, node, functions),
};

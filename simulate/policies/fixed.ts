/** Static pools: `start_threads` of each function in the whole node, from the start and for ever. */
import type { Effects } from "../../scheduler/policy/fleet.ts";
import type { NodeSettings, Request } from "./policy.ts";
import { Pools } from "./pools.ts";

export class FixedPools extends Pools {
  constructor(effects: Effects<Request>, node: NodeSettings, functions: readonly string[]) {
    super(effects, node, functions, Math.ceil((functions.length * node.startThreads) / node.servers));
    for (let round = 0; round < node.startThreads; round++)
      for (const line of this.lines.values()) this.start(line);
  }
}

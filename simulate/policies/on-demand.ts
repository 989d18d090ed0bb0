/**
 * Threads on demand: one is started for a request that finds none, and ended when it was not used for
 * `idle_timeout`. In a full node the thread used least recently gives way.
 */
import type { Effects } from "../../scheduler/policy/fleet.ts";
import type { NodeSettings, Request } from "./policy.ts";
import { type Line, Pools } from "./pools.ts";

export class OnDemand extends Pools {
  constructor(effects: Effects<Request>, node: NodeSettings, functions: readonly string[]) {
    super(effects, node, functions, node.maxThreads);
  }

  protected override onShortage(line: Line): void {
    while (line.starting < this.wanted(line) && this.start(line));
    if (this.servers.some((server) => server.hasFreeSlot)) return;
    let coming = this.starting;
    for (const server of this.servers) coming += server.freeing;
    for (const thread of this.idle) {
      if (coming * this.node.concurrency >= this.queue.size) return;
      if (thread.pool === line.spec.pool) continue;
      this.retire(thread);
      coming++;
    }
  }

  protected override onTick(nowMs: number): void {
    for (const thread of this.idle) {
      if (nowMs - thread.lastUsedMs < this.node.idleTimeoutMs) return;
      this.retire(thread);
    }
  }
}
